//! Intermediate storage: how many words, where they are, and how full the FIFOs were.

use serde::Serialize;

use super::Measured;

/// Intermediate storage. Its total is the sum of its items, by construction.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MemoryUse {
    intermediate_words: Measured<u64>,
    items: Vec<MemoryItem>,
    fifo_high_water: Vec<HighWater>,
}

impl MemoryUse {
    /// Storage that consists of these items.
    pub fn of_items(items: Vec<MemoryItem>, fifo_high_water: Vec<HighWater>) -> MemoryUse {
        MemoryUse { intermediate_words: items.iter().map(|item| item.words).sum::<u64>().into(), items, fifo_high_water }
    }

    /// Storage whose words were not counted, for this reason.
    pub fn not_measured(reason: impl Into<String>, fifo_high_water: Vec<HighWater>) -> MemoryUse {
        MemoryUse { intermediate_words: Measured::not_measured(reason), items: Vec::new(), fifo_high_water }
    }

    /// Words between the hardware's inputs and outputs: the sum over [`MemoryUse::items`].
    pub fn intermediate_words(&self) -> &Measured<u64> {
        &self.intermediate_words
    }

    /// Where those words are.
    pub fn items(&self) -> &[MemoryItem] {
        &self.items
    }

    /// The fullest that each FIFO was.
    pub fn fifo_high_water(&self) -> &[HighWater] {
        &self.fifo_high_water
    }
}

/// Some of the intermediate words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MemoryItem {
    /// The name of the FIFO, accumulator or memory.
    pub name: String,
    /// What it is for.
    pub kind: MemoryKind,
    /// How many words, over all instances.
    pub words: u64,
    /// Bits of each.
    pub bits_per_word: u32,
}

/// What intermediate words are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryKind {
    /// Slots of a FIFO between two units.
    Fifo,
    /// State that a unit keeps from one element to the next.
    Accumulator,
    /// Constants to look up.
    Table,
    /// Data that are read more than once, or in another order than written.
    Buffer,
}

impl MemoryKind {
    /// As the report writes it.
    pub fn name(self) -> &'static str {
        match self {
            MemoryKind::Fifo => "fifo",
            MemoryKind::Accumulator => "accumulator",
            MemoryKind::Table => "table",
            MemoryKind::Buffer => "buffer",
        }
    }
}

/// The fullest that a FIFO was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HighWater {
    /// Instance path and name.
    pub path: String,
    /// The most elements it held in any cycle.
    pub high_water: u64,
    /// The most it can hold.
    pub capacity: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: MemoryKind, words: u64) -> MemoryItem {
        MemoryItem { name: "here".into(), kind, words, bits_per_word: 8 }
    }

    #[test]
    fn intermediate_words_are_the_sum_of_the_items() {
        let memory = MemoryUse::of_items(vec![item(MemoryKind::Fifo, 258), item(MemoryKind::Accumulator, 33)], Vec::new());
        assert_eq!(memory.intermediate_words().value(), Some(&291));
        assert_eq!(MemoryUse::of_items(Vec::new(), Vec::new()).intermediate_words().value(), Some(&0));
        assert_eq!(MemoryUse::not_measured("no hardware", Vec::new()).intermediate_words().value(), None);
    }

    #[test]
    fn kinds_have_one_name_in_every_view() {
        for kind in [MemoryKind::Fifo, MemoryKind::Accumulator, MemoryKind::Table, MemoryKind::Buffer] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
