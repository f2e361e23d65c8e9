//! Random designs in lockstep, reference engine against exported Verilog: runs a campaign, or replays files of failing cases.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use systole_testbenches::campaign::{self, Plan};
use systole_testbenches::{lockstep, replay};

/// Designs between two lines of progress; a multiple of what runs at once.
const PROGRESS_STEP: u64 = 160;

/// Compare the reference engine with the exported Verilog, cycle by cycle, on random designs.
#[derive(Parser)]
struct Arguments {
    /// How many designs to try.
    #[arg(long, default_value_t = 500)]
    count: u64,
    /// Seed of the first design; equal seeds give equal designs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cycles of stimulus for each design.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    cycles: u32,
    /// Run Verilator's lint and Yosys on one design in so many; 0 for none.
    #[arg(long, default_value_t = 20, value_name = "DESIGNS")]
    other_tools_every: u64,
    /// Build a model with Verilator of one design in so many; 0 for none.
    #[arg(long, default_value_t = 100, value_name = "DESIGNS")]
    builds_every: u64,
    /// Where failing cases are written.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/replays"))]
    out: PathBuf,
    /// Run the cases in these files and nothing else.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    replay: Vec<PathBuf>,
    /// With --replay: print the Verilog of each case.
    #[arg(long, requires = "replay")]
    verilog: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.replay.is_empty() { run_campaign(&arguments) } else { replay_files(&arguments.replay, arguments.verilog) };
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
    lockstep::find_tools()?;
    let Arguments { count, seed, cycles, other_tools_every, builds_every, .. } = *arguments;
    let start = Instant::now();
    let bar = ProgressBar::new(count).with_style(ProgressStyle::with_template("{pos}/{len} designs {wide_bar} {eta} left")?);
    let summary = campaign::run(&Plan { count, seed, cycles, other_tools_every, builds_every }, |done| show_progress(&bar, done))?;
    bar.finish_and_clear();
    for found in &summary.failures {
        let path = replay::keep(&arguments.out, found)?;
        println!("seed {}: {}\n  kept in {}", found.seed, found.failure, path.display());
    }
    println!(
        "{} designs of {} instances and {} cells in {cycles} cycles each, {} of them in lint and synthesis, {} built: {} failed, {:.0} s",
        summary.designs,
        summary.instances,
        summary.cells,
        summary.other_tools,
        summary.builds,
        summary.failures.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(summary.failures.is_empty())
}

/// A bar on a terminal; elsewhere a line now and then.
fn show_progress(bar: &ProgressBar, done: u64) {
    bar.set_position(done);
    if bar.is_hidden() && done.is_multiple_of(PROGRESS_STEP) {
        eprintln!("{done} of {} designs", bar.length().unwrap_or(done));
    }
}

/// Whether every file's case passed.
fn replay_files(paths: &[PathBuf], print_verilog: bool) -> Result<bool> {
    let mut passed = true;
    for path in paths {
        let case = replay::read(path)?;
        if print_verilog {
            println!("{}", systole_verilog::write(&case.design, &systole_verilog::Options::default())?.text());
        }
        let failure = lockstep::check_everywhere(&case)?;
        passed &= failure.is_none();
        match failure {
            None => println!("{}: passed", path.display()),
            Some(failure) => println!("{}: {failure}", path.display()),
        }
    }
    Ok(passed)
}
