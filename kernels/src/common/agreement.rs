//! Agreement of a result with the golden model and with floating point, as the report states it.

use ndarray::Array2;

use crate::common::errors::measure;
use crate::report::{Measured, Mismatch, Numerics, Quantization, Task};

/// What a result is compared with. All arrays have the shape of the result.
pub struct Expected<'a> {
    /// What mismatches call the tensor.
    pub tensor: &'a str,
    /// The golden model's raw integers.
    pub golden: &'a Array2<i64>,
    /// Real value of one unit of the result.
    pub scale: f64,
    /// The result in double precision.
    pub reference: &'a Array2<f64>,
}

impl Expected<'_> {
    /// How a raw result agrees.
    pub fn compare(&self, result: &Array2<i64>, quantization: &[Quantization], task: Measured<Task>) -> Numerics {
        let (mismatches, first_mismatch) = mismatches(self.tensor, result, self.golden);
        let errors = measure(result.mapv(|raw| raw as f64 * self.scale).view(), self.reference.view());
        Numerics {
            bit_exact: mismatches == 0,
            mismatches,
            first_mismatch,
            max_abs_error: errors.max_abs.into(),
            rms_error: errors.rms.into(),
            reference_max_abs: errors.reference_max_abs.into(),
            quantization: quantization.to_vec(),
            task,
        }
    }
}

/// How many elements of a tensor differ from the golden model's, which has the same shape, and the first of them.
pub fn mismatches(tensor: &str, result: &Array2<i64>, golden: &Array2<i64>) -> (u64, Option<Mismatch>) {
    let differing = result.indexed_iter().zip(golden).filter(|((_, actual), expected)| actual != expected);
    let mut mismatches =
        differing.map(|((at, &actual), &expected)| Mismatch { tensor: tensor.to_string(), index: vec![at.0, at.1], expected, actual });
    let first = mismatches.next();
    (u64::from(first.is_some()) + mismatches.count() as u64, first)
}
