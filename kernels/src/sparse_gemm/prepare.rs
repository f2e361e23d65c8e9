//! From tensors to the products of a run: pruned, compressed, arranged for the array.

use ndarray::{Array2, ArrayView2};

use super::parameters::{LayerPattern, Parameters, Pruning};
use crate::common::errors::relative_error;
use crate::common::load::Loader;
use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::sparse::bi_mask::bi_mask;
use crate::sparse::compressed::Compressed;
use crate::sparse::masks::{kept_l1, magnitude_mask, pruned};
use crate::sparse::pattern::{Grouping, Pattern, Violation};
use crate::sparse::transposable::transposable_mask;
use crate::systolic::golden;
use crate::systolic::hardware::{HardwareParameters, WeightSupply};
use crate::systolic::model::Model;
use crate::systolic::prepare::{Arranged, Operands, PreparedLayer, Weights, ends_of_chains, labels};
use crate::systolic::product::{Product, shapes};
use crate::systolic::schedule::Schedule;

/// Exchanges that the search for a Bi-Mask tries for each output.
const BI_MASK_TRIALS: usize = 16;

/// A product with what sparsity does to it.
#[derive(Clone, PartialEq, Debug)]
pub struct SparseLayer {
    /// The product.
    pub layer: PreparedLayer,
    /// The name of the configuration's layer: products of one differ in their pattern.
    pub family: String,
    /// The pattern of its weights.
    pub pattern: LayerPattern,
    /// Its weights in compressed form; `None` if they are dense.
    pub compressed: Option<Compressed>,
    /// The share of the dense weights' L1 norm that is kept: 0 to 1.
    pub kept_l1: f64,
    /// The output in floating point with dense weights, in this layer and in those before it.
    pub dense_reference: Array2<f64>,
    /// ‖C − C_dense‖ / ‖C_dense‖ of the output against [`SparseLayer::dense_reference`]: pruning and quantization together.
    pub relative_error: f64,
    /// Cycles of the array for the same product with dense weights.
    pub dense_array_cycles: u64,
}

/// Takes the tensors that [`tensor_sources`] wants from files, in that order, and computes everything that a run on this
/// hardware needs.
///
/// # Errors
/// If shapes do not fit together, a reduction is too long for the accumulator, a bias does not fit it, or weights that are not to be
/// pruned break their pattern.
pub fn prepare(parameters: &Parameters, hardware: &HardwareParameters, tensors: Vec<Tensor>) -> Result<Vec<SparseLayer>, ConfigError> {
    // Before random tensors are drawn.
    shapes(parameters.products().map(|(product, _)| product), &tensors)?;
    let mut loader = Loader::new(tensors, parameters.seed);
    let mut layers: Vec<SparseLayer> = Vec::new();
    for (index, (product, layer)) in parameters.products().enumerate() {
        let previous = layers.len().checked_sub(1).map(|previous| (previous, &layers[previous].layer));
        let operands = Operands::load(hardware, &product, previous, &mut loader)?;
        let dense_reference = {
            let Operands { a, output_of, b, bias } = &operands;
            let a = output_of.map_or(&a.reference, |earlier| &layers[earlier].dense_reference);
            golden::reference(a, &b.reference, &bias.reference, product.relu)
        };
        let family = parameters.layer_name(index);
        let patterns = parameters.patterns(layer);
        for &pattern in &patterns {
            let pruner = Pruner { method: layer.pruning, seed: parameters.seed };
            let name = if patterns.len() > 1 { format!("{family} {pattern}") } else { family.clone() };
            let maker = Maker { hardware, product: &product, operands: &operands, dense_reference: &dense_reference };
            layers.push(maker.layer(pruner, pattern, &family, name)?);
        }
    }
    if let Some(task) = &parameters.task {
        label_chains(&mut layers, &task.labels, &mut loader)?;
    }
    Ok(layers)
}

/// Every tensor of a configuration with its key, in the order in which they are taken.
pub fn tensor_sources(parameters: &Parameters) -> Vec<(String, &TensorSource)> {
    let task = parameters.task.iter().map(|task| ("task.labels".to_string(), &task.labels));
    parameters.products().flat_map(|(product, _)| product.sources()).chain(task).collect()
}

/// Gives the last layer of every chain the classes to judge it by.
fn label_chains(layers: &mut [SparseLayer], source: &TensorSource, loader: &mut Loader) -> Result<(), ConfigError> {
    let shape = layers.last().map_or((0, 0), |last| last.layer.expected.dim());
    let classes = labels(loader, source, shape)?;
    for index in ends_of_chains(layers.iter().map(|layer| &layer.layer.input)) {
        let SparseLayer { layer, .. } = &mut layers[index];
        if layer.expected.dim() != shape {
            let message = format!("the output of {} is {:?}, that of the last layer {shape:?}", layer.name, layer.expected.dim());
            return Err(ConfigError::new("task.labels", message).with_remedy("chains that end in outputs of one shape"));
        }
        layer.labels = Some(classes.clone());
    }
    Ok(())
}

/// Chooses the weights of a layer that are kept.
#[derive(Clone, Copy)]
struct Pruner {
    method: Pruning,
    seed: u64,
}

