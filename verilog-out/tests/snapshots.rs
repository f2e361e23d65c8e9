//! The text of a few modules, as a reader sees it.

use systole_hdl::library::{Fifo, RoundRobinArbiter, SkidBuffer};
use systole_hdl::prelude::*;
use systole_verilog::{Options, write};

fn text(design: &Design) -> String {
    write(design, &Options::default()).unwrap().text()
}

#[derive(Debug)]
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

#[test]
fn a_processing_element_reads_like_written_by_hand() {
    println!("{}", text(&elaborate(&Fifo { ty: Type::u(8), depth: 5 }).unwrap()));
    println!("{}", text(&elaborate(&MacPe { data: Type::s(8), acc: Type::s(32) }).unwrap()));
}

#[test]
fn z() {
    println!("{}", text(&elaborate(&SkidBuffer { ty: Type::s(8) }).unwrap()));
    println!("{}", text(&elaborate(&RoundRobinArbiter { ty: Type::s(8), inputs: 3 }).unwrap()));
}
