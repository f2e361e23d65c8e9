//! A picture of a graph in the DOT language of Graphviz, and what pictures show of a run. [`svg`](crate::svg) draws the same without Graphviz.

use std::fmt::Write;

use crate::execute::Run;
use crate::graph::{Depth, Graph, Unit};
use crate::svg::printable;

/// What a picture shows of a channel, measured in an execution or in hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelUse {
    /// The most elements that it held.
    pub high_water: u64,
    /// Cycles in which an element stood in the FIFO and was not taken, if they were counted.
    pub stalled: Option<u64>,
}

/// What a run of the graph showed of each channel, in their order; stalls only where the run recorded transfers.
pub fn uses(graph: &Graph, run: &Run) -> Vec<ChannelUse> {
    let channels = graph.channels().map(|(id, _)| {
        let stalled = run.transfers(id).filter(|_| graph.is_fifo(id)).map(|transfers| {
            let mut before = None;
            let waits = transfers.entered.iter().zip(&transfers.left).map(|(&entered, &left)| {
                // It is the first in the FIFO when it has entered and the one before it has left.
                let first = before.map_or(entered, |before| entered.max(before)) + 1;
                before = Some(left);
                left - first
            });
            waits.sum()
        });
        ChannelUse { high_water: run.traffic(id).high_water as u64, stalled }
    });
    channels.collect()
}

/// The graph from left to right: units with their period, interval and latency where these are not 1, channels with their depth, and, where
/// `uses` has an entry a channel and is not empty, with the most that they held and their stalls. A FIFO that was full at a time is bold.
pub fn dot(graph: &Graph, uses: &[ChannelUse]) -> String {
    let mut text = String::from("digraph dataflow {\n  rankdir=LR;\n  node [shape=box];\n");
    for (id, unit) in graph.units() {
        let mut label = format!("{}\\n{}", escaped(&unit.name), format!("{:?}", unit.kind).to_lowercase());
        for (what, value) in facts(unit) {
            _ = write!(label, "\\n{what} {value}");
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
        if let Some(used) = uses.get(id.0).filter(|_| graph.is_fifo(id)) {
            _ = write!(label, "\\nheld {}", used.high_water);
            if let Some(stalled @ 1..) = used.stalled {
                _ = write!(label, "\\nstalled {stalled}");
            }
            if channel.depth == Depth::Words(used.high_water as usize) {
                style = ", style=bold";
            }
        }
        _ = writeln!(text, "  u{} -> u{} [label=\"{label}\"{style}];", channel.producer.0, consumer.0);
    }
    text.push_str("}\n");
    text
}

/// What of a unit's numbers is worth saying: those that are not 1.
pub(crate) fn facts(unit: &Unit) -> impl Iterator<Item = (&'static str, u64)> {
    [("n", unit.period), ("interval", unit.interval), ("latency", unit.latency)].into_iter().filter(|&(_, value)| value != 1)
}

fn escaped(name: &str) -> String {
    printable(name).replace('\\', "\\\\").replace('"', "\\\"")
}
