//! From tensors to what a run needs: quantized operands, scales between layers, golden results.

use ndarray::{Array1, Array2, Dimension, Ix1, Ix2};
use systole_hdl::Type;

use super::golden::{self, Requantize};
use super::hardware::{Dataflow, HardwareParameters};
use super::parameters::{WIDEST_ACCUMULATOR, WIDEST_OPERAND};
use super::product::{BIAS, Product, of_another_length};
use super::schedule::{Schedule, Shape};
use crate::common::fitting::roomier;
use crate::common::load::{Loader, check_magnitudes, with_rank};
use crate::common::quantize::{is_fixed_point, quantize, quantize_with_scale, raw_range};
use crate::common::saturation::Saturation;
use crate::common::source::{MATRIX, TensorSource};
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::report::{Quantization, Setting, Warning};
use crate::sparse::hardware::weight_store::Reading;
use crate::sparse::masks::pruned;
use crate::sparse::pattern::Pattern;

/// The greatest tile count that a job can state.
const MOST_TILES: usize = (1 << HardwareParameters::COUNT_BITS) - 1;

/// One product, quantized, with its golden and its floating-point result.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedLayer {
    /// What the report calls it.
    pub name: String,
    /// The key of operand B in the configuration.
    pub b_key: String,
    /// Operand A.
    pub input: Input,
    /// Its tiling.
    pub schedule: Schedule,
    /// Operand B as it is streamed, raw.
    pub b: Weights,
    /// The bias in units of the accumulator; zeros where there is none.
    pub bias: Array1<i64>,
    /// Scaling from accumulators to outputs, if the hardware requantizes.
    pub requantize: Option<Requantize>,
    /// Whether negative accumulators become zero.
    pub relu: bool,
    /// The golden output, raw.
    pub expected: Array2<i64>,
    /// The output in double precision, from operands that were never quantized; of B what is multiplied.
    pub reference: Array2<f64>,
    /// Real value of one unit of the output.
    pub output_scale: f64,
    /// How its tensors were quantized.
    pub quantization: Vec<Quantization>,
    /// What of them saturated, with the key that mends it.
    pub warnings: Vec<Warning>,
    /// The right class of each row of the output, if the task is classification and this the last layer.
    pub labels: Option<Vec<usize>>,
}

/// Operand A of a layer.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// Raw numbers.
    Given(Array2<i64>),
    /// What the earlier layer of this number gives.
    OutputOf(usize),
}

/// Of layers with these inputs those that no other takes its input from, in order.
pub fn ends_of_chains<'a>(inputs: impl Iterator<Item = &'a Input>) -> Vec<usize> {
    let inputs: Vec<&Input> = inputs.collect();
    (0..inputs.len()).filter(|&index| inputs.iter().all(|input| **input != Input::OutputOf(index))).collect()
}

impl PreparedLayer {
    /// The output as the next layer's operand A.
    pub fn output(&self) -> Operand<Ix2> {
        Operand {
            raw: self.expected.clone(),
            scale: self.output_scale,
            reference: self.reference.clone(),
            quantization: None,
            warning: None,
        }
    }
}

/// The operands of one product, quantized.
#[derive(Clone, Debug)]
pub struct Operands {
    /// Operand A, `[M, K]`.
    pub a: Operand<Ix2>,
    /// The layer whose output it is, if it is one.
    pub output_of: Option<usize>,
    /// Operand B, `[K, N]`, with nothing left out.
    pub b: Operand<Ix2>,
    /// The bias, `[N]`.
    pub bias: Operand<Ix1>,
}

/// Operand B as the array takes it.
#[derive(Clone, PartialEq, Debug)]
pub struct Arranged {
    /// The tiling.
    pub schedule: Schedule,
    /// What of B is multiplied, `[K, N]`: all, or zeros where it was pruned.
    pub multiplied: Array2<i64>,
    /// What is streamed of it.
    pub streamed: Weights,
    /// Which elements were kept, `[K, N]`; `None` if all were.
    pub kept: Option<Array2<bool>>,
}

