//! Damaged files against everything that reads files: configurations, tensors, records, netlists.
//!
//! Real files are [mutated] and read, in a [worker] of its own with limits on memory and time, so that a reader that aborts, hangs or
//! swallows the memory ends only the worker. A file that a reader comes to grief with is kept and named; every file follows from a seed and a
//! number.

mod check;
mod mutate;
mod seeds;
pub mod worker;

pub use check::{Checker, Verdict};
pub use mutate::mutated;

/// A kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Kind {
    /// TOML configurations, read up to the kernel's own checks.
    Configuration,
    /// NumPy arrays.
    Npy,
    /// Archives of NumPy arrays.
    Npz,
    /// Named tensors.
    Safetensors,
    /// Records of runs, read and drawn.
    Record,
    /// Netlists in their text form, read, validated and analysed.
    Netlist,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 6] = [Kind::Configuration, Kind::Npy, Kind::Npz, Kind::Safetensors, Kind::Record, Kind::Netlist];

    /// The name on the command line and of failing files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Configuration => "configuration",
            Kind::Npy => "npy",
            Kind::Npz => "npz",
            Kind::Safetensors => "safetensors",
            Kind::Record => "record",
            Kind::Netlist => "netlist",
        }
    }

    /// How names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Kind::Configuration => "toml",
            Kind::Record => "systole",
            other => other.name(),
        }
    }
}
