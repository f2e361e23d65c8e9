//! Where a configuration takes a tensor from: a file, or a random generator.

use std::path::PathBuf;

use ndarray::Dimension;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::Type;

use super::random::{Distribution, random};
use super::slice::{Index, Slice, Span};
use super::tensor::Tensor;
use crate::kernel::{ConfigError, TensorRequest};

/// A tensor from a file (`file`, `tensor`) or at random (`random`, `shape`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TensorSource {
    /// A .safetensors, .npy or .npz file; a relative path starts from the configuration's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Name of the tensor in the file; may be left out where the file holds a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// Index of the outermost axis, or a list of indices of the leading axes, which go away: `index = 3`, `index = [0, 3]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Index>,
    /// Range of the first axis behind the index, such as `"0..234"`, before `transpose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub rows: Option<Span>,
    /// Range of the second axis behind the index, such as `"8..16"`, before `transpose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub columns: Option<Span>,
    /// Distribution of random elements, instead of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random: Option<Distribution>,
    /// Shape of the random tensor, before `transpose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// Whether the axes are reversed after loading.
    #[serde(default)]
    pub transpose: bool,
    /// Real value of a stored 1.
    #[serde(default = "one")]
    pub scale: f64,
}

/// What a matrix must be like.
pub const MATRIX: &str = "two dimensions: rows and columns";

/// The most elements of all tensors of a configuration together: 2²⁶ take half a gigabyte before they are quantized.
pub const MOST_ELEMENTS: usize = 1 << 26;

/// Elements of a tensor of this shape; `None` beyond what a number holds.
pub fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |size, &length| size.checked_mul(length))
}

/// Refuses the tensor of this shape with which there are more than [`MOST_ELEMENTS`].
pub fn too_many(key: &str, shape: &[usize]) -> ConfigError {
    let message = format!("with this tensor of shape {shape:?} the configuration has more than 2^26 = {MOST_ELEMENTS} elements");
    ConfigError::new(key, message).with_remedy("smaller shapes; of a tensor in a file a part, with `index`, `rows` and `columns`")
}

fn one() -> f64 {
    1.0
}

fn without_elements(key: &str, shape: &[usize]) -> ConfigError {
    ConfigError::new(key, format!("the tensor of shape {shape:?} has no elements"))
}

