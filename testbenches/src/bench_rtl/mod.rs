//! The benchmark: how fast the engines run designs, beside Verilator, Icarus Verilog and loops written by hand.
//!
//! Every design needs nothing but a clock: its stimulus and a checksum of what it computes are part of it (`sources`), so each
//! simulator steps the clock and nothing else. `array`, `gemm` and `control` are the designs; `array` also stands as hand-written
//! Verilog and as loops in Rust (`by_hand`).
//!
//! All that run one design are measured in turn, several rounds, in cycles per second of processor time, and the median counts. Before
//! that, all must have the same checksum after [`Subject::check_cycles`]. `memory` measures bytes, in a process of its own.

pub mod array;
pub mod by_hand;
pub mod control;
pub mod gemm;
pub mod icarus;
pub mod measure;
pub mod memory;
pub mod sources;
pub mod systole;
pub mod table;
pub mod verilator;
pub mod verilog_source;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use systole_hdl::{Component, Design, elaborate};
use systole_sim::trace::TraceFormat;
use systole_verilog::tools::{Tool, find};

use self::by_hand::ByHand;
use self::icarus::Icarus;
use self::measure::{Contender, Sample, median};
use self::systole::{Kind, Traced, Untraced};
use self::verilator::{Build, Verilator};
use self::verilog_source::VerilogSource;

/// Verilator's `OPT_FAST=-O` is 3 below this size of the array and 1 from it on, where the C++ compiler would take minutes.
const LARGE: usize = 64;

/// Which design.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DesignName {
    /// The output-stationary array.
    Array,
    /// The GEMM accelerator as a whole.
    Gemm,
    /// Queues, an arbiter, state machines, a memory.
    Control,
}

impl DesignName {
    /// The name that a table and JSON give it.
    pub fn name(self) -> &'static str {
        match self {
            DesignName::Array => "array",
            DesignName::Gemm => "gemm",
            DesignName::Control => "control",
        }
    }
}

/// What runs a design.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    /// Systole's compiled engine.
    Systole,
    /// Systole's reference engine.
    SystoleReference,
    /// Verilator.
    Verilator,
    /// Icarus Verilog.
    Icarus,
    /// Loops in Rust.
    HandWritten,
}

/// Which text a rival runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceName {
    /// The Verilog that Systole exports.
    Exported,
    /// Verilog written by hand.
    HandWritten,
}

/// Whether every signal is written to a file while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TraceName {
    /// No.
    None,
    /// As VCD.
    Vcd,
    /// As FST.
    Fst,
}

/// One line of the result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Which design.
    pub design: DesignName,
    /// Rows and columns of its array; 0 if it has none.
    pub n: usize,
    /// What ran it.
    pub engine: EngineName,
    /// The text it ran, for engines that run Verilog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// Whether and how it was traced.
    pub trace: TraceName,
    /// The median over all rounds. Of a traced engine, all its threads count.
    pub cycles_per_cpu_second: f64,
    /// The least of all rounds.
    pub min_cycles_per_cpu_second: f64,
    /// The greatest of all rounds.
    pub max_cycles_per_cpu_second: f64,
    /// The median of cycles per second on the wall.
    pub cycles_per_second: f64,
    /// Milliseconds on the wall until it could run: elaboration, preparation and the first cycle for Systole, compiling for the rivals. None for
    /// loops that are compiled with this program.
    pub ready_ms: Option<f64>,
}

/// What to measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Which designs.
    pub designs: Vec<DesignName>,
    /// Sizes of the array.
    pub sizes: Vec<usize>,
    /// Size of the GEMM accelerator's array.
    pub gemm_size: usize,
    /// The size of the array that is also traced, if any.
    pub traced_size: Option<usize>,
    /// Rounds.
    pub runs: usize,
    /// Seconds of processor time for each measurement.
    pub seconds: f64,
    /// Whether the reference engine takes part.
    pub reference: bool,
    /// Whether Verilator takes part, if it is there.
    pub verilator: bool,
    /// Whether Icarus Verilog takes part, if it is there.
    pub icarus: bool,
}

impl Plan {
    /// The outside programs that are wanted but not there, each with what to do about it.
    pub fn missing_tools(&self) -> Vec<String> {
        let wanted = [(self.verilator, Tool::Verilator), (self.icarus, Tool::Iverilog), (self.icarus, Tool::Vvp)];
        wanted.iter().filter(|(wanted, _)| *wanted).filter_map(|&(_, tool)| find(tool).err().map(|error| error.to_string())).collect()
    }
}

