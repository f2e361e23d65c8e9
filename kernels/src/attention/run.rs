//! Driving the hardware: stimulus for every stream, measurement, comparison with the golden model.

use ndarray::Array2;
use systole_dataflow::hardware::{fields, word};
use systole_dataflow::{Graph, Kind};
use systole_sim::{Received, SinkHandle, StallPattern};

use super::figures;
use super::graph::{AttentionGraph, Layout};
use super::model::Model;
use super::parameters::{Parameters, StreamStalls};
use super::prepare::{PreparedHead, Workload};
use crate::common::errors::measure;
use crate::common::streams::{expect_silence, high_water_marks, reseeded, stream_traffic};
use crate::kernel::{Prepared, Progress, RunContext, RunError};
use crate::report::{Cycles, Measured, MemoryUse, Mismatch, NamedTable, Numerics, Outcome, Part, Quantization, Throughput};

/// Parts into which a head's output words are divided for showing progress.
const PROGRESS_STEPS: usize = 100;
/// Operations of a query's element with a key and of a weight with a value's element: two multiply-accumulates.
const OPS_PER_ELEMENT: u64 = 4;

/// A run of attention with its data.
#[derive(Clone, Debug)]
pub struct AttentionRun {
    layout: Layout,
    stalls: StreamStalls,
    seed: u64,
    workload: Workload,
}

impl AttentionRun {
    /// A run of these parameters on these data.
    pub fn new(parameters: &Parameters, workload: Workload) -> AttentionRun {
        let layout = parameters.layout(workload.shape);
        AttentionRun { layout, stalls: parameters.stalls.clone(), seed: parameters.seed, workload }
    }

    /// Queues the words of all sources; gives the sink.
    fn drive(&self, graph: &Graph, context: &mut RunContext<'_>) -> Result<SinkHandle, RunError> {
        let stalls = self.stalls.by_stream();
        let pattern = |stream: &str| {
            let at = stalls.iter().position(|(name, _)| *name == stream).expect("the graph has the streams of the configuration");
            reseeded(stalls[at].1, self.seed, at as u64)
        };
        for (_, unit) in graph.units().filter(|(_, unit)| unit.kind == Kind::Source) {
            let source = context.simulator.source(&unit.name, pattern(&unit.name))?;
            let types = &graph.channel(unit.outputs[0]).fields;
            context.simulator.push_all(source, unit.elements.raw.chunks(types.len()).map(|raw| word(types, raw)))?;
        }
        Ok(context.simulator.sink("output", pattern("output"))?)
    }

    fn words_of_a_head(&self, fields: usize) -> usize {
        self.layout.passes() * self.layout.rows_in_parallel * self.layout.shape.head_dimension / fields
    }

    /// The report's part of a head whose words came after `began` cycles.
    fn part(&self, index: usize, received: &[Received], results: &Array2<i64>, began: u64) -> Result<Part, RunError> {
        let head = &self.workload.heads[index];
        let (rows, keys) = (self.layout.shape.rows, self.layout.shape.keys);
        let since_began = |word: Option<&Received>| word.map_or(0, |word| word.cycle - began + 1);
        let total = since_began(received.last());
        Ok(Part {
            name: format!("head {index}"),
            shape: format!("{rows} x {keys} x {}", self.layout.shape.head_dimension),
            cycles: Cycles {
                total,
                first_output: since_began(received.first()).into(),
                model: match self.model(1) {
                    Ok(first) if index == 0 => first.cycles().into(),
                    Ok(_) => self.layout.cycles_of_a_further_head().into(),
                    Err(reason) => Measured::not_measured(reason),
                },
                formula: None,
            },
            throughput: Throughput::new(self.ops_of_a_head(), total, self.peak_ops_per_cycle())?,
            numerics: numerics(index, head, results),
        })
    }

    /// Only pairs of a query and a key that count.
    fn ops_of_a_head(&self) -> u64 {
        let shape = self.layout.shape;
        let kept = |row: usize| (0..shape.keys).filter(|&key| self.layout.mask.keeps(row, key, shape.rows, shape.keys)).count() as u64;
        (0..shape.rows).map(kept).sum::<u64>() * shape.head_dimension as u64 * OPS_PER_ELEMENT
    }

