//! Pictures of a run: files beside its report, which names them.

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

/// Two figures of one kernel would be the same file.
#[derive(Debug, Error)]
#[error("two figures have the file name `{0}`")]
struct SameFile(String);

/// The pictures that the report in the folder names. None, if there is no report or it cannot be read.
pub fn figures_of_last_run(folder: &OutputFolder) -> Vec<String> {
    let report = fs::read(folder.path().join(REPORT)).unwrap_or_default();
    let report: Value = serde_json::from_slice(&report).unwrap_or_default();
    let figures = report["figures"].as_array().into_iter().flatten();
    // Plain names only: a report removes nothing outside its folder.
    let files = figures.filter_map(|figure| figure["file"].as_str());
    files.filter(|&name| Path::new(name).file_name() == Some(OsStr::new(name))).map(str::to_string).collect()
}

/// Writes the report and its pictures, and returns their paths: all of them, or none. The report comes last, so that it never names a file that
/// is not there.
pub fn write_report(folder: &OutputFolder, figures: &[Figure], report: &[u8]) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    let names = figures.iter().map(|figure| figure.file());
    if let Some((_, name)) = names.clone().enumerate().find(|&(index, name)| names.clone().take(index).any(|earlier| earlier == name)) {
        return Err(Failure::defect(&SameFile(name.into())));
    }
    let pictures: Result<Vec<PathBuf>, Failure> =
        figures.iter().map(|figure| folder.write(figure.file(), figure.content().as_bytes())).collect();
    let written = pictures.and_then(|pictures| Ok((folder.write(REPORT, report)?, pictures)));
    written.inspect_err(|_| {
        // The first failure is what the user has to know of.
        let _ = folder.clear(names);
    })
}

#[cfg(test)]
mod tests {
    use systole_kernels::report::FigureFormat;

    use super::*;

    fn figures(names: &[&str]) -> Vec<Figure> {
        names.iter().map(|name| Figure::new(name, "a title", FigureFormat::Svg, "<svg/>")).collect()
    }

    #[test]
    fn pictures_are_written_beside_the_report_and_found_through_it_again() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        assert!(figures_of_last_run(&folder).is_empty());
        let figures = figures(&["graph", "memory"]);
        let report = serde_json::to_vec(&serde_json::json!({ "figures": figures })).unwrap();
        let (_, pictures) = write_report(&folder, &figures, &report).ok().unwrap();
        assert_eq!(fs::read(&pictures[1]).unwrap(), b"<svg/>");
        assert_eq!(figures_of_last_run(&folder), ["graph.svg", "memory.svg"]);
    }

    #[test]
    fn a_picture_that_cannot_be_written_takes_the_others_and_the_report_with_it() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        fs::create_dir(above.path().join("memory.svg")).unwrap();
        assert!(write_report(&folder, &figures(&["graph", "memory"]), b"{}").is_err());
        assert!(!above.path().join("graph.svg").exists() && !above.path().join(REPORT).exists());
    }

    #[test]
    fn two_pictures_in_one_file_are_a_defect() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        assert!(matches!(write_report(&folder, &figures(&["a b", "a/b"]), b"{}"), Err(Failure::Defect(_))));
    }
}
