//! Rounding of exact integers, as golden models need it.

use std::cmp::Ordering;

/// The quotient rounded to the nearest integer, halves to the even one; `divisor` is positive.
pub fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    // Compared as `rest` against `divisor - rest`, since twice the rest may overflow.
    match rest.cmp(&(divisor - rest)) {
        Ordering::Less => floor,
        Ordering::Greater => floor + 1,
        Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

/// A raw number of `from` fraction bits with `to` of them: rounded half to even where that drops bits, exact where it adds some.
pub fn rescale(raw: i128, from: u32, to: u32) -> i128 {
    if to >= from { raw << (to - from) } else { divide_half_even(raw, 1 << (from - to)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_to_the_even_neighbour_on_both_sides_of_zero() {
        let halved: Vec<i128> = (-5..=5).map(|n| divide_half_even(n, 2)).collect();
        assert_eq!(halved, [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn more_fraction_bits_are_exact() {
        assert_eq!((rescale(-3, 2, 5), rescale(-3, 2, 2), rescale(-24, 5, 2)), (-24, -3, -3));
    }

    proptest! {
        #[test]
        fn quotients_are_off_by_at_most_half(dividend in any::<i64>(), divisor in 1i64..) {
            let (dividend, divisor) = (i128::from(dividend), i128::from(divisor));
            let twice_error = 2 * (divide_half_even(dividend, divisor) * divisor - dividend).abs();
            prop_assert!(twice_error <= divisor);
        }
    }
}