    fn peak_ops_per_cycle(&self) -> u64 {
        let layout = &self.layout;
        (layout.rows_in_parallel * layout.shape.head_dimension / layout.elements()) as u64 * OPS_PER_ELEMENT
    }

    /// The cycle model, or why it says nothing about this configuration.
    fn model(&self, heads: usize) -> Result<Model, &'static str> {
        if self.stalls.by_stream().into_iter().any(|(_, pattern)| pattern != StallPattern::Always) {
            return Err("the model knows no stalls, and this configuration has some");
        }
        let model = Layout { heads, ..self.layout.clone() }.model();
        model.ok_or("the model is of full rate, and this configuration has FIFOs too short for that")
    }

    /// A simulation that stopped, with the graph's own explanation if it is a deadlock of the graph.
    fn explained(&self, error: RunError, AttentionGraph { graph, long }: &AttentionGraph) -> RunError {
        match (error, graph.run_timing()) {
            (RunError::Stopped(stopped @ systole_sim::RunError::Deadlock(_)), Err(systole_dataflow::RunError::Deadlock(deadlock))) => {
                let is_long = |name: &str| long.iter().any(|&fifo| graph.channel(fifo).name == name);
                let remedy = if deadlock.short.iter().any(|short| is_long(&short.name)) {
                    format!("`fifos.long` of {} gives full rate", self.layout.long_fifo())
                } else {
                    "`fifos.depth` of 2 suits every graph".to_string()
                };
                RunError::Deadlock { stopped, reason: format!("{deadlock:#}"), remedy }
            }
            (error, _) => error,
        }
    }

    fn error_table(&self, parts: &[Part]) -> NamedTable {
        let rows = parts.iter().zip(&self.workload.heads).map(|(part, head)| {
            let relative =
                |error: &Measured<f64>| error.value().map_or_else(|| "-".into(), |error| format!("{:.2e}", error / head.largest_value));
            let largest = format!("{:.4}", head.largest_value);
            [part.name.clone(), largest, relative(&part.numerics.max_abs_error), relative(&part.numerics.rms_error)]
        });
        NamedTable::new("error against floating point, as a share of the largest value", ["head", "largest value", "max", "rms"], rows)
    }
}

/// Agreement of a head's results.
fn numerics(index: usize, head: &PreparedHead, results: &Array2<i64>) -> Numerics {
    let differing = results.indexed_iter().zip(&head.expected).filter(|((_, actual), expected)| actual != expected);
    let mut mismatches = differing.map(|((at, &actual), &expected)| Mismatch {
        tensor: format!("head {index} output"),
        index: vec![at.0, at.1],
        expected,
        actual,
    });
    let first_mismatch = mismatches.next();
    let mismatches = u64::from(first_mismatch.is_some()) + mismatches.count() as u64;
    let errors = measure(results.mapv(|raw| raw as f64 * head.output_scale).view(), head.reference.view());
    Numerics {
        bit_exact: mismatches == 0,
        mismatches,
        first_mismatch,
        max_abs_error: errors.max_abs.into(),
        rms_error: errors.rms.into(),
        reference_max_abs: errors.reference_max_abs.into(),
        quantization: head.quantization.clone(),
        task: Measured::not_measured("the configuration states no task"),
    }
}

impl Prepared for AttentionRun {
    fn run(&self, context: &mut RunContext<'_>) -> Result<Outcome, RunError> {
        let graph = self.layout.graph(&self.layout.operands(&self.workload));
        self.run_graph(&graph.graph, context).map_err(|error| self.explained(error, &graph))
    }
}

