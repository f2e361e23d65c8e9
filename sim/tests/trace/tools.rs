//! GTKWave's converters read traces without a word of complaint.

use std::path::{Path, PathBuf};
use std::process::Command;

use systole_sim::trace::{TraceFormat, TraceOptions};

use crate::designs::{hostile, mixed};
use crate::run::simulate;
use crate::waves::{Seen, Waves};

/// Whether the converters are installed; says so if they are not.
fn installed() -> bool {
    let missing = ["vcd2fst", "fst2vcd"].into_iter().find(|tool| Command::new(tool).arg("--help").output().is_err());
    if let Some(tool) = missing {
        eprintln!("SKIPPED: `{tool}` is not installed (Debian: package gtkwave), so GTKWave's reading of traces was not tested");
    }
    missing.is_none()
}

/// Runs a converter; it must succeed and print nothing to its error stream.
fn convert(tool: &str, from: &Path, to: &Path) {
    let mut command = Command::new(tool);
    match tool {
        "vcd2fst" => command.arg(from).arg(to),
        _ => command.arg("-f").arg(from).arg("-o").arg(to),
    };
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{tool} {}: {complaint}", from.display());
}

/// Both files show the same at all times of the first, for the variables that both have.
fn assert_same(first: &Path, second: &Path) {
    let (first, second) = (Waves::read(first), Waves::read(second));
    assert_eq!(first.names(), second.names());
    for name in first.names() {
        for &time in first.times() {
            match (first.at(name, time), second.at(name, time)) {
                // The converters write 16 digits of a real number.
                (Some(Seen::Real(a)), Some(Seen::Real(b))) => assert!((a - b).abs() <= a.abs() * 1e-15, "{name} at {time}: {a} and {b}"),
                (a, b) => assert_eq!(a, b, "{name} at {time}"),
            }
        }
    }
}

#[test]
fn gtkwaves_converters_take_both_formats_silently_and_keep_every_value() {
    if !installed() {
        return;
    }
    for (design, from) in [(mixed(), 0), (mixed(), 20), (hostile(), 0)] {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| -> PathBuf { folder.path().join(name) };
        let options = |format| TraceOptions { format, reals: true, from, ..TraceOptions::default() };
        simulate(&design, &file("ours.vcd"), &options(TraceFormat::Vcd), 60);
        simulate(&design, &file("ours.fst"), &options(TraceFormat::Fst), 60);
        convert("vcd2fst", &file("ours.vcd"), &file("vcd.fst"));
        convert("fst2vcd", &file("vcd.fst"), &file("vcd.fst.vcd"));
        convert("fst2vcd", &file("ours.fst"), &file("fst.vcd"));
        assert_same(&file("ours.vcd"), &file("vcd.fst.vcd"));
        assert_same(&file("ours.fst"), &file("fst.vcd"));
    }
}

#[test]
fn gtkwaves_converters_take_traces_without_cycles() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    simulate(&mixed(), &file("ours.vcd"), &TraceOptions { format: TraceFormat::Vcd, ..TraceOptions::default() }, 0);
    simulate(&mixed(), &file("ours.fst"), &TraceOptions::default(), 0);
    convert("vcd2fst", &file("ours.vcd"), &file("vcd.fst"));
    convert("fst2vcd", &file("ours.fst"), &file("fst.vcd"));
    assert_eq!(Waves::read(&file("fst.vcd")).names(), Waves::read(&file("ours.fst")).names());
}
