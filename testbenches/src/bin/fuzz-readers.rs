//! Damaged files against everything that reads files: runs a campaign, or reads kept files again.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use systole_testbenches::readers::worker::{self, Plan};
use systole_testbenches::readers::{Checker, Kind, Verdict};

/// Read mutated configurations, tensors, records and netlists: none may make its reader panic, abort, take more than 10 s or 1 GiB, and no damaged
/// record may be drawn as another waveform.
#[derive(Parser)]
struct Arguments {
    /// Kinds of files [default: all].
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// Files of each kind [default: 10000, or as many as the time allows].
    #[arg(long)]
    count: Option<u64>,
    /// Seconds for all kinds together.
    #[arg(long)]
    seconds: Option<u64>,
    /// Equal seeds give equal files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where files that a reader comes to grief with are written.
    #[arg(long, value_name = "FOLDER", default_value = "out/readers")]
    out: PathBuf,
    /// Read these files, of one --kind, and nothing else.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    replay: Vec<PathBuf>,
    /// Read files from this number on, and say of each what becomes of it: what a campaign has others do.
    #[arg(long, value_name = "NUMBER", hide = true)]
    work_from: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Whether no reader was at fault.
fn run(arguments: &Arguments) -> Result<bool> {
    let kinds = if arguments.kind.is_empty() { Kind::ALL.to_vec() } else { arguments.kind.clone() };
    if !arguments.replay.is_empty() {
        return replay(&kinds, &arguments.replay);
    }
    let count = arguments.count.unwrap_or(if arguments.seconds.is_some() { u64::MAX } else { 10_000 });
    let time = arguments.seconds.map(|seconds| Duration::from_secs(seconds) / kinds.len() as u32);
    let plan = |kind| Plan { kind, seed: arguments.seed, from: arguments.work_from.unwrap_or(0), count, time };
    if arguments.work_from.is_some() {
        kinds.into_iter().try_for_each(|kind| worker::work(&plan(kind)))?;
        return Ok(true);
    }
    let program = worker::this_program()?;
    let mut sound = true;
    for kind in kinds {
        let plan = plan(kind);
        let summary = worker::watch(&plan, |plan| {
            let mut command = Command::new(&program);
            command.args(["--kind", kind.name(), "--seed", &plan.seed.to_string()]);
            command.args(["--work-from", &plan.from.to_string(), "--count", &plan.count.to_string()]);
            command
        })?;
        for (number, fault) in &summary.faults {
            println!("{} {number}: {fault}\n  kept in {}", kind.name(), worker::keep(&plan, *number, &arguments.out)?.display());
        }
        println!("{}: {} files, {} accepted, {} at fault", kind.name(), summary.files, summary.accepted, summary.faults.len());
        sound &= summary.faults.is_empty();
    }
    Ok(sound)
}

/// Whether every file is read without fault; here, a panic ends the program.
fn replay(kinds: &[Kind], files: &[PathBuf]) -> Result<bool> {
    let [kind] = kinds else { anyhow::bail!("which kind? name it with --kind") };
    let checker = Checker::new(*kind)?;
    let mut sound = true;
    for path in files {
        let verdict = checker.check(&fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
        println!("{}: {verdict:?}", path.display());
        sound &= !matches!(verdict, Verdict::Fault(_));
    }
    Ok(sound)
}
