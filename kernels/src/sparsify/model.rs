//! The closed-form cycle model: what the hardware takes when no stream stalls it.
//!
//! Nothing comes between one group and the next, so that there are the words of the weights, and behind the last one the stages to the
//! transfer of its result.

use super::parameters::Hardware;
use super::schedule::Schedule;
use crate::report::grouped;
use crate::sparse::hardware::{SparsifierForm, TransposableSelector};

/// A closed form with its numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    words: u64,
    latency: u64,
}

/// The model of a matrix on some hardware.
pub fn model(hardware: &Hardware, schedule: &Schedule) -> Model {
    let steps = schedule.steps() as u64;
    match hardware {
        Hardware::Sparsifier(sparsifier) => Model {
            words: match sparsifier.form {
                SparsifierForm::Streaming => steps * schedule.m as u64,
                SparsifierForm::Parallel => steps,
            },
            latency: sparsifier.latency().into(),
        },
        Hardware::Selector(_) => Model { words: steps, latency: TransposableSelector::LATENCY.into() },
    }
}

impl Model {
    /// Cycles from the first one out of reset to the transfer of the last result, both included.
    pub fn cycles(&self) -> u64 {
        self.words + self.latency
    }

    /// The sum in words and numbers.
    pub fn formula(&self) -> String {
        format!("words + latency = {} + {} = {}", grouped(self.words), self.latency, grouped(self.cycles()))
    }
}
