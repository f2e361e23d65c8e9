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
fn list_shows_kernels_keys_and_defaults() {
    let text = printed(&["list"]);
    for part in ["gemm:", "array.rows", "layers[].relu", "weight-stationary"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
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
