//! How fast graphs of attention run: abstractly with exact values, with real values, only their times, and as hardware.
//!
//! The graphs are those of the paper, from scores on (arXiv 2404.16629), so a score is the unit of work: the hardware takes one a cycle.
//! Measurements of one graph follow one another in rounds, so that a machine that is busy with something else disturbs all alike.
//!
//! For comparison: DAM, the simulator that the paper's authors use, made 0.55 million scores a second of its own memory-free graph and 0.65
//! million of its naive one (N = R = 2048, D = 1, on one core). That was measured once, and is not measured here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use nix::time::{ClockId, clock_gettime};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use systole_dataflow::graph::Elements;
use systole_dataflow::hardware::{fields, word};
use systole_dataflow::{Graph, Kind, Record, Type, Values};
use systole_hdl::{Design, elaborate};
use systole_kernels::attention::graph::Layout;
use systole_kernels::attention::parameters::Variant;
use systole_kernels::attention::prepare::Shape;
use systole_sim::{Options, Simulator, StallPattern};

/// Measure the execution of graphs of attention, in scores a second.
#[derive(Parser)]
struct Arguments {
    /// N, keys of a row.
    #[arg(long, value_delimiter = ',', default_values_t = [256, 1024, 2048, 4096, 16384, 65536])]
    keys: Vec<usize>,
    /// D, elements of a value.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    head_dimension: u16,
    /// Scores of an abstract run, in whole rows, of which there is at least one.
    #[arg(long, default_value_t = 4 << 20)]
    scores: usize,
    /// Scores of a run of the hardware.
    #[arg(long, default_value_t = 1 << 18)]
    hardware_scores: usize,
    /// The most keys of a row in hardware.
    #[arg(long, default_value_t = 4096)]
    hardware_keys: usize,
    /// Rounds, of which the fastest run of each kind is shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// All four variants, not only naive and memory-free.
    #[arg(long)]
    all_variants: bool,
    /// Write the measurements to a file, as a list in JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Exact,
    Real,
    Times,
    /// The graph's hardware under the compiled engine, from the first word queued to the last one taken; streams are not counted.
    Hardware,
}

const MODES: [Mode; 4] = [Mode::Exact, Mode::Real, Mode::Times, Mode::Hardware];

/// The fastest run.
#[derive(Clone, Copy, Serialize)]
struct Measured {
    variant: Variant,
    keys: usize,
    head_dimension: usize,
    mode: Mode,
    scores: usize,
    seconds: f64,
    /// Of all threads.
    cpu_seconds: f64,
}

/// A graph with numbers for its sources.
struct Subject {
    layout: Layout,
    graph: Graph,
}

impl Subject {
    /// About as many scores, in whole rows.
    fn new(variant: Variant, keys: usize, head_dimension: usize, scores: usize) -> Subject {
        let rows = (scores / keys).max(1);
        let layout = Layout::ideal(variant, Shape { rows, keys, head_dimension });
        let scores = random(rows * keys, layout.formats.score);
        let values = random(keys * head_dimension, layout.formats.value);
        let graph = layout.graph_of_scores(scores, values).graph;
        Subject { layout, graph }
    }

    fn scores(&self) -> usize {
        self.layout.shape.rows * self.layout.shape.keys
    }

