//! Transposable 2:4 masks: one mask that keeps two of four along both axes, so that W and its transpose are sparse alike.
//!
//! In each block of 4×4 weights one of the 90 patterns with two ones in each row and column is chosen, that of the greatest L1 norm
//! ("Accelerating Transformer Pre-training with 2:4 Sparsity", arXiv 2404.01847).
//! The pattern 2:4 allows fewer than two ones in a line too, and in some blocks a mask of seven ones holds more than all of the 90.

use ndarray::{Array2, ArrayView2, s};
use num_traits::Zero;

use super::weight::Weight;

/// Rows and columns of a block.
pub const BLOCK: usize = 4;

/// All patterns of 4×4 zeros and ones with two ones in each row and column, in ascending order: bit 4 · row + column is the element there.
pub const PATTERNS: [u16; 90] = patterns();

const fn patterns() -> [u16; 90] {
    let mut patterns = [0; 90];
    let mut count = 0;
    let mut bits = 0u16;
    loop {
        if has_two_in_each_row_and_column(bits) {
            patterns[count] = bits;
            count += 1;
        }
        if bits == u16::MAX {
            return patterns;
        }
        bits += 1;
    }
}

const fn has_two_in_each_row_and_column(bits: u16) -> bool {
    let mut line = 0;
    while line < BLOCK {
        let row = bits >> (BLOCK * line) & 0x000F;
        let column = bits >> line & 0x1111;
        if row.count_ones() != 2 || column.count_ones() != 2 {
            return false;
        }
        line += 1;
    }
    true
}

/// The number (0 to 89) of the pattern that keeps the greatest sum of these magnitudes, of equal ones the lowest. Magnitudes are those
/// of a block in row-major order; real ones are added in that order.
pub fn best_pattern<M: Zero + Copy + PartialOrd>(magnitudes: &[M; BLOCK * BLOCK]) -> usize {
    let sum = |pattern: u16| {
        let kept = magnitudes.iter().enumerate().filter(|(element, _)| pattern >> element & 1 == 1);
        kept.fold(M::zero(), |sum, (_, &magnitude)| sum + magnitude)
    };
    let first = (0, sum(PATTERNS[0]));
    let numbered = PATTERNS.iter().enumerate().skip(1).map(|(number, &pattern)| (number, sum(pattern)));
    numbered.fold(first, |best, next| if next.1 > best.1 { next } else { best }).0
}

/// The mask of best patterns, block by block. Blocks that reach beyond the weights count as padded with zeros.
pub fn transposable_mask<W: Weight>(weights: ArrayView2<W>) -> Array2<bool> {
    let mut mask = Array2::from_elem(weights.dim(), false);
    for (row, column) in blocks(weights.dim()) {
        let element = |place: usize| weights.get([row + place / BLOCK, column + place % BLOCK]).copied().unwrap_or(W::zero());
        let pattern = PATTERNS[best_pattern(&std::array::from_fn(|place| element(place).magnitude()))];
        let mut block = mask.slice_mut(s![row.., column..]);
        for place in (0..BLOCK * BLOCK).filter(|place| pattern >> place & 1 == 1) {
            if let Some(kept) = block.get_mut([place / BLOCK, place % BLOCK]) {
                *kept = true;
            }
        }
    }
    mask
}

/// The first row and column of each block, in row-major order.
fn blocks((rows, columns): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(BLOCK).flat_map(move |row| (0..columns).step_by(BLOCK).map(move |column| (row, column)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::random::{Distribution, random};
    use crate::sparse::masks::kept_l1;
    use crate::sparse::pattern::{Grouping, Pattern, check};
    use ndarray::Ix2;
    use proptest::prelude::*;
    use systole_hdl::Type;

    fn lines(bits: u16) -> impl Iterator<Item = u32> {
        let rows = (0..4).map(move |row| (0..4).map(|column| u32::from(bits >> (4 * row + column) & 1)).sum());
        rows.chain((0..4).map(move |column| (0..4).map(|row| u32::from(bits >> (4 * row + column) & 1)).sum()))
    }

    fn sum(magnitudes: &[u128; 16], bits: u16) -> u128 {
        magnitudes.iter().enumerate().map(|(element, magnitude)| magnitude * u128::from(bits >> element & 1)).sum()
    }

    #[test]
    fn there_are_exactly_ninety_patterns() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|&bits| lines(bits).all(|ones| ones == 2)).collect();
        assert_eq!(all.len(), 90);
        assert_eq!(all, PATTERNS);
    }

    #[test]
    fn a_block_without_a_preference_takes_the_first_pattern() {
        assert_eq!(best_pattern(&[1.0; 16]), 0);
        assert_eq!(best_pattern(&[0u128; 16]), 0);
    }

    #[test]
    fn a_mask_with_fewer_ones_can_hold_more_than_every_pattern() {
        // All six nonzeros are two to a row and column at most, but no pattern has them all: column 2 would need two ones in row 1.
        let block = [3, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 0, 0, 1u128];
        let nonzeros = (0..16).filter(|&element| block[element] > 0).fold(0, |bits, element| bits | 1 << element);
        assert!(lines(nonzeros).all(|ones| ones <= 2));
        assert_eq!((sum(&block, nonzeros), sum(&block, PATTERNS[best_pattern(&block)])), (12, 11));
    }

    #[test]
    fn the_best_transposable_mask_of_gaussian_weights_holds_seventy_percent_of_the_norm() {
        let weights = random(Distribution::Gaussian, &[1024, 1024], Type::s(8), 1, 0).values.into_dimensionality::<Ix2>().unwrap();
        let kept = kept_l1(weights.view(), transposable_mask(weights.view()).view());
        assert!((kept - 0.703).abs() < 0.003, "{kept}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn no_mask_with_two_in_each_row_and_column_is_better(values in prop::array::uniform16(0u128..=6)) {
            let allowed = (0..=u16::MAX).filter(|&bits| lines(bits).all(|ones| ones == 2));
            let greatest = allowed.map(|bits| sum(&values, bits)).max().unwrap();
            let best = best_pattern(&values);
            prop_assert_eq!(sum(&values, PATTERNS[best]), greatest);
            prop_assert!(PATTERNS[..best].iter().all(|&pattern| sum(&values, pattern) < greatest), "a lower pattern is as good");
        }

        #[test]
        fn a_transposable_mask_keeps_two_of_four_along_both_axes(
            rows in 0usize..14, columns in 0usize..14, values in prop::collection::vec(-20i64..=20, 14 * 14),
        ) {
            let weights = Array2::from_shape_fn((rows, columns), |(row, column)| values[row * 14 + column]);
            let mask = transposable_mask(weights.view());
            let pattern = Pattern::new(2, 4).unwrap();
            for grouping in [Grouping::Inputs, Grouping::Outputs] {
                prop_assert_eq!(check(mask.view(), pattern, grouping), Ok(()));
                prop_assert_eq!(check(mask.t(), pattern, grouping), Ok(()));
            }
        }
    }
}
