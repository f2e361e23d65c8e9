//! Driving the hardware: stimulus for every stream, measurement, comparison with the golden model.

use ndarray::{Array2, s};
use systole_hdl::types::bits_for;
use systole_hdl::{Type, Value};
use systole_sim::{Received, Simulator, SinkHandle, StallPattern};

use super::golden::Sparse;
use super::model::model;
use super::parameters::{Hardware, Parameters, StreamStalls};
use super::prepare::Workload;
use crate::common::agreement::mismatches;
use crate::common::course::Course;
use crate::common::errors::measure;
use crate::common::pack::{pack, unpack};
use crate::common::streams::{high_water_marks, reseeded, stream_traffic};
use crate::kernel::{Prepared, RunContext, RunError, serialize};
use crate::report::{
    Cycles, Measured, MemoryItem, MemoryKind, MemoryUse, Mismatch, NamedTable, Numerics, Outcome, OutputTensor, Part, Throughput, grouped,
};
use crate::sparse::hardware::{Sparsifier, SparsifierForm};
use crate::sparse::masks::kept_l1;
use crate::sparse::pattern::Pattern;
use crate::sparse::transposable::BLOCK;

/// A sparsification with its data.
#[derive(Clone, Debug)]
pub struct SparsifyRun {
    hardware: Hardware,
    pattern: Pattern,
    exact: bool,
    stalls: StreamStalls,
    seed: u64,
    workload: Workload,
    config: serde_json::Value,
}

/// The far ends of the hardware's outputs.
#[derive(Clone, Copy)]
struct Sinks {
    /// Of the pairs or masks.
    results: SinkHandle,
    /// The name of their stream.
    stream: &'static str,
    refusals: Option<SinkHandle>,
}

impl SparsifyRun {
    /// A run of these parameters on these data.
    pub fn new(parameters: &Parameters, workload: Workload) -> SparsifyRun {
        let format = workload.format;
        SparsifyRun {
            hardware: parameters.hardware(workload.format),
            pattern: parameters.pattern,
            exact: parameters.exact,
            stalls: parameters.stalls.clone(),
            seed: parameters.seed,
            workload,
            config: serialize(&Parameters { format: Some(format), ..parameters.clone() }),
        }
    }

    /// Queues the weights; gives the sinks.
    fn drive(&self, simulator: &mut Simulator) -> Result<Sinks, RunError> {
        let (up, stream, refuses) = match self.hardware {
            Hardware::Sparsifier(_) => ("up", "pairs", true),
            Hardware::Selector(_) => ("blocks", "masks", false),
        };
        let source = simulator.source(up, reseeded(self.stalls.weights, self.seed, 0))?;
        simulator.push_all(source, self.words())?;
        let results = simulator.sink(stream, reseeded(self.stalls.pairs, self.seed, 1))?;
        let refusals = refuses.then(|| simulator.sink("refusals", StallPattern::Always)).transpose()?;
        Ok(Sinks { results, stream, refusals })
    }

    /// The words of the weights in order.
    fn words(&self) -> Vec<Value> {
        let steps = self.workload.schedule.elements(self.workload.weights.view());
        match &self.hardware {
            Hardware::Sparsifier(sparsifier) => steps.flat_map(|elements| sparsifier.group_words(&elements, self.exact)).collect(),
            Hardware::Selector(selector) => steps.map(|elements| pack(&elements, selector.element)).collect(),
        }
    }

    /// Fails if the hardware has refused a group.
    fn check_refusals(&self, simulator: &Simulator, sinks: &Sinks) -> Result<(), RunError> {
        let first = sinks.refusals.and_then(|sink| simulator.received(sink).first());
        match (&self.hardware, first) {
            (Hardware::Sparsifier(sparsifier), Some(refusal)) => Err(self.refused(sparsifier, &refusal.value)),
            _ => Ok(()),
        }
    }

