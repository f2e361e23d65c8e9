//! A Python that reads what runs write: an independent reader of safetensors and NumPy files.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The first of these with NumPy and safetensors: the one that `cargo xtask tools` makes, and the one on the search path.
static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("target/python/bin/python3");
    let usable = |python: &PathBuf| {
        let imports = Command::new(python).args(["-c", "import numpy, safetensors.numpy"]).output();
        imports.is_ok_and(|output| output.status.success())
    };
    [made, "python3".into()].into_iter().find(usable)
});

/// The Python to test with, or `None` where there is none with both packages.
///
/// # Panics
/// If there is none and `SYSTOLE_REQUIRE_TOOLS` is set: where every test must run, none is passed over.
pub fn python_for_test() -> Option<&'static Path> {
    if PYTHON.is_none() {
        let missing = "no python3 with numpy and safetensors; `cargo xtask tools` makes one";
        assert!(env::var_os("SYSTOLE_REQUIRE_TOOLS").is_none(), "{missing}");
        eprintln!("SKIPPED: {missing}");
    }
    PYTHON.as_deref()
}
