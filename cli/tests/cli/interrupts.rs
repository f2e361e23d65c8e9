//! Interrupts end every command soon and leave nothing unfinished; what a killed process leaves is swept later.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Desk, SMALL, names};

/// How long an interrupt may take here: ten times what it takes where a processor is free.
const SOON: Duration = Duration::from_secs(2);

/// A run so long that it cannot be done before the interrupt comes.
fn long() -> String {
    SMALL.replace("[6, 7]", "[20000, 70]").replace("[7, 5]", "[70, 50]")
}

fn start(desk: &Desk, arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("systole"));
    command.current_dir(desk.path("")).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until something is true of the disk.
fn wait_until(condition: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < patience, "the command has not begun its work");
        thread::sleep(Duration::from_millis(5));
    }
}

fn holds_something(folder: &Path) -> bool {
    folder.exists() && !names(folder).is_empty()
}

/// Whether cycles have already been written.
fn simulates(folder: &Path) -> bool {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.metadata().is_ok_and(|file| file.len() > 200_000))
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Sends a signal and waits for the end, which has to come soon.
fn interrupt(signal: &str, child: Child) -> (Output, String) {
    send(signal, &child);
    let sent = Instant::now();
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(sent.elapsed() < SOON, "{signal} took {:?}: {message}", sent.elapsed());
    assert_eq!(output.status.code(), Some(130), "{signal}: {message}");
    (output, message)
}

#[test]
fn an_interrupt_completes_the_trace_and_the_record_and_exits_with_130() {
    let desk = Desk::with(&long());
    for signal in ["-INT", "-TERM", "-HUP"] {
        // Where all processors are busy, the time may not be enough; then nothing stays.
        let is_complete = (0..5).any(|_| {
            let child = start(&desk, &["run", "config.toml", "--out", "result", "--trace", "vcd", "--trace-depth", "1", "--record"]);
            wait_until(|| simulates(&desk.path("result")));
            let (_, message) = interrupt(signal, child);
            if !desk.path("result").exists() {
                return false;
            }
            assert!(message.contains("interrupted in cycle") && message.contains("trace.vcd"), "{message}");
            assert_eq!(names(&desk.path("result")), ["record.systole", "trace.vcd"]);
            fs::remove_dir_all(desk.path("result")).unwrap();
            true
        });
        assert!(is_complete, "{signal}");
    }
}

#[test]
fn an_interrupt_while_operands_and_golden_results_are_made_leaves_nothing() {
    let desk = Desk::with(&SMALL.replace("[6, 7]", "[4000, 4000]").replace("[7, 5]", "[4000, 4000]"));
    for arguments in [&["run", "config.toml"] as &[&str], &["export", "config.toml", "--out", "result", "--testbench"]] {
        let child = start(&desk, arguments);
        thread::sleep(Duration::from_millis(500));
        interrupt("-INT", child);
        assert_eq!(desk.holds(), ["config.toml"], "{arguments:?}");
    }
}

#[test]
fn an_interrupted_export_leaves_nothing() {
    let desk = Desk::with(&long());
    let child = start(&desk, &["export", "config.toml", "--out", "result", "--testbench", "--testbench-cycles", "100000000"]);
    thread::sleep(Duration::from_millis(800));
    interrupt("-INT", child);
    assert_eq!(desk.holds(), ["config.toml"]);
}

#[test]
fn an_interrupted_drawing_leaves_nothing() {
    let desk = Desk::with(&SMALL.replace("[6, 7]", "[20000, 7]"));
    desk.systole(&["run", "config.toml", "--out", "result", "--record", "--quiet"]).assert().success();
    let before = names(&desk.path("result"));
    let child = start(&desk, &["trace", "result/record.systole", "--trace", "vcd"]);
    wait_until(|| names(&desk.path("result")).len() > before.len());
    interrupt("-INT", child);
    assert_eq!(names(&desk.path("result")), before);
}

/// A program called `yosys` that works for ever, as several processes; the number of one is in the file `worker`.
fn endless_yosys(desk: &Desk) {
    fs::create_dir(desk.path("bin")).unwrap();
    let script = format!("#!/bin/sh\nsleep 1000 &\necho $! > '{}'\nwait\n", desk.path("worker").display());
    desk.write("bin/yosys", script.as_bytes());
    fs::set_permissions(desk.path("bin/yosys"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_interrupted_synthesis_stops_all_that_yosys_has_started() {
    let desk = Desk::with(SMALL);
    endless_yosys(&desk);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("systole"));
    command.current_dir(desk.path("")).args(["synth", "config.toml", "--target", "ice40", "--out", "a/result"]);
    let path = format!("{}:{}", desk.path("bin").display(), std::env::var("PATH").unwrap());
    let child = command.env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| fs::read_to_string(desk.path("worker")).is_ok_and(|number| number.ends_with('\n')));
    interrupt("-INT", child);
    assert_eq!(desk.holds(), ["bin", "config.toml", "worker"]);
    let worker = fs::read_to_string(desk.path("worker")).unwrap();
    // Gone, or a zombie that nobody has waited for yet.
    let state = || fs::read_to_string(format!("/proc/{}/stat", worker.trim())).unwrap_or_default();
    wait_until(|| state().is_empty() || state().contains(") Z "));
}

#[test]
fn a_second_interrupt_ends_at_once_and_leaves_nothing_unfinished() {
    let desk = Desk::with(&long());
    let child = start(&desk, &["run", "config.toml", "--out", "result", "--trace", "vcd"]);
    wait_until(|| simulates(&desk.path("result")));
    send("-INT", &child);
    // The first may already have done it.
    let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let left = if desk.path("result").exists() { names(&desk.path("result")) } else { Vec::new() };
    assert!(left.iter().all(|name| name == "trace.vcd"), "{left:?}");
}

#[test]
fn what_a_killed_run_leaves_is_swept_by_the_next_into_the_folder() {
    let desk = Desk::with(&long());
    let mut child = start(&desk, &["run", "config.toml", "--out", "result", "--trace", "vcd"]);
    wait_until(|| holds_something(&desk.path("result")));
    child.kill().unwrap();
    child.wait().unwrap();
    let left = names(&desk.path("result"));
    assert!(left.len() == 1 && left[0].starts_with(".systole-"), "{left:?}");
    desk.write("result/.systole-mine", b"not of this form");
    // Another run that still lives keeps its files.
    let other = start(&desk, &["run", "config.toml", "--out", "result", "--trace", "fst"]);
    wait_until(|| !names(&desk.path("result")).contains(&left[0]) && names(&desk.path("result")).len() == 2);
    let living = names(&desk.path("result"));
    desk.write("small.toml", SMALL.as_bytes());
    desk.systole(&["export", "small.toml", "--out", "result"]).assert().success();
    assert!(living.iter().all(|name| names(&desk.path("result")).contains(name)), "{living:?} {:?}", names(&desk.path("result")));
    interrupt("-TERM", other);
}
