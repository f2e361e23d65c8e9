//! What the hardware must compute, bit for bit, in plain integer arithmetic.
//!
//! Scores s = q·kᵀ are rounded to their format; then, with 2ˣ of [`Exponential`] and `~` for rounding half to even:
//!
//! - naive: e = 2^s, r = Σ e, o = ~Σ ~(⌊e / r⌋ v);
//! - stable: the same with e = 2^(s − max s);
//! - deferred: e as stable, r = Σ e, l = Σ ~(e v), o = l / r;
//! - memory-free: with m' = max(m, s), Δ = 2^(m − m') and e = 2^(s − m') for each key in turn, r' = ~(r Δ) + e,
//!   l' = ~(l Δ) + ~(e v), and o = l / r at the end.
//!
//! Sums have the fraction bits [`Formats::sum_fraction`]; quotients are rounded towards zero, and by r = 0 they are 0. Everything saturates.
//!
//! **Invariant.** No code is shared with the hardware: a mistake in one shows as a difference from the other.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use systole_hdl::Type;

use super::attending::Attending;
use super::exponential::Exponential;
use super::formats::Formats;
use super::mask::{Mask, Slot};
use super::parameters::{ExponentialParameters, Variant};
use super::zero_rows::ZeroRows;
use crate::common::quantize::raw_range;
use crate::common::rounding::rescale;
use crate::common::saturation::Saturation;

/// The arithmetic of one configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct Golden {
    variant: Variant,
    formats: Formats,
    exponential: Exponential,
}

/// The results of one head.
#[derive(Clone, PartialEq, Debug)]
pub struct Attended {
    /// Raw results, `[R, D]`.
    pub outputs: Array2<i64>,
    /// Numbers that were beyond their types.
    pub saturations: Saturations,
    /// Rows whose results are zeros for want of weights.
    pub zero_rows: ZeroRows,
}

/// Numbers that were beyond their types; masked keys do not count.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Saturations {
    /// Scores.
    pub scores: Saturation,
    /// Weights and scaling factors.
    pub weights: Saturation,
    /// Results.
    pub outputs: Saturation,
}

/// What is streamed for a row in one slot.
struct Streamed<'a> {
    /// The raw score; `None` if the key is masked.
    score: Option<i64>,
    /// The raw value vector; `None` for zeros.
    value: Option<ArrayView1<'a, i64>>,
}

impl Streamed<'_> {
    fn value(&self, element: usize) -> i128 {
        self.value.map_or(0, |value| value[element].into())
    }
}

impl Golden {
    /// The arithmetic of a variant with these formats.
    pub fn new(variant: Variant, formats: Formats, exp: ExponentialParameters) -> Golden {
        let exponential = Exponential::new(formats.score.frac(), formats.weight, exp.table_bits, exp.degree);
        Golden { variant, formats, exponential }
    }

    /// Attention of raw queries `[R, D]` to raw keys and values, `[N, D]` each, all of which are there.
    ///
    /// # Panics
    /// If the shapes do not fit, or there are more rows than keys under a mask.
    pub fn attend(&self, q: ArrayView2<i64>, k: ArrayView2<i64>, v: ArrayView2<i64>, mask: Mask) -> Attended {
        self.attend_to(q, k, v, &Attending::new(mask, q.nrows(), k.nrows()))
    }

