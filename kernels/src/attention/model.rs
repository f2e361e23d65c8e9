//! The closed-form cycle model: what the hardware takes when no stream stalls it and no FIFO is too short.
//!
//! Passes follow one another without a gap: a pass takes N·E cycles, of N keys or slots in E elements (1 in parallel, D in series). Behind
//! the last one come the waits for what a row has to be complete for, and the stages of the units on the way.

use super::graph::Layout;
use super::parameters::{Parallelism, Variant};
use crate::report::grouped;

/// A closed form: its terms, each in words and numbers, with its cycles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    terms: Vec<(String, u64)>,
}

impl Model {
    /// Cycles from the one in which the streams offer their first words to the transfer of the last output word, both included.
    pub fn cycles(&self) -> u64 {
        self.terms.iter().map(|(_, cycles)| cycles).sum()
    }

    /// The sum in words and numbers.
    pub fn formula(&self) -> String {
        let terms: Vec<&str> = self.terms.iter().map(|(term, _)| term.as_str()).collect();
        format!("{} = {}", terms.join(" + "), grouped(self.cycles()))
    }
}

impl Layout {
    /// The model of the graph from queries, keys and values; `None` where the FIFOs are too short for full rate.
    pub fn model(&self) -> Option<Model> {
        // Queries are repeated for each key; a window is made of tokens in three units.
        let begins = if self.windows() { 3 } else { 1 };
        let mask = u64::from(self.masked());
        self.model_from(begins + u64::from(self.latency.score) + mask)
    }

    /// What a head adds behind another: its passes, without a gap.
    pub fn cycles_of_a_further_head(&self) -> u64 {
        let row = (self.slots() * self.elements()) as u64;
        self.passes() as u64 * row.max(self.quotients_in_series())
    }

    /// The model of the graph from scores.
    pub fn model_of_scores(&self) -> Option<Model> {
        self.model_from(0)
    }

    /// The model if the first score can be taken in cycle `first_score`, counted from 0.
    fn model_from(&self, first_score: u64) -> Option<Model> {
        if self.fifos.depth < self.least_depth() || self.fifos.long.is_some_and(|long| (long as usize) < self.long_fifo()) {
            return None;
        }
        let (slots, elements) = (self.slots() as u64, self.elements() as u64);
        let passes = (self.passes() * self.heads) as u64;
        let row = slots * elements;
        let keys = if elements == 1 { format!("{slots} keys") } else { format!("{slots} keys x {elements} elements") };
        let quotients = self.quotients_in_series();
        let mut terms = if quotients > row {
            // One divider has more to do for a pass than the pass takes: it is what passes wait for.
            vec![(keys, row), (format!("{} passes x {quotients} quotients", passes - 1), (passes - 1) * quotients)]
        } else {
            vec![(format!("{passes} passes x {keys}"), passes * row)]
        };
        let mut term = |cycles: u64, what: &str| {
            if cycles > 0 {
                terms.push((format!("{cycles} {what}"), cycles));
            }
        };
        term(first_score, "to the first score");
        term(
            match self.variant {
                Variant::MemoryFree => 0,
                Variant::Naive | Variant::Deferred => row,
                // In series, the first of the two waits is not slowed down by the elements of a value.
                Variant::Stable => slots + row,
            },
            "waiting for whole rows",
        );
        term(quotients.saturating_sub(1), "for the other quotients");
        term(self.latency.exp.into(), "exp");
        term(self.latency.divide.into(), "divide");
        let units = match self.variant {
            Variant::Naive => 3,
            Variant::Stable => 5,
            Variant::Deferred => 4,
            Variant::MemoryFree => 2,
        };
        // In series, weights are repeated for the elements of a value; where nothing else waits for a row, the last weight's are waited for.
        let series = match (self.head_dimension, self.variant) {
            (Parallelism::Parallel, _) => 0,
            (Parallelism::Series, Variant::MemoryFree) => elements,
            (Parallelism::Series, _) => 1,
        };
        term(units + series, "in other units");
        Some(Model { terms })
    }

    /// Quotients that one divider makes for a pass, one a cycle; 0 where a divider has one for each.
    fn quotients_in_series(&self) -> u64 {
        let after_sums = !self.variant.divides_first() && self.head_dimension == Parallelism::Parallel;
        let in_series = after_sums && self.division == Parallelism::Series;
        if in_series { (self.rows_in_parallel * self.shape.head_dimension) as u64 } else { 0 }
    }

    /// The least depth of the short FIFOs at full rate.
    fn least_depth(&self) -> u32 {
        1 + u32::from(self.fifos.registered_full)
    }

    /// The least depth of the FIFOs that hold a row, at full rate: the row, and what comes while its sum is made and repeated.
    pub fn long_fifo(&self) -> usize {
        self.slots() + 2 + usize::from(self.fifos.registered_full)
    }
}
