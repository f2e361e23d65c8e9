//! A weighted mean as a graph of streaming units, twice: with weights divided by their sum, and with the sum divided once.

use systole_dataflow::{ChannelId, Depth, Fold, Graph, Type, Word, family_depths, input, next, state};
use systole_hdl::elaborate;
use systole_sim::{Options, Simulator, StallPattern};

/// Formats of values, of weights, and of the sums of both.
const VALUE: Type = Type::q(4, 8);
const WEIGHT: Type = Type::uq(1, 8);
const SUM: Type = Type::q(16, 12);
const WEIGHT_SUM: Type = Type::uq(16, 8);

/// `rows` rows of `n` weights and values each.
fn sources(graph: &mut Graph, rows: u64, n: u64) -> [ChannelId; 2] {
    let weights: Vec<f64> = (0..n).map(|i| 1.0 / (1 + i % 4) as f64).collect();
    let values: Vec<f64> = (0..n).map(|i| (i % 5) as f64 - 1.0).collect();
    [graph.source("weights", [WEIGHT], weights, rows), graph.source("values", [VALUE], values, rows)]
}

// ANCHOR: shares
/// Each weight is divided by the sum of its row, then multiplied by its value.
fn shares(rows: u64, n: u64, depth: Depth) -> Graph {
    let mut graph = Graph::new();
    let [weights, values] = sources(&mut graph, rows, n);
    let [wait, to_sum] = graph.fork("fork", weights);
    graph.set_depth(wait, depth);

    let add = Fold::new([Word::zero(WEIGHT_SUM)], [(state(0) + input(0)).wrap(WEIGHT_SUM)], [next(0)]);
    let sum = graph.reduce("sum", &[to_sum], n, add);
    let sums = graph.repeat("sum-again", sum, n);
    let shares = graph.zip("share", &[wait, sums], [input(0).divide(input(1), Type::uq(1, 12))]);
    graph.set_latency(graph.producer(shares), 8);

    let step = (state(0) + (input(0) * input(1)).round(12)).wrap(SUM);
    let mean = graph.reduce("mean", &[shares, values], n, Fold::new([Word::zero(SUM)], [step], [next(0)]));
    graph.sink("means", mean);
    graph
}
// ANCHOR_END: shares

// ANCHOR: sums
/// Weights and weighted values are summed side by side, and divided once a row.
fn sums(rows: u64, n: u64) -> Graph {
    let mut graph = Graph::new();
    let [weights, values] = sources(&mut graph, rows, n);
    let [to_sum, to_values] = graph.fork("fork", weights);

    let add = Fold::new([Word::zero(WEIGHT_SUM)], [(state(0) + input(0)).wrap(WEIGHT_SUM)], [next(0)]);
    let sum = graph.reduce("sum", &[to_sum], n, add);
    let step = (state(0) + (input(0) * input(1)).round(12)).wrap(SUM);
    let weighted = graph.reduce("weighted", &[to_values, values], n, Fold::new([Word::zero(SUM)], [step], [next(0)]));

    let mean = graph.zip("mean", &[weighted, sum], [input(0).divide(input(1), SUM)]);
    graph.set_latency(graph.producer(mean), 8);
    graph.sink("means", mean);
    graph
}
// ANCHOR_END: sums

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: depths
    let (rows, n) = (16, 64);
    for depth in [63, 64, 65, 66, 67] {
        match shares(rows, n, Depth::Words(depth as usize)).run() {
            Ok(run) => println!("depth {depth}: {} cycles", run.cycles),
            Err(error) => println!("depth {depth}: {error}"),
        }
    }
    for need in family_depths(&[16, 64, 256], |n| shares(4, n, Depth::Unbounded))? {
        println!("{need}");
    }
    // ANCHOR_END: depths

    // ANCHOR: constant
    for need in family_depths(&[16, 64, 256], |n| sums(4, n))? {
        println!("{need}");
    }
    let graph = sums(rows, n);
    let run = graph.run()?;
    println!("{} cycles, mean {}", run.cycles, run.outputs[0].values[0]);
    // ANCHOR_END: constant

    // ANCHOR: hardware
    let design = elaborate(&graph.hardware("mean")?)?;
    let size = design.statistics();
    println!("{} modules, {} multipliers, {} memory bits", size.modules, size.multipliers, size.memory_bits);

    let mut sim = Simulator::new(&design, Options::default())?;
    for name in ["weights", "values"] {
        let (_, unit) = graph.units().find(|(_, unit)| unit.name == name).ok_or("the graph has this source")?;
        let source = sim.source(name, StallPattern::Always)?;
        for _ in 0..rows {
            sim.push_all(source, unit.elements.raw.iter().copied())?;
        }
    }
    let means = sim.sink("means", StallPattern::Always)?;
    sim.run_until_received(means, rows as usize, 10_000)?;
    let first = sim.take_received(means).remove(0);
    println!("{} cycles, mean {}", sim.cycle(), first.value.to_i64().ok_or("a sum has 28 bits")? as f64 / 4096.0);

    let verilog = systole_verilog::write(&design, &systole_verilog::Options::default())?;
    println!("{}", verilog.modules.iter().map(|module| module.file_name()).collect::<Vec<_>>().join(" "));
    // ANCHOR_END: hardware
    Ok(())
}
