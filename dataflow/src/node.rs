//! Units during an execution.

use std::sync::Arc;

use crate::execute::Output;
use crate::graph::UnitId;
use crate::link::Link;
use crate::program::Program;

/// A unit of latency 1; the pipeline of a longer one is a node of its own.
pub(crate) struct Node {
    pub(crate) unit: UnitId,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    pub(crate) takes_first_only: bool,
    /// In how many of the last firings of a period it gives.
    pub(crate) gives_last: u64,
    pub(crate) period: u64,
    pub(crate) phase: u64,
    pub(crate) interval: u64,
    /// No firing before this cycle.
    pub(crate) earliest: u64,
    pub(crate) fired: u64,
    program: Program,
    pub(crate) source: Option<Elements>,
    pub(crate) sink: Option<usize>,
}

/// What a source has.
pub(crate) struct Elements {
    pub(crate) values: Arc<[f64]>,
    /// Where the next one is.
    pub(crate) position: usize,
    pub(crate) left: u64,
}

/// What a node that cannot fire waits for.
pub(crate) enum Blocked {
    Element(usize),
    Room(usize),
    Ended,
}

impl Node {
    /// A node that takes and gives in every firing.
    pub(crate) fn new(unit: UnitId, inputs: Vec<usize>, program: Program) -> Node {
        Node {
            unit,
            inputs,
            outputs: Vec::new(),
            takes_first_only: false,
            gives_last: u64::MAX,
            period: 1,
            phase: 0,
            interval: 1,
            earliest: 0,
            fired: 0,
            program,
            source: None,
            sink: None,
        }
    }

    /// The cycle of the next firing, if it can be known.
    pub(crate) fn next_cycle(&self, links: &[Link]) -> Result<u64, Blocked> {
        if self.source.as_ref().is_some_and(|source| source.left == 0) {
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
        !self.takes_first_only || self.phase == 0
    }

    fn gives(&self) -> bool {
        self.period - self.phase <= self.gives_last
    }

    /// Fires in a cycle that [`next_cycle`](Node::next_cycle) told.
    pub(crate) fn fire(&mut self, cycle: u64, links: &mut [Link], sinks: &mut [Output], values: bool) {
        if self.takes() {
            for (i, &input) in self.inputs.iter().enumerate() {
                let link = &mut links[input];
                link.leave(cycle);
                if values {
                    let width = link.width;
                    self.program.input(i, width).iter_mut().zip(link.values.drain(..width)).for_each(|(slot, value)| *slot = value);
                }
            }
        }
        let gives = self.gives();
        if let Some(source) = &mut self.source {
            source.left -= 1;
            if values {
                let link = &mut links[self.outputs[0]];
                link.values.extend(&source.values[source.position..source.position + link.width]);
                source.position = (source.position + link.width) % source.values.len();
            }
        } else if values {
            match self.sink {
                Some(sink) => sinks[sink].values.extend(self.program.input(0, links[self.inputs[0]].width).iter()),
                None => self.program.fire(self.phase, gives, |value| {
                    self.outputs.iter().for_each(|&output| links[output].values.push_back(value));
                }),
            }
        }
        if let Some(sink) = self.sink {
            sinks[sink].cycles.push(cycle);
        }
        if gives {
            self.outputs.iter().for_each(|&output| links[output].enter(cycle));
        }
        self.phase = (self.phase + 1) % self.period;
        self.earliest = cycle + self.interval;
        self.fired += 1;
    }
}
