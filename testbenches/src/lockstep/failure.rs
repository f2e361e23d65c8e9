//! What can go wrong when a design runs in lockstep.

use thiserror::Error;

/// Why a design did not pass.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Failure {
    /// The design breaks a rule of the netlist, so the fault is its maker's.
    #[error("the design is not valid: {0}")]
    Invalid(String),
    /// The text form reads back as something else, or not at all.
    #[error("the text form does not read back: {0}")]
    RoundTrip(String),
    /// The engine or the writer panicked or gave up.
    #[error("{part} failed: {message}")]
    Broken {
        /// Which of them.
        part: &'static str,
        /// What it said.
        message: String,
    },
    /// An outside tool refused the Verilog, or had something to say about it.
    #[error("{tool} is not content with the Verilog:\n{messages}")]
    Refused {
        /// The tool.
        tool: &'static str,
        /// What it said.
        messages: String,
    },
    /// The Verilog simulation printed fewer cycles than it was given.
    #[error("the simulation of the Verilog ended early: {0}")]
    Unfinished(String),
    /// A signal has another value in the Verilog.
    #[error("cycle {cycle}, {signal}: the reference engine has {expected}, the Verilog has {got}")]
    Differs {
        /// The first such cycle, from 0.
        cycle: usize,
        /// The signal.
        signal: String,
        /// Hexadecimal digits from the engine.
        expected: String,
        /// Hexadecimal digits from the Verilog; `x` where a bit is unknown.
        got: String,
    },
}

impl Failure {
    /// Whether both are of one kind, so that a case may shrink from one to the other.
    pub fn is_like(&self, other: &Failure) -> bool {
        match (self, other) {
            (Failure::Broken { part, .. }, Failure::Broken { part: other, .. }) => part == other,
            (Failure::Refused { tool, .. }, Failure::Refused { tool: other, .. }) => tool == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
