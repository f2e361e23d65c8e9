//! The one report data model: what a run measured, ready for any view of it (table, JSON, sweeps).
//!
//! Keys carry their unit where they have one. What was not measured says so, with the reason: a [`Measured`] is never
//! silently zero or absent.

mod attachment;
mod memory;
mod output;
mod warning;

use std::fmt;

pub use attachment::{Figure, FigureFormat, NamedTable};
pub use memory::{HighWater, MemoryItem, MemoryKind, MemoryUse};
pub use output::{OutputTensor, with_names_of_their_own};
use serde::{Serialize, Serializer};
use systole_hdl::design::Statistics;
use thiserror::Error;
pub use warning::{Setting, Severity, Warning};

/// Version of the report's keys and their meaning, as [`Report::schema`] states it. Raised whenever a key changes its meaning or goes away.
pub const REPORT_SCHEMA: u32 = 1;

/// A measured value, or why there is none. Serialises as the value, or as `{"not_measured": "reason"}`.
#[derive(Clone, PartialEq, Debug)]
pub enum Measured<T> {
    /// The value.
    Value(T),
    /// Why it was not measured.
    NotMeasured(String),
}

impl<T> Measured<T> {
    /// No value, for this reason.
    pub fn not_measured(reason: impl Into<String>) -> Measured<T> {
        Measured::NotMeasured(reason.into())
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Measured::Value(value) => Some(value),
            Measured::NotMeasured(_) => None,
        }
    }
}

impl<T> From<T> for Measured<T> {
    fn from(value: T) -> Measured<T> {
        Measured::Value(value)
    }
}

/// The value as it displays itself, or `not measured (reason)`.
impl<T: fmt::Display> fmt::Display for Measured<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measured::Value(value) => value.fmt(f),
            Measured::NotMeasured(reason) => write!(f, "not measured ({reason})"),
        }
    }
}

impl<T: Serialize> Serialize for Measured<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reason<'a> {
            not_measured: &'a str,
        }
        match self {
            Measured::Value(value) => value.serialize(serializer),
            Measured::NotMeasured(reason) => Reason { not_measured: reason }.serialize(serializer),
        }
    }
}

/// Everything known about one run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`] of the writer.
    pub schema: u32,
    /// The kernel's name.
    pub kernel: String,
    /// The configuration that ran, defaults filled in.
    pub config: serde_json::Value,
    /// The seed of random data and random stalls.
    pub seed: u64,
    /// Version of Systole.
    pub version: String,
    /// Sizes of the hardware.
    pub design: DesignSize,
    /// What the kernel measured.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How the simulation itself went.
    pub simulator: SimulatorReport,
    /// One entry a synthesis run.
    pub synthesis: Measured<Vec<Synthesis>>,
    /// Names of the files beside the report that hold the output tensors.
    pub output_files: Vec<String>,
}

/// Sizes of the elaborated design, over all instances.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct DesignSize {
    /// Module definitions.
    pub modules: u64,
    /// Instances, the top included.
    pub instances: u64,
    /// Bits in registers and registered memory reads.
    pub register_bits: u64,
    /// Bits in memories.
    pub memory_bits: u64,
    /// Multiplier cells.
    pub multipliers: u64,
}

impl From<Statistics> for DesignSize {
    fn from(statistics: Statistics) -> DesignSize {
        let Statistics { modules, instances, cells: _, register_bits, memory_bits, multipliers } = statistics;
        DesignSize { modules, instances, register_bits, memory_bits, multipliers }
    }
}

/// What a kernel's run measured: the part of the report that the kernel fills in.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Outcome {
    /// Duration in clock cycles.
    pub cycles: Cycles,
    /// Work done per cycle.
    pub throughput: Throughput,
    /// Intermediate storage.
    pub memory: MemoryUse,
    /// Traffic on every stream.
    pub streams: Vec<StreamTraffic>,
    /// Agreement with the golden model and with floating point.
    pub numerics: Numerics,
    /// Keys that the configuration leaves to the data, with what was chosen for them from the tensors.
    pub chosen: Vec<Setting>,
    /// What went worse than it has to, such as numbers that saturate, and advice.
    pub warnings: Vec<Warning>,
    /// The same for each part of the work (a layer, a pass), in order.
    pub parts: Vec<Part>,
    /// What only this kernel measures.
    pub tables: Vec<NamedTable>,
    /// Pictures, which the host writes as files beside the report.
    pub figures: Vec<Figure>,
    /// What came out of the hardware, which the host writes as files beside the report.
    pub outputs: Vec<OutputTensor>,
}

