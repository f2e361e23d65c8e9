//! The memory of a running circuit: one block of 64-bit words that holds every signal, memory and intermediate result.
//!
//! A scalar takes a word. A vector takes its lanes one after the other in a container of 1 to 8 bytes, the lowest byte first, so
//! that the low bytes of any element are the element in a smaller container.

#![allow(unsafe_code)]

use systole_lanes::Container;

/// A cache line: what vectors are aligned to.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; LINE_WORDS]);

/// Words of a cache line.
pub(super) const LINE_WORDS: usize = 8;

/// Words behind the last one in use, so that a kernel may read a chunk that begins with the last element.
const MARGIN_LINES: usize = 2;

#[cfg(not(target_endian = "little"))]
compile_error!("the compiled engine reads the low bytes of a word at the word's address");

/// The block.
#[derive(Clone)]
pub(super) struct Arena {
    lines: Vec<Line>,
}

impl Arena {
    /// A block of zeros.
    pub fn new(words: usize) -> Arena {
        Arena { lines: vec![Line([0; LINE_WORDS]); words.div_ceil(LINE_WORDS) + MARGIN_LINES] }
    }

    /// Words in use, in whole lines.
    pub fn len(&self) -> usize {
        (self.lines.len() - MARGIN_LINES) * LINE_WORDS
    }

    /// Makes room for `words` more behind what is there; gives the first one's index, at the start of a line.
    pub fn grow(&mut self, words: usize) -> usize {
        let first = self.len();
        self.lines.resize(self.lines.len() + words.div_ceil(LINE_WORDS), Line([0; LINE_WORDS]));
        first
    }

    /// Bytes, the margin included.
    pub fn bytes(&self) -> usize {
        self.lines.len() * LINE_WORDS * 8
    }

    /// The start of the block.
    pub fn base(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }

    /// All words, the margin included.
    pub fn words(&self) -> &[u64] {
        // SAFETY: a `Line` is `repr(C)` of nothing but its words, so the lines are that many words in a row.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LINE_WORDS) }
    }

    /// All words, the margin included.
    pub fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: as for `words`; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * LINE_WORDS) }
    }

    /// Gives up all beyond the first `words`.
    pub fn truncate(&mut self, words: usize) {
        self.lines.truncate(words.div_ceil(LINE_WORDS) + MARGIN_LINES);
    }

    /// All bytes, the margin included.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: as for `words`; bytes have no alignment and every pattern is one.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.bytes()) }
    }

    /// All bytes, the margin included.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `words_mut`; bytes have no alignment and every pattern is one.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * LINE_WORDS * 8) }
    }

    /// The element at a byte, zero-extended. Elements are aligned to their size.
    #[inline]
    pub fn load(&self, byte: usize, container: Container) -> u64 {
        let word = self.words()[byte / 8];
        (word >> (byte % 8 * 8)) & container.mask()
    }

    /// Puts the low bits of `number` into the element at a byte.
    #[inline]
    pub fn store(&mut self, byte: usize, container: Container, number: u64) {
        let (shift, mask) = (byte % 8 * 8, container.mask());
        let word = &mut self.words_mut()[byte / 8];
        *word = *word & !(mask << shift) | (number & mask) << shift;
    }
}
