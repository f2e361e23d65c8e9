//! Reading many signals at once: what traces and records do in every cycle.
//!
//! An engine is told once which signals to watch and answers with a [`Watch`]: where each will stand in a *sample*, a block of
//! words in the engine's own order. A sample then costs a few block copies. Two samples are compared line by line.

use systole_hdl::CellId;

use crate::engine::{Engine, limbs_for};
use crate::hierarchy::NodeId;

/// Words of a line: samples are whole lines, and a signal of up to 64 bits stands within one.
pub const LINE_WORDS: usize = 8;

/// Bytes of a line.
pub const LINE_BYTES: usize = LINE_WORDS * 8;

/// Where a watched signal stands in a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The first byte, a multiple of `bytes`; of a signal beyond 64 bits a multiple of 8.
    pub byte: usize,
    /// 1, 2, 4 or 8; bits above the width follow from those below. Beyond 64 bits: 8 for each limb, zeros above the width.
    pub bytes: usize,
    /// The signal's width in bits.
    pub width: u32,
}

/// Watched signals of one engine, and how to sample them.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    words: usize,
    places: Vec<Place>,
    /// Blocks of the engine's memory; engines that have none leave it empty.
    copies: Vec<Block>,
    /// Signals that are read one by one, and the first word of each.
    singles: Vec<(NodeId, CellId, usize)>,
}

/// Words to copy.
#[derive(Clone, Copy, Debug)]
struct Block {
    from: usize,
    to: usize,
    words: usize,
}

impl Watch {
    /// A watch of signals that are read one by one: what an engine without blocks does.
    pub fn one_by_one(engine: &(impl Engine + ?Sized), signals: &[(NodeId, CellId)]) -> Watch {
        let mut watch = Watch::default();
        for &(node, cell) in signals {
            watch.add_single(node, cell, engine.hierarchy().module(node).ty(cell).width());
        }
        watch
    }

    /// A watch of signals in an engine's memory. `find` gives the first byte, the number of bytes and the width of each that is
    /// stored there, in lines; of the others their width alone.
    pub(crate) fn in_memory(signals: &[(NodeId, CellId)], find: impl Fn(NodeId, CellId) -> (Option<(usize, usize)>, u32)) -> Watch {
        let found: Vec<_> = signals.iter().map(|&(node, cell)| find(node, cell)).collect();
        let lines_of = |(byte, bytes): (usize, usize)| byte / LINE_BYTES..(byte + bytes).div_ceil(LINE_BYTES);
        let mut lines: Vec<usize> = found.iter().filter_map(|(stored, _)| *stored).flat_map(lines_of).collect();
        lines.sort_unstable();
        lines.dedup();
        let mut watch = Watch { words: lines.len() * LINE_WORDS, ..Watch::default() };
        for (index, &line) in lines.iter().enumerate() {
            let (from, to) = (line * LINE_WORDS, index * LINE_WORDS);
            match watch.copies.last_mut().filter(|block| block.from + block.words == from) {
                Some(block) => block.words += LINE_WORDS,
                None => watch.copies.push(Block { from, to, words: LINE_WORDS }),
            }
        }
        for (&(node, cell), &(stored, width)) in signals.iter().zip(&found) {
            match stored {
                Some((byte, bytes)) => {
                    let line = lines.partition_point(|&line| line < byte / LINE_BYTES);
                    watch.places.push(Place { byte: line * LINE_BYTES + byte % LINE_BYTES, bytes, width });
                }
                None => watch.add_single(node, cell, width),
            }
        }
        watch
    }

    fn add_single(&mut self, node: NodeId, cell: CellId, width: u32) {
        let limbs = limbs_for(width);
        // Side by side, and still in whole lines.
        let word = self.singles.last().map_or(self.words, |&(.., word)| word + self.places[self.places.len() - 1].bytes / 8);
        self.singles.push((node, cell, word));
        self.places.push(Place { byte: word * 8, bytes: limbs * 8, width });
        self.words = self.words.max((word + limbs).next_multiple_of(LINE_WORDS));
    }

    /// Words of a sample, whole lines.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Where the signals stand, in the order in which they were asked for.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Fills a sample from an engine's memory and, for the rest, signal by signal.
    pub(crate) fn sample(&self, engine: &(impl Engine + ?Sized), memory: &[u64], sample: &mut [u64]) {
        for &Block { from, to, words } in &self.copies {
            sample[to..to + words].copy_from_slice(&memory[from..from + words]);
        }
        for &(node, cell, word) in &self.singles {
            engine.read(node, cell, &mut sample[word..]);
        }
    }
}
