//! From tensors to what a run needs: quantized operands, scales between layers, golden results.

use ndarray::{Array1, Array2, Dimension, Ix1, Ix2};
use systole_hdl::Type;

use super::parameters::{Layer, Parameters, WIDEST_ACCUMULATOR};
use crate::common::load::{Loader, check_magnitudes, with_rank};
use crate::common::quantize::{is_fixed_point, quantize, quantize_with_scale, raw_range};
use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::report::Quantization;
use crate::systolic::compression::Compression;
use crate::systolic::golden::{self, Requantize};
use crate::systolic::hardware::{Dataflow, HardwareParameters};
use crate::systolic::schedule::{Schedule, Shape};

/// The greatest tile count that a job can state.
const MOST_TILES: usize = (1 << HardwareParameters::COUNT_BITS) - 1;
/// All data of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Workload {
    /// Operand A of the first layer, raw.
    pub input: Array2<i64>,
    /// The layers in order.
    pub layers: Vec<PreparedLayer>,
    /// The right class of each row of the last output, if the task is classification.
    pub labels: Option<Vec<usize>>,
}

/// One layer, quantized, with its golden and its floating-point result.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedLayer {
    /// Its tiling.
    pub schedule: Schedule,
    /// Operand B, raw.
    pub b: Array2<i64>,
    /// The bias in units of the accumulator; zeros where there is none.
    pub bias: Array1<i64>,
    /// Scaling from accumulators to outputs, if the hardware requantizes.
    pub requantize: Option<Requantize>,
    /// Whether negative accumulators become zero.
    pub relu: bool,
    /// The golden output, raw.
    pub expected: Array2<i64>,
    /// The output in double precision, from operands that were never quantized.
    pub reference: Array2<f64>,
    /// Real value of one unit of the output.
    pub output_scale: f64,
    /// How its tensors were quantized.
    pub quantization: Vec<Quantization>,
}

/// Takes the tensors that [`tensor_sources`] wants from files, in that order, and computes everything that a run needs.
///
/// # Errors
/// If shapes do not fit together, a reduction is too long for the accumulator, or a bias does not fit it.
pub fn prepare(parameters: &Parameters, tensors: Vec<Tensor>) -> Result<Workload, ConfigError> {
    let hardware = parameters.hardware();
    let mut loader = Loader::new(tensors, parameters.seed);
    let Some(source) = parameters.layers.first().and_then(|layer| layer.a.as_ref()) else {
        return Err(ConfigError::new("layers[0]", "the first layer needs an operand `a`"));
    };
    let input: Operand<Ix2> = operand(&mut loader, source, "layers[0].a", hardware.a)?;
    let mut layers: Vec<PreparedLayer> = Vec::with_capacity(parameters.layers.len());
    for (index, layer) in parameters.layers.iter().enumerate() {
        let a = match layers.last() {
            None => input.clone(),
            Some(previous) => Operand {
                raw: previous.expected.clone(),
                scale: previous.output_scale,
                reference: previous.reference.clone(),
                quantization: None,
            },
        };
        layers.push(prepare_layer(&hardware, layer, index, a, &mut loader)?);
    }
    let labels = match (&parameters.task, layers.last()) {
        (Some(task), Some(last)) => Some(labels(&mut loader, &task.labels, last.expected.dim())?),
        _ => None,
    };
    Ok(Workload { input: input.raw, layers, labels })
}

/// Every tensor of a configuration with its key, in the order in which they are taken.
pub fn tensor_sources(parameters: &Parameters) -> Vec<(String, &TensorSource)> {
    let mut sources = Vec::new();
    for (index, layer) in parameters.layers.iter().enumerate() {
        sources.extend(layer.a.iter().map(|source| (key(index, "a"), source)));
        sources.push((key(index, "b"), &layer.b));
        sources.extend(layer.bias.iter().map(|source| (key(index, "bias"), source)));
    }
    sources.extend(parameters.task.iter().map(|task| ("task.labels".to_string(), &task.labels)));
    sources
}

fn key(layer: usize, part: &str) -> String {
    format!("layers[{layer}].{part}")
}

