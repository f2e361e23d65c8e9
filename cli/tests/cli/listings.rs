//! `list`, `schema`, `doctor`: they run everywhere and say what there is.

use std::fs;

use serde_json::Value;

use crate::support::{Desk, SMALL, systole};

fn printed(arguments: &[&str]) -> String {
    let output = systole(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn list_gives_each_kernel_a_line() {
    let text = printed(&["list"]);
    for kernel in ["gemm", "sparse-gemm", "sparse-training", "sparsify", "attention"] {
        let lines = text.lines().filter(|line| line.split_whitespace().next() == Some(kernel));
        assert_eq!(lines.count(), 1, "`{kernel}` is not on one line of:\n{text}");
    }
    assert!(!text.contains("array.rows"), "{text}");
}

#[test]
fn list_shows_the_keys_and_defaults_of_the_named_kernel_alone() {
    let text = printed(&["list", "gemm"]);
    for part in ["gemm:", "array.rows", "layers[].relu", "weight-stationary"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(!text.contains("attention") && !printed(&["list", "attention"]).contains("array.rows"), "{text}");
}

#[test]
fn an_unknown_kernel_is_answered_with_the_nearest() {
    for (name, expected) in [("gem", "did you mean `gemm`?"), ("sparsfy", "did you mean `sparsify`?"), ("wht", "accepted: gemm, ")] {
        let output = systole(&["list", name]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(&format!("there is no kernel `{name}`")) && message.contains(expected), "{message}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_schema_knows_the_keys_of_a_configuration() {
    let schema: Value = serde_json::from_str(&printed(&["schema", "gemm"])).unwrap();
    assert_eq!(schema["properties"]["kernel"]["const"], "gemm");
    let config: toml::Table = SMALL.parse().unwrap();
    for key in config.keys() {
        assert!(schema["properties"].get(key).is_some(), "`{key}` is not in the schema");
    }
    let all: Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    assert!(all["oneOf"].as_array().unwrap().iter().any(|kernel| kernel["properties"]["kernel"]["const"] == "gemm"));
}

#[test]
fn the_schema_goes_into_a_file_on_request() {
    let desk = Desk::with(SMALL);
    desk.systole(&["schema", "--out", "made/schema.json"]).assert().success().stdout("");
    assert_eq!(fs::read_to_string(desk.path("made/schema.json")).unwrap(), printed(&["schema"]));
}

#[test]
fn doctor_succeeds_whatever_is_installed() {
    for path in [None, Some("")] {
        let mut command = systole(&["doctor"]);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        for tool in ["yosys", "verilator", "iverilog", "nextpnr"] {
            assert!(text.to_lowercase().contains(tool), "{text}");
        }
    }
}