/// What stream `b` carries for a product.
#[derive(Clone, PartialEq, Debug)]
pub enum Weights {
    /// Elements in their slots, `[slots, N]`, [indexed](Schedule::indexed) if there are groups.
    Slots(Array2<i64>),
    /// All elements, `[K, N]`, for a sparsifier to choose from.
    Elements {
        /// The elements.
        elements: Array2<i64>,
        /// The pattern of their groups; `None` if all are kept.
        pattern: Option<Pattern>,
        /// Whether a nonzero beyond the N-th of a group is refused instead of dropped.
        exact: bool,
    },
    /// Nothing: the hardware reads weights that it keeps.
    Stored(Reading),
}

impl Operands {
    /// Takes a product's tensors and quantizes them. `previous` is the layer before with its number, for a product without operand A of its
    /// own.
    ///
    /// # Errors
    /// If shapes do not fit together or a bias does not fit the accumulator.
    pub fn load(
        hardware: &HardwareParameters,
        product: &Product<'_>,
        previous: Option<(usize, &PreparedLayer)>,
        loader: &mut Loader,
    ) -> Result<Operands, ConfigError> {
        let (a, output_of) = match product.a {
            Some(source) => (operand(loader, source, &product.key_of("a"), ("formats.a", hardware.a))?, None),
            None => {
                let (index, layer) = previous.ok_or_else(|| product.without_operand())?;
                (layer.output(), Some(index))
            }
        };
        let b: Operand<Ix2> = operand(loader, product.b, &product.key_of("b"), ("formats.b", hardware.b))?;
        let Shape { n, .. } = product.shape(a.raw.dim(), b.raw.dim())?;
        let scale = a.scale * b.scale;
        let bias = match product.bias {
            Some(source) => bias(loader, source, &product.key_of("bias"), hardware.accumulator, scale, n)?,
            None => Operand { raw: Array1::zeros(n), scale, reference: Array1::zeros(n), quantization: None, warning: None },
        };
        Ok(Operands { a, output_of, b, bias })
    }

    /// The product's sizes.
    pub fn shape(&self) -> Shape {
        Shape { m: self.a.raw.nrows(), k: self.a.raw.ncols(), n: self.b.raw.ncols() }
    }

    /// Computes the results of the product with B arranged like that.
    ///
    /// # Errors
    /// If the reduction is too long for the accumulator, there are too many tiles, or the output's scale is out of reach.
    pub fn prepare(
        &self,
        hardware: &HardwareParameters,
        product: &Product<'_>,
        arranged: Arranged,
        name: String,
    ) -> Result<PreparedLayer, ConfigError> {
        let Operands { a, b, bias, .. } = self;
        let Arranged { schedule, multiplied, streamed, kept } = arranged;
        let weights = kept.map_or_else(|| b.reference.clone(), |kept| pruned(b.reference.view(), kept.view()));
        check_accumulator(hardware, &schedule, &bias.raw, &product.key_of("b"))?;
        check_tiles(hardware.dataflow, &schedule, &product.key_of("b"))?;
        let accumulator_scale = a.scale * b.scale;
        let accumulators = golden::accumulate(a.raw.view(), multiplied.view(), bias.raw.view());
        let requantize = choose_requantization(hardware, product, &accumulators, accumulator_scale)?;
        let output_scale = requantize.map_or(accumulator_scale, |requantize| accumulator_scale / requantize.factor());
        let saturation = golden::saturation(&accumulators, product.relu, requantize, hardware.output);
        let output =
            Quantization { tensor: "c".to_string(), format: hardware.output.to_string(), scale: output_scale, saturated: saturation.count };
        let remedy = match product.output_scale {
            // Rounded up, so that nothing saturates with what is printed.
            Some(_) => {
                Some(Setting::new(product.key_of("output_scale"), rounded_up(suited_output_scale(hardware, &saturation, output_scale))))
            }
            None => {
                roomier(hardware.output, saturation.extent, hardware.accumulator.width()).map(|ty| Setting::format("formats.output", ty))
            }
        };
        let warning = saturation.warning(&product.key_of("c"), "outputs", hardware.output, output_scale, remedy);
        let quantization = [a.quantization.clone(), b.quantization.clone(), bias.quantization.clone(), Some(output)];
        Ok(PreparedLayer {
            name,
            b_key: product.key_of("b"),
            input: self.output_of.map_or_else(|| Input::Given(a.raw.clone()), Input::OutputOf),
            schedule,
            b: streamed,
            bias: bias.raw.clone(),
            requantize,
            relu: product.relu,
            expected: golden::finish(&accumulators, product.relu, requantize, hardware.output),
            reference: golden::reference(&a.reference, &weights, &bias.reference, product.relu),
            output_scale,
            quantization: quantization.into_iter().flatten().collect(),
            warnings: [a.warning.clone(), b.warning.clone(), warning].into_iter().flatten().collect(),
            labels: None,
        })
    }
}

