//! A training step of one layer with N:M-sparse weights: forward, backward and weight update on one array, after BDWP ("Efficient N:M Sparse
//! DNN Training Using Algorithm, Architecture, and Dataflow Co-Design", arXiv 2309.13015).

pub mod parameters;
pub mod prepare;
pub mod run;

use systole_hdl::Design;

use self::parameters::Parameters;
use self::run::TrainingRun;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, Configured, DesignError, Prepared, TensorRequest, serialize};
use crate::systolic::run::{ArrayRun, StoredWeights};

impl Configured for Parameters {
    fn config(&self) -> serde_json::Value {
        serialize(self)
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn tensors(&self) -> Vec<TensorRequest> {
        self.sources().into_iter().filter_map(|(key, source)| source.request(key)).collect()
    }

    fn design_needs_tensors(&self) -> bool {
        true
    }

    fn design(&self, tensors: &[Tensor]) -> Result<Design, DesignError> {
        let shape = self.shape(tensors)?;
        Ok(self.hardware(shape, &self.array_formats(shape, tensors)?).design()?)
    }

    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError> {
        let shape = self.shape(&tensors)?;
        let formats = self.array_formats(shape, &tensors)?;
        let (filled_in, chosen) = self.filled_in(&formats);
        let hardware = self.hardware(shape, &formats);
        let step = prepare::prepare(self, &hardware, shape, tensors)?;
        let stored = StoredWeights { store: hardware.store.clone(), weights: step.weights.clone() };
        let layers = step.products.iter().map(|(_, layer)| layer.clone()).collect();
        let run = ArrayRun {
            hardware: hardware.array.clone(),
            stored: Some(stored),
            stalls: self.stalls.clone(),
            seed: self.seed,
            layers,
            config: serialize(&filled_in),
            chosen,
        };
        Ok(Box::new(TrainingRun::new(hardware, step, run)))
    }
}
