//! A sink: takes words from an output stream.

use systole_hdl::Value;

use super::ports::StreamPorts;
use super::stall::{StallPattern, StallPatternError, Stalls};
use crate::engine::{DomainSet, Engine, read_value};
use crate::hierarchy::NodeId;

/// A word that a sink took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// The cycle whose end was the transfer.
    pub cycle: u64,
    /// The word.
    pub value: Value,
}

/// The driver of an output stream: ready as its pattern says.
#[derive(Debug)]
pub(crate) struct Sink {
    pub ports: StreamPorts,
    stalls: Stalls,
    pub received: Vec<Received>,
}

impl Sink {
    pub fn new(ports: StreamPorts, pattern: StallPattern) -> Result<Sink, StallPatternError> {
        Ok(Sink { ports, stalls: Stalls::new(pattern)?, received: Vec::new() })
    }

    pub fn pattern(&self) -> StallPattern {
        self.stalls.pattern()
    }

    /// Drives the stream for this cycle. In reset nothing is taken.
    pub fn drive(&mut self, engine: &mut dyn Engine) {
        let ready = self.stalls.active() && !engine.reset(self.ports.domain);
        self.present(engine, ready);
    }

    pub fn present(&self, engine: &mut dyn Engine, ready: bool) {
        engine.set_input(self.ports.driven[0], &[ready.into()]);
    }

    /// Takes what the edges that end this settled cycle transfer; true if something.
    pub fn end_cycle(&mut self, engine: &dyn Engine, edges: DomainSet, cycle: u64) -> bool {
        if !edges.contains(self.ports.domain) || engine.reset(self.ports.domain) {
            return false;
        }
        self.stalls.advance();
        let moved = self.ports.transfers(engine);
        if moved {
            self.received.push(Received { cycle, value: read_value(engine, NodeId::TOP, self.ports.data) });
        }
        moved
    }
}
