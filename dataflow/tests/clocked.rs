//! Random graphs come out the same cycle by cycle as in abstract execution.

mod support;

use std::ops::Range;

use support::clocked::{clocked, number_of};
use support::random::{LONG, SHORT, Scale, random_graph};
use systole_dataflow::{ChannelId, Depth, Record, RunError, Traffic, Values};

fn have_the_same_transfers(seeds: Range<u64>, scale: &Scale, least: [u64; 2]) {
    let (mut complete, mut deadlocks) = (0, 0);
    for seed in seeds {
        let graph = random_graph(seed, scale);
        let (sinks, fifos, cycles) = clocked(&graph);
        match graph.run_with(Record { values: if seed % 2 == 0 { Values::Exact } else { Values::None }, transfers: true }) {
            Ok(run) => {
                complete += 1;
                assert_eq!(run.cycles, cycles, "seed {seed}");
                let taken: Vec<_> =
                    run.outputs.iter().map(|output| run.transfers(graph.unit(output.unit).inputs[0]).unwrap().left.clone()).collect();
                assert_eq!(taken, sinks, "seed {seed}");
                for (id, channel) in graph.channels() {
                    let fifo = &fifos[number_of(&graph, id)];
                    // On a wire nothing stays: an element enters when it leaves.
                    let (entered, entered_all) = match graph.is_fifo(id) {
                        true => (fifo.traffic.entered, &fifo.transfers.entered),
                        false => (fifo.traffic.left, &fifo.transfers.left),
                    };
                    let expected = Traffic { entered, ..fifo.traffic.clone() };
                    assert_eq!(run.traffic(id), &expected, "seed {seed}: {}", channel.name);
                    let transfers = run.transfers(id).unwrap();
                    assert_eq!((&transfers.entered, &transfers.left), (entered_all, &fifo.transfers.left), "seed {seed}: {}", channel.name);
                }
            }
            Err(RunError::Deadlock(deadlock)) => {
                deadlocks += 1;
                assert_eq!(deadlock.cycle, cycles, "seed {seed}: {deadlock}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(complete > least[0] && deadlocks > least[1], "{complete} complete, {deadlocks} deadlocks");
}

#[test]
fn random_graphs_have_the_same_transfers_as_cycle_by_cycle() {
    have_the_same_transfers(0..2000, &SHORT, [500, 50]);
}

#[test]
fn random_graphs_with_long_periods_have_the_same_transfers_as_cycle_by_cycle() {
    have_the_same_transfers(0..250, &LONG, [150, 10]);
}

#[test]
fn the_depths_that_a_deadlock_asks_for_are_the_least_that_run() {
    let mut deadlocks = 0;
    for (seed, scale) in (0..1500).map(|seed| (seed, &SHORT)).chain((0..200).map(|seed| (seed, &LONG))) {
        let mut graph = random_graph(seed, scale);
        let Err(RunError::Deadlock(deadlock)) = graph.run_timing() else { continue };
        deadlocks += 1;
        assert!(!deadlock.short.is_empty(), "seed {seed}: {deadlock}");
        for fifo in &deadlock.short {
            let least = fifo.least.unwrap_or_else(|| panic!("seed {seed}: {deadlock}"));
            graph.set_depth(fifo.channel, Depth::Words(least));
        }
        graph.run_timing().unwrap_or_else(|error| panic!("seed {seed}: {deadlock}, then {error}"));
        for fifo in &deadlock.short {
            let least = fifo.least.unwrap();
            graph.set_depth(fifo.channel, Depth::Words(least - 1));
            assert!(graph.run_timing().is_err(), "seed {seed}: `{}` would do with {}", fifo.name, least - 1);
            graph.set_depth(fifo.channel, Depth::Words(least));
        }
    }
    assert!(deadlocks > 50, "{deadlocks}");
}

#[test]
fn least_depths_keep_full_rate_together_and_none_can_be_less() {
    for (seed, scale) in (0..300).map(|seed| (seed, &SHORT)).chain((0..40).map(|seed| (seed, &LONG))) {
        let mut graph = random_graph(seed, scale);
        let fifos: Vec<ChannelId> = graph.fifos().map(|(id, _)| id).collect();
        fifos.iter().for_each(|&channel| graph.set_depth(channel, Depth::Unbounded));
        let full_rate = graph.run_timing().unwrap().cycles;
        let depths = systole_dataflow::least_depths(&graph).unwrap();
        depths.iter().for_each(|&(channel, depth)| graph.set_depth(channel, Depth::Words(depth)));
        assert_eq!(graph.run_timing().unwrap().cycles, full_rate, "seed {seed}");
        for &(channel, depth) in depths.iter().filter(|(_, depth)| *depth > 1) {
            graph.set_depth(channel, Depth::Words(depth - 1));
            let slower = graph.run_timing().map_or(true, |run| run.cycles > full_rate);
            assert!(slower, "seed {seed}: `{}` would do with {}", graph.channel(channel).name, depth - 1);
            graph.set_depth(channel, Depth::Words(depth));
        }
    }
}
