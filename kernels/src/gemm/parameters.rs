//! The configuration of a GEMM run, and what of it the hardware supports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, KernelParameters};
use crate::report::Setting;
use crate::systolic::choice::{Work, fastest};
use crate::systolic::compression::Compression;
use crate::systolic::format_choice::{Demands, FormatParameters};
use crate::systolic::hardware::{Dataflow, Group, HardwareParameters};
use crate::systolic::parameters::{ArrayParameters, Formats, StreamStalls, TaskParameters};
use crate::systolic::prepare::LABELS;
use crate::systolic::product::{Product, shapes};

/// A chain of matrix products, each the input of the next, on one array.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seed of random data and random stalls.
    #[serde(default = "crate::common::random::first_seed")]
    pub seed: u64,
    /// The systolic array and its buffers.
    #[serde(default)]
    pub array: ArrayParameters,
    /// Number formats of the hardware.
    #[serde(default)]
    pub formats: FormatParameters,
    /// The products in order; the output of one is the operand A of the next.
    pub layers: Vec<Layer>,
    /// When the far ends of the streams are active.
    #[serde(default)]
    pub stalls: StreamStalls,
    /// What the result is good for, to be judged by more than numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskParameters>,
}

/// One matrix product: C\[M×N\] = A\[M×K\]·B\[K×N\] + bias\[N\].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Operand A, `[M, K]`: in the first layer only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<TensorSource>,
    /// Operand B, `[K, N]`.
    pub b: TensorSource,
    /// Added to every row of the product, `[N]`; zero if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<TensorSource>,
    /// Whether negative results become zero.
    #[serde(default)]
    pub relu: bool,
    /// Real value of one unit of the output; if left out, such that the greatest result of this very run is the output's
    /// greatest number. For integer outputs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_scale: Option<f64>,
}

impl KernelParameters for Parameters {
    const NAME: &'static str = "gemm";
    const SUMMARY: &'static str = "dense matrix products on a systolic array, output-, weight- or input-stationary";

    fn validate(&self) -> Result<(), ConfigError> {
        self.array.validate()?;
        let formats = self.formats.choose(&self.demands());
        formats.validate()?;
        self.validate_layers(&formats)?;
        self.stalls.validate()?;
        match &self.task {
            Some(task) => task.labels.validate_axes("task.labels", 1, LABELS),
            None => Ok(()),
        }
    }
}

impl Parameters {
    /// Whether the hardware depends on the tensors.
    pub fn hardware_needs_tensors(&self) -> bool {
        self.array.dataflow.fixed().is_none() || !self.formats.is_complete()
    }

    /// The hardware that these parameters describe. `tensors` are those that the products take from files, and only
    /// [needed](Parameters::hardware_needs_tensors) if the dataflow depends on the work, or formats on the data.
    ///
    /// # Errors
    /// If the dataflow depends on the work, and the tensors' shapes do not fit together; if a format depends on a tensor that is missing, or
    /// those that are stated do not suit the data.
    pub fn hardware(&self, tensors: &[Tensor]) -> Result<HardwareParameters, ConfigError> {
        let formats = self.formats.choose_for(self.products(), tensors, self.seed, self.demands())?;
        formats.validate()?;
        let of = |dataflow: Dataflow| self.array.hardware(dataflow, &formats, Group::DENSE);
        let Some(dataflow) = self.array.dataflow.fixed() else {
            let any = of(Dataflow::WeightStationary);
            let compression = Compression::dense(any.group);
            let work: Vec<Work> = shapes(self.products(), tensors)?.into_iter().map(|shape| Work { shape, compression }).collect();
            return Ok(fastest(&any, &work));
        };
        Ok(of(dataflow))
    }

    /// The products with their keys.
    pub fn products(&self) -> impl Iterator<Item = Product<'_>> {
        self.layers.iter().enumerate().map(|(index, layer)| {
            let Layer { a, b, bias, relu, output_scale } = layer;
            let (a, bias) = (a.as_ref(), bias.as_ref());
            Product { key: format!("layers[{index}]"), a, b, bias, relu: *relu, output_scale: *output_scale }
        })
    }

    /// What formats have to suit, before the tensors are known.
    fn demands(&self) -> Demands {
        Demands::common(self.layers.len() > 1)
    }

    /// The configuration with the formats of this hardware, and which of them are chosen from the data.
    pub fn filled_in(&self, hardware: &HardwareParameters) -> (Parameters, Vec<Setting>) {
        let formats = Formats::from(hardware);
        let chosen = self.formats.chosen(&formats);
        (Parameters { formats: formats.into(), ..self.clone() }, chosen)
    }

    fn validate_layers(&self, formats: &Formats) -> Result<(), ConfigError> {
        if self.layers.is_empty() {
            return Err(ConfigError::new("layers", "there is no layer").with_remedy("at least one [[layers]] with `a` and `b`"));
        }
        if self.layers.len() > 1 {
            formats.validate_chain()?;
        }
        for (index, product) in self.products().enumerate() {
            match (product.a, index) {
                (None, 0) => return Err(product.without_operand()),
                (Some(_), 1..) => {
                    return Err(ConfigError::new(product.key_of("a"), "the operand A of a later layer is the output of the one before it")
                        .with_remedy("leave `a` out"));
                }
                _ => product.validate(formats)?,
            }
        }
        Ok(())
    }
}
