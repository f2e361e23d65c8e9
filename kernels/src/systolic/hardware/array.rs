//! The arrays: rows and columns of one processing element.

use systole_hdl::prelude::*;

use super::processing_element::{OutputStationaryIn, OutputStationaryPe, StationaryIn, StationaryPe};

/// An array whose elements keep an operand. Row *r* of a column adds its product to the sum of the rows above.
#[derive(Clone, Debug)]
pub struct StationaryArray {
    /// Rows, R.
    pub rows: u32,
    /// Columns, C.
    pub columns: u32,
    /// The element.
    pub pe: StationaryPe,
}

bundle! {
    /// What enters a [`StationaryArray`]: the west edge row by row, the north edge column by column.
    pub struct StationaryArrayIn {
        streamed: Vec<Vec<Signal>>,
        swap: Vec<Option<Signal>>,
        shift: Vec<Signal>,
        stationary: Vec<Signal>,
    }
}
bundle! {
    /// The sums at the south edge, column by column.
    pub struct SumsOut { sums: Vec<Signal> }
}

impl Component for StationaryArray {
    type In = StationaryArrayIn;
    type Out = SumsOut;

    fn inputs(&self) -> StationaryArrayIn {
        let rows = || 0..self.rows;
        StationaryArrayIn {
            streamed: rows().map(|_| (0..self.pe.group.elements).map(|_| port(self.pe.streamed)).collect()).collect(),
            swap: rows().map(|_| self.pe.double_buffered.then(|| port(Type::BIT))).collect(),
            shift: rows().map(|_| port(Type::BIT)).collect(),
            stationary: (0..self.columns).map(|_| port(self.pe.group.weight(self.pe.stationary))).collect(),
        }
    }

    fn build(&self, m: Module, i: StationaryArrayIn) -> SumsOut {
        let mut stationary = i.stationary;
        let mut sums = vec![constant(self.pe.accumulator, 0); self.columns as usize];
        for row in 0..self.rows as usize {
            let (mut streamed, mut swap, mut shift) = (i.streamed[row].clone(), i.swap[row], i.shift[row]);
            for column in 0..self.columns as usize {
                let input = StationaryIn { streamed, swap, shift, stationary: stationary[column], sum: sums[column] };
                let pe = m.instance(&format!("pe_{row}_{column}"), &self.pe, input);
                (streamed, swap, shift) = (pe.east, pe.east_swap, pe.east_shift);
                (stationary[column], sums[column]) = (pe.south, pe.south_sum);
            }
        }
        SumsOut { sums }
    }
}

/// An array whose elements keep a sum. Finished sums shift down their column.
#[derive(Clone, Debug)]
pub struct OutputStationaryArray {
    /// Rows, R.
    pub rows: u32,
    /// Columns, C.
    pub columns: u32,
    /// The element.
    pub pe: OutputStationaryPe,
}

bundle! {
    /// What enters an [`OutputStationaryArray`]: the west edge row by row, the north edge column by column.
    pub struct OutputStationaryArrayIn {
        a: Vec<Vec<Signal>>,
        first: Vec<Signal>,
        last: Vec<Option<Signal>>,
        shift: Vec<Signal>,
        b: Vec<Signal>,
    }
}

impl Component for OutputStationaryArray {
    type In = OutputStationaryArrayIn;
    type Out = SumsOut;

    fn inputs(&self) -> OutputStationaryArrayIn {
        let rows = || 0..self.rows;
        OutputStationaryArrayIn {
            a: rows().map(|_| (0..self.pe.group.elements).map(|_| port(self.pe.a)).collect()).collect(),
            first: rows().map(|_| port(Type::BIT)).collect(),
            last: rows().map(|_| self.pe.double_buffered.then(|| port(Type::BIT))).collect(),
            shift: rows().map(|_| port(Type::BIT)).collect(),
            b: (0..self.columns).map(|_| port(self.pe.group.weight(self.pe.b))).collect(),
        }
    }

    fn build(&self, m: Module, i: OutputStationaryArrayIn) -> SumsOut {
        let mut b = i.b;
        let mut sums = vec![constant(self.pe.accumulator, 0); self.columns as usize];
        for row in 0..self.rows as usize {
            let (mut a, mut first, mut last, mut shift) = (i.a[row].clone(), i.first[row], i.last[row], i.shift[row]);
            for column in 0..self.columns as usize {
                let input = OutputStationaryIn { a, b: b[column], first, last, shift, sum: sums[column] };
                let pe = m.instance(&format!("pe_{row}_{column}"), &self.pe, input);
                (a, first, last, shift) = (pe.east, pe.east_first, pe.east_last, pe.east_shift);
                (b[column], sums[column]) = (pe.south, pe.south_sum);
            }
        }
        SumsOut { sums }
    }
}
