//! Driving the hardware: stimulus for every stream, measurement, comparison with the golden model.

use ndarray::Array2;
use systole_hdl::{Type, Value};
use systole_sim::{Received, Simulator, SinkHandle, SourceHandle, StallPattern};

use super::advice::deeper_buffers;
use super::choice::{self, Work};
use super::hardware::{HardwareParameters, TrainingArray};
use super::job::job;
use super::model::Model;
use super::parameters::StreamStalls;
use super::prepare::{Input, PreparedLayer, Weights, ends_of_chains};
use super::schedule::Schedule;
use crate::common::agreement::Expected;
use crate::common::course::Course;
use crate::common::errors::accuracy;
use crate::common::pack::{pack, unpack};
use crate::common::streams::{explained_by_silence, high_water_marks, memory_items, reseeded, stream_traffic};
use crate::kernel::{Prepared, RunContext, RunError};
use crate::report::{
    Cycles, Measured, MemoryUse, NamedTable, Numerics, Outcome, OutputTensor, Part, Quantization, Setting, Task, Throughput, Warning,
    grouped, with_names_of_their_own,
};
use crate::sparse::hardware::weight_store::WeightStore;
use crate::sparse::pattern::{Grouping, Violation};

/// Products on an array one after the other, with their data.
#[derive(Clone, Debug)]
pub struct ArrayRun {
    /// The array.
    pub hardware: HardwareParameters,
    /// Weights that it keeps, if it is a [`TrainingArray`].
    pub stored: Option<StoredWeights>,
    /// When its streams stall.
    pub stalls: StreamStalls,
    /// The seed of random stalls.
    pub seed: u64,
    /// At least one; the first has an input of its own.
    pub layers: Vec<PreparedLayer>,
    /// The configuration with everything filled in.
    pub config: serde_json::Value,
    /// What was filled in from the tensors.
    pub chosen: Vec<Setting>,
}

/// Weights on the chip.
#[derive(Clone, Debug)]
pub struct StoredWeights {
    /// Where they are kept.
    pub store: WeightStore,
    /// Raw, `[inputs, outputs]`.
    pub weights: Array2<i64>,
}

/// The drivers of a store's streams.
struct StoreDrivers {
    w: SourceHandle,
    readings: SourceHandle,
    plan: SourceHandle,
}

/// The drivers of the hardware's streams.
struct Drivers {
    job: SourceHandle,
    a: SourceHandle,
    b: SourceHandle,
    bias: SourceHandle,
    c: SinkHandle,
    refusals: Option<SinkHandle>,
    store: Option<StoreDrivers>,
}

/// What a layer gave.
struct LayerResult {
    output: Array2<i64>,
    part: Part,
}

impl ArrayRun {
    fn drivers(&self, simulator: &mut Simulator) -> Result<Drivers, RunError> {
        let pattern = |pattern: StallPattern, stream: u64| reseeded(pattern, self.seed, stream);
        Ok(Drivers {
            job: simulator.source("job", StallPattern::Always)?,
            a: simulator.source("a", pattern(self.stalls.a, 0))?,
            b: simulator.source("b", pattern(self.stalls.b, 1))?,
            bias: simulator.source("bias", pattern(self.stalls.bias, 2))?,
            c: simulator.sink("c", pattern(self.stalls.c, 3))?,
            refusals: match self.hardware.sparsifier() {
                Some(_) => Some(simulator.sink("refusals", StallPattern::Always)?),
                None => None,
            },
            store: match self.stored {
                Some(_) => Some(StoreDrivers {
                    w: simulator.source("w", StallPattern::Always)?,
                    readings: simulator.source("readings", StallPattern::Always)?,
                    plan: simulator.source("plan", StallPattern::Always)?,
                }),
                None => None,
            },
        })
    }

