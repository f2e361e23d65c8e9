//! Masks of N:M sparsity by magnitude, for one axis or for both.
//!
//! A mask has the shape of its weights, `[inputs, outputs]`, and is true where a weight is kept.

use ndarray::{Array2, ArrayView2, Axis, Zip};
use num_traits::{AsPrimitive as _, Zero as _};

use super::pattern::{Grouping, Pattern};
use super::weight::Weight;

/// Keeps the N weights of largest magnitude in each group, of equal ones those with the lowest index.
///
/// N weights of each group are kept even if some of them are zero, and of a last group with fewer elements as many as it has.
pub fn magnitude_mask<W: Weight>(weights: ArrayView2<W>, pattern: Pattern, grouping: Grouping) -> Array2<bool> {
    let mut mask = Array2::from_elem(weights.dim(), false);
    let axis = grouping.axis();
    let mut magnitudes = Vec::with_capacity(pattern.m());
    Zip::from(mask.lanes_mut(axis)).and(weights.lanes(axis)).for_each(|mut mask, weights| {
        let groups = mask.axis_chunks_iter_mut(Axis(0), pattern.m()).zip(weights.axis_chunks_iter(Axis(0), pattern.m()));
        for (mut mask, weights) in groups {
            magnitudes.clear();
            magnitudes.extend(weights.iter().map(|weight| weight.magnitude()));
            for position in largest(&magnitudes, pattern.n()) {
                mask[position] = true;
            }
        }
    });
    mask
}

/// The masks of both passes, as separate as BDWP has them ("Efficient N:M Sparse DNN Training Using Algorithm, Architecture, and Dataflow
/// Co-Design", arXiv 2309.13015).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BdwpMasks {
    /// Of W_F in X·W_F, grouped along the inputs.
    pub forward: Array2<bool>,
    /// Of W_B in dY·W_Bᵀ, grouped along the outputs.
    pub backward: Array2<bool>,
}

/// Both masks of the same dense weights, by magnitude.
pub fn bdwp_masks<W: Weight>(weights: ArrayView2<W>, pattern: Pattern) -> BdwpMasks {
    BdwpMasks { forward: magnitude_mask(weights, pattern, Grouping::Inputs), backward: magnitude_mask(weights, pattern, Grouping::Outputs) }
}

/// The weights with zeros where the mask, which has the same shape, is false.
pub fn pruned<W: Weight>(weights: ArrayView2<W>, mask: ArrayView2<bool>) -> Array2<W> {
    Zip::from(weights).and(mask).map_collect(|&weight, &kept| if kept { weight } else { W::zero() })
}

/// The share of the weights' L1 norm that a mask of the same shape keeps: 0 to 1, and 1 for weights that are all zero.
pub fn kept_l1<W: Weight>(weights: ArrayView2<W>, mask: ArrayView2<bool>) -> f64 {
    let sum = |total: W::Magnitude, weight: &W| total + weight.magnitude();
    let kept =
        Zip::from(weights).and(mask).fold(W::Magnitude::zero(), |total, weight, &kept| if kept { sum(total, weight) } else { total });
    let all = weights.iter().fold(W::Magnitude::zero(), sum);
    if all.is_zero() { 1.0 } else { kept.as_() / all.as_() }
}

