//! Speed of the reference engine on output-stationary 8-bit arrays, in cells evaluated per second, and the time to make it.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use systole_hdl::prelude::*;
use systole_sim::{Options, Simulator};

#[derive(Clone, Debug)]
struct MacPe;
bundle! { struct PeIn { west: Signal, north: Signal, clear: Signal } }
bundle! { struct PeOut { east: Signal, south: Signal, sum: Signal } }

impl Component for MacPe {
    type In = PeIn;
    type Out = PeOut;

    fn inputs(&self) -> PeIn {
        PeIn { west: port(Type::s(8)), north: port(Type::s(8)), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: PeIn) -> PeOut {
        let acc = m.reg("acc", Type::s(32));
        let product = (i.west * i.north).to(Type::s(32));
        acc.next(i.clear.mux(product, acc + product));
        PeOut { east: m.delay("west_q", i.west), south: m.delay("north_q", i.north), sum: *acc }
    }
}

#[derive(Clone, Debug)]
struct Array {
    size: usize,
}
bundle! { struct ArrayIn { west: Vec<Signal>, north: Vec<Signal>, clear: Signal } }
bundle! { struct ArrayOut { sums: Vec<Signal> } }

impl Component for Array {
    type In = ArrayIn;
    type Out = ArrayOut;

    fn inputs(&self) -> ArrayIn {
        let edge = || (0..self.size).map(|_| port(Type::s(8))).collect();
        ArrayIn { west: edge(), north: edge(), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: ArrayIn) -> ArrayOut {
        let mut north = i.north;
        let mut sums = Vec::new();
        for (row, &west) in i.west.iter().enumerate() {
            let mut west = west;
            for (col, north) in north.iter_mut().enumerate() {
                let pe = m.instance(&format!("pe_{row}_{col}"), &MacPe, PeIn { west, north: *north, clear: i.clear });
                (west, *north) = (pe.east, pe.south);
                sums.push(pe.sum);
            }
        }
        ArrayOut { sums }
    }
}

fn making(c: &mut Criterion) {
    let mut group = c.benchmark_group("make");
    for size in [16, 64] {
        let design = elaborate(&Array { size }).expect("the array is well described");
        group.bench_function(BenchmarkId::from_parameter(size), |b| b.iter(|| Simulator::new(&design, Options::default())));
    }
    group.finish();
}

fn running(c: &mut Criterion) {
    const CYCLES: u64 = 100;
    let mut group = c.benchmark_group("run");
    for size in [16, 64] {
        let design = elaborate(&Array { size }).expect("the array is well described");
        let mut sim = Simulator::new(&design, Options::default()).expect("the array can be simulated");
        for row in 0..size {
            for edge in ["west", "north"] {
                let port = sim.input(&format!("{edge}_{row}")).expect("the array has this port");
                sim.set(port, 37 * row as i64 % 100 - 50).expect("the number fits");
            }
        }
        group.throughput(Throughput::Elements(CYCLES * design.statistics().cells));
        group.bench_function(BenchmarkId::from_parameter(size), |b| b.iter(|| sim.step(CYCLES)));
    }
    group.finish();
}

criterion_group!(benches, making, running);
criterion_main!(benches);
