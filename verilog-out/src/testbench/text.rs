//! The testbench's source text.

use std::fmt::Write as _;

use systole_hdl::{Design, Value};

use super::{Recording, range};
use crate::{VerilogModule, VerilogOutput};

/// Some bits of a recorded word.
pub(super) struct Field<'r> {
    /// The identifier of the port that they go to or come from; for an edge, of the clock.
    pub(super) port: String,
    /// What it is called in messages.
    pub(super) label: String,
    /// The lowest bit.
    pub(super) low: u32,
    /// The number of bits.
    pub(super) width: u32,
    /// The recorded values.
    pub(super) trace: Trace<'r>,
}

/// The recorded values of a field, one a cycle.
#[derive(Clone, Copy)]
pub(super) enum Trace<'r> {
    /// Of one bit each.
    Bits(&'r [bool]),
    /// Of the field's width.
    Values(&'r [Value]),
}

/// Where everything stands in the words of stimulus and of expectation. An edge has a bit only in a domain that leaves out
/// some edges; its field has the label of [`EDGE`].
pub(super) fn layout<'r>(design: &Design, verilog: &VerilogOutput, recording: &'r Recording) -> (Vec<Field<'r>>, Vec<Field<'r>>) {
    let (definition, top) = (design.top_module(), verilog.top());
    let mut drive = Vec::new();
    for (port, trace) in top.inputs.iter().zip(&recording.inputs) {
        push(&mut drive, port, &trace.port, Trace::Values(&trace.values));
    }
    for ((ports, domain), trace) in top.domains.iter().zip(&definition.domains).zip(&recording.domains) {
        if let Some(reset) = &ports.reset {
            push(&mut drive, reset, &domain.reset(), Trace::Bits(&trace.resets));
        }
        if let Some(clock) = ports.clock.as_ref().filter(|_| !trace.edges.iter().all(|&edge| edge)) {
            push(&mut drive, clock, EDGE, Trace::Bits(&trace.edges));
        }
    }
    let mut expect = Vec::new();
    for (port, trace) in top.outputs.iter().zip(&recording.outputs) {
        push(&mut expect, port, &trace.port, Trace::Values(&trace.values));
    }
    (drive, expect)
}

/// The label of a field that says whether a clock has an edge.
const EDGE: &str = "(edge)";

fn push<'r>(fields: &mut Vec<Field<'r>>, port: &str, label: &str, trace: Trace<'r>) {
    let width = match trace {
        Trace::Bits(_) => 1,
        Trace::Values(values) => values.first().map_or(0, Value::width),
    };
    let low = width_of(fields);
    fields.push(Field { port: port.to_string(), label: label.to_string(), low, width, trace });
}

fn width_of(fields: &[Field]) -> u32 {
    fields.last().map_or(0, |field| field.low + field.width)
}

/// The module `name`, which instantiates `top`.
pub(super) fn text(name: &str, top: &VerilogModule, drive: &[Field], expect: &[Field], cycles: usize, shown: usize) -> String {
    let (drive_width, expect_width) = (width_of(drive), width_of(expect));
    let clocks: Vec<&String> = top.domains.iter().filter_map(|domain| domain.clock.as_ref()).collect();
    let edge_bit = |clock: &str| drive.iter().find(|field| field.label == EDGE && field.port == clock);
    let mut out =
        format!("// Replays {cycles} recorded cycles of {} and compares every output just before each edge.\nmodule {name};\n", top.name);
    let _ = writeln!(out, "  localparam CYCLES = {cycles};\n  localparam SHOWN = {shown};\n");
    for (kind, word, width) in [("stimulus", "drive", drive_width), ("expected", "expect_now", expect_width)] {
        if width > 0 {
            let _ = writeln!(out, "  reg [{0}:0] {kind} [0:CYCLES-1];\n  reg [{0}:0] {word};", width - 1);
        }
    }
    if expect_width > 0 {
        let _ = writeln!(out, "  wire [{}:0] got;", expect_width - 1);
    }
    for i in 0..clocks.len() {
        let _ = writeln!(out, "  reg clock_{i};");
    }
    out.push_str("  integer cycle;\n  integer mismatches;\n\n");

    let clock_connections = clocks.iter().enumerate().map(|(i, clock)| format!(".{clock}(clock_{i})"));
    let data = drive.iter().filter(|field| field.label != EDGE).map(|field| (field, "drive", drive_width));
    let results = expect.iter().map(|field| (field, "got", expect_width));
    let connections: Vec<String> = clock_connections
        .chain(data.chain(results).map(|(field, word, whole)| format!(".{}({})", field.port, range(word, field.low, field.width, whole))))
        .collect();
    let _ = writeln!(out, "  {} dut (\n      {}\n  );\n", top.name, connections.join(",\n      "));

    out.push_str("  initial begin\n");
    for (kind, width) in [("stimulus", drive_width), ("expected", expect_width)] {
        if width > 0 {
            let _ = writeln!(out, "    $readmemh(\"{}_{kind}.hex\", {kind});", top.name);
        }
    }
    for i in 0..clocks.len() {
        let _ = writeln!(out, "    clock_{i} = 1'b0;");
    }
    out.push_str("    mismatches = 0;\n    for (cycle = 0; cycle < CYCLES; cycle = cycle + 1) begin\n");
    for (kind, word, width) in [("stimulus", "drive", drive_width), ("expected", "expect_now", expect_width)] {
        if width > 0 {
            let _ = writeln!(out, "      {word} = {kind}[cycle];");
        }
    }
    out.push_str("      #1;\n");
    if expect_width > 0 {
        out.push_str("      if (got !== expect_now) begin\n");
        for field in expect {
            out.push_str(&comparison(field, expect_width));
        }
        out.push_str("      end\n");
    }
    for (i, clock) in clocks.iter().enumerate() {
        let edge = edge_bit(clock).map_or("1'b1".to_string(), |field| range("drive", field.low, 1, drive_width));
        let _ = writeln!(out, "      clock_{i} = {edge};");
    }
    out.push_str("      #1;\n");
    for i in 0..clocks.len() {
        let _ = writeln!(out, "      clock_{i} = 1'b0;");
    }
    out.push_str("    end\n    if (mismatches == 0) $display(\"PASS %0d cycles\", CYCLES);\n");
    out.push_str("    else $display(\"FAIL %0d mismatches in %0d cycles\", mismatches, CYCLES);\n    $finish;\n  end\nendmodule\n");
    out
}

fn comparison(field: &Field, whole: u32) -> String {
    let (got, want) = (range("got", field.low, field.width, whole), range("expect_now", field.low, field.width, whole));
    let label = field.label.chars().map(|c| if c.is_ascii_graphic() && !"%\\\"".contains(c) { c } else { '_' }).collect::<String>();
    format!(
        "        if ({got} !== {want}) begin\n          mismatches = mismatches + 1;\n          if (mismatches <= SHOWN)\n            \
         $display(\"MISMATCH cycle %0d, {label}: expected %h, got %h\", cycle, {want}, {got});\n        end\n"
    )
}
