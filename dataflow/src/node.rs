//! Units during an execution.

use crate::execute::Output;
use crate::graph::UnitId;
use crate::link::Link;

/// A unit of latency 1; the pipeline of a longer one is a node of its own.
pub(crate) struct Node {
    pub(crate) unit: UnitId,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) takes_first: u64,
    /// In how many of the last firings of a period it gives.
    pub(crate) gives_last: u64,
    pub(crate) period: u64,
    pub(crate) phase: u64,
    pub(crate) interval: u64,
    /// No firing before this cycle.
    pub(crate) earliest: u64,
    pub(crate) fired: u64,
    /// Elements that a source has left.
    pub(crate) source: Option<u64>,
    pub(crate) sink: Option<usize>,
}

/// What a node that cannot fire waits for.
pub(crate) enum Blocked {
    Element(usize),
    Room(usize),
    Ended,
}

impl Node {
    /// A node that takes and gives in every firing.
    pub(crate) fn new(unit: UnitId, inputs: Vec<usize>) -> Node {
        Node {
            unit,
            inputs,
            outputs: Vec::new(),
            takes_first: u64::MAX,
            gives_last: u64::MAX,
            period: 1,
            phase: 0,
            interval: 1,
            earliest: 0,
            fired: 0,
            source: None,
            sink: None,
        }
    }

    /// The cycle of the next firing, if it can be known.
    pub(crate) fn next_cycle(&self, links: &[Link]) -> Result<u64, Blocked> {
        if self.source == Some(0) {
            return Err(Blocked::Ended);
        }
        let mut cycle = self.earliest;
        if self.takes() {
            for &input in &self.inputs {
                cycle = cycle.max(links[input].element().ok_or(Blocked::Element(input))?);
            }
        }
        if self.gives() {
            for &output in &self.outputs {
                cycle = cycle.max(links[output].room().ok_or(Blocked::Room(output))?);
            }
        }
        Ok(cycle)
    }

    fn takes(&self) -> bool {
        self.phase < self.takes_first
    }

    fn gives(&self) -> bool {
        self.period - self.phase <= self.gives_last
    }

    /// Fires in a cycle that [`next_cycle`](Node::next_cycle) told.
    pub(crate) fn fire(&mut self, cycle: u64, links: &mut [Link], sinks: &mut [Output]) {
        if self.takes() {
            self.inputs.iter().for_each(|&input| links[input].leave(cycle));
        }
        if let Some(left) = &mut self.source {
            *left -= 1;
        }
        if let Some(sink) = self.sink {
            sinks[sink].cycles.push(cycle);
        }
        if self.gives() {
            self.outputs.iter().for_each(|&output| links[output].enter(cycle));
        }
        self.phase = (self.phase + 1) % self.period;
        self.earliest = cycle + self.interval;
        self.fired += 1;
    }
}
