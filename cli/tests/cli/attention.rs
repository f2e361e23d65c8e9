//! `export` of attention: every layout's Verilog passes every tool's strictest reading, and its own testbench.

use std::path::PathBuf;
use std::process::Command;

use systole_verilog::tools::{Tool, check, compile, lint};

use crate::support::{Desk, has, names};

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

/// A folder with an export of a layout in it.
struct Export {
    layout: String,
    folder: PathBuf,
    /// Without the testbench.
    modules: Vec<String>,
    _desk: Desk,
}

fn export((variant, settings): (&str, &[&str])) -> Export {
    let desk = Desk::with(HEAD);
    let variant = format!("variant={variant}");
    let mut arguments = vec!["export", "config.toml", "--out", "result", "--testbench", "--set", &variant];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    desk.systole(&arguments).assert().success();
    let folder = desk.path("result");
    let modules = names(&folder).into_iter().filter(|name| name.ends_with(".v") && !name.ends_with("_tb.v")).collect();
    Export { layout: format!("{variant} {settings:?}"), folder, modules, _desk: desk }
}

/// Runs the testbench as the export says.
fn assert_testbench_passes(export: &Export, tool: Tool) {
    let ran = Command::new("sh").current_dir(&export.folder).args(["run.sh", tool.program()]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("PASS "), "{}: {said}", export.layout);
}

#[test]
fn verilator_lints_attention_without_a_word() {
    if has(Tool::Verilator) {
        for layout in LAYOUTS {
            let export = export(layout);
            lint(&export.folder, &export.modules, "attention").unwrap_or_else(|error| panic!("{}: {error}", export.layout));
        }
    }
}

#[test]
fn attention_passes_its_testbench_in_icarus() {
    if has(Tool::Iverilog) && has(Tool::Vvp) {
        for layout in LAYOUTS {
            let export = export(layout);
            compile(&export.folder, &export.modules, "attention").unwrap_or_else(|error| panic!("{}: {error}", export.layout));
            assert_testbench_passes(&export, Tool::Iverilog);
        }
    }
}

#[test]
fn attention_passes_its_testbench_in_verilator() {
    // It builds a program, which takes long.
    if has(Tool::Verilator) {
        assert_testbench_passes(&export(LAYOUTS[3]), Tool::Verilator);
    }
}

#[test]
fn yosys_finds_nothing_undriven_or_doubly_driven_in_attention() {
    if has(Tool::Yosys) {
        for layout in [LAYOUTS[0], LAYOUTS[5]] {
            let export = export(layout);
            check(&export.folder, &export.modules, "attention").unwrap_or_else(|error| panic!("{}: {error}", export.layout));
        }
    }
}
