//! Memories: words in limbs, out-of-range addresses, masked writes.

use systole_hdl::design::Memory;

use crate::engine::limbs_for;

/// The words of one memory of one instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Words {
    limbs: usize,
    depth: u64,
    width: u32,
    words: Vec<u64>,
}

/// Where a signal stands in the state, whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Span {
    pub slot: u32,
    pub limbs: u32,
}

impl Span {
    /// The signal's limbs.
    pub fn of(self, state: &[u64]) -> &[u64] {
        &state[self.slot as usize..][..self.limbs as usize]
    }

    /// The signal as an unsigned number; `None` beyond 64 bits.
    pub fn number(self, state: &[u64]) -> Option<u64> {
        let limbs = self.of(state);
        limbs[1..].iter().all(|&limb| limb == 0).then_some(limbs[0])
    }
}

/// A write port of one memory of one instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    /// Index among all memories of all instances.
    pub memory: u32,
    pub address: Span,
    pub data: Span,
    pub enable: u32,
    pub mask: Option<Mask>,
}

/// Which parts of a word a write touches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask {
    pub bits: Span,
    /// Bits of the word that one mask bit guards.
    pub part: u32,
}

impl Words {
    pub fn new(memory: &Memory) -> Words {
        let limbs = limbs_for(memory.ty.width());
        let mut words = vec![0; limbs * memory.depth as usize];
        for (word, value) in words.chunks_exact_mut(limbs).zip(&memory.initial) {
            word.copy_from_slice(value.limbs());
        }
        Words { limbs, depth: memory.depth.into(), width: memory.ty.width(), words }
    }

    /// The word at an address; `None` at or beyond the depth.
    pub fn word(&self, address: u64) -> Option<&[u64]> {
        (address < self.depth).then(|| &self.words[address as usize * self.limbs..][..self.limbs])
    }

    pub fn word_mut(&mut self, address: u64) -> Option<&mut [u64]> {
        (address < self.depth).then(|| &mut self.words[address as usize * self.limbs..][..self.limbs])
    }

    /// Bits of a word.
    pub fn width(&self) -> u32 {
        self.width
    }
}

impl Write {
    /// The address written at an edge now; `None` if this port writes nothing.
    pub fn target(&self, state: &[u64], words: &Words) -> Option<u64> {
        let enabled = state[self.enable as usize] & 1 == 1;
        self.address.number(state).filter(|&address| enabled && address < words.depth)
    }

    /// Puts the unmasked parts of the data into a word.
    pub fn merge_into(&self, word: &mut [u64], state: &[u64]) {
        let data = self.data.of(state);
        let Some(Mask { bits, part }) = self.mask else {
            word.copy_from_slice(data);
            return;
        };
        let mask = bits.of(state);
        for (i, (word, data)) in word.iter_mut().zip(data).enumerate() {
            let written = limb_mask(mask, part, i);
            *word = *word & !written | data & written;
        }
    }
}

/// The bits of limb `limb` of a word that a mask lets through, each mask bit guarding `part` bits of the word.
pub(crate) fn limb_mask(mask: &[u64], part: u32, limb: usize) -> u64 {
    let first = limb as u32 * 64;
    let mut through = 0;
    let mut bit = 0;
    while bit < 64 {
        let guard = (first + bit) / part;
        let end = ((guard + 1) * part - first).min(64);
        let guards = mask.get((guard / 64) as usize).copied().unwrap_or(0);
        if guards >> (guard % 64) & 1 == 1 {
            through |= u64::MAX >> (64 - (end - bit)) << bit;
        }
        bit = end;
    }
    through
}

#[cfg(test)]
mod tests {
    use super::limb_mask;

    #[test]
    fn a_mask_bit_guards_its_part_even_across_limbs() {
        assert_eq!(limb_mask(&[0b0101], 8, 0), 0x00ff_00ff);
        assert_eq!(limb_mask(&[0b1], 128, 0), u64::MAX);
        assert_eq!(limb_mask(&[0b1], 128, 1), u64::MAX);
        assert_eq!(limb_mask(&[0b10], 48, 0), 0xffff << 48);
        assert_eq!(limb_mask(&[0b10], 48, 1), 0xffff_ffff);
        assert_eq!(limb_mask(&[0, 1], 1, 1), 1);
    }
}
