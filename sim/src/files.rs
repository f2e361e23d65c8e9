//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

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

/// The name under which [`growing_file`] makes a file that is to appear at `path`.
pub(crate) fn growing_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".partial");
    PathBuf::from(name)
}

/// An empty file at [`growing_path`] that vanishes unless it is persisted; a process that is killed leaves what it has written
/// there. Replaces what an earlier one has left. Locked, so that no two processes write into it.
pub(crate) fn growing_file(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let growing = growing_path(path);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&growing)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing it")),
        // Where there are no locks, it has to go without.
        Err(TryLockError::Error(_)) | Ok(()) => file.set_len(0)?,
    }
    Ok(NamedTempFile::from_parts(file, TempPath::try_from_path(growing)?))
}