impl TensorSource {
    /// The shape as that of a matrix: rows and columns; see [`TensorSource::shape`].
    ///
    /// # Errors
    /// As there, and if it has another number of dimensions.
    pub fn matrix_shape<'a>(&self, key: &str, loaded: &mut impl Iterator<Item = &'a Tensor>) -> Result<(usize, usize), ConfigError> {
        match self.shape(key, loaded)?[..] {
            [rows, columns] => Ok((rows, columns)),
            ref shape => {
                Err(ConfigError::new(key, format!("the tensor has the shape {shape:?}")).with_remedy(format!("it must have {MATRIX}")))
            }
        }
    }

    /// The tensor's shape, that of a file from `loaded`, the tensors of this and all following sources that are files.
    ///
    /// # Errors
    /// If there is no such tensor, or it has no elements.
    pub fn shape<'a>(&self, key: &str, loaded: &mut impl Iterator<Item = &'a Tensor>) -> Result<Vec<usize>, ConfigError> {
        let shape = match &self.shape {
            Some(shape) => shape.clone(),
            None => loaded.next().ok_or_else(|| ConfigError::new(key, "the tensor was not loaded"))?.shape().to_vec(),
        };
        if shape.contains(&0) {
            return Err(without_elements(key, &shape));
        }
        Ok(if self.transpose { shape.into_iter().rev().collect() } else { shape })
    }

    /// As [`TensorSource::validate`], for a tensor of so many axes, `wanted` in words, such as [`MATRIX`]: a random tensor of another shape is
    /// refused before it is drawn.
    ///
    /// # Errors
    /// As there, and if a random tensor has another number of axes.
    pub fn validate_axes(&self, key: &str, axes: usize, wanted: &str) -> Result<(), ConfigError> {
        self.validate(key)?;
        match &self.shape {
            Some(shape) if shape.len() != axes => {
                Err(ConfigError::new(format!("{key}.shape"), format!("the tensor has the shape {shape:?}"))
                    .with_remedy(format!("it must have {wanted}")))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the keys belong together; `key` is this source's own place in the configuration.
    ///
    /// # Errors
    /// If it is neither a file nor random, or both, or if the shape is missing, or has no elements or too many.
    pub fn validate(&self, key: &str) -> Result<(), ConfigError> {
        let at = |part: &str| format!("{key}.{part}");
        let forms = "write { file = \"..\", tensor = \"..\" } or { random = \"gaussian\", shape = [rows, columns] }";
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return Err(ConfigError::new(at("scale"), format!("{} is not a positive number", self.scale)));
        }
        match (&self.file, self.random) {
            (Some(_), Some(_)) => Err(ConfigError::new(key, "a tensor is either from a file or random, not both").with_remedy(forms)),
            (None, None) => Err(ConfigError::new(key, "neither a file nor random").with_remedy(forms)),
            (Some(_), None) if self.shape.is_some() => {
                Err(ConfigError::new(at("shape"), "the file states the shape").with_remedy("leave `shape` out"))
            }
            (Some(_), None) => Ok(()),
            (None, Some(_)) if self.tensor.is_some() => {
                Err(ConfigError::new(at("tensor"), "a random tensor has no name in a file").with_remedy("leave `tensor` out"))
            }
            (None, Some(_)) if self.part().is_some() => {
                let part = self.part().expect("there is one");
                Err(ConfigError::new(at(part), "a random tensor is drawn as it is wanted")
                    .with_remedy(format!("leave `{part}` out; state its `shape`")))
            }
            (None, Some(_)) => match &self.shape {
                None => Err(ConfigError::new(key, "a random tensor needs a shape").with_remedy(forms)),
                Some(shape) if shape.contains(&0) => {
                    Err(ConfigError::new(at("shape"), "a length is 0").with_remedy("every length is at least 1"))
                }
                Some(shape) if elements(shape).is_none_or(|elements| elements > MOST_ELEMENTS) => Err(too_many(&at("shape"), shape)),
                Some(_) => Ok(()),
            },
        }
    }

    /// The key of a slice that is stated.
    fn part(&self) -> Option<&'static str> {
        let parts = [("index", self.index.is_some()), ("rows", self.rows.is_some()), ("columns", self.columns.is_some())];
        parts.into_iter().find_map(|(part, stated)| stated.then_some(part))
    }

    /// What the host has to load, if this is a file.
    pub fn request(&self, key: &str) -> Option<TensorRequest> {
        let file = self.file.clone()?;
        let index = self.index.as_ref().map(Index::leading).unwrap_or_default();
        let slice = Slice { index, rows: self.rows, columns: self.columns };
        Some(TensorRequest { key: key.to_string(), file, tensor: self.tensor.clone(), slice })
    }

    /// The tensor: taken from `loaded` if this is a file, else drawn for an operand of type `ty`. Transposed, but not scaled.
    ///
    /// # Errors
    /// If the host brought fewer tensors than were requested, or one with elements that are not finite.
    pub fn take(
        &self,
        key: &str,
        loaded: &mut impl Iterator<Item = Tensor>,
        ty: Type,
        seed: u64,
        stream: u64,
    ) -> Result<Tensor, ConfigError> {
        let tensor = match (self.random, &self.shape) {
            (Some(distribution), Some(shape)) => random(distribution, shape, ty, seed, stream),
            _ => loaded.next().ok_or_else(|| ConfigError::new(key, "the tensor was not loaded"))?,
        };
        if tensor.values.is_empty() {
            return Err(without_elements(key, tensor.shape()));
        }
        if let Some((index, value)) = tensor.values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(ConfigError::new(key, format!("element {:?} is {value}", index.as_array_view().to_vec()))
                .with_remedy("elements must be finite numbers"));
        }
        Ok(if self.transpose { Tensor { values: tensor.values.reversed_axes(), ..tensor } } else { tensor })
    }
}
