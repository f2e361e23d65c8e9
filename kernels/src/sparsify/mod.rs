//! Pruning a weight matrix in hardware: to N:M along its inputs, or to 2:4 along both axes.
//!
//! The hardware is that of [`crate::sparse::hardware`], which other kernels place in front of their arrays, with streams at both ends.

pub mod golden;
pub mod model;
pub mod parameters;
pub mod prepare;
pub mod run;
pub mod schedule;

use systole_hdl::{Design, elaborate};

use self::parameters::{Hardware, Parameters};
use self::run::SparsifyRun;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, Configured, DesignError, Kernel, Prepared, TensorRequest};

/// The kernel `sparsify`.
#[derive(Clone, Copy, Debug)]
pub struct Sparsify;

impl Kernel for Sparsify {
    fn name(&self) -> &'static str {
        "sparsify"
    }

    fn summary(&self) -> &'static str {
        "N:M pruning of a weight matrix by magnitude, along its inputs or 2:4 along both axes"
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
        self.weights.request("weights").into_iter().collect()
    }

    fn design(&self, _: &[Tensor]) -> Result<Design, DesignError> {
        Ok(match self.hardware() {
            Hardware::Sparsifier(sparsifier) => elaborate(&sparsifier)?,
            Hardware::Selector(selector) => elaborate(&selector)?,
        })
    }

    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError> {
        Ok(Box::new(SparsifyRun::new(self, prepare::prepare(self, tensors)?)))
    }
}
