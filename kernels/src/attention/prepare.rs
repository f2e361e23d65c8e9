//! From tensors to what a run needs: quantized heads and golden results.

use std::f64::consts::LOG2_E;

use ndarray::{Array2, ArrayD, Axis, s};
use systole_hdl::Type;

use super::attending::Attending;
use super::format_choice::{Extents, FormatParameters};
use super::formats::Formats;
use super::golden::{Attended, Golden};
use super::key_mask::{self, KeyMask};
use super::mask::Mask;
use super::parameters::{Head, Parameters};
use super::reference;
use crate::common::errors::{ErrorMeasures, measure};
use crate::common::fitting::Extent;
use crate::common::load::{Loader, check_magnitudes, with_rank};
use crate::common::quantize::{Quantized, quantize_with_scale, raw_range};
use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::report::{Quantization, Setting, Warning};

/// All data of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Workload {
    /// The greatest sizes of all heads, without keys that are padding in each of them.
    pub shape: Shape,
    /// Whether the heads need a stream of masks: they differ in size or length, or have masks of their own.
    pub key_mask: bool,
    /// Number formats: as stated, or chosen from the heads.
    pub formats: Formats,
    /// The heads in order.
    pub heads: Vec<PreparedHead>,
}

/// What queries, keys and values must be like.
pub const TOKENS: &str = "two dimensions: tokens and elements of a head";

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
    /// Which keys its queries attend to.
    pub attending: Attending,
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
    /// What of all that saturated, with the key that mends it.
    pub warnings: Vec<Warning>,
}

impl PreparedHead {
    /// The rows that are the head's own, of results of as many rows as the greatest head has.
    pub fn of_own_rows(&self, results: Array2<i64>) -> Array2<i64> {
        results.slice_move(s![..self.q.nrows(), ..])
    }

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
    let AllHeads { heads, shape, key_mask, formats, extents } = AllHeads::load(parameters, tensors)?;
    let arithmetic = Arithmetic {
        golden: Golden::new(parameters.variant, formats.clone(), parameters.exp),
        mending: FormatParameters::mending(parameters.variant, &extents, &formats),
        formats,
    };
    let heads = heads.into_iter().enumerate().map(|(index, head)| head.prepare(&arithmetic, index)).collect();
    Ok(Workload { shape, key_mask, heads, formats: arithmetic.formats })
}

/// The tensors of all heads, as real numbers, with what is common to them.
struct AllHeads {
    heads: Vec<HeadTensors>,
    shape: Shape,
    key_mask: bool,
    formats: Formats,
    extents: Extents,
}

impl AllHeads {
    fn load(parameters: &Parameters, tensors: Vec<Tensor>) -> Result<AllHeads, ConfigError> {
        let mut loader = Loader::new(tensors, parameters.seed);
        let heads = parameters.heads.iter().enumerate().map(|(index, head)| HeadTensors::load(parameters, head, index, &mut loader));
        let heads = heads.collect::<Result<Vec<HeadTensors>, ConfigError>>()?;
        let first = heads.first().ok_or_else(no_head)?.shape();
        heads.iter().enumerate().try_for_each(|(index, head)| check_shape(parameters, head.shape(), first, index))?;
        let shape = common_shape(parameters.mask, &heads, first);
        let key_mask = heads.iter().any(|head| head.needs_mask(shape));
        let extents = heads.iter().map(HeadTensors::extents).reduce(Extents::and).ok_or_else(no_head)?;
        let formats = parameters.formats.choose(parameters.variant, &extents);
        formats.validate(parameters.variant)?;
        formats.validate_widths(parameters.variant, parameters.mask.slots(shape.keys), shape.head_dimension)?;
        Ok(AllHeads { heads, shape, key_mask, formats, extents })
    }
}

/// What a head is computed with.
struct Arithmetic {
    golden: Golden,
    formats: Formats,
    /// The formats with which nothing would saturate.
    mending: Formats,
}

/// The sizes of the hardware, whether it has a stream of masks, and the formats, from the tensors that [`tensor_sources`] wants from files.
///
/// # Errors
/// As for [`prepare`].
pub fn shape(parameters: &Parameters, tensors: Vec<Tensor>) -> Result<(Shape, bool, Formats), ConfigError> {
    let AllHeads { shape, key_mask, formats, .. } = AllHeads::load(parameters, tensors)?;
    Ok((shape, key_mask, formats))
}

