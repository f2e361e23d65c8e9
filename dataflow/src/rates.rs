//! When a unit takes and gives: what an execution needs to know of it, in three numbers.

use crate::graph::{Elements, Graph, Unit};

/// The static behaviour of a unit. Phases, the firings of a period, count from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Firings of a period.
    pub(crate) period: u64,
    /// It takes an element from each input in the first so many firings of a period.
    takes_first: u64,
    /// It gives an element to each output in the last so many.
    gives_last: u64,
}

impl Rates {
    /// Takes and gives in every firing.
    pub(crate) const EVERY: Rates = Rates { period: 1, takes_first: 1, gives_last: 1 };

    /// The behaviour of a unit.
    pub(crate) fn of(unit: &Unit) -> Rates {
        let period = unit.period;
        Rates { period, takes_first: unit.takes_first.min(period), gives_last: unit.gives_last.min(period) }
    }

    /// Whether it takes in this phase.
    pub(crate) fn takes(self, phase: u64) -> bool {
        phase < self.takes_first
    }

    /// Whether it gives in this phase.
    pub(crate) fn gives(self, phase: u64) -> bool {
        self.period - phase <= self.gives_last
    }

    /// The phase up to which it does the same as in `phase`, that one not included. At most the period; none, if all phases are alike.
    pub(crate) fn change_after(self, phase: u64) -> u64 {
        if self.takes_first >= self.period && self.gives_last >= self.period {
            return u64::MAX;
        }
        let changes = [self.takes_first, self.period.saturating_sub(self.gives_last)];
        changes.into_iter().filter(|&change| change > phase).fold(self.period, u64::min)
    }
}

/// How many elements a source of a graph has, all repetitions counted.
pub(crate) fn elements_of(graph: &Graph, source: &Unit) -> u64 {
    let Elements { raw, times } = &source.elements;
    let width = graph.channel(source.outputs[0]).fields.len();
    ((raw.len() / width) as u64).saturating_mul(*times)
}
