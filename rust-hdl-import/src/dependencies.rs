//! From which signals each signal of a block is computed: those that its assignments read, and those of the conditions around them.

use std::collections::{BTreeMap, BTreeSet};

use crate::assignments::Coverage;
use crate::signals::SignalId;

/// A signal that is read: an input, an output of a child, or one that the block assigns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Read {
    pub signal: SignalId,
    /// Whether the block assigns it itself, and only after that, so that it reads what it assigned in the turn before.
    pub is_early: bool,
}

#[derive(Default)]
pub(crate) struct Dependencies {
    /// What the statement at hand has read so far.
    read: Vec<Read>,
    /// What the conditions around it read, the innermost last.
    conditions: Vec<Vec<Read>>,
    sources: BTreeMap<SignalId, BTreeSet<Read>>,
}

impl Dependencies {
    /// A signal is read that the block does not assign.
    pub fn read(&mut self, signal: SignalId) {
        self.read.push(Read { signal, is_early: false });
    }

    /// A signal is read that the block assigns, and has assigned so far as `coverage` says: what is read is what it was assigned.
    pub fn read_assigned(&mut self, signal: SignalId, coverage: &Coverage) {
        self.read.extend(self.sources.get(&signal).into_iter().flatten());
        if *coverage != Coverage::Complete {
            self.read.push(Read { signal, is_early: true });
        }
    }

    /// Forgets what was read for nothing that is assigned.
    pub fn begin(&mut self) {
        self.read.clear();
    }

    /// Notes that what was read is assigned to a signal, or to a part of it.
    pub fn assign(&mut self, signal: SignalId, is_whole: bool) {
        let sources = self.sources.entry(signal).or_default();
        if is_whole && self.conditions.is_empty() {
            sources.clear();
        }
        sources.extend(self.read.drain(..));
        sources.extend(self.conditions.iter().flatten());
    }

    /// Begins arms that depend on what was read.
    pub fn open(&mut self) {
        self.conditions.push(std::mem::take(&mut self.read));
    }

    pub fn close(&mut self) {
        self.conditions.pop();
    }

    /// Each signal that was assigned, and one that it is computed from.
    pub fn finish(self) -> Vec<(SignalId, Read)> {
        self.sources.into_iter().flat_map(|(signal, sources)| sources.into_iter().map(move |source| (signal, source))).collect()
    }
}
