//! Scaled dot-product attention as a graph of streaming units: o = softmax(q·kᵀ/√D)·v in fixed point.
//!
//! After "Implementing and optimizing the scaled dot-product attention on streaming dataflow", arXiv 2404.16629: four orders of the
//! same arithmetic, of which the last holds nothing that grows with the number of keys. Exponents are of base 2, since the queries
//! come scaled by log₂(e)/√D.

pub mod attending;
pub mod exponential;
pub mod figures;
pub mod format_choice;
pub mod formats;
pub mod golden;
pub mod graph;
pub mod key_mask;
pub mod mask;
pub mod model;
pub mod operands;
pub mod parameters;
pub mod prepare;
pub mod reference;
pub mod run;
pub mod zero_rows;

use systole_hdl::{Design, elaborate};

use self::formats::Formats;
use self::graph::{Layout, Operands};
use self::parameters::Parameters;
use self::prepare::Shape;
use self::run::AttentionRun;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, Configured, DesignError, Prepared, TensorRequest, serialize};

impl Parameters {
    /// Everything that the hardware depends on, for heads of these sizes in these formats; `key_mask` says whether they need a stream of masks.
    pub fn layout(&self, shape: Shape, key_mask: bool, formats: Formats) -> Layout {
        Layout {
            variant: self.variant,
            head_dimension: self.head_dimension,
            division: self.division,
            rows_in_parallel: self.rows_in_parallel as usize,
            mask: self.mask,
            key_mask,
            formats,
            exp: self.exp,
            fifos: self.fifos,
            latency: self.latency,
            shape,
            heads: self.heads.len(),
        }
    }
}

impl Layout {
    /// Elaborates the hardware.
    ///
    /// # Errors
    /// If sizes are beyond what hardware is made for, or its description is at fault.
    pub fn design(&self) -> Result<Design, DesignError> {
        let graph = self.graph(&Operands::default()).graph;
        let hardware = graph.hardware("attention").map_err(|error| ConfigError::new("", error.to_string()))?;
        Ok(elaborate(&hardware)?)
    }
}

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
        true
    }

    fn design(&self, tensors: &[Tensor]) -> Result<Design, DesignError> {
        let (shape, key_mask, formats) = prepare::shape(self, tensors.to_vec())?;
        self.layout(shape, key_mask, formats).design()
    }

    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError> {
        Ok(Box::new(AttentionRun::new(self, prepare::prepare(self, tensors)?)))
    }
}
