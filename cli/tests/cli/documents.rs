//! The commands of the README and of the book's chapters do what they are shown to do, and print what is shown of their output.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use assert_cmd::Command;
use systole_verilog::tools::{Tool, present_for_test};

use crate::python::python_for_test;
use crate::support::Desk;

/// A command of a document, and what is shown of its output.
struct Session {
    program: Program,
    arguments: Vec<String>,
    /// Lines in their order; a line `…` stands for any that are left out.
    shown: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Program {
    Systole,
    Python,
}

/// How the documents call the programs.
const PROGRAMS: [(&str, Program); 3] =
    [("systole ", Program::Systole), ("cargo run --release -- ", Program::Systole), ("python3 ", Program::Python)];

/// Every command of the document's console blocks that calls one of the programs.
fn sessions(document: &str) -> Vec<Session> {
    let (mut in_console, mut follows) = (false, false);
    let mut found: Vec<Session> = Vec::new();
    for line in document.lines() {
        if line.starts_with("```") {
            (in_console, follows) = (line == "```console", false);
        } else if let (true, Some(command)) = (in_console, line.strip_prefix("$ ")) {
            let called = PROGRAMS.iter().find_map(|&(name, program)| Some((program, command.strip_prefix(name)?)));
            follows = called.is_some();
            found.extend(called.map(|(program, arguments)| Session {
                program,
                arguments: arguments.split_whitespace().map(str::to_string).collect(),
                shown: Vec::new(),
            }));
        } else if let (true, Some(session)) = (follows, found.last_mut()) {
            session.shown.push(line.trim_end().to_string());
        }
    }
    found
}

/// The document's blocks of Python and TOML that begin with a comment of their file's name, as files in the desk's folder.
fn write_files(desk: &Desk, document: &str) {
    for block in document.split("\n```").filter_map(|block| block.strip_prefix("python\n").or(block.strip_prefix("toml\n"))) {
        if let Some(name) = block.lines().next().and_then(|line| line.strip_prefix("# ")) {
            desk.write(name, block.as_bytes());
        }
    }
}

/// Runs a command and looks for what the document shows of its output. One that shows an error has to end with one.
fn carry_out_session(desk: &Desk, session: &Session) {
    let arguments: Vec<&str> = session.arguments.iter().map(String::as_str).collect();
    let fails = session.shown.iter().any(|line| line.starts_with("  ×"));
    let mut command = match session.program {
        Program::Systole => desk.systole(&arguments),
        Program::Python => {
            let mut command = Command::new(python_for_test().expect("documents with Python are passed over without one"));
            command.args(&arguments).current_dir(desk.path(""));
            command
        }
    };
    let ended = command.assert();
    let ended = if fails { ended.failure() } else { ended.success() };
    let output = ended.get_output();
    let printed = String::from_utf8(if fails { output.stderr.clone() } else { output.stdout.clone() }).unwrap();
    let mut lines = printed.lines().map(str::trim_end);
    for shown in session.shown.iter().filter(|line| *line != "…") {
        assert!(lines.any(|line| line == shown), "`{}` does not print, or not there:\n{shown}\nbut:\n{printed}", arguments.join(" "));
    }
}

fn carry_out(document: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join(document)).unwrap();
    let sessions = sessions(&text);
    assert!(sessions.len() >= least, "{document} has only {} commands", sessions.len());
    if sessions.iter().any(|session| session.program == Program::Python) && python_for_test().is_none() {
        return;
    }
    let desk = Desk::with("");
    write_files(&desk, &text);
    for folder in ["configs", "data"] {
        symlink(root.join(folder), desk.path(folder)).unwrap();
    }
    for session in sessions {
        if session.arguments[0] == "synth" && !present_for_test(&[Tool::Yosys]) {
            continue;
        }
        carry_out_session(&desk, &session);
    }
}

#[test]
fn the_commands_of_the_readme_succeed() {
    carry_out("README.md", 5);
}

#[test]
fn the_commands_of_the_chapter_on_the_command_line_succeed() {
    carry_out("docs/book/src/command-line.md", 9);
}

#[test]
fn the_commands_of_the_chapter_on_fifo_depths_print_what_it_says() {
    carry_out("docs/book/src/dataflow.md", 3);
}

#[test]
fn the_commands_of_the_chapter_on_sparse_gemm_print_what_it_says() {
    carry_out("docs/book/src/sparse-gemm.md", 6);
}

#[test]
fn the_commands_of_the_chapter_on_attention_print_what_it_says() {
    carry_out("docs/book/src/attention.md", 2);
}

#[test]
fn the_commands_of_the_chapter_on_sparsification_print_what_it_says() {
    carry_out("docs/book/src/sparsify.md", 4);
}

#[test]
fn the_round_trip_of_the_chapter_on_numpy_prints_what_it_says() {
    carry_out("docs/book/src/numpy.md", 6);
}
