//! What has no counterpart in a design is refused with the module, the construct and the reason.

mod circuits;
mod language;
mod loops;
mod numbers;
mod shown_code;
mod undriven;

use rust_hdl_core::prelude::Block;
use systole_rust_hdl::{Diagnostic, import};

/// Why a circuit is refused.
fn refusals(circuit: &impl Block) -> Vec<String> {
    match import(circuit) {
        Ok(_) => panic!("it was imported"),
        Err(found) => found.iter().map(Diagnostic::to_string).collect(),
    }
}

/// Why a circuit is refused, for one reason.
fn only_refusal(circuit: &impl Block) -> String {
    let mut found = refusals(circuit);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
