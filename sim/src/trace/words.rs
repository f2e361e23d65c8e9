//! Words of memories in a trace's samples.

use systole_hdl::design::MemoryId;

use crate::engine::{Engine, limbs_for};
use crate::hierarchy::NodeId;
use crate::samples::{LINE_WORDS, Place};

/// The words shown, in whole lines behind the watched signals.
#[derive(Debug)]
pub(super) struct Words {
    /// First word of the lines in the sample, and how many are in use.
    start: usize,
    used: usize,
    /// Each with its first place in the lines.
    all: Vec<(NodeId, MemoryId, u32, usize)>,
}

impl Words {
    /// None yet, in samples whose first `start` words are taken.
    pub fn behind(start: usize) -> Words {
        Words { start, used: 0, all: Vec::new() }
    }

    /// Adds a word of a memory, and says where it stands in the sample.
    pub fn add(&mut self, (node, memory, address): (NodeId, MemoryId, u32), width: u32) -> Place {
        let limbs = limbs_for(width);
        self.all.push((node, memory, address, self.used));
        let byte = 8 * (self.start + self.used);
        self.used += limbs;
        Place { byte, bytes: 8 * limbs, width }
    }

    /// Words of a sample with all of them.
    pub fn end(&self) -> usize {
        self.start + self.used.next_multiple_of(LINE_WORDS)
    }

    /// Fills their lines, which are `sample`.
    pub fn sample(&self, engine: &dyn Engine, sample: &mut [u64]) {
        for &(node, memory, address, place) in &self.all {
            engine.read_memory(node, memory, address, &mut sample[place..]);
        }
    }
}
