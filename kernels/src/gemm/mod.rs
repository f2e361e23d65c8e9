//! Dense matrix product on a systolic array: C = A·B + bias, requantized, with ReLU; a chain of such layers.

pub mod parameters;
pub mod prepare;

use systole_hdl::Design;

use self::parameters::Parameters;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, Configured, DesignError, Prepared, TensorRequest, serialize};
use crate::systolic::run::ArrayRun;

impl Configured for Parameters {
    fn config(&self) -> serde_json::Value {
        serialize(self)
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        prepare::tensor_sources(self).into_iter().filter_map(|(key, source)| source.request(&key)).collect()
    }

    fn design_needs_tensors(&self) -> bool {
        self.hardware_needs_tensors()
    }

    fn design(&self, tensors: &[Tensor]) -> Result<Design, DesignError> {
        Ok(self.hardware(tensors)?.design()?)
    }

    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError> {
        let hardware = self.hardware(&tensors)?;
        let (filled_in, chosen) = self.filled_in(&hardware);
        let layers = prepare::prepare(self, &hardware, tensors)?;
        Ok(Box::new(ArrayRun {
            hardware,
            stored: None,
            stalls: self.stalls.clone(),
            seed: self.seed,
            layers,
            config: serialize(&filled_in),
            chosen,
        }))
    }
}
