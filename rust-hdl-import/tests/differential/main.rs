//! Imported circuits do what rust-hdl's own simulator does, in every cycle.

mod harness;
mod language;
mod widgets;
