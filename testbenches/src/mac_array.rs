//! The circuit that speeds are measured on: a square output-stationary array of multiply-accumulate elements.

use systole_hdl::prelude::*;

/// An element: passes operands on, adds up their products.
#[derive(Clone, Debug)]
pub struct MacPe {
    /// Type of the operands.
    pub data: Type,
    /// Type of the sum.
    pub acc: Type,
}

bundle! {
    /// Inputs of an element.
    pub struct PeIn {
        /// Operand from the left.
        west: Signal,
        /// Operand from above.
        north: Signal,
        /// Begins a new sum.
        clear: Signal,
    }
}

bundle! {
    /// Outputs of an element.
    pub struct PeOut {
        /// Operand to the right.
        east: Signal,
        /// Operand downwards.
        south: Signal,
        /// The sum.
        sum: Signal,
    }
}

impl Component for MacPe {
    type In = PeIn;
    type Out = PeOut;

    fn inputs(&self) -> PeIn {
        PeIn { west: port(self.data), north: port(self.data), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: PeIn) -> PeOut {
        let acc = m.reg("acc", self.acc);
        let product = (i.west * i.north).to(self.acc).named("product");
        acc.next(i.clear.mux(product, acc + product));
        PeOut { east: m.delay("west_q", i.west), south: m.delay("north_q", i.north), sum: *acc }
    }
}

/// An array of `n` by `n` elements, operands entering on the left and above; its last input is `clear`.
#[derive(Debug)]
pub struct MacArray {
    /// Elements in a row and in a column.
    pub n: usize,
    /// The element.
    pub pe: MacPe,
}

bundle! {
    /// Inputs of the array.
    pub struct ArrayIn {
        /// Operands of the rows.
        west: Vec<Signal>,
        /// Operands of the columns.
        north: Vec<Signal>,
        /// Begins new sums.
        clear: Signal,
    }
}

bundle! {
    /// Outputs of the array.
    pub struct ArrayOut {
        /// The sums, row by row.
        sum: Vec<Vec<Signal>>,
    }
}

impl Component for MacArray {
    type In = ArrayIn;
    type Out = ArrayOut;

    fn inputs(&self) -> ArrayIn {
        let edge = || (0..self.n).map(|_| port(self.pe.data)).collect();
        ArrayIn { west: edge(), north: edge(), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: ArrayIn) -> ArrayOut {
        let mut north = i.north;
        let mut sum = Vec::new();
        for row in 0..self.n {
            let mut west = i.west[row];
            let mut sums = Vec::new();
            for (col, north) in north.iter_mut().enumerate() {
                let pe = m.instance(&format!("pe_{row}_{col}"), &self.pe, PeIn { west, north: *north, clear: i.clear });
                west = pe.east;
                *north = pe.south;
                sums.push(pe.sum);
            }
            sum.push(sums);
        }
        ArrayOut { sum }
    }
}
