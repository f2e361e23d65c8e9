//! What pruning asks of a weight: how large it is.

use num_traits::{AsPrimitive, Zero};

/// A weight as a real number or as a raw number of a hardware type.
pub trait Weight: Copy + Zero + 'static {
    /// Absolute values, and sums of them.
    type Magnitude: Copy + PartialOrd + Zero + AsPrimitive<f64>;

    /// The absolute value.
    fn magnitude(self) -> Self::Magnitude;
}

impl Weight for f64 {
    type Magnitude = f64;

    fn magnitude(self) -> f64 {
        self.abs()
    }
}

impl Weight for i64 {
    /// Wide enough for the sum over any matrix.
    type Magnitude = u128;

    fn magnitude(self) -> u128 {
        self.unsigned_abs().into()
    }
}
