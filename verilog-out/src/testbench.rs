//! A self-checking testbench: replays recorded inputs cycle by cycle and compares every output just before each edge.
//!
//! It is plain Verilog for Icarus and Verilator alike. Stimulus and expectation are hexadecimal files beside it, one word a
//! cycle, so a long recording costs disk space and not source text.

mod script;
mod text;

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use systole_hdl::{Design, Value};
use thiserror::Error;

use crate::VerilogOutput;

/// What the top module was given and what it answered, cycle by cycle.
///
/// In each cycle inputs and resets take their values, the outputs settle and are compared, and then the domains with an edge
/// have it, all at one instant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recording {
    /// One for each clock domain of the top module, in order.
    pub domains: Vec<DomainTrace>,
    /// One for each input port of the top module, in order.
    pub inputs: Vec<PortTrace>,
    /// One for each output port of the top module, in order: the values before the cycle's edge.
    pub outputs: Vec<PortTrace>,
}

/// What happened to a clock domain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DomainTrace {
    /// For each cycle, whether the domain has an edge at its end.
    pub edges: Vec<bool>,
    /// For each cycle, the domain's reset.
    pub resets: Vec<bool>,
}

/// The values of a port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PortTrace {
    /// The port's name in the design.
    pub port: String,
    /// One value of the port's width for each cycle.
    pub values: Vec<Value>,
}

impl Recording {
    /// The number of cycles; all traces of a consistent recording have it.
    pub fn cycles(&self) -> usize {
        let domains = self.domains.iter().map(|domain| domain.edges.len());
        domains.chain(self.inputs.iter().chain(&self.outputs).map(|port| port.values.len())).next().unwrap_or(0)
    }
}

/// What the testbench replays and prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TestbenchOptions {
    /// Only the recording's first cycles, at most so many.
    pub max_cycles: usize,
    /// How many mismatches are printed; all are counted.
    pub shown_mismatches: usize,
}

impl Default for TestbenchOptions {
    fn default() -> TestbenchOptions {
        TestbenchOptions { max_cycles: 1_000_000, shown_mismatches: 10 }
    }
}

/// A testbench and what it needs beside the design's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Testbench {
    /// The testbench module's name, which no module of the design has.
    pub name: String,
    /// Its source text.
    pub text: String,
    /// Further files that it reads, by name.
    pub data: Vec<(String, String)>,
    /// A shell script that runs it: see [`Testbench::SCRIPT`].
    pub script: String,
    /// How many cycles it replays.
    pub cycles: usize,
}

/// Why a recording does not fit a design.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TestbenchError {
    /// Ports or domains are missing, surplus or in another order.
    #[error("the recording has {found}, the top module has {expected}: record the design that is exported")]
    Ports {
        /// What the recording has.
        found: String,
        /// What the design asks for.
        expected: String,
    },
    /// A trace is shorter or longer than the others.
    #[error("the recording of `{trace}` has {found} cycles where others have {expected}: record all ports in every cycle")]
    Cycles {
        /// The port or domain.
        trace: String,
        /// Its number of cycles.
        found: usize,
        /// The number of cycles of the first trace.
        expected: usize,
    },
    /// A value has another width than its port.
    #[error("the recording of `{port}` holds a value of {found} bits in cycle {cycle}; the port has {expected}")]
    Width {
        /// The port.
        port: String,
        /// The first such cycle, from 0.
        cycle: usize,
        /// Bits of the value.
        found: u32,
        /// Bits of the port.
        expected: u32,
    },
    /// There is nothing to replay.
    #[error("the recording has no cycles: simulate at least one")]
    Empty,
}

impl Testbench {
    /// The script's file name.
    pub const SCRIPT: &'static str = "run.sh";

    /// The name of the file that holds the testbench.
    pub fn file_name(&self) -> String {
        format!("{}.v", self.name)
    }

    /// Writes testbench, data and script into `directory`, which exists and holds the design's files.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_files(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join(self.file_name()), &self.text)?;
        for (name, text) in &self.data {
            fs::write(directory.join(name), text)?;
        }
        fs::write(directory.join(Self::SCRIPT), &self.script)
    }
}

/// A testbench for `verilog`, the text of `design`, that replays `recording`.
///
/// It prints a line for each of the first mismatches, and ends with `PASS n cycles` or `FAIL m mismatches in n cycles`.
///
/// # Errors
/// If the recording does not fit the design's top module.
pub fn testbench(
    design: &Design,
    verilog: &VerilogOutput,
    recording: &Recording,
    options: &TestbenchOptions,
) -> Result<Testbench, TestbenchError> {
    check(design, recording)?;
    let cycles = recording.cycles().min(options.max_cycles);
    if cycles == 0 {
        return Err(TestbenchError::Empty);
    }
    let top = verilog.top();
    let (drive, expect) = text::layout(design, verilog, recording);
    let modules: Vec<&str> = verilog.modules.iter().map(|module| module.name.as_str()).collect();
    let mut name = format!("{}_tb", top.name);
    while modules.iter().any(|module| module.eq_ignore_ascii_case(&name)) {
        name.push_str("_1");
    }
    let mut data = Vec::new();
    let mut add_data = |kind: &str, fields: &[text::Field]| {
        if !fields.is_empty() {
            data.push((format!("{}_{kind}.hex", top.name), hex_words(fields, cycles)));
        }
    };
    add_data("stimulus", &drive);
    add_data("expected", &expect);
    let text = text::text(&name, top, &drive, &expect, cycles, options.shown_mismatches);
    let files: Vec<String> = verilog.modules.iter().map(|module| module.file_name()).chain([format!("{name}.v")]).collect();
    Ok(Testbench { script: script::script(&name, &files), name, text, data, cycles })
}

