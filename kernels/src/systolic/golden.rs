//! What the hardware must compute, bit for bit, in plain integer arithmetic; and the floating-point reference.
//!
//! **Invariant.** No code is shared with the hardware: a mistake in one shows as a difference from the other.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use systole_hdl::Type;

use crate::common::quantize::{is_fixed_point, raw_range};
use crate::common::rounding::divide_half_even;
use crate::common::saturation::Saturation;

/// Bits by which a multiplier is wider than an output: its own rounding then moves no result by more than 2⁻⁸ of the output's last place.
const MULTIPLIER_MARGIN: u32 = 8;
/// The narrowest multiplier, in bits: that of an output of 8.
const NARROWEST_MULTIPLIER: u32 = 16;

/// Bits of the multiplier of a [`Requantize`] to `output`. Fixed point is only shifted.
pub fn multiplier_bits(output: Type) -> u32 {
    if is_fixed_point(output) { NARROWEST_MULTIPLIER } else { (output.width() + MULTIPLIER_MARGIN).max(NARROWEST_MULTIPLIER) }
}

/// Bits of the shift of a [`Requantize`] from `accumulator`: 6, or 7 where a shift of 63 would leave less than the multiplier's margin of
/// the greatest accumulator.
pub fn shift_bits(accumulator: Type) -> u32 {
    if accumulator.width() + MULTIPLIER_MARGIN > 63 { 7 } else { 6 }
}

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
    /// 0 to 2ᴮ − 1, for B of [`multiplier_bits`].
    pub multiplier: u64,
    /// 0 to 63, or to 127 for the widest accumulators: see [`shift_bits`].
    pub shift: u32,
}

impl Requantize {
    /// The nearest multiplier and shift to a real factor, for a multiplier of `bits` and a shift of `shift_bits` (at most 52 and 7). With S
    /// the greatest shift, the multiplier has `bits` significant bits for factors from 2^(`bits` − 1 − S) to 2^(`bits` − 1), so that the
    /// relative error is at most 2^−`bits`. `None` for factors that are not positive, or that round to 2^`bits` or more.
    pub fn nearest(factor: f64, bits: u32, shift_bits: u32) -> Option<Requantize> {
        if !(factor > 0.0 && factor.is_finite()) {
            return None;
        }
        let exponent = factor.log2().floor() as i32;
        let greatest = (1u64 << bits) - 1;
        let wanted = bits as i32 - 1 - exponent;
        // Rounding can carry into one more bit, or the logarithm be off by one: then one bit less of shift fits.
        (wanted - 1..=wanted)
            .rev()
            .map(|shift| shift.clamp(0, (1 << shift_bits) - 1) as u32)
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
            assert_eq!(Requantize::nearest(impossible, 16, 6), None, "{impossible}");
        }
        assert_eq!(Requantize::nearest(65535.0, 16, 6), Some(Requantize { multiplier: 65535, shift: 0 }));
    }

    #[test]
    fn multipliers_are_eight_bits_wider_than_wide_outputs() {
        assert_eq!([4, 8, 9, 16, 24, 32].map(|width| multiplier_bits(Type::s(width))), [16, 16, 17, 24, 32, 40]);
        assert_eq!([32, 55, 56, 63].map(|width| shift_bits(Type::s(width))), [6, 6, 7, 7]);
    }

    proptest! {
        #[test]
        fn the_nearest_multiplier_is_within_its_stated_error(bits in 16u32..49, shift_bits in 6u32..8, place in 0.0f64..1.0) {
            let (least, most) = (f64::from(bits) - f64::from(1 << shift_bits), f64::from(bits) - 0.1);
            let factor = (least + place * (most - least)).exp2();
            let requantize = Requantize::nearest(factor, bits, shift_bits).unwrap();
            prop_assert!(requantize.multiplier < 1 << bits && requantize.shift < 1 << shift_bits);
            prop_assert!((requantize.factor() / factor - 1.0).abs() <= (-f64::from(bits)).exp2(), "{:?}", requantize);
        }

        #[test]
        fn a_scale_at_which_the_greatest_result_just_fits_saturates_nothing_and_is_half_a_unit_off_at_most(
            width in 2u32..41, accumulator_width in 2u32..64, greatest in 1i64.., share in 0.0f64..1.0,
        ) {
            let accumulator = Type::s(accumulator_width.max(width + 1));
            let (output, greatest) = (Type::s(width), (greatest >> (63 - (accumulator.width() - 1))).max(1));
            let full = raw_range(output).1;
            let factor = (full as f64 / greatest as f64).min(((1u64 << multiplier_bits(output)) - 1) as f64);
            let requantize = Requantize::nearest(factor, multiplier_bits(output), shift_bits(accumulator)).unwrap();
            let sums = ndarray::array![[greatest, -greatest, (greatest as f64 * share) as i64]];
            prop_assert_eq!(saturation(&sums, false, Some(requantize), output).count, 0);
            for &sum in &sums {
                let off = (requantize.apply(sum, output) as f64 - sum as f64 * factor).abs();
                // Beside the rounding: the multiplier's own, and that of this comparison.
                prop_assert!(off <= 0.5 + 2f64.powi(-8), "{} of {}: off by {}", sum, greatest, off);
            }
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
