//! One file a command.

pub mod doctor;
pub mod export;
pub mod list;
pub mod run;
pub mod schema;
pub mod synth;
pub mod trace;
pub mod workload;
