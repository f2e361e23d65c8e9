//! The programs of the book print what the book says.

use std::path::{Path, PathBuf};
use std::process::Command;

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/src")
}

fn chapter(name: &str) -> String {
    std::fs::read_to_string(book().join(name)).unwrap()
}

/// The text block that follows `<!-- output of PROGRAM -->` in a chapter.
fn stated_output(chapter: &str, program: &str) -> String {
    let marker = format!("<!-- output of {program} -->\n```text\n");
    let (_, block) = chapter.split_once(&marker).unwrap_or_else(|| panic!("the chapter has no output of {program}"));
    block.split_once("```").unwrap().0.to_string()
}

fn printed_by(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn first_kernels_print_what_their_chapter_says() {
    let chapter = chapter("first-kernel.md");
    let programs = [
        ("book-counter", env!("CARGO_BIN_EXE_book-counter")),
        ("book-mac", env!("CARGO_BIN_EXE_book-mac")),
        ("book-array", env!("CARGO_BIN_EXE_book-array")),
    ];
    for (name, program) in programs {
        assert_eq!(printed_by(program), stated_output(&chapter, name), "{name}");
    }
}

#[test]
fn the_program_on_fifo_depths_prints_what_its_chapter_says() {
    assert_eq!(printed_by(env!("CARGO_BIN_EXE_book-dataflow")), stated_output(&chapter("dataflow.md"), "book-dataflow"));
}
