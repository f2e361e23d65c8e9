//! The pattern N:M, and whether a mask keeps to it.

use std::fmt;
use std::str::FromStr;

use ndarray::{ArrayView2, Axis};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The group sizes M that hardware is made for.
pub const GROUP_SIZES: [usize; 5] = [2, 4, 8, 16, 32];

/// At most N nonzeros in each group of M consecutive elements. Groups start at multiples of M; a last group with fewer than M elements
/// counts as padded with zeros.
///
/// Its text form is `2:4`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, JsonSchema)]
#[schemars(with = "String")]
pub struct Pattern {
    n: usize,
    m: usize,
}

/// N and M that make no pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{n}:{m} is not a pattern of sparsity: choose M from 2, 4, 8, 16 and 32, and N from 1 to M")]
pub struct InvalidPattern {
    /// The N asked for.
    pub n: usize,
    /// The M asked for.
    pub m: usize,
}

impl Pattern {
    /// The pattern n:m.
    ///
    /// # Errors
    /// If `m` is not one of [`GROUP_SIZES`], or `n` not from 1 to `m`.
    pub fn new(n: usize, m: usize) -> Result<Pattern, InvalidPattern> {
        if GROUP_SIZES.contains(&m) && (1..=m).contains(&n) { Ok(Pattern { n, m }) } else { Err(InvalidPattern { n, m }) }
    }

    /// Every pattern, by M and then by N.
    pub fn all() -> impl Iterator<Item = Pattern> {
        GROUP_SIZES.into_iter().flat_map(|m| (1..=m).map(move |n| Pattern { n, m }))
    }

    /// N, the most nonzeros of a group.
    pub fn n(self) -> usize {
        self.n
    }

    /// M, the elements of a group.
    pub fn m(self) -> usize {
        self.m
    }

    /// log₂ M, the bits of an element's index within its group.
    pub fn index_bits(self) -> u32 {
        self.m.ilog2()
    }

    /// Bits of the compressed form against those of a dense one, for values of `value_bits` (at least 1) and lengths that M divides:
    /// N · (bits + log₂ M) / (M · bits). Above 1 for N = M, which the same hardware stores with indices too.
    pub fn storage_ratio(self, value_bits: u32) -> f64 {
        (self.n as f64 * f64::from(value_bits + self.index_bits())) / (self.m as f64 * f64::from(value_bits))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.n, self.m)
    }
}

/// A text that is no pattern.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParsePatternError {
    /// It is not two numbers.
    #[error("`{0}` is not a pattern of sparsity: write N and M with a colon between them, such as `2:4`")]
    Form(String),
    /// It is two numbers that make no pattern.
    #[error(transparent)]
    Numbers(#[from] InvalidPattern),
}

impl FromStr for Pattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Pattern, ParsePatternError> {
        let number = |digits: &str| digits.parse::<usize>().map_err(|_| ParsePatternError::Form(text.to_string()));
        let (n, m) = text.split_once(':').ok_or_else(|| ParsePatternError::Form(text.to_string()))?;
        Ok(Pattern::new(number(n)?, number(m)?)?)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Along which axis of a matrix `[inputs, outputs]` the groups of a pattern lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// Along the inputs, the reduction axis of the forward pass: each output has groups of its own.
    Inputs,
    /// Along the outputs, the reduction axis of the backward pass: each input has groups of its own.
    Outputs,
}

impl Grouping {
    /// The axis that the groups lie along.
    pub fn axis(self) -> Axis {
        match self {
            Grouping::Inputs => Axis(0),
            Grouping::Outputs => Axis(1),
        }
    }
}

/// The first group with more nonzeros than its pattern allows: that of the lowest output (input, if grouped along the outputs), and of
/// its groups the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{} {line}, group {group}: the element at position {position} is nonzero number {} of {pattern}",
    match .grouping { Grouping::Inputs => "output", Grouping::Outputs => "input" },
    .pattern.n() + 1,
)]
pub struct Violation {
    /// The pattern that is broken.
    pub pattern: Pattern,
    /// The axis that the groups lie along.
    pub grouping: Grouping,
    /// The output whose group it is, or the input if grouped along the outputs.
    pub line: usize,
    /// The group, counted along the axis: it begins at element `group` · M.
    pub group: usize,
    /// The first element beyond N, counted from the group's begin: 1 to M − 1.
    pub position: usize,
}

