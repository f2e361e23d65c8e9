//! The files of a run: its report, and beside it the pictures and output tensors that the report names.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use systole_kernels::report::Figure;
use thiserror::Error;

use crate::failure::Failure;
use crate::output::OutputFolder;

/// The report in an output folder.
pub const REPORT: &str = "report.json";

/// A file to write beside a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewFile {
    /// Its name in the output folder.
    pub name: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl From<&Figure> for NewFile {
    fn from(figure: &Figure) -> NewFile {
        NewFile { name: figure.file().into(), content: figure.content().into() }
    }
}

/// Two files of one report would be the same.
#[derive(Debug, Error)]
#[error("two files of the report have the name `{0}`")]
struct SameFile(String);

/// The pictures and output tensors that the report in the folder names. None, if there is no report or it cannot be read.
pub fn files_of_last_run(folder: &OutputFolder) -> Vec<String> {
    let report = fs::read(folder.path().join(REPORT)).unwrap_or_default();
    let report: Value = serde_json::from_slice(&report).unwrap_or_default();
    let list = |key: &str| report[key].as_array().into_iter().flatten();
    let files = list("figures").map(|figure| &figure["file"]).chain(list("output_files")).filter_map(Value::as_str);
    // Plain names only: a report removes nothing outside its folder.
    files.filter(|&name| Path::new(name).file_name() == Some(OsStr::new(name))).map(str::to_string).collect()
}

/// Writes the report and the files that it names, and returns the report's path and theirs: all of them, or none. The report comes last, so
/// that it never names a file that is not there.
pub fn write_report(folder: &OutputFolder, files: &[NewFile], report: &[u8]) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    let names = files.iter().map(|file| file.name.as_str());
    if let Some((_, name)) = names.clone().enumerate().find(|&(index, name)| names.clone().take(index).any(|earlier| earlier == name)) {
        return Err(Failure::defect(&SameFile(name.into())));
    }
    let beside: Result<Vec<PathBuf>, Failure> = files.iter().map(|file| folder.write(&file.name, &file.content)).collect();
    let written = beside.and_then(|beside| Ok((folder.write(REPORT, report)?, beside)));
    written.inspect_err(|_| {
        // The first failure is what the user has to know of.
        let _ = folder.clear(names);
    })
}

#[cfg(test)]
mod tests {
    use systole_kernels::report::FigureFormat;

    use super::*;

    fn files(names: &[&str]) -> Vec<NewFile> {
        names.iter().map(|name| NewFile::from(&Figure::new(name, "a title", FigureFormat::Svg, "<svg/>"))).collect()
    }

    #[test]
    fn files_are_written_beside_the_report_and_found_through_it_again() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        assert!(files_of_last_run(&folder).is_empty());
        let files = files(&["graph", "memory"]);
        let report = serde_json::json!({ "figures": [{ "file": files[0].name }], "output_files": [files[1].name] });
        let (_, beside) = write_report(&folder, &files, &serde_json::to_vec(&report).unwrap()).ok().unwrap();
        assert_eq!(fs::read(&beside[1]).unwrap(), b"<svg/>");
        assert_eq!(files_of_last_run(&folder), ["graph.svg", "memory.svg"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_takes_the_others_and_the_report_with_it() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        fs::create_dir(above.path().join("memory.svg")).unwrap();
        assert!(write_report(&folder, &files(&["graph", "memory"]), b"{}").is_err());
        assert!(!above.path().join("graph.svg").exists() && !above.path().join(REPORT).exists());
    }

    #[test]
    fn two_files_of_one_name_are_a_defect() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        assert!(matches!(write_report(&folder, &files(&["a b", "a/b"]), b"{}"), Err(Failure::Defect(_))));
    }
}
