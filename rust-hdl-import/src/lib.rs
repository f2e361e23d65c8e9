//! Imports circuits written with [rust-hdl](https://rust-hdl.org) into a Systole [`Design`].
//!
//! ```
//! use rust_hdl_core::prelude::*;
//!
//! #[derive(LogicBlock, Default)]
//! struct Inverter {
//!     pub data: Signal<In, Bits<8>>,
//!     pub result: Signal<Out, Bits<8>>,
//! }
//!
//! impl Logic for Inverter {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         self.result.next = !self.data.val();
//!     }
//! }
//!
//! let design = systole_rust_hdl::import(&Inverter::default()).unwrap();
//! assert_eq!(design.top_module().outputs[0].name, "result");
//! ```
//!
//! How a circuit maps:
//!
//! - A block becomes a module, named after the field that holds it; equal modules become one definition with several instances.
//! - Flip-flops, memories and ROMs become registers, memories and reads of the module that holds them, with their initial content.
//! - A port `bus.data` of an interface is named `bus_data`, element 3 of an array `taps_3`.
//! - A clock input becomes a clock domain, in the order of the fields: the default domain if it is the only one, else named after
//!   the port (`read_clock` is the clock of domain `read`). Registers do not obey the domain's reset, as rust-hdl has none.
//!
//! What a circuit means is what rust-hdl's *simulator* does with it; [`Widths`] says where its Verilog differs. A block is imported
//! as it stands, so import it before simulating it: the initial value of an `EdgeDFF` and the content of a RAM are their present ones.
//!
//! Modules read in this order: `probe` walks the block, `primitives` recognises flip-flops and memories, `evaluate` executes a block's
//! `update` symbolically, `cases` a `match` in it, with what its signals are in `assignments`; expressions are computed in the widths
//! of the simulator by `expression`, `operators`, `integers`, `places` and `widths`, in the others by `verilog_widths` and `precedence`;
//! `build` puts a module together, `lower` a design.

mod arrivals;
mod assignments;
mod build;
mod cases;
mod clocks;
mod dependencies;
mod diagnostic;
mod evaluate;
mod expression;
mod integers;
mod literal;
mod lower;
mod names;
mod netlist;
mod operators;
mod places;
mod precedence;
mod primitives;
mod probe;
mod refusals;
mod signals;
mod source_text;
mod storage;
mod sweep;
mod verilog_widths;
mod widths;

use rust_hdl_core::block::Block;
use systole_hdl::Design;

pub use diagnostic::Diagnostic;

/// In which widths expressions are computed. rust-hdl's two answers differ: where `q` has 8 bits, `(q + 1) == 0` holds once in 256
/// cycles in its simulator, and never in its Verilog.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Widths {
    /// As in rust-hdl's simulator: operands have their own width, and a literal takes the width of the other operand.
    #[default]
    Simulator,
    /// As tools read its Verilog: everything has the width of the widest part, and a literal has 32 bits. Where parentheses are
    /// missing, `==` binds tighter than `&`.
    Verilog,
}

/// What becomes of a child's input that nothing in the circuit drives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Undriven {
    /// It is refused.
    #[default]
    Refused,
    /// It becomes a port of the top module, named by its path: `master.start` is the port `master_start`, and a clock a clock domain.
    /// So a testbench can drive it, as in rust-hdl, where it assigns `master.start.next`.
    Ports,
}

/// What becomes of a circuit in which rust-hdl's simulator clocks a flip-flop too late.
///
/// In that simulator every signal on a path costs one turn of its loop, those of a clock too. Where a clock passes more signals than the
/// data between two flip-flops, the second takes what the first has become at the same edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LateClocks {
    /// It is refused: the design would not do what the simulator does.
    #[default]
    Refused,
    /// All flip-flops of a clock change at once, as in hardware and in rust-hdl's Verilog.
    AtOnce,
}

/// How the import reads a circuit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Name of the top module.
    pub name: String,
    /// In which widths expressions are computed.
    pub widths: Widths,
    /// What becomes of a child's input that nothing drives.
    pub undriven: Undriven,
    /// What becomes of flip-flops that rust-hdl's simulator clocks too late. With [`Widths::Verilog`] none is late.
    pub late_clocks: LateClocks,
}

impl Default for Options {
    fn default() -> Options {
        Options { name: "top".to_string(), widths: Widths::default(), undriven: Undriven::default(), late_clocks: LateClocks::default() }
    }
}

/// The design of a rust-hdl circuit, its top module named `top`.
///
/// # Errors
/// Everything that has no counterpart in a design, each with the module and the construct: see [`Diagnostic`].
pub fn import<B: Block>(block: &B) -> Result<Design, Vec<Diagnostic>> {
    import_with(block, &Options::default())
}

/// As [`import`], with options.
///
/// # Errors
/// As [`import`].
pub fn import_with<B: Block>(block: &B, options: &Options) -> Result<Design, Vec<Diagnostic>> {
    lower::lower(&probe::walk(block, &options.name), options)
}

/// Runs the code of the book's chapter.
#[cfg(doctest)]
#[doc = include_str!("../../docs/book/src/rust-hdl.md")]
struct Book;
