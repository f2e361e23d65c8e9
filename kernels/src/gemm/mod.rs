//! Dense matrix product on a systolic array: C = A·B + bias, requantized, with ReLU; a chain of such layers.

pub mod parameters;
pub mod prepare;

use systole_hdl::Design;

use self::parameters::Parameters;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, Configured, DesignError, Kernel, Prepared, TensorRequest};
use crate::systolic::run::ArrayRun;

/// The kernel `gemm`.
#[derive(Clone, Copy, Debug)]
pub struct Gemm;

impl Kernel for Gemm {
    fn name(&self) -> &'static str {
        "gemm"
    }

    fn summary(&self) -> &'static str {
        "dense matrix products on a systolic array, output-, weight- or input-stationary"
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Parameters)
    }

    fn configure(&self, config: toml::Table) -> Result<Box<dyn Configured>, ConfigError> {
        Ok(Box::new(Parameters::read(config)?))
    }
}

impl Configured for Parameters {
    fn config(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("parameters have only string keys and finite numbers")
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        prepare::tensor_sources(self).into_iter().filter_map(|(key, source)| source.request(&key)).collect()
    }

    fn design_needs_tensors(&self) -> bool {
        self.array.dataflow.fixed().is_none()
    }

    fn design(&self, tensors: &[Tensor]) -> Result<Design, DesignError> {
        Ok(self.hardware(tensors)?.design()?)
    }

    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError> {
        let hardware = self.hardware(&tensors)?;
        let layers = prepare::prepare(self, &hardware, tensors)?;
        Ok(Box::new(ArrayRun { hardware, stored: None, stalls: self.stalls.clone(), seed: self.seed, layers }))
    }
}