/// Quantizes one layer and computes its results.
fn prepare_layer(
    hardware: &HardwareParameters,
    layer: &Layer,
    index: usize,
    a: Operand<Ix2>,
    loader: &mut Loader,
) -> Result<PreparedLayer, ConfigError> {
    let b: Operand<Ix2> = operand(loader, &layer.b, &key(index, "b"), hardware.b)?;
    let shape = Shape { m: a.raw.nrows(), k: a.raw.ncols(), n: b.raw.ncols() };
    if b.raw.nrows() != shape.k {
        let message = format!("B is {:?}, but A is [{}, {}]", b.raw.shape(), shape.m, shape.k);
        let hint = if shape.n == shape.k && !layer.b.transpose { "; `transpose = true` would make it so" } else { "" };
        return Err(ConfigError::new(key(index, "b"), message).with_remedy(format!("B must have {} rows{hint}", shape.k)));
    }
    let accumulator_scale = a.scale * b.scale;
    let bias = match &layer.bias {
        Some(source) => bias(loader, source, &key(index, "bias"), hardware.accumulator, accumulator_scale, shape.n)?,
        None => Operand { raw: Array1::zeros(shape.n), scale: accumulator_scale, reference: Array1::zeros(shape.n), quantization: None },
    };
    check_accumulator(hardware, shape.k, &bias.raw, &key(index, "b"))?;
    let schedule = Schedule::new(hardware, shape, Compression::dense(hardware.group));
    check_tiles(hardware.dataflow, &schedule, &key(index, "b"))?;

    let accumulators = golden::accumulate(a.raw.view(), b.raw.view(), bias.raw.view());
    let requantize = choose_requantization(hardware, layer, &key(index, "output_scale"), &accumulators, accumulator_scale)?;
    let output_scale = requantize.map_or(accumulator_scale, |requantize| accumulator_scale / requantize.factor());
    let output = Quantization {
        tensor: "c".to_string(),
        format: hardware.output.to_string(),
        scale: output_scale,
        saturated: golden::saturated(&accumulators, layer.relu, requantize, hardware.output),
    };
    Ok(PreparedLayer {
        schedule,
        requantize,
        relu: layer.relu,
        expected: golden::finish(&accumulators, layer.relu, requantize, hardware.output),
        reference: golden::reference(&a.reference, &b.reference, &bias.reference, layer.relu),
        output_scale,
        quantization: [a.quantization, b.quantization, bias.quantization, Some(output)].into_iter().flatten().collect(),
        b: b.raw,
        bias: bias.raw,
    })
}

/// Checks that no operands of these types can make the accumulator overflow.
fn check_accumulator(hardware: &HardwareParameters, k: usize, bias: &Array1<i64>, key: &str) -> Result<(), ConfigError> {
    let [a, b, sum] =
        [hardware.a, hardware.b, hardware.accumulator].map(raw_range).map(|(least, greatest)| (least as i128, greatest as i128));
    let products = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    let greatest_product = products.into_iter().max().unwrap_or(0);
    let least_product = products.into_iter().min().unwrap_or(0);
    let greatest_bias = i128::from(bias.iter().copied().max().unwrap_or(0).max(0));
    let least_bias = i128::from(bias.iter().copied().min().unwrap_or(0).min(0));
    let (greatest, least) = (greatest_product * k as i128 + greatest_bias, least_product * k as i128 + least_bias);
    if greatest <= sum.1 && least >= sum.0 {
        return Ok(());
    }
    let longest_up = (sum.1 - greatest_bias) / greatest_product;
    let longest = if least_product < 0 { longest_up.min((sum.0 - least_bias) / least_product) } else { longest_up };
    let sign = u32::from(hardware.accumulator.is_signed());
    let width = sign + (128 - greatest.max(-least - 1).leading_zeros());
    let suited = hardware.accumulator.resized(width - hardware.accumulator.frac(), hardware.accumulator.frac());
    let bias = if greatest_bias > 0 || least_bias < 0 { " and this bias" } else { "" };
    let message = format!(
        "a reduction of K = {k} products of {} and {}{bias} can reach {greatest}, beyond an accumulator of {}",
        hardware.a, hardware.b, hardware.accumulator
    );
    let shorter = if longest > 0 { format!("K at most {longest}, or ") } else { String::new() };
    let remedy = if suited.width() <= WIDEST_ACCUMULATOR {
        format!("{shorter}formats.accumulator = \"{suited}\" or wider")
    } else {
        format!("{shorter}narrower operands: the widest accumulator has {WIDEST_ACCUMULATOR} bits")
    };
    Err(ConfigError::new(key, message).with_remedy(remedy))
}

/// Checks that a job can state every tile count.
fn check_tiles(dataflow: Dataflow, schedule: &Schedule, key: &str) -> Result<(), ConfigError> {
    let output_stationary = dataflow == Dataflow::OutputStationary;
    let axes = [
        ("outermost", schedule.outer.count, if output_stationary { "array.rows" } else { "array.buffer_rows" }),
        ("middle", schedule.lanes.count, "array.columns"),
        ("innermost", schedule.reduction.count, if output_stationary { "array.buffer_rows" } else { "array.rows" }),
    ];
    match axes.into_iter().find(|(_, tiles, _)| *tiles > MOST_TILES) {
        None => Ok(()),
        Some((axis, tiles, parameter)) => Err(ConfigError::new(key, format!("the {axis} loop of the product has {tiles} tiles"))
            .with_remedy(format!("at most {MOST_TILES}: a larger {parameter}"))),
    }
}

