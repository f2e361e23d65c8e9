//! One run of Icarus Verilog over many benches, which cannot hang.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use systole_verilog::tools::{self, Tool};

use super::{Failure, LockstepError};

/// How long compiler and simulation may take, each. Only a circuit that never settles needs longer.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// How many characters of a tool's messages are kept.
const SHOWN: usize = 2000;

/// What the benches `tops`, made of `files` in `folder`, print; or what is wrong with them.
pub(super) fn run(folder: &Path, files: &[String], tops: &[String]) -> Result<Result<String, Failure>, LockstepError> {
    let mut compiler = command(Tool::Iverilog, folder)?;
    compiler.args(["-g2005", "-Wall", "-o", "run.vvp"]).args(tops.iter().flat_map(|top| ["-s", top])).args(files);
    let compiled = finish(compiler, folder, "compiler")?;
    if !compiled.is_silent_success() {
        return Ok(Err(Failure::Refused { tool: "iverilog", messages: compiled.messages() }));
    }
    let mut simulation = command(Tool::Vvp, folder)?;
    simulation.args(["-n", "run.vvp"]);
    let simulated = finish(simulation, folder, "simulation")?;
    Ok(match simulated.status {
        Some(status) if status.success() => Ok(simulated.stdout),
        _ => Err(Failure::Unfinished(simulated.messages())),
    })
}

fn command(tool: Tool, folder: &Path) -> Result<Command, LockstepError> {
    let mut command = Command::new(tools::find(tool)?);
    command.current_dir(folder).stdin(Stdio::null());
    Ok(command)
}

/// How a program ended.
struct Ended {
    /// `None` if it was stopped because it took too long.
    status: Option<ExitStatus>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn is_silent_success(&self) -> bool {
        self.status.is_some_and(|status| status.success()) && self.stdout.is_empty() && self.stderr.is_empty()
    }

    fn messages(&self) -> String {
        let how = self.status.map_or(format!("stopped after {} s", TIME_LIMIT.as_secs()), |status| status.to_string());
        let text: String = self.stderr.chars().chain(self.stdout.chars()).take(SHOWN).collect();
        format!("{how}\n{text}")
    }
}

/// Runs a program to its end or to the time limit. Its output goes through files in `folder`, so that nothing has to read along.
fn finish(mut command: Command, folder: &Path, name: &str) -> Result<Ended, LockstepError> {
    let paths = ["out", "err"].map(|kind| folder.join(format!("{name}.{kind}")));
    let mut run = || -> io::Result<Ended> {
        command.stdout(File::create(&paths[0])?).stderr(File::create(&paths[1])?);
        let status = wait(&mut command.spawn()?)?;
        let read = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Ended { status, stdout: read(&paths[0])?, stderr: read(&paths[1])? })
    };
    run().map_err(|source| LockstepError::Files { folder: folder.display().to_string(), source })
}

fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    while start.elapsed() < TIME_LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
