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
use crate::kernel::{ConfigError, Configured, DesignError, Prepared, TensorRequest, serialize};

impl Configured for Parameters {
    fn config(&self) -> serde_json::Value {
        serialize(self)
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        self.weights.request("weights").into_iter().collect()
    }

    fn design_needs_tensors(&self) -> bool {
        self.format.is_none()
    }

    fn design(&self, tensors: &[Tensor]) -> Result<Design, DesignError> {
        Ok(match self.hardware(prepare::format(self, tensors)?) {
            Hardware::Sparsifier(sparsifier) => elaborate(&sparsifier)?,
            Hardware::Selector(selector) => elaborate(&selector)?,
        })
    }

    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError> {
        Ok(Box::new(SparsifyRun::new(self, prepare::prepare(self, tensors)?)))
    }
}
