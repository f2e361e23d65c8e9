//! What the signals of a block are while its code is executed.
//!
//! Each starts as what it has in the end: a signal that is read before it is assigned, or where only some paths have assigned it,
//! reads as that.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use systole_hdl::{Cell, CellId};

use crate::expression::unsigned;
use crate::netlist::Netlist;
use crate::signals::{Role, SignalId, Signals};

/// A part of a signal that was assigned by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Piece {
    low: u32,
    width: u32,
    cell: CellId,
    extent: Extent,
}

/// On how many of the paths to where the code stands an assignment was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    None,
    Some,
    All,
}

/// A signal from its lowest bit on, without a gap.
type Pieces = Vec<Piece>;

/// What one arm of an `if` or a `match` made of the signals that it assigns.
#[derive(Default)]
pub(crate) struct Arm(BTreeMap<SignalId, Pieces>);

/// How far a signal is assigned when all of the code is executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Coverage {
    Complete,
    /// Nothing assigns these bits, from the lowest on.
    Untouched {
        low: u32,
        width: u32,
    },
    /// There is a path on which nothing assigns it.
    Latch,
}

/// The signals that a block's code can assign.
#[derive(Default)]
pub(crate) struct Assignments {
    present: FxHashMap<SignalId, Pieces>,
    /// What each signal has in the end; see [`Assignments::finish`].
    finals: FxHashMap<SignalId, CellId>,
    /// For each arm that is being executed, the innermost last: what the signals that it assigns were before.
    before: Vec<Arm>,
}

impl Assignments {
    pub fn new(signals: &Signals, netlist: &mut Netlist) -> Assignments {
        let mut assignments = Assignments::default();
        for id in signals.ids().filter(|&id| matches!(signals.get(id).role, Role::Assign | Role::Wire)) {
            let ty = signals.get(id).info.ty();
            let cell = netlist.reserve(ty);
            assignments.finals.insert(id, cell);
            assignments.present.insert(id, vec![Piece { low: 0, width: ty.width(), cell, extent: Extent::None }]);
        }
        assignments
    }

    /// What a signal is where the code stands.
    pub fn present(&self, netlist: &mut Netlist, id: SignalId) -> CellId {
        let (pieces, ty) = (&self.present[&id], netlist.ty(self.finals[&id]));
        if let [whole] = pieces.as_slice() {
            return netlist.retype(whole.cell, ty);
        }
        netlist.cell(Cell::Concat(pieces.iter().rev().map(|piece| piece.cell).collect()), ty)
    }

    /// What a signal has when all of the code is executed.
    pub fn in_the_end(&self, id: SignalId) -> CellId {
        self.finals[&id]
    }

    /// Whether the code stands under a condition.
    pub fn is_conditional(&self) -> bool {
        !self.before.is_empty()
    }

    pub fn assign(&mut self, netlist: &Netlist, id: SignalId, cell: CellId) {
        self.set(id, vec![Piece { low: 0, width: netlist.width(cell), cell, extent: Extent::All }]);
    }

    /// Assigns a part of a signal, which lies within it.
    pub fn assign_part(&mut self, netlist: &mut Netlist, id: SignalId, low: u32, cell: CellId) {
        let high = low + netlist.width(cell);
        let old = self.present[&id].clone();
        let end = old.last().map_or(0, |piece| piece.low + piece.width);
        let mut pieces = cut(netlist, &old, 0, low);
        pieces.push(Piece { low, width: high - low, cell, extent: Extent::All });
        pieces.extend(cut(netlist, &old, high, end));
        self.set(id, pieces);
    }

    fn set(&mut self, id: SignalId, pieces: Pieces) {
        let old = self.present.insert(id, pieces).expect("only signals with a value are assigned");
        if let Some(before) = self.before.last_mut() {
            before.0.entry(id).or_insert(old);
        }
    }

    /// Begins an arm: until it is closed, assignments are its own.
    pub fn open_arm(&mut self) {
        self.before.push(Arm::default());
    }

