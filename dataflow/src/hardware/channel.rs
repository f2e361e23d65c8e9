//! The queue of a channel.

use systole_hdl::library::{counter, up_down};
use systole_hdl::prelude::*;

use crate::graph::Room;

/// A queue of exactly `depth` elements, whose input is no stream: an element may enter when there is room. It can leave in the cycle after.
#[derive(Clone, Debug)]
pub(super) struct ChannelFifo {
    pub(super) ty: Type,
    pub(super) depth: u32,
    pub(super) room: Room,
}

bundle! {
    /// What enters a [`ChannelFifo`].
    pub(super) struct ChannelFifoIn {
        data: Signal,
        /// One bit: `data` enters in this cycle. Only with room.
        enters: Signal,
    }
}
bundle! {
    /// What leaves a [`ChannelFifo`].
    pub(super) struct ChannelFifoOut {
        /// One bit: an element can enter.
        room: Signal,
        down: Stream,
    }
}

impl Component for ChannelFifo {
    type In = ChannelFifoIn;
    type Out = ChannelFifoOut;

    fn inputs(&self) -> ChannelFifoIn {
        ChannelFifoIn { data: port(self.ty), enters: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: ChannelFifoIn) -> ChannelFifoOut {
        let level = m.reg("level", Type::count(self.depth));
        m.probe_level("level", *level, self.depth);
        let words = m.memory("words", self.depth, self.ty);
        let head = m.wire("head", Type::index(self.depth));
        let down = m.stream("down", words.read(*head), level.differs(0));
        let leaves = down.fires().named("leaves");
        let room = match self.room {
            Room::NextCycle => level.lt(self.depth),
            Room::SameCycle => level.lt(self.depth) | leaves,
        };
        head.drive(counter(m, "front", self.depth, leaves).value);
        let tail = counter(m, "tail", self.depth, i.enters).value;
        words.write(tail, i.data, i.enters);
        up_down(m, level, i.enters, leaves);
        ChannelFifoOut { room: room.named("room"), down }
    }
}