/// A design of the benchmark at one size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject {
    /// Which.
    pub design: DesignName,
    /// Rows and columns of its array; 0 if it has none.
    pub n: usize,
}

impl Subject {
    /// The design's netlist.
    ///
    /// # Errors
    /// If the size is not one that the design can have.
    pub fn elaborate(self) -> Result<Design> {
        fn design<C: Component>(component: &C) -> Result<Design> {
            elaborate(component).map_err(|diagnostics| anyhow::anyhow!("{diagnostics}"))
        }
        match self.design {
            DesignName::Array => design(&array::ArrayBench { n: self.n }),
            DesignName::Gemm => design(&gemm::GemmBench { n: self.n as u32 }),
            DesignName::Control => design(&control::ControlBench),
        }
    }

    /// Cycles after which all checksums are compared: through an array and more than one of its tiles; some output tiles of the
    /// accelerator, whose first comes after about 1000 cycles; some blocks of the control design.
    pub fn check_cycles(self) -> u64 {
        match self.design {
            DesignName::Array => 300,
            DesignName::Gemm => 2500,
            DesignName::Control => 1000,
        }
    }

    /// What it is called in messages.
    pub fn title(self) -> String {
        if self.n == 0 { self.design.name().to_string() } else { format!("{} {n}x{n}", self.design.name(), n = self.n) }
    }
}

/// One that takes part, and what is known of it before it is measured.
pub struct Entry {
    engine: EngineName,
    source: Option<SourceName>,
    trace: TraceName,
    ready: Option<Duration>,
    /// After [`Subject::check_cycles`]. None if the same engine stands without a trace, too.
    checksum: Option<u32>,
    contender: Box<dyn Contender>,
}

impl Entry {
    /// The engine, its text and its trace.
    pub fn title(&self) -> String {
        let (source, trace) = (table::source(self.source), table::trace(self.trace));
        [table::engine(self.engine), source, trace].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ")
    }
}

/// All subjects of a plan, in order.
pub fn subjects(plan: &Plan) -> Vec<Subject> {
    let of = |&design: &DesignName| match design {
        DesignName::Array => plan.sizes.iter().map(|&n| Subject { design, n }).collect(),
        DesignName::Gemm => vec![Subject { design, n: plan.gemm_size }],
        DesignName::Control => vec![Subject { design, n: 0 }],
    };
    plan.designs.iter().flat_map(of).collect()
}

/// Builds all that run `subject`, in folders of `folder`, and compares their checksums. `say` hears what is going on.
///
/// # Errors
/// If one cannot be built, or checksums differ.
pub fn entries(plan: &Plan, subject: Subject, folder: &Path, say: &dyn Fn(&str)) -> Result<Vec<Entry>> {
    let design = Arc::new(subject.elaborate()?);
    let traced = subject.design == DesignName::Array && plan.traced_size == Some(subject.n);
    let mut entries = systole_entries(plan, subject, &design)?;
    if subject.design == DesignName::Array {
        let mut array = ByHand::new(subject.n);
        array.run(subject.check_cycles());
        let (engine, checksum) = (EngineName::HandWritten, Some(array.checksum()));
        entries.push(Entry { engine, source: None, trace: TraceName::None, ready: None, checksum, contender: Box::new(array) });
    }
    let mut sources = vec![(SourceName::Exported, VerilogSource::exported(&design)?)];
    if subject.design == DesignName::Array {
        sources.push((SourceName::HandWritten, VerilogSource::hand_written_array(subject.n)));
    }
    let place = |name: &str| -> Result<PathBuf> {
        let path = folder.join(format!("{}-{}-{name}", subject.design.name(), subject.n));
        std::fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(path)
    };
    for (name, source) in &sources {
        let text = table::source(Some(*name));
        if plan.verilator && find(Tool::Verilator).is_ok() {
            let traces = [None, Some(TraceFormat::Vcd)];
            for trace in traces.into_iter().take(if traced && *name == SourceName::Exported { 2 } else { 1 }) {
                say(&format!("{}: building with Verilator ({text})", subject.title()));
                let build = Build { optimize: if subject.n >= LARGE { 1 } else { 3 }, trace };
                let trace = trace.map_or(TraceName::None, |_| TraceName::Vcd);
                let (program, ready) = Verilator::build(source, build, &place(&format!("verilator-{text}-{}", table::trace(trace)))?)?;
                entries.push(Entry {
                    engine: EngineName::Verilator,
                    source: Some(*name),
                    trace,
                    ready: Some(ready),
                    checksum: Some(program.checksum_after(subject.check_cycles())?),
                    contender: Box::new(program),
                });
            }
        }
        if plan.icarus && find(Tool::Iverilog).is_ok() && find(Tool::Vvp).is_ok() {
            say(&format!("{}: compiling with Icarus Verilog ({text})", subject.title()));
            let (mut program, ready) = Icarus::compile(source, &place(&format!("icarus-{text}"))?)?;
            entries.push(Entry {
                engine: EngineName::Icarus,
                source: Some(*name),
                trace: TraceName::None,
                ready: Some(ready),
                checksum: Some(program.checksum_after(subject.check_cycles())?),
                contender: Box::new(program),
            });
        }
    }
    if traced {
        for (trace, format) in [(TraceName::Vcd, TraceFormat::Vcd), (TraceName::Fst, TraceFormat::Fst)] {
            let contender = Box::new(Traced { design: Arc::clone(&design), format, file: folder.join("systole-trace") });
            entries.push(Entry { engine: EngineName::Systole, source: None, trace, ready: None, checksum: None, contender });
        }
    }
    agree(subject, &entries)?;
    Ok(entries)
}

