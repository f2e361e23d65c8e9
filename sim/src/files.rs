//! Files that appear whole or not at all, also when the process that writes them does not live to complete them.
//!
//! What is being written has a name of its own, `.systole-<process>-<random>.partial`, in the folder of its destination, and is renamed when
//! it is complete. As long as its writer lives, it holds a lock on the file.
//!
//! **Leftovers.** A writer that was killed leaves its partial files without a lock. The first partial file that a process makes in a folder
//! sweeps the folder: files and folders of such names that nobody holds locked are removed. Where the file system knows no locks, they stay.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir, TempPath};

const PREFIX: &str = ".systole-";
const SUFFIX: &str = ".partial";

/// What this process has made outside itself and not yet completed.
#[derive(Debug, Default)]
pub struct Outside {
    /// Folders in which it made something unfinished.
    folders: BTreeSet<PathBuf>,
    /// Files that grow under a name of their own, such as records.
    growing: BTreeSet<PathBuf>,
    /// Folders that it made, each after those around it.
    made: Vec<PathBuf>,
}

static OUTSIDE: LazyLock<Mutex<Outside>> = LazyLock::new(Mutex::default);

/// A name part that no other process has, in whatever container it runs.
static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:016x}", RandomState::new().build_hasher().finish()));

/// Nobody gives up what this process writes as long as the guard lives: for files that have to appear together.
pub fn together() -> MutexGuard<'static, Outside> {
    OUTSIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file in the folder of `path` that vanishes unless it is persisted there.
///
/// # Errors
/// If `path` cannot be the name of a file, or no file can be made in its folder.
pub fn unfinished_file(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _known = known(folder);
    // Temporary files are private by default, so it is opened here: it is to become an ordinary file.
    named().make_in(folder, |path| {
        let file = File::create_new(path)?;
        hold(&file, path)?;
        Ok(file)
    })
}

/// A folder for files that are not to stay.
#[derive(Debug)]
pub struct UnfinishedFolder {
    folder: TempDir,
    /// Holds the lock.
    _held: Option<File>,
}

