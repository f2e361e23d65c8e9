//! Circuits that each use one part of rust-hdl's language.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

#[derive(LogicBlock, Default)]
struct Counter {
    pub clock: Signal<In, Clock>,
    pub enable: Signal<In, Bit>,
    pub value: Signal<Out, Bits<8>>,
    pub wraps: Signal<Out, Bit>,
    count: DFF<Bits<8>>,
}

impl Logic for Counter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        if self.enable.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        self.value.next = self.count.q.val();
        self.wraps.next = (self.count.q.val() + 1) == 0;
    }
}

#[test]
fn a_counter_counts_and_a_sum_wraps_in_the_width_of_its_operands() {
    compare!(Counter = Counter::default(), clocks[clock], inputs[enable], 2000);
}
