//! From the simulator's counters and the design's memories to the report.

use systole_hdl::Design;
use systole_sim::{Simulator, StallPattern};

use crate::report::{HighWater, StreamTraffic};

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

/// Words of all memories of a design, over all instances.
pub fn intermediate_words(design: &Design) -> u64 {
    let words = |memories: &[systole_hdl::design::Memory]| memories.iter().map(|memory| u64::from(memory.depth)).sum::<u64>();
    design.modules.iter().zip(design.instance_counts()).map(|(module, count)| count * words(&module.memories)).sum()
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
