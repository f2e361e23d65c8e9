//! The rules of time, once more: a simulation of graphs cycle by cycle, which shares nothing with the abstract execution. Random graphs
//! have to come out the same on both.

use std::ops::Range;

use systole_dataflow::graph::{Kind, Unit};
use systole_dataflow::{ChannelId, Depth, Graph, Record, Room, RunError, Traffic, Transfers, UnitId, input, next, number, state};

struct Random(u64);

impl Random {
    /// From 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of(&mut self, numbers: &[u64]) -> u64 {
        numbers[self.below(numbers.len() as u64) as usize]
    }
}

/// How large random graphs are made.
struct Scale {
    /// Elements of each source, one of these.
    elements: &'static [u64],
    /// The longest period, and the most elements of a channel that are repeated.
    longest: u64,
    /// The largest initiation interval and latency of most units, and of a few.
    cycles: [u64; 2],
}

/// Small enough for many graphs: everything happens at the beginning or at the end.
const SHORT: Scale = Scale { elements: &[24], longest: 6, cycles: [4, 4] };

/// Long enough for patterns of any kind to set in, to drift, to meet the ends of periods, and to end, several rows one after the other.
const LONG: Scale = Scale { elements: &[96, 360, 480, 720, 1024, 1440], longest: 720, cycles: [6, 150] };

/// A graph of up to a dozen units with any depths, intervals and latencies. Channels with equally many elements may be joined.
fn random_graph(seed: u64, scale: &Scale) -> Graph {
    let mut random = Random(seed);
    let mut g = Graph::new();
    if random.below(2) == 0 {
        g.set_room(Room::NextCycle);
    }
    let mut open: Vec<(ChannelId, u64)> = Vec::new();
    let mut fixed: Vec<ChannelId> = Vec::new();
    let elements = random.one_of(scale.elements);
    for i in 0..1 + random.below(2) {
        let values: Vec<f64> = (0..elements).map(|_| random.below(8) as f64).collect();
        open.push((g.source(&format!("source{i}"), 1, values, 1), elements));
    }
    for i in 0..3 + random.below(12) {
        let at = random.below(open.len() as u64) as usize;
        let (channel, count) = open.swap_remove(at);
        let other = open.iter().position(|&(_, other)| other == count);
        let name = format!("unit{i}");
        let divisors = |number: u64| (1..=scale.longest).filter(|divisor| number.is_multiple_of(*divisor)).collect::<Vec<u64>>();
        let period = random.one_of(&divisors(count));
        match (random.below(9), other) {
            (0, _) => open.push((g.map(&name, channel, [input(0) + number(1.0)]), count)),
            (1, _) => open.push((g.scan(&name, &[channel], period, &[0.0], [state(0) + input(0)], [next(0)]), count)),
            (2, _) => open.push((g.reduce(&name, &[channel], period, &[0.0], [state(0) + input(0)], [next(0)]), count / period)),
            (8, _) => {
                let rest = count / period;
                let length = random.one_of(&divisors(rest));
                let step = [state(0) + input(0)];
                open.push((g.mem_reduce(&name, &[channel], period, length, &[0.0], step, [next(0)]), rest));
            }
            (3, _) if count <= elements => open.push((g.repeat(&name, channel, period.min(24)), count * period.min(24))),
            (4 | 5, Some(other)) => {
                let (other, _) = open.swap_remove(other);
                open.push((g.zip(&name, &[channel, other], [input(0) + input(1)]), count));
            }
            (6, _) => {
                // A branch that gives nothing before a period is over, beside one that may be too short for that.
                let [wait, to_sum] = g.fork(&name, channel);
                let sum = g.reduce(&format!("{name}-sum"), &[to_sum], period, &[0.0], [state(0) + input(0)], [next(0)]);
                let sums = g.repeat(&format!("{name}-repeat"), sum, period);
                if random.below(2) == 0 {
                    g.set_depth(wait, Depth::Words((period + random.below(8)).saturating_sub(2).max(1) as usize));
                    fixed.push(wait);
                }
                open.extend([(wait, count), (sums, count)]);
            }
            _ => open.extend(g.fork::<2>(&name, channel).map(|channel| (channel, count))),
        }
    }
    for (i, (channel, _)) in open.into_iter().enumerate() {
        g.sink(&format!("sink{i}"), channel);
    }
    let (units, channels): (Vec<UnitId>, Vec<ChannelId>) =
        (g.units().map(|(id, _)| id).collect(), g.channels().map(|(id, _)| id).collect());
    let cycles = |random: &mut Random| {
        let most = scale.cycles[usize::from(random.below(8) == 0)];
        1 + random.below(most)
    };
    for unit in units {
        if random.below(4) == 0 {
            g.set_interval(unit, cycles(&mut random).min(40));
        }
        if random.below(4) == 0 {
            g.set_latency(unit, cycles(&mut random));
        }
    }
    for channel in channels.into_iter().filter(|channel| !fixed.contains(channel)) {
        let depth = match random.below(8) {
            0 => Depth::Unbounded,
            1 => Depth::Words(1 + random.below(scale.longest) as usize),
            _ => Depth::Words(1 + random.below(5) as usize),
        };
        g.set_depth(channel, depth);
    }
    g
}

