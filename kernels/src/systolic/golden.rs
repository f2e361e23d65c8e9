//! What the hardware must compute, bit for bit, in plain integer arithmetic; and the floating-point reference.
//!
//! **Invariant.** No code is shared with the hardware: a mistake in one shows as a difference from the other.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use systole_hdl::Type;

use crate::common::quantize::raw_range;
use crate::common::rounding::divide_half_even;
use crate::common::saturation::Saturation;

/// Bits of the multiplier of [`Requantize`].
pub const MULTIPLIER_BITS: u32 = 16;
/// Bits of the shift of [`Requantize`].
pub const SHIFT_BITS: u32 = 6;

/// The accumulators: Σₖ a\[m,k\]·b\[k,n\] + bias\[n\].
///
/// # Panics
/// If the shapes do not fit (`a` is `[M, K]`, `b` is `[K, N]`, `bias` is `[N]`) or a sum exceeds 64 bits.
pub fn accumulate(a: ArrayView2<i64>, b: ArrayView2<i64>, bias: ArrayView1<i64>) -> Array2<i64> {
    assert_eq!((a.ncols(), b.ncols()), (b.nrows(), bias.len()), "shapes of operands fit");
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(m, n)| {
        let dot: i128 = a.row(m).iter().zip(b.column(n)).map(|(&a, &b)| i128::from(a) * i128::from(b)).sum();
        i64::try_from(dot + i128::from(bias[n])).expect("the accumulator was checked to be wide enough")
    })
}

/// Scaling from accumulators to outputs: `round_half_even(accumulator · multiplier / 2^shift)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requantize {
    /// 0 to 2¹⁶−1.
    pub multiplier: u64,
    /// 0 to 63.
    pub shift: u32,
}

impl Requantize {
    /// The nearest multiplier and shift to a real factor; the multiplier has 16 significant bits for factors from 2⁻⁴⁸ to 2¹⁵, so
    /// that the relative error is at most 2⁻¹⁶. `None` for factors that are not positive, or that round to 2¹⁶ or more.
    pub fn nearest(factor: f64) -> Option<Requantize> {
        if !(factor > 0.0 && factor.is_finite()) {
            return None;
        }
        let exponent = factor.log2().floor() as i32;
        let greatest = (1u64 << MULTIPLIER_BITS) - 1;
        let wanted = MULTIPLIER_BITS as i32 - 1 - exponent;
        // Rounding can carry into a 17th bit, or the logarithm be off by one: then one bit less of shift fits.
        (wanted - 1..=wanted)
            .rev()
            .map(|shift| shift.clamp(0, (1 << SHIFT_BITS) - 1) as u32)
            .map(|shift| ((factor * f64::from(shift).exp2()).round() as u64, shift))
            .find(|(multiplier, _)| *multiplier <= greatest)
            .map(|(multiplier, shift)| Requantize { multiplier, shift })
    }

    /// Drops `shift` fraction bits.
    pub fn shift_only(shift: u32) -> Requantize {
        Requantize { multiplier: 1, shift }
    }

    /// The factor itself.
    pub fn factor(self) -> f64 {
        self.multiplier as f64 * (-f64::from(self.shift)).exp2()
    }

    /// Applies it to one accumulator, saturating to the range of `output`.
    pub fn apply(self, accumulator: i64, output: Type) -> i64 {
        let (least, greatest) = raw_range(output);
        self.scale(accumulator).clamp(i128::from(least), i128::from(greatest)) as i64
    }

    /// The scaled and rounded accumulator, before saturation.
    fn scale(self, accumulator: i64) -> i128 {
        divide_half_even(i128::from(accumulator) * i128::from(self.multiplier), 1i128 << self.shift)
    }
}

/// Outputs from accumulators: ReLU, then requantization to `output`, or the accumulators as they are where there is none.
pub fn finish(accumulators: &Array2<i64>, relu: bool, requantize: Option<Requantize>, output: Type) -> Array2<i64> {
    accumulators.mapv(|accumulator| {
        let accumulator = if relu { accumulator.max(0) } else { accumulator };
        requantize.map_or(accumulator, |requantize| requantize.apply(accumulator, output))
    })
}

