//! What the report shows of the graph: its storage item by item and over the number of keys, and its picture.

use systole_dataflow::dot::{ChannelUse, dot};
use systole_dataflow::hardware::identifier;
use systole_dataflow::svg::svg;
use systole_dataflow::{Depth, Graph, Need, StorageKind, family_depths};

use super::formats::Formats;
use super::graph::{Layout, Operands};
use super::parameters::Variant;
use super::prepare::Shape;
use crate::common::plot::{Axis, LinePlot, Point, Scale, Series};
use crate::report::{Figure, FigureFormat, HighWater, MemoryItem, MemoryKind, NamedTable, StreamTraffic, grouped};

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
        let [naive, stable, deferred, memory_free] = variants.each_ref().map(|words| grouped(words[at].1));
        [grouped(KEYS[at] as u64), naive, stable, deferred, memory_free]
    };
    let [naive, stable, deferred, memory_free] = Variant::ALL.map(Variant::name);
    let columns = ["keys", naive, stable, deferred, memory_free];
    NamedTable::new("intermediate words over the number of keys, FIFOs at full rate", columns, (0..KEYS.len()).map(row))
}

/// The least depth of each FIFO of a layout at full rate, for several numbers of keys, and how it grows with that number, N.
pub fn least_depths(layout: &Layout) -> NamedTable {
    let of_keys = |keys: u64| {
        let keys = keys as usize;
        // Three passes: what the first one does is not what the others do.
        let rows = if layout.windows() { keys } else { keys.min(3 * layout.rows_in_parallel) };
        // Times do not depend on formats, and the configured ones may not suit so many keys.
        let shape = Shape { rows, keys, ..layout.shape };
        let layout = Layout { shape, heads: 1, formats: Formats::default(), ..layout.clone() };
        layout.graph(&layout.zeros()).graph
    };
    let here = layout.graph(&Operands::default()).graph;
    let depth_of = |name: &str| {
        let depth = here.channels().find(|(_, channel)| channel.name == name).map(|(_, channel)| channel.depth);
        if let Some(Depth::Words(words)) = depth { words.to_string() } else { "-".into() }
    };
    // More keys than one divider has quotients to make for a pass: below, that is what a pass waits for.
    let first = (2 * layout.rows_in_parallel * layout.shape.head_dimension).next_power_of_two().max(16) as u64;
    let sizes = [first, 2 * first, 4 * first];
    let title = "least depths of the FIFOs at full rate, over the number of keys N";
    let needs = match family_depths(&sizes, of_keys) {
        Ok(needs) => needs,
        Err(error) => return NamedTable::new(format!("{title}: not found ({error})"), ["fifo"], []),
    };
    let row = |need: &Need| {
        let [first, second, third] = [0, 1, 2].map(|at| need.depths.get(at).map_or_else(|| "-".into(), |(_, depth)| depth.to_string()));
        [need.name.clone(), depth_of(&need.name), first, second, third, need.growth.to_string()]
    };
    let [first, second, third] = sizes.map(|size| format!("N = {size}"));
    let columns = ["fifo", "depth here", &first, &second, &third, "over N"];
    NamedTable::new(title, columns, needs.iter().map(row))
}

/// Pictures: the graph, with what was measured on its channels, and what the variants hold over the number of keys.
pub fn figures(layout: &Layout, graph: &Graph, uses: &[ChannelUse]) -> Vec<Figure> {
    let title = "the graph, with depths, high-water marks and stalls";
    let memory_title = "intermediate words over the number of keys, FIFOs at full rate";
    let series = |variant: Variant| Series {
        name: variant.name().to_string(),
        points: words_over_keys(layout, variant, &KEYS).into_iter().map(|(keys, words)| Point::new(keys as f64, words as f64)).collect(),
    };
    let axis = |label: &str| Axis { label: label.into(), scale: Scale::Log2 };
    let memory =
        LinePlot { title: memory_title.into(), x: axis("keys"), y: axis("intermediate words"), series: Variant::ALL.map(series).into() };
    vec![
        Figure::new("graph", title, FigureFormat::Svg, svg(graph, uses)),
        Figure::new("graph", title, FigureFormat::Dot, dot(graph, uses)),
        Figure::new("memory", memory_title, FigureFormat::Svg, memory.svg()),
    ]
}

/// What the simulator counted on the FIFOs of the graph's channels.
pub fn uses(graph: &Graph, high_water: &[HighWater], streams: &[StreamTraffic]) -> Vec<ChannelUse> {
    let of_channel = |name: &str| {
        let fifo = format!(".{}_fifo", identifier(name));
        let down = format!("{fifo}.down");
        let high_water = high_water.iter().find(|mark| mark.path.ends_with(&fifo)).map_or(0, |mark| mark.high_water);
        ChannelUse { high_water, stalled: streams.iter().find(|stream| stream.path.ends_with(&down)).map(|stream| stream.stalled) }
    };
    graph.channels().map(|(_, channel)| of_channel(&channel.name)).collect()
}
