//! Selection of masks that are 2:4 along both axes: the best of the 90 patterns of each 4×4 block.
//!
//! The upper two rows of a pattern fix how many ones each column has left for the lower two, and no more than that. So the patterns fall
//! into `classes` in which every upper half fits every lower half: 90 patterns in 19 classes. The best of a class is its best upper
//! with its best lower half, so that 72 sums of halves and 19 of blocks are enough.

use std::collections::{BTreeMap, BTreeSet};

use systole_hdl::library::pipeline_stage;
use systole_hdl::prelude::*;

use super::{is_element, magnitude, no_words, require_element};
use crate::sparse::transposable::{BLOCK, PATTERNS};

/// Elements of a block.
const ELEMENTS: u32 = (BLOCK * BLOCK) as u32;
/// A half of a mask: two rows of four.
const HALF: Type = Type::u(8);
/// Pairs of columns in the order of their masks.
const ROWS: [u32; 6] = [0b0011, 0b0101, 0b0110, 0b1001, 0b1010, 0b1100];

/// Selects of each 4×4 block the mask with two ones in each row and column that keeps the greatest sum of magnitudes; of equal sums the
/// lowest mask as a number. A block a cycle, in four stages: sums of row pairs, sums of halves and the best of each class, sums of
/// blocks, and the best of all.
///
/// A word of `blocks` is the block's 16 elements in row-major order, a word of `masks` has bit 4 · row + column for each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransposableSelector {
    /// An element: a number of 2 to 24 bits.
    pub element: Type,
}

bundle! {
    /// The stream into a [`TransposableSelector`].
    pub struct TransposableSelectorIn { blocks: Stream }
}
bundle! {
    /// The stream out of a [`TransposableSelector`].
    pub struct TransposableSelectorOut { masks: Stream }
}

impl TransposableSelector {
    /// Cycles from the transfer of a block, exclusive, to the first in which its mask can be transferred, inclusive.
    pub const LATENCY: u32 = 4;
}

impl Component for TransposableSelector {
    type In = TransposableSelectorIn;
    type Out = TransposableSelectorOut;

    fn inputs(&self) -> TransposableSelectorIn {
        TransposableSelectorIn { blocks: Stream::port(Type::Bits(ELEMENTS.saturating_mul(self.element.width()))) }
    }

    fn build(&self, m: Module, i: TransposableSelectorIn) -> TransposableSelectorOut {
        require_element(m, self.element);
        if !is_element(self.element) {
            return TransposableSelectorOut { masks: no_words(m, "masks", i.blocks) };
        }
        let pair = Type::u(self.element.width() + 1);
        let half = Type::u(self.element.width() + 2);
        let block = Type::u(self.element.width() + 3);
        let classes = classes();
        let count = classes.len() as u32;

        let rows = pipeline_stage(m, "row_pairs", i.blocks, |data| {
            let magnitudes: Vec<Signal> = data.lanes(self.element, ELEMENTS).into_iter().map(magnitude).collect();
            pack(&magnitudes.chunks(BLOCK).flat_map(pair_sums).collect::<Vec<_>>())
        });
        let halves = pipeline_stage(m, "halves", rows, |data| {
            let sums = data.lanes(pair, 4 * ROWS.len() as u32);
            let (upper, lower) = sums.split_at(2 * ROWS.len());
            let (upper, lower) = (half_sums(upper), half_sums(lower));
            let best = classes.iter().flat_map(|class| [best_half(&class.upper, &upper), best_half(&class.lower, &lower)]);
            pack(&best.map(Choice::bits).collect::<Vec<_>>())
        });
        let blocks = pipeline_stage(m, "class_blocks", halves, |data| {
            let choices: Vec<Choice> = Choice::of_word(data, half, HALF, 2 * count);
            let totals = choices.chunks(2).map(|halves| Choice {
                sum: halves[0].sum.add_wide(halves[1].sum),
                mask: pack(&[halves[0].mask, halves[1].mask]).reinterpret(Type::u(ELEMENTS)),
            });
            pack(&totals.map(Choice::bits).collect::<Vec<_>>())
        });
        let masks = pipeline_stage(m, "masks", blocks, |data| {
            let totals = Choice::of_word(data, block, Type::u(ELEMENTS), count);
            best(&totals, |first, second| {
                // Classes have their masks in no common order, but any two masks of different classes differ in their lower halves.
                let lower = |choice: Choice| choice.mask.bits(8..16).reinterpret(HALF);
                second.sum.gt(first.sum) | (second.sum.equals(first.sum) & lower(second).lt(lower(first)))
            })
            .mask
            .as_bits()
        });
        TransposableSelectorOut { masks }
    }
}