    fn refused(&self, sparsifier: &Sparsifier, word: &Value) -> RunError {
        let refusal = sparsifier.read_refusal(word);
        let (tile, group) = self.workload.schedule.place(refusal.group as usize);
        let output = tile * self.workload.schedule.lanes + refusal.lane;
        let (position, pattern) = (refusal.position, self.pattern);
        let nonzeros = pattern.n() + 1;
        RunError::Refused {
            reason: format!("output {output}, group {group}: the weight at position {position} is nonzero number {nonzeros} of {pattern}"),
            remedy: format!(
                "prune the tensor to {pattern}, choose a `pattern` with a larger N, or set `exact` to false to drop the smallest"
            ),
        }
    }

    /// What the hardware gave, as arrays.
    fn sparse(&self, received: &[Received]) -> Sparse {
        let schedule = &self.workload.schedule;
        match &self.hardware {
            Hardware::Sparsifier(sparsifier) => {
                let pairs: Vec<Vec<(i64, i64)>> = received.iter().map(|word| sparsifier.read_pairs(&word.value)).collect();
                let gather = |part: fn(&(i64, i64)) -> i64| {
                    schedule.gather(self.pattern.n(), schedule.lanes, pairs.iter().map(|word| word.iter().map(part).collect()))
                };
                let (values, indices) = (gather(|pair| pair.0), gather(|pair| pair.1));
                let mut pruned = Array2::zeros(self.workload.weights.dim());
                for ((slot, output), &value) in values.indexed_iter() {
                    let input = slot / self.pattern.n() * schedule.m + indices[[slot, output]] as usize;
                    if let Some(kept) = pruned.get_mut([input, output]) {
                        *kept = value;
                    }
                }
                Sparse { tensors: vec![("values", values), ("indices", indices)], pruned }
            }
            Hardware::Selector(_) => {
                let masks = schedule.gather(1, 1, received.iter().map(|word| unpack(&word.value, Type::u(16))));
                let kept = |row: usize, column: usize| masks[[row / BLOCK, column / BLOCK]] >> (row % BLOCK * BLOCK + column % BLOCK) & 1;
                let weights = self.workload.weights.indexed_iter().map(|((row, column), weight)| weight * kept(row, column)).collect();
                let pruned = Array2::from_shape_vec(self.workload.weights.dim(), weights).expect("as many as there are weights");
                Sparse { tensors: vec![("masks", masks)], pruned }
            }
        }
    }

    fn numerics(&self, result: &Sparse) -> Numerics {
        let workload = &self.workload;
        let compared = result.tensors.iter().zip(&workload.expected.tensors);
        let compared: Vec<(u64, Option<Mismatch>)> =
            compared.map(|((tensor, result), (_, golden))| mismatches(tensor, result, golden)).collect();
        let mismatches = compared.iter().map(|(count, _)| count).sum();
        let errors = measure(result.pruned.mapv(|raw| raw as f64 * workload.scale).view(), workload.reference.view());
        Numerics {
            bit_exact: mismatches == 0,
            mismatches,
            first_mismatch: compared.into_iter().find_map(|(_, first)| first),
            max_abs_error: errors.max_abs.into(),
            rms_error: errors.rms.into(),
            reference_max_abs: errors.reference_max_abs.into(),
            quantization: vec![workload.quantization.clone()],
            task: Measured::not_measured("pruned weights are no task of their own"),
        }
    }

    fn cycles(&self, total: u64, first_output: Measured<u64>) -> Cycles {
        if [self.stalls.weights, self.stalls.pairs].iter().any(|&pattern| pattern != StallPattern::Always) {
            let model = Measured::not_measured("the model knows no stalls, and this configuration has some");
            return Cycles { total, first_output, model, formula: None };
        }
        let model = model(&self.hardware, &self.workload.schedule);
        Cycles { total, first_output, model: model.cycles().into(), formula: Some(model.formula()) }
    }

    /// Weights that enter in a cycle: each is an operation.
    fn weights_per_cycle(&self) -> u64 {
        match &self.hardware {
            Hardware::Sparsifier(sparsifier) => sparsifier.elements().into(),
            Hardware::Selector(_) => (BLOCK * BLOCK) as u64,
        }
    }