    /// Attention of raw queries `[R, D]` to those of raw keys and values, `[N, D]` each, that they attend to.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn attend_to(&self, q: ArrayView2<i64>, k: ArrayView2<i64>, v: ArrayView2<i64>, attending: &Attending) -> Attended {
        assert_eq!((q.ncols(), k.dim()), (k.ncols(), v.dim()), "shapes of queries, keys and values fit");
        let (mut saturations, mut zero_rows) = (Saturations::default(), ZeroRows::default());
        let mut outputs = Array2::zeros(q.dim());
        for (row, query) in q.outer_iter().enumerate() {
            let mut streamed = |slot| match slot {
                Slot::Kept(key) => Streamed { score: Some(self.score(query, k.row(key), &mut saturations)), value: Some(v.row(key)) },
                Slot::Masked(key) => Streamed { score: None, value: Some(v.row(key)) },
                Slot::Empty => Streamed { score: None, value: None },
            };
            let stream: Vec<Streamed> = attending.stream(row).into_iter().map(&mut streamed).collect();
            zero_rows.masked += u64::from(stream.iter().all(|streamed| streamed.score.is_none()));
            outputs.row_mut(row).assign(&self.row(&stream, v.ncols(), &mut saturations, &mut zero_rows));
        }
        Attended { outputs, saturations, zero_rows }
    }

    /// The score of a raw query and key of D elements each.
    fn score(&self, query: ArrayView1<i64>, key: ArrayView1<i64>, saturations: &mut Saturations) -> i64 {
        let Formats { query: query_type, key: key_type, score, .. } = self.formats;
        let dot: i128 = query.iter().zip(key).map(|(&q, &k)| i128::from(q) * i128::from(k)).sum();
        saturations.scores.within_exactly(rescale(dot, query_type.frac() + key_type.frac(), score.frac()), score)
    }

    /// The result of a row, `[D]`.
    fn row(&self, stream: &[Streamed], elements: usize, saturations: &mut Saturations, zero_rows: &mut ZeroRows) -> Array1<i64> {
        let least_score = raw_range(self.formats.score).0;
        let greatest = || stream.iter().filter_map(|streamed| streamed.score).max().unwrap_or(least_score);
        match self.variant {
            Variant::Naive | Variant::Stable => {
                let base = if self.variant == Variant::Naive { 0 } else { greatest() };
                let weights = self.weights(stream, base, saturations);
                let quotients = self.quotients(&weights);
                if stream.iter().any(|streamed| streamed.score.is_some()) && quotients.iter().all(|&quotient| quotient == 0) {
                    let count = if weights.iter().all(|&weight| weight == 0) { &mut zero_rows.weights } else { &mut zero_rows.quotients };
                    *count += 1;
                }
                self.sum_of_shares(&quotients, stream, elements, saturations)
            }
            Variant::Deferred => self.divide_last(&self.weights(stream, greatest(), saturations), stream, elements, saturations),
            Variant::MemoryFree => self.scale_as_it_goes(stream, elements, saturations),
        }
    }

    /// 2^`exponent` as a weight, the exponent in units of a score's last place.
    fn weight(&self, exponent: i64, saturations: &mut Saturations) -> i128 {
        saturations.weights.within_exactly(self.exponential.exp2(exponent.into()), self.formats.weight).into()
    }

    /// Each slot's weight, 2^(score − `base`).
    fn weights(&self, stream: &[Streamed], base: i64, saturations: &mut Saturations) -> Vec<i128> {
        stream.iter().map(|streamed| streamed.score.map_or(0, |score| self.weight(score - base, saturations))).collect()
    }

    /// Naive and stable: each weight divided by the sum of all.
    fn quotients(&self, weights: &[i128]) -> Vec<i128> {
        let fraction = self.formats.weight.frac();
        let sum: i128 = weights.iter().sum();
        // No weight is more than the sum of all, so that no quotient is beyond its type.
        let quotient = |&w: &i128| quotient((w, fraction), (sum, fraction), self.formats.quotient(), &mut Saturation::default());
        weights.iter().map(quotient).map(i128::from).collect()
    }

    /// Naive and stable: the sum of values, each times the quotient of its weight.
    fn sum_of_shares(&self, quotients: &[i128], stream: &[Streamed], elements: usize, saturations: &mut Saturations) -> Array1<i64> {
        let Formats { value, output, .. } = self.formats;
        let sum_fraction = self.formats.sum_fraction();
        (0..elements)
            .map(|element| {
                let product =
                    |(p, streamed): (&i128, &Streamed)| rescale(p * streamed.value(element), sum_fraction + value.frac(), sum_fraction);
                let sum: i128 = quotients.iter().zip(stream).map(product).sum();
                saturations.outputs.within_exactly(rescale(sum, sum_fraction, output.frac()), output)
            })
            .collect()
    }

    /// Deferred: the sum of weighted values is divided by the sum of weights.
    fn divide_last(&self, weights: &[i128], stream: &[Streamed], elements: usize, saturations: &mut Saturations) -> Array1<i64> {
        let Formats { weight, value, output, .. } = self.formats;
        let sum_fraction = self.formats.sum_fraction();
        let weight_sum: i128 = weights.iter().sum();
        (0..elements)
            .map(|element| {
                let product =
                    |(e, streamed): (&i128, &Streamed)| rescale(e * streamed.value(element), weight.frac() + value.frac(), sum_fraction);
                let value_sum: i128 = weights.iter().zip(stream).map(product).sum();
                quotient((value_sum, sum_fraction), (weight_sum, weight.frac()), output, &mut saturations.outputs)
            })
            .collect()
    }

    /// Memory-free: the sums so far are scaled whenever the maximum grows.
    fn scale_as_it_goes(&self, stream: &[Streamed], elements: usize, saturations: &mut Saturations) -> Array1<i64> {
        let Formats { weight, value, score, output, .. } = self.formats;
        let sum_fraction = self.formats.sum_fraction();
        // A sum of S fraction bits times a weight of F, rounded to S again.
        let scaled = |sum: i128, factor: i128| rescale(sum * factor, sum_fraction + weight.frac(), sum_fraction);
        let mut maximum = raw_range(score).0;
        let mut weight_sum = 0;
        let mut value_sums = vec![0; elements];
        for streamed in stream {
            let grown = streamed.score.map_or(maximum, |score| score.max(maximum));
            let factor = self.weight(maximum - grown, saturations);
            let e = streamed.score.map_or(0, |score| self.weight(score - grown, saturations));
            weight_sum = scaled(weight_sum, factor) + rescale(e, weight.frac(), sum_fraction);
            for (element, sum) in value_sums.iter_mut().enumerate() {
                *sum = scaled(*sum, factor) + rescale(e * streamed.value(element), weight.frac() + value.frac(), sum_fraction);
            }
            maximum = grown;
        }
        let result = |sum| quotient((sum, sum_fraction), (weight_sum, sum_fraction), output, &mut saturations.outputs);
        value_sums.into_iter().map(result).collect()
    }
}