    /// Runs one layer on `input` from the current cycle on; `words_before` output words came from earlier layers.
    fn run_layer(
        &self,
        index: usize,
        input: &Array2<i64>,
        drivers: &Drivers,
        context: &mut RunContext<'_>,
        course: &Course,
        words_before: u64,
    ) -> Result<LayerResult, RunError> {
        let layer = &self.layers[index];
        let began = context.simulator.cycle();
        self.push_layer(layer, input, drivers, context.simulator)?;
        let words = (layer.schedule.output_words(), words_before);
        let received = course.receive(context, drivers.c, words, |simulator| self.check_refusals(index, drivers, simulator));
        received.map_err(|stopped| explained_by_silence(stopped, &self.stalls.by_stream()))?;
        let received = context.simulator.take_received(drivers.c);
        let output = layer.schedule.scatter(received.iter().map(|word| unpack(&word.value, self.hardware.output)));
        Ok(LayerResult { part: self.part(index, &output, began, &received)?, output })
    }

    fn push_layer(&self, layer: &PreparedLayer, input: &Array2<i64>, drivers: &Drivers, simulator: &mut Simulator) -> Result<(), RunError> {
        let (hardware, schedule) = (&self.hardware, layer.schedule);
        let packed = |ty: Type| move |lanes: Vec<i64>| -> Value { pack(&lanes, ty) };
        simulator.push(drivers.job, job(hardware, &schedule, layer.requantize, layer.relu))?;
        simulator.push_all(drivers.a, schedule.a_words(input.view()).map(packed(hardware.a)))?;
        self.push_weights(layer, drivers, simulator)?;
        simulator.push_all(drivers.bias, schedule.bias_words(layer.bias.view()).map(packed(hardware.accumulator)))?;
        Ok(())
    }

    fn push_weights(&self, layer: &PreparedLayer, drivers: &Drivers, simulator: &mut Simulator) -> Result<(), RunError> {
        let (hardware, schedule) = (&self.hardware, layer.schedule);
        match (&layer.b, hardware.sparsifier(), &self.stored, &drivers.store) {
            (Weights::Slots(slots), None, ..) => {
                let lane = hardware.b_lane();
                simulator.push_all(drivers.b, schedule.b_words(slots.view()).map(move |lanes| pack(&lanes, lane)))?;
            }
            (Weights::Elements { elements, exact, .. }, Some(sparsifier), _, store) => {
                let groups = schedule.group_words(elements.view()).map(|words| words.concat());
                let words: Vec<Value> = groups.flat_map(|group| sparsifier.group_words(&group, *exact)).collect();
                if let Some(store) = store {
                    simulator.push(store.plan, TrainingArray::plan(false, words.len() as u64))?;
                }
                simulator.push_all(drivers.b, words)?;
            }
            (Weights::Stored(reading), _, Some(stored), Some(store)) => {
                let job = stored.store.job(*reading).expect("readings are made for this store");
                simulator.push(store.plan, TrainingArray::plan(true, reading.words()))?;
                simulator.push(store.readings, job)?;
            }
            _ => unreachable!("layers are prepared for this hardware"),
        }
        Ok(())
    }

    /// Fills the store, if there is one, before the products begin.
    fn fill_store(&self, drivers: &Drivers, context: &mut RunContext<'_>, course: &Course) -> Result<(), RunError> {
        if let (Some(stored), Some(store)) = (&self.stored, &drivers.store) {
            let element = stored.store.element;
            context.simulator.push_all(store.w, stored.store.fill_words(stored.weights.view()).map(move |lanes| pack(&lanes, element)))?;
            // A word comes in every cycle.
            course.pass(context, stored.store.words())?;
        }
        Ok(())
    }

    /// Fails if the hardware has refused a group of a layer's weights.
    fn check_refusals(&self, index: usize, drivers: &Drivers, simulator: &Simulator) -> Result<(), RunError> {
        let first = drivers.refusals.and_then(|sink| simulator.received(sink).first());
        let (Some(word), Some(sparsifier)) = (first, self.hardware.sparsifier()) else { return Ok(()) };
        let Weights::Elements { pattern: Some(pattern), .. } = self.layers[index].b else { return Ok(()) };
        let refusal = sparsifier.read_refusal(&word.value);
        // Groups are counted since reset, over all layers.
        let before: usize = self.layers[..index].iter().map(|layer| layer.schedule.all_groups()).sum();
        let (column, group) = self.layers[index].schedule.place_of_group(refusal.group as usize - before);
        let violation = Violation { pattern, grouping: Grouping::Inputs, line: column + refusal.lane, group, position: refusal.position };
        Err(RunError::Refused {
            reason: format!("`{}`: the hardware refuses the weights of {}: {violation}", self.layers[index].b_key, self.layers[index].name),
            remedy: format!("{}; `pruning = \"magnitude\"` has the hardware prune it", violation.remedy()),
        })
    }

