//! Graphs of streaming units: what they are, and how one is built.
//!
//! A unit *fires*: it takes an element from inputs, computes, and gives an element to outputs. Firings come in periods of a static length;
//! the kind of the unit says in which of them it takes and gives:
//!
//! | unit | period | takes in | gives in |
//! |---|---|---|---|
//! | map, zip, fork | 1 | every firing | every firing |
//! | reduce, matmul | n | every firing | the last one |
//! | mem-reduce | n·m | every firing | the last m |
//! | scan, mem-scan | n | every firing | every firing |
//! | repeat of m elements | n·m | the first m | every firing |
//! | flatmap | n | the first one | every firing |
//!
//! A reduction or scan begins every period with its initial state. Most units may have several inputs, and take one element of each in the same
//! firing.
//!
//! An element is a tuple of numbers, its fields; a vector is several fields of one type. The types of the fields follow from the unit's
//! function, so that a format is stated once, where the function has it. A mistake in building (a channel used twice, formats that do not fit)
//! is kept, and reported by whatever is asked of the graph first; see [`Problem`].

mod problem;
mod unit;

use std::sync::Arc;

use systole_hdl::Type;

pub use self::problem::Problem;
pub use self::unit::{Elements, Fold, Kind, Unit, Word};
use crate::expression::{Expression, dot, field, index, input, next, state, whole};
use crate::function::Function;
use crate::steps::{check_type, range, raw, real};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Room {
    /// In the same cycle: `ready` depends on the consumer's `ready`. A FIFO of depth 1 keeps full rate.
    #[default]
    SameCycle,
    /// In the next cycle: `full` is a register. Full rate needs depth 2 at least.
    NextCycle,
}

