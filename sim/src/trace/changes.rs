//! Samples on their way from the simulating thread to the writing one, and what changed between two of them.

use crate::engine::DomainSet;
use crate::samples::{LINE_BYTES, LINE_WORDS, Place};

/// Bytes of samples after which a batch is handed over: enough to make that cheap, little enough to stay in a core's cache.
const BATCH: usize = 128 << 10;

/// The most cycles in a batch.
const CYCLES: usize = 1024;

/// Samples of several cycles. Its memory travels back and is used again.
#[derive(Default, Debug)]
pub(super) struct Batch {
    /// The cycles, ascending; also those without a change.
    pub cycles: Vec<Cycle>,
    /// A sample of each cycle, one after the other; beyond them, anything.
    samples: Vec<u64>,
}

/// One cycle of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Cycle {
    /// Its number.
    pub cycle: u64,
    /// The domains whose edge began it.
    pub began: DomainSet,
}

impl Batch {
    /// Adds a cycle and gives its sample of `words` words, to be filled.
    pub fn add(&mut self, cycle: Cycle, words: usize) -> &mut [u64] {
        let start = self.cycles.len() * words;
        if self.samples.len() < start + words {
            self.samples.resize((2 * start).max(start + words), 0);
        }
        self.cycles.push(cycle);
        &mut self.samples[start..start + words]
    }

    /// The cycles with their samples.
    pub fn iter(&self, words: usize) -> impl Iterator<Item = (Cycle, &[u64])> {
        self.cycles.iter().enumerate().map(move |(index, &cycle)| (cycle, &self.samples[index * words..][..words]))
    }

    /// Whether it is time to hand it over.
    pub fn is_full(&self, words: usize) -> bool {
        self.cycles.len() >= CYCLES || self.cycles.len() * words * 8 >= BATCH
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.cycles.clear();
    }
}

/// Elements of one size, side by side in a line of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// First word in the sample.
    pub word: usize,
    /// 1, 2, 4 or 8.
    pub bytes: usize,
    /// Number of the line's first element among those of all lines.
    pub first: usize,
    /// Which elements are sources.
    sources: u64,
}

/// A source of more than 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    /// First word in the sample.
    pub word: usize,
    /// Number of words.
    pub limbs: usize,
}

/// Where sources stand in a sample.
#[derive(Debug)]
pub(super) struct Table {
    /// Words of a sample.
    pub words: usize,
    /// The lines that hold a source of at most 64 bits; twice if they hold two sizes.
    pub lines: Vec<Line>,
    /// The other sources.
    pub wide: Vec<Wide>,
    /// By element of all lines, then by wide source: the sources that are this one, few or none.
    pub sources: Vec<Vec<usize>>,
}

impl Table {
    /// For sources at these places in samples of so many words.
    pub fn new(words: usize, places: impl IntoIterator<Item = (usize, Place)>) -> Table {
        let mut table = Table { words, lines: Vec::new(), wide: Vec::new(), sources: Vec::new() };
        let mut sorted: Vec<(usize, Place)> = places.into_iter().collect();
        sorted.sort_by_key(|(_, place)| (place.width > 64, place.byte / LINE_BYTES, place.bytes, place.byte));
        for (source, place) in sorted {
            if place.width > 64 {
                if table.wide.last().is_none_or(|wide| wide.word * 8 != place.byte) {
                    table.wide.push(Wide { word: place.byte / 8, limbs: place.bytes / 8 });
                    table.sources.push(Vec::new());
                }
                table.sources.last_mut().expect("one was pushed").push(source);
                continue;
            }
            let word = place.byte / LINE_BYTES * LINE_WORDS;
            if table.lines.last().is_none_or(|line| (line.word, line.bytes) != (word, place.bytes)) {
                table.lines.push(Line { word, bytes: place.bytes, first: table.sources.len(), sources: 0 });
                table.sources.resize(table.sources.len() + LINE_BYTES / place.bytes, Vec::new());
            }
            let line = table.lines.last_mut().expect("one was pushed");
            let index = place.byte % LINE_BYTES / place.bytes;
            line.sources |= 1 << index;
            table.sources[line.first + index].push(source);
        }
        table
    }

    /// Number of the first wide source in [`Table::sources`].
    pub fn first_wide(&self) -> usize {
        self.sources.len() - self.wide.len()
    }
}

impl Line {
    /// Its words in a sample.
    pub fn of(self, sample: &[u64]) -> &[u64; LINE_WORDS] {
        sample[self.word..].first_chunk().expect("a sample is whole lines")
    }

    /// Number of elements.
    pub fn elements(self) -> usize {
        LINE_BYTES / self.bytes
    }

    /// An element's value; what is above its width follows from what is below.
    #[inline]
    pub fn value(self, words: &[u64; LINE_WORDS], element: usize) -> u64 {
        let byte = element * self.bytes;
        words[byte / 8 % LINE_WORDS] >> (byte % 8 * 8) & u64::MAX >> (64 - self.bytes * 8)
    }

    /// The sources in it as a set of bits: bit *i* for its *i*-th element.
    pub fn all(self) -> u64 {
        self.sources
    }

    /// Those sources that differ.
    #[inline]
    pub fn changed(self, before: &[u64; LINE_WORDS], now: &[u64; LINE_WORDS]) -> u64 {
        let mut differ = [0; LINE_WORDS];
        (0..LINE_WORDS).for_each(|word| differ[word] = before[word] ^ now[word]);
        if differ.iter().fold(0, |any, word| any | word) == 0 {
            return 0;
        }
        let changed = match self.bytes {
            1 => gather(&differ, u64::from_ne_bytes([0x7f; 8]), 0x0102_0408_1020_4080, 56, 8),
            2 => gather(&differ, 0x7fff_7fff_7fff_7fff, 0x0001_0002_0004_0008, 48, 4),
            4 => gather(&differ, 0x7fff_ffff_7fff_ffff, 0x4000_0000_8000_0000, 62, 2),
            _ => differ.iter().rev().fold(0, |set, word| set << 1 | u64::from(*word != 0)),
        };
        changed & self.sources
    }
}

/// The set of elements with a bit set, `per_word` of them in a word.
///
/// `below` has all bits of each element but the highest: adding it carries into the highest if any other is set. Of those
/// highest bits a multiplication puts one beside the other at bit `at`.
#[inline(always)]
fn gather(words: &[u64; LINE_WORDS], below: u64, factor: u64, at: u32, per_word: u32) -> u64 {
    let lowest = 64 / per_word - 1;
    words.iter().rev().fold(0, |set, word| {
        let highest = (((word & below) + below) | word) & !below;
        let bits = (highest >> lowest).wrapping_mul(factor) >> at & ((1 << per_word) - 1);
        set << per_word | bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_elements_that_changed_are_found(
            size in 0u32..4, before in any::<[u64; 8]>(), flips in prop::collection::vec(0u32..512, 0..40), sources in any::<u64>(),
        ) {
            let mut now = before;
            flips.iter().for_each(|flip| now[*flip as usize / 64] ^= 1 << (flip % 64));
            let bytes = 1usize << size;
            let line = Line { word: 0, bytes, first: 0, sources };
            let bytes_of = |words: [u64; 8]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
            let (b, n) = (bytes_of(before), bytes_of(now));
            let expected = (0..64 / bytes).filter(|i| b[i * bytes..][..bytes] != n[i * bytes..][..bytes]).fold(0u64, |set, i| set | 1 << i);
            prop_assert_eq!(line.changed(&before, &now), expected & sources);
        }
    }
}
