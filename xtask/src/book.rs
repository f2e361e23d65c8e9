//! The book: its pages show parts of the example programs, as copies that are checked, so that they read well in the repository too.
//!
//! A comment above a code block says which part it shows, between `// ANCHOR: part` and `// ANCHOR_END: part` of the program:
//!
//! ```text
//! <!-- code: ../examples/counter.rs:component -->
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::tools::on_path;

const MARKER: &str = "<!-- code: ";

/// Builds the book, after its code is refreshed.
pub fn build(shell: &Shell) -> Result<()> {
    ensure!(on_path("mdbook"), "mdbook was not found; install it with `cargo install mdbook --locked` and run this again");
    refresh()?;
    cmd!(shell, "mdbook build docs/book").run()?;
    Ok(())
}

/// Copies the parts of the example programs into the pages that show them.
pub fn refresh() -> Result<()> {
    for page in pages()? {
        let text = fs::read_to_string(&page)?;
        let fresh = refreshed(&page, &text)?;
        if fresh != text {
            fs::write(&page, fresh)?;
            eprintln!("refreshed {}", page.display());
        }
    }
    Ok(())
}

fn pages() -> Result<Vec<PathBuf>> {
    let folder = crate::workspace()?.join("docs/book/src");
    let mut pages = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    Ok(pages)
}

/// The text of `page` with the code of today in each block below a marker.
fn refreshed(page: &Path, text: &str) -> Result<String> {
    let mut parts = text.split(MARKER);
    let mut fresh = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let shown = || format!("{}: the block below `{MARKER}{}`", page.display(), part.lines().next().unwrap_or_default());
        let (place, rest) = part.split_once(" -->\n```").with_context(|| format!("{} must begin in the next line", shown()))?;
        let (language, block) = rest.split_once('\n').with_context(|| format!("{} is empty", shown()))?;
        let (_, after) = block.split_once("\n```\n").with_context(|| format!("{} does not end", shown()))?;
        let code = code(page.parent().unwrap_or(page), place).with_context(shown)?;
        fresh += &format!("{MARKER}{place} -->\n```{language}\n{code}```\n{after}");
    }
    Ok(fresh)
}

/// The part of a program that `place`, `FILE:PART`, names, without marks of other parts in it.
fn code(folder: &Path, place: &str) -> Result<String> {
    let (file, part) = place.rsplit_once(':').context("a place is FILE:PART")?;
    let source = fs::read_to_string(folder.join(file)).with_context(|| format!("{file} cannot be read"))?;
    let is_mark = |line: &str, mark: &str| line.trim().strip_prefix(mark).is_some_and(|name| name.trim() == part);
    let mut lines = source.lines().skip_while(|line| !is_mark(line, "// ANCHOR:"));
    if lines.next().is_none() {
        bail!("{file} has no line `// ANCHOR: {part}`");
    }
    let rest: Vec<&str> = lines.collect();
    let end = rest.iter().position(|line| is_mark(line, "// ANCHOR_END:"));
    let end = end.with_context(|| format!("{file} has no line `// ANCHOR_END: {part}`"))?;
    let code = rest[..end].iter().filter(|line| !line.trim().starts_with("// ANCHOR"));
    let indent = code.clone().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    Ok(code.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_show_the_programs_as_they_are() {
        let mut shown = 0;
        for page in pages().unwrap() {
            let text = fs::read_to_string(&page).unwrap();
            assert!(!text.contains("{{#include"), "{} shows no code in the repository", page.display());
            assert_eq!(refreshed(&page, &text).unwrap(), text, "{}: run `cargo xtask book-code`", page.display());
            shown += text.matches(MARKER).count();
        }
        assert!(shown >= 11, "{shown}: the first chapter alone shows six parts");
    }

    #[test]
    fn stale_code_is_replaced_and_a_part_that_is_missing_is_named() {
        let page = crate::workspace().unwrap().join("docs/book/src/page.md");
        let text = |part: &str| format!("before\n{MARKER}../examples/counter.rs:{part} -->\n```rust\nold\n```\nafter\n");
        let fresh = refreshed(&page, &text("component")).unwrap();
        assert!(fresh.contains("```rust\n/// Counts") && fresh.ends_with("}\n```\nafter\n") && !fresh.contains("old"), "{fresh}");
        let error = format!("{:#}", refreshed(&page, &text("nothing")).unwrap_err());
        assert!(error.contains("page.md") && error.contains("has no line `// ANCHOR: nothing`"), "{error}");
    }
}
