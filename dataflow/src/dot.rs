//! A picture of a graph in the DOT language of Graphviz.

use std::fmt::Write;

use crate::execute::Run;
use crate::graph::{Depth, Graph};

/// The graph from left to right: units with their period, interval and latency where these are not 1, channels with their depth, and, of a
/// run, with their high-water mark. A FIFO that was full at a time is bold.
pub fn dot(graph: &Graph, run: Option<&Run>) -> String {
    let mut text = String::from("digraph dataflow {\n  rankdir=LR;\n  node [shape=box];\n");
    for (id, unit) in graph.units() {
        let mut label = format!("{}\\n{}", escaped(&unit.name), format!("{:?}", unit.kind).to_lowercase());
        for (what, value) in [("n", unit.period), ("interval", unit.interval), ("latency", unit.latency)] {
            if value != 1 {
                _ = write!(label, "\\n{what} {value}");
            }
        }
        _ = writeln!(text, "  u{} [label=\"{label}\"];", id.0);
    }
    for (id, channel) in graph.channels() {
        let Some(consumer) = channel.consumer else { continue };
        let mut label = match channel.depth {
            _ if !graph.is_fifo(id) => "wire".to_string(),
            Depth::Words(words) => format!("depth {words}"),
            Depth::Unbounded => "unbounded".to_string(),
        };
        let mut style = "";
        if let Some(run) = run.filter(|_| graph.is_fifo(id)) {
            let most = run.traffic(id).high_water;
            _ = write!(label, "\\nheld {most}");
            if channel.depth == Depth::Words(most) {
                style = ", style=bold";
            }
        }
        _ = writeln!(text, "  u{} -> u{} [label=\"{label}\"{style}];", channel.producer.0, consumer.0);
    }
    text.push_str("}\n");
    text
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}
