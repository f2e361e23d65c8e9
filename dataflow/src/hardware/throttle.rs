//! Sources and sinks with an initiation interval of more than one cycle.

use systole_hdl::prelude::*;

/// Lets an element through no sooner than `interval` cycles, at least 2, after the one before.
#[derive(Clone, Debug)]
pub(super) struct Throttle {
    pub(super) ty: Type,
    pub(super) interval: u32,
    pub(super) measure: Measure,
}

/// From what to what the interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// From the first cycle in which an element is offered to the first one in which the next is: a source.
    Offers,
    /// From transfer to transfer: a sink.
    Transfers,
}

bundle! {
    /// The stream into a [`Throttle`].
    pub(super) struct ThrottleIn { up: Stream }
}
bundle! {
    /// The stream out of a [`Throttle`].
    pub(super) struct ThrottleOut { down: Stream }
}

impl Component for Throttle {
    type In = ThrottleIn;
    type Out = ThrottleOut;

    fn inputs(&self) -> ThrottleIn {
        ThrottleIn { up: Stream::port(self.ty) }
    }

    fn build(&self, m: Module, i: ThrottleIn) -> ThrottleOut {
        // Cycles until the next element may come.
        let wait = m.reg("wait", Type::index(self.interval));
        let open = wait.equals(0).named("open");
        let offered = match self.measure {
            Measure::Offers => Some(m.reg("offered", Type::BIT)),
            Measure::Transfers => None,
        };
        let shown = offered.map_or(open, |offered| open | offered);
        let down = m.stream("down", i.up.data, i.up.valid & shown);
        i.up.ready.drive(*down.ready & shown);
        let begins = match offered {
            Some(offered) => {
                offered.next(down.valid & !*down.ready);
                down.valid & !offered
            }
            None => down.fires(),
        };
        m.when(begins, || wait.next(self.interval - 1)).or_when(!open, || wait.next(wait - 1));
        ThrottleOut { down }
    }
}