fn no_head() -> ConfigError {
    ConfigError::new("heads", "there is no head")
}

/// Every tensor of a configuration with its key, in the order in which they are taken.
pub fn tensor_sources(parameters: &Parameters) -> Vec<(String, &TensorSource)> {
    let heads = parameters.heads.iter().enumerate();
    heads
        .flat_map(|(index, head)| {
            let mask = head.mask.as_ref().and_then(KeyMask::source).map(|source| ("mask", source));
            let parts = [("q", &head.q), ("k", &head.k), ("v", &head.v)].into_iter().chain(mask);
            parts.map(move |(part, source)| (key(index, part), source))
        })
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
    attending: Attending,
}

impl HeadTensors {
    fn load(parameters: &Parameters, head: &Head, index: usize, loader: &mut Loader) -> Result<HeadTensors, ConfigError> {
        // Random numbers over the full range of a format that is not stated are those of the default.
        let formats = parameters.formats.choose(parameters.variant, &Extents::COMMON);
        let mut take = |source: &TensorSource, part: &str, ty: Type| {
            let key = key(index, part);
            let tensor = loader.take(source, &key, ty)?;
            check_magnitudes(&tensor, source.scale, &key)?;
            with_rank(tensor.values * source.scale, &key, TOKENS)
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
        let attending = attending(parameters, head, index, (q.nrows(), k.nrows()), loader)?;
        Ok(HeadTensors { q, k, v, attending })
    }

    fn shape(&self) -> Shape {
        Shape { rows: self.q.nrows(), keys: self.k.nrows(), head_dimension: self.q.ncols() }
    }

    /// The factor of queries that makes scores exponents of 2.
    fn query_factor(&self) -> f64 {
        LOG2_E / (self.q.ncols() as f64).sqrt()
    }

    /// Keys and values that a query attends to: what padding holds is of no account.
    fn used(&self) -> [Array2<f64>; 2] {
        let keys = self.attending.used_keys();
        [&self.k, &self.v].map(|tokens| tokens.select(Axis(0), &keys))
    }

    /// Whether counters of rows and keys cannot tell which keys count in hardware of this shape.
    fn needs_mask(&self, shape: Shape) -> bool {
        self.attending.is_listed() || (self.q.nrows(), self.attending.length()) != (shape.rows, shape.keys)
    }

    fn extents(&self) -> Extents {
        let factor = self.query_factor();
        let [k, v] = self.used();
        Extents {
            query: Extent::of(&self.q).scaled(factor),
            key: Extent::of(&k),
            value: Extent::of(&v),
            score: Extent::of(&self.q.dot(&k.t())).scaled(factor),
        }
    }

    /// Quantizes the tensors, whose shapes were checked, and computes the results.
    fn prepare(self, arithmetic: &Arithmetic, index: usize) -> PreparedHead {
        let Arithmetic { golden, formats, mending } = arithmetic;
        let query_factor = self.query_factor();
        let reference = reference::attention(self.q.view(), self.k.view(), self.v.view(), &self.attending);
        let [used_k, used_v] = self.used();
        let largest_value = used_v.fold(0.0, |most: f64, value| most.max(value.abs()));

        let [q, k, v] = [(self.q, query_factor, formats.query), (self.k, 1.0, formats.key), (self.v, 1.0, formats.value)]
            .map(|(values, factor, ty)| to_fixed_point(values, factor, ty));
        // Padding saturates as it likes.
        let [used_k, used_v] = [(used_k, formats.key), (used_v, formats.value)].map(|(used, ty)| to_fixed_point(used, 1.0, ty).saturation);
        let saturations = [q.saturation, used_k, used_v];
        let [q, k, v] = [q, k, v].map(|tensor| into_matrix(tensor.raw));
        let Attended { outputs, saturations: computed, zero_rows } = golden.attend_to(q.view(), k.view(), v.view(), &self.attending);

        let tensors = [
            ("q", "query", formats.query, mending.query, 1.0 / query_factor, saturations[0]),
            ("k", "key", formats.key, mending.key, 1.0, saturations[1]),
            ("v", "value", formats.value, mending.value, 1.0, saturations[2]),
            ("score", "score", formats.score, mending.score, 1.0, computed.scores),
            ("weight", "weight", formats.weight, mending.weight, 1.0, computed.weights),
            ("output", "output", formats.output, mending.output, 1.0, computed.outputs),
        ];
        let quantization = tensors.map(|(tensor, _, ty, _, factor, saturation)| Quantization {
            tensor: tensor.to_string(),
            format: ty.to_string(),
            scale: unit(ty) * factor,
            saturated: saturation.count,
        });
        let warnings = tensors.into_iter().filter_map(|(tensor, name, ty, mending, factor, saturation)| {
            // A wider range is of no use to what saturates for another reason.
            let mends = raw_range(mending).1 as f64 * unit(mending) > raw_range(ty).1 as f64 * unit(ty);
            let remedy = mends.then(|| Setting::format(&format!("formats.{name}"), mending));
            saturation.warning(&key(index, tensor), "elements", ty, unit(ty) * factor, remedy)
        });
        let vanished = zero_rows.warnings(&key(index, "weight"), reference.nrows() as u64, k.nrows(), formats);
        PreparedHead {
            q,
            k,
            v,
            attending: self.attending,
            expected: outputs,
            reference,
            largest_value,
            output_scale: unit(formats.output),
            quantization: quantization.into(),
            warnings: warnings.chain(vanished).collect(),
        }
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

/// Which keys the queries of a head attend to, of R queries and N keys.
fn attending(
    parameters: &Parameters,
    head: &Head,
    index: usize,
    (rows, keys): (usize, usize),
    loader: &mut Loader,
) -> Result<Attending, ConfigError> {
    let mut attending = Attending::new(parameters.mask, rows, keys);
    if let Some((key, length)) = parameters.length(index) {
        if length > keys {
            let message = format!("a length of {length}, but heads[{index}] has {keys} keys");
            return Err(ConfigError::new(key, message).with_remedy(format!("1 to {keys}")));
        }
        attending = attending.with_length(length);
    }
    let key = key(index, "mask");
    Ok(match &head.mask {
        None => attending,
        Some(KeyMask::List(list)) => attending.with_mask(key_mask::of_list(list, keys, &key)?),
        Some(KeyMask::Tensor(source)) => attending.with_mask(key_mask::of_tensor(loader.take(source, &key, Type::BIT)?, rows, keys, &key)?),
    })
}

/// The greatest sizes: keys beyond the longest length are streamed for nobody, and not at all. A window takes each token once, padding too.
fn common_shape(mask: Mask, heads: &[HeadTensors], first: Shape) -> Shape {
    let keys = |head: &HeadTensors| if let Mask::SinkWindow(_) = mask { head.k.nrows() } else { head.attending.length() };
    Shape {
        rows: heads.iter().map(|head| head.q.nrows()).max().unwrap_or(first.rows),
        keys: heads.iter().map(keys).max().unwrap_or(first.keys),
        ..first
    }
}

/// Checks that the tensors of a head fit together, the mask and the first head.
fn check_shape(parameters: &Parameters, shape: Shape, first: Shape, index: usize) -> Result<(), ConfigError> {
    let Shape { rows, keys, head_dimension } = shape;
    if head_dimension != first.head_dimension {
        let message = format!("D is {head_dimension}, unlike that of heads[0]");
        return Err(ConfigError::new(key(index, "q"), message)
            .with_remedy(format!("queries and keys of {} elements, or another run", first.head_dimension)));
    }
    match parameters.mask {
        Mask::Causal if rows > keys => Err(ConfigError::new("mask", format!("{rows} queries cannot be the last tokens of {keys} keys"))
            .with_remedy("at least as many keys as queries, or mask = \"none\"")),
        Mask::SinkWindow(_) if rows != keys => Err(ConfigError::new(
            "mask",
            format!("a window moves over the tokens of a sequence, but there are {rows} queries and {keys} keys"),
        )
        .with_remedy("as many keys as queries")),
        _ => Ok(()),
    }
}
