//! Cycles a second of the whole GEMM accelerator (control, memories, streams, array) on both engines, under random operands that
//! never stall.

use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use systole_hdl::{Type, Value};
use systole_kernels::gemm::hardware::{Dataflow, HardwareParameters};
use systole_sim::{Compiled, DomainSet, Engine, NodeId, Reference};

/// Measure the engines on an N by N GEMM accelerator.
#[derive(Parser)]
struct Arguments {
    /// Rows and columns of the array.
    #[arg(long, default_value_t = 16)]
    size: u32,
    /// Cycles to run.
    #[arg(long, default_value_t = 100_000)]
    cycles: u64,
    /// Leave the reference engine out.
    #[arg(long)]
    compiled_only: bool,
}

/// The next number of Marsaglia's xorshift sequence.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn job(hardware: &HardwareParameters) -> Value {
    let field = |name: &str| match name {
        "outer_tiles" | "lane_tiles" => 4,
        "reduction_tiles" => 8,
        "full_length" | "last_length" => u64::from(hardware.buffer_rows / 2),
        "last_rows" => u64::from(hardware.rows),
        "multiplier" => 40_000,
        "shift" => 12,
        _ => 1,
    };
    hardware.job_fields().into_iter().fold(Value::zero(0), |beat, (name, ty)| beat.concat(&Value::from_u64(ty.width(), field(name))))
}

fn measure(name: &str, engine: &mut dyn Engine, job: &Value, cycles: u64) {
    let top = engine.hierarchy().module(NodeId::TOP);
    let inputs: Vec<(String, usize)> =
        top.inputs.iter().map(|port| (port.name.clone(), top.ty(port.cell).width().div_ceil(64) as usize)).collect();
    let output = |name: &str| top.outputs.iter().find(|port| port.name == name).map(|port| port.value).expect("the top has this port");
    let (valid, data) = (output("c_valid"), output("c_data"));
    let mut word = vec![0; top.ty(data).width().div_ceil(64) as usize];
    for (port, (name, _)) in inputs.iter().enumerate() {
        match name.as_str() {
            "job_data" => engine.set_input(port, job.limbs()),
            name if name.ends_with("_valid") || name.ends_with("_ready") => engine.set_input(port, &[1]),
            _ => {}
        }
    }
    let random: Vec<usize> =
        (0..inputs.len()).filter(|&port| ["a_data", "b_data", "bias_data"].contains(&inputs[port].0.as_str())).collect();
    let (mut state, mut outputs, mut checksum) = (88_172_645_463_325_252, 0, 0u64);
    let mut limbs = Vec::new();
    let domains = DomainSet::first(1);
    let start = Instant::now();
    for _ in 0..cycles {
        for &port in &random {
            limbs.clear();
            limbs.extend((0..inputs[port].1).map(|_| next(&mut state)));
            engine.set_input(port, &limbs);
        }
        engine.settle();
        if engine.read_u64(NodeId::TOP, valid) == 1 {
            outputs += 1;
            engine.read(NodeId::TOP, data, &mut word);
            checksum = checksum.rotate_left(5) ^ word[0];
        }
        engine.edge(domains);
    }
    let rate = cycles as f64 / start.elapsed().as_secs_f64();
    println!("{name:>11} {cycles:>9} cycles {outputs:>8} outputs {checksum:>17x} {rate:>12.0} cycles/s");
}

fn main() {
    let arguments = Arguments::parse();
    let hardware = HardwareParameters {
        rows: arguments.size,
        columns: arguments.size,
        dataflow: Dataflow::WeightStationary,
        overlap_load: true,
        buffer_rows: 256,
        a: Type::s(8),
        b: Type::s(8),
        accumulator: Type::s(32),
        output: Type::s(8),
        multiplier_bits: 16,
        shift_bits: 6,
    };
    let design = Arc::new(hardware.design().unwrap_or_else(|errors| panic!("{errors}")));
    let job = job(&hardware);
    if !arguments.compiled_only {
        let mut engine = Reference::new(&design).unwrap_or_else(|error| panic!("{error}"));
        measure("reference", &mut engine, &job, arguments.cycles);
    }
    let start = Instant::now();
    let mut engine = Compiled::new(&design).unwrap_or_else(|error| panic!("{error}"));
    println!("ready after {:.2?}", start.elapsed());
    measure("compiled", &mut engine, &job, arguments.cycles);
}
