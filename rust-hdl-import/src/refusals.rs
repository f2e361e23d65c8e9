//! Blocks and signals that no design can hold.

use rust_hdl_core::ast::Verilog;
use rust_hdl_core::atom::AtomKind;
use systole_hdl::types::MAX_WIDTH;

use crate::diagnostic::Problem;
use crate::probe::Node;

/// What makes a block unfit as a whole.
pub(crate) fn refusals(node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let outside = "leave it outside of the imported circuit, and give the circuit ports for it";
    match &node.code {
        Verilog::Combinatorial(_) => {}
        Verilog::Empty if node.signals.iter().all(|signal| signal.kind != AtomKind::OutputParameter) => {}
        Verilog::Empty => {
            problems.push(Problem::new(
                "block",
                "it has no Verilog, so only rust-hdl knows what it does",
                "write its `update` under `#[hdl_gen]`",
            ));
        }
        Verilog::Custom(_) => problems.push(Problem::new("block", "its Verilog is custom text of no known primitive", outside)),
        Verilog::Blackbox(core) => problems.push(Problem::new(format!("black box `{}`", core.name), "its content is unknown", outside)),
        Verilog::Wrapper(_) => problems.push(Problem::new("block", "it wraps a core of a vendor, whose content is unknown", outside)),
    }
    for signal in &node.signals {
        let construct = || format!("signal `{}`", signal.name);
        if matches!(signal.kind, AtomKind::InOutParameter | AtomKind::OutputPassthrough) {
            problems.push(Problem::new(construct(), "it is bidirectional, and signals here have two states and one driver", outside));
        }
        let width = signal.ty().width();
        if !(1..=MAX_WIDTH).contains(&width) {
            let reason = format!("it is {width} bits wide; a signal has 1 to {MAX_WIDTH}");
            problems.push(Problem::new(construct(), reason, "change its width, or leave it off"));
        }
    }
    problems
}
