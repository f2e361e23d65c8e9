//! Tests and benchmarks across crates and against other tools.
//!
//! - [`random_design`]: random valid designs that shrink.
//! - [`engines`]: the two engines on one design.
//! - [`array_clock`]: area and clock of the matrix accelerator on ECP5.
//! - [`element_size`]: what a processing element takes on a device, by the group that it picks from.
//! - [`lockstep`]: a design in the reference engine and, as Verilog, in Icarus Verilog, compared cycle by cycle.
//! - [`bench_rtl`]: how fast the engines are, beside Verilator, Icarus Verilog and loops written by hand.
//! - [`readers`]: damaged files against everything that reads files.
//! - [`campaign`]: many random designs in lockstep; [`replay`]: the failing ones as files.

pub mod array_clock;
pub mod bench_rtl;
pub mod campaign;
mod edit;
pub mod element_size;
pub mod engines;
pub mod lockstep;
pub mod random_design;
pub mod readers;
pub mod replay;

/// The book's chapter on the language, whose code blocks are documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/hdl.md")]
pub struct HdlChapter;

/// The exit code of a developer program, whose error goes to the standard error with all its causes.
pub fn exit_code(result: anyhow::Result<()>) -> std::process::ExitCode {
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
