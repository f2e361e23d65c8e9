//! Writes a design as Verilog-2005 with a self-checking testbench, and drives the tools that read it.
//!
//! - [`write()`] turns a [`Design`](systole_hdl::Design) into one source text per module: [`VerilogOutput`].
//! - [`testbench`] adds a testbench that replays a [`Recording`](testbench::Recording) and compares every output.
//! - [`tools`] finds Verilator, Icarus Verilog, Yosys and nextpnr, runs them on the text and reads their answers.
//!
//! **Invariant.** Same design, same text, byte for byte.
//!
//! **Invariant.** No user's name reaches the text before the name module has made it a Verilog identifier.

mod names;
pub mod testbench;
pub mod tools;
mod write;

pub use names::reserved_words;
pub use write::{DomainPorts, Options, VerilogModule, VerilogOutput, write};
