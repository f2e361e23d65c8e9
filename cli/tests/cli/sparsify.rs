//! `export` of sparsifiers: the Verilog of every method passes every tool's strictest reading, and its own testbench.

use systole_verilog::tools::Tool;

use crate::gates::Export;
use crate::support::has;

/// A matrix that neither groups nor lanes divide, with stalls at both ends.
const MATRIX: &str = r#"kernel = "sparsify"
seed = 3
lanes = 3
format = "s6"
weights = { random = "full-range", shape = [21, 7] }

[stalls]
weights = { random = { probability = 0.8 } }
pairs = { random = { probability = 0.6 } }
"#;

/// What is exported: the settings, and the module that they make.
const HARDWARE: [(&[&str], &str); 8] = [
    (&["pattern=2:4"], "sparsifier"),
    (&["pattern=4:4", "format=u6"], "sparsifier"),
    (&["pattern=1:8", "lanes=1"], "sparsifier"),
    (&["method=parallel", "pattern=2:4"], "sparsifier"),
    (&["method=parallel", "pattern=1:2", "lanes=1", "format=u6"], "sparsifier"),
    (&["method=parallel", "pattern=8:8", "format=q2.4"], "sparsifier"),
    (&["method=transposable", "lanes=4"], "transposable_selector"),
    (&["method=transposable", "lanes=4", "format=u2"], "transposable_selector"),
];

fn exports() -> impl Iterator<Item = Export> {
    HARDWARE.into_iter().map(|(settings, top)| Export::new(MATRIX, settings, top))
}

#[test]
fn verilator_lints_sparsifiers_without_a_word() {
    if has(Tool::Verilator) {
        exports().for_each(|export| export.assert_lints());
    }
}

#[test]
fn sparsifiers_pass_their_testbenches_in_icarus() {
    if has(Tool::Iverilog) && has(Tool::Vvp) {
        for export in exports() {
            export.assert_compiles();
            export.assert_testbench_passes(Tool::Iverilog);
        }
    }
}

#[test]
fn a_sparsifier_passes_its_testbench_in_verilator() {
    // It builds a program, which takes long.
    if has(Tool::Verilator) {
        let (settings, top) = HARDWARE[0];
        Export::new(MATRIX, settings, top).assert_testbench_passes(Tool::Verilator);
    }
}

#[test]
fn yosys_finds_nothing_undriven_or_doubly_driven_in_sparsifiers() {
    if has(Tool::Yosys) {
        exports().for_each(|export| export.assert_checks());
    }
}
