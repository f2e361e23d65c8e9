//! What a killed run leaves of its record, and damaged records.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Desk, SMALL, names};

#[test]
fn a_killed_run_leaves_a_record_that_is_drawn_up_to_its_last_chunk() {
    // Long enough that it cannot be done before it is killed.
    let desk = Desk::with(&SMALL.replace("[6, 7]", "[20000, 70]").replace("[7, 5]", "[70, 50]"));
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("systole"));
    command.current_dir(desk.path("")).args(["run", "config.toml", "--out", "result", "--record"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let partial = desk.path("result/record.systole.partial");
    let patience = Instant::now() + Duration::from_secs(60);
    while fs::metadata(&partial).map_or(0, |file| file.len()) < 300_000 {
        assert!(Instant::now() < patience, "the record does not grow");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(&desk.path("result")), ["record.systole.partial"]);

    let missing = desk.systole(&["trace", "result/record.systole"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    let message = String::from_utf8(missing.stderr).unwrap();
    assert!(message.contains("a run that was killed left result/record.systole.partial: give that"), "{message}");

    let drawn = desk.systole(&["trace", "result/record.systole.partial", "--trace-depth", "1"]).output().unwrap();
    let message = String::from_utf8(drawn.stderr).unwrap();
    assert_eq!(drawn.status.code(), Some(0), "{message}");
    assert!(message.contains("ends without its end mark, as a run that was killed leaves it: complete up to cycle "), "{message}");
    assert!(desk.path("result/trace.fst").exists());

    // The next run does not take it for its own.
    fs::write(desk.path("config.toml"), SMALL).unwrap();
    assert_eq!(desk.systole(&["run", "config.toml", "--out", "result"]).output().unwrap().status.code(), Some(0));
    assert!(!partial.exists());
}

#[test]
fn a_damaged_record_exits_with_2_and_names_the_place() {
    let desk = Desk::with(SMALL);
    assert_eq!(desk.systole(&["run", "config.toml", "--out", "result", "--record"]).output().unwrap().status.code(), Some(0));
    let record = desk.path("result/record.systole");
    let whole = fs::read(&record).unwrap();
    let mut spoilt = whole.clone();
    spoilt[whole.len() - 60] ^= 1;
    for bytes in [spoilt, [whole.as_slice(), b"more"].concat()] {
        fs::write(&record, bytes).unwrap();
        let output = desk.systole(&["trace", "result/record.systole"]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("is damaged in chunk ") && message.contains(" at byte "), "{message}");
        assert!(!desk.path("result/trace.fst").exists());
    }
}
