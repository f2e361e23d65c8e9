//! Blocks and signals that no design can hold.

use rust_hdl_core::ast::Verilog;
use rust_hdl_core::atom::AtomKind;
use systole_hdl::types::MAX_WIDTH;

use crate::diagnostic::Problem;
use crate::probe::{Node, SignalInfo};

const OUTSIDE: &str = "leave it outside of the imported circuit, and give the circuit ports for it";

/// Why what a block does is unknown, if it is. A primitive's is known, which is the caller's matter.
pub(crate) fn refused_code(node: &Node) -> Option<Problem> {
    let code = match &node.code {
        Ok(code) => code,
        Err(words) => {
            let reason = format!("rust-hdl panicked when it was asked for its Verilog: {words}");
            return Some(Problem::new("block", reason, "change its parameters to what rust-hdl can write"));
        }
    };
    match code {
        Verilog::Combinatorial(_) => None,
        Verilog::Empty if node.signals.iter().all(|signal| signal.kind != AtomKind::OutputParameter) => None,
        Verilog::Empty => {
            let reason = "it has no Verilog, so only rust-hdl knows what it does";
            Some(Problem::new("block", reason, "write its `update` under `#[hdl_gen]`"))
        }
        Verilog::Custom(_) if let Some(clock) = clock_output(node) => {
            let reason = "it is computed";
            Some(Problem::new(format!("clock `{}`", clock.name), reason, "clock from an input; use an enable for a slower rate"))
        }
        Verilog::Custom(_) => Some(Problem::new("block", "its Verilog is custom text of no known primitive", OUTSIDE)),
        Verilog::Blackbox(core) => Some(Problem::new(format!("black box `{}`", core.name), "its content is unknown", OUTSIDE)),
        Verilog::Wrapper(_) => Some(Problem::new("block", "it wraps a core of a vendor, whose content is unknown", OUTSIDE)),
    }
}

fn clock_output(node: &Node) -> Option<&SignalInfo> {
    node.signals.iter().find(|signal| signal.is_clock() && signal.kind == AtomKind::OutputParameter)
}

/// The signals of a block that are none in a design.
pub(crate) fn refused_signals(node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    for signal in &node.signals {
        let construct = || format!("signal `{}`", signal.name);
        if matches!(signal.kind, AtomKind::InOutParameter | AtomKind::OutputPassthrough) {
            problems.push(Problem::new(construct(), "it is bidirectional, and signals here have two states and one driver", OUTSIDE));
        }
        if signal.fields().iter().any(|field| field.ty.width() == 0) {
            problems.push(Problem::new(construct(), "a field of it is 0 bits wide", "leave the field off"));
        }
        let width = signal.ty().width();
        if !(1..=MAX_WIDTH).contains(&width) {
            let reason = format!("it is {width} bits wide; a signal has 1 to {MAX_WIDTH}");
            problems.push(Problem::new(construct(), reason, "change its width, or leave it off"));
        }
    }
    problems
}
