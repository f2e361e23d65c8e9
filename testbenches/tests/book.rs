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

#[test]
fn every_included_part_of_a_program_exists() {
    let mut found = 0;
    for entry in std::fs::read_dir(book()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".md") {
            continue;
        }
        let chapter = chapter(&name);
        for include in chapter.split("{{#include ").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(include, _)| include) {
            let (file, anchor) = include.split_once(':').unwrap();
            let source = std::fs::read_to_string(book().join(file)).unwrap_or_else(|error| panic!("{name} includes {file}: {error}"));
            for mark in [format!("// ANCHOR: {anchor}\n"), format!("// ANCHOR_END: {anchor}\n")] {
                assert!(source.contains(&mark), "{file}, included by {name}, lacks `{}`", mark.trim());
            }
            found += 1;
        }
    }
    assert!(found >= 6, "the first chapter alone includes six parts");
}
