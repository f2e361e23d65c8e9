//! Wide words to narrow ones and back.

use super::counter;
use crate::prelude::*;

/// Cuts each word into `lanes` lanes, sent one after the other, the least significant first. A word takes `lanes` cycles.
#[derive(Clone, Debug)]
pub struct Serializer {
    /// Type of a lane.
    pub lane: Type,
    /// Lanes in a word, at least 1.
    pub lanes: u32,
}

/// Gathers `lanes` lanes, the first at the least significant end, into a word. A lane can enter in the cycle in which a word
/// leaves, so a word every `lanes` cycles is sustained.
#[derive(Clone, Debug)]
pub struct Deserializer {
    /// Type of a lane.
    pub lane: Type,
    /// Lanes in a word, at least 1.
    pub lanes: u32,
}

bundle! {
    /// The stream into a width adapter.
    pub struct WidthIn { up: Stream }
}
bundle! {
    /// The stream out of a width adapter.
    pub struct WidthOut { down: Stream }
}

impl Component for Serializer {
    type In = WidthIn;
    type Out = WidthOut;

    fn inputs(&self) -> WidthIn {
        WidthIn { up: Stream::port(Type::Bits(self.lane.width().saturating_mul(self.lanes.max(1)))) }
    }

    fn build(&self, m: Module, i: WidthIn) -> WidthOut {
        m.require(self.lanes >= 1, "a word of no lanes", "`lanes` is at least 1");
        let moves = m.wire("moves", Type::BIT);
        let lane = counter(m, "lane", self.lanes, *moves);
        let down = m.stream("down", lane.value.select(&i.up.data.lanes(self.lane, self.lanes)), i.up.valid);
        moves.drive(down.fires());
        i.up.ready.drive(*down.ready & lane.last);
        WidthOut { down }
    }
}

impl Component for Deserializer {
    type In = WidthIn;
    type Out = WidthOut;

    fn inputs(&self) -> WidthIn {
        WidthIn { up: Stream::port(self.lane) }
    }

    fn build(&self, m: Module, i: WidthIn) -> WidthOut {
        m.require(self.lanes >= 1, "a word of no lanes", "`lanes` is at least 1");
        let full = m.reg("full", Type::BIT);
        let lanes: Vec<Reg> = (0..self.lanes).map(|lane| m.reg(&format!("lane_{lane}"), self.lane).without_reset()).collect();
        let word = pack(&lanes.iter().map(|lane| **lane).collect::<Vec<_>>());
        let down = m.stream("down", word, *full);
        i.up.ready.drive(!full | *down.ready);

        let enters = i.up.fires().named("enters");
        let position = counter(m, "position", self.lanes, enters);
        for (lane, register) in lanes.iter().enumerate() {
            m.when(enters & position.value.equals(lane), || register.next(i.up.data));
        }
        m.when(enters, || full.next(position.last)).or_when(*down.ready, || full.next(false));
        WidthOut { down }
    }
}