/// The least output scale with which no output saturates, from what saturates with `scale`.
fn suited_output_scale(hardware: &HardwareParameters, saturation: &Saturation, scale: f64) -> f64 {
    let (least, greatest) = raw_range(hardware.output);
    // An unsigned output's negative numbers are no matter of its scale.
    let below = if least < 0 { saturation.extent.least / least as f64 } else { 0.0 };
    scale * below.max(saturation.extent.greatest / greatest as f64)
}

/// Four significant digits that are at least the number.
fn rounded_up(number: f64) -> String {
    let step = 10f64.powi(number.log10().floor() as i32 - 3);
    format!("{:.3e}", (number / step).ceil() * step)
}

/// Checks that no operands of these types can make the accumulator overflow.
fn check_accumulator(hardware: &HardwareParameters, schedule: &Schedule, bias: &Array1<i64>, key: &str) -> Result<(), ConfigError> {
    let (k, products) = (schedule.shape().k, schedule.products());
    let [a, b, sum] =
        [hardware.a, hardware.b, hardware.accumulator].map(raw_range).map(|(least, greatest)| (least as i128, greatest as i128));
    let extremes = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    let greatest_product = extremes.into_iter().max().unwrap_or(0);
    let least_product = extremes.into_iter().min().unwrap_or(0);
    let greatest_bias = i128::from(bias.iter().copied().max().unwrap_or(0).max(0));
    let least_bias = i128::from(bias.iter().copied().min().unwrap_or(0).min(0));
    let (greatest, least) = (greatest_product * products as i128 + greatest_bias, least_product * products as i128 + least_bias);
    if greatest <= sum.1 && least >= sum.0 {
        return Ok(());
    }
    let longest_up = (sum.1 - greatest_bias) / greatest_product;
    let longest = if least_product < 0 { longest_up.min((sum.0 - least_bias) / least_product) } else { longest_up };
    let sign = u32::from(hardware.accumulator.is_signed());
    let width = sign + (128 - greatest.max(-least - 1).leading_zeros());
    let suited = hardware.accumulator.resized(width - hardware.accumulator.frac(), hardware.accumulator.frac());
    let bias = if greatest_bias > 0 || least_bias < 0 { " and this bias" } else { "" };
    let reduction = if products == k { format!("K = {k} products") } else { format!("K = {k} with {products} products") };
    let message = format!(
        "a reduction of {reduction} of {} and {}{bias} can reach {greatest}, beyond an accumulator of {}",
        hardware.a, hardware.b, hardware.accumulator
    );
    let longest = schedule.compression().longest(usize::try_from(longest).unwrap_or(0));
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
    product: &Product<'_>,
    accumulators: &Array2<i64>,
    accumulator_scale: f64,
) -> Result<Option<Requantize>, ConfigError> {
    if !hardware.requantizes() {
        return Ok(None);
    }
    if is_fixed_point(hardware.output) {
        return Ok(Some(Requantize::shift_only(hardware.accumulator.frac() - hardware.output.frac())));
    }
    let factor = match product.output_scale {
        Some(output_scale) => accumulator_scale / output_scale,
        None => {
            let most = accumulators.iter().map(|&sum| if product.relu { sum.max(0) } else { sum }.unsigned_abs()).max().unwrap_or(0);
            // A result that is small already is not spread beyond what the multiplier can do.
            (raw_range(hardware.output).1 as f64 / most.max(1) as f64).min(((1u64 << hardware.multiplier_bits) - 1) as f64)
        }
    };
    match Requantize::nearest(factor, hardware.multiplier_bits, hardware.shift_bits) {
        Some(requantize) if requantize.multiplier > 0 => Ok(Some(requantize)),
        _ => Err(ConfigError::new(
            product.key_of("output_scale"),
            format!("one unit of the accumulator is {accumulator_scale:e}, too far from this output scale"),
        )
        .with_remedy("leave it out to have it chosen from the results")),
    }
}

