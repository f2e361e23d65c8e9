//! From the simulator's counters and the design's memories to the report.

use systole_hdl::Design;
use systole_sim::{Simulator, StallPattern};

use crate::kernel::RunError;

use crate::report::{HighWater, MemoryItem, MemoryKind, StreamTraffic};

/// Traffic on every stream so far.
pub fn stream_traffic(simulator: &Simulator) -> Vec<StreamTraffic> {
    let counts = simulator.stream_counts().into_iter();
    counts
        .map(|count| StreamTraffic { path: count.path, transfers: count.transfers, stalled: count.stalled, starved: count.starved })
        .collect()
}

/// The fullest that every FIFO was so far.
pub fn high_water_marks(simulator: &Simulator) -> Vec<HighWater> {
    let marks = simulator.high_water_marks().into_iter();
    marks.map(|mark| HighWater { path: mark.path, high_water: mark.high_water, capacity: mark.capacity.into() }).collect()
}

/// All memories of a design as buffers: one item a memory of a module, named `module.memory`, with the words of all instances together.
pub fn memory_items(design: &Design) -> Vec<MemoryItem> {
    let modules = design.modules.iter().zip(design.instance_counts());
    let items = modules.flat_map(|(module, count)| {
        module.memories.iter().map(move |memory| MemoryItem {
            name: format!("{}.{}", module.name, memory.name),
            kind: MemoryKind::Buffer,
            words: count * u64::from(memory.depth),
            bits_per_word: memory.ty.width(),
        })
    });
    items.collect()
}

/// A stream's stall pattern under a configuration's seed: streams with equal patterns still stall independently.
pub fn reseeded(pattern: StallPattern, seed: u64, stream: u64) -> StallPattern {
    match pattern {
        StallPattern::Random { probability, seed: own } => {
            let mixed =
                [seed, stream].into_iter().fold(own, |mixed, part| (mixed ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
            StallPattern::Random { probability, seed: mixed }
        }
        pattern => pattern,
    }
}

/// A run that stopped: a deadlock is explained by a stream that never moves, if there is one among those of the configuration's `stalls`.
pub fn explained_by_silence(error: RunError, streams: &[(&'static str, StallPattern)]) -> RunError {
    let silent = |pattern: StallPattern| match pattern {
        StallPattern::Never => true,
        StallPattern::Random { probability, .. } => probability == 0.0,
        _ => false,
    };
    match (error, streams.iter().find(|(_, pattern)| silent(*pattern))) {
        (RunError::Stopped(stopped @ systole_sim::RunError::Deadlock(_)), Some((stream, _))) => RunError::Deadlock {
            stopped,
            reason: format!("stream `{stream}` never moves: its `stalls.{stream}` says so"),
            remedy: format!("let `stalls.{stream}` be active at times"),
        },
        (error, _) => error,
    }
}
