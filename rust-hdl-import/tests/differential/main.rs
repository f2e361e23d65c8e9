//! Imported circuits do what rust-hdl's own simulator does, in every cycle.

#[path = "../../examples/chain/mod.rs"]
mod chain;
mod circuits;
mod clock_crossing;
mod corners;
mod harness;
mod integers;
mod language;
mod names;
mod processor;
mod serial_line;
mod structure;
mod verilog_widths;
mod widgets;