impl AttentionRun {
    fn run_graph(&self, graph: &Graph, context: &mut RunContext<'_>) -> Result<Outcome, RunError> {
        context.simulator.reset()?;
        let output = self.drive(graph, context)?;
        let types = self.layout.output_fields();
        let began = context.simulator.cycle();
        let deadline = began.saturating_add(context.cycle_limit);
        let words = self.words_of_a_head(types.len());
        let heads = self.workload.heads.len();
        let mut parts = Vec::with_capacity(heads);
        let mut part_began = began;
        let mut first_output = Measured::not_measured("nothing came out");
        for index in 0..heads {
            for received in (0..words).step_by(words.div_ceil(PROGRESS_STEPS)).skip(1).chain([words]) {
                context.simulator.run_until_received(output, received, deadline.saturating_sub(context.simulator.cycle()))?;
                let done = (index * words + received) as u64;
                let progress = Progress { done, total: (heads * words) as u64, cycles: context.simulator.cycle() };
                if (context.progress)(progress).is_break() {
                    return Err(RunError::Interrupted { cycle: context.simulator.cycle() });
                }
            }
            let received = context.simulator.take_received(output);
            let numbers: Vec<i64> = received.iter().flat_map(|word| fields(&types, &word.value)).collect();
            let part = self.part(index, &received, &self.layout.results(&numbers), part_began)?;
            if index == 0 {
                first_output = part.cycles.first_output.clone();
            }
            parts.push(part);
            part_began = context.simulator.cycle();
        }
        let outcome = self.outcome(graph, context, began, first_output, parts)?;
        expect_silence(context.simulator, output, "output", deadline)?;
        Ok(outcome)
    }

    /// The whole run, from its parts and the counters, in the cycle after the last output.
    fn outcome(
        &self,
        graph: &Graph,
        context: &mut RunContext<'_>,
        began: u64,
        first_output: Measured<u64>,
        parts: Vec<Part>,
    ) -> Result<Outcome, RunError> {
        let total = context.simulator.cycle() - began;
        let model = self.model(self.layout.heads);
        let formula = model.as_ref().ok().map(Model::formula);
        let cycles = model.map_or_else(Measured::not_measured, |model| model.cycles().into());
        let ops = parts.iter().map(|part| part.throughput.ops()).sum();
        let (high_water, streams) = (high_water_marks(context.simulator), stream_traffic(context.simulator));
        let uses = figures::uses(graph, &high_water, &streams);
        Ok(Outcome {
            cycles: Cycles { total, first_output, model: cycles, formula },
            throughput: Throughput::new(ops, total, self.peak_ops_per_cycle())?,
            memory: MemoryUse::of_items(figures::memory_items(graph), high_water),
            streams,
            numerics: overall(&parts),
            tables: vec![self.error_table(&parts), figures::least_depths(&self.layout), figures::memory_over_keys(&self.layout)],
            figures: figures::figures(&self.layout, graph, &uses),
            parts,
        })
    }
}

/// The worst of all heads' errors, all heads' mismatches and quantization.
fn overall(parts: &[Part]) -> Numerics {
    let largest = |of: fn(&Numerics) -> &Measured<f64>| {
        let values = parts.iter().filter_map(|part| of(&part.numerics).value().copied());
        Measured::Value(values.fold(0.0, f64::max))
    };
    let squares = parts.iter().filter_map(|part| part.numerics.rms_error.value()).map(|rms| rms * rms).sum::<f64>();
    let quantization = parts.iter().flat_map(|part| {
        part.numerics.quantization.iter().map(|entry| Quantization { tensor: format!("{} {}", part.name, entry.tensor), ..entry.clone() })
    });
    Numerics {
        bit_exact: parts.iter().all(|part| part.numerics.bit_exact),
        mismatches: parts.iter().map(|part| part.numerics.mismatches).sum(),
        first_mismatch: parts.iter().find_map(|part| part.numerics.first_mismatch.clone()),
        max_abs_error: largest(|numerics| &numerics.max_abs_error),
        rms_error: Measured::Value((squares / parts.len() as f64).sqrt()),
        reference_max_abs: largest(|numerics| &numerics.reference_max_abs),
        quantization: quantization.collect(),
        task: Measured::not_measured("the configuration states no task"),
    }
}
