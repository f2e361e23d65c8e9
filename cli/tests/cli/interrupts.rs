//! Ctrl-C ends a run in order.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Desk, SMALL, names};

#[test]
fn an_interrupt_completes_the_trace_and_exits_with_130() {
    // Long enough that it cannot be done before the interrupt comes.
    let desk = Desk::with(&SMALL.replace("[6, 7]", "[20000, 70]").replace("[7, 5]", "[70, 50]"));
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("systole"));
    command.current_dir(desk.path("")).args(["run", "config.toml", "--out", "result", "--trace", "vcd", "--trace-depth", "1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The trace begins under another name as soon as the run can be interrupted.
    let patience = Instant::now() + Duration::from_secs(60);
    while !desk.path("result").exists() || names(&desk.path("result")).is_empty() {
        assert!(Instant::now() < patience, "the run has not begun");
        thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("interrupted in cycle") && message.contains("trace.vcd"), "{message}");
    assert_eq!(names(&desk.path("result")), ["trace.vcd"]);
}