/// The quotient of two raw numbers, each with its fraction bits, rounded towards zero to `ty` and saturated. The divisor is not
/// negative; by zero, the quotient is 0: what weighs nothing has no share.
fn quotient(dividend: (i128, u32), divisor: (i128, u32), ty: Type, saturation: &mut Saturation) -> i64 {
    // dividend / 2^a divided by divisor / 2^b, in units of 2^-c, is (dividend · 2^(b + c)) / (divisor · 2^a).
    let numerator = dividend.0 << (divisor.1 + ty.frac());
    let denominator = divisor.0 << dividend.1;
    if denominator == 0 {
        return 0;
    }
    saturation.within_exactly(numerator / denominator, ty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotients_are_rounded_towards_zero_on_both_sides() {
        let ty = Type::q(4, 1);
        assert_eq!([7, -7, 8, -8].map(|l| quotient((l, 1), (3, 0), ty, &mut Saturation::default())), [2, -2, 2, -2]);
    }

    #[test]
    fn a_division_by_zero_gives_zero() {
        let mut saturation = Saturation::default();
        let quotients = [5, 0, -5].map(|l| quotient((l, 3), (0, 2), Type::q(2, 6), &mut saturation));
        assert_eq!((quotients, saturation.count), ([0; 3], 0));
    }

    proptest! {
        #[test]
        fn a_quotient_is_the_largest_in_size_that_does_not_exceed_the_exact_one(
            dividend in -1i64 << 40..1 << 40, divisor in 1i64..1 << 30, fractions in prop::array::uniform3(0u32..20),
        ) {
            let [a, b, c] = fractions;
            let ty = Type::q(63 - c, c);
            let raw = i128::from(quotient((dividend.into(), a), (divisor.into(), b), ty, &mut Saturation::default())).abs();
            let exact_times = i128::from(dividend).abs() << (b + c);
            let unit = i128::from(divisor) << a;
            prop_assert!(raw == i128::from(raw_range(ty).1) || raw * unit <= exact_times && exact_times < (raw + 1) * unit);
        }
    }
}