    /// What is held from one weight to the next, and while a finished group waits.
    fn memory(&self) -> Vec<MemoryItem> {
        let Hardware::Sparsifier(sparsifier) = &self.hardware else { return Vec::new() };
        if sparsifier.form == SparsifierForm::Parallel {
            return Vec::new();
        }
        let item = |name: &str, kind: MemoryKind, bits_per_word: u32| MemoryItem {
            name: name.to_string(),
            kind,
            words: sparsifier.pairs().into(),
            bits_per_word,
        };
        let pair = sparsifier.pair().width();
        let magnitude = if sparsifier.element.is_signed() { sparsifier.element.width() } else { 0 };
        vec![item("sorted lists", MemoryKind::Accumulator, pair + magnitude), item("finished lists", MemoryKind::Fifo, pair)]
    }

    fn table(&self, total: u64, result: &Sparse) -> NamedTable {
        let schedule = &self.workload.schedule;
        let share = |kept: f64| format!("{:.2} %", 100.0 * kept);
        let kept = kept_l1(self.workload.weights.view(), result.pruned.mapv(|weight| weight != 0).view());
        NamedTable::new(
            format!("pruning to {}", self.pattern),
            ["groups", "side by side", "cycles a group", "L1 kept", "L1 kept in double precision"],
            [[
                grouped((schedule.groups() * schedule.outputs) as u64),
                schedule.lanes.to_string(),
                format!("{:.3}", total as f64 / schedule.steps() as f64),
                share(kept),
                share(self.workload.reference_kept),
            ]],
        )
    }

    /// The result without the padding of the outputs to whole tiles.
    fn outputs(&self, result: Sparse) -> Vec<OutputTensor> {
        let (workload, element) = (&self.workload, self.workload.format);
        let index = Type::u(bits_for(self.pattern.m() as u64 - 1));
        let named = |(name, raw): (&'static str, Array2<i64>)| {
            let (ty, scale) = match name {
                "values" => (element, Some(workload.scale)),
                "indices" => (index, None),
                _ => (Type::u((BLOCK * BLOCK) as u32), None),
            };
            let columns = if name == "masks" { raw.ncols() } else { workload.schedule.outputs };
            OutputTensor::new("weights", name, raw.slice_move(s![.., ..columns]), ty, scale)
        };
        let pruned = OutputTensor::new("weights", "pruned", result.pruned, element, Some(workload.scale));
        result.tensors.into_iter().map(named).chain([pruned]).collect()
    }

    /// The report, in the cycle after the last result.
    fn outcome(&self, simulator: &Simulator, began: u64, received: &[Received]) -> Result<Outcome, RunError> {
        let total = simulator.cycle() - began;
        let (inputs, outputs) = self.workload.weights.dim();
        let first_output = received.first().map_or(0, |word| word.cycle - began + 1);
        let result = self.sparse(received);
        let (cycles, numerics) = (self.cycles(total, first_output.into()), self.numerics(&result));
        let throughput = Throughput::new((inputs * outputs) as u64, total, self.weights_per_cycle())?;
        Ok(Outcome {
            memory: MemoryUse::of_items(self.memory(), high_water_marks(simulator)),
            streams: stream_traffic(simulator),
            parts: vec![Part {
                name: "weights".to_string(),
                shape: format!("{inputs} x {outputs}"),
                cycles: cycles.clone(),
                throughput: throughput.clone(),
                numerics: numerics.clone(),
            }],
            warnings: self.workload.warnings.clone(),
            chosen: self.workload.chosen.clone(),
            tables: vec![self.table(total, &result)],
            figures: Vec::new(),
            outputs: self.outputs(result),
            cycles,
            throughput,
            numerics,
        })
    }
}

impl Prepared for SparsifyRun {
    fn config(&self) -> serde_json::Value {
        self.config.clone()
    }

    fn run(&self, context: &mut RunContext<'_>) -> Result<Outcome, RunError> {
        context.simulator.reset()?;
        let sinks = self.drive(context.simulator)?;
        let words = self.workload.schedule.steps();
        let course = Course::begin(context, words as u64);
        course.receive(context, sinks.results, (words, 0), |simulator| self.check_refusals(simulator, &sinks))?;
        let received = context.simulator.take_received(sinks.results);
        let outcome = self.outcome(context.simulator, course.began, &received)?;
        course.expect_silence(context.simulator, sinks.results, sinks.stream)?;
        self.check_refusals(context.simulator, &sinks)?;
        Ok(outcome)
    }
}
