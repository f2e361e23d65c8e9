//! The commands of the README and of the book's chapter on the command line do what they are shown to do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use systole_verilog::tools::Tool;

use crate::support::{Desk, has};

/// The arguments of every `$ systole …` and `$ cargo run --release -- …` in the document's console blocks.
fn commands(document: &str) -> Vec<Vec<String>> {
    let mut in_console = false;
    let mut found = Vec::new();
    for line in document.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if let (true, Some(command)) = (in_console, line.strip_prefix("$ ")) {
            let arguments = command.strip_prefix("systole ").or_else(|| command.strip_prefix("cargo run --release -- "));
            found.extend(arguments.map(|arguments| arguments.split_whitespace().map(str::to_string).collect()));
        }
    }
    found
}

fn carry_out(document: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let commands = commands(&fs::read_to_string(root.join(document)).unwrap());
    assert!(commands.len() >= least, "{document} has only {} commands", commands.len());
    let desk = Desk::with("");
    for folder in ["configs", "data"] {
        symlink(root.join(folder), desk.path(folder)).unwrap();
    }
    for command in commands {
        if command[0] == "synth" && !has(Tool::Yosys) {
            continue;
        }
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        desk.systole(&arguments).assert().success();
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
