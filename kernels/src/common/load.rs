//! Tensors for the operands of a kernel, in the order in which its configuration names them.

use ndarray::{ArrayD, Dimension};
use systole_hdl::Type;

use super::source::{MOST_ELEMENTS, TensorSource, elements, too_many};
use super::tensor::Tensor;
use crate::kernel::ConfigError;

/// Real values that are not zero are at least this large, so that no scale computed from them underflows.
const LEAST_MAGNITUDE: f64 = 1e-100;
/// Real values are at most this large, so that no sum or product of two overflows.
const GREATEST_MAGNITUDE: f64 = 1e100;

/// Hands out loaded and random tensors in the order of the configuration.
pub struct Loader {
    tensors: std::vec::IntoIter<Tensor>,
    seed: u64,
    /// Tensors handed out, to give each random one its own numbers.
    taken: u64,
    /// Elements of all tensors so far.
    elements: usize,
}

impl Loader {
    /// A loader of the tensors that the host brought, parallel to the sources that are files; `seed` is that of random tensors.
    pub fn new(tensors: Vec<Tensor>, seed: u64) -> Loader {
        let elements = tensors.iter().map(|tensor| tensor.values.len()).sum();
        Loader { tensors: tensors.into_iter(), seed, taken: 0, elements }
    }

    /// The next tensor: `source` must be the next one of the configuration, `key` its place, `ty` the operand's hardware type.
    ///
    /// # Errors
    /// If the host brought fewer tensors than were requested, or one that is empty or has elements that are not finite; if a random one makes too
    /// many elements in all.
    pub fn take(&mut self, source: &TensorSource, key: &str, ty: Type) -> Result<Tensor, ConfigError> {
        self.taken += 1;
        if let Some(shape) = source.random.and(source.shape.as_ref()) {
            self.elements = elements(shape).map_or(usize::MAX, |more| self.elements.saturating_add(more));
            if self.elements > MOST_ELEMENTS {
                return Err(too_many(&format!("{key}.shape"), shape));
            }
        }
        source.take(key, &mut self.tensors, ty, self.seed, self.taken)
    }
}

/// Checks that the real values, and what is computed from them, stay far from the ends of what a 64-bit float holds.
/// `unit` is the real value of a stored 1.
///
/// # Errors
/// If one is not 0 and not from 1e-100 to 1e100 in size.
pub fn check_magnitudes(tensor: &Tensor, unit: f64, key: &str) -> Result<(), ConfigError> {
    let tolerable = |value: f64| value == 0.0 || (LEAST_MAGNITUDE..=GREATEST_MAGNITUDE).contains(&value.abs());
    let odd = tensor.values.iter().map(|value| value * unit).find(|&value| !tolerable(value));
    let odd = if unit > 0.0 && tolerable(unit) { odd } else { Some(unit) };
    odd.map_or(Ok(()), |value| {
        Err(ConfigError::new(key, format!("the real value {value:e} is out of proportion"))
            .with_remedy(format!("values are 0 or from {LEAST_MAGNITUDE:e} to {GREATEST_MAGNITUDE:e} in size, and so is `scale`")))
    })
}

/// The same array with a fixed number of dimensions; `wanted` says in words which, such as `two dimensions: rows and columns`.
///
/// # Errors
/// If the array has another number of dimensions.
pub fn with_rank<T, D: Dimension>(values: ArrayD<T>, key: &str, wanted: &str) -> Result<ndarray::Array<T, D>, ConfigError> {
    let shape = values.shape().to_vec();
    values
        .into_dimensionality()
        .map_err(|_| ConfigError::new(key, format!("the tensor has the shape {shape:?}")).with_remedy(format!("it must have {wanted}")))
}
