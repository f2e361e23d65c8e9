//! Graphs of streaming units joined by FIFOs, and what can be learnt of them without hardware: values, the cycle of every transfer,
//! deadlocks, and how deep the FIFOs have to be.
//!
//! - [`graph`]: what a graph is, and how one is built. [`expression`]: the form in which a unit's function is written.
//! - [`execute`]: abstract execution; the [rules of time](execute#rules-of-time) stand there.
//! - [`deadlock`]: why an execution stopped, and the depth with which it would not have. [`depths`]: least depths at full rate, and
//!   which of them grow with the length of the sequence.
//! - [`mod@dot`] and [`svg`]: pictures. [`storage`]: what a graph holds. [`hardware`]: a graph as a component.
//!
//! Four numbers as shares of their sum; each number has to wait until the sum is known:
//!
//! ```
//! use systole_dataflow::{Depth, Fold, Graph, Type, Word, input, next, state};
//!
//! // Unsigned numbers with 4 bits before the binary point and 4 behind it; their sum needs 2 more before it.
//! let (small, wide) = (Type::uq(4, 4), Type::uq(6, 4));
//! let mut graph = Graph::new();
//! let numbers = graph.source("numbers", [small], [1.0, 2.0, 3.0, 2.0], 1);
//! let [wait, to_sum] = graph.fork("fork", numbers);
//! let sum = Fold::new([Word::zero(wide)], [(state(0) + input(0)).wrap(wide)], [next(0)]);
//! let sum = graph.reduce("sum", &[to_sum], 4, sum);
//! let sums = graph.repeat("repeat", sum, 4);
//! let shares = graph.zip("divide", &[wait, sums], [input(0).divide(input(1), Type::uq(1, 8))]);
//! graph.sink("shares", shares);
//!
//! // FIFOs hold 2, if nothing else is said.
//! let deadlock = graph.run().unwrap_err().to_string();
//! assert!(deadlock.ends_with("; `fork.0` has depth 2, and needs 4"), "{deadlock}");
//!
//! graph.set_depth(wait, Depth::Words(4));
//! let run = graph.run()?;
//! assert_eq!(run.outputs[0].values, [0.125, 0.25, 0.375, 0.25]);
//! assert_eq!((run.cycles, run.traffic(wait).high_water), (11, 4));
//! # Ok::<(), systole_dataflow::RunError>(())
//! ```
//!
//! **Invariant.** A graph has no cycle: a unit takes only channels that exist already.
//!
//! **Invariant.** Rates are static, so the cycle of a transfer never depends on a value.
//!
//! **Invariant.** Each channel has one producer and one consumer; to be read twice, it passes a fork.

mod arithmetic;
pub mod deadlock;
mod delay;
pub mod depths;
pub mod dot;
pub mod execute;
pub mod exp2;
pub mod expression;
mod function;
pub mod graph;
pub mod hardware;
mod leap;
mod link;
mod node;
mod program;
mod rates;
mod steps;
pub mod storage;
pub mod svg;
mod timing;
mod values;

pub use deadlock::{Deadlock, ShortFifo, Wait};
pub use depths::{Growth, Need, family_depths, least_depths};
pub use execute::{Output, Record, Run, RunError, Traffic, Transfers, Values};
pub use exp2::Exp2;
pub use expression::{Expression, dot, field, index, input, next, number, state, sum, whole};
pub use graph::{ChannelId, Depth, Fold, Graph, Kind, Problem, Room, UnitId, Word};
pub use hardware::{Hardware, HardwareError};
pub use storage::{Storage, StorageKind};
pub use systole_hdl::Type;
