//! A source: offers queued words to an input stream.

use std::collections::VecDeque;

use systole_hdl::Value;

use super::ports::StreamPorts;
use super::stall::{StallPattern, StallPatternError, Stalls};
use crate::engine::{DomainSet, Engine};

/// The driver of an input stream. Whether it offers never depends on `ready`; a word once offered stays until it is taken.
#[derive(Debug)]
pub(crate) struct Source {
    pub ports: StreamPorts,
    stalls: Stalls,
    queue: VecDeque<Value>,
    offering: bool,
    /// The data while nothing is offered: zero.
    idle: Value,
    /// Cycles of the first and the last transfer.
    pub span: Option<(u64, u64)>,
    pub transfers: u64,
}

impl Source {
    pub fn new(ports: StreamPorts, pattern: StallPattern) -> Result<Source, StallPatternError> {
        let (stalls, idle) = (Stalls::new(pattern)?, Value::zero(ports.ty.width()));
        Ok(Source { ports, stalls, queue: VecDeque::new(), offering: false, idle, span: None, transfers: 0 })
    }

    pub fn push(&mut self, value: Value) {
        self.queue.push_back(value);
    }

    /// Words not taken yet.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Whether it will offer a word sooner or later.
    pub fn will_offer(&self) -> bool {
        !self.queue.is_empty() && (self.offering || self.stalls.pattern().is_ever_active())
    }

    /// Drives the stream for this cycle. In reset nothing is offered.
    pub fn drive(&mut self, engine: &mut dyn Engine) {
        if engine.reset(self.ports.domain) {
            self.offering = false;
        } else if self.stalls.active() && !self.queue.is_empty() {
            self.offering = true;
        }
        self.present(engine, self.offering);
    }

    /// Offers the next word if there is one and `offering`; the data are zero otherwise, so that nobody relies on them.
    pub fn present(&self, engine: &mut dyn Engine, offering: bool) {
        let [data, valid] = self.ports.driven;
        match self.queue.front().filter(|_| offering) {
            Some(word) => {
                engine.set_input(data, word.limbs());
                engine.set_input(valid, &[1]);
            }
            None => {
                engine.set_input(data, self.idle.limbs());
                engine.set_input(valid, &[0]);
            }
        }
    }

    /// Notes what the edges that end this settled cycle transfer; true if something.
    pub fn end_cycle(&mut self, engine: &dyn Engine, edges: DomainSet, cycle: u64) -> bool {
        if !edges.contains(self.ports.domain) || engine.reset(self.ports.domain) {
            return false;
        }
        self.stalls.advance();
        let moved = self.ports.transfers(engine);
        if moved {
            self.queue.pop_front();
            self.offering = false;
            self.transfers += 1;
            self.span = Some((self.span.map_or(cycle, |(first, _)| first), cycle));
        }
        moved
    }
}
