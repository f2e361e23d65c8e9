//! What a graph holds between its sources and its sinks, item by item.

use crate::graph::{Depth, Graph, Kind};

/// Some of the words that a graph holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The channel's or the unit's name.
    pub name: String,
    /// What the words are.
    pub kind: StorageKind,
    /// How many.
    pub words: u64,
    /// Bits of one.
    pub bits: u32,
}

/// What words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// Places of a FIFO: a word is an element.
    Fifo,
    /// The state of a reduction or scan, or a memory of such states: a word is a number.
    State,
    /// What a unit holds of the element that it took, to give it again: a word is a number.
    Held,
    /// Stages of a unit behind the first one: a word is an element.
    Pipeline,
}

impl Graph {
    /// Everything that the graph holds: channels in their order, then units. Unbounded FIFOs count as none. A stage of a pipeline counts as
    /// one element, though it may hold other numbers on the way to it.
    pub fn storage(&self) -> Vec<Storage> {
        let mut storage = Vec::new();
        let mut add = |name: &str, kind, words: u64, bits| {
            if words > 0 {
                storage.push(Storage { name: name.to_string(), kind, words, bits });
            }
        };
        for (_, channel) in self.fifos() {
            let words = match channel.depth {
                Depth::Words(words) => words as u64,
                Depth::Unbounded => 0,
            };
            add(&channel.name, StorageKind::Fifo, words, channel.fields.iter().map(|ty| ty.width()).sum());
        }
        for (_, unit) in self.units() {
            let kind = if matches!(unit.kind, Kind::Repeat | Kind::Flatmap) { StorageKind::Held } else { StorageKind::State };
            let mut types: Vec<_> = unit.fold.state.iter().map(|word| word.ty).collect();
            types.sort_unstable();
            for alike in types.chunk_by(|a, b| a == b) {
                add(&unit.name, kind, unit.states.saturating_mul(alike.len() as u64), alike[0].width());
            }
            if let Some(&output) = unit.outputs.first() {
                let bits = self.channel(output).fields.iter().map(|ty| ty.width()).sum();
                add(&unit.name, StorageKind::Pipeline, unit.latency.saturating_sub(1), bits);
            }
        }
        storage
    }
}
