//! Random valid designs: every kind of cell, memory and connection, under names that nobody would choose.
//!
//! A design grows from a *recipe*: short instructions that are read so that every sequence of them is a valid design. Whatever
//! is taken out of a recipe or made smaller in it, a valid design remains, which is what lets failing cases shrink.
//!
//! - `recipe`: the instructions, and how often each occurs.
//! - `build`, with `cells`, `memories` and `instances`: what they do to a module that grows.
//! - `names`: hostile names, kept apart. `order`: cells in any order.

mod build;
mod cells;
mod instances;
mod memories;
mod names;
mod order;
mod recipe;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use systole_hdl::Design;

/// The widest signal of a random design, in bits.
pub const MAX_WIDTH: u32 = 200;

/// The most cells that a random design has over all instances, give or take those of one recipe.
pub const MAX_FLAT_CELLS: usize = 1500;

/// Valid designs of one to five modules with signals of 1 to [`MAX_WIDTH`] bits. They shrink towards fewer modules and cells,
/// narrower widths, plainer names and zeros.
pub fn random_design() -> impl Strategy<Value = Design> {
    recipe::recipe().prop_map(|recipe| build::design(&recipe))
}

/// A source of random choices that makes the same ones for the same seed.
pub fn seeded_runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// The names of all kinds of [`systole_hdl::Cell`], as they are printed: what random designs are to have.
pub const CELL_KINDS: [&str; 26] = [
    "Const",
    "Input",
    "Wire",
    "Not",
    "And",
    "Or",
    "Xor",
    "ReduceAnd",
    "ReduceOr",
    "ReduceXor",
    "Add",
    "Sub",
    "Mul",
    "Equal",
    "Less",
    "ShiftLeft",
    "ShiftRight",
    "Mux",
    "Select",
    "Concat",
    "Slice",
    "Extend",
    "Register",
    "MemoryRead",
    "MemoryReadRegistered",
    "InstanceOutput",
];
