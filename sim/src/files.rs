//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A file in the folder of `path` that vanishes unless it is persisted.
pub(crate) fn unfinished_file(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    // Temporary files are private by default, so it is opened here: it is to become an ordinary file.
    tempfile::Builder::new().prefix(&prefix).suffix(".partial").make_in(folder, |path| File::create_new(path))
}
