//! What elaboration has to say about a description: errors and warnings with places, notes and a remedy.

use std::fmt;
use std::panic::Location;

/// A place in the user's source.
pub type Place = &'static Location<'static>;

/// How grave a [`Diagnostic`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// No design comes out.
    Error,
    /// The design is well defined but probably not what was meant.
    Warning,
}

/// One finding about a description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where.
    pub at: Place,
    /// The instance being elaborated, e.g. `top.array.pe_0_0`; of a shared component, its first instance.
    pub instance: String,
    /// The other places concerned.
    pub notes: Vec<Note>,
    /// What to write instead.
    pub help: Option<String>,
}

/// A further place that a [`Diagnostic`] concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// What happened there.
    pub message: String,
    /// Where.
    pub at: Place,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}\n  --> {}", self.message, self.at)?;
        if !self.instance.is_empty() {
            write!(f, "\n   in {}", self.instance)?;
        }
        for note in &self.notes {
            write!(f, "\n   = {} ({})", note.message, note.at)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = help: {help}")?;
        }
        Ok(())
    }
}

/// Everything that stands between a description and its design. `Debug` reads as `Display`, which is what a `main` prints that
/// returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// The errors among them.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|d| d.severity == Severity::Error)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f, "\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Diagnostics {}
