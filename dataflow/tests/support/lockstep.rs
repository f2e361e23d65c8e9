//! A graph's hardware beside its abstract execution, transfer by transfer.

use systole_dataflow::hardware::{fields, identifier, word};
use systole_dataflow::{ChannelId, Graph, Record, Run, RunError, Transfers, Values};
use systole_sim::simulator::{EngineKind, Options, Simulator};
use systole_sim::{Signal, StallPattern};

use super::clocked::clocked;

/// What hardware did.
pub struct Hardware {
    /// Of each channel, by its number.
    pub transfers: Vec<Transfers>,
    /// Of each sink, the raw fields that it took.
    pub raw: Vec<Vec<i64>>,
}

/// Runs the hardware for so many cycles.
pub fn simulate(graph: &Graph, cycles: u64, engine: EngineKind) -> Hardware {
    let elaborated = systole_hdl::elaborate_with_warnings(&graph.hardware("graph").unwrap());
    let (design, warnings) = elaborated.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    let mut simulator = Simulator::new(&design, Options { engine, ..Options::default() }).unwrap();
    let mut sinks = Vec::new();
    for (_, unit) in graph.units() {
        if let Some(&output) = unit.outputs.first().filter(|_| unit.inputs.is_empty()) {
            let source = simulator.source(&identifier(&unit.name), StallPattern::Always).unwrap();
            let types = &graph.channel(output).fields;
            for _ in 0..unit.elements.times {
                simulator.push_all(source, unit.elements.raw.chunks(types.len()).map(|raw| word(types, raw))).unwrap();
            }
        } else if unit.outputs.is_empty() {
            let sink = simulator.sink(&identifier(&unit.name), StallPattern::Always).unwrap();
            sinks.push((sink, graph.channel(unit.inputs[0]).fields.clone()));
        }
    }
    let watched: Vec<[[Signal; 2]; 2]> = graph.channels().map(|(id, _)| watch(&simulator, graph, id)).collect();
    let mut transfers = vec![Transfers::default(); watched.len()];
    for cycle in 0..cycles {
        for ([enters, leaves], transfers) in watched.iter().zip(&mut transfers) {
            let mut happens = |signals: &[Signal; 2]| signals.iter().all(|&signal| simulator.get_u64(signal).unwrap() == 1);
            let (enters, leaves) = (happens(enters), happens(leaves));
            if enters {
                transfers.entered.push(cycle);
            }
            if leaves {
                transfers.left.push(cycle);
            }
        }
        simulator.step(1).unwrap();
    }
    let taken = |(sink, types): (_, Vec<_>)| {
        simulator.take_received(sink).iter().flat_map(|received| fields(&types, &received.value)).collect::<Vec<_>>()
    };
    let raw = sinks.into_iter().map(taken).collect();
    Hardware { transfers, raw }
}

/// The signals of which both are 1 when an element enters, and when one leaves a channel.
fn watch(simulator: &Simulator, graph: &Graph, channel: ChannelId) -> [[Signal; 2]; 2] {
    let name = identifier(&graph.channel(channel).name);
    let signal = |path: String| simulator.signal(&path).unwrap_or_else(|error| panic!("{error}"));
    if graph.is_fifo(channel) {
        return [[signal(format!("{name}_enters")); 2], [signal(format!("{name}_fifo.leaves")); 2]];
    }
    // A wire from a source: it enters when it leaves.
    [[signal(format!("{name}_valid")), signal(format!("{name}_ready"))]; 2]
}

/// Asserts that hardware does the same as abstract execution: every transfer, every value; a deadlock too. Gives the run, if there is one.
pub fn assert_same(graph: &Graph, engine: EngineKind, context: &str) -> Option<Run> {
    match graph.run_with(Record { values: Values::Exact, transfers: true }) {
        Ok(run) => {
            let hardware = simulate(graph, run.cycles + 5, engine);
            for (id, channel) in graph.channels() {
                let number = graph.channels().position(|(other, _)| other == id).unwrap();
                assert_eq!(Some(&hardware.transfers[number]), run.transfers(id), "{context}: channel {}", channel.name);
            }
            for (output, raw) in run.outputs.iter().zip(&hardware.raw) {
                assert_eq!(&output.raw, raw, "{context}: values of {}", graph.unit(output.unit).name);
            }
            Some(run)
        }
        Err(RunError::Deadlock(deadlock)) => {
            let hardware = simulate(graph, deadlock.cycle + 200, engine);
            let (_, expected, _) = clocked(graph);
            for (((id, channel), transfers), expected) in graph.channels().zip(&hardware.transfers).zip(&expected) {
                assert_eq!(transfers.left, expected.transfers.left, "{context}: channel {}", channel.name);
                if graph.is_fifo(id) {
                    assert_eq!(transfers.entered, expected.transfers.entered, "{context}: channel {}", channel.name);
                }
            }
            None
        }
        Err(error) => panic!("{context}: {error}"),
    }
}
