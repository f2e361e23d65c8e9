//! How long it takes to elaborate square arrays of multiply-accumulate elements: the best and the median of several runs.

use std::time::{Duration, Instant};

use systole_hdl::prelude::*;

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

fn main() {
    println!("{:>9} {:>10} {:>12} {:>12}", "array", "instances", "best", "median");
    for n in [16, 64, 128] {
        let array = Array { n, pe: MacPe { data: Type::s(8), acc: Type::s(32) } };
        let run = || {
            let start = Instant::now();
            let design = elaborate(&array).unwrap_or_else(|errors| panic!("{errors}"));
            (start.elapsed(), design.statistics().instances)
        };
        let (_, instances) = run();
        let mut times: Vec<Duration> = (0..9).map(|_| run().0).collect();
        times.sort();
        println!("{:>9} {instances:>10} {:>12.2?} {:>12.2?}", format!("{n}x{n}"), times[0], times[4]);
    }
}
