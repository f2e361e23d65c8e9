//! A folder with a configuration in it, and the program run there.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// The smallest configuration that does real work: random operands on a small array, both with padding at the edges.
pub const SMALL: &str = r#"kernel = "gemm"
seed = 5

[array]
rows = 4
columns = 3
dataflow = "weight-stationary"

[[layers]]
a = { random = "gaussian", shape = [6, 7] }
b = { random = "gaussian", shape = [7, 5] }
"#;

/// A folder of its own for one test.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A folder that holds `config.toml`.
    pub fn with(config: &str) -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        desk.write("config.toml", config.as_bytes());
        desk
    }

    /// Puts a file into the folder.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, to run in the folder.
    pub fn systole(&self, arguments: &[&str]) -> Command {
        let mut command = systole(arguments);
        command.current_dir(self.folder.path());
        command
    }

    /// Names of all files and folders in the folder, sorted.
    pub fn holds(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

/// The program.
pub fn systole(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("systole"));
    command.args(arguments).env_remove("RUST_BACKTRACE");
    command
}

/// Names of all files and folders in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