/// Durations in clock cycles.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Cycles {
    /// From the first cycle out of reset to the transfer of the last output, both included.
    pub total: u64,
    /// From the first cycle out of reset to the transfer of the first output, both included.
    pub first_output: Measured<u64>,
    /// What the kernel's closed-form model predicts for `total`.
    pub model: Measured<u64>,
    /// The model in words and numbers, such as `R N + 4 = 16 388`; where `total` differs from it, followed by the reason.
    pub formula: Option<String>,
}

/// Work per cycle. A multiply-accumulate counts as two operations, a weight that is only pruned as one; padding counts as none.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Throughput {
    ops: u64,
    ops_per_cycle: f64,
    peak_ops_per_cycle: u64,
    utilization: f64,
}

/// More work was counted than the hardware can do in that time: the count is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{ops} operations in {cycles} cycles exceed the peak of {peak_ops_per_cycle} operations a cycle, so one of these counts is wrong")]
pub struct ImpossibleThroughput {
    ops: u64,
    cycles: u64,
    peak_ops_per_cycle: u64,
}

impl Throughput {
    /// From useful operations, the cycles they took, and the most the hardware does per cycle.
    ///
    /// # Errors
    /// If that would be a utilization above 1.
    pub fn new(ops: u64, cycles: u64, peak_ops_per_cycle: u64) -> Result<Throughput, ImpossibleThroughput> {
        let possible = u128::from(cycles) * u128::from(peak_ops_per_cycle);
        if u128::from(ops) > possible {
            return Err(ImpossibleThroughput { ops, cycles, peak_ops_per_cycle });
        }
        let ratio = |count: u64, of: f64| if count == 0 { 0.0 } else { count as f64 / of };
        Ok(Throughput { ops, ops_per_cycle: ratio(ops, cycles as f64), peak_ops_per_cycle, utilization: ratio(ops, possible as f64) })
    }

    /// Useful operations.
    pub fn ops(&self) -> u64 {
        self.ops
    }

    /// Useful operations per cycle, over the whole duration.
    pub fn ops_per_cycle(&self) -> f64 {
        self.ops_per_cycle
    }

    /// The most operations the hardware can do in one cycle.
    pub fn peak_ops_per_cycle(&self) -> u64 {
        self.peak_ops_per_cycle
    }

    /// `ops_per_cycle / peak_ops_per_cycle`, 0 to 1.
    pub fn utilization(&self) -> f64 {
        self.utilization
    }
}

/// Traffic on one ready/valid stream, in cycles of its clock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StreamTraffic {
    /// Instance path and name.
    pub path: String,
    /// Cycles with `valid` and `ready`.
    pub transfers: u64,
    /// Cycles with `valid` but not `ready`: the consumer held the producer up.
    pub stalled: u64,
    /// Cycles with `ready` but not `valid`: the consumer had nothing to take.
    pub starved: u64,
}

/// Agreement of the results.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Numerics {
    /// Whether every output word equals the golden model's, bit for bit.
    pub bit_exact: bool,
    /// Output elements that differ from the golden model.
    pub mismatches: u64,
    /// The first of them, in the order of the output tensor.
    pub first_mismatch: Option<Mismatch>,
    /// Largest absolute difference between the dequantized output and the floating-point reference, in the reference's unit.
    pub max_abs_error: Measured<f64>,
    /// Root of the mean squared difference between the dequantized output and the floating-point reference.
    pub rms_error: Measured<f64>,
    /// Largest absolute value of the floating-point reference, to judge the errors by.
    pub reference_max_abs: Measured<f64>,
    /// How each tensor was quantized.
    pub quantization: Vec<Quantization>,
    /// The result of the task that the tensors come from.
    pub task: Measured<Task>,
}

