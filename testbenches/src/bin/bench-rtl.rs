//! Systole's engines, Verilator, Icarus Verilog and loops written by hand, on the same designs in one run; see the library's module
//! `bench_rtl`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use peak_alloc::PeakAlloc;
use systole_testbenches::bench_rtl::memory::{self, Memory};
use systole_testbenches::bench_rtl::systole::Kind;
use systole_testbenches::bench_rtl::{self, DesignName, Plan, Row, Subject, table};
use systole_testbenches::exit_code;

/// Counts what is allocated, for the measurement of memory.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Compare Systole's engines with Verilator, Icarus Verilog and loops written by hand.
///
/// All that run one design are measured in turn, and their checksums must agree.
#[derive(Parser)]
#[command(name = "bench-rtl")]
struct Arguments {
    /// The designs.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [DesignName::Array, DesignName::Gemm, DesignName::Control])]
    designs: Vec<DesignName>,
    /// Rows and columns of the array.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 16, 32, 64], value_parser = parse_size)]
    sizes: Vec<usize>,
    /// Rows and columns of the GEMM accelerator's array.
    #[arg(long, default_value_t = 16, value_parser = parse_size)]
    gemm_size: usize,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Seconds of processor time for each measurement.
    #[arg(long, default_value_t = 0.5, value_parser = parse_seconds)]
    seconds: f64,
    /// Which outside programs take part, where they are found.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Rival::Verilator, Rival::Icarus])]
    rivals: Vec<Rival>,
    /// Leave Systole's reference engine out.
    #[arg(long)]
    no_reference: bool,
    /// Leave traces out; otherwise the array of 16 by 16 is traced, too.
    #[arg(long)]
    no_traces: bool,
    /// Leave memory and the largest arrays out.
    #[arg(long)]
    no_memory: bool,
    /// Write the rows to a file, as a list in JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Measure the memory of one array in this process, and print it as JSON.
    #[arg(long, hide = true)]
    memory_of: Option<usize>,
}

/// An outside program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Rival {
    /// Verilator, with the C++ compiler.
    Verilator,
    /// Icarus Verilog.
    Icarus,
    /// None at all.
    None,
}

fn parse_size(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (2..=256).contains(n)).ok_or_else(|| "a size is a whole number from 2 to 256".to_string())
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| *s > 0.0 && *s <= 3600.0).ok_or_else(|| "give seconds above 0, at most 3600".to_string())
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(n) = arguments.memory_of {
        println!("{}", serde_json::to_string(&memory::of_array(n, &|| ALLOCATOR.current_usage())?)?);
        return Ok(());
    }
    let plan = Plan {
        designs: arguments.designs.clone(),
        sizes: arguments.sizes.clone(),
        gemm_size: arguments.gemm_size,
        traced_size: (!arguments.no_traces).then_some(16),
        runs: arguments.runs as usize,
        seconds: arguments.seconds,
        reference: !arguments.no_reference,
        verilator: arguments.rivals.contains(&Rival::Verilator),
        icarus: arguments.rivals.contains(&Rival::Icarus),
    };
    for missing in plan.missing_tools() {
        eprintln!("left out: {missing}");
    }
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    remove_when_interrupted(folder.path().to_path_buf())?;

    let mut rows = Vec::new();
    for subject in bench_rtl::subjects(&plan) {
        let mut entries = bench_rtl::entries(&plan, subject, folder.path(), &say)?;
        say(&format!("{}: {} rounds of {}", subject.title(), plan.runs, entries.len()));
        let measured = bench_rtl::measure(&plan, subject, &mut entries)?;
        say("");
        println!("{}", table::rows(&measured));
        rows.extend(measured);
    }
    table::goals(&rows).iter().for_each(|line| println!("{line}"));
    if plan.designs.contains(&DesignName::Array) {
        for n in [16, 64, 128] {
            let ready = bench_rtl::ready(&plan, Subject { design: DesignName::Array, n }, Kind::Compiled)?;
            println!("{}", table::ready(&rows, n, ready));
        }
    }
    if plan.designs.contains(&DesignName::Array) && !arguments.no_memory {
        print_memory(&arguments.sizes)?;
    }
    match &arguments.json {
        Some(file) => write_json(file, &rows),
        None => Ok(()),
    }
}

/// What is going on, on a terminal only, each message in the place of the one before.
fn say(message: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{message}");
    }
}

/// An interrupt leaves nothing behind.
fn remove_when_interrupted(folder: PathBuf) -> Result<()> {
    ctrlc::set_handler(move || {
        // Compilers that were interrupted, too, may still be removing files of their own.
        for _ in 0..20 {
            if std::fs::remove_dir_all(&folder).is_ok() || !folder.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        std::process::exit(130);
    })
    .context("interrupts cannot be caught")
}

fn print_memory(sizes: &[usize]) -> Result<()> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let mut sizes = sizes.to_vec();
    sizes.extend([128, 256]);
    sizes.sort_unstable();
    sizes.dedup();
    println!("\nmemory of Systole alone, each size in a process of its own; {} cycles simulated", memory::CYCLES);
    for n in sizes {
        let output = Command::new(&program).args(["--memory-of", &n.to_string()]).output().context("this program cannot start itself")?;
        ensure!(output.status.success(), "memory of {n}x{n}: {}", String::from_utf8_lossy(&output.stderr).trim());
        let m: Memory = serde_json::from_slice(&output.stdout).context("the measured memory cannot be read")?;
        println!(
            "{n:>4}x{n:<4} engine {:>6.0} bytes/PE, netlist {:>6.0} bytes/PE, peak {:>5.0} MiB; elaborate {}, prepare {}, simulate {}, export {}",
            m.engine_bytes_per_pe,
            m.design_bytes_per_pe,
            m.peak_mib,
            table::milliseconds(m.elaborate_ms),
            table::milliseconds(m.prepare_ms),
            table::milliseconds(m.simulate_ms),
            table::milliseconds(m.export_ms),
        );
    }
    Ok(())
}

/// The file is written whole or not at all.
fn write_json(file: &std::path::Path, rows: &[Row]) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let write = || -> Result<()> {
        let mut whole = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut whole, rows)?;
        writeln!(whole)?;
        whole.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", file.display()))
}
