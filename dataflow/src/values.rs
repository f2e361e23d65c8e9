//! What the sinks of a graph take, without times: the execution of a Kahn process network, with queues as long as needed.
//!
//! Values do not depend on when a unit fires. So each turn goes to whatever the sink that is furthest behind is waiting for, and lasts
//! for many firings. Nothing is computed before it is asked for, which keeps the queues short.

use std::sync::Arc;

use crate::graph::{Graph, Kind, Unit};
use crate::program::Program;
use crate::rates::{Rates, elements_of};

/// Firings of a unit in one turn, at most.
const TURN: u64 = 1024;

/// The fields of the elements that each sink takes, given how many elements those are. The graph has to be one that runs to its end.
pub(crate) fn values(graph: &Graph, elements: &[usize]) -> Vec<Vec<f64>> {
    let mut network = Network::new(graph);
    let sinks: Vec<usize> = network.processes.iter().enumerate().filter(|(_, process)| process.is_sink()).map(|(at, _)| at).collect();
    let goals: Vec<(usize, u64)> = sinks.into_iter().zip(elements.iter().map(|&elements| elements as u64)).collect();
    let share = |&(sink, goal): &(usize, u64), network: &Network| network.processes[sink].fired as f64 / goal as f64;
    let unfinished = |network: &Network| {
        let open = goals.iter().filter(|&&(sink, goal)| network.processes[sink].fired < goal);
        open.min_by(|a, b| share(a, network).total_cmp(&share(b, network))).map(|&(sink, _)| sink)
    };
    while let Some(sink) = unfinished(&network) {
        let mut at = sink;
        while let Some(input) = network.lacking(at) {
            at = network.queues[input].producer;
        }
        network.turn(at);
    }
    let is_sink = Process::is_sink;
    network.processes.into_iter().filter(is_sink).map(|process| process.taken).collect()
}

struct Network {
    /// One for each unit.
    processes: Vec<Process>,
    /// One for each channel.
    queues: Vec<Queue>,
}

struct Process {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    rates: Rates,
    phase: u64,
    fired: u64,
    role: Role,
    /// Of a sink: what it took.
    taken: Vec<f64>,
}

enum Role {
    /// Gives its elements over and over: `left` more of them, the next one from the number `next` on.
    Source {
        numbers: Arc<[f64]>,
        next: usize,
        left: u64,
    },
    Sink,
    Function(Box<Program>),
}

/// The elements between two units.
struct Queue {
    producer: usize,
    width: usize,
    numbers: Vec<f64>,
    /// How many of the numbers were taken.
    taken: usize,
}

impl Queue {
    /// How many elements there are.
    fn length(&self) -> u64 {
        ((self.numbers.len() - self.taken) / self.width) as u64
    }

    /// Takes so many elements.
    fn take(&mut self, elements: u64) -> &[f64] {
        let first = self.taken;
        self.taken += elements as usize * self.width;
        &self.numbers[first..self.taken]
    }

    /// Forgets what was taken, once that is the larger part.
    fn compact(&mut self) {
        if self.taken > self.numbers.len() / 2 {
            self.numbers.drain(..self.taken);
            self.taken = 0;
        }
    }
}

impl Process {
    fn new(graph: &Graph, unit: &Unit) -> Process {
        let role = match unit.kind {
            Kind::Source => Role::Source { numbers: unit.elements.0.clone(), next: 0, left: elements_of(unit) },
            Kind::Sink => Role::Sink,
            _ => Role::Function(Box::new(Program::new(graph, unit))),
        };
        let channels = |channels: &[crate::ChannelId]| channels.iter().map(|channel| channel.0).collect();
        let (inputs, outputs) = (channels(&unit.inputs), channels(&unit.outputs));
        Process { inputs, outputs, rates: Rates::of(unit), phase: 0, fired: 0, role, taken: Vec::new() }
    }

    fn is_sink(&self) -> bool {
        matches!(self.role, Role::Sink)
    }
}

impl Network {
    fn new(graph: &Graph) -> Network {
        let processes = graph.units().map(|(_, unit)| Process::new(graph, unit)).collect();
        let queue = |(_, channel): (_, &crate::graph::Channel)| Queue {
            producer: channel.producer.0,
            width: channel.width,
            numbers: Vec::new(),
            taken: 0,
        };
        Network { processes, queues: graph.channels().map(queue).collect() }
    }

    /// An input for which a process waits.
    fn lacking(&self, at: usize) -> Option<usize> {
        let process = &self.processes[at];
        let takes = process.rates.takes(process.phase);
        process.inputs.iter().copied().find(|&input| takes && self.queues[input].length() == 0)
    }

    /// Fires a process as often as its inputs allow, and not more often than a turn has firings.
    fn turn(&mut self, at: usize) {
        let process = &mut self.processes[at];
        process.outputs.iter().for_each(|&output| self.queues[output].compact());
        // Into the first output; the others get the same at the end.
        let (first, others) = process.outputs.split_first().map_or((None, &[][..]), |(first, others)| (Some(*first), others));
        let mut given = first.map_or(Vec::new(), |first| std::mem::take(&mut self.queues[first].numbers));
        let before = given.len();
        let mut rest = TURN;
        loop {
            // Firings that are alike.
            let (takes, gives) = (process.rates.takes(process.phase), process.rates.gives(process.phase));
            let elements = process.inputs.iter().map(|&input| if takes { self.queues[input].length() } else { u64::MAX });
            let firings = elements.fold(rest.min(process.rates.change_after(process.phase) - process.phase), u64::min);
            if firings == 0 {
                break;
            }
            match &mut process.role {
                Role::Source { numbers, next, left } => {
                    let width = first.map_or(0, |first| self.queues[first].width);
                    let mut count = firings.min(*left) as usize * width;
                    *left -= firings.min(*left);
                    while count > 0 {
                        let part = count.min(numbers.len() - *next);
                        given.extend_from_slice(&numbers[*next..*next + part]);
                        *next = (*next + part) % numbers.len();
                        count -= part;
                    }
                }
                Role::Sink => process.taken.extend_from_slice(self.queues[process.inputs[0]].take(firings)),
                Role::Function(program) => {
                    let mut phase = process.phase;
                    for _ in 0..firings {
                        for (i, &input) in process.inputs.iter().enumerate().filter(|_| takes) {
                            let queue = &mut self.queues[input];
                            program.input(i, queue.width).copy_from_slice(queue.take(1));
                        }
                        program.fire(phase, gives, |number| given.push(number));
                        phase = (phase + 1) % process.rates.period;
                    }
                }
            }
            process.fired += firings;
            process.phase = (process.phase + firings) % process.rates.period;
            rest -= firings;
        }
        others.iter().for_each(|&other| self.queues[other].numbers.extend_from_slice(&given[before..]));
        if let Some(first) = first {
            self.queues[first].numbers = given;
        }
    }
}
