//! Tests and benchmarks across crates and against other tools.
//!
//! - [`random_design`]: random valid designs that shrink.
//! - [`engines`]: the two engines on one design.
//! - [`lockstep`]: a design in the reference engine and, as Verilog, in Icarus Verilog, compared cycle by cycle.
//! - [`mac_array`]: the circuit that speeds are measured on.
//! - [`campaign`]: many random designs in lockstep; [`replay`]: the failing ones as files.

pub mod campaign;
mod edit;
pub mod engines;
pub mod lockstep;
pub mod mac_array;
pub mod random_design;
pub mod replay;

/// The book's chapter on the language, whose code blocks are documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/hdl.md")]
pub struct HdlChapter;
