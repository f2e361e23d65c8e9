//! The run of a step, and its report: against all-dense, and against the bound of the multiply-accumulates.

use super::parameters::LayerShape;
use super::prepare::{Role, Step};
use crate::kernel::{Prepared, RunContext, RunError};
use crate::report::{MemoryItem, MemoryUse, NamedTable, Outcome, grouped};
use crate::systolic::hardware::TrainingArray;
use crate::systolic::model::Model;
use crate::systolic::run::ArrayRun;

/// Products of the sparse step; those of the dense one that differ follow.
const PRODUCTS: usize = 3;
/// Names of the products' outputs, those of the dense step last.
const OUTPUTS: [&str; 5] = ["y", "dx", "dw", "y_dense", "dx_dense"];

/// A training step with its data.
#[derive(Clone, Debug)]
pub struct TrainingRun {
    hardware: TrainingArray,
    step: Step,
    run: ArrayRun,
}

impl TrainingRun {
    /// A run of this step; `run` has its products.
    pub fn new(hardware: TrainingArray, step: Step, run: ArrayRun) -> TrainingRun {
        TrainingRun { hardware, step, run }
    }
}

impl Prepared for TrainingRun {
    fn config(&self) -> serde_json::Value {
        self.run.config()
    }

    fn run(&self, context: &mut RunContext<'_>) -> Result<Outcome, RunError> {
        let mut outcome = self.run.run(context)?;
        let cycles: Vec<u64> = outcome.parts.iter().map(|part| part.cycles.total).collect();
        outcome.tables = vec![self.against_dense(&cycles), self.against_bound(&cycles), self.weights(&outcome.memory)];
        outcome.outputs = outcome.outputs.into_iter().zip(OUTPUTS).map(|(output, name)| output.renamed(name)).collect();
        Ok(outcome)
    }
}

impl TrainingRun {
    /// The cycles of the same product with dense weights.
    fn dense(&self, product: usize, cycles: &[u64]) -> u64 {
        let role = self.step.products[product].0;
        let dense = (PRODUCTS..cycles.len()).find(|&dense| self.step.products[dense].0 == role);
        cycles[dense.unwrap_or(product)]
    }

    /// How many times fewer multiply-accumulates a product has than with dense weights: M/N, and 1 for the update.
    fn bound(&self, role: Role) -> f64 {
        let group = self.hardware.array.group;
        if role == Role::Update { 1.0 } else { f64::from(group.elements) / f64::from(group.slots) }
    }

    fn against_dense(&self, cycles: &[u64]) -> NamedTable {
        let row = |name: &str, sparse: u64, dense: u64, bound: f64| {
            [name.to_string(), grouped(sparse), grouped(dense), format!("{:.3}", dense as f64 / sparse as f64), format!("{bound:.3}")]
        };
        let mut rows: Vec<[String; 5]> = (0..PRODUCTS)
            .map(|product| {
                let (role, layer) = &self.step.products[product];
                row(&layer.name, cycles[product], self.dense(product, cycles), self.bound(*role))
            })
            .collect();
        let sparse: u64 = cycles[..PRODUCTS].iter().sum();
        let dense: u64 = (0..PRODUCTS).map(|product| self.dense(product, cycles)).sum();
        let share: f64 = self.step.products[..PRODUCTS].iter().map(|(role, _)| 1.0 / self.bound(*role)).sum();
        rows.push(row("the step", sparse, dense, PRODUCTS as f64 / share));
        let columns = ["product", "cycles", "with dense weights", "speed-up", "bound of the multiply-accumulates"];
        NamedTable::new("the training step against all-dense on the same array", columns, rows)
    }

    /// Where the cycles go that the multiply-accumulates do not need.
    fn against_bound(&self, cycles: &[u64]) -> NamedTable {
        let peak = u64::from(self.hardware.array.rows) * u64::from(self.hardware.array.columns);
        let row = |name: &str, cycles: u64, needed: f64, model: Model| {
            let padding = model.streaming as f64 - needed;
            let terms = [model.buffering, model.load, model.sparsify, model.fill, model.pipeline].map(grouped);
            let [buffering, load, sparsify, fill, pipeline] = terms;
            let shown = |value: f64| match (value * 10.0).round() as u64 {
                tenths if tenths.is_multiple_of(10) => grouped(tenths / 10),
                tenths => format!("{}.{}", grouped(tenths / 10), tenths % 10),
            };
            [name.to_string(), grouped(cycles), shown(needed), shown(padding), buffering, load, sparsify, fill, pipeline]
        };
        let products = self.step.products.iter().zip(cycles).map(|((role, layer), &cycles)| {
            let shape = layer.schedule.shape();
            let sparse = if layer.schedule.compression().is_dense() { 1.0 } else { self.bound(*role) };
            let needed = (shape.m * shape.k * shape.n) as f64 / sparse / peak as f64;
            (layer.name.as_str(), cycles, needed, Model::of(&self.hardware.array, &layer.schedule))
        });
        let products: Vec<(&str, u64, f64, Model)> = products.collect();
        let step = products[..PRODUCTS].iter().fold((0, 0.0), |sum, product| (sum.0 + product.1, sum.1 + product.2));
        let model: Model = products[..PRODUCTS].iter().map(|product| product.3).sum();
        let mut rows: Vec<[String; 9]> = products.iter().map(|&(name, cycles, needed, model)| row(name, cycles, needed, model)).collect();
        rows.insert(PRODUCTS, row("the step", step.0, step.1, model));
        let columns = ["product", "cycles", "needed", "padding", "buffering", "load, drain", "sparsify", "crossing", "output"];
        let note = if self.run.stalls.are_none() { "" } else { "; the cycles also have stalls" };
        NamedTable::new(
            format!("where the cycles go: those that every processing element needs, and what comes on top{note}"),
            columns,
            rows,
        )
    }

    /// That there is one copy of the weights, by the design's memories.
    fn weights(&self, memory: &MemoryUse) -> NamedTable {
        let row = |item: &MemoryItem| {
            let bytes = (item.words * u64::from(item.bits_per_word)).div_ceil(8);
            [item.name.clone(), grouped(item.words), item.bits_per_word.to_string(), grouped(bytes)]
        };
        let banks = memory.items().iter().filter(|item| item.name.starts_with("weight_bank")).map(row);
        let LayerShape { inputs, outputs, .. } = self.step.shape;
        let title = format!(
            "the one copy of the {inputs} x {outputs} weights, dense: forward reads its rows, backward its columns; filled in {} cycles",
            grouped(self.hardware.store.words())
        );
        NamedTable::new(title, ["memory", "words", "bits a word", "bytes"], banks)
    }
}
