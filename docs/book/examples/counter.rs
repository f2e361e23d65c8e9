//! A counter: described, simulated, traced and written as Verilog.

use systole_hdl::prelude::*;
use systole_sim::trace::{Trace, TraceFormat, TraceOptions};
use systole_sim::{Options, Reference, Simulator};

// ANCHOR: component
/// Counts the cycles in which `enable` is 1.
#[derive(Debug)]
struct Counter {
    ty: Type,
}

bundle! { struct CounterIn { enable: Signal } }
bundle! { struct CounterOut { count: Signal } }

impl Component for Counter {
    type In = CounterIn;
    type Out = CounterOut;

    fn inputs(&self) -> CounterIn {
        CounterIn { enable: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: CounterIn) -> CounterOut {
        let count = m.reg("count", self.ty);
        m.when(i.enable, || count.next(count + 1));
        CounterOut { count: *count }
    }
}
// ANCHOR_END: component

// ANCHOR: main
fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let design = elaborate(&Counter { ty: Type::u(3) })?;

    let mut engine = Reference::new(&design.clone().into())?;
    let waveform = std::env::temp_dir().join("systole-counter.vcd");
    let options = TraceOptions { format: TraceFormat::Vcd, ..TraceOptions::default() };
    let trace = Trace::create(&waveform, &mut engine, &options)?;
    let mut sim = Simulator::with_engine(Box::new(engine), &Options::default())?;
    let trace = sim.attach(trace);

    let enable = sim.input("enable")?;
    let count = sim.output("count")?;
    let mut counts = Vec::new();
    for cycle in 0..12 {
        sim.set(enable, cycle % 4 != 3)?;
        counts.push(sim.get_u64(count)?);
        sim.step(1)?;
    }
    println!("count: {counts:?}");

    sim.detach(trace)?;
    let vcd = std::fs::read_to_string(waveform)?;
    vcd.lines().filter(|line| line.contains("$var")).for_each(|line| println!("{}", line.trim()));

    print!("{}", systole_verilog::write(&design, &Default::default())?.text());
    Ok(())
}
// ANCHOR_END: main