impl Pruner {
    /// Which weights `[K, N]` are kept; `None` if all are.
    fn mask(self, weights: ArrayView2<'_, i64>, pattern: Pattern) -> Option<Array2<bool>> {
        match self.method {
            Pruning::None => None,
            Pruning::Magnitude => Some(magnitude_mask(weights, pattern, Grouping::Inputs)),
            Pruning::Transposable => Some(transposable_mask(weights)),
            Pruning::BiMask => Some(bi_mask(weights, pattern, BI_MASK_TRIALS * weights.ncols(), self.seed).both),
        }
    }
}

/// Makes the products of one layer of the configuration.
struct Maker<'a> {
    hardware: &'a HardwareParameters,
    product: &'a Product<'a>,
    operands: &'a Operands,
    dense_reference: &'a Array2<f64>,
}

impl Maker<'_> {
    fn schedule(&self, pattern: LayerPattern) -> Schedule {
        let HardwareParameters { group, weights, .. } = *self.hardware;
        let compression = pattern.compression(group, weights).expect("patterns were checked against the groups");
        Schedule::new(self.hardware, self.operands.shape(), compression)
    }

    fn layer(&self, pruner: Pruner, pattern: LayerPattern, family: &str, name: String) -> Result<SparseLayer, ConfigError> {
        let (hardware, schedule, weights) = (self.hardware, self.schedule(pattern), self.operands.b.raw.view());
        let (arranged, compressed) = match pattern {
            LayerPattern::Dense => (arrange_dense(hardware, schedule, weights), None),
            LayerPattern::Sparse(sparse) => {
                let offered = Offered { weights, mask: pruner.mask(weights, sparse), pattern: sparse, method: pruner.method };
                let (arranged, compressed) = offered.arrange(hardware, schedule, self.product)?;
                (arranged, Some(compressed))
            }
        };
        let kept_l1 = arranged.kept.as_ref().map_or(1.0, |kept| kept_l1(weights, kept.view()));
        let layer = self.operands.prepare(hardware, self.product, arranged, name)?;
        let output = layer.expected.mapv(|raw| raw as f64 * layer.output_scale);
        Ok(SparseLayer {
            family: family.to_string(),
            pattern,
            compressed,
            kept_l1,
            relative_error: relative_error(output.view(), self.dense_reference.view()),
            dense_reference: self.dense_reference.clone(),
            dense_array_cycles: Model::of(hardware, &self.schedule(LayerPattern::Dense)).array_cycles(),
            layer,
        })
    }
}

/// All weights, each in its own slot.
fn arrange_dense(hardware: &HardwareParameters, schedule: Schedule, weights: ArrayView2<'_, i64>) -> Arranged {
    let elements = Array2::from_shape_fn(weights.dim(), |(element, _)| element);
    let streamed = match hardware.weights {
        WeightSupply::Compressed => Weights::Slots(schedule.indexed(weights, elements.view(), hardware.b)),
        _ => Weights::Elements { elements: weights.to_owned(), exact: false, pattern: None },
    };
    Arranged { schedule, multiplied: weights.to_owned(), streamed, kept: None }
}

/// Weights to be arranged for the array.
struct Offered<'a> {
    /// All of them, `[K, N]`.
    weights: ArrayView2<'a, i64>,
    /// Which of them are kept; `None` if all are.
    mask: Option<Array2<bool>>,
    pattern: Pattern,
    method: Pruning,
}

impl Offered<'_> {
    /// The kept weights in their slots, or all for the sparsifier: it prunes by magnitude itself, and checks what was pruned otherwise.
    fn arrange(
        self,
        hardware: &HardwareParameters,
        schedule: Schedule,
        product: &Product<'_>,
    ) -> Result<(Arranged, Compressed), ConfigError> {
        let kept = self.mask.as_ref().map_or_else(|| self.weights.to_owned(), |mask| pruned(self.weights, mask.view()));
        let compressed = Compressed::compress(kept.view(), self.pattern);
        if hardware.weights == WeightSupply::Compressed {
            let compressed = compressed.map_err(|violation| self.refused(&violation, product))?;
            let compression = schedule.compression();
            let elements = Array2::from_shape_fn(compressed.indices().dim(), |(slot, column)| {
                compression.element(slot, compressed.indices()[[slot, column]].into())
            });
            let streamed = Weights::Slots(schedule.indexed(compressed.values(), elements.view(), hardware.b));
            return Ok((Arranged { schedule, multiplied: kept, streamed, kept: self.mask }, compressed));
        }
        // What the hardware has to refuse has no compressed form; that of the largest stands in for it, of which no run will tell.
        let largest = || {
            let mask = magnitude_mask(self.weights, self.pattern, Grouping::Inputs);
            Compressed::compress(pruned(self.weights, mask.view()).view(), self.pattern)
        };
        let compressed = compressed.or_else(|_| largest()).map_err(|violation| self.refused(&violation, product))?;
        let exact = self.method != Pruning::Magnitude;
        let elements = if exact { kept.clone() } else { self.weights.to_owned() };
        let streamed = Weights::Elements { elements, exact, pattern: Some(self.pattern) };
        Ok((Arranged { schedule, multiplied: kept, streamed, kept: self.mask }, compressed))
    }

    fn refused(&self, violation: &Violation, product: &Product<'_>) -> ConfigError {
        ConfigError::new(product.key_of("b"), violation.to_string())
            .with_remedy(format!("{}; pruning = \"magnitude\" prunes it here", violation.remedy()))
    }
}
