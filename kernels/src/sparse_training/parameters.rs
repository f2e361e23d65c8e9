//! The configuration of a training step, and what of it the hardware supports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, deserialize};
use crate::sparse::hardware::weight_store::WeightStore;
use crate::sparse::pattern::Pattern;
use crate::systolic::hardware::TrainingArray;
use crate::systolic::hardware::{Dataflow, Group, HardwareParameters, WeightSupply};
use crate::systolic::parameters::{ArrayParameters, DataflowChoice, Formats, OutputFormat, StreamStalls};
use crate::systolic::product::MATRIX;

/// The three products of a training step of one layer on one array: Y = X·W_F, dX = dY·W_Bᵀ and dW = Xᵀ·dY. W is kept once, dense, on the
/// chip; W_F and W_B are its N:M-sparse parts along the inputs and along the outputs, chosen by magnitude on the way into the array.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seed of random data and random stalls.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// The systolic array and its buffers; weight- or output-stationary, with a number of rows that N divides.
    #[serde(default)]
    pub array: ArrayParameters,
    /// The pattern of W_F and W_B, such as `"2:8"`.
    #[serde(default = "two_of_eight")]
    pub pattern: Pattern,
    /// Number formats of the hardware: `a` of X, Xᵀ and dY on the left side, `b` of W and of dY on the right side.
    #[serde(default = "accumulators")]
    pub formats: Formats,
    /// Activations X, `[samples, inputs]`.
    pub x: TensorSource,
    /// Weights W, `[inputs, outputs]`.
    pub w: TensorSource,
    /// The gradient dY of the loss for the outputs, `[samples, outputs]`.
    pub dy: TensorSource,
    /// When the far ends of the streams are active.
    #[serde(default)]
    pub stalls: StreamStalls,
}

fn first_seed() -> u64 {
    1
}

fn two_of_eight() -> Pattern {
    Pattern::new(2, 8).expect("2:8 is a pattern")
}

fn accumulators() -> Formats {
    Formats { output: OutputFormat::Accumulator, ..Formats::default() }
}

/// The sizes of a layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LayerShape {
    /// Rows of X, Y and their gradients.
    pub samples: usize,
    /// Columns of X, rows of W.
    pub inputs: usize,
    /// Columns of W and Y.
    pub outputs: usize,
}

impl Parameters {
    /// Reads a configuration and refuses what the hardware does not support, as far as it shows without the tensors.
    ///
    /// # Errors
    /// The first key at fault, why, and the nearest thing that works.
    pub fn read(config: toml::Table) -> Result<Parameters, ConfigError> {
        let parameters: Parameters = deserialize(config)?;
        parameters.validate()?;
        Ok(parameters)
    }

    /// The tensors' keys and sources, in the order in which they are taken.
    pub fn sources(&self) -> [(&'static str, &TensorSource); 3] {
        [("x", &self.x), ("w", &self.w), ("dy", &self.dy)]
    }

    /// The layer's sizes. `tensors` are those that come from files.
    ///
    /// # Errors
    /// If a tensor is no matrix, or the three do not fit together.
    pub fn shape(&self, tensors: &[Tensor]) -> Result<LayerShape, ConfigError> {
        let mut loaded = tensors.iter();
        let mut matrix = |key: &str, source: &TensorSource| match source.shape(key, &mut loaded)?[..] {
            [rows, columns] => Ok((rows, columns)),
            ref shape => {
                Err(ConfigError::new(key, format!("the tensor has the shape {shape:?}")).with_remedy(format!("it must have {MATRIX}")))
            }
        };
        let (samples, inputs) = matrix("x", &self.x)?;
        let (rows, outputs) = matrix("w", &self.w)?;
        let gradient = matrix("dy", &self.dy)?;
        if rows != inputs {
            return Err(ConfigError::new("w", format!("W is [{rows}, {outputs}], but X is [{samples}, {inputs}]"))
                .with_remedy(format!("W must have {inputs} rows; `transpose = true` turns it")));
        }
        if gradient != (samples, outputs) {
            return Err(ConfigError::new("dy", format!("dY is [{}, {}]", gradient.0, gradient.1))
                .with_remedy(format!("it must be [{samples}, {outputs}], as Y = X·W is")));
        }
        Ok(LayerShape { samples, inputs, outputs })
    }

    /// The hardware for a layer of these sizes.
    pub fn hardware(&self, shape: LayerShape) -> TrainingArray {
        let size = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let group = Group { slots: size(self.pattern.n()), elements: size(self.pattern.m()) };
        let dataflow = self.array.dataflow.fixed().unwrap_or(Dataflow::WeightStationary);
        let array = HardwareParameters { weights: WeightSupply::Streaming, ..self.array.hardware(dataflow, &self.formats, group) };
        let banks = array.columns;
        let store = WeightStore {
            banks,
            input_tiles: size(shape.inputs).div_ceil(banks),
            output_tiles: size(shape.outputs).div_ceil(banks),
            element: array.b,
        };
        TrainingArray { array, store }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.array.validate()?;
        let ArrayParameters { dataflow, rows, buffer_rows, .. } = self.array;
        if !matches!(dataflow, DataflowChoice::WeightStationary | DataflowChoice::OutputStationary) {
            return Err(ConfigError::new("array.dataflow", "the products of a step run on one array, which keeps weights or outputs")
                .with_remedy("\"weight-stationary\" or \"output-stationary\""));
        }
        let slots = self.pattern.n() as u32;
        if !rows.is_multiple_of(slots) {
            let message = format!("{rows} rows are no multiple of the {slots} weights that are kept of a group");
            return Err(ConfigError::new("array.rows", message).with_remedy(format!("nearest: {}", (rows / slots).max(1) * slots)));
        }
        if dataflow == DataflowChoice::OutputStationary && buffer_rows < slots {
            let message = format!("a buffer of {buffer_rows} words does not hold a group of {slots} slots");
            return Err(ConfigError::new("array.buffer_rows", message).with_remedy(format!("at least {slots} words")));
        }
        self.formats.validate()?;
        self.stalls.validate()?;
        self.sources().into_iter().try_for_each(|(key, source)| source.validate(key))
    }
}
