//! Imported circuits do what rust-hdl's own simulator does, in every cycle.

mod circuits;
mod harness;
mod language;
mod structure;
mod verilog_widths;
mod widgets;
