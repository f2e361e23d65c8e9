//! The values of an execution: a network of units with queues that never fill. Since rates are static, no time is needed for them.
//!
//! Units run in turns of up to [`MOST_FIRINGS`] firings, from the sources to the sinks and again from the sources. A unit whose consumers have
//! enough to do waits, unless nothing else can go on: so queues hold what a fork and a later join ask for, and little more.

use crate::arithmetic::Number;
use crate::graph::{Graph, Kind, Unit};
use crate::program::{MOST_FIRINGS, Program, phases};
use crate::steps::real;

/// The fields of the elements that each sink takes, one element after the other; sinks in the order in which they were made.
///
/// The sources of the graph have what its units ask for, as an execution of its times has shown.
pub(crate) fn values<N: Number>(graph: &Graph) -> Vec<Vec<N>> {
    let mut network = Network::new(graph);
    // A pass in which nothing happens is followed by one that lets queues grow; after one of those, all is done.
    let mut patient = true;
    loop {
        let mut fired = false;
        for at in 0..network.nodes.len() {
            fired |= network.turn(at, patient);
        }
        match (fired, patient) {
            (true, _) => patient = true,
            (false, true) => patient = false,
            (false, false) => break,
        }
    }
    network.sinks
}

struct Network<'a, N> {
    nodes: Vec<Node<'a, N>>,
    queues: Vec<Queue<N>>,
    sinks: Vec<Vec<N>>,
}

struct Node<'a, N> {
    unit: &'a Unit,
    work: Work<N>,
}

enum Work<N> {
    /// The next element, in numbers from the beginning, and how many times all of them still come.
    Source {
        position: usize,
        times: u64,
    },
    /// Which of the sinks.
    Sink(usize),
    /// To all outputs as it is.
    Copy,
    Program(Box<Program<N>>),
}

/// Elements that wait: a column for each field, of which those before `head` have been taken.
struct Queue<N> {
    columns: Vec<Vec<N>>,
    /// Of each field, the unit of its last place.
    units: Vec<f64>,
    head: usize,
    end: usize,
}

impl<N: Number> Queue<N> {
    fn len(&self) -> usize {
        self.end - self.head
    }

    fn take(&mut self, elements: usize) {
        self.head += elements;
        // Moving what is left costs no more than what was taken since the last time.
        if self.head >= MOST_FIRINGS && self.head >= self.len() {
            self.columns.iter_mut().for_each(|column| _ = column.drain(..self.head));
            (self.head, self.end) = (0, self.end - self.head);
        }
    }
}

