//! Several names of one clock.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

#[derive(LogicBlock, Default)]
struct Aliases {
    pub clock: Signal<In, Clock>,
    pub count: Signal<Out, Bits<4>>,
    pub other: Signal<Out, Bits<4>>,
    inner: Signal<Local, Clock>,
    outer: Signal<Local, Clock>,
    first: DFF<Bits<4>>,
    second: DFF<Bits<4>>,
}

impl Logic for Aliases {
    #[hdl_gen]
    fn update(&mut self) {
        self.inner.next = self.clock.val();
        self.outer.next = self.inner.val();
        self.first.clock.next = self.inner.val();
        self.first.clock.next = self.clock.val();
        self.second.clock.next = self.clock.val();
        self.second.clock.next = self.outer.val();
        self.first.d.next = self.first.q.val() + 1;
        self.second.d.next = self.first.q.val() ^ self.second.q.val();
        self.count.next = self.first.q.val();
        self.other.next = self.second.q.val();
    }
}

#[test]
fn names_of_one_clock_are_one() {
    compare!(Aliases = Aliases::default(), clocks [clock], inputs [], 100);
}

/// Shows its clock outside.
#[derive(LogicBlock, Default)]
struct Shown {
    pub clock: Signal<In, Clock>,
    pub shown: Signal<Out, Clock>,
}

impl Logic for Shown {
    #[hdl_gen]
    fn update(&mut self) {
        self.shown.next = self.clock.val();
    }
}

#[derive(LogicBlock, Default)]
struct ThroughChild {
    pub clock: Signal<In, Clock>,
    pub count: Signal<Out, Bits<4>>,
    through: Shown,
    held: DFF<Bits<4>>,
}

impl Logic for ThroughChild {
    #[hdl_gen]
    fn update(&mut self) {
        self.held.clock.next = self.through.shown.val();
        self.held.clock.next = self.clock.val();
        self.through.clock.next = self.clock.val();
        self.held.d.next = self.held.q.val() + 1;
        self.count.next = self.held.q.val();
    }
}

#[test]
fn a_clock_that_a_child_passes_on_is_the_same() {
    compare!(ThroughChild = ThroughChild::default(), clocks [clock], inputs [], 100);
}
