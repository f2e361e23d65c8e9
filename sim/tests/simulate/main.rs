//! The reference engine against the netlist's definition, and the simulator's interface.

mod build;
mod cells;
mod deadlocks;
mod memories;
mod ports;
mod registers;
mod streams;
