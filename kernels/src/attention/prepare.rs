//! From tensors to what a run needs: quantized heads and golden results.

use std::f64::consts::LOG2_E;

use ndarray::{Array2, ArrayD};
use systole_hdl::Type;

use super::golden::{Attended, Golden};
use super::mask::Mask;
use super::parameters::{Head, Parameters};
use super::reference;
use crate::common::errors::{ErrorMeasures, measure};
use crate::common::load::{Loader, check_magnitudes, with_rank};
use crate::common::quantize::{Quantized, quantize_with_scale};
use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::report::Quantization;

/// All data of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Workload {
    /// The sizes of every head.
    pub shape: Shape,
    /// The heads in order.
    pub heads: Vec<PreparedHead>,
}

/// Sizes of a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// R: rows of queries.
    pub rows: usize,
    /// N: keys, and values.
    pub keys: usize,
    /// D: elements of a query, a key, a value and a result.
    pub head_dimension: usize,
}

/// One head, quantized, with its golden and its floating-point result.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedHead {
    /// Queries, scaled by log₂(e)/√D, raw, `[R, D]`.
    pub q: Array2<i64>,
    /// Keys, raw, `[N, D]`.
    pub k: Array2<i64>,
    /// Values, raw, `[N, D]`.
    pub v: Array2<i64>,
    /// The golden result, raw, `[R, D]`.
    pub expected: Array2<i64>,
    /// The result in double precision, from tensors that were never quantized, `[R, D]`.
    pub reference: Array2<f64>,
    /// Largest absolute value among the values, before quantization: no result is beyond it, and errors are measured against it.
    pub largest_value: f64,
    /// Real value of one unit of the result.
    pub output_scale: f64,
    /// How `q`, `k` and `v` were quantized, and what of the scores, the weights and the results saturated.
    pub quantization: Vec<Quantization>,
}

impl PreparedHead {
    /// How far the golden result is from double precision, in absolute terms; [`PreparedHead::largest_value`] sets the proportion.
    pub fn errors(&self) -> ErrorMeasures {
        measure(self.expected.mapv(|raw| raw as f64 * self.output_scale).view(), self.reference.view())
    }
}

/// Takes the tensors that [`tensor_sources`] wants from files, in that order, and computes everything that a run needs.
///
/// # Errors
/// If shapes do not fit together, or are too large for the formats.
pub fn prepare(parameters: &Parameters, tensors: Vec<Tensor>) -> Result<Workload, ConfigError> {
    let mut loader = Loader::new(tensors, parameters.seed);
    let golden = Golden::new(parameters.variant, parameters.formats.clone(), parameters.exp);
    let mut shape = None;
    let mut heads = Vec::with_capacity(parameters.heads.len());
    for (index, head) in parameters.heads.iter().enumerate() {
        let tensors = HeadTensors::load(parameters, head, index, &mut loader)?;
        let common = *shape.get_or_insert(tensors.shape());
        check_shape(parameters, tensors.shape(), common, index)?;
        heads.push(tensors.prepare(parameters, &golden));
    }
    let shape = shape.ok_or_else(no_head)?;
    Ok(Workload { shape, heads })
}

/// The sizes of every head, from the tensors that [`tensor_sources`] wants from files.
///
/// # Errors
/// As for [`prepare`].
pub fn shape(parameters: &Parameters, tensors: Vec<Tensor>) -> Result<Shape, ConfigError> {
    let mut loader = Loader::new(tensors, parameters.seed);
    let mut common = None;
    for (index, head) in parameters.heads.iter().enumerate() {
        let shape = HeadTensors::load(parameters, head, index, &mut loader)?.shape();
        check_shape(parameters, shape, *common.get_or_insert(shape), index)?;
    }
    common.ok_or_else(no_head)
}

fn no_head() -> ConfigError {
    ConfigError::new("heads", "there is no head")
}

/// Every tensor of a configuration with its key, in the order in which they are taken.
pub fn tensor_sources(parameters: &Parameters) -> Vec<(String, &TensorSource)> {
    let heads = parameters.heads.iter().enumerate();
    heads
        .flat_map(|(index, head)| [("q", &head.q), ("k", &head.k), ("v", &head.v)].map(|(part, source)| (key(index, part), source)))
        .collect()
}

fn key(head: usize, part: &str) -> String {
    format!("heads[{head}].{part}")
}

/// The tensors of a head as real numbers.
struct HeadTensors {
    q: Array2<f64>,
    k: Array2<f64>,
    v: Array2<f64>,
}

