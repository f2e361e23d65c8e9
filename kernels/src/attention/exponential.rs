//! Powers of two in fixed point, as the hardware computes them: a shift by the integer part, a table or polynomials for the rest.
//!
//! For x = i + f with i = ⌊x⌋, the power is 2ⁱ·m with the mantissa m = 2ᶠ in 1 to 2, computed with G fraction bits, two more than the
//! result has. The range of f is divided into T = 2ᵗ segments.
//!
//! - Degree 0: the table entry nearest to f, of T + 1 entries 2^(h/T), rounded half to even.
//! - Degree n: in segment h, a polynomial in u = f·T − h. It meets 2^((h+u)/T) at the n + 1 Chebyshev–Lobatto points of 0 to 1, both ends
//!   among them; its coefficients are rounded half to even, and Horner's scheme drops the bits below the last place of every product.
//!
//! The result is rounded to the nearest, a tie upwards.

use std::f64::consts::LN_2;

use systole_hdl::Type;

/// Fraction bits of a mantissa beyond those of the result.
const GUARD_BITS: u32 = 2;

/// 2ˣ for one choice of formats and table.
#[derive(Clone, PartialEq, Debug)]
pub struct Exponential {
    score_fraction: u32,
    weight_fraction: u32,
    table_bits: u32,
    degree: u32,
    /// The polynomial of each segment, constant term first, in units of the mantissa's last place; the table itself for degree 0.
    coefficients: Vec<Vec<i128>>,
}

impl Exponential {
    /// Powers of exponents with `score_fraction` fraction bits, as numbers of type `weight` (unsigned fixed point), from 2^`table_bits`
    /// segments with polynomials of a `degree` from 0 to 3.
    pub fn new(score_fraction: u32, weight: Type, table_bits: u32, degree: u32) -> Exponential {
        let segments = 1u32 << table_bits;
        let unit = f64::from(weight.frac() + GUARD_BITS).exp2();
        // Rounded to integers far below 2⁵³, which a double holds exactly.
        let round = |value: f64| (value * unit).round_ties_even() as i128;
        let power = |position: f64| (position / f64::from(segments)).exp2();
        let coefficients = if degree == 0 {
            (0..=segments).map(|h| vec![round(power(h.into()))]).collect()
        } else {
            let segment = |h: u32| interpolating_polynomial(degree, |u| power(f64::from(h) + u)).into_iter().map(round).collect();
            (0..segments).map(segment).collect()
        };
        Exponential { score_fraction, weight_fraction: weight.frac(), table_bits, degree, coefficients }
    }

    /// 2ˣ in units of the result's last place, before saturation; x in units of the score's last place. Exponents of 64 and
    /// more give what 64 to 65 give, which is still beyond every weight.
    pub fn exp2(&self, x: i128) -> i128 {
        let integer = (x >> self.score_fraction).min(64);
        let mantissa = self.mantissa(x & ((1 << self.score_fraction) - 1));
        // The mantissa has two guard bits, and the result a bit more until it is rounded.
        let shift = integer + 1 - i128::from(GUARD_BITS);
        let twice = if shift >= 0 { mantissa << shift } else { mantissa >> (-shift).min(127) };
        (twice + 1) >> 1
    }

    /// The mantissa for a fraction f of 0 to 1, in units of the score's last place.
    ///
    /// At least 2ᴳ. Near f = 1 the rounding of coefficients can bring it above 2ᴳ⁺¹, by at most 2 units, which never rounds to a
    /// result above 2ⁱ⁺¹ for i < 0.
    pub fn mantissa(&self, fraction: i128) -> i128 {
        let position = fraction << self.table_bits;
        let one = 1i128 << self.score_fraction;
        if self.degree == 0 {
            return self.coefficients[((position + one / 2) / one) as usize][0];
        }
        let (segment, rest) = (position / one, position % one);
        let mut coefficients = self.coefficients[segment as usize].iter().rev();
        let highest = *coefficients.next().expect("a polynomial of degree n has n + 1 coefficients");
        coefficients.fold(highest, |sum, coefficient| coefficient + (sum * rest).div_euclid(one))
    }

