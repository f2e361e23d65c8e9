//! Every check that a change must pass, cheapest first; the test runner's own summary comes last.

use std::time::Instant;

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use crate::tools::on_path;

/// Runs every check and every test, and stops at the first that fails.
pub fn run_all(shell: &Shell) -> Result<()> {
    // A test that needs an outside tool passes over itself where the tool is missing; here none may be.
    let _required = shell.push_env("SYSTOLE_REQUIRE_TOOLS", "1");

    step("format", cmd!(shell, "cargo fmt --all --check"))?;
    step("lints", cmd!(shell, "cargo clippy --workspace --all-targets --locked -- -D warnings"))?;
    {
        let _strict = shell.push_env("RUSTDOCFLAGS", "-D warnings");
        step("documentation", cmd!(shell, "cargo doc --workspace --no-deps --locked"))?;
    }
    step("documentation examples", cmd!(shell, "cargo test --workspace --doc --locked"))?;
    if on_path("cargo-nextest") {
        step("tests", cmd!(shell, "cargo nextest run --workspace --locked"))
    } else {
        step("tests", cmd!(shell, "cargo test --workspace --all-targets --locked"))
    }
}

fn step(name: &str, command: Cmd) -> Result<()> {
    eprintln!("== {name}");
    let start = Instant::now();
    command.run().with_context(|| format!("{name} failed"))?;
    eprintln!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
