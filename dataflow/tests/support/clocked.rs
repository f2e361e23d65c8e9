//! The rules of time, once more: a simulation of graphs cycle by cycle, which shares nothing with the abstract execution.

use systole_dataflow::graph::{Kind, Unit};
use systole_dataflow::{ChannelId, Depth, Graph, Room, Traffic, Transfers};

/// What happened on a channel.
#[derive(Default)]
pub struct Fifo {
    is_wire: bool,
    held: usize,
    held_before: usize,
    pub traffic: Traffic,
    pub transfers: Transfers,
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
pub fn clocked(graph: &Graph) -> (Vec<Vec<u64>>, Vec<Fifo>, u64) {
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
            if fifo.held == 0 && is_time && self.fired[i] < unit.elements.raw.len() as u64 * unit.elements.times {
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
        let takes = match unit.kind {
            Kind::Repeat => phase < unit.states,
            Kind::Flatmap => phase == 0,
            _ => true,
        };
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

pub fn number_of(graph: &Graph, channel: ChannelId) -> usize {
    graph.channels().position(|(id, _)| id == channel).unwrap()
}