impl Violation {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        format!("prune the matrix to {}, or choose a pattern with a larger N", self.pattern)
    }
}

/// Checks that a mask (`[inputs, outputs]`, true where a weight may be nonzero) keeps to a pattern.
///
/// # Errors
/// The first group that does not.
pub fn check(mask: ArrayView2<bool>, pattern: Pattern, grouping: Grouping) -> Result<(), Violation> {
    for (line, lane) in mask.lanes(grouping.axis()).into_iter().enumerate() {
        for (group, elements) in lane.axis_chunks_iter(Axis(0), pattern.m).enumerate() {
            let mut kept = elements.indexed_iter().filter(|(_, kept)| **kept);
            if let Some((position, _)) = kept.nth(pattern.n) {
                return Err(Violation { pattern, grouping, line, group, position });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    /// Patterns, those of every group size with the same probability.
    pub fn patterns() -> impl Strategy<Value = Pattern> {
        prop::sample::select(&GROUP_SIZES[..]).prop_flat_map(|m| (1..=m).prop_map(move |n| Pattern { n, m }))
    }

    #[test]
    fn eight_bit_values_take_the_published_shares_of_dense_storage() {
        let ratio = |n, m| Pattern::new(n, m).unwrap().storage_ratio(8);
        assert_eq!([ratio(2, 4), ratio(2, 8), ratio(1, 8), ratio(1, 16)], [0.625, 0.34375, 0.171875, 0.09375]);
        assert_eq!(ratio(4, 4), 1.25, "indices are stored for N = M too");
    }

    #[test]
    fn a_group_size_that_is_no_power_of_two_and_an_n_outside_the_group_are_refused() {
        for (n, m) in [(0, 4), (5, 4), (1, 1), (1, 6), (1, 64), (0, 0)] {
            assert_eq!(Pattern::new(n, m), Err(InvalidPattern { n, m }));
        }
        assert_eq!(
            Pattern::new(3, 5).unwrap_err().to_string(),
            "3:5 is not a pattern of sparsity: choose M from 2, 4, 8, 16 and 32, and N from 1 to M"
        );
    }

    #[test]
    fn every_pattern_reads_back_from_its_text_and_other_texts_are_refused() {
        for pattern in Pattern::all() {
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        for text in ["", "2", "2:", ":4", "2;4", "2:4:8", "-1:4", "two:4"] {
            assert_eq!(text.parse::<Pattern>(), Err(ParsePatternError::Form(text.to_string())), "{text}");
        }
        assert_eq!("3:5".parse::<Pattern>(), Err(ParsePatternError::Numbers(InvalidPattern { n: 3, m: 5 })));
    }

    #[test]
    fn the_check_names_the_first_group_that_breaks_the_pattern() {
        let pattern = Pattern::new(1, 2).unwrap();
        let mut mask = Array2::from_elem((5, 3), false);
        for place in [[2, 1], [3, 1], [2, 2], [4, 2]] {
            mask[place] = true;
        }
        let inputs = Violation { pattern, grouping: Grouping::Inputs, line: 1, group: 1, position: 1 };
        assert_eq!(check(mask.view(), pattern, Grouping::Inputs), Err(inputs));
        assert_eq!(check(mask.view(), pattern, Grouping::Outputs), Ok(()), "outputs 1 and 2 are in different groups");
        mask[[4, 1]] = true;
        mask[[4, 0]] = true;
        let outputs = Violation { pattern, grouping: Grouping::Outputs, line: 4, group: 0, position: 1 };
        assert_eq!(check(mask.view(), pattern, Grouping::Outputs), Err(outputs));
    }
}
