//! `export`: what it writes.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use systole_verilog::tools::{Tool, present_for_test};

use crate::support::{Desk, SMALL, names};

/// Every file of a folder.
fn files(desk: &Desk, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = desk.path(folder);
    names(&folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn two_exports_are_byte_identical() {
    let desk = Desk::with(SMALL);
    for folder in ["first", "second"] {
        desk.systole(&["export", "config.toml", "--out", folder, "--testbench"]).assert().success();
    }
    let first = files(&desk, "first");
    assert_eq!(first, files(&desk, "second"));
    assert!(first.keys().any(|name| name.ends_with("_tb.v")) && first.contains_key("gemm.v"), "{:?}", first.keys());
}

#[test]
fn without_a_testbench_there_are_only_modules() {
    let desk = Desk::with(SMALL);
    desk.systole(&["export", "config.toml", "--out", "result"]).assert().success();
    for (name, text) in files(&desk, "result").into_iter().filter(|(name, _)| !name.starts_with('.')) {
        let module = name.strip_suffix(".v").expect("every file is Verilog");
        assert!(String::from_utf8(text).unwrap().contains(&format!("module {module}")), "{name} holds its module");
    }
}

#[test]
fn the_testbench_replays_no_more_cycles_than_asked_for() {
    let desk = Desk::with(SMALL);
    let arguments = ["export", "config.toml", "--out", "result", "--testbench", "--testbench-cycles", "30"];
    let output = desk.systole(&arguments).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("the first 30 cycles of the run"));
}

#[test]
fn an_export_leaves_nothing_of_an_earlier_one_but_other_files() {
    let desk = Desk::with(SMALL);
    desk.systole(&["export", "config.toml", "--out", "result", "--testbench"]).assert().success();
    std::fs::write(desk.path("result").join("mine.v"), "// mine").unwrap();
    desk.systole(&["export", "config.toml", "--out", "result"]).assert().success();
    let names = names(&desk.path("result"));
    assert!(!names.iter().any(|name| name.ends_with("_tb.v") || name.ends_with(".hex") || name == "run.sh"), "{names:?}");
    assert!(names.contains(&"mine.v".to_string()));
}

#[test]
fn the_exported_testbench_passes_in_icarus() {
    if !present_for_test(&[Tool::Iverilog]) {
        return;
    }
    let desk = Desk::with(SMALL);
    desk.systole(&["export", "config.toml", "--out", "result", "--testbench"]).assert().success();
    let folder = desk.path("result");
    let sources: Vec<String> = names(&folder).into_iter().filter(|name| name.ends_with(".v")).collect();
    let compiled = Command::new("iverilog").current_dir(&folder).args(["-Wall", "-g2005", "-o", "bench"]).args(sources).output().unwrap();
    assert!(compiled.status.success() && compiled.stderr.is_empty(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new("vvp").current_dir(&folder).args(["-n", "bench"]).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(said.lines().any(|line| line.starts_with("PASS ")), "{said}");
}

#[test]
fn a_refused_export_leaves_nothing() {
    let desk = Desk::with(SMALL);
    desk.systole(&["export", "config.toml", "--out", "result", "--set", "array.rows=0"]).assert().code(2);
    assert!(!desk.path("result").exists());
}
