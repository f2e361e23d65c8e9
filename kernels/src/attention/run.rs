//! Driving the hardware: stimulus for every stream, measurement, comparison with the golden model.

use ndarray::Array2;
use systole_dataflow::hardware::{fields, word};
use systole_dataflow::{Graph, Kind};
use systole_sim::{Received, SinkHandle, StallPattern};

use super::figures;
use super::formats::Formats;
use super::graph::{AttentionGraph, Layout};
use super::model::Model;
use super::parameters::{Parameters, StreamStalls};
use super::prepare::{PreparedHead, Shape, Workload};
use crate::common::agreement::Expected;
use crate::common::course::Course;
use crate::common::errors::share;
use crate::common::streams::{explained_by_silence, high_water_marks, reseeded, stream_traffic};
use crate::kernel::{Prepared, RunContext, RunError, serialize};
use crate::report::{Cycles, Measured, MemoryUse, NamedTable, Numerics, Outcome, OutputTensor, Part, Quantization, Setting, Throughput};

/// Operations of a query's element with a key and of a weight with a value's element: two multiply-accumulates.
const OPS_PER_ELEMENT: u64 = 4;

/// A run of attention with its data.
#[derive(Clone, Debug)]
pub struct AttentionRun {
    layout: Layout,
    stalls: StreamStalls,
    seed: u64,
    workload: Workload,
    config: serde_json::Value,
    chosen: Vec<Setting>,
}

impl AttentionRun {
    /// A run of these parameters on these data.
    pub fn new(parameters: &Parameters, workload: Workload) -> AttentionRun {
        let layout = parameters.layout(workload.shape, workload.key_mask, workload.formats.clone());
        let formats = Formats { sum_fraction: Some(workload.formats.sum_fraction()), ..workload.formats.clone() };
        let chosen = parameters.formats.chosen(parameters.variant, &formats);
        let config = serialize(&Parameters { formats: formats.into(), ..parameters.clone() });
        AttentionRun { layout, stalls: parameters.stalls.clone(), seed: parameters.seed, workload, config, chosen }
    }

    /// Queues the words of all sources; gives the sink.
    fn drive(&self, graph: &Graph, context: &mut RunContext<'_>) -> Result<SinkHandle, RunError> {
        let stalls = self.streams();
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

    /// The report's part of a head.
    fn part(&self, index: usize, head: &HeadResult) -> Result<Part, RunError> {
        let prepared = &self.workload.heads[index];
        let (rows, keys) = (prepared.q.nrows(), prepared.k.nrows());
        Ok(Part {
            name: head_name(index),
            shape: format!("{rows} x {keys} x {}", self.layout.shape.head_dimension),
            cycles: Cycles {
                total: head.total,
                first_output: head.first_output.into(),
                model: match self.model(1) {
                    Ok(first) if index == 0 => first.cycles().into(),
                    Ok(_) => self.layout.cycles_of_a_further_head().into(),
                    Err(reason) => Measured::not_measured(reason),
                },
                formula: None,
            },
            throughput: Throughput::new(self.ops(prepared), head.total, self.peak_ops_per_cycle())?,
            numerics: head.numerics.clone(),
        })
    }

    /// One part a head; of several heads with a sink that stalls, one part for all: how long the sink lets the last word of one head wait says
    /// nothing of the next head's work.
    fn parts(&self, heads: &[HeadResult], cycles: &Cycles, throughput: &Throughput) -> Result<Vec<Part>, RunError> {
        if heads.len() == 1 || self.stalls.output == StallPattern::Always {
            return heads.iter().enumerate().map(|(index, head)| self.part(index, head)).collect();
        }
        let Shape { rows, keys, head_dimension } = self.layout.shape;
        Ok(vec![Part {
            name: "all heads".to_string(),
            shape: format!("{} x {rows} x {keys} x {head_dimension}", heads.len()),
            cycles: cycles.clone(),
            throughput: throughput.clone(),
            numerics: overall(heads),
        }])
    }

    /// Only pairs of a query and a key that count.
    fn ops(&self, head: &PreparedHead) -> u64 {
        head.attending.pairs() * self.layout.shape.head_dimension as u64 * OPS_PER_ELEMENT
    }

    /// The streams of this layout, with their stalls.
    fn streams(&self) -> Vec<(&'static str, StallPattern)> {
        self.stalls.by_stream().into_iter().filter(|(name, _)| *name != "mask" || self.layout.key_mask).collect()
    }

    fn peak_ops_per_cycle(&self) -> u64 {
        let layout = &self.layout;
        (layout.rows_in_parallel * layout.shape.head_dimension / layout.elements()) as u64 * OPS_PER_ELEMENT
    }

    /// The cycle model, or why it says nothing about this configuration.
    fn model(&self, heads: usize) -> Result<Model, &'static str> {
        if self.streams().into_iter().any(|(_, pattern)| pattern != StallPattern::Always) {
            return Err("the model knows no stalls, and this configuration has some");
        }
        let model = Layout { heads, ..self.layout.clone() }.model();
        model.ok_or("the model is of full rate, and this configuration has FIFOs too short for that")
    }

