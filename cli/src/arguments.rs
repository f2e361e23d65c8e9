//! The command line's grammar.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use systole_sim::EngineKind;

use crate::config::Override;

/// Describe an accelerator once; simulate every cycle, see the waveform, get the report, export Verilog.
#[derive(Debug, Parser)]
#[command(
    name = "systole",
    version,
    after_help = "Exit codes: 0 success, 1 results differ from the golden model, 2 bad usage or configuration, 3 an outside tool is \
                  missing or failed, 4 deadlock or cycle limit, 130 interrupted."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the kernels, or the parameters of one with defaults and units.
    List(ListArguments),
    /// Simulate a configuration cycle by cycle, check it against the golden model, and report.
    Run(RunArguments),
    /// Draw a waveform of chosen cycles from a record that `run --record` has written.
    Trace(TraceRecordArguments),
    /// Write a configuration's hardware as Verilog, with a self-checking testbench if asked for.
    Export(ExportArguments),
    /// Synthesize a configuration's hardware with Yosys and count what it takes.
    Synth(SynthArguments),
    /// Show which outside tools were found and what each enables.
    Doctor,
    /// Print the JSON schema of configurations, for editors and other programs.
    Schema(SchemaArguments),
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// The kernel whose parameters to list [default: one line for each kernel].
    pub kernel: Option<String>,
}

/// A configuration and what the command line changes in it.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// The configuration, a TOML file.
    pub config: PathBuf,
    /// Change a key, such as `array.rows=8` or `layers[0].relu=false`. May be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", action = ArgAction::Append)]
    pub set: Vec<String>,
    /// Seed of random data and random stalls; the same as `--set seed=N`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
}

impl ConfigArguments {
    /// The changes in the order in which they apply.
    pub fn overrides(&self) -> Vec<Override> {
        let seed = self.seed.map(|seed| Override { option: "--seed", text: format!("seed={seed}") });
        self.set.iter().map(Override::set).chain(seed).collect()
    }
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// What to run.
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Folder for `report.json`, `outputs.safetensors` and the trace; made if it is missing [default: out/NAME, after the configuration].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to record.
    #[command(flatten)]
    pub trace: TraceArguments,
    /// Write `record.systole`, from which `systole trace` draws waveforms of any cycles afterwards.
    #[arg(long)]
    pub record: bool,
    /// Also write the output tensors as NumPy files, `NAME.npy` and `NAME.raw.npy`.
    #[arg(long)]
    pub npy: bool,
    /// What simulates.
    #[arg(long, value_enum, default_value_t = EngineName::Compiled)]
    pub engine: EngineName,
    /// Run both engines in lockstep and stop with exit code 1 at the first difference.
    #[arg(long, conflicts_with = "engine")]
    pub verify_engine: bool,
    /// Stop with exit code 4 after this many cycles, counted like the report's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub cycle_limit: Option<u64>,
    /// Print no table and no progress; warnings, errors and exit code only.
    #[arg(long)]
    pub quiet: bool,
}

