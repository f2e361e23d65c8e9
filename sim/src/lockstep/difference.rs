//! What differs between two engines, and which of it everything else follows from.

use rustc_hash::FxHashSet;
use systole_hdl::{Cell, Value};
use thiserror::Error;

use super::Lockstep;
use crate::connect::{SignalId, driver};
use crate::engine::Engine;
use crate::hierarchy::{Hierarchy, NodeId};

/// The place of a difference in what [`Engine::is_at_rest`] answers, 1 for yes.
pub(super) const AT_REST: &str = "whether the circuit is at rest";

/// Where two engines first disagreed. The first one is the one to be trusted: the reference engine.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the engines differ in cycle {cycle}: {place} is {} in the reference engine and {} in the other{}", values[0], values[1], more(*others))]
pub struct Difference {
    /// Edges of any domain before it: a [`Simulator`](crate::Simulator)'s cycle.
    pub cycle: u64,
    /// Path of a signal, or of a memory with the word's address. Of all that differs in this cycle, one from which the
    /// rest can follow: an input, a register or memory word, or a signal whose operands agree.
    pub place: String,
    /// What the engines hold there.
    pub values: [Value; 2],
    /// Signals and memory words that differ in this cycle beside it.
    pub others: usize,
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(", and {others} more signals or memory words differ") }
}

/// Looks at every signal and every memory word in the current cycle. `None` if nothing differs after all.
pub(super) fn furthest_upstream(lockstep: &Lockstep) -> Option<Difference> {
    let hierarchy = lockstep.hierarchy();
    let all = hierarchy.nodes().flat_map(|node| hierarchy.module(node).cell_ids().map(move |cell| (node, cell)));
    let signals: Vec<SignalId> = all.filter(|&signal| lockstep.signal_differs(signal) || lockstep.limbs_differ(signal)).collect();
    let words: Vec<(usize, u32)> = (0..lockstep.memories.len())
        .flat_map(|memory| (0..lockstep.memories[memory].depth).map(move |address| (memory, address)))
        .filter(|&(memory, address)| lockstep.word_differs(memory, address))
        .collect();
    let others = (signals.len() + words.len()).checked_sub(1)?;
    let cell = |(node, cell): SignalId| hierarchy.module(node).cell(cell);

    let is_input = |signal: &SignalId| signal.0 == NodeId::TOP && matches!(cell(*signal), Cell::Input(_));
    let is_state = |signal: &SignalId| cell(*signal).is_sequential();
    let state = signals.iter().copied().find(is_input).or_else(|| signals.iter().copied().find(is_state));
    if let (None, Some(&(memory, address))) = (state, words.first()) {
        let place = lockstep.memories[memory];
        let path = hierarchy.path_of(place.node, &hierarchy.module(place.node).memories[place.memory.index()].name);
        let values = lockstep.word(place, address).map(|limbs| Value::from_limbs(place.width, limbs));
        return Some(Difference { cycle: lockstep.cycle, place: format!("{path}[{address}]"), values, others });
    }
    // Nothing that is remembered differs: then some signal was computed wrongly from equal operands. If there is none (one
    // value is held in two places), the first will do.
    let differing: FxHashSet<SignalId> = signals.iter().copied().collect();
    let computed_wrongly = || signals.iter().copied().find(|&signal| !operands(hierarchy, signal).iter().any(|o| differing.contains(o)));
    let (node, cell) = state.or_else(computed_wrongly).or(signals.first().copied())?;
    let width = hierarchy.module(node).ty(cell).width();
    let values = lockstep.signal((node, cell)).map(|limbs| Value::from_limbs(width, limbs));
    Some(Difference { cycle: lockstep.cycle, place: hierarchy.signal_path(node, cell), values, others })
}

/// The signals that a combinational signal follows at once.
fn operands(hierarchy: &Hierarchy, signal: SignalId) -> Vec<SignalId> {
    if let Some(driver) = driver(hierarchy, signal) {
        return vec![driver];
    }
    let (node, cell) = signal;
    let mut operands = Vec::new();
    hierarchy.module(node).cell(cell).for_each_operand(|operand| operands.push((node, operand)));
    operands
}
