//! The two processing elements: one keeps an operand, the other keeps a sum. Both see a [`Group`] of activations and multiply the one that
//! the weight's index picks.

use systole_hdl::prelude::*;

use super::group::{Group, product};

/// Keeps an element of the stationary operand, multiplies what streams by from the west and adds to the sum from the north.
#[derive(Clone, Debug)]
pub struct StationaryPe {
    /// Type of an element of the streamed operand.
    pub streamed: Type,
    /// What streams by at a time, and how an element of the stationary operand picks from it.
    pub group: Group,
    /// Type of an element of the stationary operand, without its index.
    pub stationary: Type,
    /// Type of a sum.
    pub accumulator: Type,
    /// Whether the next element is shifted in beside the one in use.
    pub double_buffered: bool,
}

bundle! {
    /// What enters a [`StationaryPe`].
    pub struct StationaryIn {
        /// A group of the streamed operand, from the west.
        streamed: Vec<Signal>,
        /// One bit, beside the first operand of a pass: the element shifted in takes the place of the one in use. Only if
        /// double-buffered.
        swap: Option<Signal>,
        /// One bit: the column shifts here.
        shift: Signal,
        /// The stationary operand of the row above, on its way down.
        stationary: Signal,
        /// The sum of the rows above.
        sum: Signal,
    }
}
bundle! {
    /// What leaves a [`StationaryPe`], all from registers.
    pub struct StationaryOut {
        east: Vec<Signal>,
        east_swap: Option<Signal>,
        east_shift: Signal,
        south: Signal,
        south_sum: Signal,
    }
}

impl Component for StationaryPe {
    type In = StationaryIn;
    type Out = StationaryOut;

    fn inputs(&self) -> StationaryIn {
        StationaryIn {
            streamed: (0..self.group.elements).map(|_| port(self.streamed)).collect(),
            swap: self.double_buffered.then(|| port(Type::BIT)),
            shift: port(Type::BIT),
            stationary: port(self.group.weight(self.stationary)),
            sum: port(self.accumulator),
        }
    }

    fn build(&self, m: Module, i: StationaryIn) -> StationaryOut {
        let weight = self.group.weight(self.stationary);
        let shifted = m.reg("shifted", weight);
        m.when(i.shift, || shifted.next(i.stationary));
        let in_use = match i.swap {
            Some(swap) => {
                let held = m.reg("held", weight);
                let in_use = swap.mux(*shifted, *held);
                held.next(in_use);
                in_use
            }
            None => *shifted,
        };
        let (activation, value) = self.group.pick(&i.streamed, in_use, self.stationary);
        let product = product(activation, value).to(self.accumulator).named("product");
        StationaryOut {
            east: delay_each(m, "streamed_q", &i.streamed),
            east_swap: i.swap.map(|swap| m.delay("swap_q", swap)),
            east_shift: m.delay("shift_q", i.shift),
            south: *shifted,
            south_sum: m.delay("sum_q", i.sum + product),
        }
    }
}

fn delay_each(m: Module, name: &str, signals: &[Signal]) -> Vec<Signal> {
    signals.iter().enumerate().map(|(index, &signal)| m.delay(&format!("{name}_{index}"), signal)).collect()
}

/// Keeps a sum of products of what comes from the west and from the north; finished sums leave to the south.
#[derive(Clone, Debug)]
pub struct OutputStationaryPe {
    /// Type of an element of A, from the west.
    pub a: Type,
    /// What of A comes at a time, and how an element of B picks from it.
    pub group: Group,
    /// Type of an element of B, from the north, without its index.
    pub b: Type,
    /// Type of a sum.
    pub accumulator: Type,
    /// Whether a finished sum leaves through a register of its own, beside the next sum.
    pub double_buffered: bool,
}

bundle! {
    /// What enters an [`OutputStationaryPe`].
    pub struct OutputStationaryIn {
        a: Vec<Signal>,
        b: Signal,
        /// One bit, beside the first operands of a sum.
        first: Signal,
        /// One bit, beside the last operands of a sum. Only if double-buffered.
        last: Option<Signal>,
        /// One bit: the column shifts here.
        shift: Signal,
        /// The finished sum of the row above.
        sum: Signal,
    }
}
bundle! {
    /// What leaves an [`OutputStationaryPe`], all from registers.
    pub struct OutputStationaryOut {
        east: Vec<Signal>,
        east_first: Signal,
        east_last: Option<Signal>,
        east_shift: Signal,
        south: Signal,
        south_sum: Signal,
    }
}

impl Component for OutputStationaryPe {
    type In = OutputStationaryIn;
    type Out = OutputStationaryOut;

    fn inputs(&self) -> OutputStationaryIn {
        OutputStationaryIn {
            a: (0..self.group.elements).map(|_| port(self.a)).collect(),
            b: port(self.group.weight(self.b)),
            first: port(Type::BIT),
            last: self.double_buffered.then(|| port(Type::BIT)),
            shift: port(Type::BIT),
            sum: port(self.accumulator),
        }
    }

    fn build(&self, m: Module, i: OutputStationaryIn) -> OutputStationaryOut {
        let collected = m.reg("collected", self.accumulator);
        let (activation, value) = self.group.pick(&i.a, i.b, self.b);
        let product = product(activation, value).to(self.accumulator).named("product");
        // Operands are zero while nothing streams by, so the sum then keeps itself. The choice stands in front of the adder, where it
        // is a gate a bit; behind it, no multiplier block or carry chain could take the addition.
        let earlier = i.first.mux(0, *collected).named("earlier");
        let sum = earlier + product;
        let finished = match i.last {
            Some(last) => {
                collected.next(sum);
                let finished = m.reg("finished", self.accumulator);
                m.when(last, || finished.next(sum)).or_when(i.shift, || finished.next(i.sum));
                finished
            }
            None => {
                collected.next(i.shift.mux(i.sum, sum));
                collected
            }
        };
        OutputStationaryOut {
            east: delay_each(m, "a_q", &i.a),
            east_first: m.delay("first_q", i.first),
            east_last: i.last.map(|last| m.delay("last_q", last)),
            east_shift: m.delay("shift_q", i.shift),
            south: m.delay("b_q", i.b),
            south_sum: *finished,
        }
    }
}
