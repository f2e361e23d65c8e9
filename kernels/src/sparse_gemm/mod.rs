//! Matrix products with N:M-sparse weights on the systolic array of the dense kernel: of each M weights along the reduction at most N are
//! stored and multiplied, and each processing element picks its activation from a group of M.
//!
//! After SAT ("Efficient N:M Sparse DNN Training Using Algorithm, Architecture, and Dataflow Co-Design", arXiv 2309.13015) and S4
//! (arXiv 2207.08006).

pub mod parameters;
pub mod prepare;
pub mod run;

use systole_hdl::Design;

use self::parameters::Parameters;
use self::run::SparseRun;
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
        let products = layers.iter().map(|layer| layer.layer.clone()).collect();
        let run = ArrayRun {
            hardware,
            stored: None,
            stalls: self.stalls.clone(),
            seed: self.seed,
            layers: products,
            config: serialize(&filled_in),
            chosen,
        };
        Ok(Box::new(SparseRun::new(run, layers)))
    }
}
