//! Attention in double precision.

use ndarray::{Array2, ArrayView2};

use super::attending::Attending;

/// softmax(q·kᵀ/√D)·v over the keys that are attended to, or zeros where none is, of queries `[R, D]`, keys `[N, D]` and values `[N, D]`.
pub fn attention(q: ArrayView2<f64>, k: ArrayView2<f64>, v: ArrayView2<f64>, attending: &Attending) -> Array2<f64> {
    let mut weights = q.dot(&k.t()) / (q.ncols() as f64).sqrt();
    for (row, mut scores) in weights.outer_iter_mut().enumerate() {
        for (key, score) in scores.indexed_iter_mut() {
            if !attending.keeps(row, key) {
                *score = f64::NEG_INFINITY;
            }
        }
        let greatest = scores.fold(f64::NEG_INFINITY, |greatest, &score| score.max(greatest));
        if greatest == f64::NEG_INFINITY {
            scores.fill(0.0);
            continue;
        }
        scores.mapv_inplace(|score| (score - greatest).exp());
        let sum = scores.sum();
        scores /= sum;
    }
    weights.dot(&v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::mask::Mask;
    use ndarray::array;

    #[test]
    fn equal_scores_average_the_values_that_the_mask_keeps() {
        let (q, k, v) = (array![[0.0], [0.0]], array![[1.0], [2.0]], array![[3.0], [5.0]]);
        let of = |attending: Attending| attention(q.view(), k.view(), v.view(), &attending);
        assert_eq!(of(Attending::new(Mask::None, 2, 2)), array![[4.0], [4.0]]);
        assert_eq!(of(Attending::new(Mask::Causal, 2, 2)), array![[3.0], [4.0]]);
        assert_eq!(of(Attending::new(Mask::None, 2, 2).with_mask(array![[true, false], [false, false]])), array![[3.0], [0.0]]);
    }
}