impl UnfinishedFolder {
    /// Makes one in `folder`; it goes away with its content when it is dropped.
    ///
    /// # Errors
    /// If none can be made there.
    pub fn make_in(folder: &Path) -> io::Result<UnfinishedFolder> {
        let _known = known(folder);
        let folder = named().tempdir_in(folder)?;
        let held = File::open(folder.path()).ok();
        if let Some(held) = &held {
            hold(held, folder.path())?;
        }
        Ok(UnfinishedFolder { folder, _held: held })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn named() -> Builder<'static, 'static> {
    static BEGIN: LazyLock<String> = LazyLock::new(|| format!("{PREFIX}{}-", *PROCESS));
    let mut builder = Builder::new();
    builder.prefix(BEGIN.as_str()).suffix(SUFFIX);
    builder
}

/// Notes the folder, and sweeps it the first time.
fn known(folder: &Path) -> MutexGuard<'static, Outside> {
    let mut outside = together();
    if outside.folders.insert(folder.to_path_buf()) {
        sweep(folder);
    }
    outside
}

/// Locks what was just made at `path`. A sweeper may have come first and removed it: the name is then taken, as it were.
fn hold(file: &File, path: &Path) -> io::Result<()> {
    match file.lock() {
        Ok(()) if !path.try_exists()? => Err(io::ErrorKind::AlreadyExists.into()),
        // Without locks nobody sweeps.
        _ => Ok(()),
    }
}

/// Removes what processes that are gone have left in a folder. What cannot be removed stays: it does no harm.
fn sweep(folder: &Path) {
    for (path, is_folder) in unfinished_in(folder, PREFIX) {
        let opened = if is_folder { File::open(&path) } else { OpenOptions::new().read(true).write(true).open(&path) };
        if opened.is_ok_and(|file| file.try_lock().is_ok() && remove(&path, is_folder).is_ok()) {
            continue;
        }
    }
}

fn remove(path: &Path, is_folder: bool) -> io::Result<()> {
    if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Files and folders of unfinished names that begin with `prefix`, and which are folders.
fn unfinished_in(folder: &Path, prefix: &str) -> Vec<(PathBuf, bool)> {
    let is_ours = |name: &OsStr| {
        let random = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(SUFFIX));
        random.is_some_and(|random| random.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| is_ours(&entry.file_name()));
    let kinds = entries.filter_map(|entry| Some((entry.path(), entry.file_type().ok()?)));
    kinds.filter(|(_, kind)| kind.is_file() || kind.is_dir()).map(|(path, kind)| (path, kind.is_dir())).collect()
}

/// Makes a folder and those around it that are missing. Returns those that it made, each after those around it.
///
/// # Errors
/// If one cannot be made; those made before are gone again.
pub fn make_folder(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut outside = together();
    let missing = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    missing.reverse();
    if let Err(error) = fs::create_dir_all(path) {
        remove_empty(&missing);
        return Err(error);
    }
    outside.made.extend(missing.iter().cloned());
    Ok(missing)
}

/// Removes folders, the last first, as far as nothing is in them.
pub fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// Removes everything unfinished of this process, and the folders that it made in vain. The process has to end now: no file can be begun any
/// more, and what other threads are about to complete fails.
pub fn give_up() {
    let outside = together();
    for folder in &outside.folders {
        for (path, is_folder) in unfinished_in(folder, &format!("{PREFIX}{}-", *PROCESS)) {
            let _ = remove(&path, is_folder);
        }
    }
    for path in &outside.growing {
        let _ = fs::remove_file(path);
    }
    remove_empty(&outside.made);
    std::mem::forget(outside);
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
    let mut outside = together();
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&growing)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing it")),
        // Where there are no locks, it has to go without.
        Err(TryLockError::Error(_)) | Ok(()) => file.set_len(0)?,
    }
    outside.growing.insert(growing.clone());
    Ok(NamedTempFile::from_parts(file, TempPath::try_from_path(growing)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_of_the_dead_are_swept_and_everything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at(".systole-0123456789abcdef-aBc123.partial"), "of a dead process").unwrap();
        fs::create_dir(at(".systole-0123456789abcdef-folder.partial")).unwrap();
        fs::write(at(".systole-0123456789abcdef-folder.partial/x.v"), "").unwrap();
        let stay = [".systole-a.b.partial", ".systole-export", ".systole-held-1.partial", ".trace.partial", "systole-1-2.partial"];
        stay.iter().for_each(|name| fs::write(at(name), "").unwrap());
        // The lock of a living process.
        let held = File::open(at(".systole-held-1.partial")).unwrap();
        held.lock().unwrap();
        let file = unfinished_file(&at("report.json")).unwrap();
        let unfinished = file.path().file_name().unwrap().to_str().unwrap().to_string();
        let mut expected: Vec<&str> = stay.iter().copied().chain([unfinished.as_str()]).collect();
        expected.sort();
        assert_eq!(names(folder.path()), expected);
        file.persist(at("report.json")).unwrap();
        assert!(names(folder.path()).contains(&"report.json".to_string()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_the_name_of_a_leftover_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        fs::write(folder.path().join("precious"), "").unwrap();
        std::os::unix::fs::symlink("../precious", folder.path().join("out/.systole-1-2.partial")).unwrap();
        drop(unfinished_file(&folder.path().join("out/x")).unwrap());
        assert!(folder.path().join("precious").exists());
    }

    #[test]
    fn folders_made_in_vain_go_away_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let made = make_folder(&folder.path().join("a/b/c")).unwrap();
        assert_eq!(made, [folder.path().join("a/b"), folder.path().join("a/b/c")]);
        remove_empty(&made);
        assert_eq!((names(folder.path()), names(&folder.path().join("a"))), (vec!["a".to_string()], Vec::new()));
        fs::write(folder.path().join("a/file"), "").unwrap();
        assert!(make_folder(&folder.path().join("a/file/c")).is_err());
    }
}
