//! Why a circuit cannot be imported.

use rust_hdl_core::ast::VerilogExpression;
use thiserror::Error;

use crate::source_text::as_written;

/// A construct of a circuit that has no counterpart in a design.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error)]
#[error("{module}: {construct}: {reason}; {remedy}")]
pub struct Diagnostic {
    /// Path of the module, e.g. `top.taps[3].multiplier`.
    pub module: String,
    /// The construct, e.g. ``signal `bus.data` ``.
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

    /// Adds to which signal the construct is assigned, as the code has it: a fault in a loop is the same in each turn.
    pub fn where_assigned(self, place: &VerilogExpression) -> Problem {
        match place {
            VerilogExpression::Signal(text) => {
                let signal = text.trim_end_matches("$next");
                Problem { construct: format!("{}, assigned to `{signal}`", self.construct), ..self }
            }
            _ => self,
        }
    }

    pub fn within(self, module: &str) -> Diagnostic {
        let Problem { construct, reason, remedy } = self;
        Diagnostic { module: as_written(module), construct: as_written(&construct), reason: as_written(&reason), remedy }
    }
}