/// The scaling from accumulators to outputs: what the configuration asks for, or such that the greatest result becomes the
/// output's greatest number.
fn choose_requantization(
    hardware: &HardwareParameters,
    layer: &Layer,
    key: &str,
    accumulators: &Array2<i64>,
    accumulator_scale: f64,
) -> Result<Option<Requantize>, ConfigError> {
    if !hardware.requantizes() {
        return Ok(None);
    }
    if is_fixed_point(hardware.output) {
        return Ok(Some(Requantize::shift_only(hardware.accumulator.frac() - hardware.output.frac())));
    }
    let factor = match layer.output_scale {
        Some(output_scale) => accumulator_scale / output_scale,
        None => {
            let most = accumulators.iter().map(|&sum| if layer.relu { sum.max(0) } else { sum }.unsigned_abs()).max().unwrap_or(0);
            // A result that is small already is not spread beyond what the multiplier can do.
            (raw_range(hardware.output).1 as f64 / most.max(1) as f64).min(((1u64 << golden::MULTIPLIER_BITS) - 1) as f64)
        }
    };
    match Requantize::nearest(factor) {
        Some(requantize) if requantize.multiplier > 0 => Ok(Some(requantize)),
        _ => Err(ConfigError::new(key, format!("one unit of the accumulator is {accumulator_scale:e}, too far from this output scale"))
            .with_remedy("leave it out to have it chosen from the results")),
    }
}

/// An operand of a layer: raw numbers, and the real values that they stand for as they were before quantization.
#[derive(Clone)]
struct Operand<D: Dimension> {
    raw: ndarray::Array<i64, D>,
    scale: f64,
    reference: ndarray::Array<f64, D>,
    /// How it was quantized; `None` if it never was.
    quantization: Option<Quantization>,
}

/// Operand A or B, quantized to `ty`.
fn operand(loader: &mut Loader, source: &TensorSource, key: &str, ty: Type) -> Result<Operand<Ix2>, ConfigError> {
    let tensor = loader.take(source, key, ty)?;
    check_magnitudes(&tensor, source.scale, key)?;
    let quantized = quantize(&tensor, source.scale, ty);
    let name = key.rsplit('.').next().unwrap_or(key);
    Ok(Operand {
        quantization: Some(quantized.report(name)),
        scale: quantized.scale,
        reference: with_rank(tensor.values * source.scale, key, "two dimensions: rows and columns")?,
        raw: with_rank(quantized.raw, key, "two dimensions: rows and columns")?,
    })
}

/// A bias, quantized to units of the accumulator, for a layer of `n` columns.
fn bias(
    loader: &mut Loader,
    source: &TensorSource,
    key: &str,
    accumulator: Type,
    scale: f64,
    n: usize,
) -> Result<Operand<Ix1>, ConfigError> {
    let tensor = loader.take(source, key, accumulator)?;
    check_magnitudes(&tensor, source.scale, key)?;
    if !accumulator.is_signed() && tensor.values.iter().any(|&value| value < 0.0) {
        return Err(ConfigError::new(key, format!("the bias has negative elements, and the accumulator is {accumulator}"))
            .with_remedy("signed formats, or a bias without negative elements"));
    }
    let quantized = quantize_with_scale(&tensor, source.scale, accumulator, scale);
    if quantized.saturated > 0 {
        let message = format!(
            "the bias goes beyond the accumulator, {accumulator} with {scale:e} as its unit, in {} of {} elements",
            quantized.saturated,
            quantized.raw.len()
        );
        return Err(ConfigError::new(key, message).with_remedy("a wider formats.accumulator"));
    }
    let bias = Operand {
        quantization: Some(quantized.report("bias")),
        scale,
        reference: with_rank(tensor.values * source.scale, key, "one dimension: the columns of B")?,
        raw: with_rank::<i64, Ix1>(quantized.raw, key, "one dimension: the columns of B")?,
    };
    if bias.raw.len() != n {
        return Err(ConfigError::new(key, format!("the bias has {} elements", bias.raw.len()))
            .with_remedy(format!("B has {n} columns, so must it")));
    }
    Ok(bias)
}

/// The class of each sample, for outputs of the shape `[samples, classes]`.
fn labels(loader: &mut Loader, source: &TensorSource, (samples, classes): (usize, usize)) -> Result<Vec<usize>, ConfigError> {
    let key = "task.labels";
    let tensor = loader.take(source, key, Type::u(16))?;
    let values: Array1<f64> = with_rank(tensor.values, key, "one dimension: the rows of the output")?;
    if values.len() != samples {
        return Err(
            ConfigError::new(key, format!("there are {} labels", values.len())).with_remedy(format!("the output has {samples} rows"))
        );
    }
    let class = |&value: &f64| (value.fract() == 0.0 && (0.0..classes as f64).contains(&value)).then_some(value as usize);
    values.iter().map(class).collect::<Option<Vec<usize>>>().ok_or_else(|| {
        ConfigError::new(key, "a label is not a class")
            .with_remedy(format!("whole numbers from 0 to {}, the columns of the output", classes - 1))
    })
}
