//! Why a command ends without success, and the exit code that says so.

use std::process::ExitCode;

use miette::{Diagnostic, Report};
use thiserror::Error;

use crate::text::presentable;

/// A command that did not succeed: its kind decides the exit code.
#[derive(Debug)]
pub enum Failure {
    /// The hardware's results differ from the golden model's. The report has been written and says where.
    Differs(Report),
    /// The command line, the configuration, a tensor or an output folder cannot be used.
    Input(Report),
    /// An outside tool is missing or failed.
    Tool(Report),
    /// The simulation came to no end: a deadlock, or the cycle limit.
    Stuck(Report),
    /// The user interrupted the run.
    Interrupted(Report),
    /// Systole contradicts itself; to be reported as a defect.
    Defect(Report),
}

/// Exit code of a command line or configuration that cannot be used; clap's own errors exit with it too.
pub const BAD_INPUT: u8 = 2;

/// Exit code after an interrupt.
pub const INTERRUPTED: u8 = 130;

/// Exit code after a defect in Systole itself, which a panic gives too.
pub const DEFECT: u8 = 101;

impl Failure {
    /// The exit code, as the book's chapter on the command line lists them.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Differs(_) => 1,
            Failure::Input(_) => BAD_INPUT,
            Failure::Tool(_) => 3,
            Failure::Stuck(_) => 4,
            Failure::Interrupted(_) => INTERRUPTED,
            Failure::Defect(_) => DEFECT,
        })
    }

    /// What to tell the user.
    pub fn report(&self) -> &Report {
        match self {
            Failure::Differs(report)
            | Failure::Input(report)
            | Failure::Tool(report)
            | Failure::Stuck(report)
            | Failure::Interrupted(report)
            | Failure::Defect(report) => report,
        }
    }

    /// Bad input without a place in a file.
    pub fn input(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::Input(message_with_help(message, help))
    }

    /// What cannot happen in a sound Systole, and did.
    pub fn defect(error: &dyn std::error::Error) -> Failure {
        let help = "this is a bug in Systole, whatever the input was; please report it with the command and the configuration";
        Failure::Defect(message_with_help(error.to_string(), help))
    }
}

/// A message and what to do about it, for failures that have no place in a file.
pub fn message_with_help(message: impl Into<String>, help: impl Into<String>) -> Report {
    Report::new(Message { message: presentable(&message.into()), help: presentable(&help.into()) })
}

#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
struct Message {
    message: String,
    #[help]
    help: String,
}
