//! Graphs of streaming units: what they are, and how one is built.
//!
//! A unit *fires*: it takes an element from inputs, computes, and gives an element to outputs. Firings come in periods of a static length;
//! the kind of the unit says in which of them it takes and gives:
//!
//! | unit | period | takes in | gives in |
//! |---|---|---|---|
//! | map, zip, fork | 1 | every firing | every firing |
//! | reduce | n | every firing | the last one |
//! | mem-reduce | n·m | every firing | the last m |
//! | scan | n | every firing | every firing |
//! | repeat, flatmap | n | the first one | every firing |
//!
//! A reduction or scan begins every period with its initial state. Zips, reductions and scans may have several inputs, and take one element
//! of each in the same firing.
//!
//! An element is one or more numbers, its fields. A mistake in building (a channel used twice, a field that is not there) is kept,
//! and reported by whatever is asked of the graph first; see [`Problem`].

use std::sync::Arc;

use crate::expression::{Expression, field};

/// A channel of a graph. In another graph than the one that gave it, it means another channel, or the call panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub(crate) usize);

/// A unit of a graph. In another graph than the one that gave it, it means another unit, or the call panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId(pub(crate) usize);

/// How many elements a FIFO holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// So many, at least one.
    Words(usize),
    /// As many as come: to find out how many that is.
    Unbounded,
}

/// When the place of an element that leaves a full FIFO can be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Room {
    /// In the same cycle: `ready` depends on the consumer's `ready`. A FIFO of depth 1 keeps full rate.
    #[default]
    SameCycle,
    /// In the next cycle: `full` is a register. Full rate needs depth 2 at least.
    NextCycle,
}

/// What a unit is, for pictures and messages; [`Unit`] says what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Source,
    Sink,
    Map,
    Zip,
    Fork,
    Reduce,
    MemReduce,
    Scan,
    Repeat,
    Flatmap,
}

/// A unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name, unique in the graph.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The channels it takes from.
    pub inputs: Vec<ChannelId>,
    /// The channels it gives to; all get the same element.
    pub outputs: Vec<ChannelId>,
    /// Firings of a period.
    pub period: u64,
    /// How many states there are, used in turn: more than 1 in a mem-reduce only.
    pub states: u64,
    /// The state with which a period begins; each of them, if there are several.
    pub initial: Vec<f64>,
    /// The state after a firing, as long as `initial`.
    pub next: Vec<Expression>,
    /// The fields of the element given.
    pub output: Vec<Expression>,
    /// Least number of cycles from a firing to the next one, at least 1. Of a source: from an offered element to the next.
    pub interval: u64,
    /// Cycles from a firing to the first one in which the consumer can take its element, at least 1. Sources and sinks have none.
    pub latency: u64,
    /// The elements of a source, one after the other, and how many times all of them come.
    pub elements: (Arc<[f64]>, u64),
}

/// A channel: a FIFO, or behind a source a plain wire.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The producer's name; that of a fork's channel with its number.
    pub name: String,
    /// Fields of an element.
    pub width: usize,
    /// Places of the FIFO. A wire from a source has none, and ignores this.
    pub depth: Depth,
    /// The unit that gives.
    pub producer: UnitId,
    /// The unit that takes.
    pub consumer: Option<UnitId>,
}

