//! Mistakes in building a graph.

use systole_hdl::Type;

use super::MOST_CYCLES;

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
    #[error("unit `{unit}`: {what}")]
    Function { unit: String, what: String },
    #[error("unit `{unit}` has {state} words of state, but {next} expressions for the next state; give one for each word")]
    StateLength { unit: String, state: usize, next: usize },
    #[error("source `{source_name}` has {numbers} numbers, which is not a whole number of elements of {width} fields")]
    Ragged { source_name: String, numbers: usize, width: usize },
    #[error("source `{source_name}` has the number {value}, which is beyond the range of {ty}")]
    Beyond { source_name: String, value: String, ty: Type },
}
