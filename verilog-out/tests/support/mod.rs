//! What the tests share: random designs, and running Verilog in whatever tools are there.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod random;

use std::path::Path;

use systole_hdl::{Design, Value};
use systole_verilog::testbench::{DomainTrace, PortTrace, Recording, TestbenchOptions, testbench};
use systole_verilog::tools::{Simulator, Tool, ToolError, present_for_test, run_testbench};
use systole_verilog::{Options, VerilogOutput, write};

/// The design's Verilog.
pub fn verilog(design: &Design) -> VerilogOutput {
    write(design, &Options::default()).expect("the design is valid")
}

/// A design of one module from its text form, with ports in rising order of their cells.
pub fn parse(body: &str) -> Design {
    let text = format!("systole netlist 1\n\nmodule \"dut\" {{\n  domain \"\"\n{body}\n}}\n");
    Design::parse(&text).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// A cycle: reset, inputs, and the outputs expected before the edge; numbers are cut to the ports' widths.
pub type Row<'a> = (bool, &'a [i64], &'a [i64]);

/// The recording that `rows` describe.
pub fn recording(design: &Design, rows: &[Row]) -> Recording {
    let top = design.top_module();
    let values = |i: usize, width: u32, of: fn(&Row) -> Vec<i64>| rows.iter().map(|row| Value::from_i64(width, of(row)[i])).collect();
    let inputs = top
        .inputs
        .iter()
        .enumerate()
        .map(|(i, port)| PortTrace { port: port.name.to_string(), values: values(i, top.ty(port.cell).width(), |row| row.1.to_vec()) });
    let outputs = top
        .outputs
        .iter()
        .enumerate()
        .map(|(i, port)| PortTrace { port: port.name.to_string(), values: values(i, top.ty(port.value).width(), |row| row.2.to_vec()) });
    let domain = DomainTrace { edges: vec![true; rows.len()], resets: rows.iter().map(|row| row.0).collect() };
    Recording { domains: vec![domain; top.domains.len()], inputs: inputs.collect(), outputs: outputs.collect() }
}

/// Replays `recording` on the files in `directory`.
pub fn replay(
    simulator: Simulator,
    design: &Design,
    output: &VerilogOutput,
    recording: &Recording,
    directory: &Path,
) -> Result<String, ToolError> {
    let files = output.write_files(directory).unwrap();
    let testbench = testbench(design, output, recording, &TestbenchOptions::default()).unwrap();
    testbench.write_files(directory).unwrap();
    let build = tempfile::tempdir().unwrap();
    run_testbench(simulator, &testbench, directory, &files, build.path())
}

/// Asserts that the design's Verilog answers as `rows` say, in Icarus Verilog, where unknown values would show.
pub fn expect(design: &Design, rows: &[Row]) {
    if !present_for_test(&[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    let (output, directory) = (verilog(design), tempfile::tempdir().unwrap());
    if let Err(error) = replay(Simulator::Icarus, design, &output, &recording(design, rows), directory.path()) {
        panic!("{error}\n{}", output.text());
    }
}
