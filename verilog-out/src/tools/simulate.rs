//! Lint and simulation of exported Verilog.

use std::path::Path;

use super::{Answer, Tool, ToolError, find, run, run_program, strings};
use crate::testbench::Testbench;

/// A program that runs a testbench.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Simulator {
    /// Icarus Verilog: starts at once, runs slowly, knows `x`.
    Icarus,
    /// Verilator: compiles for seconds to minutes, runs fast. Needs a C++ compiler.
    Verilator,
}

/// Lints `files` in `directory` with Verilator, all warnings on.
///
/// # Errors
/// If Verilator is missing, or says anything.
pub fn lint(directory: &Path, files: &[String], top: &str) -> Result<(), ToolError> {
    let mut arguments = strings(&["--lint-only", "-Wall", "--top-module", top]);
    arguments.extend_from_slice(files);
    without_figures(run(Tool::Verilator, &arguments, directory)?).silent()
}

/// The answer without the lines in which newer versions of Verilator tell how long they took; they begin with a dash.
fn without_figures(mut answer: Answer) -> Answer {
    answer.stdout = answer.stdout.lines().filter(|line| !line.starts_with("- V")).collect::<Vec<_>>().join("\n");
    answer
}

/// Builds a C++ model of `files` in `directory` with Verilator, all warnings on, as a user would who simulates with C++. The
/// model goes into `build`, which exists, and is not optimized. Lint alone does not show that C++ takes every name.
///
/// # Errors
/// If Verilator, `make` or a C++ compiler is missing; if Verilator says anything; if the model does not compile.
pub fn build(directory: &Path, files: &[String], top: &str, build: &Path) -> Result<(), ToolError> {
    let made = build.to_string_lossy().into_owned();
    let mut arguments = strings(&["--cc", "-Wall", "--top-module", top, "--Mdir", &made]);
    arguments.extend_from_slice(files);
    without_figures(run(Tool::Verilator, &arguments, directory)?).silent()?;
    // Verilator's own library does not depend on the design, and takes longer than a small one.
    let model = [format!("V{top}__ALL.a"), format!("V{top}.mk")];
    let make = strings(&["-s", "-f", &model[1], &model[0], "OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"]);
    run_program(Tool::Verilator, Path::new("make"), &make, build, &mut |_| true).map(|_: Answer| ())
}

/// Compiles `files` in `directory` as Verilog-2005 with Icarus Verilog, all warnings on, without a result.
///
/// # Errors
/// If Icarus Verilog is missing, or says anything.
pub fn compile(directory: &Path, files: &[String], top: &str) -> Result<(), ToolError> {
    let mut arguments = strings(&["-g2005", "-Wall", "-t", "null", "-s", top]);
    arguments.extend_from_slice(files);
    run(Tool::Iverilog, &arguments, directory)?.silent()
}

/// Runs a testbench whose files, with those of the design, `files`, stand in `directory`. The simulator's own files go into
/// `build`, which exists. Returns what the testbench printed.
///
/// # Errors
/// If the simulator is missing or refuses the files; [`ToolError::Failed`] with the mismatches if the testbench fails.
pub fn run_testbench(
    simulator: Simulator,
    testbench: &Testbench,
    directory: &Path,
    files: &[String],
    build: &Path,
) -> Result<String, ToolError> {
    let answer = match simulator {
        Simulator::Icarus => icarus(testbench, directory, files, build)?,
        Simulator::Verilator => verilator(testbench, directory, files, build)?,
    };
    if answer.stdout.lines().any(|line| line.starts_with("PASS ")) {
        return Ok(answer.stdout);
    }
    let output = super::first_lines(&[&answer.stdout, &answer.stderr]);
    Err(ToolError::Failed { command: answer.command, status: "mismatches".to_string(), output })
}

fn icarus(testbench: &Testbench, directory: &Path, files: &[String], build: &Path) -> Result<Answer, ToolError> {
    find(Tool::Vvp)?;
    let binary = build.join(&testbench.name).to_string_lossy().into_owned();
    let mut arguments = strings(&["-g2005", "-Wall", "-s", &testbench.name, "-o", &binary]);
    arguments.extend(files.iter().cloned().chain([testbench.file_name()]));
    run(Tool::Iverilog, &arguments, directory)?.silent()?;
    run(Tool::Vvp, &strings(&["-n", &binary]), directory)
}

fn verilator(testbench: &Testbench, directory: &Path, files: &[String], build: &Path) -> Result<Answer, ToolError> {
    let made = build.to_string_lossy().into_owned();
    // Style warnings are lint's matter; here they would only stop the build.
    let mut arguments =
        strings(&["--binary", "--timing", "-Wno-fatal", "--top-module", &testbench.name, "--Mdir", &made, "-o", "simulation"]);
    arguments.extend(files.iter().cloned().chain([testbench.file_name()]));
    run(Tool::Verilator, &arguments, directory)?;
    run_program(Tool::Verilator, &build.join("simulation"), &[], directory, &mut |_| true)
}
