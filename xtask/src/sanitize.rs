//! The compiled engine under an address sanitizer.
//!
//! Stable Rust ships the sanitizer's runtime but keeps the switch for nightly compilers; `RUSTC_BOOTSTRAP` opens it, for these
//! commands alone. Only the engine's own tests and random designs run: what they check is the `unsafe` code of the lanes, which
//! no other crate has. An overrun within the engine's one block of memory is no error to a sanitizer; the kernels' own tests put
//! each operand at the block's end, and compare all bytes around the results.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

/// The targets for which Rust's standard library comes with the sanitizer's runtime, of those that Systole runs on.
const TARGETS: [&str; 3] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"];

/// Runs the engine's tests and `count` random designs, with the best kernels for this processor and with the portable ones.
pub fn run(shell: &Shell, count: u64) -> Result<()> {
    let version = cmd!(shell, "rustc --version --verbose").quiet().read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc --version --verbose` names no host")?;
    ensure!(TARGETS.contains(&host), "there is no address sanitizer for {host}; it is there for {}", TARGETS.join(", "));

    let _bootstrap = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let _sanitizer = shell.push_env("RUSTFLAGS", "-Zsanitizer=address");
    // A folder of its own, so that no other build is thrown away; a target, so that build scripts and macros are spared.
    let common = ["--target", host, "--target-dir", "target/sanitize", "--locked"];
    cmd!(shell, "cargo test {common...} --package systole-sim --lib --test simulate").run().context("the engine's tests failed")?;
    let count = count.to_string();
    for kernels in [None, Some("--portable")] {
        cmd!(shell, "cargo run {common...} --package systole-testbenches --bin fuzz-engines -- --count {count} {kernels...}")
            .run()
            .context("random designs failed")?;
    }
    Ok(())
}
