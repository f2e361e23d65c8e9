//! The output-stationary array of multiply-accumulate elements, and the same with its stimulus and its checksum around it.

use systole_hdl::prelude::*;

use super::sources::{Source, SourceIn, fold_into, key};

/// Cycles from one `clear` of the accumulators to the next.
pub const TILE: u32 = 64;

/// A processing element: passes its operands on, and adds their product to its sum.
#[derive(Clone, Debug)]
pub struct MacPe {
    /// Type of an operand.
    pub data: Type,
    /// Type of the sum.
    pub acc: Type,
}

bundle! {
    /// What enters a [`MacPe`]; with `clear` the sum begins anew with this cycle's product.
    pub struct PeIn { west: Signal, north: Signal, clear: Signal }
}
bundle! {
    /// What leaves a [`MacPe`].
    pub struct PeOut { east: Signal, south: Signal, sum: Signal }
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

/// `n` × `n` elements: operands enter from the west and the north, all sums are outputs.
#[derive(Clone, Debug)]
pub struct Array {
    /// Rows, and columns.
    pub n: usize,
    /// Its elements.
    pub pe: MacPe,
}

bundle! {
    /// What enters an [`Array`]: an operand for each row and each column, `clear` for all.
    pub struct ArrayIn { west: Vec<Signal>, north: Vec<Signal>, clear: Signal }
}
bundle! {
    /// What leaves an [`Array`]: the sums by row and column.
    pub struct ArrayOut { sum: Vec<Vec<Signal>> }
}

impl Array {
    /// The array of 8-bit operands and 32-bit sums that all measurements are about.
    pub fn int8(n: usize) -> Array {
        Array { n, pe: MacPe { data: Type::s(8), acc: Type::s(32) } }
    }
}

impl Component for Array {
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

/// A step of the chain that gathers the diagonal: what came from the step before, exclusive-or a sum, a cycle later.
#[derive(Clone, Debug)]
struct Fold {
    sum: Type,
}

bundle! { struct FoldIn { before: Signal, sum: Signal } }
bundle! { struct FoldOut { after: Signal } }

impl Component for Fold {
    type In = FoldIn;
    type Out = FoldOut;

    fn inputs(&self) -> FoldIn {
        FoldIn { before: port(self.sum), sum: port(self.sum) }
    }

    fn build(&self, m: Module, i: FoldIn) -> FoldOut {
        FoldOut { after: m.delay("folded", i.before ^ i.sum) }
    }
}

/// An [`Array`] that needs nothing but a clock. A [`Source`] feeds each row and each column, `clear` comes every [`TILE`] cycles, and
/// a chain of N exclusive-ors with registers gathers the diagonal's sums into the output `checksum`. Beside N² elements of a
/// multiplier, an adder and 48 bits of registers that is 2N adders of 16 bits and N registers of 32 bits.
#[derive(Clone, Debug)]
pub struct ArrayBench {
    /// Rows, and columns, of the array.
    pub n: usize,
}

bundle! {
    /// What a design of this benchmark shows.
    pub struct BenchOut { checksum: Signal }
}

impl Component for ArrayBench {
    type In = ();
    type Out = BenchOut;

    fn name(&self) -> Option<String> {
        Some("array_bench".into())
    }

    fn inputs(&self) {}

    fn build(&self, m: Module, (): ()) -> BenchOut {
        let array = Array::int8(self.n);
        let (data, acc) = (array.pe.data, array.pe.acc);
        let source = |name: &str, lane: usize, port: u32| {
            let key = constant(Source::key_type(data), key(port));
            m.instance(&format!("{name}_{lane}"), &Source { data, gated: false }, SourceIn { key, enable: None }).data
        };
        let west = (0..self.n).map(|row| source("west", row, 2 * row as u32)).collect();
        let north = (0..self.n).map(|col| source("north", col, 2 * col as u32 + 1)).collect();
        let cycle = systole_hdl::library::counter(m, "cycle", TILE, constant(Type::BIT, true));
        let sums = m.instance("array", &array, ArrayIn { west, north, clear: cycle.last }).sum;

        let mut folded = constant(acc, 0);
        for (place, row) in sums.iter().enumerate() {
            let input = FoldIn { before: folded, sum: row[place] };
            folded = m.instance(&format!("fold_{place}"), &Fold { sum: acc }, input).after;
        }
        BenchOut { checksum: fold_into(m, folded.reinterpret(Type::u(32)), None) }
    }
}
