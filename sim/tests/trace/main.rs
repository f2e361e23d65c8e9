//! Traces read back by another program are what the engine showed.

mod attached;
mod contents;
mod designs;
mod failures;
mod memories;
mod record;
mod run;
mod selection;
mod tools;
mod waves;
