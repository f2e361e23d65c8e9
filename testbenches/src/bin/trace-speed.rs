//! What it costs to trace all signals of square output-stationary arrays: nothing, a record, VCD, FST.
//!
//! Every input is random in every cycle, so that nearly every signal changes in every cycle: the most a trace can have to do.
//! Measurements of one array follow one another in rounds, so that a machine that is busy with something else disturbs all alike.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::{Design, elaborate};
use systole_sim::record::Record;
use systole_sim::trace::{Trace, TraceFormat, TraceOptions};
use systole_sim::{Compiled, DomainSet, Engine, NodeId, Observer};
use systole_testbenches::bench_rtl::array::Array;

/// Measure traces of N by N arrays of multiply-accumulate elements with random inputs in each cycle.
#[derive(Parser)]
struct Arguments {
    /// The sizes.
    #[arg(long, value_delimiter = ',', default_values_t = [16])]
    sizes: Vec<usize>,
    /// Cycles of a traced run; without a waveform, ten times as many.
    #[arg(long, default_value_t = 20_000)]
    cycles: u64,
    /// Rounds, of which the fastest run of each kind is shown.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Folder for the files, which are removed again [default: one for temporary files].
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
    /// Only these: `none`, `record`, `vcd`, `fst`; ratios are to the first.
    #[arg(long, value_delimiter = ',', default_values_t = ["none", "record", "vcd", "fst"].map(String::from))]
    kinds: Vec<String>,
}

/// What was measured of a run.
#[derive(Clone, Copy)]
struct Measured {
    cycles: u64,
    seconds: f64,
    /// Of all threads.
    cpu_seconds: f64,
    bytes: u64,
}

fn measure(design: &Arc<Design>, kind: &str, cycles: u64, path: &Path) -> anyhow::Result<Measured> {
    let mut engine = Compiled::new(design)?;
    let format = |format| TraceOptions { format, ..TraceOptions::default() };
    let mut observer: Option<Box<dyn Observer>> = match kind {
        "none" => None,
        "vcd" => Some(Box::new(Trace::create(path, &mut engine, &format(TraceFormat::Vcd))?)),
        "fst" => Some(Box::new(Trace::create(path, &mut engine, &format(TraceFormat::Fst))?)),
        "record" => Some(Box::new(Record::create(path, &mut engine)?)),
        other => anyhow::bail!("`{other}` is none of none, record, vcd, fst"),
    };
    let ports = engine.hierarchy().module(NodeId::TOP).inputs.len();
    let (mut random, mut bytes) = (ChaCha8Rng::seed_from_u64(1), vec![0; ports - 1]);
    let domains = DomainSet::first(1);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    for cycle in 0..cycles {
        random.fill_bytes(&mut bytes);
        bytes.iter().enumerate().for_each(|(port, &byte)| engine.set_input(port, &[byte.into()]));
        engine.set_input(ports - 1, &[u64::from(cycle.is_multiple_of(64))]);
        engine.settle();
        if let Some(observer) = &mut observer {
            observer.observe(cycle, &engine, domains).map_err(anyhow::Error::from_boxed)?;
        }
        engine.edge(domains);
    }
    if let Some(observer) = &mut observer {
        observer.finish(&engine).map_err(anyhow::Error::from_boxed)?;
    }
    let (seconds, cpu_seconds) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let bytes = if observer.is_some() { std::fs::metadata(path)?.len() } else { 0 };
    Ok(Measured { cycles, seconds, cpu_seconds, bytes })
}

/// Processor time of this process so far, of all threads that ever were.
fn cpu_seconds() -> f64 {
    // Fields 14 and 15, in hundredths of a second, count from behind the name, which may hold spaces.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{:>7} {:>7} {:>14} {:>16} {:>8} {:>8} {:>13}",
        "array", "trace", "cycles/s", "CPU us/cycle", "wall x", "CPU x", "bytes/cycle"
    );
    for &n in &arguments.sizes {
        let design = elaborate(&Array::int8(n));
        let design = Arc::new(design.map_err(|errors| anyhow::anyhow!("{errors}"))?);
        let folder = match &arguments.folder {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let mut best: Vec<Option<Measured>> = vec![None; arguments.kinds.len()];
        for _ in 0..arguments.rounds {
            for (kind, best) in arguments.kinds.iter().zip(&mut best) {
                let cycles = if matches!(kind.as_str(), "none" | "record") { 10 * arguments.cycles } else { arguments.cycles };
                let now = measure(&design, kind, cycles, &folder.path().join("trace"))?;
                *best = best.filter(|best| best.seconds < now.seconds).or(Some(now));
            }
        }
        let base = best.first().copied().flatten();
        for (kind, m) in arguments.kinds.iter().zip(best.into_iter().flatten()) {
            let each = |m: Measured| (m.seconds / m.cycles as f64, m.cpu_seconds / m.cycles as f64);
            let (wall, cpu) = each(m);
            let (base_wall, base_cpu) = base.map_or((wall, cpu), each);
            let bytes = m.bytes as f64 / m.cycles as f64;
            println!(
                "{:>7} {kind:>7} {:>14.0} {:>16.2} {:>8.2} {:>8.2} {bytes:>13.1}",
                format!("{n}x{n}"),
                1.0 / wall,
                1e6 * cpu,
                wall / base_wall,
                cpu / base_cpu
            );
        }
    }
    Ok(())
}
