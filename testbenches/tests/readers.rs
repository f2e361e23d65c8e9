//! A short campaign against the readers: 10 000 damaged files of each kind.

use std::process::Command;

use systole_testbenches::readers::{Checker, Kind, Verdict};

#[track_caller]
fn ten_thousand(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fuzz-readers"))
        .args(["--kind", kind.name(), "--count", "10000", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("10000 files, ") && text.contains(", 0 at fault"), "{text}");
}

#[test]
fn damaged_configurations_are_refused_in_order() {
    ten_thousand(Kind::Configuration);
}

#[test]
fn damaged_arrays_are_refused_in_order() {
    ten_thousand(Kind::Npy);
}

#[test]
fn damaged_archives_of_arrays_are_refused_in_order() {
    ten_thousand(Kind::Npz);
}

#[test]
fn damaged_tensors_are_refused_in_order() {
    ten_thousand(Kind::Safetensors);
}

#[test]
fn damaged_records_are_refused_or_draw_what_the_whole_ones_draw() {
    ten_thousand(Kind::Record);
}

#[test]
fn damaged_netlists_are_refused_in_order() {
    ten_thousand(Kind::Netlist);
}

#[test]
fn the_files_that_are_damaged_are_accepted_while_they_are_whole() {
    for kind in Kind::ALL {
        let checker = Checker::new(kind).unwrap();
        for seed in &checker.seeds {
            assert_eq!(checker.check(seed), Verdict::Accepted, "{}", kind.name());
        }
    }
}
