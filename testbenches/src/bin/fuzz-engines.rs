//! Random designs on the reference engine and the compiled one, compared on every signal in every cycle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use systole_testbenches::engines;

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
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Print the netlist of the first failing design.
    #[arg(long)]
    netlist: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (start, limit) = (Instant::now(), arguments.seconds.map(Duration::from_secs));
    let (mut designs, mut failures) = (0, 0);
    for seed in arguments.seed..arguments.seed + arguments.count {
        if limit.is_some_and(|limit| start.elapsed() > limit) {
            break;
        }
        let case = engines::case(seed, arguments.cycles);
        designs += 1;
        let message = match catch_unwind(AssertUnwindSafe(|| engines::first_difference(&case))) {
            Ok(Ok(None)) => continue,
            Ok(Ok(Some(difference))) => difference,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "panic".to_string(),
        };
        failures += 1;
        println!("seed {seed} ({} cells): {message}", case.design.statistics().cells);
        if arguments.netlist && failures == 1 {
            println!("{}", engines::text(&case.design));
        }
    }
    println!("{designs} designs, {failures} failures, {:.0?}", start.elapsed());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
