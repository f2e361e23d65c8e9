//! A first-in first-out queue of exact depth.

use crate::prelude::*;

/// A queue of exactly `depth` words, for any depth from 1. A word can leave in the cycle after it entered; with two words or
/// more one enters and one leaves in every cycle. `ready` depends on registers only, so a queue of one word moves a word
/// every other cycle. The simulator reports the high-water mark of its level.
#[derive(Clone, Debug)]
pub struct Fifo {
    /// Type of a word.
    pub ty: Type,
    /// Capacity in words, at least 1.
    pub depth: u32,
}

bundle! {
    /// The stream into a [`Fifo`].
    pub struct FifoIn { up: Stream }
}
bundle! {
    /// The stream out of a [`Fifo`], and how many words it holds (0 to its depth).
    pub struct FifoOut { down: Stream, level: Signal }
}

impl Component for Fifo {
    type In = FifoIn;
    type Out = FifoOut;

    fn inputs(&self) -> FifoIn {
        FifoIn { up: Stream::port(self.ty) }
    }

    fn build(&self, m: Module, i: FifoIn) -> FifoOut {
        m.require(self.depth >= 1, "a queue of no words", "`depth` is at least 1");
        let level = m.reg("level", Type::count(self.depth));
        m.probe_level("level", *level, self.depth);
        let words = m.memory("words", self.depth, self.ty);
        let head = m.wire("head", Type::index(self.depth));

        let down = m.stream("down", words.read(*head), level.differs(0));
        i.up.ready.drive(level.lt(self.depth));
        let (enters, leaves) = (i.up.fires().named("enters"), down.fires().named("leaves"));
        let tail = super::counter(m, "tail", self.depth, enters);
        let front = super::counter(m, "front", self.depth, leaves);
        head.drive(front.value);
        words.write(tail.value, i.up.data, enters);
        super::up_down(m, level, enters, leaves);
        FifoOut { down, level: *level }
    }
}

/// A [`Fifo`] in a stream.
#[track_caller]
pub fn fifo(m: Module, name: &str, up: Stream, depth: u32) -> Stream {
    let ty = up.data.ty();
    m.instance(name, &Fifo { ty, depth }, FifoIn { up }).down
}
