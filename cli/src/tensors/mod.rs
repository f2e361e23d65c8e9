//! Tensors from `.safetensors`, `.npy` and `.npz` files.
//!
//! What is cheap comes first: a file's description is read, within limits, and checked against the file's length and the slice that is
//! wanted; only then are elements read, those of the slice alone. A damaged file gives a message and never a large allocation.

mod container;
mod element;
pub mod npy;
pub mod search;
#[cfg(test)]
mod tests;
mod window;
pub mod write;

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use systole_kernels::common::slice::Window;
use systole_kernels::common::source::{MOST_ELEMENTS, elements, too_many};
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::{ConfigError, TensorRequest};

use container::Kind;
use element::Element;
use npy::Unusable;
use search::Folders;
use window::{Bytes, WindowError};

/// The most axes of a tensor in a file.
const MOST_AXES: usize = 32;

/// A tensor as it lies in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    shape: Vec<usize>,
    element: Element,
    big_endian: bool,
    /// Whether the first index runs fastest.
    first_index_fastest: bool,
}

impl Stored {
    /// Bytes of its elements; `None` beyond what a number holds.
    fn bytes(&self) -> Option<u64> {
        let size = u64::try_from(self.element.bytes()).ok()?;
        elements(&self.shape)?.try_into().ok().and_then(|elements: u64| elements.checked_mul(size))
    }
}

/// Loads what a kernel asks for, in order. `elsewhere` is told of files that are not where the configuration says.
///
/// # Errors
/// As for [`read`], and if a file is missing or all tensors together have too many elements.
pub fn load_all(
    requests: &[TensorRequest],
    folders: &Folders,
    mut elsewhere: impl FnMut(&TensorRequest, &Path),
) -> Result<Vec<Tensor>, ConfigError> {
    let mut room = MOST_ELEMENTS;
    let mut tensors = Vec::with_capacity(requests.len());
    for request in requests {
        let key = format!("{}.file", request.key);
        let found = folders.find(&request.file, &key)?;
        if found.elsewhere {
            elsewhere(request, &found.path);
        }
        let path = &found.path;
        if path.is_dir() {
            return Err(ConfigError::new(key, format!("{} is a folder", path.display())).with_remedy("name a file in it"));
        }
        let file = File::open(path).map_err(|error| unreadable(&key, path, &error))?;
        let tensor = read(BufReader::new(file), path, request, room)?;
        room -= tensor.values.len();
        tensors.push(tensor);
    }
    Ok(tensors)
}

/// Reads a tensor of at most `room` elements from an open file, whose kind its `path` tells.
///
/// # Errors
/// At the request's `file` or `tensor` key, naming file, tensor and what the file holds: if the file is damaged or of another kind, has no such
/// tensor, or the tensor holds NaN, infinities, or integers that need more than 53 bits; at a key of the slice that goes beyond the tensor.
pub fn read(file: impl Read + Seek, path: &Path, request: &TensorRequest, room: usize) -> Result<Tensor, ConfigError> {
    Reader { path, request, room }.read(file)
}

fn unreadable(key: &str, path: &Path, error: &std::io::Error) -> ConfigError {
    ConfigError::new(key, format!("cannot read {}: {error}", path.display())).with_remedy("a file that can be read")
}

const DAMAGED: &str = "the file may be cut off or of another format; write or copy it again";

/// What is needed of a file, and for messages about it.
struct Reader<'a> {
    path: &'a Path,
    request: &'a TensorRequest,
    /// The most elements to read.
    room: usize,
}

impl Reader<'_> {
    fn read(&self, file: impl Read + Seek) -> Result<Tensor, ConfigError> {
        match Kind::of(self.path) {
            Some(Kind::Safetensors) => self.read_safetensors(file),
            Some(Kind::Npy) => self.read_npy(file),
            Some(Kind::Npz) => self.read_npz(file),
            None => {
                let accepted: Vec<&str> = Kind::ALL.iter().map(|kind| kind.extension()).collect();
                let remedy = format!("accepted: .{}", accepted.join(", ."));
                Err(self.at_file(format!("{} is of no kind that holds tensors", self.path.display()), remedy))
            }
        }
    }

    fn at_file(&self, message: String, remedy: impl Into<String>) -> ConfigError {
        ConfigError::new(format!("{}.file", self.request.key), message).with_remedy(remedy)
    }

    fn at_tensor(&self, message: String, remedy: impl Into<String>) -> ConfigError {
        ConfigError::new(format!("{}.tensor", self.request.key), message).with_remedy(remedy)
    }

    fn unusable(&self, what: &str, error: Unusable) -> ConfigError {
        match error {
            Unusable::Unreadable(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                unreadable(&format!("{}.file", self.request.key), self.path, &error)
            }
            Unusable::Unreadable(_) => self.at_file(format!("{} is not a usable {what}: it is cut off", self.path.display()), DAMAGED),
            Unusable::Damaged(message) => self.at_file(format!("{} is not a usable {what}: {message}", self.path.display()), DAMAGED),
        }
    }

    /// The window of a tensor that the request takes, if it is small enough.
    fn window(&self, stored: &Stored) -> Result<Window, ConfigError> {
        if stored.shape.len() > MOST_AXES {
            let message = format!("a tensor in {} has {} axes", self.path.display(), stored.shape.len());
            return Err(self.at_file(message, format!("at most {MOST_AXES}")));
        }
        let window = self.request.slice.window(&stored.shape, &self.request.key)?;
        match elements(&window.shape()) {
            Some(elements) if elements <= self.room => Ok(window),
            _ => Err(too_many(&self.request.key, &window.shape())),
        }
    }

    /// The elements of a window; `what` holds the tensor, such as `.npy file`.
    fn elements(&self, source: &mut impl Bytes, stored: &Stored, window: &Window, what: &str) -> Result<Tensor, ConfigError> {
        window::read(source, stored, window).map_err(|error| match error {
            WindowError::Unreadable(error) => self.unusable(what, Unusable::Unreadable(error)),
            WindowError::Element(number, error) => {
                let which = self.request.tensor.as_ref().map(|name| format!("`{name}` in ")).unwrap_or_default();
                let part = if self.request.slice.is_whole() { String::new() } else { format!(", of which {:?} are taken", window.shape()) };
                let message =
                    format!("tensor {which}{}, {:?}{part}: element {number} {}", self.path.display(), stored.shape, error.message);
                self.at_file(message, error.remedy)
            }
        })
    }
}
