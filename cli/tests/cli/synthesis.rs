//! `synth`: with Yosys, and without.

use std::fs;

use serde_json::Value;
use systole_verilog::tools::{Tool, present_for_test};

use crate::support::{Desk, SMALL};

#[test]
fn without_yosys_synthesis_exits_with_3_and_says_how_to_get_it() {
    let desk = Desk::with(SMALL);
    let output = desk.systole(&["synth", "config.toml", "--target", "ice40", "--out", "result"]).env("PATH", "").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("yosys is not on the PATH") && message.contains("install"), "{message}");
    assert!(!desk.path("result").exists());
}

#[test]
fn synthesis_counts_what_the_hardware_takes() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    let desk = Desk::with(SMALL);
    let smaller = ["--set", "array.rows=1", "--set", "array.columns=1", "--set", "array.buffer_rows=18"];
    desk.systole(&[&["synth", "config.toml", "--target", "ice40", "--out", "result"], smaller.as_slice()].concat()).assert().success();
    let synthesis: Value = serde_json::from_slice(&fs::read(desk.path("result/synthesis.json")).unwrap()).unwrap();
    let entry = &synthesis[0];
    assert_eq!(entry["target"], "ice40");
    for key in ["lut", "ff"] {
        assert!(entry[key].as_u64().unwrap() > 0, "{key} in {entry}");
    }
    assert_eq!(entry["fmax_mhz"]["not_measured"], "no place and route");
}