fn check(design: &Design, recording: &Recording) -> Result<(), TestbenchError> {
    let top = design.top_module();
    let wanted = [
        top.inputs.iter().map(|port| (&port.name, port.cell)).collect(),
        top.outputs.iter().map(|port| (&port.name, port.value)).collect::<Vec<_>>(),
    ];
    for ((traces, ports), kind) in [&recording.inputs, &recording.outputs].into_iter().zip(&wanted).zip(["input", "output"]) {
        let found: Vec<&str> = traces.iter().map(|trace| trace.port.as_str()).collect();
        let expected: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
        if found != expected {
            return Err(TestbenchError::Ports { found: format!("{kind} ports {found:?}"), expected: format!("{expected:?}") });
        }
        for (trace, (_, cell)) in traces.iter().zip(ports) {
            check_length(recording, &trace.port, trace.values.len())?;
            let expected = top.ty(*cell).width();
            if let Some((cycle, value)) = trace.values.iter().enumerate().find(|(_, value)| value.width() != expected) {
                return Err(TestbenchError::Width { port: trace.port.clone(), cycle, found: value.width(), expected });
            }
        }
    }
    if recording.domains.len() != top.domains.len() {
        let (found, expected) = (recording.domains.len(), top.domains.len());
        return Err(TestbenchError::Ports { found: format!("{found} clock domains"), expected: expected.to_string() });
    }
    for (domain, trace) in top.domains.iter().zip(&recording.domains) {
        check_length(recording, &domain.clock(), trace.edges.len())?;
        check_length(recording, &domain.reset(), trace.resets.len())?;
    }
    Ok(())
}

fn check_length(recording: &Recording, trace: &str, found: usize) -> Result<(), TestbenchError> {
    let expected = recording.cycles();
    if found == expected { Ok(()) } else { Err(TestbenchError::Cycles { trace: trace.to_string(), found, expected }) }
}

/// One line a cycle: the fields side by side, the first at the least significant end.
fn hex_words(fields: &[text::Field], cycles: usize) -> String {
    let width: u32 = fields.iter().map(|field| field.width).sum();
    let digits = width.div_ceil(4) as usize;
    let mut out = String::with_capacity(cycles * (digits + 1));
    let mut limbs = vec![0u64; width.div_ceil(64) as usize];
    for cycle in 0..cycles {
        limbs.fill(0);
        for field in fields {
            match field.trace {
                text::Trace::Bits(bits) => or_into(&mut limbs, field.low, &[u64::from(bits[cycle])]),
                text::Trace::Values(values) => or_into(&mut limbs, field.low, values[cycle].limbs()),
            }
        }
        for digit in (0..digits).rev() {
            let nibble = (limbs[digit / 16] >> (digit % 16 * 4)) as u32 & 15;
            out.push(char::from_digit(nibble, 16).expect("a nibble is below 16"));
        }
        out.push('\n');
    }
    out
}

/// Sets the bits of `value` in `limbs` from bit `low` on.
fn or_into(limbs: &mut [u64], low: u32, value: &[u64]) {
    let (skip, shift) = ((low / 64) as usize, low % 64);
    for (i, &limb) in value.iter().enumerate() {
        limbs[skip + i] |= limb << shift;
        // What is shifted out is zero where the field ends within this limb.
        let carry = if shift == 0 { 0 } else { limb >> (64 - shift) };
        if carry != 0 {
            limbs[skip + i + 1] |= carry;
        }
    }
}

/// `name[high:low]`, or `name` for all of it.
fn range(name: &str, low: u32, width: u32, whole: u32) -> String {
    let mut out = name.to_string();
    if width == 1 && whole > 1 {
        let _ = write!(out, "[{low}]");
    } else if width < whole {
        let _ = write!(out, "[{}:{low}]", low + width - 1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_their_fields_from_the_least_significant_end() {
        let (narrow, wide, bits) = (vec![Value::from_u64(3, 5)], vec![Value::ones(70)], vec![true]);
        let fields = [
            text::Field { port: "a".into(), label: "a".into(), low: 0, width: 3, trace: text::Trace::Values(&narrow) },
            text::Field { port: "b".into(), label: "b".into(), low: 3, width: 70, trace: text::Trace::Values(&wide) },
            text::Field { port: "c".into(), label: "c".into(), low: 73, width: 1, trace: text::Trace::Bits(&bits) },
        ];
        assert_eq!(hex_words(&fields, 1), format!("3{}d\n", "f".repeat(17)));
    }
}
