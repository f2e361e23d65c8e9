//! What the Verilog of any configuration has to pass: every tool's strictest reading, and its own testbench.

use std::path::PathBuf;
use std::process::Command;

use systole_verilog::tools::{Tool, check, compile, lint};

use crate::support::{Desk, names};

/// A folder with an export in it.
pub struct Export {
    /// What was exported, for messages.
    settings: String,
    /// The top module.
    top: &'static str,
    folder: PathBuf,
    /// Without the testbench.
    modules: Vec<String>,
    _desk: Desk,
}

impl Export {
    /// Exports a configuration under some settings, with its testbench.
    pub fn new(config: &str, settings: &[&str], top: &'static str) -> Export {
        let desk = Desk::with(config);
        let mut arguments = vec!["export", "config.toml", "--out", "result", "--testbench"];
        settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
        desk.systole(&arguments).assert().success();
        let folder = desk.path("result");
        let modules = names(&folder).into_iter().filter(|name| name.ends_with(".v") && !name.ends_with("_tb.v")).collect();
        Export { settings: format!("{top} {settings:?}"), top, folder, modules, _desk: desk }
    }

    /// Verilator's lint has nothing to say.
    pub fn assert_lints(&self) {
        lint(&self.folder, &self.modules, self.top).unwrap_or_else(|error| panic!("{}: {error}", self.settings));
    }

    /// Icarus compiles it without a warning.
    pub fn assert_compiles(&self) {
        compile(&self.folder, &self.modules, self.top).unwrap_or_else(|error| panic!("{}: {error}", self.settings));
    }

    /// Yosys finds nothing undriven or doubly driven.
    pub fn assert_checks(&self) {
        check(&self.folder, &self.modules, self.top).unwrap_or_else(|error| panic!("{}: {error}", self.settings));
    }

    /// The testbench, run as the export says, passes.
    pub fn assert_testbench_passes(&self, tool: Tool) {
        let ran = Command::new("sh").current_dir(&self.folder).args(["run.sh", tool.program()]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("PASS "), "{}: {said}", self.settings);
    }
}
