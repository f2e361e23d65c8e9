//! How far results are from a floating-point reference.

use ndarray::{ArrayView2, Zip};

/// Differences between a result and its reference.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ErrorMeasures {
    /// Largest absolute difference.
    pub max_abs: f64,
    /// Root of the mean squared difference.
    pub rms: f64,
    /// Largest absolute value of the reference.
    pub reference_max_abs: f64,
}

/// Measures `result` against `reference`, which has the same shape. Zero for empty arrays.
pub fn measure(result: ArrayView2<f64>, reference: ArrayView2<f64>) -> ErrorMeasures {
    let mut measures = ErrorMeasures::default();
    let mut squares = 0.0;
    Zip::from(result).and(reference).for_each(|&result, &reference| {
        let difference = (result - reference).abs();
        measures.max_abs = measures.max_abs.max(difference);
        measures.reference_max_abs = measures.reference_max_abs.max(reference.abs());
        squares += difference * difference;
    });
    measures.rms = (squares / result.len().max(1) as f64).sqrt();
    measures
}

/// A part of a whole: 0 of 0 is 0, and more than that of 0 is no share.
pub fn share(part: f64, whole: f64) -> Option<f64> {
    if part == 0.0 { Some(0.0) } else { Some(part / whole).filter(|share| share.is_finite()) }
}

/// ‖result − reference‖ / ‖reference‖ in the Euclidean norm over all elements of equally shaped arrays; zero if both are zero, infinite if
/// only the reference is.
pub fn relative_error(result: ArrayView2<f64>, reference: ArrayView2<f64>) -> f64 {
    let norm = |values: ArrayView2<f64>| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let difference = norm((&result - &reference).view());
    if difference == 0.0 { 0.0 } else { difference / norm(reference) }
}

/// The fraction of rows of `scores` (`[samples, classes]`) whose largest element stands at the row's label. Of equal largest
/// elements the first counts. Zero without rows.
pub fn accuracy<T: PartialOrd + Copy>(scores: ArrayView2<T>, labels: &[usize]) -> f64 {
    let right = scores.outer_iter().zip(labels).filter(|(row, label)| argmax(row.iter().copied()) == Some(**label)).count();
    right as f64 / scores.nrows().max(1) as f64
}

/// Index of the first largest element.
fn argmax<T: PartialOrd>(values: impl Iterator<Item = T>) -> Option<usize> {
    let best = values.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_share_of_nothing_is_nothing_or_none() {
        assert_eq!((share(0.0, 0.0), share(1.0, 0.0), share(1.0, 4.0), share(0.0, 2.0)), (Some(0.0), None, Some(0.25), Some(0.0)));
    }

    #[test]
    fn errors_are_absolute_differences_to_the_reference() {
        let measures = measure(array![[1.0, -3.0]].view(), array![[1.0, -6.0]].view());
        assert_eq!(measures.max_abs, 3.0);
        assert_eq!(measures.reference_max_abs, 6.0);
        assert!((measures.rms - 4.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_first_of_equal_scores_is_the_answer() {
        let scores = array![[1, 5, 5], [2, 0, 1]];
        assert_eq!(accuracy(scores.view(), &[1, 0]), 1.0);
        assert_eq!(accuracy(scores.view(), &[2, 0]), 0.5);
    }
}
