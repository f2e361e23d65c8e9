//! The text form of a design: stable, readable, line by line, and exact in both directions.
//!
//! The book's chapter on the netlist documents it. [`Design::to_text`] writes it (so does [`Display`](std::fmt::Display)),
//! [`Design::parse`] reads it; for every valid design the second undoes the first.

mod line;
mod module;
mod parse;
mod print;

use thiserror::Error;

use crate::design::Design;
use crate::validate::Violation;

/// The first line of the text form. The number rises when an old reader would misread what a new printer writes.
const HEADER: &str = "systole netlist 1";

/// Why a piece of text is not a design.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{line}:{column}: {problem}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a piece of text.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Problem {
    /// It does not follow the grammar, or names what does not exist. The message says what was expected.
    #[error("{0}")]
    Syntax(String),
    /// It reads well, but describes a design that breaks a rule of the netlist.
    #[error("{0}")]
    Invalid(Violation),
}

impl Design {
    /// The text form.
    pub fn to_text(&self) -> String {
        self.to_string()
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// At most one for each line that does not follow the grammar; if there is none, every broken rule of the netlist at the
    /// line of the thing that breaks it.
    pub fn parse(text: &str) -> Result<Design, Vec<ParseError>> {
        parse::parse(text)
    }
}