/// An operand of a layer: raw numbers, and the real values that they stand for as they were before quantization.
#[derive(Clone, Debug)]
pub struct Operand<D: Dimension> {
    /// In units of the last place.
    pub raw: ndarray::Array<i64, D>,
    /// Real value of such a unit.
    pub scale: f64,
    /// As it was before quantization.
    pub reference: ndarray::Array<f64, D>,
    /// How it was quantized; `None` if it never was.
    pub quantization: Option<Quantization>,
    /// What of it saturated.
    pub warning: Option<Warning>,
}

/// Operand A or B from the next tensor, quantized to `format`: a type with its key in the configuration.
///
/// # Errors
/// If the tensor is no matrix of finite numbers.
pub fn operand(loader: &mut Loader, source: &TensorSource, key: &str, format: (&str, Type)) -> Result<Operand<Ix2>, ConfigError> {
    quantized(&loader.take(source, key, format.1)?, source, key, format)
}

/// A tensor of this source, quantized to `format`: a type with its key in the configuration.
///
/// # Errors
/// If it is no matrix of finite numbers.
pub fn quantized(tensor: &Tensor, source: &TensorSource, key: &str, (format_key, ty): (&str, Type)) -> Result<Operand<Ix2>, ConfigError> {
    check_magnitudes(tensor, source.scale, key)?;
    let quantized = quantize(tensor, source.scale, ty);
    let name = key.rsplit('.').next().unwrap_or(key);
    let saturation = quantized.saturation;
    let remedy = match (tensor.integer, is_fixed_point(ty)) {
        // Scaled real numbers fit any width; only a sign can be missing.
        (false, false) => Some(Type::s(ty.width().max(2))),
        _ => roomier(ty, saturation.extent, WIDEST_OPERAND),
    };
    let remedy = remedy.map(|ty| Setting::format(format_key, ty));
    Ok(Operand {
        quantization: Some(quantized.report(name)),
        warning: saturation.warning(key, "elements", ty, quantized.scale, remedy),
        scale: quantized.scale,
        reference: with_rank(&tensor.values * source.scale, key, MATRIX)?,
        raw: with_rank(quantized.raw, key, MATRIX)?,
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
    if quantized.saturation.count > 0 {
        let message = format!(
            "the bias goes beyond the accumulator, {accumulator} with {scale:e} as its unit, in {} of {} elements",
            quantized.saturation.count,
            quantized.raw.len()
        );
        return Err(ConfigError::new(key, message).with_remedy("a wider formats.accumulator"));
    }
    let bias = Operand {
        quantization: Some(quantized.report("bias")),
        warning: None,
        scale,
        reference: with_rank(tensor.values * source.scale, key, BIAS)?,
        raw: with_rank::<i64, Ix1>(quantized.raw, key, BIAS)?,
    };
    if bias.raw.len() != n {
        return Err(of_another_length(key, bias.raw.len(), n));
    }
    Ok(bias)
}

/// What labels must be like.
pub const LABELS: &str = "one dimension: the rows of the output";

/// The class of each sample, for outputs of the shape `[samples, classes]`.
///
/// # Errors
/// If there is not one class for each sample.
pub fn labels(loader: &mut Loader, source: &TensorSource, (samples, classes): (usize, usize)) -> Result<Vec<usize>, ConfigError> {
    let key = "task.labels";
    let tensor = loader.take(source, key, Type::u(16))?;
    let values: Array1<f64> = with_rank(tensor.values, key, LABELS)?;
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
