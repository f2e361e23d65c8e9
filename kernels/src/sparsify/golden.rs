//! What the hardware has to give, computed from the matrix on the host.

use std::cmp::Reverse;

use ndarray::{Array2, ArrayView2};

use super::schedule::Schedule;
use crate::sparse::transposable::{BLOCK, PATTERNS, best_pattern};

/// The result of a sparsification, from the golden model or from the hardware.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sparse {
    /// What the hardware gives, word by word, as arrays under their names: of pairs the `values` and the `indices`,
    /// `[groups · N, outputs]` with the outputs padded to whole tiles; or the `masks`, one for each block.
    pub tensors: Vec<(&'static str, Array2<i64>)>,
    /// The pruned weights, `[inputs, outputs]`.
    pub pruned: Array2<i64>,
}

/// Keeps the N largest of each group by sorting it.
pub fn sorted(weights: ArrayView2<i64>, schedule: &Schedule, n: usize) -> Sparse {
    let shape = (schedule.groups() * n, schedule.tiles() * schedule.lanes);
    let (mut values, mut indices) = (Array2::zeros(shape), Array2::zeros(shape));
    let mut pruned = Array2::zeros(weights.dim());
    for output in 0..shape.1 {
        for group in 0..schedule.groups() {
            let element = |position: usize| weights.get([group * schedule.m + position, output]).copied().unwrap_or(0);
            let mut positions: Vec<usize> = (0..schedule.m).collect();
            positions.sort_by_key(|&position| (Reverse(element(position).unsigned_abs()), position));
            for (slot, &position) in positions.iter().take(n).enumerate() {
                values[[group * n + slot, output]] = element(position);
                indices[[group * n + slot, output]] = position as i64;
                if let Some(kept) = pruned.get_mut([group * schedule.m + position, output]) {
                    *kept = element(position);
                }
            }
        }
    }
    Sparse { tensors: vec![("values", values), ("indices", indices)], pruned }
}

/// Keeps of each block what the best of all patterns keeps.
pub fn best_masks(weights: ArrayView2<i64>) -> Sparse {
    let (inputs, outputs) = weights.dim();
    let mut pruned = Array2::zeros(weights.dim());
    let masks = Array2::from_shape_fn((inputs.div_ceil(BLOCK), outputs.div_ceil(BLOCK)), |(row, column)| {
        let place = |at: usize| [row * BLOCK + at / BLOCK, column * BLOCK + at % BLOCK];
        let magnitude = |at: usize| weights.get(place(at)).map_or(0, |weight| u128::from(weight.unsigned_abs()));
        let mask = PATTERNS[best_pattern(&std::array::from_fn(magnitude))];
        for at in (0..BLOCK * BLOCK).filter(|at| mask >> at & 1 == 1) {
            if let (Some(kept), Some(&weight)) = (pruned.get_mut(place(at)), weights.get(place(at))) {
                *kept = weight;
            }
        }
        i64::from(mask)
    });
    Sparse { tensors: vec![("masks", masks)], pruned }
}
