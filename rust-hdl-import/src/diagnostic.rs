//! Why a circuit cannot be imported.

use thiserror::Error;

/// A construct of a circuit that has no counterpart in a design.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{module}: {construct}: {reason}; {remedy}")]
pub struct Diagnostic {
    /// Path of the module, e.g. `top.fifo.read_logic`.
    pub module: String,
    /// The construct, e.g. `signal bus$data`.
    pub construct: String,
    /// Why it cannot be imported.
    pub reason: String,
    /// What to do instead.
    pub remedy: String,
}

/// A [`Diagnostic`] without the module, which the one who reports it knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    pub construct: String,
    pub reason: String,
    pub remedy: String,
}

impl Problem {
    pub fn new(construct: impl Into<String>, reason: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { construct: construct.into(), reason: reason.into(), remedy: remedy.into() }
    }

    pub fn within(self, module: &str) -> Diagnostic {
        Diagnostic { module: module.to_string(), construct: self.construct, reason: self.reason, remedy: self.remedy }
    }
}
