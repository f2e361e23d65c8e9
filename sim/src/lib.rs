//! Cycle-accurate simulation of a design, with traces, stream drivers and counters.

pub mod connect;
pub mod engine;
pub mod hierarchy;
pub mod observer;
pub mod reference;
pub mod trace;

pub use engine::{DomainSet, Engine};
pub use hierarchy::{Hierarchy, NodeId};
pub use observer::Observer;
pub use reference::Reference;