/// A channel: a FIFO, or behind a source a plain wire.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The producer's name; that of a fork's channel with its number.
    pub name: String,
    /// Types of an element's fields.
    pub fields: Vec<Type>,
    /// Places of the FIFO. A wire from a source has none, and ignores this.
    pub depth: Depth,
    /// The unit that gives.
    pub producer: UnitId,
    /// The unit that takes.
    pub consumer: Option<UnitId>,
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

    /// A source of elements with these fields: all of `values`, one element after the other, `times` times over. Each number is rounded to its
    /// field's type; one beyond its range is a [`Problem`].
    pub fn source(&mut self, name: &str, fields: impl Into<Vec<Type>>, values: impl AsRef<[f64]>, times: u64) -> ChannelId {
        let fields = fields.into();
        let mut elements = Vec::with_capacity(values.as_ref().len());
        for (&value, &ty) in values.as_ref().iter().zip(fields.iter().cycle()) {
            elements.push(raw(value, ty).unwrap_or_else(|| {
                self.problems.push(Problem::Beyond { source_name: name.into(), value: value.to_string(), ty });
                0
            }));
        }
        self.source_raw(name, fields, elements, times)
    }

    /// A source of raw numbers, each in units of the last place of its field's type; one beyond its range is a [`Problem`].
    pub fn source_raw(&mut self, name: &str, fields: impl Into<Vec<Type>>, elements: impl Into<Arc<[i64]>>, times: u64) -> ChannelId {
        let (fields, elements) = (fields.into(), elements.into());
        for &ty in &fields {
            if let Err(what) = check_type(ty) {
                self.problems.push(Problem::Function { unit: name.into(), what });
            }
        }
        let beyond = elements.iter().zip(fields.iter().cycle()).find(|(raw, ty)| !fits(**raw, **ty));
        if let Some((raw, &ty)) = beyond {
            self.problems.push(Problem::Beyond { source_name: name.into(), value: real(*raw, ty).to_string(), ty });
        }
        if fields.is_empty() {
            self.problems.push(Problem::Zero { unit: name.into(), what: "a width" });
        } else if !elements.len().is_multiple_of(fields.len()) {
            self.problems.push(Problem::Ragged { source_name: name.into(), numbers: elements.len(), width: fields.len() });
        }
        let unit = Unit { elements: Elements { raw: elements, times }, ..Unit::new(name, Kind::Source, &[]) };
        let outputs = self.add(unit, vec![fields]);
        outputs[0]
    }

    /// A sink: takes whatever comes, and keeps it for [`Run::outputs`](crate::Run::outputs).
    pub fn sink(&mut self, name: &str, input: ChannelId) -> UnitId {
        self.add(Unit::new(name, Kind::Sink, &[input]), vec![]);
        UnitId(self.units.len() - 1)
    }

    /// A function of each element.
    pub fn map(&mut self, name: &str, input: ChannelId, output: impl Into<Vec<Expression>>) -> ChannelId {
        self.add_one(Unit { fold: Fold::stateless(output), ..Unit::new(name, Kind::Map, &[input]) })
    }

    /// A function of one element of each input.
    pub fn zip(&mut self, name: &str, inputs: &[ChannelId], output: impl Into<Vec<Expression>>) -> ChannelId {
        self.add_one(Unit { fold: Fold::stateless(output), ..Unit::new(name, Kind::Zip, inputs) })
    }

    /// The dot product of two channels of vectors of equal length, fitted to `ty`: vectors in parallel, one product a cycle.
    pub fn dot(&mut self, name: &str, a: ChannelId, b: ChannelId, ty: Type) -> ChannelId {
        let length = self.width(a).max(self.width(b));
        let product = dot((0..length).map(|i| field(0, i)), (0..length).map(|i| field(1, i)));
        self.add_one(Unit { fold: Fold::stateless([product.fit(ty)]), ..Unit::new(name, Kind::Dot, &[a, b]) })
    }

    /// The product of a row vector, of which `row` brings one number at a time, and a matrix, of which `matrix` brings a row of numbers at a
    /// time, `count` of both: one vector. Products are rounded half to even to the fraction bits of `sum`, the type of the sums.
    pub fn matmul(&mut self, name: &str, row: ChannelId, matrix: ChannelId, count: u64, sum: Type) -> ChannelId {
        let columns = self.width(matrix);
        let step = |column: usize| (state(column) + (input(0) * field(1, column)).round(sum.frac())).wrap(sum);
        let fold = Fold::new(vec![Word::zero(sum); columns], (0..columns).map(step), (0..columns).map(next));
        self.add_one(Unit { period: count, gives_last: 1, fold, ..Unit::new(name, Kind::Matmul, &[row, matrix]) })
    }

    /// Each element to `N` channels at once. Fires only when all of them have room.
    pub fn fork<const N: usize>(&mut self, name: &str, input: ChannelId) -> [ChannelId; N] {
        let fold = Fold::stateless((0..self.width(input)).map(|i| field(0, i)).collect::<Vec<_>>());
        let outputs = self.add_function(Unit { fold, ..Unit::new(name, Kind::Fork, &[input]) }, N);
        std::array::from_fn(|i| outputs[i])
    }

    /// One element from `count` of each input: the output of the last firing.
    pub fn reduce(&mut self, name: &str, inputs: &[ChannelId], count: u64, fold: Fold) -> ChannelId {
        self.add_one(Unit { period: count, gives_last: 1, fold, ..Unit::new(name, Kind::Reduce, inputs) })
    }

    /// Reductions of vectors that come one number after the other: `count` vectors of `length` elements each become one of `length`. Each place
    /// of the vector has a state of its own, in a memory of `length` words of state.
    pub fn mem_reduce(&mut self, name: &str, inputs: &[ChannelId], count: u64, length: u64, fold: Fold) -> ChannelId {
        let period = count.saturating_mul(length);
        self.add_one(Unit { period, gives_last: length, states: length, fold, ..Unit::new(name, Kind::MemReduce, inputs) })
    }

    /// A running state: like [`reduce`](Graph::reduce), with an element given in each firing. Begins anew every `count` elements.
    pub fn scan(&mut self, name: &str, inputs: &[ChannelId], count: u64, fold: Fold) -> ChannelId {
        self.add_one(Unit { period: count, fold, ..Unit::new(name, Kind::Scan, inputs) })
    }

    /// A scan with `length` states, used in turn: a memory of which each firing reads and writes the next place.
    pub fn mem_scan(&mut self, name: &str, inputs: &[ChannelId], count: u64, length: u64, fold: Fold) -> ChannelId {
        let period = count.saturating_mul(length);
        self.add_one(Unit { period, states: length, fold, ..Unit::new(name, Kind::MemScan, inputs) })
    }

    /// Each element `count` times.
    pub fn repeat(&mut self, name: &str, input: ChannelId, count: u64) -> ChannelId {
        self.repeat_vector(name, input, count, 1)
    }

    /// Vectors of `length` elements that come one after the other, each vector `count` times: a memory of `length` elements.
    pub fn repeat_vector(&mut self, name: &str, input: ChannelId, count: u64, length: u64) -> ChannelId {
        let (state, taken) = self.held(&[input], length);
        let width = state.len();
        let period = count.saturating_mul(length);
        let fold = Fold::new(state, taken, (0..width).map(next));
        let unit = Unit { period, takes_first: length, states: length, fold, ..Unit::new(name, Kind::Repeat, &[input]) };
        self.add_one(unit)
    }

    /// `count` elements from one of each input, functions of it and of the [`index`].
    pub fn flatmap(&mut self, name: &str, inputs: &[ChannelId], count: u64, output: impl Into<Vec<Expression>>) -> ChannelId {
        let (state, taken) = self.held(inputs, 1);
        let fold = Fold::new(state, taken, output.into());
        self.add_one(Unit { period: count, takes_first: 1, fold, holds: true, ..Unit::new(name, Kind::Flatmap, inputs) })
    }

    /// The state that holds what was taken in the first `firings` of a period: all fields of the inputs.
    fn held(&self, inputs: &[ChannelId], firings: u64) -> (Vec<Word>, Vec<Expression>) {
        let taken = || match firings {
            1 => index().equals(whole(0)),
            _ => index().lt(whole(firings)),
        };
        let fields = inputs
            .iter()
            .enumerate()
            .flat_map(|(i, channel)| self.channels[channel.0].fields.iter().enumerate().map(move |(f, &ty)| (Word::zero(ty), field(i, f))));
        fields.enumerate().map(|(word, (zero, field))| (zero, taken().mux(field, state(word)))).unzip()
    }

    fn width(&self, channel: ChannelId) -> usize {
        self.channels[channel.0].fields.len()
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
            unit.check(&mut problems);
        }
        for (i, channel) in self.channels.iter().enumerate() {
            // Units of one name have been reported: this is a fork's channel and another unit's.
            let other = self.channels[..i].iter().find(|other| other.name == channel.name);
            if other.is_some_and(|other| self.unit(other.producer).name != self.unit(channel.producer).name) {
                problems.push(Problem::SameName(channel.name.clone()));
            }
            if channel.consumer.is_none() {
                problems.push(Problem::Unused(channel.name.clone()));
            }
            if channel.depth == Depth::Words(0) {
                problems.push(Problem::NoDepth(channel.name.clone()));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Adds a unit with one output.
    fn add_one(&mut self, unit: Unit) -> ChannelId {
        self.add_function(unit, 1)[0]
    }

    /// Adds a unit whose outputs are alike, with fields that follow from its function.
    fn add_function(&mut self, mut unit: Unit, outputs: usize) -> Vec<ChannelId> {
        let inputs: Vec<Vec<Type>> = unit.inputs.iter().map(|channel| self.channels[channel.0].fields.clone()).collect();
        match Function::of(&unit, &inputs) {
            Ok(function) => unit.function = Arc::new(function),
            Err(refusals) => {
                self.problems.extend(refusals.into_iter().map(|what| Problem::Function { unit: unit.name.clone(), what }));
            }
        }
        let mut fields = unit.function.output_types();
        // Of a function that is refused, so that what reads it is looked at all the same.
        fields.resize(unit.fold.output.len(), Type::u(1));
        self.add(unit, vec![fields; outputs])
    }

    /// Adds a unit with an output for each of these tuples of fields.
    fn add(&mut self, unit: Unit, outputs: Vec<Vec<Type>>) -> Vec<ChannelId> {
        let id = UnitId(self.units.len());
        for &input in &unit.inputs {
            let channel = &mut self.channels[input.0];
            match channel.consumer {
                None => channel.consumer = Some(id),
                Some(first) => {
                    let first = self.units.get(first.0).map_or(&unit.name, |unit| &unit.name).clone();
                    self.problems.push(Problem::UsedTwice { channel: channel.name.clone(), first, second: unit.name.clone() });
                }
            }
        }
        let first = self.channels.len();
        let single = outputs.len() == 1;
        for (i, fields) in outputs.into_iter().enumerate() {
            let name = if single { unit.name.clone() } else { format!("{}.{i}", unit.name) };
            self.channels.push(Channel { name, fields, depth: DEFAULT_DEPTH, producer: id, consumer: None });
        }
        let outputs: Vec<_> = (first..self.channels.len()).map(ChannelId).collect();
        self.units.push(Unit { outputs: outputs.clone(), ..unit });
        outputs
    }
}

fn fits(raw: i64, ty: Type) -> bool {
    let (least, greatest) = range(ty);
    (least..=greatest).contains(&raw)
}