impl<'a, N: Number> Network<'a, N> {
    fn new(graph: &'a Graph) -> Network<'a, N> {
        let queues = graph.channels().map(|(_, channel)| Queue {
            columns: vec![Vec::new(); channel.fields.len()],
            units: channel.fields.iter().map(|&ty| real(1, ty)).collect(),
            head: 0,
            end: 0,
        });
        let mut network = Network { queues: queues.collect(), nodes: Vec::new(), sinks: Vec::new() };
        for (_, unit) in graph.units() {
            let work = match unit.kind {
                Kind::Source => Work::Source { position: 0, times: if unit.elements.raw.is_empty() { 0 } else { unit.elements.times } },
                Kind::Sink => {
                    network.sinks.push(Vec::new());
                    Work::Sink(network.sinks.len() - 1)
                }
                Kind::Fork => Work::Copy,
                _ => Work::Program(Box::new(Program::new(unit))),
            };
            network.nodes.push(Node { unit, work });
        }
        network
    }

    /// Lets a unit fire as often as its inputs allow and a turn lasts. A patient one waits while its consumers have enough.
    fn turn(&mut self, at: usize, patient: bool) -> bool {
        let Node { unit, work } = &mut self.nodes[at];
        let queues = &mut self.queues;
        if patient && unit.outputs.iter().any(|output| queues[output.0].len() >= MOST_FIRINGS) {
            return false;
        }
        match work {
            Work::Source { position, times } => give(unit, &mut queues[unit.outputs[0].0], position, times),
            Work::Sink(sink) => {
                let queue = &mut queues[unit.inputs[0].0];
                let elements = queue.len();
                let values = &mut self.sinks[*sink];
                for element in queue.head..queue.end {
                    values.extend(queue.columns.iter().map(|column| column[element]));
                }
                queue.take(elements);
                elements > 0
            }
            Work::Copy => {
                let input = unit.inputs[0].0;
                let elements = queues[input].len();
                for output in &unit.outputs {
                    for field in 0..queues[input].columns.len() {
                        // An output is made after the channels that it is made from.
                        let (before, after) = queues.split_at_mut(output.0);
                        let queue = &before[input];
                        after[0].columns[field].extend_from_slice(&queue.columns[field][queue.head..queue.end]);
                    }
                    queues[output.0].end += elements;
                }
                queues[input].take(elements);
                elements > 0
            }
            Work::Program(program) => fire(unit, program, queues),
        }
    }
}

fn give<N: Number>(unit: &Unit, queue: &mut Queue<N>, position: &mut usize, times: &mut u64) -> bool {
    let raw = &unit.elements.raw;
    let width = queue.columns.len();
    let mut room = MOST_FIRINGS;
    while *times > 0 && room > 0 {
        let elements = room.min((raw.len() - *position) / width);
        let given = &raw[*position..*position + elements * width];
        for (field, (column, unit)) in queue.columns.iter_mut().zip(&queue.units).enumerate() {
            column.extend(given[field..].iter().step_by(width).map(|&raw| N::constant(raw, raw as f64 * unit)));
        }
        queue.end += elements;
        room -= elements;
        *position += elements * width;
        if *position == raw.len() {
            (*position, *times) = (0, *times - 1);
        }
    }
    room < MOST_FIRINGS
}

fn fire<N: Number>(unit: &Unit, program: &mut Program<N>, queues: &mut [Queue<N>]) -> bool {
    let available = unit.inputs.iter().map(|input| queues[input.0].len()).min().unwrap_or(0);
    let (firings, taken) = firings(unit, program.phase(), available);
    if firings == 0 {
        return false;
    }
    for i in 0..program.inputs().len() {
        let (input, field, at) = program.inputs()[i];
        let queue = &queues[unit.inputs[input].0];
        let elements = &queue.columns[field][queue.head..queue.head + taken];
        let phase = program.phase();
        let column = &mut program.column(at)[..firings];
        if taken == firings {
            column.copy_from_slice(elements);
        } else {
            // In firings that take nothing, nothing looks at the input.
            let taking = column.iter_mut().zip(phases(phase, unit.period)).filter(|(_, phase)| *phase < unit.takes_first);
            taking.zip(elements).for_each(|((number, _), &element)| *number = element);
        }
    }
    let giving = program.fire(firings);
    unit.inputs.iter().for_each(|input| queues[input.0].take(taken));
    for output in &unit.outputs {
        let queue = &mut queues[output.0];
        for (field, column) in queue.columns.iter_mut().enumerate() {
            column.extend_from_slice(program.output(field, giving));
        }
        queue.end += giving;
    }
    true
}

/// How often a unit can fire in a turn, with so many elements at each input, and how many of them it then takes.
fn firings(unit: &Unit, mut phase: u64, available: usize) -> (usize, usize) {
    if unit.takes_first >= unit.period {
        let firings = available.min(MOST_FIRINGS);
        return (firings, firings);
    }
    let (mut firings, mut taken) = (0, 0);
    while firings < MOST_FIRINGS {
        let room = MOST_FIRINGS - firings;
        let stretch = if phase < unit.takes_first {
            let stretch = capped(unit.takes_first - phase, room.min(available - taken));
            taken += stretch;
            stretch
        } else {
            capped(unit.period - phase, room)
        };
        if stretch == 0 {
            break;
        }
        firings += stretch;
        phase = (phase + stretch as u64) % unit.period;
    }
    (firings, taken)
}

fn capped(length: u64, most: usize) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX).min(most)
}
