//! What can go wrong with a trace.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a trace could not be started or written. No message leaves a file of the asked name behind that is incomplete:
/// the trace is written beside it and takes the name when it is whole.
#[derive(Debug, Error)]
pub enum TraceError {
    /// No file can be made at this path.
    #[error("cannot create the trace `{}`: {reason}; give a path in an existing, writable folder", path.display())]
    Create {
        /// The path asked for.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// Writing failed on the way: a full disk, a folder that vanished.
    #[error("cannot write the trace `{}`: {reason}; free some space, or trace less (a scope, a depth, a window of cycles)", path.display())]
    Write {
        /// The path asked for.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The scope is not a pattern.
    #[error("`{pattern}` is not a trace scope: {reason}; write a path such as `top.array`, `top.array.pe_*` or `top.**.sum`")]
    Pattern {
        /// The scope as given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A scope selects no signal.
    #[error("the trace scope `{pattern}` selects no signal; the nearest paths are: {}", nearest.join(", "))]
    NothingSelected {
        /// The scope as given.
        pattern: String,
        /// The paths of instances and signals that are most like it.
        nearest: Vec<String>,
    },
    /// A pattern for memories selects none.
    #[error(
        "the pattern `{pattern}` selects no memory; {}",
        if nearest.is_empty() { "the design has none".to_string() } else { format!("the nearest are: {}", nearest.join(", ")) }
    )]
    NoMemory {
        /// The pattern as given.
        pattern: String,
        /// The memories whose paths are most like it.
        nearest: Vec<String>,
    },
    /// The selected memories are too large to be traced whole.
    #[error(
        "the memory `{path}` has {words} words, {total} with those selected before it; a trace shows at most {} of a memory and {} in all: \
         select fewer, or say how many words of each to show (`--trace-memory-words N`)",
        super::MEMORY_WORDS,
        super::ALL_MEMORY_WORDS
    )]
    TooManyWords {
        /// The memory.
        path: String,
        /// Its depth.
        words: u32,
        /// Words of all memories selected so far.
        total: u64,
    },
    /// A depth of zero leaves no signal.
    #[error("a trace depth of 0 selects no signal; 1 traces the selected instances alone, 2 also those directly in them")]
    Depth,
    /// The window ends before it begins.
    #[error("the trace window ends at cycle {to}, before it begins at cycle {from}")]
    Window {
        /// First cycle asked for.
        from: u64,
        /// Last cycle asked for.
        to: u64,
    },
}
