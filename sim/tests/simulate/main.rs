//! The reference engine against the netlist's definition, and the simulator's interface.

mod batches;
mod build;
mod cells;
mod deadlocks;
mod engines;
mod memories;
mod ports;
mod registers;
mod streams;
