//! Streaming attention, executed abstractly: cycles, FIFOs, and how long that took here.
//!
//! ```console
//! $ cargo run --release -p systole-dataflow --example attention -- memory-free 1000000 4
//! $ cargo run --release -p systole-dataflow --example attention -- naive 512 16 513
//! ```
//!
//! Arguments: the variant (`naive`, `stable`, `deferred`, `memory-free`), keys, rows, and the depth of the long FIFOs, N + 2 if left out.
//! With `dot` as a further argument the graph is printed for Graphviz instead, with `svg` as a drawing.

use std::process::ExitCode;
use std::time::Instant;

use systole_dataflow::attention::{Operands, Variant, attention};
use systole_dataflow::{Depth, Kind, Record, dot, svg};

fn main() -> ExitCode {
    match report(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn report(arguments: &[String]) -> Result<String, String> {
    let picture = arguments.last().map(String::as_str).filter(|last| matches!(*last, "dot" | "svg"));
    let arguments = &arguments[..arguments.len() - usize::from(picture.is_some())];
    let usage = "arguments: naive|stable|deferred|memory-free KEYS ROWS [DEPTH] [dot|svg]";
    let [variant, sizes @ ..] = arguments else { return Err(usage.into()) };
    let variant = match variant.as_str() {
        "naive" => Variant::Naive,
        "stable" => Variant::Stable,
        "deferred" => Variant::Deferred,
        "memory-free" => Variant::MemoryFree,
        _ => return Err(usage.into()),
    };
    let sizes: Vec<usize> = sizes.iter().map(|size| size.parse()).collect::<Result<_, _>>().map_err(|_| usage)?;
    let (keys, rows, long) = match sizes[..] {
        [keys, rows] if keys * rows > 0 => (keys, rows, keys + 2),
        [keys, rows, depth] if keys * rows > 0 => (keys, rows, depth),
        _ => return Err(usage.into()),
    };
    let scores: Vec<f64> = (0..keys * rows).map(|i| (i as f64 * 0.618).sin()).collect();
    let values: Vec<f64> = (0..keys).map(|i| (i as f64 * 0.382).cos()).collect();
    let operands = Operands { scores: scores.into(), values: values.into(), keys, head_dim: 1 };
    let graph = attention(variant, &operands, Depth::Words(long)).graph;

    let start = Instant::now();
    let run = graph.run().map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    graph.run_timing().map_err(|error| error.to_string())?;
    let timing_seconds = start.elapsed().as_secs_f64();
    if let Some(picture) = picture {
        let run = graph.run_with(Record { values: false, transfers: true }).map_err(|error| error.to_string())?;
        let uses = dot::uses(&graph, &run);
        return Ok(if picture == "dot" { dot::dot(&graph, &uses) } else { svg::svg(&graph, &uses) });
    }

    let mut lines = vec![format!("{} cycles, first output in cycle {}", run.cycles, run.outputs[0].cycles[0])];
    lines.push(format!("{:<20} {:>9} {:>12} {:>12} {:>12} {:>9}", "channel", "elements", "first in", "last in", "last out", "most held"));
    for (id, channel) in graph.channels() {
        let traffic = run.traffic(id);
        let (first, last) = traffic.entered.unwrap_or_default();
        let left = traffic.left.unwrap_or_default().1;
        lines.push(format!("{:<20} {:>9} {first:>12} {last:>12} {left:>12} {:>9}", channel.name, traffic.elements, traffic.high_water));
    }
    let scores = (keys * rows) as f64 / 1e6;
    let transfers = run.traffic.iter().map(|traffic| traffic.elements).sum::<u64>() as f64 / 1e6;
    let units = graph.units().filter(|(_, unit)| !matches!(unit.kind, Kind::Source | Kind::Sink)).count();
    lines.push(format!("{units} units, {scores:.2} million scores, {transfers:.2} million transfers"));
    lines.push(format!(
        "with values {seconds:.3} s, {:.2} million scores a second; without {timing_seconds:.3} s, {:.2} million",
        scores / seconds,
        scores / timing_seconds
    ));
    Ok(lines.join("\n"))
}
