//! Tensors as they come from files or a random generator, before quantization.

use ndarray::ArrayD;

/// A tensor as stored, row-major. Double precision holds every element of the file types
/// in use exactly: floats up to float64, integers up to 53 bits.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    /// The elements as stored.
    pub values: ArrayD<f64>,
    /// Whether the source stores integers, which are then taken as they are instead of being scaled.
    pub integer: bool,
}

impl Tensor {
    /// Lengths of the dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        self.values.shape()
    }
}
