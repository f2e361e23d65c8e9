//! A hook that sees every cycle: traces and recorders attach here and cost nothing when absent.

use std::any::Any;

use systole_hdl::Value;
use systole_hdl::design::MemoryId;

use crate::engine::{DomainSet, Engine};
use crate::hierarchy::NodeId;

/// Looks at each cycle of a simulation, changing nothing.
pub trait Observer: Any + Send {
    /// Called once a cycle, after everything has settled and before the edge that ends the cycle. `cycle` counts from 0 at
    /// the start and never goes back, not even on reset. `edges` are the domains whose edge ends this cycle.
    ///
    /// # Errors
    /// A reason to stop the simulation, such as a full disk.
    fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), ObserverError>;

    /// Called when words have been put into a memory from outside, from address `first` on, before the cycle in which that
    /// happened is observed.
    fn memory_written(&mut self, place: (NodeId, MemoryId), first: u32, words: &[Value]) {
        let _ = (place, first, words);
    }

    /// Called once when the observer is detached or the simulation is dropped: the place to complete a file. The engine may
    /// not have settled since the last edge.
    ///
    /// # Errors
    /// What went wrong on completing.
    fn finish(&mut self, engine: &dyn Engine) -> Result<(), ObserverError> {
        let _ = engine;
        Ok(())
    }
}

/// Why an observer gave up.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;