/// An output element that differs from the golden model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mismatch {
    /// The output tensor.
    pub tensor: String,
    /// Index of the element.
    pub index: Vec<usize>,
    /// The golden model's raw integer.
    pub expected: i64,
    /// The hardware's raw integer.
    pub actual: i64,
}

/// How a tensor was quantized: real value = raw integer · `scale`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Quantization {
    /// The tensor.
    pub tensor: String,
    /// The hardware type, written like `s8` or `q4.4`.
    pub format: String,
    /// Real value of one unit in the last place.
    pub scale: f64,
    /// Elements that saturated.
    pub saturated: u64,
}

/// The result of a task, such as classification.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Task {
    /// What is measured, with its unit: `accuracy` is a fraction of 0 to 1.
    pub metric: String,
    /// The hardware's result.
    pub value: f64,
    /// The floating-point reference's result.
    pub reference: f64,
    /// How many samples it was measured on.
    pub samples: u64,
}

/// One part of the work.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Part {
    /// What it is: `layer 0`.
    pub name: String,
    /// Its sizes in words: `128 x 384 x 384`.
    pub shape: String,
    /// Its duration. Counted from the cycle after the previous part's last output.
    pub cycles: Cycles,
    /// Its work per cycle.
    pub throughput: Throughput,
    /// Its agreement with the golden model and with floating point.
    pub numerics: Numerics,
}

/// How the simulation went.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SimulatorReport {
    /// The engine's name.
    pub engine: String,
    /// Milliseconds from parameters to a design.
    pub elaborate_ms: Measured<f64>,
    /// Milliseconds from the design to a simulator ready to step.
    pub compile_ms: Measured<f64>,
    /// Cycles simulated, those after the last output included.
    pub cycles: u64,
    /// Simulated cycles per second of wall clock.
    pub cycles_per_second: Measured<f64>,
}

/// One synthesis run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Synthesis {
    /// Device family or `generic`.
    pub target: String,
    /// The tool's name.
    pub tool: String,
    /// The tool's version, as it reports it.
    pub tool_version: String,
    /// The command that ran.
    pub command: String,
    /// Lookup tables.
    pub lut: Measured<u64>,
    /// Flip-flops.
    pub ff: Measured<u64>,
    /// Multiplier blocks.
    pub dsp: Measured<u64>,
    /// Block memories.
    pub bram: Measured<u64>,
    /// Highest clock frequency, MHz.
    pub fmax_mhz: Measured<f64>,
}

/// Counts with thousands apart: `1 234 567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, for sentences: `0.22`, `130`, `1.25e-7`.
pub fn rounded(number: f64) -> String {
    let short = format!("{number:.2e}");
    let size = number.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return short;
    }
    short.parse::<f64>().unwrap_or(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_says_why() {
        let fmax: Measured<f64> = Measured::not_measured("no place and route");
        assert_eq!(serde_json::to_string(&fmax).unwrap(), r#"{"not_measured":"no place and route"}"#);
        assert_eq!(serde_json::to_string(&Measured::Value(3)).unwrap(), "3");
    }

    #[test]
    fn work_beyond_the_peak_is_refused() {
        assert!(Throughput::new(512 * 10 + 1, 10, 512).is_err());
        assert_eq!(Throughput::new(512 * 10, 10, 512).unwrap().utilization(), 1.0);
        assert_eq!(Throughput::new(0, 0, 512).unwrap().utilization(), 0.0);
    }

    #[test]
    fn sentences_have_numbers_of_three_digits() {
        for (number, text) in [(0.0, "0"), (0.2204, "0.22"), (-2.031, "-2.03"), (129.7, "130"), (1.254e-7, "1.25e-7"), (4e6, "4.00e6")] {
            assert_eq!(rounded(number), text);
        }
    }

    #[test]
    fn thousands_are_kept_apart() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1 000"), (1234567, "1 234 567")] {
            assert_eq!(grouped(count), text);
        }
    }
}
