//! Bi-Mask: the backward pass uses a part of the weights that the forward pass uses, sparse along the other axis after a permutation.
//!
//! After "Bi-directional Masks for Efficient N:M Sparse Training", arXiv 2302.06058, whose rows are our outputs. BDWP prunes the dense
//! weights twice, so that gradients also pass through weights that the forward pass does not have. Here the backward mask is that of the
//! already masked weights; to lose few of them, outputs are first permuted such that those with nonzeros in the same inputs come into
//! different groups. Permuting outputs permutes the columns of dY alike, and changes nothing in dX.

use ndarray::{Array2, ArrayView2, Axis, Zip};
use num_traits::Zero;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::masks::{largest, magnitude_mask, pruned};
use super::pattern::{Grouping, Pattern};
use super::weight::Weight;

/// The masks of both passes, `[inputs, outputs]` with the outputs in their own order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BiMask {
    /// Of the forward pass: of the pattern along the inputs.
    pub forward: Array2<bool>,
    /// The final mask, of the backward pass: kept by the forward mask and by the mask of the permuted outputs. Of the pattern along
    /// the inputs, and along the outputs once they are permuted.
    pub both: Array2<bool>,
    /// The output that comes to each place.
    pub permutation: Vec<usize>,
}

/// The forward mask by magnitude, and the backward mask under the best permutation that is found.
///
/// The paper draws whole permutations and takes the best. Here each of `trials` draws two outputs, and exchanges them if they are in
/// different groups and more of the L1 norm is kept that way: this costs two groups instead of all, and never ends worse than it began,
/// which is in order. A trial takes some 2 · inputs · N · M steps. A seed fixes the result.
pub fn bi_mask<W: Weight>(weights: ArrayView2<W>, pattern: Pattern, trials: usize, seed: u64) -> BiMask {
    let forward = magnitude_mask(weights, pattern, Grouping::Inputs);
    let masked = pruned(weights, forward.view());
    let permutation = search(masked.view(), pattern, trials, seed);
    let permuted = masked.select(Grouping::Outputs.axis(), &permutation);
    let backward = magnitude_mask(permuted.view(), pattern, Grouping::Outputs);
    let mut both = forward.clone();
    for (place, &output) in permutation.iter().enumerate() {
        Zip::from(both.column_mut(output)).and(backward.column(place)).for_each(|both, &backward| *both &= backward);
    }
    BiMask { forward, both, permutation }
}

/// A permutation of the outputs that keeps much of the weights' L1 norm under a mask along the outputs.
fn search<W: Weight>(weights: ArrayView2<W>, pattern: Pattern, trials: usize, seed: u64) -> Vec<usize> {
    // Output by output, since groups of outputs are gathered again and again.
    let magnitudes = Array2::from_shape_fn((weights.ncols(), weights.nrows()), |(output, input)| weights[[input, output]].magnitude());
    let mut permutation: Vec<usize> = (0..weights.ncols()).collect();
    let mut kept: Vec<W::Magnitude> =
        permutation.chunks(pattern.m()).map(|group| kept_of_group(magnitudes.view(), group, pattern)).collect();
    if kept.len() < 2 {
        return permutation;
    }
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..trials {
        let places = [0, 1].map(|_| generator.random_range(0..permutation.len()));
        let groups = places.map(|place| place / pattern.m());
        if groups[0] == groups[1] {
            continue;
        }
        permutation.swap(places[0], places[1]);
        let exchanged = groups.map(|group| {
            let end = ((group + 1) * pattern.m()).min(permutation.len());
            kept_of_group(magnitudes.view(), &permutation[group * pattern.m()..end], pattern)
        });
        if exchanged[0] + exchanged[1] > kept[groups[0]] + kept[groups[1]] {
            kept[groups[0]] = exchanged[0];
            kept[groups[1]] = exchanged[1];
        } else {
            permutation.swap(places[0], places[1]);
        }
    }
    permutation
}

/// The sum over all inputs of the N largest magnitudes (`[outputs, inputs]`) of a group of outputs.
fn kept_of_group<M: Copy + PartialOrd + Zero>(magnitudes: ArrayView2<M>, group: &[usize], pattern: Pattern) -> M {
    let mut gathered = Vec::with_capacity(group.len());
    (0..magnitudes.len_of(Axis(1))).fold(M::zero(), |sum, input| {
        gathered.clear();
        gathered.extend(group.iter().map(|&output| magnitudes[[output, input]]));
        largest(&gathered, pattern.n()).fold(sum, |sum, position| sum + gathered[position])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::masks::kept_l1;
    use crate::sparse::pattern::check;
    use crate::sparse::pattern::tests::patterns;
    use ndarray::array;
    use proptest::prelude::*;

    #[test]
    fn outputs_with_nonzeros_in_the_same_inputs_are_moved_apart() {
        // Of 1:2, outputs 0 and 1 keep their first input, outputs 2 and 3 their second: in order, each group loses one of two.
        let weights = array![[8, 8, 1, 1], [1, 1, 8, 8]];
        let pattern = Pattern::new(1, 2).unwrap();
        let in_order = bi_mask(weights.view(), pattern, 0, 1);
        assert_eq!(in_order.both, array![[true, false, false, false], [false, false, true, false]]);
        let searched = bi_mask(weights.view(), pattern, 100, 1);
        assert_eq!(searched.both, searched.forward, "nothing needs to be lost");
    }

    fn weights() -> impl Strategy<Value = Array2<i64>> {
        (0usize..20, 0usize..40, prop::collection::vec(-50i64..=50, 20 * 40))
            .prop_map(|(inputs, outputs, values)| Array2::from_shape_fn((inputs, outputs), |(k, c)| values[k * 40 + c]))
    }

    proptest! {
        #[test]
        fn the_final_mask_is_valid_along_both_axes_and_within_the_forward_one(weights in weights(), pattern in patterns(), seed: u64) {
            let masks = bi_mask(weights.view(), pattern, 50, seed);
            prop_assert_eq!(check(masks.forward.view(), pattern, Grouping::Inputs), Ok(()));
            let permuted = masks.both.select(Axis(1), &masks.permutation);
            prop_assert_eq!(check(permuted.view(), pattern, Grouping::Outputs), Ok(()));
            prop_assert!(masks.both.iter().zip(&masks.forward).all(|(&both, &forward)| forward || !both));
            let mut outputs = masks.permutation;
            outputs.sort_unstable();
            prop_assert_eq!(outputs, (0..weights.ncols()).collect::<Vec<_>>());
        }

        #[test]
        fn more_trials_never_keep_less(weights in weights(), pattern in patterns(), seed: u64) {
            let kept = |trials| kept_l1(weights.view(), bi_mask(weights.view(), pattern, trials, seed).both.view());
            prop_assert!(kept(0) <= kept(20) && kept(20) <= kept(60));
        }

        #[test]
        fn a_seed_fixes_the_masks(weights in weights(), pattern in patterns(), seed: u64) {
            prop_assert_eq!(bi_mask(weights.view(), pattern, 20, seed), bi_mask(weights.view(), pattern, 20, seed));
        }
    }
}
