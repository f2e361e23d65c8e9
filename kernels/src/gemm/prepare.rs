//! From tensors to the layers of a run.

use super::parameters::Parameters;
use crate::common::load::Loader;
use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::systolic::compression::Compression;
use crate::systolic::hardware::HardwareParameters;
use crate::systolic::prepare::{Arranged, Operands, PreparedLayer, Weights, labels};
use crate::systolic::product::shapes;
use crate::systolic::schedule::Schedule;

/// Takes the tensors that [`tensor_sources`] wants from files, in that order, and computes everything that a run on this
/// hardware needs.
///
/// # Errors
/// If shapes do not fit together, a reduction is too long for the accumulator, or a bias does not fit it.
pub fn prepare(parameters: &Parameters, hardware: &HardwareParameters, tensors: Vec<Tensor>) -> Result<Vec<PreparedLayer>, ConfigError> {
    // Before random tensors are drawn.
    shapes(parameters.products(), &tensors)?;
    let mut loader = Loader::new(tensors, parameters.seed);
    let mut layers: Vec<PreparedLayer> = Vec::with_capacity(parameters.layers.len());
    for (index, product) in parameters.products().enumerate() {
        let operands = Operands::load(hardware, &product, index.checked_sub(1).map(|previous| (previous, &layers[previous])), &mut loader)?;
        let schedule = Schedule::new(hardware, operands.shape(), Compression::dense(hardware.group));
        let b = &operands.b.raw;
        let arranged = Arranged { schedule, multiplied: b.clone(), streamed: Weights::Slots(b.clone()), kept: None };
        layers.push(operands.prepare(hardware, &product, arranged, format!("layer {index}"))?);
    }
    if let (Some(task), Some(last)) = (&parameters.task, layers.last_mut()) {
        last.labels = Some(labels(&mut loader, &task.labels, last.expected.dim())?);
    }
    Ok(layers)
}

/// Every tensor of a configuration with its key, in the order in which they are taken.
pub fn tensor_sources(parameters: &Parameters) -> Vec<(String, &TensorSource)> {
    let task = parameters.task.iter().map(|task| ("task.labels".to_string(), &task.labels));
    parameters.products().flat_map(|product| product.sources()).chain(task).collect()
}
