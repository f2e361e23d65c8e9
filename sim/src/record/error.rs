//! What can go wrong with a record.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::engine::BuildError;
use crate::trace::TraceError;

/// Why a record could not be written, read or rendered.
#[derive(Debug, Error)]
pub enum RecordError {
    /// No file can be made at this path.
    #[error("cannot create the record `{}`: {reason}; give a path in an existing, writable folder", path.display())]
    Create {
        /// The path asked for.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// Writing failed on the way.
    #[error("cannot write the record `{}`: {reason}; free some space", path.display())]
    Write {
        /// The path asked for.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the record `{}`: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// The file is something else.
    #[error("`{}` is not a record; `systole run --record` writes one", path.display())]
    NotARecord {
        /// The file.
        path: PathBuf,
    },
    /// The file is of another version of the format.
    #[error("the record `{}` has format {found}, and this program reads format {known}; record the run again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version, as it stands there.
        found: String,
        /// The version that can be read.
        known: u32,
    },
    /// The file's content is not what was written.
    #[error(
        "the record `{}` is damaged in chunk {chunk} at byte {byte}{}: {what}; copy it anew, or record the run again",
        path.display(),
        cycle.map_or(String::new(), |cycle| format!(" (cycles from {cycle} on)"))
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the chunk begins in it, in bytes.
        byte: u64,
        /// Index of the chunk; the design is chunk 0.
        chunk: u32,
        /// The first cycle that cannot be relied on, if any come before.
        cycle: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// The window begins behind the last cycle, or ends before the first.
    #[error("the window of cycles {from} to {} has none of the record's, which are {first} to {last}", to.map_or("the last".to_string(), |to| to.to_string()))]
    EmptyWindow {
        /// First cycle asked for.
        from: u64,
        /// Last cycle asked for, if one was.
        to: Option<u64>,
        /// First recorded cycle.
        first: u64,
        /// Last recorded cycle.
        last: u64,
    },
    /// The record has no cycles, or ends before the first whole chunk of them.
    #[error("the record `{}` has no whole cycle: the run ended, or was killed, before it; record the run again", path.display())]
    NoCycles {
        /// The file.
        path: PathBuf,
    },
    /// No engine can be made for the design.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The waveform cannot be written.
    #[error(transparent)]
    Trace(#[from] TraceError),
}
