//! `systole run`: elaborate, simulate, check, report.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use systole_kernels::kernel::{RunContext, RunError};
use systole_kernels::report::{Measured, Outcome, REPORT_SCHEMA, Report, Severity, SimulatorReport, Warning};
use systole_sim::record::Record;
use systole_sim::simulator::{Attached, EngineKind, Options, Simulator};
use systole_sim::trace::{Trace, TraceOptions};
use systole_sim::{Engine, Observer};

use super::workload::Workload;
use crate::arguments::{RunArguments, TraceArguments, TraceFormat};
use crate::failure::{Failure, message_with_help};
use crate::files::{NewFile, REPORT, files_of_last_run, write_report};
use crate::interrupt::{asked_to_stop, in_order};
use crate::output::{OutputFolder, print, print_error};
use crate::tensors::write::{OUTPUTS, files};
use crate::view::progress::ProgressLine;
use crate::view::report::{exactness, show};
use crate::view::warnings;

/// The record in an output folder.
const RECORD: &str = "record.systole";

/// Runs a configuration and writes its report, and its waveform if asked for.
pub fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let workload = Workload::open(&arguments.config)?;
    let prepared = workload.prepare()?;
    let (design, elaborating) = timed(|| workload.design());
    let design = Arc::new(design?);
    let kind = if arguments.verify_engine { EngineKind::Lockstep } else { arguments.engine.kind() };
    let (engine, compiling) = timed(|| kind.make(&design));
    let mut engine = engine.map_err(|error| Failure::defect(&error))?;

    // Once the simulation has begun, an interrupt completes the waveform and the record.
    let ending = in_order();
    let folder = OutputFolder::make(arguments.out.clone().unwrap_or_else(|| workload.default_folder()))?;
    // What the report names comes first: once the report is gone, nothing names it.
    folder.clear(files_of_last_run(&folder))?;
    folder.clear([REPORT, OUTPUTS, "trace.vcd", "trace.fst", RECORD])?;
    folder.clear([Record::partial_path(RECORD)])?;
    let trace = arguments.trace.trace.map(|format| start_trace(&arguments.trace, format, &folder, &mut *engine)).transpose()?;
    let record = arguments.record.then(|| start_record(&folder, &mut *engine)).transpose()?;
    let mut simulator = Simulator::with_engine(engine, &Options::default()).map_err(|error| Failure::defect(&error))?;
    let trace = trace.map(|(path, trace)| (path, simulator.attach(trace)));
    let record = record.map(|(path, record)| (path, simulator.attach(record)));
    let line = ProgressLine::new(arguments.quiet);
    line.watch(&mut simulator);
    let cycle_limit = arguments.cycle_limit.unwrap_or(u64::MAX);
    let (ran, simulating) =
        timed(|| prepared.run(&mut RunContext { simulator: &mut simulator, cycle_limit, progress: &mut |progress| line.follow(progress) }));
    line.clear();
    let cycles = simulator.cycle();
    // What an observer or the work looked at last has been compared too.
    let ran = match simulator.engine().difference() {
        Some(difference) if ran.is_ok() => Err(systole_sim::RunError::EnginesDiffer(Box::new(difference.clone())).into()),
        _ => ran,
    };

    // Whatever became of the run, its waveform is completed first: it shows how that came about.
    let trace = trace.map(|(path, attached)| finish(path, attached, &mut simulator, "--trace")).transpose();
    let trace = trace.and_then(|path| without_cycles(path, &arguments.trace, cycles));
    let record = record.map(|(path, attached)| finish(path, attached, &mut simulator, "--record")).transpose();
    let ran = if asked_to_stop() && ran.is_ok() { Err(RunError::Interrupted { cycle: cycles }) } else { ran };
    let (outcome, trace, record) = match ran {
        Ok(outcome) => (outcome, trace?, record?),
        Err(error) => {
            for (what, path) in [("trace", trace), ("record", record)] {
                if let Ok(Some(path)) = path {
                    print_error(&format!("{what}: {}, complete up to cycle {cycles}\n", path.display()));
                }
            }
            return Err(stopped(error));
        }
    };
    drop(ending);

    let outputs = files(&outcome.outputs, arguments.npy)?;
    let report = Report {
        schema: REPORT_SCHEMA,
        kernel: workload.kernel.name().into(),
        config: prepared.config(),
        seed: workload.configured.seed(),
        version: env!("CARGO_PKG_VERSION").into(),
        design: design.statistics().into(),
        outcome,
        simulator: simulator_report(kind, elaborating, compiling, simulating, cycles),
        synthesis: Measured::not_measured("`systole synth` measures it"),
        output_files: outputs.iter().map(|file| file.name.clone()).collect(),
    };
    let json = serde_json::to_string_pretty(&report).map_err(|error| Failure::defect(&error))?;
    let beside: Vec<NewFile> = report.outcome.figures.iter().map(NewFile::from).chain(outputs).collect();
    let (path, beside) = write_report(&folder, &beside, format!("{json}\n").as_bytes())?;
    if !arguments.quiet {
        let line = |what: &str, path: Option<PathBuf>| path.map(|path| format!("{what}: {}\n", path.display())).unwrap_or_default();
        let (trace, record) = (line("trace", trace), line("record", record));
        let (pictures, outputs) = beside.split_at(report.outcome.figures.len());
        let titled = report.outcome.figures.iter().zip(pictures);
        let pictures: String = titled.map(|(figure, path)| format!("file: {} ({})\n", path.display(), figure.title())).collect();
        let outputs: String = outputs.iter().map(|path| format!("outputs: {}\n", path.display())).collect();
        print(&format!("{}\nreport: {}\n{outputs}{pictures}{trace}{record}", show(&report), path.display()))?;
    }
    // Last on a terminal, and there too where the report goes into a file or is not shown.
    let warnings: Vec<Warning> =
        report.outcome.warnings.iter().filter(|warning| warning.severity() == Severity::Warning).cloned().collect();
    print_error(&warnings::lines(&warnings));
    verdict(&report.outcome)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn simulator_report(engine: EngineKind, elaborating: Duration, compiling: Duration, simulating: Duration, cycles: u64) -> SimulatorReport {
    let milliseconds = |duration: Duration| Measured::Value(1000.0 * duration.as_secs_f64());
    SimulatorReport {
        engine: match engine {
            EngineKind::Reference => "reference".into(),
            EngineKind::Compiled => "compiled".into(),
            EngineKind::Lockstep => "reference and compiled".into(),
        },
        elaborate_ms: milliseconds(elaborating),
        compile_ms: milliseconds(compiling),
        cycles,
        cycles_per_second: match simulating.as_secs_f64() {
            seconds if seconds > 0.0 => Measured::Value(cycles as f64 / seconds),
            _ => Measured::not_measured("the run was shorter than the clock can tell"),
        },
    }
}

fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    if outcome.numerics.bit_exact {
        return Ok(());
    }
    let message = format!("bit exact: {}", exactness(&outcome.numerics));
    Err(Failure::Differs(message_with_help(message, "the report holds every part's agreement; --trace shows what the hardware did")))
}

/// Why a run came to no result, as the user is told.
pub fn stopped(error: RunError) -> Failure {
    let message = error.to_string();
    match error {
        RunError::CycleLimit { .. } | RunError::Stopped(systole_sim::RunError::CycleLimit { .. }) => {
            Failure::Stuck(message_with_help(message, "no report was written; allow more cycles with --cycle-limit"))
        }
        RunError::Stopped(systole_sim::RunError::Deadlock(_)) => {
            Failure::Stuck(message_with_help(message, "no report was written; --trace shows how it came about"))
        }
        RunError::Deadlock { remedy, .. } => Failure::Stuck(message_with_help(message, format!("no report was written; {remedy}"))),
        RunError::Refused { remedy, .. } => Failure::input(message, format!("no report was written; {remedy}")),
        RunError::Stopped(systole_sim::RunError::EnginesDiffer(_)) => {
            let help = "no report was written; this is a bug in Systole, whatever the input was: please report it with the command and the \
                        configuration, and run with `--engine reference` meanwhile";
            Failure::Differs(message_with_help(message, help))
        }
        RunError::Stopped(systole_sim::RunError::Observer { .. }) => {
            Failure::input(message, "no report was written; make room, or choose another folder with --out")
        }
        RunError::Interrupted { cycle } | RunError::Stopped(systole_sim::RunError::Interrupted { cycle }) => {
            Failure::Interrupted(message_with_help(format!("interrupted in cycle {cycle}"), "no report was written"))
        }
        RunError::Surplus { .. } => {
            Failure::Differs(message_with_help(message, "no report was written; --trace shows what the hardware did"))
        }
        RunError::Drivers(_) | RunError::Inconsistent(_) => Failure::defect(&error),
    }
}

fn start_trace(
    arguments: &TraceArguments,
    format: TraceFormat,
    folder: &OutputFolder,
    engine: &mut dyn Engine,
) -> Result<(PathBuf, Trace), Failure> {
    let name = match format {
        TraceFormat::Vcd => "trace.vcd",
        TraceFormat::Fst => "trace.fst",
    };
    let options = TraceOptions {
        format: format.into(),
        scopes: arguments.trace_scope.clone(),
        memories: arguments.trace_memories.clone(),
        memory_words: arguments.trace_memory_words,
        depth: arguments.trace_depth,
        from: arguments.trace_from,
        to: arguments.trace_to,
        reals: arguments.trace_reals,
    };
    let path = folder.path().join(name);
    let trace = Trace::create(&path, engine, &options)
        .map_err(|error| Failure::input(error.to_string(), "`systole run --help` explains the options that begin with --trace"))?;
    Ok((path, trace))
}

fn start_record(folder: &OutputFolder, engine: &mut dyn Engine) -> Result<(PathBuf, Record), Failure> {
    let path = folder.path().join(RECORD);
    let record = Record::create(&path, engine).map_err(|error| Failure::input(error.to_string(), "choose another folder with --out"))?;
    Ok((path, record))
}

/// Completes a trace or a record, which `option` had asked for.
fn finish<O: Observer>(path: PathBuf, attached: Attached<O>, simulator: &mut Simulator, option: &str) -> Result<PathBuf, Failure> {
    let help = || format!("no report was written; make room, or run it again without {option}");
    match simulator.detach(attached) {
        // One that failed before, which stopped the run, is not there.
        Ok(_) if path.exists() => Ok(path),
        Ok(_) => Err(Failure::input(format!("{} was not written", path.display()), help())),
        Err(error) => Err(Failure::input(error.to_string(), help())),
    }
}

/// The waveform, unless the run ended before the first cycle that it was to show: then there is none, and the user is told.
fn without_cycles(path: Option<PathBuf>, arguments: &TraceArguments, cycles: u64) -> Result<Option<PathBuf>, Failure> {
    let from = arguments.trace_from;
    let Some(empty) = path.as_ref().filter(|_| from >= cycles) else { return Ok(path) };
    fs::remove_file(empty)
        .map_err(|error| Failure::input(format!("cannot remove the empty waveform {}: {error}", empty.display()), "remove it by hand"))?;
    let ran = cycles.checked_sub(1).map_or("no cycle".to_string(), |last| format!("cycles 0 to {last}"));
    print_error(&format!("warning: no waveform was written: --trace-from is {from}, and the run has {ran}\n"));
    Ok(None)
}
