//! Counting every stream and every FIFO level, without hardware for it.

use crate::connect::{SignalId, is_high};
use crate::engine::{DomainSet, Engine};
use crate::hierarchy::Hierarchy;
use crate::probes::Probes;

/// What happened on a stream. Cycles are those that end in an edge of the stream's domain outside reset; a cycle that is none
/// of the three was idle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamCount {
    /// Full path of the stream's name in the outermost module that knows it.
    pub path: String,
    /// Cycles with `valid` and `ready`.
    pub transfers: u64,
    /// Cycles with `valid` without `ready`.
    pub stalled: u64,
    /// Cycles with `ready` without `valid`.
    pub starved: u64,
}

/// How full a FIFO became.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HighWater {
    /// Full path of the FIFO: of its instance, if that has no other level, otherwise of the level's name.
    pub path: String,
    /// The most elements it held in any settled cycle outside reset.
    pub high_water: u64,
    /// The most it can hold.
    pub capacity: u32,
}

/// The counts so far, parallel to the probes.
#[derive(Debug)]
pub(crate) struct Counters {
    probes: Probes,
    streams: Vec<[u64; 3]>,
    levels: Vec<u64>,
}

impl Counters {
    pub fn new(probes: Probes) -> Counters {
        Counters { streams: vec![[0; 3]; probes.streams.len()], levels: vec![0; probes.levels.len()], probes }
    }

    /// Whether there is nothing to count.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.levels.is_empty()
    }

    /// The signals read in every cycle.
    pub fn signals(&self) -> Vec<SignalId> {
        let streams = self.probes.streams.iter().flat_map(|stream| [stream.valid, stream.ready]);
        streams.chain(self.probes.levels.iter().map(|level| level.level)).collect()
    }

    /// Counts a settled cycle that ends in edges of these domains, none of them in reset; true if something was transferred.
    pub fn count(&mut self, engine: &dyn Engine, edges: DomainSet) -> bool {
        let mut moved = false;
        for (stream, [transfers, stalled, starved]) in self.probes.streams.iter().zip(&mut self.streams) {
            if !edges.contains(stream.domain) {
                continue;
            }
            match (is_high(engine, stream.valid), is_high(engine, stream.ready)) {
                (true, true) => {
                    *transfers += 1;
                    moved = true;
                }
                (true, false) => *stalled += 1,
                (false, true) => *starved += 1,
                (false, false) => {}
            }
        }
        for (level, high_water) in self.probes.levels.iter().zip(&mut self.levels) {
            let (node, cell) = level.level;
            *high_water = engine.read_u64(node, cell).max(*high_water);
        }
        moved
    }

    pub fn clear(&mut self) {
        self.streams.fill([0; 3]);
        self.levels.fill(0);
    }

    pub fn streams(&self, hierarchy: &Hierarchy) -> Vec<StreamCount> {
        let counts = self.probes.streams.iter().zip(&self.streams);
        counts
            .map(|(stream, &[transfers, stalled, starved])| StreamCount { path: stream.path(hierarchy), transfers, stalled, starved })
            .collect()
    }

    pub fn levels(&self, hierarchy: &Hierarchy) -> Vec<HighWater> {
        let levels = self.probes.levels.iter().zip(&self.levels);
        levels.map(|(level, &high_water)| HighWater { path: level.path(hierarchy), high_water, capacity: level.capacity }).collect()
    }
}