/// Upper and lower halves of which every upper one makes a pattern with every lower one. Masks of halves in ascending order.
#[derive(Default)]
struct Class {
    upper: BTreeSet<u32>,
    lower: BTreeSet<u32>,
}

/// The classes, by the number of ones that the upper half has in each column.
fn classes() -> Vec<Class> {
    let mut classes: BTreeMap<[u32; BLOCK], Class> = BTreeMap::new();
    for pattern in PATTERNS {
        let (upper, lower) = (u32::from(pattern & 0xFF), u32::from(pattern >> 8));
        let class = classes.entry(std::array::from_fn(|column| (upper >> column & 0x11).count_ones())).or_default();
        class.upper.insert(upper);
        class.lower.insert(lower);
    }
    classes.into_values().collect()
}

/// A mask on its way to be chosen.
#[derive(Clone, Copy)]
struct Choice {
    /// The sum of magnitudes that it keeps.
    sum: Signal,
    mask: Signal,
}

impl Choice {
    fn bits(self) -> Signal {
        pack(&[self.sum, self.mask])
    }

    /// The inverse of packing the bits of `count` choices.
    fn of_word(word: Signal, sum: Type, mask: Type, count: u32) -> Vec<Choice> {
        let choices = word.lanes(Type::Bits(sum.width() + mask.width()), count);
        let choice = |bits: Signal| Choice {
            sum: bits.bits(0..sum.width()).reinterpret(sum),
            mask: bits.bits(sum.width()..sum.width() + mask.width()).reinterpret(mask),
        };
        choices.into_iter().map(choice).collect()
    }
}

/// The best of at least one choice, by a tree; `beats` says whether a later choice is better than an earlier one.
fn best(choices: &[Choice], beats: impl Fn(Choice, Choice) -> Signal + Copy) -> Choice {
    match choices {
        [only] => *only,
        _ => {
            let (first, second) = choices.split_at(choices.len() / 2);
            let (first, second) = (best(first, beats), best(second, beats));
            let later = beats(first, second);
            Choice { sum: later.mux(second.sum, first.sum), mask: later.mux(second.mask, first.mask) }
        }
    }
}

/// Sums of the magnitudes of a row at each pair of columns of [`ROWS`].
fn pair_sums(row: &[Signal]) -> Vec<Signal> {
    let columns = |mask: u32| (0..BLOCK).filter(move |column| mask >> column & 1 == 1).map(|column| row[column]);
    ROWS.iter().filter_map(|&mask| columns(mask).reduce(|one, other| one.add_wide(other))).collect()
}

/// Sums of two rows, from those of their pairs, by the mask of both.
fn half_sums(pairs: &[Signal]) -> BTreeMap<u32, Signal> {
    let (first, second) = pairs.split_at(ROWS.len());
    let combine =
        |(low, &one): (u32, &Signal)| ROWS.iter().zip(second).map(move |(high, &other)| (low | high << BLOCK, one.add_wide(other)));
    ROWS.into_iter().zip(first).flat_map(combine).collect()
}

/// The half of greatest sum among these masks, which ascend; of equal ones the lowest.
fn best_half(masks: &BTreeSet<u32>, sums: &BTreeMap<u32, Signal>) -> Choice {
    let choices: Vec<Choice> = masks.iter().map(|mask| Choice { sum: sums[mask], mask: constant(HALF, *mask) }).collect();
    best(&choices, |first, second| second.sum.gt(first.sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_without_a_magnitude_is_refused() {
        let diagnostics = elaborate(&TransposableSelector { element: Type::Bits(8) }).unwrap_err();
        assert_eq!(diagnostics.0.len(), 1, "{diagnostics}");
    }

    #[test]
    fn the_classes_hold_every_pattern_once() {
        let classes = classes();
        assert_eq!(classes.len(), 19);
        let combined =
            classes.iter().flat_map(|class| class.lower.iter().flat_map(|lower| class.upper.iter().map(move |upper| lower << 8 | upper)));
        let mut combined: Vec<u32> = combined.collect();
        combined.sort_unstable();
        assert_eq!(combined, PATTERNS.map(u32::from));
    }

    #[test]
    fn no_two_classes_share_a_lower_half() {
        let lower: Vec<u32> = classes().into_iter().flat_map(|class| class.lower).collect();
        assert_eq!(lower.iter().collect::<BTreeSet<_>>().len(), lower.len());
    }
}
