//! Area and clock of the matrix accelerator on ECP5; see the library's module `array_clock`.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Parser;
use systole_kernels::systolic::hardware::{Dataflow, Group, HardwareParameters};
use systole_kernels::systolic::parameters::{ArrayParameters, Formats};
use systole_testbenches::array_clock::place;
use systole_testbenches::exit_code;

/// Synthesize the accelerator of the kernel `gemm` for Lattice ECP5, place and route it, and print area and clock.
///
/// Formats and buffers are the kernel's defaults: s8 operands and outputs, s32 accumulators, 256 words. Needs Yosys and nextpnr-ecp5; each seed takes
/// about a minute.
#[derive(Parser)]
#[command(name = "array-clock")]
struct Arguments {
    /// Rows of the array.
    #[arg(long, default_value_t = 4)]
    rows: u32,
    /// Columns of the array.
    #[arg(long, default_value_t = 4)]
    columns: u32,
    /// `weight-stationary`, `output-stationary` or `input-stationary`.
    #[arg(long, default_value = Dataflow::WeightStationary.name())]
    dataflow: String,
    /// nextpnr's seeds; the median of their clocks is printed last.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3])]
    seeds: Vec<u64>,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let dataflows = [Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary];
    let dataflow = dataflows
        .into_iter()
        .find(|dataflow| dataflow.name() == arguments.dataflow)
        .ok_or_else(|| anyhow!("`{}` is no dataflow; there are {}", arguments.dataflow, dataflows.map(Dataflow::name).join(", ")))?;
    let array = ArrayParameters { rows: arguments.rows, columns: arguments.columns, ..ArrayParameters::default() };
    array.validate().map_err(|error| anyhow!("{error}"))?;
    let hardware: HardwareParameters = array.hardware(dataflow, &Formats::default(), Group::DENSE);
    let design = hardware.design().map_err(|diagnostics| anyhow!("{diagnostics}"))?;
    println!("gemm {} x {}, {}", array.rows, array.columns, dataflow.name());
    println!("{}", place(&design, &arguments.seeds)?);
    Ok(())
}
