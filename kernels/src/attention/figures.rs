//! What the report shows of the graph: its storage item by item and over the number of keys, and its picture.

use systole_dataflow::dot::dot;
use systole_dataflow::{Graph, StorageKind};

use super::graph::{Layout, Operands};
use super::parameters::Variant;
use super::prepare::Shape;
use crate::report::{Figure, FigureFormat, MemoryItem, MemoryKind, NamedTable};

/// Numbers of keys at which storage is shown.
const KEYS: [usize; 5] = [64, 256, 1024, 4096, 16384];

/// Everything that a graph holds, but for what is constant.
pub fn memory_items(graph: &Graph) -> Vec<MemoryItem> {
    let kind = |kind| match kind {
        StorageKind::Fifo => MemoryKind::Fifo,
        StorageKind::State => MemoryKind::Accumulator,
        StorageKind::Held | StorageKind::Pipeline => MemoryKind::Buffer,
    };
    let items = graph.storage().into_iter();
    items
        .map(|storage| MemoryItem { name: storage.name, kind: kind(storage.kind), words: storage.words, bits_per_word: storage.bits })
        .collect()
}

/// The words that a layout's variants hold with other numbers of keys: FIFOs at full rate.
pub fn words_over_keys(layout: &Layout, variant: Variant, keys: &[usize]) -> Vec<(usize, u64)> {
    let words = |keys: usize| {
        let shape = Shape { rows: 1, keys, ..layout.shape };
        let mut layout = Layout { variant, shape, ..layout.clone() };
        layout.fifos.long = None;
        layout.graph(&Operands::default()).graph.storage().iter().map(|storage| storage.words).sum()
    };
    keys.iter().map(|&keys| (keys, words(keys))).collect()
}

/// Intermediate words of every variant over the number of keys.
pub fn memory_over_keys(layout: &Layout) -> NamedTable {
    let variants = Variant::ALL.map(|variant| words_over_keys(layout, variant, &KEYS));
    let row = |at: usize| {
        let [naive, stable, deferred, memory_free] = variants.each_ref().map(|words| words[at].1.to_string());
        [KEYS[at].to_string(), naive, stable, deferred, memory_free]
    };
    let columns = ["keys", "naive", "stable", "deferred", "memory-free"];
    NamedTable::new("intermediate words over the number of keys, FIFOs at full rate", columns, (0..KEYS.len()).map(row))
}

/// Pictures of the graph.
pub fn figures(_: &Layout, graph: &Graph) -> Vec<Figure> {
    let run = graph.run_timing().ok();
    vec![Figure::new("graph", "the graph, with depths and high-water marks", FigureFormat::Dot, dot(graph, run.as_ref()))]
}