#[derive(Default)]
struct Fifo {
    is_wire: bool,
    held: usize,
    held_before: usize,
    traffic: Traffic,
    transfers: Transfers,
}

struct Clocked<'a> {
    graph: &'a Graph,
    units: Vec<&'a Unit>,
    /// Of each unit, numbers of channels.
    inputs: Vec<Vec<usize>>,
    outputs: Vec<Vec<usize>>,
    depths: Vec<Depth>,
    fifos: Vec<Fifo>,
    /// Registers behind the first stage of each unit, the one next to the FIFO last.
    pipelines: Vec<Vec<bool>>,
    fired: Vec<u64>,
    last: Vec<Option<u64>>,
    sinks: Vec<Vec<u64>>,
    last_event: Option<u64>,
}

/// After so many cycles in which nothing happens nothing will: more than any interval or latency.
const IDLE: u64 = 160;

/// The cycles in which each sink took its elements, what happened on each channel, and the cycles after which nothing happens.
fn clocked(graph: &Graph) -> (Vec<Vec<u64>>, Vec<Fifo>, u64) {
    let mut clocked = Clocked {
        graph,
        units: graph.units().map(|(_, unit)| unit).collect(),
        inputs: graph.units().map(|(_, unit)| unit.inputs.iter().map(|&channel| number_of(graph, channel)).collect()).collect(),
        outputs: graph.units().map(|(_, unit)| unit.outputs.iter().map(|&channel| number_of(graph, channel)).collect()).collect(),
        depths: graph.channels().map(|(_, channel)| channel.depth).collect(),
        fifos: graph.channels().map(|(id, _)| Fifo { is_wire: !graph.is_fifo(id), ..Fifo::default() }).collect(),
        pipelines: graph.units().map(|(_, unit)| vec![false; unit.latency as usize - 1]).collect(),
        fired: vec![0; graph.units().len()],
        last: vec![None; graph.units().len()],
        sinks: vec![Vec::new(); graph.units().len()],
        last_event: None,
    };
    let mut cycle = 0;
    while cycle < clocked.last_event.map_or(0, |last| last + 1) + IDLE {
        clocked.cycle(cycle);
        cycle += 1;
    }
    let is_sink = |i: usize| graph.units().nth(i).unwrap().1.kind == Kind::Sink;
    let sinks = clocked.sinks.into_iter().enumerate().filter(|(i, _)| is_sink(*i)).map(|(_, cycles)| cycles).collect();
    (sinks, clocked.fifos, clocked.last_event.map_or(0, |last| last + 1))
}