/// Positions of the `n` largest magnitudes, largest first, of equal ones the lowest first; all if there are no more than `n`.
pub(super) fn largest<M: Copy + PartialOrd>(magnitudes: &[M], n: usize) -> impl Iterator<Item = usize> {
    // By selection instead of sorting: groups are small, and the number of positions is right even for magnitudes without an order (NaN).
    let mut taken = 0u32;
    (0..n.min(magnitudes.len())).map(move |_| {
        let free = (0..magnitudes.len()).filter(|position| taken >> position & 1 == 0);
        let best = free.reduce(|best, next| if magnitudes[next] > magnitudes[best] { next } else { best });
        let best = best.expect("fewer positions are taken than there are");
        taken |= 1 << best;
        best
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::random::{Distribution, random};
    use crate::sparse::pattern::check;
    use crate::sparse::pattern::tests::patterns;
    use ndarray::{Ix2, array};
    use proptest::prelude::*;
    use systole_hdl::Type;

    /// Weights with many ties, of a shape that no group size divides.
    fn weights() -> impl Strategy<Value = Array2<i64>> {
        (1usize..70, 1usize..70, prop::collection::vec(-5i64..=5, 70 * 70))
            .prop_map(|(inputs, outputs, values)| Array2::from_shape_fn((inputs, outputs), |(k, c)| values[k * 70 + c]))
    }

    #[test]
    fn the_largest_magnitudes_are_kept_and_of_equal_ones_the_first() {
        let weights = array![[1], [-3], [3], [-3], [0], [0], [2], [0], [9]];
        let mask = magnitude_mask(weights.view(), Pattern::new(2, 4).unwrap(), Grouping::Inputs);
        assert_eq!(mask.into_raw_vec_and_offset().0, [false, true, true, false, true, false, true, false, true]);
    }

    #[test]
    fn the_most_negative_raw_number_is_the_largest() {
        let mask = magnitude_mask(array![[i64::MAX, i64::MIN]].view(), Pattern::new(1, 2).unwrap(), Grouping::Outputs);
        assert_eq!(mask, array![[false, true]]);
        let minima = Array2::from_elem((4, 4), i64::MIN);
        assert_eq!(kept_l1(minima.view(), Array2::from_elem((4, 4), true).view()), 1.0, "sums do not overflow");
    }

    #[test]
    fn a_mask_is_valid_even_for_weights_that_are_not_numbers() {
        let weights = Array2::from_elem((8, 8), f64::NAN);
        let pattern = Pattern::new(2, 4).unwrap();
        assert_eq!(check(magnitude_mask(weights.view(), pattern, Grouping::Inputs).view(), pattern, Grouping::Inputs), Ok(()));
    }

    #[test]
    fn masks_of_every_pattern_are_valid_and_full_along_both_axes() {
        let weights = random(Distribution::Gaussian, &[64, 64], Type::s(8), 1, 0).values.into_dimensionality::<Ix2>().unwrap();
        for pattern in Pattern::all() {
            let masks = bdwp_masks(weights.view(), pattern);
            for (mask, grouping) in [(masks.forward, Grouping::Inputs), (masks.backward, Grouping::Outputs)] {
                assert_eq!(check(mask.view(), pattern, grouping), Ok(()));
                let kept = mask.iter().filter(|kept| **kept).count();
                assert_eq!(kept, 64 * 64 / pattern.m() * pattern.n(), "{pattern} along the {grouping:?}");
            }
        }
    }

    #[test]
    fn two_of_four_gaussian_weights_hold_seventy_four_percent_of_the_norm() {
        let weights = random(Distribution::Gaussian, &[1024, 1024], Type::s(8), 1, 0).values.into_dimensionality::<Ix2>().unwrap();
        let mask = magnitude_mask(weights.view(), Pattern::new(2, 4).unwrap(), Grouping::Inputs);
        let kept = kept_l1(weights.view(), mask.view());
        assert!((kept - 0.744).abs() < 0.003, "{kept}");
    }

    /// The greatest sum of at most `n` of these magnitudes, over all subsets.
    fn greatest_sum(magnitudes: &[u128], n: usize) -> u128 {
        let chosen = |subset: u32| magnitudes.iter().enumerate().filter(move |(i, _)| subset >> i & 1 == 1).map(|(_, magnitude)| magnitude);
        let subsets = (0..1u32 << magnitudes.len()).filter(|subset| subset.count_ones() as usize <= n);
        subsets.map(|subset| chosen(subset).sum()).max().unwrap()
    }

    proptest! {
        #[test]
        fn masks_of_any_shape_are_valid(weights in weights(), pattern in patterns()) {
            let masks = bdwp_masks(weights.view(), pattern);
            prop_assert_eq!(check(masks.forward.view(), pattern, Grouping::Inputs), Ok(()));
            prop_assert_eq!(check(masks.backward.view(), pattern, Grouping::Outputs), Ok(()));
        }

        #[test]
        fn no_subset_of_a_small_group_has_a_greater_norm_than_the_kept_one(
            pattern in patterns(), group in prop::collection::vec(-9i64..=9, 8),
        ) {
            prop_assume!(pattern.m() <= 8);
            let column = Array2::from_shape_vec((8, 1), group).unwrap();
            let mask = magnitude_mask(column.view(), pattern, Grouping::Inputs);
            let kept: u128 = pruned(column.view(), mask.view()).iter().map(|weight| weight.magnitude()).sum();
            let magnitudes: Vec<u128> = column.iter().map(|weight| weight.magnitude()).collect();
            let greatest: u128 = magnitudes.chunks(pattern.m()).map(|group| greatest_sum(group, pattern.n())).sum();
            prop_assert_eq!(kept, greatest);
        }

        #[test]
        fn no_dropped_weight_is_larger_than_a_kept_one_of_its_group(pattern in patterns(), group in prop::collection::vec(any::<i64>(), 32)) {
            let row = Array2::from_shape_vec((1, 32), group).unwrap();
            let mask = magnitude_mask(row.view(), pattern, Grouping::Outputs);
            for group in 0..32 / pattern.m() {
                let of = |kept: bool| {
                    let places = group * pattern.m()..(group + 1) * pattern.m();
                    places.filter(|&c| mask[[0, c]] == kept).map(|c| row[[0, c]].magnitude()).collect::<Vec<_>>()
                };
                if let (Some(least), Some(greatest)) = (of(true).into_iter().min(), of(false).into_iter().max()) {
                    prop_assert!(least >= greatest);
                }
            }
        }
    }
}
