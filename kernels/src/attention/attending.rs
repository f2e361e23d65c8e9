//! Which keys the queries of one head attend to: the mask of the run, the head's length and its own mask, together.

use ndarray::Array2;

use super::mask::{Mask, SinkWindow, Slot};

/// Which keys each query of a head attends to.
#[derive(Clone, PartialEq, Debug)]
pub struct Attending {
    mask: Mask,
    rows: usize,
    keys: usize,
    /// L: keys from here on are padding.
    length: usize,
    /// The head's own mask, `[R, N]`; one row for all queries.
    listed: Option<Array2<bool>>,
}

impl Attending {
    /// `rows` queries under a mask, all of `keys` keys being there.
    pub fn new(mask: Mask, rows: usize, keys: usize) -> Attending {
        Attending { mask, rows, keys, length: keys, listed: None }
    }

    /// The same of which only the first `length` keys are there; the others are padding.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn with_length(self, length: usize) -> Attending {
        assert!(length <= self.keys, "a length is at most the number of keys");
        Attending { length, ..self }
    }

    /// The same with a mask of the head's own, `[R, N]`, or `[1, N]` for all queries: a query attends to keys that are `true`.
    ///
    /// # Panics
    /// If the shape is neither.
    pub fn with_mask(self, listed: Array2<bool>) -> Attending {
        assert!(listed.ncols() == self.keys && [1, self.rows].contains(&listed.nrows()), "a mask has the shape of the scores");
        Attending { listed: Some(listed), ..self }
    }

    /// R: the queries.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// L: the keys that are there.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Whether the head has a mask of its own, beside its length.
    pub fn is_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// Whether a query attends to a key.
    pub fn keeps(&self, row: usize, key: usize) -> bool {
        let listed = |listed: &Array2<bool>| listed[[if listed.nrows() == 1 { 0 } else { row }, key]];
        key < self.length && self.mask.keeps(row, key, self.rows, self.length) && self.listed.as_ref().is_none_or(listed)
    }

    /// Pairs of a query and a key that it attends to.
    pub fn pairs(&self) -> u64 {
        (0..self.rows).map(|row| (0..self.keys).filter(|&key| self.keeps(row, key)).count() as u64).sum()
    }

    /// The keys that at least one query attends to.
    pub fn used_keys(&self) -> Vec<usize> {
        (0..self.keys).filter(|&key| (0..self.rows).any(|row| self.keeps(row, key))).collect()
    }

    /// What is streamed for a query, in order: as [`Mask::stream`] says, and what the head masks is masked.
    pub fn stream(&self, row: usize) -> Vec<Slot> {
        let kept = |key: usize| if self.keeps(row, key) { Slot::Kept(key) } else { Slot::Masked(key) };
        match self.mask {
            Mask::None | Mask::Causal => (0..self.keys).map(kept).collect(),
            Mask::SinkWindow(SinkWindow { .. }) => {
                let slots = self.mask.stream(row, self.rows, self.keys).into_iter();
                slots.map(|slot| if let Slot::Kept(key) = slot { kept(key) } else { slot }).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn kept(attending: &Attending, row: usize) -> Vec<bool> {
        (0..attending.keys).map(|key| attending.keeps(row, key)).collect()
    }

    #[test]
    fn padding_does_not_move_a_causal_diagonal() {
        // The queries are the last of the keys that are there.
        let attending = Attending::new(Mask::Causal, 2, 5).with_length(3);
        assert_eq!(kept(&attending, 0), [true, true, false, false, false]);
        assert_eq!(kept(&attending, 1), [true, true, true, false, false]);
        // Where the queries are padded as the keys are, query i is token i.
        let attending = Attending::new(Mask::Causal, 5, 5).with_length(3);
        assert_eq!(kept(&attending, 1), [true, true, false, false, false]);
        assert_eq!(kept(&attending, 4), [true, true, true, false, false]);
    }

    #[test]
    fn a_mask_of_one_row_is_that_of_every_query() {
        let attending = Attending::new(Mask::None, 2, 3).with_mask(array![[true, false, true]]);
        assert_eq!([kept(&attending, 0), kept(&attending, 1)], [[true, false, true]; 2]);
        assert_eq!((attending.pairs(), attending.used_keys()), (4, vec![0, 2]));
    }

    #[test]
    fn a_masked_key_stays_in_its_slot_of_a_window() {
        let mask = Mask::SinkWindow(SinkWindow { sinks: 1, window: 2 });
        let attending = Attending::new(mask, 4, 4).with_mask(array![[true, true, false, true]]);
        assert_eq!(attending.stream(3), [Slot::Kept(0), Slot::Kept(3), Slot::Masked(2)]);
    }
}
