//! How sparse operands lie on groups: which elements have a slot, and what a slot chooses from.

use std::ops::Range;

use super::hardware::Group;

/// How B lies along K: of each `m` consecutive elements `n` have a slot, and only these are multiplied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compression {
    n: usize,
    m: usize,
    whole_groups: bool,
}

impl Compression {
    /// Every element has a slot. On an array with groups, N elements make a group of N slots; the rest of the group carries zeros.
    pub fn dense(group: Group) -> Compression {
        Compression { n: group.slots as usize, m: group.slots as usize, whole_groups: false }
    }

    /// `n` of `m` on an array with these groups, or `None` if a group cannot serve it: one of `n` and the array's N divides the other,
    /// and what N slots choose from is at most the array's M elements.
    pub fn new(n: usize, m: usize, group: Group) -> Option<Compression> {
        let slots = group.slots as usize;
        let window = if n.is_multiple_of(slots) {
            m
        } else if slots.is_multiple_of(n) {
            slots / n * m
        } else {
            return None;
        };
        (window <= group.elements as usize).then_some(Compression { n, m, whole_groups: false })
    }

    /// Whether every element has a slot.
    pub fn is_dense(self) -> bool {
        self.n == self.m
    }

    /// The same with N slots for a last group of fewer elements too, as they come out of a sparsifier.
    pub fn in_whole_groups(self) -> Compression {
        Compression { whole_groups: true, ..self }
    }

    /// Slots for a reduction of length `k`; a last group with fewer than `m` elements has no more slots than elements, unless groups are whole.
    pub fn slots(self, k: usize) -> usize {
        let left = k % self.m;
        k / self.m * self.n + if self.whole_groups && left > 0 { self.n } else { self.n.min(left) }
    }

    /// M, the elements of a group.
    pub fn elements_of_group(self) -> usize {
        self.m
    }

    /// Products of a reduction of length `k` that can be other than zero, at most.
    pub fn products(self, k: usize) -> usize {
        Compression { whole_groups: false, ..self }.slots(k)
    }

    /// The longest reduction with at most so many products.
    pub fn longest(self, products: usize) -> usize {
        let whole = products / self.n * self.m;
        // A last group may have as many elements as products are left.
        whole + products % self.n
    }

    /// The element that belongs to `index` among the `m` from which `slot` chooses.
    pub fn element(self, slot: usize, index: usize) -> usize {
        slot / self.n * self.m + index
    }

    /// The elements from which `slots` consecutive slots choose, the first of them being slot `first`, a multiple of `slots`.
    pub(super) fn window(self, first: usize, slots: usize) -> Range<usize> {
        let start = first / self.n * self.m;
        start..start + slots.div_ceil(self.n) * self.m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_serves_patterns_whose_slots_fill_groups_within_its_elements() {
        let group = Group { slots: 2, elements: 8 };
        let serves = |n, m| Compression::new(n, m, group).is_some();
        assert!(serves(2, 4) && serves(2, 8) && serves(1, 4) && serves(4, 8));
        assert!(!serves(1, 8), "two groups of 8 are more than 8 elements");
        assert!(!serves(2, 16) && !serves(3, 4));
    }

    #[test]
    fn slots_are_those_of_whole_groups_and_of_the_elements_that_are_left() {
        let pattern = Compression::new(2, 4, Group { slots: 2, elements: 4 }).unwrap();
        assert_eq!([0, 1, 2, 3, 4, 5, 8].map(|k| pattern.slots(k)), [0, 1, 2, 2, 2, 3, 4]);
        let dense = Compression::dense(Group { slots: 3, elements: 4 });
        assert_eq!([1, 2, 3, 4, 7].map(|k| dense.slots(k)), [1, 2, 3, 4, 7]);
        assert_eq!([0, 1, 4, 5].map(|k| pattern.in_whole_groups().slots(k)), [0, 2, 2, 4]);
    }

    #[test]
    fn the_longest_reduction_is_the_last_one_with_so_many_products() {
        for (n, m) in [(1, 1), (2, 4), (3, 4), (1, 32), (4, 4)] {
            let compression = Compression { n, m, whole_groups: true };
            for products in 0..40 {
                let longest = (0..2000).take_while(|&k| compression.products(k) <= products).last();
                assert_eq!(Some(compression.longest(products)), longest, "{n}:{m}, {products}");
            }
        }
    }

    #[test]
    fn consecutive_slots_choose_from_their_groups() {
        let window = |n, m, slots, first| Compression { n, m, whole_groups: false }.window(first, slots);
        assert_eq!(window(2, 4, 2, 6), 12..16);
        assert_eq!(window(1, 4, 2, 6), 24..32, "two groups of one slot");
        assert_eq!(window(4, 8, 2, 6), 8..16, "half of a group of four slots");
        assert_eq!(Compression { n: 4, m: 8, whole_groups: false }.element(6, 5), 13);
    }
}
