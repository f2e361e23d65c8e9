//! What the report shows of the graph: its storage item by item and over the number of keys, and its picture.

use systole_dataflow::dot::{ChannelUse, dot};
use systole_dataflow::hardware::identifier;
use systole_dataflow::svg::svg;
use systole_dataflow::{Graph, StorageKind};

use super::graph::{Layout, Operands};
use super::parameters::Variant;
use super::prepare::Shape;
use crate::report::{Figure, FigureFormat, HighWater, MemoryItem, MemoryKind, NamedTable, StreamTraffic};

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

/// Pictures of the graph, with what was measured on its channels.
pub fn figures(graph: &Graph, uses: &[ChannelUse]) -> Vec<Figure> {
    let title = "the graph, with depths, high-water marks and stalls";
    vec![Figure::new("graph", title, FigureFormat::Svg, svg(graph, uses)), Figure::new("graph", title, FigureFormat::Dot, dot(graph, uses))]
}

/// What the simulator counted on the FIFOs of the graph's channels.
pub fn uses(graph: &Graph, high_water: &[HighWater], streams: &[StreamTraffic]) -> Vec<ChannelUse> {
    let of_channel = |name: &str| {
        let fifo = format!("{}_fifo", identifier(name));
        let is_of =
            |path: &str, probe: &str| path.rsplit_once('.').is_some_and(|(instance, last)| last == probe && instance.ends_with(&fifo));
        let high_water = high_water.iter().find(|mark| is_of(&mark.path, "level")).map_or(0, |mark| mark.high_water);
        let stalled = streams.iter().find(|stream| is_of(&stream.path, "down")).map(|stream| stream.stalled);
        ChannelUse { high_water, stalled }
    };
    graph.channels().map(|(_, channel)| of_channel(&channel.name)).collect()
}