/// A mistake in building a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Problem {
    #[error("two units have the name `{0}`; give each its own")]
    SameName(String),
    #[error("channel `{channel}` goes to `{first}` and to `{second}`; put a fork between")]
    UsedTwice { channel: String, first: String, second: String },
    #[error("channel `{0}` goes nowhere; end it in a sink")]
    Unused(String),
    #[error("unit `{0}` has no inputs; give it a channel")]
    NoInputs(String),
    #[error("unit `{unit}` has {what} of zero; the least is 1")]
    Zero { unit: String, what: &'static str },
    #[error("unit `{unit}` has {what} of {cycles} cycles; the most is {MOST_CYCLES}")]
    TooLong { unit: String, what: &'static str, cycles: u64 },
    #[error("unit `{unit}` has vectors of {states} elements; the most is {MOST_CYCLES}")]
    TooManyStates { unit: String, states: u64 },
    #[error("channel `{0}` has depth 0; a FIFO holds at least one element")]
    NoDepth(String),
    #[error("unit `{unit}` reads {what}, which is not there{remedy}")]
    NoSuchOperand { unit: String, what: String, remedy: &'static str },
    #[error("unit `{unit}` has {initial} words of initial state, but {next} expressions for the next state; give one for each word")]
    StateLength { unit: String, initial: usize, next: usize },
    #[error("source `{source_name}` has {numbers} numbers, which is not a whole number of elements of {width} fields")]
    Ragged { source_name: String, numbers: usize, width: usize },
}

/// A graph of streaming units. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Graph {
    units: Vec<Unit>,
    channels: Vec<Channel>,
    problems: Vec<Problem>,
    room: Room,
}

/// Depth of the FIFOs for which none is stated.
pub const DEFAULT_DEPTH: Depth = Depth::Words(2);

/// The largest initiation interval and latency, so that cycles can be counted in 64 bits.
pub const MOST_CYCLES: u64 = u32::MAX as u64;

impl Graph {
    /// An empty graph, whose FIFOs free room in the same cycle.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// A source of elements of `width` fields: all of `values`, one element after the other, `times` times over.
    pub fn source(&mut self, name: &str, width: usize, values: impl Into<Arc<[f64]>>, times: u64) -> ChannelId {
        let values = values.into();
        if width == 0 {
            self.problems.push(Problem::Zero { unit: name.into(), what: "a width" });
        } else if !values.len().is_multiple_of(width) {
            self.problems.push(Problem::Ragged { source_name: name.into(), numbers: values.len(), width });
        }
        let fields = (0..width).map(|i| field(0, i)).collect();
        let (unit, outputs) = self.add(name, Kind::Source, &[], 1, (&[], vec![]), fields, 1);
        self.units[unit.0].elements = (values, times);
        outputs[0]
    }

    /// A sink: takes whatever comes, and keeps it for [`Run::outputs`](crate::Run::outputs).
    pub fn sink(&mut self, name: &str, input: ChannelId) -> UnitId {
        self.add(name, Kind::Sink, &[input], 1, (&[], vec![]), vec![], 0).0
    }

    /// A function of each element.
    pub fn map(&mut self, name: &str, input: ChannelId, output: impl Into<Vec<Expression>>) -> ChannelId {
        self.add(name, Kind::Map, &[input], 1, (&[], vec![]), output.into(), 1).1[0]
    }

    /// A function of one element of each input.
    pub fn zip(&mut self, name: &str, inputs: &[ChannelId], output: impl Into<Vec<Expression>>) -> ChannelId {
        self.add(name, Kind::Zip, inputs, 1, (&[], vec![]), output.into(), 1).1[0]
    }

    /// Each element to `N` channels at once. Fires only when all of them have room.
    pub fn fork<const N: usize>(&mut self, name: &str, input: ChannelId) -> [ChannelId; N] {
        let fields = (0..self.channels[input.0].width).map(|i| field(0, i)).collect();
        let outputs = self.add(name, Kind::Fork, &[input], 1, (&[], vec![]), fields, N).1;
        std::array::from_fn(|i| outputs[i])
    }

    /// One element from `count` of each input. The state begins as `initial`, becomes `step` with each firing, and `output` is given in the
    /// last one.
    pub fn reduce(
        &mut self,
        name: &str,
        inputs: &[ChannelId],
        count: u64,
        initial: &[f64],
        step: impl Into<Vec<Expression>>,
        output: impl Into<Vec<Expression>>,
    ) -> ChannelId {
        self.add(name, Kind::Reduce, inputs, count, (initial, step.into()), output.into(), 1).1[0]
    }

    /// Reductions of vectors that come one number after the other: `count` vectors of `length` elements each become one of `length`. Each place
    /// of the vector has a state of its own, in a memory of `length` words of state.
    #[allow(clippy::too_many_arguments)]
    pub fn mem_reduce(
        &mut self,
        name: &str,
        inputs: &[ChannelId],
        count: u64,
        length: u64,
        initial: &[f64],
        step: impl Into<Vec<Expression>>,
        output: impl Into<Vec<Expression>>,
    ) -> ChannelId {
        let period = count.saturating_mul(length);
        let (unit, outputs) = self.add(name, Kind::MemReduce, inputs, period, (initial, step.into()), output.into(), 1);
        self.units[unit.0].states = length;
        outputs[0]
    }

    /// A running state: like [`reduce`](Graph::reduce), with an element given in each firing. Begins anew every `count` elements.
    pub fn scan(
        &mut self,
        name: &str,
        inputs: &[ChannelId],
        count: u64,
        initial: &[f64],
        step: impl Into<Vec<Expression>>,
        output: impl Into<Vec<Expression>>,
    ) -> ChannelId {
        self.add(name, Kind::Scan, inputs, count, (initial, step.into()), output.into(), 1).1[0]
    }

    /// Each element `count` times.
    pub fn repeat(&mut self, name: &str, input: ChannelId, count: u64) -> ChannelId {
        let fields = (0..self.channels[input.0].width).map(|i| field(0, i)).collect();
        self.add(name, Kind::Repeat, &[input], count, (&[], vec![]), fields, 1).1[0]
    }

    /// `count` elements from each one, functions of it and of the [index](crate::index).
    pub fn flatmap(&mut self, name: &str, input: ChannelId, count: u64, output: impl Into<Vec<Expression>>) -> ChannelId {
        self.add(name, Kind::Flatmap, &[input], count, (&[], vec![]), output.into(), 1).1[0]
    }

    /// Sets the depth of a FIFO; [`DEFAULT_DEPTH`] otherwise.
    pub fn set_depth(&mut self, channel: ChannelId, depth: Depth) {
        self.channels[channel.0].depth = depth;
    }

    /// Sets a unit's initiation interval in cycles; 1 otherwise.
    pub fn set_interval(&mut self, unit: UnitId, cycles: u64) {
        self.units[unit.0].interval = cycles;
    }

    /// Sets a unit's latency in cycles; 1 otherwise.
    pub fn set_latency(&mut self, unit: UnitId, cycles: u64) {
        self.units[unit.0].latency = cycles;
    }

    /// Sets when FIFOs free room.
    pub fn set_room(&mut self, room: Room) {
        self.room = room;
    }

    /// When FIFOs free room.
    pub fn room(&self) -> Room {
        self.room
    }

    /// The unit that gives to a channel.
    pub fn producer(&self, channel: ChannelId) -> UnitId {
        self.channels[channel.0].producer
    }

    /// A unit.
    pub fn unit(&self, unit: UnitId) -> &Unit {
        &self.units[unit.0]
    }

    /// A channel.
    pub fn channel(&self, channel: ChannelId) -> &Channel {
        &self.channels[channel.0]
    }

    /// All units, producers before consumers.
    pub fn units(&self) -> impl ExactSizeIterator<Item = (UnitId, &Unit)> {
        self.units.iter().enumerate().map(|(i, unit)| (UnitId(i), unit))
    }

    /// All channels, in the order in which they were made.
    pub fn channels(&self) -> impl ExactSizeIterator<Item = (ChannelId, &Channel)> {
        self.channels.iter().enumerate().map(|(i, channel)| (ChannelId(i), channel))
    }

    /// All channels that are FIFOs: those that do not come from a source.
    pub fn fifos(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.channels().filter(|(id, _)| self.is_fifo(*id))
    }

    /// Whether a channel is a FIFO, and not a wire from a source.
    pub fn is_fifo(&self, channel: ChannelId) -> bool {
        self.unit(self.producer(channel)).kind != Kind::Source
    }

    /// All mistakes in the graph.
    ///
    /// # Errors
    /// If there are any.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        let mut problems = self.problems.clone();
        for (i, unit) in self.units.iter().enumerate() {
            if self.units[..i].iter().any(|other| other.name == unit.name) {
                problems.push(Problem::SameName(unit.name.clone()));
            }
            if unit.states > MOST_CYCLES {
                problems.push(Problem::TooManyStates { unit: unit.name.clone(), states: unit.states });
            }
            for (what, value) in [("a period", unit.period), ("an initiation interval", unit.interval), ("a latency", unit.latency)] {
                if value == 0 {
                    problems.push(Problem::Zero { unit: unit.name.clone(), what });
                } else if value > MOST_CYCLES && what != "a period" {
                    problems.push(Problem::TooLong { unit: unit.name.clone(), what, cycles: value });
                }
            }
            if unit.kind != Kind::Source {
                self.check_function(unit, &mut problems);
            }
        }
        for channel in &self.channels {
            if channel.consumer.is_none() {
                problems.push(Problem::Unused(channel.name.clone()));
            }
            if channel.depth == Depth::Words(0) {
                problems.push(Problem::NoDepth(channel.name.clone()));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn check_function(&self, unit: &Unit, problems: &mut Vec<Problem>) {
        if unit.inputs.is_empty() {
            problems.push(Problem::NoInputs(unit.name.clone()));
        }
        if unit.initial.len() != unit.next.len() {
            let (initial, next) = (unit.initial.len(), unit.next.len());
            problems.push(Problem::StateLength { unit: unit.name.clone(), initial, next });
        }
        if unit.kind != Kind::Sink && unit.output.is_empty() {
            problems.push(Problem::Zero { unit: unit.name.clone(), what: "a width" });
        }
        let mut missing = |what: String, remedy| {
            problems.push(Problem::NoSuchOperand { unit: unit.name.clone(), what, remedy });
        };
        let words = unit.initial.len().min(unit.next.len());
        let is_next = unit.next.iter().map(|expression| (expression, true));
        let mut pending: Vec<_> = is_next.chain(unit.output.iter().map(|expression| (expression, false))).collect();
        while let Some((expression, is_next)) = pending.pop() {
            match expression {
                Expression::Input { input, field } => {
                    let width = unit.inputs.get(*input).map_or(0, |channel| self.channels[channel.0].width);
                    if *field >= width {
                        missing(format!("field {field} of input {input}"), "; both count from 0");
                    }
                }
                Expression::State(word) if *word >= words => missing(format!("word {word} of its state"), "; words count from 0"),
                Expression::Next(word) if is_next || *word >= words => {
                    missing(format!("word {word} of its next state"), "; only outputs may read the next state");
                }
                Expression::State(_) | Expression::Next(_) | Expression::Index | Expression::Constant(_) => {}
                Expression::Unary(_, a) => pending.push((a, is_next)),
                Expression::Binary(_, a, b) => pending.extend([(&**a, is_next), (&**b, is_next)]),
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn add(
        &mut self,
        name: &str,
        kind: Kind,
        inputs: &[ChannelId],
        period: u64,
        (initial, next): (&[f64], Vec<Expression>),
        output: Vec<Expression>,
        outputs: usize,
    ) -> (UnitId, Vec<ChannelId>) {
        let id = UnitId(self.units.len());
        for &input in inputs {
            let channel = &mut self.channels[input.0];
            match channel.consumer {
                None => channel.consumer = Some(id),
                Some(first) => {
                    let first = self.units.get(first.0).map_or(name, |unit| &unit.name).to_string();
                    self.problems.push(Problem::UsedTwice { channel: channel.name.clone(), first, second: name.into() });
                }
            }
        }
        let first = self.channels.len();
        for i in 0..outputs {
            let name = if outputs == 1 { name.to_string() } else { format!("{name}.{i}") };
            self.channels.push(Channel { name, width: output.len(), depth: DEFAULT_DEPTH, producer: id, consumer: None });
        }
        let outputs: Vec<_> = (first..self.channels.len()).map(ChannelId).collect();
        self.units.push(Unit {
            name: name.to_string(),
            kind,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
            period,
            states: 1,
            initial: initial.to_vec(),
            next,
            output,
            interval: 1,
            latency: 1,
            elements: (Arc::from([]), 0),
        });
        (id, outputs)
    }
}
