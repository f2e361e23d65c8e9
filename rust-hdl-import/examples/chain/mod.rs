//! A chain of multiply-accumulate elements written with rust-hdl, which the benchmark and a test simulate.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

/// Keeps a weight, and adds the product of it and the datum that passes to the sum that passes.
#[derive(LogicBlock, Default)]
struct Element {
    pub clock: Signal<In, Clock>,
    pub load: Signal<In, Bit>,
    pub weight_in: Signal<In, Signed<16>>,
    pub weight_out: Signal<Out, Signed<16>>,
    pub data_in: Signal<In, Signed<16>>,
    pub data_out: Signal<Out, Signed<16>>,
    pub sum_in: Signal<In, Signed<48>>,
    pub sum_out: Signal<Out, Signed<48>>,
    weight: DFF<Signed<16>>,
    data: DFF<Signed<16>>,
    sum: DFF<Signed<48>>,
}

impl Logic for Element {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, weight, data, sum);
        if self.load.val() {
            self.weight.d.next = self.weight_in.val();
        }
        self.weight_out.next = self.weight.q.val();
        self.data.d.next = self.data_in.val();
        self.data_out.next = self.data.q.val();
        self.sum.d.next = self.sum_in.val() + signed_bit_cast::<48, 32>(self.data_in.val() * self.weight.q.val());
        self.sum_out.next = self.sum.q.val();
    }
}

/// `N` elements in a row. Weights move on while `load` is 1; data and sums move on in each cycle.
#[derive(LogicBlock)]
pub struct Chain<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub load: Signal<In, Bit>,
    pub weight: Signal<In, Signed<16>>,
    pub data: Signal<In, Signed<16>>,
    pub sum: Signal<Out, Signed<48>>,
    elements: [Element; N],
}

impl<const N: usize> Default for Chain<N> {
    fn default() -> Self {
        Chain {
            clock: Default::default(),
            load: Default::default(),
            weight: Default::default(),
            data: Default::default(),
            sum: Default::default(),
            elements: std::array::from_fn(|_| Element::default()),
        }
    }
}

impl<const N: usize> Logic for Chain<N> {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..N {
            self.elements[i].clock.next = self.clock.val();
            self.elements[i].load.next = self.load.val();
            if i == 0 {
                self.elements[i].weight_in.next = self.weight.val();
                self.elements[i].data_in.next = self.data.val();
                self.elements[i].sum_in.next = 0.into();
            } else {
                self.elements[i].weight_in.next = self.elements[i - 1].weight_out.val();
                self.elements[i].data_in.next = self.elements[i - 1].data_out.val();
                self.elements[i].sum_in.next = self.elements[i - 1].sum_out.val();
            }
            // The last one stays.
            self.sum.next = self.elements[i].sum_out.val();
        }
    }
}