    /// How far [`Exponential::exp2`], read as a real number, is from 2ˣ at most. With F fraction bits of the result, G = F + 2 and
    /// x from i to i + 1:
    ///
    /// 2ⁱ · (approximation + rounding) + 2^−(F+1), where
    ///
    /// - approximation is ln 2 / T for degree 0, and 2 (ln 2 / T)ⁿ⁺¹ / (n + 1)! · max |Π (u − uₖ)| for degree n, the maxima of these
    ///   products being 1/4, √3/36 and 1/64; zero where every fraction has an entry of its own (t ≥ the score's fraction bits);
    /// - rounding is 2^−(G+1) for each of the n + 1 coefficients and 2^−G for each of the n products.
    pub fn error_bound(&self, x: f64) -> f64 {
        let step = LN_2 / f64::from(1u32 << self.table_bits);
        let approximation = match self.degree {
            _ if self.table_bits >= self.score_fraction => 0.0,
            0 => step,
            1 => 2.0 * step.powi(2) / 2.0 / 4.0,
            2 => 2.0 * step.powi(3) / 6.0 * 3f64.sqrt() / 36.0,
            _ => 2.0 * step.powi(4) / 24.0 / 64.0,
        };
        let mantissa_unit = (-f64::from(self.weight_fraction + GUARD_BITS)).exp2();
        let rounding = (f64::from(self.degree + 1) / 2.0 + f64::from(self.degree)) * mantissa_unit;
        x.floor().exp2() * (approximation + rounding) + (-f64::from(self.weight_fraction + 1)).exp2()
    }
}