fn systole_entries(plan: &Plan, subject: Subject, design: &Arc<Design>) -> Result<Vec<Entry>> {
    let kinds = [(Kind::Compiled, EngineName::Systole), (Kind::Reference, EngineName::SystoleReference)];
    let mut entries = Vec::new();
    for (kind, name) in kinds.into_iter().filter(|(kind, _)| *kind == Kind::Compiled || plan.reference) {
        let mut engine = systole::engine(kind, design)?;
        let checksum = Some(systole::checksum_after(&mut *engine, subject.check_cycles()));
        entries.push(Entry {
            engine: name,
            source: None,
            trace: TraceName::None,
            ready: Some(Duration::from_secs_f64(ready(plan, subject, kind)?.wall_ms / 1e3)),
            checksum,
            contender: Box::new(Untraced(engine)),
        });
    }
    Ok(entries)
}

/// How long it took until an engine could run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ready {
    /// Milliseconds on the wall, the median.
    pub wall_ms: f64,
    /// Milliseconds of processor time, the median.
    pub cpu_ms: f64,
}

/// How long elaboration, preparation and the first cycle take on one of Systole's engines, over as many rounds as the plan says.
///
/// # Errors
/// If the description or the engine refuses.
pub fn ready(plan: &Plan, subject: Subject, kind: Kind) -> Result<Ready> {
    let samples = (0..plan.runs).map(|_| systole::ready(kind, &|| subject.elaborate())).collect::<Result<Vec<Sample>>>()?;
    let middle = |time: fn(&Sample) -> Duration| median(samples.iter().map(|sample| time(sample).as_secs_f64() * 1e3));
    Ok(Ready { wall_ms: middle(|sample| sample.wall), cpu_ms: middle(|sample| sample.cpu) })
}

fn agree(subject: Subject, entries: &[Entry]) -> Result<()> {
    let known: Vec<(String, u32)> = entries.iter().filter_map(|entry| Some((entry.title(), entry.checksum?))).collect();
    if known.iter().all(|(_, checksum)| *checksum == known[0].1) {
        return Ok(());
    }
    let list: Vec<String> = known.iter().map(|(title, checksum)| format!("  {checksum:08x}  {title}")).collect();
    bail!("{}: checksums differ after {} cycles:\n{}", subject.title(), subject.check_cycles(), list.join("\n"))
}

/// Measures all that run `subject` in turn, as many rounds as the plan says.
///
/// # Errors
/// If an outside program fails.
pub fn measure(plan: &Plan, subject: Subject, entries: &mut [Entry]) -> Result<Vec<Row>> {
    let mut samples: Vec<Vec<Sample>> = entries.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.runs {
        for (entry, samples) in entries.iter_mut().zip(&mut samples) {
            samples.push(entry.contender.measure(plan.seconds)?);
        }
    }
    let row = |(entry, samples): (&Entry, &Vec<Sample>)| {
        let rates = || samples.iter().map(Sample::per_cpu_second);
        Row {
            design: subject.design,
            n: subject.n,
            engine: entry.engine,
            source: entry.source,
            trace: entry.trace,
            cycles_per_cpu_second: median(rates()),
            min_cycles_per_cpu_second: rates().fold(f64::INFINITY, f64::min),
            max_cycles_per_cpu_second: rates().fold(0.0, f64::max),
            cycles_per_second: median(samples.iter().map(Sample::per_wall_second)),
            ready_ms: entry.ready.map(|time| time.as_secs_f64() * 1e3),
        }
    };
    Ok(entries.iter().zip(&samples).map(row).collect())
}
