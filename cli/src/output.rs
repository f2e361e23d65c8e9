//! What leaves the program: text on the terminal, and files that appear whole or not at all.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use systole_sim::files::{make_folder, remove_empty, together, unfinished_file};
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::files::REPORT;

/// Prints to the terminal. A reader that went away, as in `systole list | head`, is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritable(&error)),
        _ => Ok(()),
    }
}

/// Standard output takes nothing more.
pub fn unwritable(error: &io::Error) -> Failure {
    Failure::input(format!("cannot write to the standard output: {error}"), "send the output elsewhere")
}

/// Prints to the standard error. Whether anybody reads it (it may be closed, or full) changes nothing of the run and its exit code.
pub fn print_error(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A folder that outputs go into.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    /// The folders that were made for it, itself among them.
    made: Vec<PathBuf>,
}

/// A file that is written and has not got its name yet.
type Staged = (NamedTempFile, PathBuf);

impl OutputFolder {
    /// Makes the folder and those above it, and tries that files can be made in it, so that a long run does not end in vain.
    pub fn make(path: PathBuf) -> Result<OutputFolder, Failure> {
        let refused =
            |error: io::Error| Failure::input(format!("cannot write into {}: {error}", path.display()), "choose another folder with --out");
        let folder = OutputFolder { made: make_folder(&path).map_err(refused)?, path: path.clone() };
        unfinished_file(&path.join(REPORT)).map_err(refused).map(|_| folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a file of the folder holds; nothing, if there is none, it cannot be read, or it is no ordinary file.
    pub fn content(&self, name: &str) -> Vec<u8> {
        let path = self.path.join(name);
        if path.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() }
    }

    /// Those of `names` that are files in the folder itself. A list of files that was found there removes nothing outside it, and no folder.
    pub fn files_of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let is_ours = |name: &&str| {
            let is_plain = Path::new(name).file_name() == Some(OsStr::new(name));
            is_plain && fs::symlink_metadata(self.path.join(name)).is_ok_and(|found| !found.is_dir())
        };
        names.into_iter().filter(is_ours).map(str::to_string).collect()
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
        Ok(self.write_all(&[(name, content)], &[] as &[&str])?.remove(0))
    }

    /// Writes files that belong together, all or none, and removes those of an earlier time that are not `replaced`. Everything is on the disk
    /// under other names before the first old file goes. Returns the paths in order.
    pub fn write_all(
        &self,
        files: &[(impl AsRef<Path>, impl AsRef<[u8]>)],
        replaced: &[impl AsRef<Path>],
    ) -> Result<Vec<PathBuf>, Failure> {
        let staged: Result<Vec<Staged>, Failure> =
            files.iter().map(|(name, content)| self.stage(name.as_ref(), content.as_ref())).collect();
        let staged = staged?;
        // An interrupt now waits until all have their names.
        let _whole = together();
        let new = |old: &Path| files.iter().any(|(name, _)| name.as_ref() == old);
        self.clear(replaced.iter().filter(|old| !new(old.as_ref())))?;
        let mut written = Vec::new();
        for (file, path) in staged {
            if let Err(error) = file.persist(&path) {
                self.clear(&written)?;
                return Err(cannot_write(&path, &error.error));
            }
            written.push(path);
        }
        Ok(written)
    }

    fn stage(&self, name: &Path, content: &[u8]) -> Result<Staged, Failure> {
        let path = self.path.join(name);
        let staged = unfinished_file(&path).and_then(|mut file| {
            file.write_all(content)?;
            file.as_file().sync_all()?;
            Ok(file)
        });
        staged.map_err(|error| cannot_write(&path, &error)).map(|file| (file, path))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::input(format!("cannot write {}: {error}", path.display()), "make room, or choose another folder with --out")
}

/// Folders made in vain go away again.
impl Drop for OutputFolder {
    fn drop(&mut self) {
        remove_empty(&self.made);
    }
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
    fn files_that_belong_together_appear_all_or_none() {
        let above = tempfile::tempdir().unwrap();
        let folder = OutputFolder::make(above.path().to_path_buf()).unwrap();
        folder.write_all(&[("a.v", "1"), ("b.v", "1")], &[] as &[&str]).unwrap();
        // A folder in the way of the second: found before anything is touched.
        fs::create_dir(above.path().join("c.v")).unwrap();
        assert!(folder.write_all(&[("a.v", "2"), ("c.v", "2")], &["b.v"]).is_err());
        let content = |name: &str| fs::read_to_string(above.path().join(name)).unwrap();
        assert_eq!((content("a.v"), content("b.v")), ("1".to_string(), "1".to_string()));
        fs::remove_dir(above.path().join("c.v")).unwrap();
        folder.write_all(&[("a.v", "2"), ("c.v", "2")], &["a.v", "b.v"]).unwrap();
        assert_eq!((content("a.v"), content("c.v"), above.path().join("b.v").exists()), ("2".to_string(), "2".to_string(), false));
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_made_in_vain_goes_away_and_one_that_was_there_stays() {
        let above = tempfile::tempdir().unwrap();
        drop(OutputFolder::make(above.path().join("new/below")).unwrap());
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