/// Which waveform to write.
#[derive(Debug, Args)]
pub struct TraceArguments {
    /// Write a waveform of this format.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub trace: Option<TraceFormat>,
    /// Only the instances and signals whose path matches, such as 'gemm.array.*'; may be given several times [default: all].
    #[arg(long, value_name = "GLOB", requires = "trace")]
    pub trace_scope: Vec<String>,
    /// Also the words of the memories whose path matches, such as 'gemm.**'; may be given several times [default: none].
    #[arg(long, value_name = "GLOB", requires = "trace")]
    pub trace_memories: Vec<String>,
    /// Only the first N words of each of these memories [default: all, of at most 4096 words each and 65536 together].
    #[arg(long, value_name = "N", requires = "trace_memories", value_parser = clap::value_parser!(u32).range(1..))]
    pub trace_memory_words: Option<u32>,
    /// Only this many levels of instances; 1 is the selected instances alone [default: all].
    #[arg(long, value_name = "N", requires = "trace", value_parser = clap::value_parser!(u32).range(1..))]
    pub trace_depth: Option<u32>,
    /// First cycle in the waveform, counted from 0.
    #[arg(long, value_name = "CYCLE", requires = "trace", default_value_t = 0)]
    pub trace_from: u64,
    /// Last cycle in the waveform [default: the last of the run].
    #[arg(long, value_name = "CYCLE", requires = "trace")]
    pub trace_to: Option<u64>,
    /// Show fixed-point signals as real numbers too.
    #[arg(long, requires = "trace")]
    pub trace_reals: bool,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceRecordArguments {
    /// The record, `record.systole` in the output folder of a run.
    pub record: PathBuf,
    /// The waveform's format.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TraceFormat::Fst)]
    pub trace: TraceFormat,
    /// Only the instances and signals whose path matches, such as 'gemm.array.*'; may be given several times [default: all].
    #[arg(long, value_name = "GLOB")]
    pub trace_scope: Vec<String>,
    /// Also the words of the memories whose path matches, such as 'gemm.**'; may be given several times [default: none].
    #[arg(long, value_name = "GLOB")]
    pub trace_memories: Vec<String>,
    /// Only the first N words of each of these memories [default: all, of at most 4096 words each and 65536 together].
    #[arg(long, value_name = "N", requires = "trace_memories", value_parser = clap::value_parser!(u32).range(1..))]
    pub trace_memory_words: Option<u32>,
    /// Only this many levels of instances; 1 is the selected instances alone [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub trace_depth: Option<u32>,
    /// First cycle in the waveform, counted from 0.
    #[arg(long, value_name = "CYCLE", default_value_t = 0)]
    pub trace_from: u64,
    /// Last cycle in the waveform [default: the last of the record].
    #[arg(long, value_name = "CYCLE")]
    pub trace_to: Option<u64>,
    /// Show fixed-point signals as real numbers too.
    #[arg(long)]
    pub trace_reals: bool,
    /// Where to write it [default: trace.vcd or trace.fst beside the record].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Formats of waveforms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum TraceFormat {
    /// Value change dump: text, read by everything.
    Vcd,
    /// GTKWave's compressed format, far smaller.
    Fst,
}

impl From<TraceFormat> for systole_sim::trace::TraceFormat {
    fn from(format: TraceFormat) -> systole_sim::trace::TraceFormat {
        match format {
            TraceFormat::Vcd => systole_sim::trace::TraceFormat::Vcd,
            TraceFormat::Fst => systole_sim::trace::TraceFormat::Fst,
        }
    }
}

/// Simulation engines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum EngineName {
    /// Interprets the netlist cell by cell.
    Reference,
    /// Evaluates equal instances together.
    Compiled,
}

impl EngineName {
    /// The engine of this name.
    pub fn kind(self) -> EngineKind {
        match self {
            EngineName::Reference => EngineKind::Reference,
            EngineName::Compiled => EngineKind::Compiled,
        }
    }
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// What to export.
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Folder for the Verilog files; made if it is missing.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Also simulate, and write a testbench that replays the recorded stimulus and checks every output in every cycle.
    #[arg(long)]
    pub testbench: bool,
    /// Cycles that the testbench replays at most.
    #[arg(long, value_name = "N", default_value_t = 2000, requires = "testbench", value_parser = clap::value_parser!(u64).range(1..))]
    pub testbench_cycles: u64,
}

/// Arguments of `synth`.
#[derive(Debug, Args)]
pub struct SynthArguments {
    /// What to synthesize.
    #[command(flatten)]
    pub config: ConfigArguments,
    /// Device family.
    #[arg(long, value_enum)]
    pub target: SynthTarget,
    /// Folder for the Verilog and `synthesis.json`; made if it is missing [default: out/NAME, after the configuration].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Device families that Yosys maps to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum SynthTarget {
    /// Lattice iCE40.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
    /// AMD 7 series.
    Xilinx,
    /// AMD 7 series with multipliers made of LUTs.
    XilinxLut,
    /// No device: 4-input LUTs and flip-flops.
    Generic,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// One kernel only [default: every kernel, chosen by the key `kernel`].
    pub kernel: Option<String>,
    /// Write to this file instead of the terminal.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
