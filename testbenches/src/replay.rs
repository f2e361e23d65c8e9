//! Cases as files: the stimulus in a comment, then the design's text form.
//!
//! ```text
//! # cycle 3, output `sum`: the reference engine has 1f, the Verilog has 0f
//! # stimulus seed 17 cycles 4
//! systole netlist 1
//! module "a" {
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use systole_hdl::Design;
use thiserror::Error;

use crate::campaign::Found;
use crate::lockstep::{Case, StimulusPlan};

/// The extension of a file that holds a case.
pub const EXTENSION: &str = "netlist";

/// Why a file is not a case.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// It cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not say what the design is given.
    #[error("{} has no line `# stimulus seed NUMBER cycles NUMBER` before the netlist", path.display())]
    NoStimulus {
        /// The file.
        path: PathBuf,
    },
    /// Its netlist does not read.
    #[error("{}:{first}", path.display())]
    Netlist {
        /// The file.
        path: PathBuf,
        /// The first error, which begins with line and column.
        first: String,
    },
}

/// A case as the text of a file. `remark` says what it is for.
pub fn to_text(case: &Case, remark: &str) -> String {
    let remark: String = remark.lines().map(|line| format!("# {line}\n")).collect();
    let StimulusPlan { seed, cycles } = case.stimulus;
    format!("{remark}# stimulus seed {seed} cycles {cycles}\n{}", case.design)
}

/// Writes a failing case into `folder`, which is made if it is missing, and returns its file.
///
/// # Errors
/// If the folder or the file cannot be written.
pub fn keep(folder: &Path, found: &Found) -> Result<PathBuf, ReplayError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        |source| ReplayError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let path = folder.join(format!("seed-{}.{EXTENSION}", found.seed));
    fs::write(&path, to_text(&found.case, &found.failure.to_string())).map_err(failed(&path))?;
    Ok(path)
}

/// Reads the case in a file.
///
/// # Errors
/// If the file cannot be read or does not hold a case.
pub fn read(path: &Path) -> Result<Case, ReplayError> {
    let text = fs::read_to_string(path).map_err(|source| ReplayError::File { path: path.to_path_buf(), source })?;
    let stimulus = text.lines().take_while(|line| line.is_empty() || line.starts_with('#')).find_map(stimulus);
    let stimulus = stimulus.ok_or_else(|| ReplayError::NoStimulus { path: path.to_path_buf() })?;
    let design = Design::parse(&text).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        ReplayError::Netlist { path: path.to_path_buf(), first }
    })?;
    Ok(Case { design, stimulus })
}

fn stimulus(line: &str) -> Option<StimulusPlan> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["#", "stimulus", "seed", seed, "cycles", cycles] = words[..] else { return None };
    Some(StimulusPlan { seed: seed.parse().ok()?, cycles: cycles.parse().ok().filter(|&cycles| cycles > 0)? })
}

/// The files in a folder that hold cases, in order of their names.
///
/// # Errors
/// If the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>, ReplayError> {
    let failed = |source| ReplayError::File { path: folder.to_path_buf(), source };
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    Ok(paths)
}
