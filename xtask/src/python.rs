//! A Python with the packages that tests read results with: NumPy and safetensors.
//!
//! The one on the search path serves if it has them. Otherwise a virtual environment under `target/` gets them from PyPI, so that nothing is
//! installed into a Python that others use.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// Where the environment is made; the tests look there.
const ENVIRONMENT: &str = "target/python";

/// What it holds: the oldest versions that read what tests write.
const PACKAGES: [&str; 2] = ["numpy>=1.22", "safetensors>=0.4"];

/// Whether there is a Python with the packages, made here or on the search path.
pub fn present(shell: &Shell) -> bool {
    [made(shell).as_path(), Path::new("python3")].into_iter().any(|python| has_packages(shell, python))
}

fn has_packages(shell: &Shell, python: &Path) -> bool {
    cmd!(shell, "{python} -c 'import numpy, safetensors.numpy'").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// The environment's own program.
fn made(shell: &Shell) -> PathBuf {
    shell.current_dir().join(ENVIRONMENT).join("bin/python3")
}

/// Makes the environment.
pub fn make(shell: &Shell) -> Result<()> {
    let advice = "install numpy and safetensors for the python3 on the search path, then run this again";
    eprintln!("making {ENVIRONMENT} with {}", PACKAGES.join(" "));
    cmd!(shell, "python3 -m venv --clear {ENVIRONMENT}").run().context(advice)?;
    let (python, packages) = (made(shell), PACKAGES);
    cmd!(shell, "{python} -m pip install --quiet --disable-pip-version-check {packages...}").run().context(advice)
}
