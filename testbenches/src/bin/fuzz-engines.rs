//! Random designs on the reference engine and the compiled one, compared on every signal in every cycle: runs a campaign, or
//! replays files of failing cases.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use systole_sim::compiled::InstructionSet;
use systole_testbenches::engines::{self, Plan};
use systole_testbenches::replay;

/// Designs between two lines of progress.
const PROGRESS_STEP: u64 = 500;

/// Compare the two engines on random designs.
#[derive(Parser)]
struct Arguments {
    /// How many designs to try.
    #[arg(long, default_value_t = 500)]
    count: u64,
    /// Seed of the first design; equal seeds give equal designs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cycles of stimulus for each design.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    cycles: u32,
    /// Begin no design after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Use the kernels that run on any processor instead of the best for this one.
    #[arg(long)]
    portable: bool,
    /// Where failing cases are written.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/replays"))]
    out: PathBuf,
    /// Run the cases in these files and nothing else.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    replay: Vec<PathBuf>,
}

impl Arguments {
    fn set(&self) -> InstructionSet {
        if self.portable { InstructionSet::PORTABLE } else { InstructionSet::of_this_processor() }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.replay.is_empty() { run_campaign(&arguments) } else { replay_files(&arguments.replay, arguments.set()) };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Whether every design passed.
fn run_campaign(arguments: &Arguments) -> Result<bool> {
    let Arguments { count, seed, cycles, .. } = *arguments;
    let start = Instant::now();
    let plan = Plan { count, seed, cycles, set: arguments.set(), limit: arguments.seconds.map(Duration::from_secs) };
    let summary = engines::run(&plan, |done| {
        if done.is_multiple_of(PROGRESS_STEP) {
            eprintln!("{done} of {count} designs");
        }
    })?;
    for found in &summary.failures {
        let path = replay::keep(&arguments.out, found)?;
        println!("seed {}: {}\n  kept in {}", found.seed, found.failure, path.display());
    }
    println!(
        "{} designs of {} instances and {} cells in {cycles} cycles each on both engines: {} failed, {:.0} s",
        summary.designs,
        summary.instances,
        summary.cells,
        summary.failures.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(summary.failures.is_empty())
}

/// Whether every file's case passed.
fn replay_files(paths: &[PathBuf], set: InstructionSet) -> Result<bool> {
    let mut passed = true;
    for path in paths {
        let failure = engines::check(&replay::read(path)?, set);
        passed &= failure.is_none();
        println!("{}: {}", path.display(), failure.map_or("passed".to_string(), |failure| failure.to_string()));
    }
    Ok(passed)
}
