//! Connections across instances: what drives an instance's input and what an instance's output shows.

use systole_hdl::design::Cell;
use systole_hdl::{CellId, Value};

use crate::engine::{Engine, read_value};
use crate::hierarchy::{Hierarchy, NodeId};

/// A signal of an instance.
pub type SignalId = (NodeId, CellId);

/// Where a signal that computes nothing gets its value: what feeds an instance's input, the signal inside an instance that
/// an output shows, the operand of a wire. `None` for all other cells, and for the inputs of the top module.
pub fn driver(hierarchy: &Hierarchy, (node, cell): SignalId) -> Option<SignalId> {
    match *hierarchy.module(node).cell(cell) {
        Cell::Wire(operand) => Some((node, operand)),
        Cell::Input(port) => {
            let (parent, instance) = (hierarchy.parent(node)?, hierarchy.instance(node)?);
            Some((parent, hierarchy.module(parent).instances[instance.index()].inputs[port as usize]))
        }
        Cell::InstanceOutput { instance, port } => {
            let child = hierarchy.child(node, instance);
            Some((child, hierarchy.module(child).outputs[port as usize].value))
        }
        _ => None,
    }
}

/// The cell that computes a signal's value: the end of the chain of [`driver`]s. Two signals with one origin are one wire.
pub fn origin(hierarchy: &Hierarchy, mut signal: SignalId) -> SignalId {
    while let Some(driver) = driver(hierarchy, signal) {
        signal = driver;
    }
    signal
}

/// The value of a one-bit signal.
pub fn is_high(engine: &dyn Engine, (node, cell): SignalId) -> bool {
    engine.read_u64(node, cell) & 1 == 1
}

/// The value of a signal.
pub fn value(engine: &dyn Engine, (node, cell): SignalId) -> Value {
    read_value(engine, node, cell)
}
