//! `export` of every kernel: the Verilog of each of its layouts passes every tool's strictest reading, and its own testbench.
//!
//! A kernel's layouts are a file beside this one; [`gates!`] makes the tests of them.

use std::path::PathBuf;
use std::process::Command;

use systole_verilog::tools::{Tool, ToolError, check, compile, lint, present_for_test};

use crate::support::{Desk, names};

/// Hardware of a kernel: lint and Icarus see all of it, the slow gates those that say so.
#[derive(Clone, Copy)]
struct Layout {
    /// The kernel's top module.
    top: &'static str,
    /// A configuration that runs for few cycles.
    config: &'static str,
    /// What differs from it, as `--set` takes it.
    settings: &'static [&'static str],
    slow_gates: &'static [SlowGate],
}

/// A gate that takes seconds to minutes for each layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum SlowGate {
    /// Yosys synthesizes it, and checks the design before and after.
    Synthesis,
    /// Verilator builds a program of it, which runs the testbench.
    VerilatorTestbench,
}

/// A folder with an export of a layout in it.
struct Export {
    layout: Layout,
    folder: PathBuf,
    /// Without the testbench.
    modules: Vec<String>,
    _desk: Desk,
}

impl Export {
    fn of(layout: Layout) -> Export {
        let desk = Desk::with(layout.config);
        let mut arguments = vec!["export", "config.toml", "--out", "result", "--testbench"];
        layout.settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
        desk.systole(&arguments).assert().success();
        let folder = desk.path("result");
        let is_module = |name: &String| name.ends_with(".v") && !name.ends_with("_tb.v");
        let modules: Vec<String> = names(&folder).into_iter().filter(is_module).collect();
        assert!(modules.contains(&format!("{}.v", layout.top)), "{modules:?}");
        Export { layout, folder, modules, _desk: desk }
    }

    /// A tool has nothing to say about the modules.
    fn assert_accepted_by(&self, tool: fn(&std::path::Path, &[String], &str) -> Result<(), ToolError>) {
        let Layout { top, settings, .. } = self.layout;
        tool(&self.folder, &self.modules, top).unwrap_or_else(|error| panic!("{top} {settings:?}: {error}"));
    }

    /// The testbench passes, run as the export says.
    fn assert_testbench_passes_in(&self, tool: Tool) {
        let ran = Command::new("sh").current_dir(&self.folder).args(["run.sh", tool.program()]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("PASS "), "{} {:?}: {said}", self.layout.top, self.layout.settings);
    }
}

/// The layouts that pass a slow gate, of which there is one at least.
fn through(gate: SlowGate, layouts: &[Layout]) -> impl Iterator<Item = Layout> {
    assert!(layouts.iter().any(|layout| layout.slow_gates.contains(&gate)), "no layout goes through {gate:?}");
    layouts.iter().copied().filter(move |layout| layout.slow_gates.contains(&gate))
}

fn verilator_lints_without_a_word(layouts: &[Layout]) {
    if present_for_test(&[Tool::Verilator]) {
        layouts.iter().for_each(|&layout| Export::of(layout).assert_accepted_by(lint));
    }
}

fn icarus_compiles_without_a_word_and_passes_the_testbench(layouts: &[Layout]) {
    if present_for_test(&[Tool::Iverilog, Tool::Vvp]) {
        for &layout in layouts {
            let export = Export::of(layout);
            export.assert_accepted_by(compile);
            export.assert_testbench_passes_in(Tool::Iverilog);
        }
    }
}

fn verilator_passes_the_testbench(layouts: &[Layout]) {
    if present_for_test(&[Tool::Verilator]) {
        through(SlowGate::VerilatorTestbench, layouts).for_each(|layout| Export::of(layout).assert_testbench_passes_in(Tool::Verilator));
    }
}

fn yosys_finds_nothing_undriven_or_doubly_driven(layouts: &[Layout]) {
    if present_for_test(&[Tool::Yosys]) {
        through(SlowGate::Synthesis, layouts).for_each(|layout| Export::of(layout).assert_accepted_by(check));
    }
}

/// Sends the layouts of the module in which it stands through every gate.
macro_rules! gates {
    ($layouts:expr) => {
        gates! {
            $layouts;
            verilator_lints_without_a_word,
            icarus_compiles_without_a_word_and_passes_the_testbench,
            verilator_passes_the_testbench,
            yosys_finds_nothing_undriven_or_doubly_driven,
        }
    };
    ($layouts:expr; $($gate:ident),* $(,)?) => {
        $(
            #[test]
            fn $gate() {
                super::$gate(&$layouts);
            }
        )*
    };
}

mod attention;
mod gemm;
mod sparse_gemm;
mod sparse_training;
mod sparsify;
