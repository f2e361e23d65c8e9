//! Units during the computation of times.

use crate::graph::UnitId;
use crate::leap::{Seen, shift};
use crate::link::Link;
use crate::rates::Rates;

/// A unit of latency 1; the last stage of a longer one is a node of its own.
pub(crate) struct Node {
    pub(crate) unit: UnitId,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) is_source: bool,
    rates: Rates,
    interval: u64,
    /// How often it can fire at all: a source, once for each element.
    limit: u64,
    fired: u64,
    phase: u64,
    /// No firing before this cycle.
    earliest: u64,
    mark: Mark,
}

/// The beginning of a window, and what was seen since.
#[derive(Default)]
struct Mark {
    fired: u64,
    phase: u64,
    /// Cycles to the next permitted firing.
    wait: u64,
    left: Seen,
}

/// What a node that cannot fire waits for, for ever.
pub(crate) enum Blocked {
    Element(usize),
    Room(usize),
    Ended,
}

impl Node {
    pub(crate) fn new(unit: UnitId, inputs: Vec<usize>, rates: Rates, interval: u64) -> Node {
        Node {
            unit,
            inputs,
            outputs: Vec::new(),
            is_source: false,
            rates,
            interval,
            limit: u64::MAX,
            fired: 0,
            phase: 0,
            earliest: 0,
            mark: Mark::default(),
        }
    }

    /// Makes it a source of so many elements.
    pub(crate) fn become_source(&mut self, elements: u64) {
        (self.is_source, self.limit) = (true, elements);
    }

    /// Whether the node fires in this cycle. All that decides it is tested here, and noted for [windows](crate::leap).
    pub(crate) fn fires(&mut self, links: &mut [Link], cycle: u64) -> bool {
        cycle >= self.earliest
            && self.mark.left.is_positive(self.limit - self.fired)
            && (!self.rates.takes(self.phase) || self.inputs.iter().all(|&input| links[input].has_element()))
            && (!self.rates.gives(self.phase) || self.outputs.iter().all(|&output| links[output].has_room(cycle)))
    }

    /// Fires in a cycle in which it can.
    pub(crate) fn fire(&mut self, links: &mut [Link], cycle: u64) {
        if self.rates.takes(self.phase) {
            self.inputs.iter().for_each(|&input| links[input].leave(cycle));
        }
        if self.rates.gives(self.phase) {
            self.outputs.iter().for_each(|&output| links[output].enter(cycle));
        }
        self.phase = (self.phase + 1) % self.rates.period;
        self.earliest = cycle + self.interval;
        self.fired += 1;
    }

    /// The cycle before which it does not fire again.
    pub(crate) fn earliest(&self) -> u64 {
        self.earliest
    }

    /// How often it fired.
    pub(crate) fn fired(&self) -> u64 {
        self.fired
    }

    /// The cycle in which it fired last.
    pub(crate) fn last_firing(&self) -> Option<u64> {
        (self.fired > 0).then(|| self.earliest - self.interval)
    }

    /// What it waits for, when nothing happens any more. Nothing, if it could fire.
    pub(crate) fn blocked(&self, links: &[Link]) -> Option<Blocked> {
        if self.fired == self.limit {
            return Some(Blocked::Ended);
        }
        let inputs = if self.rates.takes(self.phase) { &self.inputs[..] } else { &[] };
        let outputs = if self.rates.gives(self.phase) { &self.outputs[..] } else { &[] };
        let empty = inputs.iter().copied().find(|&input| links[input].held() == 0).map(Blocked::Element);
        empty.or_else(|| outputs.iter().copied().find(|&output| links[output].is_full()).map(Blocked::Room))
    }

    /// Whether it has something left to do.
    pub(crate) fn is_unfinished(&self, links: &[Link]) -> bool {
        self.phase != 0 || self.inputs.iter().any(|&input| links[input].held() > 0) || (self.is_source && self.fired < self.limit)
    }

    /// Begins a window.
    pub(crate) fn mark(&mut self, cycle: u64) {
        self.mark = Mark { fired: self.fired, phase: self.phase, wait: self.earliest.saturating_sub(cycle), left: Seen::default() };
    }

    /// How often the window, which ends before `cycle` and took `span` cycles, can be repeated as far as this node is concerned.
    pub(crate) fn repetitions(&self, cycle: u64, span: u64) -> u64 {
        let fired = self.firings_of_window();
        let wait = self.earliest.saturating_sub(cycle);
        // A node that fires has to wait at the end as at the beginning. Another one that waits must not come to the end of it.
        let timer = match fired {
            0 if wait == 0 && self.mark.wait == 0 => u64::MAX,
            0 => wait / span,
            _ if wait == self.mark.wait => u64::MAX,
            _ => 0,
        };
        // Either all phases come again, or all of them, including those of the repetitions, are ones in which it does the same.
        let end = self.rates.change_after(self.mark.phase);
        let phases = match fired {
            fired if fired.is_multiple_of(self.rates.period) => u64::MAX,
            fired if self.mark.phase.saturating_add(fired) < end => (end - 1 - self.phase) / fired,
            _ => 0,
        };
        timer.min(phases).min(self.mark.left.repetitions(shift(0, fired)))
    }

    /// How often it fired in the window.
    pub(crate) fn firings_of_window(&self) -> u64 {
        self.fired - self.mark.fired
    }

    /// Repeats the window `times` times.
    pub(crate) fn repeat(&mut self, span: u64, times: u64) {
        let fired = self.firings_of_window() * times;
        if fired > 0 {
            self.earliest += span * times;
        }
        self.fired += fired;
        self.phase = (self.phase + fired % self.rates.period) % self.rates.period;
    }
}
