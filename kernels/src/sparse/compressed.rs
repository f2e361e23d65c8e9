//! A matrix of N:M sparsity in compressed form: of each group the kept values, and where in the group they stand.

use ndarray::{Array2, ArrayView2, s};

use systole_hdl::Type;

use super::pattern::{Grouping, Pattern, Violation, check};
use crate::common::pack::pack;

/// A matrix W of raw numbers, `[inputs, outputs]` = `[K, C]`, with N slots for each group of M consecutive elements along the inputs.
///
/// The N indices of a group differ and ascend. A group with fewer nonzeros also has slots for its first zeros, so that N = M holds
/// every element at its own index. If M does not divide K, the matrix counts as padded with zeros, which slots may point to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compressed {
    pattern: Pattern,
    inputs: usize,
    values: Array2<i64>,
    indices: Array2<u8>,
}

impl Compressed {
    /// Compresses a matrix `[K, C]`.
    ///
    /// # Errors
    /// The first group with more than N nonzeros.
    pub fn compress(matrix: ArrayView2<i64>, pattern: Pattern) -> Result<Compressed, Violation> {
        check(matrix.mapv(|value| value != 0).view(), pattern, Grouping::Inputs)?;
        let (inputs, outputs) = matrix.dim();
        let (n, m) = (pattern.n(), pattern.m());
        let groups = inputs.div_ceil(m);
        let mut values = Array2::zeros((groups * n, outputs));
        let mut indices = Array2::zeros((groups * n, outputs));
        for output in 0..outputs {
            for group in 0..groups {
                let element = |position: usize| matrix.get([group * m + position, output]).copied().unwrap_or(0);
                for (slot, position) in kept_positions(pattern, |position| element(position) != 0).into_iter().enumerate() {
                    values[[group * n + slot, output]] = element(position);
                    indices[[group * n + slot, output]] = u8::try_from(position).expect("groups have at most 32 elements");
                }
            }
        }
        Ok(Compressed { pattern, inputs, values, indices })
    }

    /// The matrix `[K, C]`.
    pub fn decompress(&self) -> Array2<i64> {
        let (n, m) = (self.pattern.n(), self.pattern.m());
        let mut padded = Array2::zeros((self.groups() * m, self.outputs()));
        for ((slot, output), &value) in self.values.indexed_iter() {
            padded[[slot / n * m + usize::from(self.indices[[slot, output]]), output]] = value;
        }
        padded.slice_move(s![..self.inputs, ..])
    }

    /// The pattern of every group.
    pub fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// K, without padding.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// C.
    pub fn outputs(&self) -> usize {
        self.values.ncols()
    }

    /// Groups of each output: ⌈K / M⌉.
    pub fn groups(&self) -> usize {
        self.inputs.div_ceil(self.pattern.m())
    }

    /// The kept values, `[groups · N, C]`: slot s belongs to group ⌊s / N⌋.
    pub fn values(&self) -> ArrayView2<'_, i64> {
        self.values.view()
    }

    /// Where the values stand in their groups, 0 to M − 1; in the same places as [`Compressed::values`].
    pub fn indices(&self) -> ArrayView2<'_, u8> {
        self.indices.view()
    }

    /// Bits of all slots, with `value_bits` for a value and log₂ M for an index.
    pub fn storage_bits(&self, value_bits: u32) -> u64 {
        self.values.len() as u64 * u64::from(value_bits + self.pattern.index_bits())
    }

    /// The image of a memory that holds it, in hexadecimal as `$readmemh` reads it: a word for each group, all groups of output 0 first. A word
    /// holds N values of `value_bits` from the least significant end, then N indices of log₂ M bits.
    pub fn image(&self, value_bits: u32) -> String {
        let (n, index_bits) = (self.pattern.n(), self.pattern.index_bits());
        let word = |output: usize, group: usize| {
            let slots = || (0..n).map(move |slot| [group * n + slot, output]);
            let values: Vec<i64> = slots().map(|at| self.values[at]).collect();
            let indices: Vec<i64> = slots().map(|at| self.indices[at].into()).collect();
            pack(&values, Type::u(value_bits)).concat(&pack(&indices, Type::u(index_bits)))
        };
        let digits = (n as u32 * (value_bits + index_bits)).div_ceil(4) as usize;
        let words = (0..self.outputs()).flat_map(|output| (0..self.groups()).map(move |group| (output, group)));
        words.map(|(output, group)| format!("{:0digits$x}\n", word(output, group).to_biguint())).collect()
    }

    /// [`Compressed::storage_bits`] against K · C · `value_bits` of the dense matrix without padding; zero for an empty one.
    /// `value_bits` is at least 1.
    pub fn storage_ratio(&self, value_bits: u32) -> f64 {
        let dense = (self.inputs * self.outputs()) as u64 * u64::from(value_bits);
        self.storage_bits(value_bits) as f64 / dense.max(1) as f64
    }
}