/// Coefficients, constant term first, of the polynomial of a degree n ≥ 1 that meets `function` at (1 − cos(π k/n))/2, k = 0 to n.
fn interpolating_polynomial(degree: u32, function: impl Fn(f64) -> f64) -> Vec<f64> {
    // Written out, since they are exact numbers and a cosine is not.
    let points: &[f64] = match degree {
        1 => &[0.0, 1.0],
        2 => &[0.0, 0.5, 1.0],
        3 => &[0.0, 0.25, 0.75, 1.0],
        _ => unreachable!("degrees are checked to be at most 3"),
    };
    // Newton's divided differences: differences[k] becomes that of the points 0 to k.
    let mut differences: Vec<f64> = points.iter().copied().map(function).collect();
    for order in 1..points.len() {
        for k in (order..points.len()).rev() {
            differences[k] = (differences[k] - differences[k - 1]) / (points[k] - points[k - order]);
        }
    }
    // From Newton's form to powers of u, innermost factor first: p ← p·(u − point) + difference.
    let mut powers = vec![0.0; points.len()];
    for (&point, &difference) in points.iter().zip(&differences).rev() {
        for k in (1..powers.len()).rev() {
            powers[k] = powers[k - 1] - point * powers[k];
        }
        powers[0] = difference - point * powers[0];
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The exponents from −20 to 3, all of them.
    fn exponents(score_fraction: u32) -> impl Iterator<Item = i128> {
        -20 << score_fraction..=3 << score_fraction
    }

    fn value(raw: i128, fraction: u32) -> f64 {
        raw as f64 * (-f64::from(fraction)).exp2()
    }

    fn check_against_double_precision(exponential: &Exponential, x: i128) -> Result<(), TestCaseError> {
        let exact = value(x, exponential.score_fraction).exp2();
        let error = (value(exponential.exp2(x), exponential.weight_fraction) - exact).abs();
        let bound = exponential.error_bound(value(x, exponential.score_fraction)) * (1.0 + 1e-9);
        prop_assert!(error <= bound, "2^({x} / 2^{}) is off by {error:e}, beyond {bound:e}", exponential.score_fraction);
        Ok(())
    }

    #[test]
    fn every_power_in_small_formats_is_within_the_stated_bound() {
        for score_fraction in 0..=7 {
            for weight_fraction in [0, 1, 4, 8, 12] {
                for (table_bits, degree) in (0..=8).flat_map(|bits| (0..=3).map(move |degree| (bits, degree))) {
                    let exponential = Exponential::new(score_fraction, Type::uq(1, weight_fraction), table_bits, degree);
                    for x in exponents(score_fraction) {
                        check_against_double_precision(&exponential, x).unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn entries_of_a_table_are_the_nearest_to_the_exact_roots_of_two() {
        // With T = 8 and G = 10: m is nearest to 2^(h/T + G) if (2m − 1)^T ≤ 2^(h + T (G + 1)) ≤ (2m + 1)^T, in integers.
        let exponential = Exponential::new(8, Type::uq(1, 8), 3, 0);
        for (h, entry) in (0u32..).zip(&exponential.coefficients) {
            let power = 1i128 << (h + 8 * 11);
            assert!((2 * entry[0] - 1).pow(8) <= power && power <= (2 * entry[0] + 1).pow(8), "{h}: {entry:?}");
        }
    }

    #[test]
    fn powers_of_integers_are_exact() {
        for degree in 0..=3 {
            let exponential = Exponential::new(10, Type::uq(4, 12), 5, degree);
            for integer in -12i128..4 {
                assert_eq!(exponential.exp2(integer << 10), 1 << (12 + integer), "degree {degree}");
            }
            assert_eq!(exponential.exp2(-13 << 10), 1, "half a unit rounds up");
            assert_eq!(exponential.exp2((-13 << 10) - 40), 0, "less than half a unit is nothing");
        }
    }

    #[test]
    fn extreme_exponents_neither_wrap_nor_vanish() {
        let exponential = Exponential::new(12, Type::uq(8, 16), 6, 1);
        assert_eq!(exponential.exp2(i128::from(i64::MIN)), 0);
        assert!(exponential.exp2(i128::from(i64::MAX)) > 1 << 60);
    }

    #[test]
    fn no_power_of_a_negative_exponent_is_above_one() {
        for (table_bits, degree) in (0..=6).flat_map(|bits| (0..=3).map(move |degree| (bits, degree))) {
            for weight_fraction in [1, 6, 11, 16, 20] {
                let exponential = Exponential::new(9, Type::uq(1, weight_fraction), table_bits, degree);
                assert!((-(2i128 << 9)..0).all(|x| exponential.exp2(x) <= 1 << weight_fraction), "{table_bits} {degree}");
            }
        }
    }

    #[test]
    fn mantissas_stay_between_one_and_two_but_for_two_units() {
        for (table_bits, degree) in (0..=6).flat_map(|bits| (0..=3).map(move |degree| (bits, degree))) {
            let exponential = Exponential::new(9, Type::uq(1, 14), table_bits, degree);
            let one = 1i128 << (14 + GUARD_BITS);
            assert!((0..1 << 9).all(|f| (one..=2 * one + 2).contains(&exponential.mantissa(f))), "{table_bits} {degree}");
        }
    }

    #[test]
    fn a_table_alone_is_monotone() {
        for table_bits in 0..=9 {
            let exponential = Exponential::new(8, Type::uq(4, 12), table_bits, 0);
            assert!(exponents(8).all(|x| exponential.exp2(x) <= exponential.exp2(x + 1)), "{table_bits}");
        }
    }

    #[test]
    fn polynomials_are_monotone_within_a_segment_and_fall_by_at_most_a_unit_between_two() {
        for (table_bits, degree) in (0..=6).flat_map(|bits| (1..=3).map(move |degree| (bits, degree))) {
            let exponential = Exponential::new(10, Type::uq(1, 12), table_bits, degree);
            for x in -8 << 10..0 {
                let fall = exponential.exp2(x) - exponential.exp2(x + 1);
                let same_segment = x >> (10 - table_bits) == (x + 1) >> (10 - table_bits);
                assert!(fall <= i128::from(!same_segment), "{table_bits} {degree}: falls by {fall} at {x}");
            }
        }
    }

    #[test]
    fn interpolation_reproduces_a_polynomial_of_its_degree() {
        let cubic = interpolating_polynomial(3, |u| 1.0 - 2.0 * u + 3.0 * u.powi(2) + 0.5 * u.powi(3));
        assert!(cubic.iter().zip([1.0, -2.0, 3.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-13), "{cubic:?}");
        assert_eq!(interpolating_polynomial(1, |u| 2.0 + u), [2.0, 1.0]);
    }

    proptest! {
        #[test]
        fn every_power_in_large_formats_is_within_the_stated_bound(
            score_fraction in 8u32..=24, weight_fraction in 8u32..=23, table_bits in 0u32..=10, degree in 0u32..=3,
            exponents in prop::collection::vec(-30f64..4.0, 40),
        ) {
            let exponential = Exponential::new(score_fraction, Type::uq(1, weight_fraction), table_bits, degree);
            for x in exponents {
                check_against_double_precision(&exponential, (x * f64::from(score_fraction).exp2()) as i128)?;
            }
        }
    }
}
