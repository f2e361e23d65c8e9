//! Imports a pulse width modulator of rust-hdl's widgets, simulates it, and prints its Verilog:
//!
//! ```sh
//! cargo run --release -p systole-rust-hdl --example rust_hdl
//! ```

use anyhow::{Context, anyhow};
use rust_hdl_core::prelude::Block;
use rust_hdl_widgets::prelude::PulseWidthModulator;
use systole_rust_hdl::{Options, import_with};
use systole_sim::Simulator;

const BITS: usize = 6;

fn main() -> anyhow::Result<()> {
    let mut circuit = PulseWidthModulator::<BITS>::default();
    circuit.connect_all();
    let options = Options { name: "modulator".to_string(), ..Options::default() };
    let design = import_with(&circuit, &options).map_err(|found| anyhow!("{}", found[0]))?;

    let mut simulator = Simulator::new(&design, Default::default())?;
    let [enable, threshold] = [simulator.input("enable")?, simulator.input("threshold")?];
    let active = simulator.output("active")?;
    simulator.set(enable, true)?;
    println!("threshold: cycles active of {}", 1 << BITS);
    for value in [0u64, 1, 16, 63] {
        simulator.set(threshold, value)?;
        // A period for the threshold to come through, and one to count.
        simulator.step(1 << BITS)?;
        let mut count = 0;
        for _ in 0..1 << BITS {
            count += simulator.get_u64(active)?;
            simulator.step(1)?;
        }
        println!("{value:9}: {count}");
    }

    let verilog = systole_verilog::write(&design, &Default::default()).context("the circuit has no combinational loop")?;
    println!("\n{}", verilog.text());
    Ok(())
}
