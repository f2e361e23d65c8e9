//! Imported circuits do what rust-hdl's own simulator does, in every cycle.

mod aliases;
#[path = "../../examples/chain/mod.rs"]
mod chain;
mod circuits;
mod clock_crossing;
mod corners;
mod harness;
mod integers;
mod language;
mod late_clocks;
mod names;
mod processor;
mod serial_line;
mod structure;
mod undriven;
mod verilog_widths;
mod widgets;
