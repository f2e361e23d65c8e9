//! The files of a run: its report, and beside it the pictures and output tensors that the report names.

use std::path::PathBuf;

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
    let report: Value = serde_json::from_slice(&folder.content(REPORT)).unwrap_or_default();
    let list = |key: &str| report[key].as_array().into_iter().flatten();
    let files = list("figures").map(|figure| &figure["file"]).chain(list("output_files"));
    folder.files_of(files.filter_map(Value::as_str))
}

/// Writes the report and the files that it names, and returns the report's path and theirs: all of them, or none.
pub fn write_report(folder: &OutputFolder, files: &[NewFile], report: &[u8]) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    let names = files.iter().map(|file| file.name.as_str());
    if let Some((_, name)) = names.clone().enumerate().find(|&(index, name)| names.clone().take(index).any(|earlier| earlier == name)) {
        return Err(Failure::defect(&SameFile(name.into())));
    }
    let beside = files.iter().map(|file| (file.name.as_str(), file.content.as_slice()));
    let all: Vec<(&str, &[u8])> = [(REPORT, report)].into_iter().chain(beside).collect();
    let mut paths = folder.write_all(&all, &[] as &[&str])?;
    Ok((paths.remove(0), paths))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
    fn names_in_a_report_that_are_no_files_of_the_folder_are_left_alone() {
        let above = tempfile::tempdir().unwrap();
        fs::create_dir_all(above.path().join("out/folder.svg")).unwrap();
        for file in ["out/graph.svg", "outside.svg"] {
            fs::write(above.path().join(file), "").unwrap();
        }
        let folder = OutputFolder::make(above.path().join("out")).unwrap();
        let absolute = above.path().join("outside.svg");
        let names =
            ["gra\0ph.svg", "\0", "", "..", ".", "../outside.svg", "folder.svg", "folder.svg/", "a/b.svg", absolute.to_str().unwrap()];
        let figures: Vec<_> = names.into_iter().chain(["graph.svg"]).map(|file| serde_json::json!({ "file": file })).collect();
        let report = serde_json::json!({ "figures": figures, "output_files": names });
        fs::write(above.path().join("out").join(REPORT), report.to_string()).unwrap();
        assert_eq!(files_of_last_run(&folder), ["graph.svg"]);
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
