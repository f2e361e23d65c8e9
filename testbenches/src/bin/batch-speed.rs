//! What a batch brings: cycles a second times stimuli, of a 4 by 4 array and of a controller, on the compiled engine.

use std::time::Instant;

use clap::Parser;
use systole_hdl::prelude::*;
use systole_sim::simulator::Batch;
use systole_sim::{EngineKind, Options};
use systole_testbenches::bench_rtl::array::{Array, ArrayIn};

/// Measure how many stimuli of small designs are simulated at once.
#[derive(Parser)]
struct Arguments {
    /// How many stimuli.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16, 64])]
    stimuli: Vec<usize>,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Measure the reference engine.
    #[arg(long)]
    reference: bool,
}

/// Four by four elements, with the same operand for all rows and all columns: the array is what is measured, not its ports.
#[derive(Debug)]
struct SmallArray;

bundle! { struct SmallArrayIn { west: Signal, north: Signal, clear: Signal } }
bundle! { struct SmallArrayOut { sum: Signal } }

impl Component for SmallArray {
    type In = SmallArrayIn;
    type Out = SmallArrayOut;

    fn inputs(&self) -> SmallArrayIn {
        SmallArrayIn { west: port(Type::s(8)), north: port(Type::s(8)), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: SmallArrayIn) -> SmallArrayOut {
        let edges = ArrayIn { west: vec![i.west; 4], north: vec![i.north; 4], clear: i.clear };
        let sums = m.instance("array", &Array::int8(4), edges).sum;
        let sum = sums.into_iter().flatten().reduce(|all, sum| all ^ sum).expect("the array has elements");
        SmallArrayOut { sum }
    }
}

/// A controller: nested counters, a state that goes round, and a linear-feedback shift register.
#[derive(Debug)]
struct Controller;

bundle! { struct ControllerIn { rows: Signal, columns: Signal, enable: Signal } }
bundle! { struct ControllerOut { address: Signal, state: Signal, noise: Signal } }

impl Component for Controller {
    type In = ControllerIn;
    type Out = ControllerOut;

    fn inputs(&self) -> ControllerIn {
        ControllerIn { rows: port(Type::u(10)), columns: port(Type::u(10)), enable: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: ControllerIn) -> ControllerOut {
        let [row, column] = ["row", "column"].map(|name| m.reg(name, Type::u(10)));
        let (state, address) = (m.reg("state", Type::u(3)), m.reg("address", Type::u(20)));
        let last_column = column.equals(i.columns).named("last_column");
        let last_row = row.equals(i.rows).named("last_row");
        m.when(i.enable, || {
            address.next(address + 1);
            m.when(last_column, || {
                column.next(0);
                m.when(last_row, || {
                    row.next(0);
                    address.next(0);
                    state.next(state.equals(5).mux(0, state + 1));
                })
                .otherwise(|| row.next(row + 1));
            })
            .otherwise(|| column.next(column + 1));
        });
        let noise = m.reg("noise", Type::u(16)).resets_to(1);
        let feedback = noise.bit(15) ^ noise.bit(13) ^ noise.bit(12) ^ noise.bit(10);
        noise.next(concat(&[noise.bits(0..15), feedback]).reinterpret(Type::u(16)));
        ControllerOut { address: *address, state: *state, noise: *noise }
    }
}

/// Cycles a second and stimuli together, and a sum over all outputs.
fn measure(design: &Design, stimuli: usize, arguments: &Arguments) -> anyhow::Result<(f64, u64)> {
    let engine = if arguments.reference { EngineKind::Reference } else { EngineKind::Compiled };
    let mut batch = Batch::new(design, stimuli, Options { engine, ..Options::default() })?;
    let inputs = &design.top_module().inputs;
    for number in 0..stimuli {
        for (index, port) in inputs.iter().enumerate() {
            let (handle, width) = (batch.input(&port.name)?, design.top_module().ty(port.cell).width());
            let any = (number as u64 + 3).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7 * index as u32);
            let bits = if width == 1 { u64::from(port.name == "enable") } else { any >> (64 - width) };
            batch.stimulus(number)?.set(handle, Value::from_u64(width, bits))?;
        }
    }
    batch.simulator().step(100)?;
    let mut sum = 0u64;
    for number in 0..stimuli {
        for port in &design.top_module().outputs {
            let output = batch.output(&port.name)?;
            sum = (sum ^ batch.stimulus(number)?.get(output).limbs()[0]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
    let (start, mut cycles) = (Instant::now(), 0u64);
    while start.elapsed().as_secs_f64() < arguments.seconds {
        batch.simulator().step(200)?;
        cycles += 200;
    }
    Ok((cycles as f64 * stimuli as f64 / start.elapsed().as_secs_f64(), sum))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let designs = [("4x4 array", elaborate(&SmallArray)), ("controller", elaborate(&Controller))];
    println!("{:>10} {:>8} {:>20} {:>9} {:>18}", "design", "stimuli", "stimuli x cycles/s", "ratio", "checksum");
    for (name, design) in designs {
        let design = design.map_err(|errors| anyhow::anyhow!("{errors}"))?;
        let mut first = None;
        for &stimuli in &arguments.stimuli {
            let (speed, sum) = measure(&design, stimuli, &arguments)?;
            println!("{name:>10} {stimuli:>8} {speed:>20.0} {:>9.2} {sum:>18x}", speed / *first.get_or_insert(speed));
        }
    }
    Ok(())
}