    /// A simulation that stopped, with the graph's own explanation if it is a deadlock of the graph.
    fn explained(&self, error: RunError, AttentionGraph { graph, long }: &AttentionGraph) -> RunError {
        // A stream that never moves has nothing to do with the graph.
        match (explained_by_silence(error, &self.streams()), graph.run_timing()) {
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

    fn error_table(&self, heads: &[HeadResult]) -> NamedTable {
        let rows = heads.iter().zip(&self.workload.heads).enumerate().map(|(index, (result, head))| {
            let share = |error: &f64| share(*error, head.largest_value).map(|share| format!("{share:.2e}"));
            let relative = |error: &Measured<f64>| error.value().and_then(share).unwrap_or_else(|| "-".into());
            let largest = format!("{:.4}", head.largest_value);
            [head_name(index), largest, relative(&result.numerics.max_abs_error), relative(&result.numerics.rms_error)]
        });
        NamedTable::new("error against floating point, as a share of the largest value", ["head", "largest value", "max", "rms"], rows)
    }
}

/// What came out for a head.
struct HeadResult {
    /// Cycles from the last word of the head before to its own last word.
    total: u64,
    /// Cycles from the last word of the head before to its own first word.
    first_output: u64,
    /// Raw, `[R, D]`.
    output: Array2<i64>,
    numerics: Numerics,
}

fn head_name(index: usize) -> String {
    format!("head {index}")
}

/// Agreement of a head's results.
fn numerics(index: usize, head: &PreparedHead, results: &Array2<i64>) -> Numerics {
    let tensor = format!("{} output", head_name(index));
    let expected = Expected { tensor: &tensor, golden: &head.expected, scale: head.output_scale, reference: &head.reference };
    expected.compare(results, &head.quantization, Measured::not_measured("the configuration states no task"))
}

impl Prepared for AttentionRun {
    fn config(&self) -> serde_json::Value {
        self.config.clone()
    }

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
        let words = self.words_of_a_head(types.len());
        let heads = self.workload.heads.len();
        let course = Course::begin(context, (heads * words) as u64);
        let mut results = Vec::with_capacity(heads);
        let mut head_began = course.began;
        for index in 0..heads {
            course.receive(context, output, (words, (index * words) as u64), |_| Ok(()))?;
            let received = context.simulator.take_received(output);
            let numbers: Vec<i64> = received.iter().flat_map(|word| fields(&types, &word.value)).collect();
            let output = self.workload.heads[index].of_own_rows(self.layout.results(&numbers));
            let since_began = |word: Option<&Received>| word.map_or(0, |word| word.cycle - head_began + 1);
            results.push(HeadResult {
                total: since_began(received.last()),
                first_output: since_began(received.first()),
                numerics: numerics(index, &self.workload.heads[index], &output),
                output,
            });
            head_began = context.simulator.cycle();
        }
        let mut outcome = self.outcome(graph, context, course.began, &results)?;
        outcome.outputs = self.outputs(results);
        course.expect_silence(context.simulator, output, "output")?;
        Ok(outcome)
    }

    /// The results of all heads under their names.
    fn outputs(&self, heads: Vec<HeadResult>) -> Vec<OutputTensor> {
        let named = heads.into_iter().zip(&self.workload.heads).enumerate().map(|(index, (head, prepared))| {
            OutputTensor::new(&head_name(index), "output", head.output, self.layout.formats.output, Some(prepared.output_scale))
        });
        named.collect()
    }

    /// The whole run, from its parts and the counters, in the cycle after the last output.
    fn outcome(&self, graph: &Graph, context: &mut RunContext<'_>, began: u64, heads: &[HeadResult]) -> Result<Outcome, RunError> {
        let total = context.simulator.cycle() - began;
        let model = self.model(self.layout.heads);
        let formula = model.as_ref().ok().map(Model::formula);
        let cycles = model.map_or_else(Measured::not_measured, |model| model.cycles().into());
        let cycles = Cycles { total, first_output: heads[0].first_output.into(), model: cycles, formula };
        let throughput = Throughput::new(self.workload.heads.iter().map(|head| self.ops(head)).sum(), total, self.peak_ops_per_cycle())?;
        let (high_water, streams) = (high_water_marks(context.simulator), stream_traffic(context.simulator));
        let uses = figures::uses(graph, &high_water, &streams);
        Ok(Outcome {
            parts: self.parts(heads, &cycles, &throughput)?,
            cycles,
            throughput,
            memory: MemoryUse::of_items(figures::memory_items(graph), high_water),
            streams,
            numerics: overall(heads),
            warnings: self.workload.heads.iter().flat_map(|head| head.warnings.clone()).collect(),
            chosen: self.chosen.clone(),
            tables: vec![self.error_table(heads), figures::least_depths(&self.layout), figures::memory_over_keys(&self.layout)],
            figures: figures::figures(&self.layout, graph, &uses),
            outputs: Vec::new(),
        })
    }
}

/// The worst of all heads' errors, all heads' mismatches and quantization.
fn overall(heads: &[HeadResult]) -> Numerics {
    let largest = |of: fn(&Numerics) -> &Measured<f64>| {
        let values = heads.iter().filter_map(|head| of(&head.numerics).value().copied());
        Measured::Value(values.fold(0.0, f64::max))
    };
    let squares = heads.iter().filter_map(|head| head.numerics.rms_error.value()).map(|rms| rms * rms).sum::<f64>();
    let quantization = heads.iter().enumerate().flat_map(|(index, head)| {
        let named = move |entry: &Quantization| Quantization { tensor: format!("{} {}", head_name(index), entry.tensor), ..entry.clone() };
        head.numerics.quantization.iter().map(named)
    });
    Numerics {
        bit_exact: heads.iter().all(|head| head.numerics.bit_exact),
        mismatches: heads.iter().map(|head| head.numerics.mismatches).sum(),
        first_mismatch: heads.iter().find_map(|head| head.numerics.first_mismatch.clone()),
        max_abs_error: largest(|numerics| &numerics.max_abs_error),
        rms_error: Measured::Value((squares / heads.len() as f64).sqrt()),
        reference_max_abs: largest(|numerics| &numerics.reference_max_abs),
        quantization: quantization.collect(),
        task: Measured::not_measured("the configuration states no task"),
    }
}
