//! One file a command.

pub mod export;
pub mod list;
pub mod run;
pub mod schema;
pub mod workload;
