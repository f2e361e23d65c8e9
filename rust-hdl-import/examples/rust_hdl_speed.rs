//! Cycles per second of circuits written with rust-hdl, in rust-hdl's own simulator and, imported, on the compiled engine: designs of
//! its widget library, and a chain of multiply-accumulate elements.
//!
//! Both get the same stimulus, a cycle at a time: inputs set, settled, output read, edge. The outputs of the cycles that both
//! simulate are compared by a checksum; the table's last column says how many of them were not zero in a round. rust-hdl's
//! simulator is run by `simulate`, the loop inside its `Simulation`, without the threads and channels that `Simulation` puts
//! around it.

mod chain;
mod designs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use rust_hdl_core::prelude::*;
use systole_hdl::design::DomainId;
use systole_sim::{Compiled, DomainSet, Engine, NodeId};

use chain::Chain;

/// Compare the speed of rust-hdl's simulator and of the compiled engine.
#[derive(Parser)]
struct Arguments {
    /// Designs of rust-hdl's widget library: sdram-fifo, spi-master, asynchronous-fifo, filter.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_values_t = designs::NAMES.map(String::from))]
    designs: Vec<String>,
    /// Elements in the chain: 16, 64, 256 or 1024.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_values_t = [256])]
    elements: Vec<usize>,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds, of which the fastest of each simulator is shown.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// Pseudo-random 16-bit numbers. The weights move on for as many cycles as there are elements, then stay for three times as many.
struct Stimulus {
    elements: u64,
    cycle: u64,
    random: u64,
}

/// The inputs of a cycle.
struct Inputs {
    load: bool,
    weight: u16,
    data: u16,
}

impl Stimulus {
    fn new(elements: u64) -> Stimulus {
        Stimulus { elements, cycle: 0, random: 1 }
    }
}

impl Iterator for Stimulus {
    type Item = Inputs;

    fn next(&mut self) -> Option<Inputs> {
        self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let load = self.cycle % (4 * self.elements) < self.elements;
        self.cycle += 1;
        Some(Inputs { load, weight: (self.random >> 32) as u16, data: (self.random >> 48) as u16 })
    }
}

/// What was measured of one simulator.
struct Measured {
    cycles: u64,
    cycles_per_second: f64,
    checked: Checked,
}

/// What the outputs of the first cycles were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Checked {
    /// Depends on their order.
    checksum: u64,
    /// How many were not zero: in as many cycles as there are elements nothing has passed all of them.
    nonzero: u64,
}

impl Checked {
    fn add(&mut self, output: u64) {
        self.checksum = (self.checksum ^ output).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        self.nonzero += u64::from(output != 0);
    }
}

/// Calls `cycle`, which gives the cycle's output, for `seconds` and for `at_least` so many cycles, in steps of `step` cycles. The
/// first `to_check` outputs are checked.
fn measure<I>(
    mut stimulus: impl Iterator<Item = I>,
    seconds: f64,
    at_least: u64,
    step: u64,
    to_check: u64,
    mut cycle: impl FnMut(&I) -> anyhow::Result<u64>,
) -> anyhow::Result<Measured> {
    let (mut cycles, mut checked) = (0, Checked::default());
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs_f64(seconds) || cycles < at_least {
        for inputs in stimulus.by_ref().take(step as usize) {
            let output = cycle(&inputs)?;
            if cycles < to_check {
                checked.add(output);
            }
            cycles += 1;
        }
    }
    Ok(Measured { cycles, cycles_per_second: cycles as f64 / start.elapsed().as_secs_f64(), checked })
}

/// The bits of a signed number of at most 64 bits.
fn bits<const N: usize>(value: Signed<N>) -> u64 {
    unsigned_cast(value).to_u64()
}

