//! The Verilog around a design: drives it from a file of stimulus and prints signals in every cycle.

use std::fmt::Write as _;

use systole_hdl::design::DomainId;
use systole_hdl::{CellId, Design, Value};
use systole_sim::NodeId;
use systole_verilog::VerilogOutput;

use super::stimulus::Cycle;

/// A signal that is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Probe {
    /// Where it is in the design.
    pub(super) node: NodeId,
    pub(super) cell: CellId,
    /// What it is in the bench.
    pub(super) path: String,
    /// What messages call it.
    pub(super) label: String,
}

/// Number of characters between two line breaks of the bench's port lists.
const SEPARATOR: &str = ",\n    ";

/// The name of the bench of design number `tag`, which none of its modules has.
pub(super) fn name(verilog: &VerilogOutput, tag: usize) -> String {
    let mut name = format!("lockstep_{tag}");
    while verilog.modules.iter().any(|module| module.name.eq_ignore_ascii_case(&name)) {
        name.push('_');
    }
    name
}

/// The name of the file of stimulus.
pub(super) fn stimulus_file(tag: usize) -> String {
    format!("d{tag}.hex")
}

/// A line of the bench for each clock, made of its name and what says whether it has an edge.
fn for_each_clock(clocks: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    clocks.iter().map(|(clock, edge)| line(clock, edge)).collect()
}

/// The bench. In each cycle it prints a line: `tag`, the cycle's number, and the value of each probe.
pub(super) fn text(design: &Design, verilog: &VerilogOutput, probes: &[Probe], tag: usize, cycles: usize) -> String {
    let (definition, top) = (design.top_module(), verilog.top());
    let mut low = 0;
    let mut take = |width: u32| {
        low += width;
        format!("drive[{}:{}]", low - 1, low - width)
    };
    let mut connections = Vec::new();
    for (port, name) in definition.inputs.iter().zip(&top.inputs) {
        connections.push(format!(".{name}({})", take(definition.ty(port.cell).width())));
    }
    let mut clocks = Vec::new();
    for (i, ports) in top.domains.iter().enumerate() {
        let (reset, edge) = (take(1), take(1));
        connections.extend(ports.reset.iter().map(|name| format!(".{name}({reset})")));
        connections.extend(ports.clock.iter().map(|name| format!(".{name}(clock_{i})")));
        clocks.push((format!("clock_{i}"), edge));
    }
    let mut out = format!("module {};\n", name(verilog, tag));
    let _ = writeln!(out, "  reg [{}:0] stimulus [0:{}];\n  reg [{}:0] drive;\n  integer cycle;", low - 1, cycles - 1, low - 1);
    for (i, (output, name)) in definition.outputs.iter().zip(&top.outputs).enumerate() {
        let _ = writeln!(out, "  wire [{}:0] out_{i};", definition.ty(output.value).width() - 1);
        connections.push(format!(".{name}(out_{i})"));
    }
    out += &for_each_clock(&clocks, |clock, _| format!("  reg {clock};\n"));
    let _ = writeln!(out, "  {} dut (\n    {}\n  );", top.name, connections.join(SEPARATOR));
    let _ = writeln!(out, "  initial begin\n    $readmemh(\"{}\", stimulus);", stimulus_file(tag));
    out += &for_each_clock(&clocks, |clock, _| format!("    {clock} = 1'b0;\n"));
    let _ = writeln!(out, "    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin\n      drive = stimulus[cycle];\n      #1;");
    let formats = " %h".repeat(probes.len());
    let values: String = probes.iter().map(|probe| format!("{SEPARATOR}{}", probe.path)).collect();
    let _ = writeln!(out, "      $display(\"{tag} %0d{formats}\", cycle{values});");
    out += &for_each_clock(&clocks, |clock, edge| format!("      {clock} = {edge};\n"));
    out.push_str("      #1;\n");
    out += &for_each_clock(&clocks, |clock, _| format!("      {clock} = 1'b0;\n"));
    out.push_str("    end\n  end\nendmodule\n");
    out
}

/// The file of stimulus: for each cycle a word, inputs first, then reset and edge of each domain, from the least significant end.
pub(super) fn stimulus_words(design: &Design, cycles: &[Cycle]) -> String {
    let domains = design.top_module().domains.len() as u32;
    let mut out = String::new();
    for cycle in cycles {
        let mut word = cycle.inputs.iter().fold(Value::zero(0), |word, input| word.concat(input));
        for domain in (0..domains).map(DomainId) {
            for set in [cycle.resets, cycle.edges] {
                word = word.concat(&Value::from_u64(1, set.contains(domain).into()));
            }
        }
        let _ = writeln!(out, "{word:x}");
    }
    out
}

/// A value as `%h` prints it.
pub(super) fn hex(value: &Value) -> String {
    format!("{value:0>digits$x}", digits = value.width().div_ceil(4) as usize)
}
