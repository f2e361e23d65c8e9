//! Graphs of streaming units joined by FIFOs, and what can be learnt of them without hardware: values, the cycle of every transfer,
//! deadlocks, and how deep the FIFOs have to be.
//!
//! - [`graph`]: what a graph is, and how one is built. [`expression`]: the form in which a unit's function is written.
//! - [`execute`]: abstract execution, in local time; the [rules of time](execute#rules-of-time) stand there.
//! - [`deadlock`]: why an execution stopped, and the depth with which it would not have. [`depths`]: least depths at full rate, and
//!   which of them grow with the length of the sequence.
//! - [`dot`]: a picture. [`attention`]: four graphs of streaming attention, the example of this crate.
//!
//! **Invariant.** A graph has no cycle: a unit takes only channels that exist already.
//!
//! **Invariant.** Rates are static, so the cycle of a transfer never depends on a value.
//!
//! **Invariant.** Each channel has one producer and one consumer; to be read twice, it passes a fork.

pub mod attention;
pub mod deadlock;
pub mod depths;
pub mod dot;
pub mod execute;
pub mod expression;
pub mod graph;
mod link;
mod node;
mod program;

pub use deadlock::{Deadlock, ShortFifo, Wait};
pub use depths::{Growth, Need, least_depths};
pub use execute::{Output, Run, RunError, Traffic};
pub use expression::{Expression, field, index, input, next, number, state};
pub use graph::{ChannelId, Depth, Graph, Kind, Problem, Room, UnitId};
