//! Cycles a second of square output-stationary arrays on both engines, and how long until the first cycle has run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use systole_hdl::prelude::*;
use systole_sim::{Compiled, DomainSet, Engine, NodeId, Reference};
use systole_testbenches::mac_array::{MacArray, MacPe};

/// Measure the engines on N by N arrays of multiply-accumulate elements.
#[derive(Parser)]
struct Arguments {
    /// The sizes.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 16, 32, 64, 128])]
    sizes: Vec<usize>,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Leave the reference engine out.
    #[arg(long)]
    compiled_only: bool,
}

/// What was measured of an engine.
struct Measured {
    /// From the design to the end of the first cycle.
    ready: Duration,
    cycles_per_second: f64,
    /// Over all outputs, after equally many cycles for all engines.
    checksum: u64,
}

fn measure<E: Engine>(design: &Arc<Design>, make: impl Fn(&Arc<Design>) -> E, seconds: f64) -> Measured {
    let start = Instant::now();
    let mut engine = make(design);
    let domains = DomainSet::first(1);
    engine.settle();
    engine.edge(domains);
    engine.settle();
    let ready = start.elapsed();

    engine.restore_initial_state();
    for cycle in 0..100u64 {
        stimulate(&mut engine, cycle);
        engine.settle();
        engine.edge(domains);
    }
    engine.settle();
    let checksum = checksum(&engine);
    let (start, mut cycles) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < seconds {
        engine.advance(domains, 100);
        cycles += 100;
    }
    Measured { ready, cycles_per_second: cycles as f64 / start.elapsed().as_secs_f64(), checksum }
}

fn stimulate(engine: &mut dyn Engine, cycle: u64) {
    let inputs = engine.hierarchy().module(NodeId::TOP).inputs.len();
    // The last input is `clear`.
    for port in 0..inputs - 1 {
        engine.set_input(port, &[cycle.wrapping_mul(0x9e37_79b9).wrapping_add(port as u64 * 77) >> 3]);
    }
    engine.set_input(inputs - 1, &[u64::from(cycle == 40)]);
}

fn checksum(engine: &dyn Engine) -> u64 {
    let outputs = &engine.hierarchy().module(NodeId::TOP).outputs;
    outputs.iter().fold(0, |sum: u64, port| sum.rotate_left(5) ^ engine.read_u64(NodeId::TOP, port.value))
}

fn main() {
    let arguments = Arguments::parse();
    println!("{:>7} {:>11} {:>12} {:>16} {:>14}", "array", "engine", "ready", "cycles/s", "checksum");
    for n in arguments.sizes {
        let design = elaborate(&MacArray { n, pe: MacPe { data: Type::s(8), acc: Type::s(32) } });
        let design = Arc::new(design.unwrap_or_else(|errors| panic!("{errors}")));
        let name = format!("{n}x{n}");
        let print = |engine: &str, m: Measured| {
            println!("{name:>7} {engine:>11} {:>12.2?} {:>16.0} {:>14x}", m.ready, m.cycles_per_second, m.checksum >> 16);
        };
        if !arguments.compiled_only {
            let make = |design: &Arc<Design>| Reference::new(design).unwrap_or_else(|error| panic!("{error}"));
            print("reference", measure(&design, make, arguments.seconds));
        }
        let make = |design: &Arc<Design>| Compiled::new(design).unwrap_or_else(|error| panic!("{error}"));
        print("compiled", measure(&design, make, arguments.seconds));
    }
}
