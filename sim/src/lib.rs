//! Cycle-accurate simulation of a design, with traces, stream drivers and counters.
//!
//! - [`simulator`]: the user's view. Ports by typed handles, time, memories, sources and sinks, counts, deadlocks explained.
//! - [`engine`]: what every engine can do; [`mod@reference`] is the interpreter, [`compiled`] the fast one, [`lockstep`] both.
//! - [`hierarchy`]: the instance tree and its paths. [`samples`]: reading many signals at once.
//! - [`observer`]: the hook for what looks at each cycle: [`recorder`], [`trace`], [`record`] with [`state`].
//! - [`files`]: files that appear whole or not at all.
//!
//! **Invariant.** Drivers, counters, traces and explanations know engines by [`Engine`] only.

pub mod clocks;
pub mod compiled;
pub mod connect;
pub mod counters;
pub mod deadlock;
pub mod engine;
pub mod files;
pub mod hierarchy;
pub mod lockstep;
pub mod observer;
mod probes;
pub mod record;
pub mod recorder;
pub mod reference;
pub mod samples;
pub mod simulator;
pub mod state;
pub mod streams;
pub mod trace;
pub mod values;

pub use clocks::Clock;
pub use compiled::{Compiled, MachineCode};
pub use counters::{HighWater, StreamCount};
pub use deadlock::Explanation;
pub use engine::{DomainSet, Engine};
pub use hierarchy::{Hierarchy, NodeId};
pub use lockstep::Lockstep;
pub use observer::Observer;
pub use recorder::Recorder;
pub use reference::Reference;
pub use simulator::{
    Batch, EngineKind, InputPort, Memory, Options, OutputPort, RunError, Signal, SimError, Simulator, SinkHandle, SourceHandle,
};
pub use streams::{Received, StallPattern};
pub use values::IntoValue;
