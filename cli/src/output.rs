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
            Err(Failure::input(format!("cannot write to the standard output: {error}"), "send the output elsewhere"))
        }
        _ => Ok(()),
    }
}

/// Prints to the standard error. Whether anybody reads it changes nothing of the run.
pub fn print_error(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A folder that outputs go into.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    made: bool,
}

impl OutputFolder {
    /// Makes the folder and those above it, and tries that files can be made in it, so that a long run does not end in vain.
    pub fn make(path: PathBuf) -> Result<OutputFolder, Failure> {
        let made = !path.exists();
        match fs::create_dir_all(&path).and_then(|()| temporary_in(&path)) {
            Ok(_) => Ok(OutputFolder { path, made }),
            Err(error) => Err(Failure::input(format!("cannot write into {}: {error}", path.display()), "choose another folder with --out")),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes files that an earlier run may have left, so that none of them is taken for this one's.
    pub fn clear(&self, names: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<(), Failure> {
        for name in names {
            let path = self.path.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    let message = format!("cannot remove {} of an earlier run: {error}", path.display());
                    return Err(Failure::input(message, "remove it, or choose another folder with --out"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes a file whole or not at all: readers and interrupted runs never see a part of it. Returns its path.
    pub fn write(&self, name: impl AsRef<Path>, content: &[u8]) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        let written = temporary_in(&self.path).and_then(|mut file| {
            file.write_all(content)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)
        });
        match written {
            Ok(_) => Ok(path),
            Err(error) => {
                let help = "make room, or choose another folder with --out";
                Err(Failure::input(format!("cannot write {}: {error}", path.display()), help))
            }
        }
    }
}

/// A folder made in vain goes away again; removing fails, rightly, if something is in it.
impl Drop for OutputFolder {
    fn drop(&mut self) {
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// A file in the same folder, so that renaming it is atomic, with the permissions of a file made in the ordinary way.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
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
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().join("a/b")).unwrap();
        folder.write("report.json", b"old").unwrap();
        let path = folder.write("report.json", b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(folder);
        assert!(path.exists());
    }

    #[test]
    fn files_of_an_earlier_run_are_cleared_and_others_stay() {
        let folder = OutputFolder::make(tempfile::tempdir().unwrap().keep()).unwrap();
        folder.write("old", b"").unwrap();
        folder.write("other", b"").unwrap();
        folder.clear(["old", "never there"]).unwrap();
        assert_eq!((folder.path().join("old").exists(), folder.path().join("other").exists()), (false, true));
        fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_made_in_vain_goes_away_and_one_that_was_there_stays() {
        let above = tempfile::tempdir().unwrap();
        drop(OutputFolder::make(above.path().join("new")).unwrap());
        assert!(!above.path().join("new").exists());
        drop(OutputFolder::make(above.path().to_path_buf()).unwrap());
        assert!(above.path().exists());
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        assert!(OutputFolder::make(folder.path().join("file")).is_err());
        assert!(OutputFolder::make(folder.path().join("file/below")).is_err());
    }
}