impl HeadTensors {
    fn load(parameters: &Parameters, head: &Head, index: usize, loader: &mut Loader) -> Result<HeadTensors, ConfigError> {
        let formats = &parameters.formats;
        let mut take = |source: &TensorSource, part: &str, ty: Type| {
            let key = key(index, part);
            let tensor = loader.take(source, &key, ty)?;
            check_magnitudes(&tensor, source.scale, &key)?;
            with_rank(tensor.values * source.scale, &key, "two dimensions: tokens and elements of a head")
        };
        let q = take(&head.q, "q", formats.query)?;
        let k = take(&head.k, "k", formats.key)?;
        let v = take(&head.v, "v", formats.value)?;
        if k.ncols() != q.ncols() {
            let message = format!("the keys are {:?}, but the queries {:?}", k.shape(), q.shape());
            return Err(ConfigError::new(key(index, "k"), message).with_remedy(format!("keys must have {} columns", q.ncols())));
        }
        if v.dim() != k.dim() {
            let message = format!("the values are {:?}, but the keys {:?}", v.shape(), k.shape());
            return Err(ConfigError::new(key(index, "v"), message).with_remedy("a value for each key, with as many elements"));
        }
        Ok(HeadTensors { q, k, v })
    }

    fn shape(&self) -> Shape {
        Shape { rows: self.q.nrows(), keys: self.k.nrows(), head_dimension: self.q.ncols() }
    }

    /// Quantizes the tensors, whose shapes were checked, and computes the results.
    fn prepare(self, parameters: &Parameters, golden: &Golden) -> PreparedHead {
        let formats = &parameters.formats;
        let query_factor = LOG2_E / (self.q.ncols() as f64).sqrt();
        let reference = reference::attention(self.q.view(), self.k.view(), self.v.view(), parameters.mask);
        let largest_value = self.v.fold(0.0, |most: f64, value| most.max(value.abs()));

        let [q, k, v] = [(self.q, query_factor, formats.query), (self.k, 1.0, formats.key), (self.v, 1.0, formats.value)]
            .map(|(values, factor, ty)| to_fixed_point(values, factor, ty));
        let query = Quantization { scale: q.scale / query_factor, ..q.report("q") };
        let mut quantization = vec![query, k.report("k"), v.report("v")];
        let [q, k, v] = [q, k, v].map(|tensor| into_matrix(tensor.raw));

        let Attended { outputs, saturations } = golden.attend(q.view(), k.view(), v.view(), parameters.mask);
        let computed = [
            ("score", formats.score, saturations.scores),
            ("weight", formats.weight, saturations.weights),
            ("output", formats.output, saturations.outputs),
        ];
        quantization.extend(computed.map(|(name, ty, saturated)| Quantization {
            tensor: name.to_string(),
            format: ty.to_string(),
            scale: unit(ty),
            saturated,
        }));
        PreparedHead { q, k, v, expected: outputs, reference, largest_value, output_scale: unit(formats.output), quantization }
    }
}

/// Real value of the last place of a fixed-point type.
fn unit(ty: Type) -> f64 {
    (-f64::from(ty.frac())).exp2()
}

/// The values times a factor, in fixed point.
fn to_fixed_point(values: Array2<f64>, factor: f64, ty: Type) -> Quantized {
    quantize_with_scale(&Tensor { values: values.into_dyn(), integer: false }, factor, ty, unit(ty))
}

fn into_matrix(raw: ArrayD<i64>) -> Array2<i64> {
    raw.into_dimensionality().expect("quantization keeps the two dimensions")
}

/// Checks that the tensors of a head fit together, the mask, the formats and the first head.
fn check_shape(parameters: &Parameters, shape: Shape, first: Shape, index: usize) -> Result<(), ConfigError> {
    let Shape { rows, keys, head_dimension } = shape;
    if shape != first {
        let message = format!("R, N and D are {rows}, {keys} and {head_dimension}, unlike those of heads[0]");
        return Err(ConfigError::new(key(index, "q"), message)
            .with_remedy(format!("queries [{}, {}] and keys [{}, {1}], or another run", first.rows, first.head_dimension, first.keys)));
    }
    match parameters.mask {
        Mask::Causal if rows > keys => Err(ConfigError::new("mask", format!("{rows} queries cannot be the last tokens of {keys} keys"))
            .with_remedy("at least as many keys as queries, or mask = \"none\"")),
        Mask::SinkWindow(_) if rows != keys => Err(ConfigError::new(
            "mask",
            format!("a window moves over the tokens of a sequence, but there are {rows} queries and {keys} keys"),
        )
        .with_remedy("as many keys as queries")),
        _ => parameters.formats.validate_widths(parameters.variant, parameters.mask.slots(keys), head_dimension),
    }
}