impl Clocked<'_> {
    fn cycle(&mut self, cycle: u64) {
        self.fifos.iter_mut().for_each(|fifo| fifo.held_before = fifo.held);
        // Sources first: they offer what may be taken in this cycle. Then from the sinks back, so that room that is made is seen.
        let (sources, others): (Vec<usize>, Vec<usize>) = (0..self.units.len()).partition(|&i| self.units[i].kind == Kind::Source);
        for i in sources {
            let unit = self.units[i];
            let fifo = &mut self.fifos[self.outputs[i][0]];
            let is_time = self.last[i].is_none_or(|last| cycle >= last + unit.interval);
            if fifo.held == 0 && is_time && self.fired[i] < unit.elements.0.len() as u64 * unit.elements.1 {
                (fifo.held, fifo.held_before) = (1, 1);
                self.fired[i] += 1;
                self.last[i] = Some(cycle);
            }
        }
        others.into_iter().rev().for_each(|i| self.unit(i, cycle));
        for fifo in self.fifos.iter_mut().filter(|fifo| !fifo.is_wire) {
            fifo.traffic.high_water = fifo.traffic.high_water.max(fifo.held);
        }
    }

    fn unit(&mut self, i: usize, cycle: u64) {
        let unit = self.units[i];
        let registers = if unit.kind == Kind::Sink { 0 } else { self.pipelines[i].len() };
        if registers > 0 && self.pipelines[i][registers - 1] && self.all_have_room(i) {
            self.give(i, cycle);
            self.pipelines[i][registers - 1] = false;
        }
        for stage in (1..registers).rev() {
            if self.pipelines[i][stage - 1] && !self.pipelines[i][stage] {
                self.pipelines[i].swap(stage - 1, stage);
            }
        }
        let phase = self.fired[i] % unit.period;
        let takes = !matches!(unit.kind, Kind::Repeat | Kind::Flatmap) || phase == 0;
        let gives = match unit.kind {
            Kind::Reduce => phase == unit.period - 1,
            Kind::MemReduce => phase + unit.states >= unit.period,
            _ => true,
        };
        // What entered in this cycle is not here yet: nothing entered so far, as producers come later.
        let ready = !takes || self.inputs[i].iter().all(|&input| self.fifos[input].held > 0);
        let room = !gives || if registers > 0 { !self.pipelines[i][0] } else { self.all_have_room(i) };
        if !ready || !room || self.last[i].is_some_and(|last| cycle < last + unit.interval) {
            return;
        }
        for &input in self.inputs[i].iter().filter(|_| takes) {
            let fifo = &mut self.fifos[input];
            fifo.held -= 1;
            fifo.traffic.elements += 1;
            fifo.transfers.left.push(cycle);
            fifo.traffic.left = Some((fifo.traffic.left.map_or(cycle, |(first, _)| first), cycle));
        }
        match (gives, registers) {
            (true, 0) => self.give(i, cycle),
            (true, _) => self.pipelines[i][0] = true,
            _ => {}
        }
        if unit.kind == Kind::Sink {
            self.sinks[i].push(cycle);
        }
        self.fired[i] += 1;
        self.last[i] = Some(cycle);
        self.last_event = Some(cycle);
    }

    fn all_have_room(&self, i: usize) -> bool {
        self.outputs[i].iter().all(|&output| {
            let fifo = &self.fifos[output];
            let held = if self.graph.room() == Room::NextCycle { fifo.held_before } else { fifo.held };
            match self.depths[output] {
                Depth::Words(words) => held < words,
                Depth::Unbounded => true,
            }
        })
    }

    fn give(&mut self, i: usize, cycle: u64) {
        for &output in &self.outputs[i] {
            let fifo = &mut self.fifos[output];
            fifo.held += 1;
            fifo.transfers.entered.push(cycle);
            fifo.traffic.entered = Some((fifo.traffic.entered.map_or(cycle, |(first, _)| first), cycle));
        }
        self.last_event = Some(cycle);
    }
}

fn number_of(graph: &Graph, channel: ChannelId) -> usize {
    graph.channels().position(|(id, _)| id == channel).unwrap()
}

fn have_the_same_transfers(seeds: Range<u64>, scale: &Scale, least: [u64; 2]) {
    let (mut complete, mut deadlocks) = (0, 0);
    for seed in seeds {
        let graph = random_graph(seed, scale);
        let (sinks, fifos, cycles) = clocked(&graph);
        match graph.run_with(Record { values: seed % 2 == 0, transfers: true }) {
            Ok(run) => {
                complete += 1;
                assert_eq!(run.cycles, cycles, "seed {seed}");
                let taken: Vec<_> = run.outputs.iter().map(|output| output.cycles.clone()).collect();
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
    have_the_same_transfers(0..1500, &SHORT, [500, 50]);
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
