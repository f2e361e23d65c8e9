//! The kinds of files, and how a tensor is found in each.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::Metadata;
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::{ConfigError, remedy_for};
use zip::ZipArchive;
use zip::result::ZipError;

use super::element::Element;
use super::npy::{self, Unusable};
use super::window::{Seekable, Streamed};
use super::{Reader, Stored};

/// The longest description in a safetensors file in bytes: that of some 100 000 tensors.
const LONGEST_DESCRIPTION: u64 = 16 << 20;
/// The largest array in an .npz file in bytes, uncompressed: all of it is uncompressed whatever part is wanted.
const LARGEST_ENTRY: u64 = 2 << 30;
/// The most arrays in an .npz file.
const MOST_ENTRIES: usize = 10_000;

/// A kind of file that holds tensors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Named tensors, described in JSON.
    Safetensors,
    /// One array of NumPy's.
    Npy,
    /// Named arrays of NumPy's in a zip archive.
    Npz,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::Safetensors, Kind::Npy, Kind::Npz];

    /// How names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Kind::Safetensors => "safetensors",
            Kind::Npy => "npy",
            Kind::Npz => "npz",
        }
    }

    /// The kind of a file of this name.
    pub fn of(path: &Path) -> Option<Kind> {
        let extension = path.extension()?.to_str()?;
        Kind::ALL.into_iter().find(|kind| kind.extension().eq_ignore_ascii_case(extension))
    }
}

impl Reader<'_> {
    pub(super) fn read_npy(&self, mut file: impl Read + Seek) -> Result<Tensor, ConfigError> {
        const WHAT: &str = ".npy file";
        if let Some(name) = &self.request.tensor {
            let message = format!("{} holds one tensor without a name, so `{name}` cannot be chosen", self.path.display());
            return Err(self.at_tensor(message, "leave `tensor` out for .npy files"));
        }
        let length = length(&mut file).map_err(|error| self.unusable(WHAT, error))?;
        let stored = npy::read_header(&mut file, length).map_err(|error| self.unusable(WHAT, error))?;
        let window = self.window(&stored)?;
        self.elements(&mut Seekable(file), &stored, &window, WHAT)
    }

    pub(super) fn read_npz(&self, file: impl Read + Seek) -> Result<Tensor, ConfigError> {
        const WHAT: &str = ".npz file";
        let damaged = |error: ZipError| match error {
            ZipError::Io(error) => self.unusable(WHAT, Unusable::Unreadable(error)),
            error => self.unusable(WHAT, Unusable::Damaged(error.to_string())),
        };
        let mut archive = ZipArchive::new(file).map_err(damaged)?;
        if archive.len() > MOST_ENTRIES {
            let message = format!("{} holds {} arrays", self.path.display(), archive.len());
            return Err(self.at_file(message, format!("at most {MOST_ENTRIES} are read")));
        }
        let names: Result<Vec<_>, _> = archive.file_names().collect();
        let names = names.map_err(damaged)?;
        let mut names: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".npy")).collect();
        names.sort_unstable();
        let name = format!("{}.npy", self.chosen(&names)?);
        let mut entry = archive.by_name(&name).map_err(damaged)?;
        let length = entry.size();
        if length > LARGEST_ENTRY {
            let message = format!("{name} in {} has {length} bytes", self.path.display());
            return Err(self.at_file(message, format!("at most {LARGEST_ENTRY}; an .npy file of its own has no such limit")));
        }
        // A damaged size must not make it go on for ever.
        let mut bytes = Streamed((&mut entry).take(length));
        let stored = npy::read_header(&mut bytes, length).map_err(|error| self.unusable(WHAT, error))?;
        let window = self.window(&stored)?;
        let tensor = self.elements(&mut bytes, &stored, &window, WHAT)?;
        // Reading to the end compares the checksum.
        let (left, beyond) = (std::io::copy(&mut bytes, &mut std::io::sink()), entry.read(&mut [0]));
        match left.and(beyond) {
            Ok(0) => Ok(tensor),
            Ok(_) => Err(self.unusable(WHAT, "an array is longer than the archive says".into())),
            Err(error) => Err(self.unusable(WHAT, Unusable::Damaged(error.to_string()))),
        }
    }

    pub(super) fn read_safetensors(&self, mut file: impl Read + Seek) -> Result<Tensor, ConfigError> {
        const WHAT: &str = ".safetensors file";
        let (description, data) = description(&mut file).map_err(|error| self.unusable(WHAT, error))?;
        let names = description.tensors();
        let mut names: Vec<&str> = names.keys().map(String::as_str).collect();
        names.sort_unstable();
        let name = self.chosen(&names)?;
        let info = description.info(&name).expect("the name is one of the file's");
        let Some(element) = Element::of_safetensors(info.dtype) else {
            let message = format!("tensor `{name}` in {} has elements of type {:?}", self.path.display(), info.dtype);
            return Err(self.at_tensor(message, format!("accepted: {}", Element::ACCEPTED)));
        };
        let stored = Stored { shape: info.shape.clone(), element, big_endian: false, first_index_fastest: false };
        let window = self.window(&stored)?;
        let at = data + info.data_offsets.0 as u64;
        file.seek(SeekFrom::Start(at)).map_err(|error| self.unusable(WHAT, Unusable::Unreadable(error)))?;
        self.elements(&mut Seekable(file), &stored, &window, WHAT)
    }

    /// The name of the tensor that is wanted, among those of the file, which are sorted.
    fn chosen(&self, names: &[&str]) -> Result<String, ConfigError> {
        let shown = self.path.display();
        match (&self.request.tensor, names) {
            (Some(name), _) if names.contains(&name.as_str()) => Ok(name.clone()),
            (Some(name), _) => {
                let nearest = remedy_for(name, names);
                let all = listing(names);
                let remedy = if nearest.starts_with("did you mean") { format!("{nearest} {all}") } else { all };
                Err(self.at_tensor(format!("{shown} has no tensor `{name}`"), remedy))
            }
            (None, [only]) => Ok(only.to_string()),
            (None, _) => {
                Err(self.at_tensor(format!("{shown} holds {} tensors, and `tensor` does not say which", names.len()), listing(names)))
            }
        }
    }
}