    fn measure(&self, mode: Mode, design: &Design) -> anyhow::Result<Measured> {
        let run = |values| -> anyhow::Result<_> {
            let clocks = (Instant::now(), cpu_time()?);
            self.graph.run_with(Record { values, transfers: false })?;
            Ok(clocks)
        };
        let (start, cpu) = match mode {
            Mode::Exact => run(Values::Exact)?,
            Mode::Real => run(Values::Real)?,
            Mode::Times => run(Values::None)?,
            Mode::Hardware => {
                let mut simulator = Simulator::new(design, Options { count_streams: false, ..Options::default() })?;
                simulator.reset()?;
                let clocks = (Instant::now(), cpu_time()?);
                self.run_hardware(&mut simulator)?;
                clocks
            }
        };
        let Shape { keys, head_dimension, .. } = self.layout.shape;
        let (seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), (cpu_time()? - cpu).as_secs_f64());
        Ok(Measured { variant: self.layout.variant, keys, head_dimension, mode, scores: self.scores(), seconds, cpu_seconds })
    }

    /// The raw numbers that come out.
    fn run_hardware(&self, simulator: &mut Simulator) -> anyhow::Result<Vec<i64>> {
        for (_, unit) in self.graph.units().filter(|(_, unit)| unit.kind == Kind::Source) {
            let source = simulator.source(&unit.name, StallPattern::Always)?;
            let types = &self.graph.channel(unit.outputs[0]).fields;
            let Elements { raw: elements, times } = &unit.elements;
            for _ in 0..*times {
                simulator.push_all(source, elements.chunks(types.len()).map(|raw| word(types, raw)))?;
            }
        }
        let output = simulator.sink("output", StallPattern::Always)?;
        let limit = 4 * (self.scores() + self.layout.shape.keys) as u64 + 1000;
        simulator.run_until_received(output, self.layout.shape.rows, limit)?;
        let types = vec![self.layout.formats.output; self.layout.shape.head_dimension];
        Ok(simulator.received(output).iter().flat_map(|word| fields(&types, &word.value)).collect())
    }

    /// The hardware's results are the abstract ones.
    fn check(&self, design: &Design) -> anyhow::Result<()> {
        let mut simulator = Simulator::new(design, Options { count_streams: false, ..Options::default() })?;
        simulator.reset()?;
        let hardware = self.run_hardware(&mut simulator)?;
        ensure!(hardware == self.graph.run()?.outputs[0].raw, "hardware and abstract execution of {:?} differ", self.layout.variant);
        Ok(())
    }
}

/// Numbers from -2 to 2.
fn random(count: usize, ty: Type) -> Arc<[i64]> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    (0..count).map(|_| i64::from(random.next_u32() as i32) >> (30 - ty.frac())).collect()
}

/// Processor time of this process so far, of all threads that ever were.
fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// The fastest run of each mode; of hardware with less work, and none where a row is too long for it.
fn measure(arguments: &Arguments, variant: Variant, keys: usize) -> anyhow::Result<Vec<Measured>> {
    let dimension = arguments.head_dimension.into();
    let abstractly = Subject::new(variant, keys, dimension, arguments.scores);
    let hardware = Subject::new(variant, keys, dimension, arguments.hardware_scores);
    let design = elaborate(&hardware.graph.hardware("attention")?).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let in_hardware = keys <= arguments.hardware_keys;
    if in_hardware {
        hardware.check(&design)?;
    }
    let modes = MODES.into_iter().filter(|&mode| in_hardware || mode != Mode::Hardware);
    let mut best: Vec<Measured> = Vec::new();
    for _ in 0..arguments.rounds {
        for (at, mode) in modes.clone().enumerate() {
            let subject = if mode == Mode::Hardware { &hardware } else { &abstractly };
            let now = subject.measure(mode, &design)?;
            match best.get_mut(at) {
                Some(best) if best.seconds <= now.seconds => {}
                Some(best) => *best = now,
                None => best.push(now),
            }
        }
    }
    Ok(best)
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let variants = if arguments.all_variants { Variant::ALL.to_vec() } else { vec![Variant::Naive, Variant::MemoryFree] };
    let mut all = Vec::new();
    println!("million scores a second, by wall time and by processor time; D = {}", arguments.head_dimension);
    println!("{:12} {:>6} {:>6} {:>16} {:>16} {:>20} {:>16}", "variant", "N", "R", "exact", "real", "times", "hardware");
    for variant in variants {
        for &keys in &arguments.keys {
            ensure!(keys > 0, "a row has at least one key");
            let measured = measure(&arguments, variant, keys)?;
            let millions = |m: &Measured, seconds: f64| m.scores as f64 / seconds / 1e6;
            let column = |mode, digits: usize| {
                let of_mode = measured.iter().find(|m| m.mode == mode);
                of_mode.map_or("-".into(), |m| format!("{:.digits$} {:.digits$}", millions(m, m.seconds), millions(m, m.cpu_seconds)))
            };
            println!(
                "{:12} {keys:>6} {:>6} {:>16} {:>16} {:>20} {:>16}",
                format!("{variant:?}"),
                measured[0].scores / keys,
                column(Mode::Exact, 2),
                column(Mode::Real, 2),
                column(Mode::Times, 0),
                column(Mode::Hardware, 2)
            );
            all.extend(measured);
        }
    }
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&all)? + "\n";
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}
