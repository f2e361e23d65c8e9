//! Clocks are no signals in a design: each is traced to the clock input of the module that it comes from.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostic::Problem;
use crate::signals::{SignalId, Signals};

/// What each clock of a module is fed by. A clock input of the module is fed by nothing.
#[derive(Default)]
pub(crate) struct Clocks {
    sources: FxHashMap<SignalId, SignalId>,
    /// Clocks that are fed by what is no clock, which has been reported.
    faulty: FxHashSet<SignalId>,
}

impl Clocks {
    /// Notes that `clock` is fed by what is no clock.
    pub fn spoil(&mut self, clock: SignalId) {
        self.faulty.insert(clock);
    }

    pub fn is_faulty(&self, clock: SignalId) -> bool {
        self.faulty.contains(&clock)
    }

    /// Notes that `clock` is fed by `source`.
    pub fn connect(&mut self, signals: &Signals, clock: SignalId, source: SignalId) -> Result<(), Problem> {
        match self.sources.insert(clock, source) {
            Some(other) if other != source => {
                let reason = format!("it is fed by `{}` and by `{}`", signals.get(other).name, signals.get(source).name);
                Err(Problem::new(format!("clock `{}`", signals.get(clock).name), reason, "feed it from one clock"))
            }
            _ => Ok(()),
        }
    }

    /// The signal at the start of the chain that feeds `clock`, and whether the chain has one.
    pub fn origin(&self, clock: SignalId) -> Option<SignalId> {
        let mut origin = clock;
        // A chain is at most as long as there are links; a longer walk runs in a circle.
        for _ in 0..=self.sources.len() {
            match self.sources.get(&origin) {
                Some(&source) => origin = source,
                None => return Some(origin),
            }
        }
        None
    }
}