/// The N positions of a group that have slots, in ascending order: the nonzero ones, of which there are at most N, and the first others.
fn kept_positions(pattern: Pattern, nonzero: impl Fn(usize) -> bool) -> Vec<usize> {
    let (mut positions, zeros): (Vec<usize>, Vec<usize>) = (0..pattern.m()).partition(|&position| nonzero(position));
    let free = pattern.n() - positions.len();
    positions.extend(zeros.into_iter().take(free));
    positions.sort_unstable();
    positions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::masks::{magnitude_mask, pruned};
    use crate::sparse::pattern::tests::patterns;
    use ndarray::{Array2, Axis, array};
    use proptest::prelude::*;

    fn two_of_four() -> Pattern {
        Pattern::new(2, 4).unwrap()
    }

    #[test]
    fn a_group_holds_its_nonzeros_and_then_its_first_zeros_by_ascending_index() {
        let column = array![[0], [7], [0], [-8], [0], [0], [0], [5], [0]];
        let compressed = Compressed::compress(column.view(), two_of_four()).unwrap();
        assert_eq!(compressed.values(), array![[7], [-8], [0], [5], [0], [0]]);
        assert_eq!(compressed.indices(), array![[1], [3], [0], [3], [0], [1]]);
    }

    #[test]
    fn a_third_nonzero_in_a_group_of_two_to_four_is_refused_with_group_and_position() {
        let mut matrix = Array2::zeros((12, 3));
        for input in [4, 5, 7] {
            matrix[[input, 2]] = 1;
        }
        let violation = Compressed::compress(matrix.view(), two_of_four()).unwrap_err();
        assert_eq!((violation.line, violation.group, violation.position), (2, 1, 3));
        assert_eq!(violation.to_string(), "output 2, group 1: the element at position 3 is nonzero number 3 of 2:4");
        assert_eq!(violation.remedy(), "prune the matrix to 2:4, or choose a pattern with a larger N");
    }

    #[test]
    fn a_memory_image_holds_values_below_indices_group_by_group() {
        let matrix = array![[0, 1], [7, 0], [0, 2], [-8, 0]];
        let compressed = Compressed::compress(matrix.view(), two_of_four()).unwrap();
        // Output 0: values 7 and -8 at 1 and 3; output 1: values 1 and 2 at 0 and 2.
        assert_eq!(compressed.image(4), "d87\n821\n");
        assert_eq!(compressed.storage_bits(4), 2 * 12);
    }

    #[test]
    fn storage_counts_padding_but_dense_storage_does_not() {
        let bits = |inputs| {
            let compressed = Compressed::compress(Array2::zeros((inputs, 3)).view(), two_of_four()).unwrap();
            (compressed.storage_bits(8), compressed.storage_ratio(8))
        };
        assert_eq!(bits(8), (3 * 2 * 2 * 10, 0.625));
        assert_eq!(bits(5), (3 * 2 * 2 * 10, 1.0));
        assert_eq!(bits(0), (0, 0.0));
    }

    #[test]
    fn a_dense_matrix_is_n_equal_to_m_with_every_element_at_its_own_index() {
        let matrix = Array2::from_shape_fn((8, 2), |(input, output)| (input * 2 + output) as i64);
        let compressed = Compressed::compress(matrix.view(), Pattern::new(4, 4).unwrap()).unwrap();
        assert_eq!(compressed.values(), matrix);
        assert!(compressed.indices().indexed_iter().all(|((slot, _), &index)| usize::from(index) == slot % 4));
    }

    proptest! {
        #[test]
        fn a_pruned_matrix_survives_compression(
            pattern in patterns(), inputs in 0usize..80, outputs in 0usize..5, values in prop::collection::vec(-3i64..=3, 400),
        ) {
            let matrix = Array2::from_shape_fn((inputs, outputs), |(input, output)| values[input * 5 + output]);
            let matrix = pruned(matrix.view(), magnitude_mask(matrix.view(), pattern, Grouping::Inputs).view());
            let compressed = Compressed::compress(matrix.view(), pattern).unwrap();
            prop_assert_eq!(compressed.decompress(), matrix);
            for group in compressed.indices().axis_chunks_iter(Axis(0), pattern.n()) {
                for indices in group.columns() {
                    prop_assert!(indices.windows(2).into_iter().all(|pair| pair[0] < pair[1]), "{indices} do not ascend");
                    prop_assert!(indices.iter().all(|&index| usize::from(index) < pattern.m()));
                }
            }
        }
    }
}