    /// The report's part of one layer that began in cycle `began`.
    fn part(&self, index: usize, output: &Array2<i64>, began: u64, received: &[Received]) -> Result<Part, RunError> {
        let layer = &self.layers[index];
        let shape = layer.schedule.shape();
        let since_began = |word: Option<&Received>| word.map_or(0, |word| word.cycle - began + 1);
        let total = since_began(received.last());
        let ops = 2 * (shape.m as u64) * (layer.schedule.products() as u64) * (shape.n as u64);
        Ok(Part {
            name: layer.name.clone(),
            shape: format!("{} x {} x {}", shape.m, shape.k, shape.n),
            cycles: self.cycles(layer, total, since_began(received.first())),
            throughput: Throughput::new(ops, total, self.peak_ops_per_cycle())?,
            numerics: self.numerics(index, output),
        })
    }

    /// A layer's cycles beside the model.
    fn cycles(&self, layer: &PreparedLayer, total: u64, first_output: u64) -> Cycles {
        let model = Model::of(&self.hardware, &layer.schedule);
        let modelled = if self.stalls.are_none() {
            model.cycles().into()
        } else {
            Measured::not_measured("the model knows no stalls, and this configuration has some")
        };
        Cycles { total, first_output: first_output.into(), model: modelled, formula: Some(model.formula()) }
    }

    /// A multiply-accumulate of every processing element.
    fn peak_ops_per_cycle(&self) -> u64 {
        2 * u64::from(self.hardware.rows) * u64::from(self.hardware.columns)
    }

    fn numerics(&self, index: usize, output: &Array2<i64>) -> Numerics {
        let layer = &self.layers[index];
        let ends_chain = self.ends_of_chains().contains(&index);
        let task = match &layer.labels {
            Some(labels) => Task {
                metric: "accuracy".to_string(),
                value: accuracy(output.view(), labels),
                reference: accuracy(layer.reference.view(), labels),
                samples: labels.len() as u64,
            }
            .into(),
            None if !ends_chain => Measured::not_measured("the task is judged by the last layer"),
            None => Measured::not_measured("the configuration states no task"),
        };
        let tensor = format!("{} c", layer.name);
        let expected = Expected { tensor: &tensor, golden: &layer.expected, scale: layer.output_scale, reference: &layer.reference };
        expected.compare(output, &layer.quantization, task)
    }
}

impl Prepared for ArrayRun {
    fn config(&self) -> serde_json::Value {
        self.config.clone()
    }

    fn run(&self, context: &mut RunContext<'_>) -> Result<Outcome, RunError> {
        context.simulator.reset()?;
        let drivers = self.drivers(context.simulator)?;
        let course = Course::begin(context, self.layers.iter().map(|layer| layer.schedule.output_words() as u64).sum());
        self.fill_store(&drivers, context, &course)?;
        let mut words_before = 0;
        let mut outputs: Vec<Array2<i64>> = Vec::with_capacity(self.layers.len());
        let mut parts = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let input = match &layer.input {
                Input::Given(input) => input,
                Input::OutputOf(earlier) => &outputs[*earlier],
            };
            let result = self.run_layer(index, input, &drivers, context, &course, words_before)?;
            words_before += layer.schedule.output_words() as u64;
            outputs.push(result.output);
            parts.push(result.part);
        }
        let mut outcome = self.outcome(context.simulator, course.began, parts)?;
        outcome.outputs = self.named(outputs);
        course.expect_silence(context.simulator, drivers.c, "c")?;
        Ok(outcome)
    }
}

impl ArrayRun {
    /// The outputs of all layers under their names.
    fn named(&self, outputs: Vec<Array2<i64>>) -> Vec<OutputTensor> {
        let named = self
            .layers
            .iter()
            .zip(outputs)
            .map(|(layer, output)| OutputTensor::new(&layer.name, "c", output, self.hardware.output, Some(layer.output_scale)));
        with_names_of_their_own(named.collect())
    }

