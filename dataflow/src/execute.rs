//! Abstract execution: the values of a graph and the cycle of every transfer, without hardware.
//!
//! # Rules of time
//!
//! Cycles count from 0.
//!
//! - A unit *fires* in the first cycle in which each input that it takes from holds an element, each output that it gives to has room, and
//!   its initiation interval has passed since it fired last. It takes and gives in that cycle, from all inputs and to all outputs at once.
//!   An output that it does not give to in this firing (a reduction's, but for the last of a period) need not have room.
//! - FIFOs are registered: of a unit with latency 1, what is given in cycle t can be taken from t + 1.
//! - With [`Room::SameCycle`](crate::Room) an element can enter a full FIFO in the cycle in which another leaves it; with [`Room::NextCycle`](crate::Room),
//!   from the cycle after.
//! - A unit of latency L is one of latency 1 followed by a pipeline of L - 1 registers, each of which moves on whenever the one
//!   before the FIFO can: it holds up to L - 1 elements of its own.
//! - A source is the edge of the graph: a wire, not a FIFO, leads from it. It offers its first element in cycle 0, and the next one
//!   in the cycle after an element was taken, or when its interval has passed since it offered the last.
//! - A sink takes an element of its FIFO as soon as there is one and its interval has passed. An execution of which the last sink takes
//!   its last element in cycle t takes t + 1 cycles.
//!
//! # How it is done
//!
//! Rates are static, so the cycle of a transfer never depends on a value. Times are computed first, by a clock that leaps over what repeats
//! (`timing.rs`; why that is exact is argued in `leap.rs`): it takes about as long for a row of a million elements as for one of a hundred. If
//! values are asked for, they are computed afterwards, each unit running as far as it can and without any notion of time (`values.rs`).

use crate::deadlock::{self, Deadlock, Wait};
use crate::graph::{ChannelId, Depth, Graph, Problem, UnitId};
use crate::program::to_reals;
use crate::timing::times;
use crate::values::values;

/// What an execution showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Cycles from the first one to the last transfer into a sink, both counted.
    pub cycles: u64,
    /// Of each sink, in the order in which they were made.
    pub outputs: Vec<Output>,
    /// Of each channel; [`Run::traffic`] finds one.
    pub traffic: Vec<Traffic>,
    /// Of each channel, if asked for, else empty; [`Run::transfers`] finds one.
    pub transfers: Vec<Transfers>,
}

/// What a sink took.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The sink.
    pub unit: UnitId,
    /// The fields of its elements, one element after the other, as real numbers. Empty if values were not computed.
    pub values: Vec<f64>,
    /// The same in units of the last place of each field's type. Empty unless values were computed exactly.
    pub raw: Vec<i64>,
}

/// What happened on a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Elements that passed.
    pub elements: u64,
    /// The cycles in which the first and the last element entered. Of a wire, in which they were taken.
    pub entered: Option<(u64, u64)>,
    /// The cycles in which the first and the last element left.
    pub left: Option<(u64, u64)>,
    /// The most elements that it held after any cycle. Of a wire, 0.
    pub high_water: usize,
}

/// Every transfer of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// The cycle in which each element entered. Of a wire, in which it was taken.
    pub entered: Vec<u64>,
    /// The cycle in which each element left.
    pub left: Vec<u64>,
}

/// What an execution is to find out, beside cycles and traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Values: what the sinks take.
    pub values: Values,
    /// The cycle of every transfer: 16 bytes each.
    pub transfers: bool,
}

/// In which arithmetic values are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// Not at all: only when things happen.
    #[default]
    None,
    /// In the fixed-point formats of the graph, bit for bit as in hardware.
    Exact,
    /// In double precision; conversions between formats change nothing.
    Real,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The graph has mistakes.
    #[error("the graph cannot be executed: {}", problems(.0))]
    Graph(Vec<Problem>),
    /// Units wait for each other for ever.
    #[error("{0}")]
    Deadlock(Box<Deadlock>),
    /// A unit waits for elements that a source does not have: the lengths of the sources do not match the rates of the units.
    #[error(
        "`{unit}` waits for an element of `{channel}` for ever: source `{source_name}` ended after {elements}; give it as many \
         as the periods and the other sources ask for"
    )]
    Starved {
        /// The name of the unit that waits.
        unit: String,
        /// The name of the channel on which it waits.
        channel: String,
        /// The name of the source that ended.
        source_name: String,
        /// Elements that the source had.
        elements: u64,
    },
    /// The sources have so many elements, or the units such long intervals, that cycles cannot be counted.
    #[error("the execution takes more than 2^62 cycles; give the sources fewer elements, or the units shorter intervals")]
    TooLong,
}

/// All of them, for one message.
pub(crate) fn problems(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Run {
    /// What happened on a channel of the graph that was run.
    pub fn traffic(&self, channel: ChannelId) -> &Traffic {
        &self.traffic[channel.0]
    }

    /// The transfers of a channel, if they were recorded.
    pub fn transfers(&self, channel: ChannelId) -> Option<&Transfers> {
        self.transfers.get(channel.0)
    }
}

impl Graph {
    /// Executes the graph until its sources have ended and all elements have reached sinks.
    ///
    /// # Errors
    /// If the graph has mistakes, or the execution stops before its end.
    pub fn run(&self) -> Result<Run, RunError> {
        self.run_with(Record { values: Values::Exact, transfers: false })
    }

    /// Like [`run`](Graph::run), without values: only when things happen, in less time.
    ///
    /// # Errors
    /// As for [`run`](Graph::run).
    pub fn run_timing(&self) -> Result<Run, RunError> {
        self.run_with(Record::default())
    }

    /// Like [`run`](Graph::run), with more or less to find out.
    ///
    /// # Errors
    /// As for [`run`](Graph::run).
    pub fn run_with(&self, record: Record) -> Result<Run, RunError> {
        self.check().map_err(RunError::Graph)?;
        let depths: Vec<Depth> = self.channels().map(|(_, channel)| channel.depth).collect();
        execute(self, &depths, record).map_err(|stop| match stop {
            Stop::Deadlock { cycle, waits } => RunError::Deadlock(Box::new(deadlock::explain(self, &depths, cycle, waits))),
            Stop::Error(error) => error,
        })
    }
}

/// Why an execution stopped, as far as one execution can tell.
pub(crate) enum Stop {
    Deadlock { cycle: u64, waits: Vec<Wait> },
    Error(RunError),
}

/// Executes a checked graph with other depths.
pub(crate) fn execute(graph: &Graph, depths: &[Depth], record: Record) -> Result<Run, Stop> {
    let mut run = times(graph, depths, record.transfers)?;
    match record.values {
        Values::None => {}
        Values::Exact => {
            for (output, raw) in run.outputs.iter_mut().zip(values::<i64>(graph)) {
                output.values = to_reals(&graph.channel(graph.unit(output.unit).inputs[0]).fields, &raw);
                output.raw = raw;
            }
        }
        Values::Real => run.outputs.iter_mut().zip(values::<f64>(graph)).for_each(|(output, values)| output.values = values),
    }
    Ok(run)
}
