//! What can go wrong when a simulation is set up, and when it runs.

use thiserror::Error;

use crate::clocks::ClockError;
use crate::deadlock::Explanation;
use crate::engine::BuildError;
use crate::hierarchy::PathError;
use crate::lockstep::Difference;
use crate::observer::ObserverError;
use crate::streams::StreamError;
use crate::values::DoesNotFit;

/// Why a simulation cannot be set up or used as asked. Nothing has been changed when one of these comes back.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum SimError {
    /// The design breaks a rule of the netlist.
    #[error("the design is not valid: {first}{}", more(*others))]
    Invalid {
        /// The first broken rule.
        first: String,
        /// How many more there are.
        others: usize,
    },
    /// No engine can be made for the design.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The clocks do not suit the design.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A path leads nowhere.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The top module has no such port.
    #[error("the top module `{module}` has no {direction} port `{name}`{}", did_you_mean(suggestions))]
    NoPort {
        /// The top module.
        module: String,
        /// `input` or `output`.
        direction: &'static str,
        /// The port as given.
        name: String,
        /// Ports with similar names, nearest first.
        suggestions: Vec<String>,
    },
    /// A value that does not fit where it was to go.
    #[error("`{place}`: {error}")]
    DoesNotFit {
        /// The port, stream or memory.
        place: String,
        /// The value and the type.
        error: DoesNotFit,
    },
    /// A number that `get_i64` or `get_u64` cannot return.
    #[error("`{signal}` is {value}, which does not fit {wanted}: use `get`")]
    TooLarge {
        /// The signal.
        signal: String,
        /// Its value as a number.
        value: String,
        /// `i64` or `u64`.
        wanted: &'static str,
    },
    /// An input port that a source or sink drives.
    #[error("input `{port}` is driven by the driver of stream `{stream}`")]
    Driven {
        /// The port.
        port: String,
        /// The stream.
        stream: String,
    },
    /// No driver can be put on a stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A batch of nothing.
    #[error("a batch needs at least one stimulus")]
    NoStimuli,
    /// A stimulus that a batch does not have.
    #[error("the batch has stimuli 0 to {}, not {number}", stimuli - 1)]
    NoStimulus {
        /// The stimulus as given.
        number: usize,
        /// How many there are.
        stimuli: usize,
    },
    /// Words outside a memory.
    #[error("memory `{memory}` has words 0 to {}, not {address}", depth - 1)]
    Address {
        /// The memory.
        memory: String,
        /// The first address that is outside.
        address: u64,
        /// Its depth in words.
        depth: u32,
    },
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => String::new(),
        names => format!("; did you mean `{}`?", names.join("` or `")),
    }
}

/// Why a run stopped before it was done. The simulation stands in the cycle in which it stopped.
#[derive(Debug, Error)]
pub enum RunError {
    /// The limit was reached.
    #[error("not done within {limit} cycles (now in cycle {cycle})")]
    CycleLimit {
        /// Cycles allowed to the run.
        limit: u64,
        /// The current cycle.
        cycle: u64,
    },
    /// The callback of [`Simulator::on_progress`](super::Simulator::on_progress) asked for it.
    #[error("stopped in cycle {cycle}")]
    Interrupted {
        /// The current cycle.
        cycle: u64,
    },
    /// Nothing moves any more, and the work is not done.
    #[error("{0}")]
    Deadlock(Box<Explanation>),
    /// Two engines that run in lockstep differ.
    #[error("{0}")]
    EnginesDiffer(Box<Difference>),
    /// An observer gave up.
    #[error("stopped in cycle {cycle}: {error}")]
    Observer {
        /// The cycle it could not take.
        cycle: u64,
        /// Its reason.
        #[source]
        error: ObserverError,
    },
}