    /// Ends the innermost arm: the signals are again what they were before it.
    pub fn close_arm(&mut self) -> Arm {
        let mut arm = self.before.pop().expect("an arm that is closed was opened");
        for (id, pieces) in &mut arm.0 {
            let present = self.present.get_mut(id).expect("an assigned signal has a value");
            std::mem::swap(present, pieces);
        }
        arm
    }

    /// Executes the one of `arms` whose condition holds, or `otherwise` if none does. No two conditions hold at once.
    pub fn choose(&mut self, netlist: &mut Netlist, arms: &[(CellId, Arm)], otherwise: &Arm) {
        let assigned: BTreeSet<SignalId> = arms.iter().flat_map(|(_, arm)| arm.0.keys()).chain(otherwise.0.keys()).copied().collect();
        for id in assigned {
            let before = self.present[&id].clone();
            let mut pieces = otherwise.0.get(&id).unwrap_or(&before).clone();
            // Arms that do the same to the signal are one, with one condition.
            let mut outcomes: Vec<(CellId, &Pieces)> = Vec::new();
            for (condition, arm) in arms {
                let outcome = arm.0.get(&id).unwrap_or(&before);
                match outcomes.iter_mut().find(|(_, known)| *known == outcome) {
                    Some((either, _)) => *either = netlist.or(*either, *condition),
                    None if *outcome == pieces => {}
                    None => outcomes.push((*condition, outcome)),
                }
            }
            for (condition, outcome) in outcomes.into_iter().rev() {
                pieces = merge(netlist, condition, outcome, &pieces);
            }
            self.set(id, pieces);
        }
    }

    /// Gives all signals what they have in the end.
    pub fn finish(&mut self, netlist: &mut Netlist) {
        let mut finals: Vec<_> = self.finals.iter().map(|(id, cell)| (*id, *cell)).collect();
        finals.sort();
        for (id, cell) in finals {
            let value = self.present(netlist, id);
            if value != cell {
                netlist.define(cell, Cell::Wire(value));
            }
        }
    }

    /// How far a signal is assigned where the code stands.
    pub fn coverage(&self, id: SignalId) -> Coverage {
        let pieces = &self.present[&id];
        let untouched = pieces.iter().find(|piece| piece.extent == Extent::None);
        match untouched {
            Some(piece) => Coverage::Untouched { low: piece.low, width: piece.width },
            None if pieces.iter().all(|piece| piece.extent == Extent::All) => Coverage::Complete,
            None => Coverage::Latch,
        }
    }
}

/// The bits of `pieces` from `low` up to `high`.
fn cut(netlist: &mut Netlist, pieces: &[Piece], low: u32, high: u32) -> Pieces {
    let mut cut = Pieces::new();
    for piece in pieces {
        let (from, to) = (low.max(piece.low), high.min(piece.low + piece.width));
        if from < to {
            let is_whole = to - from == piece.width;
            let cell = if is_whole { piece.cell } else { netlist.slice(piece.cell, from - piece.low, unsigned(to - from)) };
            cut.push(Piece { low: from, width: to - from, cell, extent: piece.extent });
        }
    }
    cut
}

/// `then` where `condition` holds, else `otherwise`.
fn merge(netlist: &mut Netlist, condition: CellId, then: &[Piece], otherwise: &[Piece]) -> Pieces {
    if then == otherwise {
        return then.to_vec();
    }
    let bounds: BTreeSet<u32> = then.iter().chain(otherwise).flat_map(|piece| [piece.low, piece.low + piece.width]).collect();
    let bounds: Vec<u32> = bounds.into_iter().collect();
    let piece = |bounds: &[u32]| {
        let (low, high) = (bounds[0], bounds[1]);
        let [a, b] = [then, otherwise].map(|pieces| cut(netlist, pieces, low, high).swap_remove(0));
        let ty = netlist.ty(a.cell);
        let other = netlist.retype(b.cell, ty);
        let extent = if a.extent == b.extent { a.extent } else { Extent::Some };
        Piece { cell: netlist.mux(condition, a.cell, other), extent, ..a }
    };
    bounds.windows(2).map(piece).collect()
}
