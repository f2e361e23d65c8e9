//! Where nothing more can be written, messages say what is there, and commands leave their files whole or not at all.

use std::fs;
use std::process::Command;

use crate::support::{Desk, SMALL, names};

/// Runs the program under a limit on the size of files, in blocks of 512 bytes; gives exit code and message.
fn limited(desk: &Desk, blocks: u32, arguments: &str) -> (Option<i32>, String) {
    let program = assert_cmd::cargo::cargo_bin!("systole");
    // The message goes through a pipe, which knows no limit.
    let script = format!("ulimit -f {blocks}; exec \"{}\" {arguments}", program.display());
    let output = Command::new("dash").args(["-c", &script]).current_dir(desk.path("")).output();
    let output = output.or_else(|_| Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).output()).unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_waveform_that_could_not_be_written_is_not_said_to_be_there() {
    let desk = Desk::with(&SMALL.replace("[6, 7]", "[600, 7]"));
    for option in ["--trace vcd", "--trace fst", "--record"] {
        for limit in ["", "--cycle-limit 400"] {
            let (code, message) = limited(&desk, 2, &format!("run config.toml --out result {option} {limit}"));
            assert!(code == Some(2) || (!limit.is_empty() && code == Some(4)), "{option} {limit}: {code:?} {message}");
            assert!(!message.contains("complete up to"), "{option}: {message}");
            assert_eq!(desk.holds(), ["config.toml"], "{option} {limit}: {message}");
        }
    }
}

#[test]
fn a_report_that_does_not_fit_takes_its_pictures_and_outputs_with_it() {
    let desk = Desk::with(SMALL);
    let (code, message) = limited(&desk, 4, "run config.toml --out result");
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("cannot write") && message.contains("report.json"), "{message}");
    assert_eq!(desk.holds(), ["config.toml"]);
}

#[test]
fn a_failed_export_leaves_the_folder_as_it_was() {
    let desk = Desk::with(SMALL);
    let (code, message) = limited(&desk, 8, "export config.toml --out result --testbench");
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("cannot write"), "{message}");
    assert_eq!(desk.holds(), ["config.toml"]);
    desk.systole(&["export", "config.toml", "--out", "result"]).assert().success();
    let contents =
        || -> Vec<_> { names(&desk.path("result")).iter().map(|name| fs::read(desk.path("result").join(name)).unwrap()).collect() };
    let before = contents();
    let (code, _) = limited(&desk, 8, "export config.toml --set array.rows=5 --out result --testbench");
    assert_eq!(code, Some(2));
    assert!(contents() == before, "the earlier export is whole");
}

#[test]
fn a_failed_drawing_leaves_nothing() {
    let desk = Desk::with(SMALL);
    desk.systole(&["run", "config.toml", "--out", "result", "--record"]).assert().success();
    let before = names(&desk.path("result"));
    let (code, message) = limited(&desk, 2, "trace result/record.systole --trace vcd");
    assert_eq!(code, Some(2), "{message}");
    assert_eq!(names(&desk.path("result")), before);
}

#[test]
fn a_schema_that_cannot_be_written_leaves_the_old_one() {
    let desk = Desk::with(SMALL);
    desk.write("schema.json", b"old");
    assert_eq!(limited(&desk, 1, "schema gemm --out schema.json").0, Some(2));
    assert_eq!(
        (fs::read(desk.path("schema.json")).unwrap(), desk.holds()),
        (b"old".to_vec(), vec!["config.toml".into(), "schema.json".into()])
    );
}
