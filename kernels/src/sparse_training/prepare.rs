//! From tensors to the products of a step, sparse and dense.

use ndarray::{Array1, Array2};

use super::parameters::{LayerShape, Parameters};
use crate::common::load::Loader;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::sparse::hardware::weight_store::Reading;
use crate::sparse::masks::{bdwp_masks, pruned};
use crate::systolic::compression::Compression;
use crate::systolic::hardware::TrainingArray;
use crate::systolic::parameters::Formats;
use crate::systolic::prepare::{Arranged, Operand, Operands, PreparedLayer, Weights, operand, quantized};
use crate::systolic::product::Product;
use crate::systolic::schedule::{Schedule, Shape};

/// What a product of the step is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Y = X·W.
    Forward,
    /// dX = dY·Wᵀ.
    Backward,
    /// dW = Xᵀ·dY.
    Update,
}

/// The products of a step in the order in which they run, and after them those that a dense step has instead.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The layer's sizes.
    pub shape: LayerShape,
    /// Raw weights `[inputs, outputs]`, dense.
    pub weights: Array2<i64>,
    /// X·W_F, dY·W_Bᵀ and Xᵀ·dY, then X·W and dY·Wᵀ; with the role of each.
    pub products: Vec<(Role, PreparedLayer)>,
}

/// Takes the tensors that come from files, in the order of [`Parameters::sources`], and computes everything that a run needs.
///
/// # Errors
/// If shapes do not fit together, or a reduction is too long for the accumulator.
pub fn prepare(parameters: &Parameters, hardware: &TrainingArray, shape: LayerShape, tensors: Vec<Tensor>) -> Result<Step, ConfigError> {
    let mut loader = Loader::new(tensors, parameters.seed);
    let formats = Formats::from(&hardware.array);
    let x = operand(&mut loader, &parameters.x, "x", ("formats.a", formats.a))?;
    let w = operand(&mut loader, &parameters.w, "w", ("formats.b", formats.b))?;
    // The gradient stands on the left side of one product and on the right side of another.
    let gradient = loader.take(&parameters.dy, "dy", formats.a)?;
    let [dy_left, dy_right] =
        [("formats.a", formats.a), ("formats.b", formats.b)].map(|format| quantized(&gradient, &parameters.dy, "dy", format));
    let (dy_left, dy_right) = (dy_left?, dy_right?);
    let masks = bdwp_masks(w.raw.view(), parameters.pattern);

    let maker = Maker { parameters, hardware, sparse: parameters.pattern.m() };
    let (x_of, w_of, dy_of) = (|| x.clone(), || w.clone(), || dy_left.clone());
    let products = [
        (Role::Forward, maker.stored("X * W_F", x_of(), w_of(), Some(masks.forward), false)?),
        (Role::Backward, maker.stored("dY * W_B^T", dy_of(), transposed(w_of()), Some(masks.backward.reversed_axes()), true)?),
        (Role::Update, maker.streamed("X^T * dY", transposed(x_of()), dy_right)?),
        (Role::Forward, maker.stored("X * W, dense", x_of(), w_of(), None, false)?),
        (Role::Backward, maker.stored("dY * W^T, dense", dy_of(), transposed(w_of()), None, true)?),
    ];
    Ok(Step { shape, weights: w.raw, products: products.into() })
}

/// The transposed matrix.
fn transposed(operand: Operand<ndarray::Ix2>) -> Operand<ndarray::Ix2> {
    Operand { raw: operand.raw.reversed_axes(), reference: operand.reference.reversed_axes(), ..operand }
}

struct Maker<'a> {
    parameters: &'a Parameters,
    hardware: &'a TrainingArray,
    /// Elements of a sparse group, M.
    sparse: usize,
}

impl Maker<'_> {
    /// A product with the stored weights on the right side, of which those of a mask are multiplied, or all.
    fn stored(
        &self,
        name: &str,
        a: Operand<ndarray::Ix2>,
        weights: Operand<ndarray::Ix2>,
        kept: Option<Array2<bool>>,
        transposed: bool,
    ) -> Result<PreparedLayer, ConfigError> {
        let group = self.hardware.array.group;
        let compression = match kept {
            Some(_) => Compression::new(group.slots as usize, self.sparse, group).expect("the groups are those of the pattern"),
            None => Compression::dense(group),
        };
        let operands = without_bias(a, weights);
        let schedule = self.schedule(&operands, compression).with_weights_from(TrainingArray::STORE_LATENCY);
        let Shape { k, .. } = operands.shape();
        let words = schedule.groups_of_tile() * compression.elements_of_group();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let reading = Reading {
            transposed,
            repeats: count(schedule.outer.count),
            lane_tiles: count(schedule.lanes.count),
            rows: count(k),
            padding: count(words - k),
            group: count(compression.elements_of_group()),
            releases: false,
        };
        let all = operands.b.raw.view();
        let multiplied = kept.as_ref().map_or_else(|| all.to_owned(), |kept| pruned(all, kept.view()));
        self.finish(name, "w", &operands, Arranged { schedule, multiplied, streamed: Weights::Stored(reading), kept })
    }

    /// A dense product of two operands from outside.
    fn streamed(&self, name: &str, a: Operand<ndarray::Ix2>, b: Operand<ndarray::Ix2>) -> Result<PreparedLayer, ConfigError> {
        let operands = without_bias(a, b);
        let schedule = self.schedule(&operands, Compression::dense(self.hardware.array.group));
        let elements = operands.b.raw.clone();
        let streamed = Weights::Elements { elements: elements.clone(), pattern: None, exact: false };
        self.finish(name, "dy", &operands, Arranged { schedule, multiplied: elements, streamed, kept: None })
    }

    fn schedule(&self, operands: &Operands, compression: Compression) -> Schedule {
        Schedule::new(&self.hardware.array, operands.shape(), compression.in_whole_groups())
    }

    /// `right` is the key of the operand on the right side.
    fn finish(&self, name: &str, right: &str, operands: &Operands, arranged: Arranged) -> Result<PreparedLayer, ConfigError> {
        let Parameters { x, w, .. } = self.parameters;
        let product = Product { key: name.to_string(), a: Some(x), b: w, bias: None, relu: false, output_scale: None };
        // A product is no part of this configuration, its operands are.
        let placed = |error: ConfigError| {
            let key = if error.key == product.key_of("b") { right } else { "formats.output" };
            ConfigError { key: key.to_string(), message: format!("{name}: {}", error.message), ..error }
        };
        let layer = operands.prepare(&self.hardware.array, &product, arranged, name.to_string()).map_err(placed)?;
        Ok(PreparedLayer { b_key: right.to_string(), ..layer })
    }
}

fn without_bias(a: Operand<ndarray::Ix2>, b: Operand<ndarray::Ix2>) -> Operands {
    let outputs = b.raw.ncols();
    let bias = Operand {
        raw: Array1::zeros(outputs),
        scale: a.scale * b.scale,
        reference: Array1::zeros(outputs),
        quantization: None,
        warning: None,
    };
    Operands { a, output_of: None, b, bias }
}
