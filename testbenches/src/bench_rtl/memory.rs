//! How much memory an array needs, measured in a process that does nothing else.
//!
//! What the netlist and the engine hold is counted by the program's allocator: the size of the process would not do, since an engine
//! moves into what elaboration has freed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use systole_hdl::elaborate;
use systole_sim::DomainSet;

use super::array::ArrayBench;
use super::systole::{Kind, engine};

/// Cycles that the array runs.
pub const CYCLES: u64 = 1000;

/// What an array took.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// Rows and columns.
    pub n: usize,
    /// Milliseconds of elaboration.
    pub elaborate_ms: f64,
    /// Milliseconds of making the engine and running the first cycle.
    pub prepare_ms: f64,
    /// Milliseconds of running [`CYCLES`] cycles.
    pub simulate_ms: f64,
    /// Milliseconds of writing Verilog.
    pub export_ms: f64,
    /// Bytes of the netlist for each element.
    pub design_bytes_per_pe: f64,
    /// Bytes of the engine for each element, once the first cycle has run.
    pub engine_bytes_per_pe: f64,
    /// The most that the process held, in MiB.
    pub peak_mib: f64,
}

/// Elaborates, simulates and exports an array, and tells what that took. `allocated` gives the bytes that the program holds. The peak
/// is good only in a fresh process.
///
/// # Errors
/// If the array is refused, or the system does not tell how large a process is.
pub fn of_array(n: usize, allocated: &dyn Fn() -> usize) -> Result<Memory> {
    let mut start = Instant::now();
    let mut lap = || std::mem::replace(&mut start, Instant::now()).elapsed().as_secs_f64() * 1e3;
    let before = allocated();
    lap();
    let design = Arc::new(elaborate(&ArrayBench { n }).map_err(|diagnostics| anyhow::anyhow!("{diagnostics}"))?);
    let elaborate_ms = lap();
    let with_design = allocated();
    lap();
    let mut engine = engine(Kind::Compiled, &design)?;
    engine.settle();
    engine.advance(DomainSet::first(1), 1);
    let prepare_ms = lap();
    let with_engine = allocated();
    lap();
    engine.advance(DomainSet::first(1), CYCLES);
    let simulate_ms = lap();
    let verilog = systole_verilog::write(&design, &systole_verilog::Options::default())?;
    anyhow::ensure!(!verilog.modules.is_empty(), "the export has no modules");
    let export_ms = lap();
    let per_pe = |bytes: usize| bytes as f64 / (n * n) as f64;
    Ok(Memory {
        n,
        elaborate_ms,
        prepare_ms,
        simulate_ms,
        export_ms,
        design_bytes_per_pe: per_pe(with_design - before),
        engine_bytes_per_pe: per_pe(with_engine - with_design),
        peak_mib: kibibytes("VmHWM")? / 1024.0,
    })
}

/// A size of this process, from the kernel.
fn kibibytes(field: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this system does not tell how large a process is")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("/proc/self/status has no {field}"))?;
    number.parse().with_context(|| format!("{field} is {number} where a number was expected"))
}
