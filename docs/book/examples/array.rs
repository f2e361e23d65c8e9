//! An output-stationary array: C = A · B on a grid of multiply-accumulate elements.

use systole_hdl::prelude::*;
use systole_sim::{Options, Simulator};

#[derive(Clone, Debug)]
struct MacPe {
    data: Type,
    acc: Type,
}

bundle! { struct PeIn { west: Signal, north: Signal, clear: Signal } }
bundle! { struct PeOut { east: Signal, south: Signal, sum: Signal } }

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

// ANCHOR: component
/// `n` × `n` elements: rows of A enter from the west, columns of B from the north.
#[derive(Debug)]
struct Array {
    n: usize,
    pe: MacPe,
}

bundle! { struct ArrayIn { west: Vec<Signal>, north: Vec<Signal>, clear: Signal } }
bundle! { struct ArrayOut { sum: Vec<Vec<Signal>> } }

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
// ANCHOR_END: component

// ANCHOR: main
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = 3;
    let design = elaborate(&Array { n, pe: MacPe { data: Type::s(8), acc: Type::s(20) } })?;
    let size = design.statistics();
    println!("{} modules, {} instances, {} multipliers", size.modules, size.instances, size.multipliers);

    let a = [[1, 2, 3], [4, 5, 6], [7, 8, 9]];
    let b = [[-1, 0, 2], [3, 1, 0], [0, -2, 1]];
    let mut sim = Simulator::new(&design, Options::default())?;
    sim.set(sim.input("clear")?, false)?;

    // Row r of A is delayed by r cycles and column c of B by c: so a[r][k] and b[k][c] meet in element (r, c) in cycle k + r + c.
    for cycle in 0..3 * n {
        for lane in 0..n {
            let k = cycle.checked_sub(lane).filter(|&k| k < n);
            sim.set(sim.input(&format!("west_{lane}"))?, k.map_or(0, |k| a[lane][k]))?;
            sim.set(sim.input(&format!("north_{lane}"))?, k.map_or(0, |k| b[k][lane]))?;
        }
        sim.step(1)?;
    }
    for row in 0..n {
        let mut sums = Vec::new();
        for col in 0..n {
            let acc = sim.signal(&format!("pe_{row}_{col}.acc"))?;
            sums.push(sim.get_i64(acc)?);
        }
        println!("{sums:?}");
    }
    Ok(())
}
// ANCHOR_END: main