    fn ends_of_chains(&self) -> Vec<usize> {
        ends_of_chains(self.layers.iter().map(|layer| &layer.input))
    }

    /// Cycles before the first product begins: those that fill the store.
    fn fill_cycles(&self) -> u64 {
        self.stored.as_ref().map_or(0, |stored| stored.store.words())
    }

    /// The whole run, from its parts and the counters, in the cycle after the last output.
    fn outcome(&self, simulator: &Simulator, began: u64, parts: Vec<Part>) -> Result<Outcome, RunError> {
        let total = simulator.cycle() - began;
        let ops = parts.iter().map(|part| part.throughput.ops()).sum();
        let fill = self.fill_cycles();
        let model: Option<u64> = parts.iter().map(|part| part.cycles.model.value()).sum();
        let products: Model = self.layers.iter().map(|layer| Model::of(&self.hardware, &layer.schedule)).sum();
        let first_output = parts[0].cycles.first_output.clone();
        Ok(Outcome {
            cycles: Cycles {
                total,
                first_output: first_output.value().map_or(first_output.clone(), |cycles| (cycles + fill).into()),
                model: model.map_or_else(|| parts[0].cycles.model.clone(), |cycles| (cycles + fill).into()),
                formula: Some(match fill {
                    0 => products.formula(),
                    fill => {
                        format!("{} filling the store + ({}) = {}", grouped(fill), products.formula(), grouped(fill + products.cycles()))
                    }
                }),
            },
            throughput: Throughput::new(ops, total, self.peak_ops_per_cycle())?,
            memory: MemoryUse::of_items(memory_items(simulator.hierarchy().design()), high_water_marks(simulator)),
            streams: stream_traffic(simulator),
            numerics: overall_numerics(&parts, &self.ends_of_chains()),
            warnings: self.warnings().into_iter().chain(self.advice()).collect(),
            chosen: self.chosen.clone(),
            parts,
            tables: vec![self.dataflows()],
            figures: Vec::new(),
            outputs: Vec::new(),
        })
    }
}

impl ArrayRun {
    /// What saturated, each tensor once, whatever products it is an operand of.
    fn warnings(&self) -> Vec<Warning> {
        self.layers.iter().flat_map(|layer| &layer.warnings).fold(Vec::new(), |mut warnings, warning| {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
            warnings
        })
    }

    /// What deeper buffers would save.
    fn advice(&self) -> Option<Warning> {
        let schedules: Vec<Schedule> = self.layers.iter().map(|layer| layer.schedule).collect();
        deeper_buffers(&self.hardware, &schedules)
    }

    fn dataflows(&self) -> NamedTable {
        let work = |layer: &PreparedLayer| Work { shape: layer.schedule.shape(), compression: layer.schedule.compression() };
        choice::table(&self.hardware, self.layers.iter().map(|layer| (layer.name.as_str(), work(layer))))
    }
}

/// Of the layers `ends` that end a chain: the errors of the one with the largest, and the last one's task. Every layer's mismatches and
/// quantization.
fn overall_numerics(parts: &[Part], ends: &[usize]) -> Numerics {
    let ends: Vec<&Numerics> = ends.iter().map(|&end| &parts[end].numerics).collect();
    let error = |numerics: &&&Numerics| numerics.max_abs_error.value().copied().unwrap_or(0.0);
    let worst = ends.iter().max_by(|a, b| error(a).total_cmp(&error(b))).copied().unwrap_or(&parts[parts.len() - 1].numerics);
    let task = ends.last().map_or_else(|| worst.task.clone(), |last| last.task.clone());
    let quantization = parts.iter().flat_map(|part| {
        part.numerics.quantization.iter().map(|entry| Quantization { tensor: format!("{} {}", part.name, entry.tensor), ..entry.clone() })
    });
    Numerics {
        bit_exact: parts.iter().all(|part| part.numerics.bit_exact),
        mismatches: parts.iter().map(|part| part.numerics.mismatches).sum(),
        first_mismatch: parts.iter().find_map(|part| part.numerics.first_mismatch.clone()),
        quantization: quantization.collect(),
        task,
        ..worst.clone()
    }
}
