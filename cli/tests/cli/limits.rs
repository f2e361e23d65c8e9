//! `--cycle-limit` and windows of cycles: exact, in every kernel and every phase of a run.

use std::fs;

use serde_json::Value;

use crate::support::{Desk, SMALL, names};

/// The exit code and the message of a run of the configuration at `path`, recorded.
fn run(desk: &Desk, path: &str, options: &[&str], limit: u64) -> (Option<i32>, String) {
    let limit = limit.to_string();
    let arguments = [&["run", path, "--out", "result", "--record", "--quiet", "--cycle-limit", &limit], options].concat();
    let output = desk.systole(&arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The run ends with the limit, which the message states, in the cycle that it says: one cycle of reset comes first.
#[track_caller]
fn assert_ends(desk: &Desk, path: &str, options: &[&str], limit: u64) {
    let (code, message) = run(desk, path, options, limit);
    assert_eq!(code, Some(4), "{path}, limit {limit}: {message}");
    assert!(message.contains(&format!("not done within {limit} cycles")), "{path}: {message}");
    assert!(message.contains(&format!("complete up to cycle {}\n", limit + 1)), "{path}: {message}");
}

fn config(name: &str) -> String {
    format!("{}/../configs/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_limit_is_exact_and_allows_a_run_that_needs_just_as_many_cycles() {
    let desk = Desk::with(SMALL);
    let chain = format!("{SMALL}\n[[layers]]\nb = {{ random = \"gaussian\", shape = [5, 4] }}\n");
    desk.write("chain.toml", chain.as_bytes());
    let sparsify = "kernel = \"sparsify\"\nweights = { random = \"gaussian\", shape = [16, 8] }\n";
    desk.write("sparsify.toml", sparsify.as_bytes());
    for path in ["config.toml", "chain.toml", "sparsify.toml", &config("attention-small")] {
        desk.systole(&["run", path, "--out", "whole", "--quiet"]).assert().success();
        let report: Value = serde_json::from_slice(&fs::read(desk.path("whole/report.json")).unwrap()).unwrap();
        let needed = report["cycles"]["total"].as_u64().unwrap();
        let (code, message) = run(&desk, path, &[], needed);
        assert_eq!(code, Some(0), "{path} needs {needed}: {message}");
        for limit in [1, 2, needed / 2, needed - 1] {
            assert_ends(&desk, path, &[], limit);
        }
    }
}

#[test]
fn the_limit_holds_while_weights_fill_a_store_and_while_the_first_tile_loads() {
    let desk = Desk::with(SMALL);
    for limit in [10, 9215, 9217, 9300] {
        assert_ends(&desk, &config("sparse-training"), &[], limit);
    }
}

#[test]
fn a_window_behind_the_end_of_a_run_is_said_and_gives_no_waveform() {
    let desk = Desk::with(SMALL);
    for format in ["vcd", "fst"] {
        let arguments = ["run", "config.toml", "--out", "result", "--trace", format, "--trace-from", "1000000"];
        let output = desk.systole(&arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{message}");
        assert!(message.contains("--trace-from is 1000000, and the run has cycles 0 to "), "{message}");
        assert!(!names(&desk.path("result")).iter().any(|name| name.starts_with("trace")));
    }
    let arguments = ["run", "config.toml", "--out", "other", "--trace", "vcd", "--trace-from", "50", "--cycle-limit", "10"];
    let output = desk.systole(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(!desk.path("other").exists(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn shares_of_nothing_are_no_nan() {
    let desk = Desk::with(SMALL);
    let zeros = |shape: [usize; 2]| {
        let bytes = vec![0; 4 * shape[0] * shape[1]];
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), &bytes).unwrap();
        safetensors::serialize([("x", view)], None).unwrap()
    };
    desk.write("v.safetensors", &zeros([6, 4]));
    desk.write("a.safetensors", &zeros([6, 7]));
    let attention = "kernel = \"attention\"\n[[heads]]\nq = { random = \"gaussian\", shape = [3, 4] }\nk = { random = \"gaussian\", shape = [6, 4] }\n\
                     v = { file = \"v.safetensors\", tensor = \"x\" }\n";
    desk.write("attention.toml", attention.as_bytes());
    desk.write(
        "gemm.toml",
        SMALL.replace(r#"{ random = "gaussian", shape = [6, 7] }"#, r#"{ file = "a.safetensors", tensor = "x" }"#).as_bytes(),
    );
    desk.write("sparsify.toml", b"kernel = \"sparsify\"\nweights = { file = \"a.safetensors\", tensor = \"x\" }\n");
    for path in ["attention.toml", "gemm.toml", "sparsify.toml"] {
        let output = desk.systole(&["run", path, "--out", "result"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{path}: {text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{path}: {text}");
    }
}
