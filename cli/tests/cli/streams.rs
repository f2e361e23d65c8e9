//! Exit codes hold whatever becomes of standard output and standard error.

use std::fs;
use std::process::Command;

use crate::support::{Desk, SMALL};

/// The exit code of the program with its streams as the shell's `redirections` put them.
fn code(desk: &Desk, arguments: &str, redirections: &str) -> i32 {
    let program = assert_cmd::cargo::cargo_bin!("systole");
    let script = format!("\"{}\" {arguments} {redirections}", program.display());
    let status = Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).status().unwrap();
    status.code().unwrap_or_else(|| panic!("{arguments} {redirections}: {status}"))
}

#[test]
fn a_message_that_nobody_can_read_leaves_the_exit_code() {
    let desk = Desk::with(SMALL);
    for (arguments, expected) in [
        ("run absent.toml", 2),
        ("run config.toml --set array.rows=0", 2),
        ("run config.toml --nonsense", 2),
        ("frobnicate", 2),
        ("run config.toml --cycle-limit 20 --trace vcd", 4),
        ("run config.toml --set stalls.c=never --record", 4),
        ("run config.toml", 0),
        ("trace absent", 2),
    ] {
        for redirections in ["2>/dev/full", "2>&-", "2>&- >&-"] {
            assert_eq!(code(&desk, arguments, redirections), expected, "{arguments} {redirections}");
        }
        // The code of a pipe is that of its last command, so this one is kept aside. The reader is gone before anything is written.
        let program = assert_cmd::cargo::cargo_bin!("systole");
        let script = format!("{{ sleep 0.1; \"{}\" {arguments}; echo $? >code; }} 2>&1 | true", program.display());
        assert!(Command::new("sh").args(["-c", &script]).current_dir(desk.path("")).status().unwrap().success());
        assert_eq!(fs::read_to_string(desk.path("code")).unwrap().trim(), expected.to_string(), "{arguments} | true");
    }
}

#[test]
fn results_that_cannot_be_written_are_a_failure_and_closed_ones_are_not() {
    let desk = Desk::with(SMALL);
    for arguments in ["list", "--help", "run --help", "--version", "run config.toml", "schema", "doctor"] {
        assert_eq!(code(&desk, arguments, ">/dev/full"), 2, "{arguments}");
        assert_eq!(code(&desk, arguments, ">&-"), 0, "{arguments}");
        assert_eq!(code(&desk, arguments, ">/dev/full 2>/dev/full"), 2, "{arguments}");
    }
}