/// How many outputs saturate, and by how much.
pub fn saturation(accumulators: &Array2<i64>, relu: bool, requantize: Option<Requantize>, output: Type) -> Saturation {
    let mut saturation = Saturation::default();
    for &accumulator in requantize.iter().flat_map(|_| accumulators) {
        let accumulator = if relu { accumulator.max(0) } else { accumulator };
        let scaled = requantize.map_or(accumulator.into(), |requantize| requantize.scale(accumulator));
        saturation.within_exactly(scaled, output);
    }
    saturation
}

/// The same layer in double precision, from unquantized operands.
pub fn reference(a: &Array2<f64>, b: &Array2<f64>, bias: &Array1<f64>, relu: bool) -> Array2<f64> {
    let sum = a.dot(b) + bias.view().insert_axis(Axis(0));
    if relu { sum.mapv_into(|value| value.max(0.0)) } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    #[test]
    fn a_product_of_known_matrices_with_bias() {
        let c = accumulate(array![[1, 2], [3, -4]].view(), array![[5, 6], [7, 8]].view(), array![100, -100].view());
        assert_eq!(c, array![[119, -78], [87, -114]]);
    }

    #[test]
    fn halves_round_to_the_even_neighbour() {
        let halve = Requantize::shift_only(1);
        let rounded: Vec<i64> = (-5..=5).map(|n| halve.apply(n, Type::s(8))).collect();
        assert_eq!(rounded, [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn outputs_saturate_at_both_ends() {
        let same = Requantize::shift_only(0);
        assert_eq!((same.apply(1000, Type::s(8)), same.apply(-1000, Type::s(8)), same.apply(300, Type::u(8))), (127, -128, 255));
    }

    #[test]
    fn relu_comes_before_requantization() {
        let outputs = finish(&array![[-6, 6]], true, Some(Requantize::shift_only(2)), Type::s(8));
        assert_eq!(outputs, array![[0, 2]]);
        let saturation = saturation(&array![[-600, 600]], true, Some(Requantize::shift_only(2)), Type::s(8));
        assert_eq!((saturation.of, saturation.count, saturation.by), (2, 1, 23.0));
        assert_eq!(finish(&array![[-6, 6]], false, None, Type::s(32)), array![[-6, 6]]);
    }

    #[test]
    fn factors_without_a_multiplier_are_told_apart() {
        for impossible in [0.0, -1.0, f64::NAN, f64::INFINITY, 65536.0] {
            assert_eq!(Requantize::nearest(impossible), None, "{impossible}");
        }
        assert_eq!(Requantize::nearest(65535.0), Some(Requantize { multiplier: 65535, shift: 0 }));
    }

    proptest! {
        #[test]
        fn the_nearest_multiplier_is_within_its_stated_error(exponent in -48.0f64..15.9) {
            let factor = exponent.exp2();
            let requantize = Requantize::nearest(factor).unwrap();
            prop_assert!(requantize.multiplier < 1 << MULTIPLIER_BITS && requantize.shift < 1 << SHIFT_BITS);
            prop_assert!((requantize.factor() / factor - 1.0).abs() <= 2f64.powi(-16), "{:?}", requantize);
        }

        #[test]
        fn requantization_is_within_half_a_step_of_the_exact_quotient(
            accumulator in -1i64 << 40..1 << 40, multiplier in 0u64..1 << 16, shift in 0u32..64,
        ) {
            let result = Requantize { multiplier, shift }.apply(accumulator, Type::s(64));
            let (twice_exact, step) = (2 * i128::from(accumulator) * i128::from(multiplier), 1i128 << shift);
            let twice_error = (twice_exact - 2 * i128::from(result) * step).abs();
            prop_assert!(twice_error < step || (twice_error == step && result % 2 == 0));
        }
    }
}
