//! What leaves the program: text on the terminal, and files that appear whole or not at all.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::Builder;

use crate::failure::Failure;

/// Prints to the terminal. A reader that went away, as in `systole list | head`, is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::input(format!("cannot write to the terminal: {error}"), "send the output elsewhere"))
        }
        _ => Ok(()),
    }
}

/// Makes an output folder and those above it, and tries that files can be made in it, so that a long run does not end in vain.
pub fn make_folder(folder: &Path) -> Result<(), Failure> {
    let made = fs::create_dir_all(folder).and_then(|()| Builder::new().prefix(".systole-").tempfile_in(folder));
    match made {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::input(format!("cannot write into {}: {error}", folder.display()), "choose another folder with --out")),
    }
}

/// Writes a file whole or not at all: readers and interrupted runs never see a part of it. Returns its path.
pub fn write_whole(folder: &Path, name: impl AsRef<Path>, content: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    let written = temporary_beside(folder).and_then(|mut file| {
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)
    });
    match written {
        Ok(_) => Ok(path),
        Err(error) => {
            Err(Failure::input(format!("cannot write {}: {error}", path.display()), "make room, or choose another folder with --out"))
        }
    }
}

/// A file in the same folder, so that renaming it is atomic, with the permissions of a file made in the ordinary way.
fn temporary_beside(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".systole-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        write_whole(folder.path(), "report.json", b"old").unwrap();
        let path = write_whole(folder.path(), "report.json", b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = write_whole(folder.path(), "file", b"").unwrap();
        assert!(make_folder(&file.join("below")).is_err());
    }
}
