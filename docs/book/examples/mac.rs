//! A multiply-accumulate element in fixed point.

use systole_hdl::prelude::*;
use systole_sim::{Options, Simulator};

// ANCHOR: component
/// Multiplies `west` by `north` and adds up; passes both on one cycle later.
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
// ANCHOR_END: component

// ANCHOR: main
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let design = elaborate(&MacPe { data: Type::q(4, 4), acc: Type::q(12, 8) })?;
    let mut sim = Simulator::new(&design, Options::default())?;
    let [west, north, clear] = ["west", "north", "clear"].map(|port| sim.input(port));
    let (west, north, clear, sum) = (west?, north?, clear?, sim.output("sum")?);

    // 1.5 · 2 + 0.25 · (-4) + 3 · 3, in units of the last place: 1/16 going in, 1/256 coming out.
    for (cycle, (a, b)) in [(24, 32), (4, -64), (48, 48)].into_iter().enumerate() {
        sim.set(west, a)?;
        sim.set(north, b)?;
        sim.set(clear, cycle == 0)?;
        sim.step(1)?;
        println!("after {} terms: {}", cycle + 1, sim.get_i64(sum)? as f64 / 256.0);
    }

    // A product that does not fit its accumulator is refused where it is described.
    let errors = elaborate(&MacPe { data: Type::q(4, 4), acc: Type::q(4, 4) }).unwrap_err();
    println!("{}", errors.0[0].message);
    println!("{}", errors.0[0].help.as_deref().unwrap_or_default());
    Ok(())
}
// ANCHOR_END: main
