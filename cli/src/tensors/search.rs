//! Where the tensor files of a configuration are.

use std::env;
use std::path::{Component, Path, PathBuf};

use systole_kernels::kernel::ConfigError;

/// The environment variable that lists further folders, separated as in `PATH`.
pub const FOLDERS: &str = "SYSTOLE_DATA";

/// The folders that files are looked for in.
///
/// A relative path starts from the configuration's folder. Where there is no such file, the path without `..` in front is looked for in the
/// current folder, then in each folder that `SYSTOLE_DATA` lists: a copy of a configuration finds its data wherever it lies.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The configuration's.
    pub own: PathBuf,
    /// Those after it, in the order of the search; an empty one is the current folder.
    pub further: Vec<PathBuf>,
}

/// A file that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// Whether it is not where the configuration says.
    pub elsewhere: bool,
}

impl Folders {
    /// The folders for a configuration in the folder `own`.
    pub fn of_configuration(own: &Path) -> Folders {
        let listed = env::var_os(FOLDERS).unwrap_or_default();
        let listed = env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
        Folders { own: own.to_path_buf(), further: [PathBuf::new()].into_iter().chain(listed).collect() }
    }

    /// The file of this path in a configuration.
    ///
    /// # Errors
    /// At the key, with every place, if there is none.
    pub fn find(&self, file: &Path, key: &str) -> Result<Found, ConfigError> {
        let own = self.own.join(file);
        if own.exists() {
            return Ok(Found { path: own, elsewhere: false });
        }
        let mut places = vec![own];
        if file.is_relative() {
            let inner: PathBuf = file.components().skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir)).collect();
            for place in self.further.iter().map(|folder| folder.join(&inner)) {
                if place.exists() {
                    return Ok(Found { path: place, elsewhere: true });
                }
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        let message = format!("cannot read {}: there is no such file; looked for {}", file.display(), looked.join(", "));
        let remedy =
            format!("a path starts from the configuration's folder; the environment variable {FOLDERS} lists further folders to look in");
        Err(ConfigError::new(key, message).with_remedy(remedy))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_looked_for_beside_the_configuration_then_without_leading_dots_in_further_folders() {
        let above = tempfile::tempdir().unwrap();
        let at = |path: &str| above.path().join(path);
        for folder in ["configs", "copies", "data", "first/data", "second/data"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["data/x", "second/data/x", "second/data/y", "first/data/z", "second/data/z"] {
            fs::write(at(file), "").unwrap();
        }
        let folders = |own: &str| Folders { own: at(own), further: vec![at("first"), at("second")] };
        let find = |own: &str, file: &str| folders(own).find(Path::new(file), "a.file");
        assert_eq!(find("configs", "../data/x").unwrap(), Found { path: at("configs/../data/x"), elsewhere: false });
        assert_eq!(find("first/data", "../data/x").unwrap(), Found { path: at("second/data/x"), elsewhere: true });
        assert_eq!(find("copies", "../../data/y").unwrap().path, at("second/data/y"));
        assert_eq!(find("copies", "data/z").unwrap().path, at("first/data/z"));
        let message = find("copies", "../data/w").unwrap_err().to_string();
        for place in ["copies/../data/w", "first/data/w", "second/data/w", "SYSTOLE_DATA"] {
            assert!(message.contains(place), "{message}");
        }
        let absolute = at("nowhere").display().to_string();
        assert_eq!(find("copies", &absolute).unwrap_err().to_string().matches("nowhere").count(), 2);
    }
}