/// The length of a file, which then stands at its beginning.
fn length(file: &mut impl Seek) -> Result<u64, Unusable> {
    let length = file.seek(SeekFrom::End(0)).map_err(Unusable::Unreadable)?;
    file.rewind().map_err(Unusable::Unreadable)?;
    Ok(length)
}

/// The description of a safetensors file, and where its data begin.
fn description(file: &mut (impl Read + Seek)) -> Result<(Metadata, u64), Unusable> {
    let whole = length(file)?;
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(Unusable::Unreadable)?;
    let size = u64::from_le_bytes(size);
    if size > whole - 8 {
        return Err(format!("its description claims {size} bytes, and {} follow", whole - 8).into());
    }
    if size > LONGEST_DESCRIPTION {
        return Err(format!("its description has {size} bytes, and at most {LONGEST_DESCRIPTION} are read").into());
    }
    let mut json = vec![0; size as usize];
    file.read_exact(&mut json).map_err(Unusable::Unreadable)?;
    let metadata: Metadata = serde_json::from_slice(&json).map_err(|error| Unusable::Damaged(error.to_string()))?;
    let (data, held) = (8 + size, whole - 8 - size);
    match metadata.data_len() as u64 {
        described if described == held => Ok((metadata, data)),
        described => Err(format!("the tensors take {described} bytes, and it holds {held}").into()),
    }
}

/// `the file holds: a, b, c`, cut after some length.
fn listing(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if names.is_empty() {
        "the file holds no tensor".into()
    } else if more > 0 {
        format!("the file holds: {shown} and {more} more")
    } else {
        format!("the file holds: {shown}")
    }
}
