//! From a configuration and its tensor to what is run: quantized weights, and what has to come of them.

use ndarray::{Array2, Ix2};
use systole_hdl::Type;

use super::golden::{self, Sparse};
use super::parameters::{Method, Parameters, USUAL, WEIGHTS};
use super::schedule::Schedule;
use crate::common::fitting::{Extent, integer, roomier};
use crate::common::load::{Loader, check_magnitudes, with_rank};
use crate::common::quantize::quantize;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::report::{Quantization, Setting, Warning};
use crate::sparse::hardware::ELEMENT_BITS;
use crate::sparse::masks::{kept_l1, magnitude_mask, pruned};
use crate::sparse::pattern::Grouping;
use crate::sparse::transposable::transposable_mask;

/// The weights and their golden result.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The weights as raw numbers, `[inputs, outputs]`.
    pub weights: Array2<i64>,
    /// Their hardware type.
    pub format: Type,
    /// Real value of one unit of them.
    pub scale: f64,
    /// How they were quantized.
    pub quantization: Quantization,
    /// What of them saturated.
    pub warnings: Vec<Warning>,
    /// What the configuration left to the data.
    pub chosen: Vec<Setting>,
    /// The order in which they enter.
    pub schedule: Schedule,
    /// What has to come out.
    pub expected: Sparse,
    /// The weights in double precision, pruned in double precision.
    pub reference: Array2<f64>,
    /// The share of the L1 norm that is kept in double precision.
    pub reference_kept: f64,
}

/// The weights' format: as stated, or chosen from them.
///
/// # Errors
/// If it is left out and there are no weights, or some that are not finite.
pub fn format(parameters: &Parameters, tensors: &[Tensor]) -> Result<Type, ConfigError> {
    if let Some(format) = parameters.format {
        return Ok(format);
    }
    let tensor = Loader::new(tensors.to_vec(), parameters.seed).take(&parameters.weights, "weights", USUAL)?;
    Ok(if tensor.integer { integer(Extent::of(&tensor.values)) } else { USUAL })
}

/// Quantizes the weights and prunes them on the host.
///
/// # Errors
/// If the weights are not a matrix, or not of finite numbers in proportion.
pub fn prepare(parameters: &Parameters, tensors: Vec<Tensor>) -> Result<Workload, ConfigError> {
    let (source, key) = (&parameters.weights, "weights");
    let format = format(parameters, &tensors)?;
    let tensor = Loader::new(tensors, parameters.seed).take(source, key, parameters.format.unwrap_or(USUAL))?;
    check_magnitudes(&tensor, source.scale, key)?;
    let quantized = quantize(&tensor, source.scale, format);
    let saturation = quantized.saturation;
    let remedy = roomier(format, saturation.extent, *ELEMENT_BITS.end()).map(|ty| Setting::format("format", ty));
    let warning = saturation.warning(key, "elements", format, quantized.scale, remedy);
    let (scale, quantization) = (quantized.scale, quantized.report(key));
    let weights: Array2<i64> = with_rank::<i64, Ix2>(quantized.raw, key, WEIGHTS)?;
    let real: Array2<f64> = with_rank::<f64, Ix2>(tensor.values * source.scale, key, WEIGHTS)?;

    let (inputs, outputs) = weights.dim();
    let pattern = parameters.pattern;
    let schedule = Schedule { inputs, outputs, m: pattern.m(), lanes: parameters.lanes as usize };
    let (expected, mask) = match parameters.method {
        Method::Streaming | Method::Parallel => {
            (golden::sorted(weights.view(), &schedule, pattern.n()), magnitude_mask(real.view(), pattern, Grouping::Inputs))
        }
        Method::Transposable => (golden::best_masks(weights.view()), transposable_mask(real.view())),
    };
    let (reference, reference_kept) = (pruned(real.view(), mask.view()), kept_l1(real.view(), mask.view()));
    Ok(Workload {
        weights,
        format,
        scale,
        quantization,
        warnings: warning.into_iter().collect(),
        chosen: if parameters.format.is_none() { vec![Setting::format("format", format)] } else { Vec::new() },
        schedule,
        expected,
        reference,
        reference_kept,
    })
}
