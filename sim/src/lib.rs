//! Cycle-accurate simulation of a design, with traces, stream drivers and counters.

pub mod engine;
pub mod hierarchy;
pub mod observer;

pub use engine::{DomainSet, Engine};
pub use hierarchy::{Hierarchy, NodeId};
pub use observer::Observer;