fn in_rust_hdl<const N: usize>(seconds: f64) -> anyhow::Result<Measured> {
    let mut chain = Box::<Chain<N>>::default();
    chain.connect_all();
    let settle = |chain: &mut Chain<N>| match simulate(chain, 100) {
        true => Ok(()),
        false => Err(anyhow::anyhow!("rust-hdl's simulator does not settle")),
    };
    // Weights move in, stay, and what was computed with them comes out.
    let at_least = 3 * N as u64;
    measure(Stimulus::new(N as u64), seconds, at_least, 16, u64::MAX, |inputs| {
        chain.load.next = inputs.load;
        chain.weight.next = signed_cast(u64::from(inputs.weight).to_bits());
        chain.data.next = signed_cast(u64::from(inputs.data).to_bits());
        chain.clock.next = false.into();
        settle(&mut chain)?;
        let output = bits(chain.sum.val());
        chain.clock.next = true.into();
        settle(&mut chain)?;
        Ok(output)
    })
}

fn on_the_compiled_engine<const N: usize>(seconds: f64, to_check: u64) -> anyhow::Result<Measured> {
    let mut chain = Box::<Chain<N>>::default();
    chain.connect_all();
    let refused =
        |found: Vec<systole_rust_hdl::Diagnostic>| anyhow::anyhow!("{}", found.iter().map(ToString::to_string).collect::<String>());
    let design = Arc::new(systole_rust_hdl::import(&*chain).map_err(refused)?);
    let mut engine = Compiled::new(&design)?;
    let sum = design.top_module().outputs[0].value;
    engine.keep(&[(NodeId::TOP, sum)]);
    let domains = DomainSet::only(DomainId(0));
    measure(Stimulus::new(N as u64), seconds, to_check, 4096, to_check, |inputs| {
        engine.set_input(0, &[u64::from(inputs.load)]);
        engine.set_input(1, &[u64::from(inputs.weight)]);
        engine.set_input(2, &[u64::from(inputs.data)]);
        engine.settle();
        let output = engine.read_u64(NodeId::TOP, sum);
        engine.edge(domains);
        Ok(output)
    })
}

/// Measures both simulators in turn, and prints a line of the table. `fast` is to check as many outputs as `slow` gave.
fn compare(
    name: &str,
    rounds: u32,
    mut slow: impl FnMut() -> anyhow::Result<Measured>,
    mut fast: impl FnMut(u64) -> anyhow::Result<Measured>,
) -> anyhow::Result<()> {
    let (mut theirs, mut ours, mut equal) = (0.0_f64, 0.0_f64, u64::MAX);
    for _ in 0..rounds {
        let slow = slow()?;
        let fast = fast(slow.cycles)?;
        let (expected, found) = (slow.checked, fast.checked);
        anyhow::ensure!(expected == found, "{name}: the outputs differ, {found:x?}, in rust-hdl's simulator {expected:x?}");
        anyhow::ensure!(expected.nonzero > 0, "{name}: all outputs are zero, which checks nothing");
        theirs = theirs.max(slow.cycles_per_second);
        ours = ours.max(fast.cycles_per_second);
        equal = equal.min(expected.nonzero);
    }
    println!("| {name} | {theirs:.0} | {ours:.0} | {:.0} | {equal} |", ours / theirs);
    Ok(())
}

fn chain<const N: usize>(arguments: &Arguments) -> anyhow::Result<()> {
    let seconds = arguments.seconds;
    compare(&N.to_string(), arguments.rounds, || in_rust_hdl::<N>(seconds), |to_check| on_the_compiled_engine::<N>(seconds, to_check))
}

fn heading(first: &str, alignment: &str) {
    println!("| {first} | rust-hdl's simulator, cycles/s | compiled engine, cycles/s | ratio | equal outputs, not zero |");
    println!("|{alignment}|---:|---:|---:|---:|");
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if !arguments.designs.is_empty() {
        heading("design", "---");
    }
    for name in &arguments.designs {
        designs::compare_named(name, &arguments)?;
    }
    if !arguments.elements.is_empty() {
        heading("elements", "---:");
    }
    for elements in &arguments.elements {
        match elements {
            16 => chain::<16>(&arguments)?,
            64 => chain::<64>(&arguments)?,
            256 => chain::<256>(&arguments)?,
            1024 => chain::<1024>(&arguments)?,
            _ => anyhow::bail!("a chain has 16, 64, 256 or 1024 elements, not {elements}"),
        }
    }
    Ok(())
}
