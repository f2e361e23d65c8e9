//! The configuration of a training step, and what of it the hardware supports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common::load::Loader;
use crate::common::source::{MATRIX, TensorSource};
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, KernelParameters};
use crate::report::Setting;
use crate::sparse::hardware::weight_store::WeightStore;
use crate::sparse::pattern::Pattern;
use crate::systolic::format_choice::{Demands, FormatParameters, OperandData};
use crate::systolic::hardware::TrainingArray;
use crate::systolic::hardware::{Dataflow, HardwareParameters, WeightSupply};
use crate::systolic::parameters::{ArrayParameters, DataflowChoice, Formats, StreamStalls};

/// The three products of a training step of one layer on one array: Y = X·W_F, dX = dY·W_Bᵀ and dW = Xᵀ·dY. W is kept once, dense, on the
/// chip; W_F and W_B are its N:M-sparse parts along the inputs and along the outputs, chosen by magnitude on the way into the array.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seed of random data and random stalls.
    #[serde(default = "crate::common::random::first_seed")]
    pub seed: u64,
    /// The systolic array and its buffers; weight- or output-stationary, with a number of rows that N divides.
    #[serde(default)]
    pub array: ArrayParameters,
    /// The pattern of W_F and W_B, such as `"2:8"`.
    #[serde(default = "two_of_eight")]
    pub pattern: Pattern,
    /// Number formats of the hardware: `a` on the left side, of X and Xᵀ, and of dY in dY·Wᵀ; `b` on the right side, of W and Wᵀ, and of dY
    /// in Xᵀ·dY. Sums leave as they are unless `output` says otherwise.
    #[serde(default)]
    pub formats: FormatParameters,
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

fn two_of_eight() -> Pattern {
    Pattern::new(2, 8).expect("2:8 is a pattern")
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

impl KernelParameters for Parameters {
    const NAME: &'static str = "sparse-training";
    const SUMMARY: &'static str = "a training step of a layer with N:M-sparse weights: forward, backward and update on one array";

    fn validate(&self) -> Result<(), ConfigError> {
        self.array.validate()?;
        if self.array.dataflow == DataflowChoice::Fastest {
            return Err(ConfigError::new(
                "array.dataflow",
                "the products of a step share one array, whose dataflow is not chosen for them",
            )
            .with_remedy("\"weight-stationary\" or \"output-stationary\""));
        }
        let formats = self.formats.choose(&Parameters::DEMANDS);
        formats.validate()?;
        self.array.validate_groups(&formats, self.pattern.into(), WeightSupply::Streaming, "pattern")?;
        self.stalls.validate()?;
        self.sources().into_iter().try_for_each(|(key, source)| source.validate_axes(key, 2, MATRIX))
    }
}

impl Parameters {
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
        let mut matrix = |key: &str, source: &TensorSource| source.matrix_shape(key, &mut loaded);
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
        let shape = LayerShape { samples, inputs, outputs };
        // Its words do not depend on formats.
        let store = self.hardware(shape, &self.formats.choose(&Parameters::DEMANDS)).store;
        if store.words() > WeightStore::MOST_WORDS {
            let message = format!("weights of [{inputs}, {outputs}] take {} words of {} lanes on the chip", store.words(), store.banks);
            return Err(ConfigError::new("w", message)
                .with_remedy(format!("at most {} words: smaller weights, or more array.columns", WeightStore::MOST_WORDS)));
        }
        Ok(shape)
    }

    /// What formats have to suit, before the tensors are known.
    const DEMANDS: Demands = Demands { a: OperandData::NONE, b: OperandData::NONE, products: 0, chain: false, whole_sums: true };

    /// The number formats: as stated, or chosen from the tensors, of which `tensors` are those that come from files.
    ///
    /// # Errors
    /// If a tensor is missing or has elements that are not finite, or the formats do not go together.
    pub fn array_formats(&self, shape: LayerShape, tensors: &[Tensor]) -> Result<Formats, ConfigError> {
        let mut loader = Loader::new(tensors.to_vec(), self.seed);
        let usual = self.formats.choose(&Parameters::DEMANDS);
        let mut take = |source, key, ty| loader.take(source, key, ty);
        let (x, w, dy) = (take(&self.x, "x", usual.a)?, take(&self.w, "w", usual.b)?, take(&self.dy, "dy", usual.a)?);
        let formats = self.formats.choose(&Demands {
            a: OperandData::NONE.with(&x, self.x.scale).with(&dy, self.dy.scale),
            b: OperandData::NONE.with(&w, self.w.scale).with(&dy, self.dy.scale),
            products: shape.samples.max(shape.inputs).max(shape.outputs),
            ..Parameters::DEMANDS
        });
        formats.validate()?;
        self.array.validate_groups(&formats, self.pattern.into(), WeightSupply::Streaming, "pattern")?;
        Ok(formats)
    }

    /// The configuration with these formats, and which of them are chosen from the data.
    pub fn filled_in(&self, formats: &Formats) -> (Parameters, Vec<Setting>) {
        (Parameters { formats: formats.clone().into(), ..self.clone() }, self.formats.chosen(formats))
    }

    /// The hardware for a layer of these sizes in these formats.
    pub fn hardware(&self, shape: LayerShape, formats: &Formats) -> TrainingArray {
        let size = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let dataflow = self.array.dataflow.fixed().unwrap_or(Dataflow::WeightStationary);
        let array = HardwareParameters { weights: WeightSupply::Streaming, ..self.array.hardware(dataflow, formats, self.pattern.into()) };
        let banks = array.columns;
        let store = WeightStore {
            banks,
            input_tiles: size(shape.inputs).div_ceil(banks),
            output_tiles: size(shape.outputs).div_ceil(banks),
            element: array.b,
        };
        TrainingArray { array, store }
    }
}
