//! `export` of attention: every layout's Verilog passes every tool's strictest reading, and its own testbench.

use systole_verilog::tools::Tool;

use crate::gates::Export;
use crate::support::has;

/// A head of three queries and eight keys of four dimensions, in formats that suit every variant.
const HEAD: &str = r#"kernel = "attention"
seed = 3
formats = { query = "q3.5", key = "q3.5", value = "q3.5", score = "q6.6", weight = "uq6.8", sum_fraction = 10, output = "q4.6" }
exp = { table_bits = 3, degree = 1 }
latency = { divide = 5 }

[[heads]]
q = { random = "gaussian", shape = [3, 4] }
k = { random = "gaussian", shape = [8, 4] }
v = { random = "gaussian", shape = [8, 4] }
"#;

/// What differs from a layout with everything in its simplest form.
const LAYOUTS: [(&str, &[&str]); 9] = [
    ("naive", &[]),
    ("stable", &[]),
    ("deferred", &[]),
    ("memory-free", &[]),
    ("memory-free", &["mask=causal"]),
    ("memory-free", &["mask={ sinks = 1, window = 3 }", "heads[0].q.shape=[8,4]"]),
    ("deferred", &["head_dimension=series"]),
    ("stable", &["rows_in_parallel=2"]),
    ("deferred", &["division=parallel", "fifos.registered_full=true"]),
];

fn export((variant, settings): (&str, &[&str])) -> Export {
    Export::new(HEAD, &[&[format!("variant={variant}").as_str()], settings].concat(), "attention")
}

#[test]
fn verilator_lints_attention_without_a_word() {
    if has(Tool::Verilator) {
        LAYOUTS.into_iter().map(export).for_each(|export| export.assert_lints());
    }
}

#[test]
fn attention_passes_its_testbench_in_icarus() {
    if has(Tool::Iverilog) && has(Tool::Vvp) {
        for export in LAYOUTS.into_iter().map(export) {
            export.assert_compiles();
            export.assert_testbench_passes(Tool::Iverilog);
        }
    }
}

#[test]
fn attention_passes_its_testbench_in_verilator() {
    // It builds a program, which takes long.
    if has(Tool::Verilator) {
        export(LAYOUTS[3]).assert_testbench_passes(Tool::Verilator);
    }
}

#[test]
fn yosys_finds_nothing_undriven_or_doubly_driven_in_attention() {
    if has(Tool::Yosys) {
        [LAYOUTS[0], LAYOUTS[5]].into_iter().map(export).for_each(|export| export.assert_checks());
    }
}
