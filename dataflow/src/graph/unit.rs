//! Units: what they compute, and when they take and give.

use std::sync::Arc;

use systole_hdl::Type;

use super::{ChannelId, MOST_CYCLES, Problem};
use crate::expression::Expression;
use crate::function::Function;

/// What a unit is. Sources and sinks are the edge of the graph; what the others do, the other parts of [`Unit`] say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Brings elements from outside.
    Source,
    /// Takes elements out.
    Sink,
    /// A function of each element.
    Map,
    /// A function of one element of each input.
    Zip,
    /// A zip that is a dot product.
    Dot,
    /// A reduction that is a product of a vector and a matrix.
    Matmul,
    /// Each element to several channels.
    Fork,
    /// One element from several.
    Reduce,
    /// One vector from several, each in series.
    MemReduce,
    /// A running state.
    Scan,
    /// Running states in a memory, used in turn.
    MemScan,
    /// Each element, or each vector in series, several times.
    Repeat,
    /// Several elements from one.
    Flatmap,
}

/// A word of state: its type, and the value with which a period begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Word {
    /// Its type, which must hold every next value.
    pub ty: Type,
    /// Its value at the beginning of a period, rounded to the type.
    pub initial: f64,
}

impl Word {
    /// A word that begins as `initial`.
    pub fn new(ty: Type, initial: f64) -> Word {
        Word { ty, initial }
    }

    /// A word that begins as 0.
    pub fn zero(ty: Type) -> Word {
        Word::new(ty, 0.0)
    }

    /// A word that begins as the least number of its type.
    pub fn least(ty: Type) -> Word {
        Word::new(ty, crate::steps::real(crate::steps::range(ty).0, ty))
    }
}

/// What a unit computes in a firing: the state that follows, and the element that it gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fold {
    /// The state.
    pub state: Vec<Word>,
    /// The state after a firing, one expression a word.
    pub next: Vec<Expression>,
    /// The fields of the element given.
    pub output: Vec<Expression>,
}

impl Fold {
    /// A state that begins as `state`, becomes `next` with each firing, and of which `output` is given.
    pub fn new(
        state: impl Into<Vec<Word>>,
        next: impl IntoIterator<Item = Expression>,
        output: impl IntoIterator<Item = Expression>,
    ) -> Fold {
        Fold { state: state.into(), next: next.into_iter().collect(), output: output.into_iter().collect() }
    }

    /// A function of inputs alone.
    pub fn stateless(output: impl Into<Vec<Expression>>) -> Fold {
        Fold { output: output.into(), ..Fold::default() }
    }
}

/// What a source brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elements {
    /// Numbers in units of the last place of their fields' types, one element after the other.
    pub raw: Arc<[i64]>,
    /// How many times all of them come.
    pub times: u64,
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
    /// In how many of the first firings of a period it takes.
    pub takes_first: u64,
    /// In how many of the last firings of a period it gives.
    pub gives_last: u64,
    /// How many states there are, used in turn.
    pub states: u64,
    /// What it computes.
    pub fold: Fold,
    /// Least number of cycles from a firing to the next one, at least 1. Of a source: from an offered element to the next.
    pub interval: u64,
    /// Cycles from a firing to the first one in which the consumer can take its element, at least 1. Sources and sinks have none.
    pub latency: u64,
    /// What a source brings; nothing, of other units.
    pub elements: Elements,
    /// Whether outputs read inputs as they were in the first firing of the period: the first words of the state hold them.
    pub(crate) holds: bool,
    /// The fold, translated.
    pub(crate) function: Arc<Function>,
}

impl Unit {
    /// A unit that takes and gives in each firing, and computes nothing yet.
    pub(super) fn new(name: &str, kind: Kind, inputs: &[ChannelId]) -> Unit {
        Unit {
            name: name.to_string(),
            kind,
            inputs: inputs.to_vec(),
            outputs: Vec::new(),
            period: 1,
            takes_first: u64::MAX,
            gives_last: u64::MAX,
            states: 1,
            fold: Fold::default(),
            interval: 1,
            latency: 1,
            elements: Elements::default(),
            holds: false,
            function: Arc::new(Function::default()),
        }
    }

    /// Reports what is wrong with it alone.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let name = || self.name.clone();
        if self.states > MOST_CYCLES {
            problems.push(Problem::TooManyStates { unit: name(), states: self.states });
        }
        for (what, value) in [("a period", self.period), ("an initiation interval", self.interval), ("a latency", self.latency)] {
            if value == 0 {
                problems.push(Problem::Zero { unit: name(), what });
            } else if value > MOST_CYCLES && what != "a period" {
                problems.push(Problem::TooLong { unit: name(), what, cycles: value });
            }
        }
        let Fold { state, next, output } = &self.fold;
        if self.kind != Kind::Source && self.inputs.is_empty() {
            problems.push(Problem::NoInputs(name()));
        }
        if state.len() != next.len() {
            problems.push(Problem::StateLength { unit: name(), state: state.len(), next: next.len() });
        }
        for (i, word) in state.iter().enumerate() {
            if crate::steps::raw(word.initial, word.ty).is_none() {
                let what = format!("word {i} of the state begins as {}, which is beyond the range of {}", word.initial, word.ty);
                problems.push(Problem::Function { unit: name(), what });
            }
        }
        if !matches!(self.kind, Kind::Sink | Kind::Source) && output.is_empty() {
            problems.push(Problem::Zero { unit: name(), what: "a width" });
        }
    }
}
