//! Memory ports over the lanes of a class; a single instance is one lane.

use std::ops::Range;

use systole_hdl::Value;

use super::arena::Arena;
use super::layout::{MemoryPlace, Shape, number, store_value};
use crate::reference::memory::limb_mask;

/// A port's operand, lane by lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct PortOperand {
    /// Lane 0's element.
    pub byte: usize,
    /// Bytes to the next lane's; 0 if all lanes share one.
    pub stride: usize,
    pub shape: Shape,
    pub width: u32,
    /// Whether what stands above the width may be signs.
    pub signed: bool,
}

impl PortOperand {
    /// The bytes of `lanes` lanes.
    fn bytes(&self, lanes: usize) -> Range<usize> {
        self.byte..self.byte + (lanes - 1) * self.stride + self.shape.bytes()
    }

    fn at(&self, lane: usize) -> usize {
        self.byte + lane * self.stride
    }

    /// The unsigned number; `None` if it is at or beyond 2⁶⁴.
    fn unsigned(&self, arena: &Arena, lane: usize) -> Option<u64> {
        match self.shape {
            Shape::Narrow(container) => Some(arena.load(self.at(lane), container) & u64::MAX >> (64 - self.width)),
            Shape::Wide(limbs) => {
                let limbs = &arena.words()[self.at(lane) / 8..][..limbs as usize];
                limbs[1..].iter().all(|&limb| limb == 0).then_some(limbs[0])
            }
        }
    }

    fn is_set(&self, arena: &Arena, lane: usize) -> bool {
        self.unsigned(arena, lane).is_some_and(|bit| bit & 1 == 1)
    }

    /// Limb `limb` of the pattern.
    fn limb(&self, arena: &Arena, lane: usize, limb: usize) -> u64 {
        match self.shape {
            Shape::Narrow(container) => arena.load(self.at(lane), container),
            Shape::Wide(_) => arena.words()[self.at(lane) / 8 + limb],
        }
    }
}

/// A read of the word as it stands. Lanes that are not enabled keep what `held` has.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryRead {
    pub memory: MemoryPlace,
    pub lanes: usize,
    pub address: PortOperand,
    pub enable: Option<Enable>,
    /// Lane 0's result; the others follow.
    pub out: usize,
    pub out_shape: Shape,
}

/// When a registered read takes a word, and what it shows otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enable {
    pub enable: PortOperand,
    /// The register, lane 0's element.
    pub held: usize,
}

impl MemoryRead {
    /// Calls `visit` with every range of bytes that it reads.
    pub fn for_each_read(&self, visit: &mut dyn FnMut(Range<usize>)) {
        visit(self.address.bytes(self.lanes));
        visit(self.memory.byte..self.memory.byte + self.lanes * self.memory.lane_bytes());
        if let Some(Enable { enable, held }) = self.enable {
            visit(enable.bytes(self.lanes));
            visit(held..held + self.lanes * self.out_shape.bytes());
        }
    }

    pub fn run(&self, arena: &mut Arena) {
        let size = self.out_shape.bytes();
        for lane in 0..self.lanes {
            let out = self.out + lane * size;
            if let Some(Enable { enable, held }) = self.enable
                && !enable.is_set(arena, lane)
            {
                let held = held + lane * size;
                arena.bytes_mut().copy_within(held..held + size, out);
                continue;
            }
            let address = self.address.unsigned(arena, lane).filter(|&address| address < self.memory.depth.into());
            let word = address.map(|address| self.memory.word(lane as u32, address as u32));
            match (self.memory.shape, self.out_shape) {
                (Shape::Narrow(container), Shape::Narrow(into)) => {
                    let pattern = word.map_or(0, |word| arena.load(word, container));
                    arena.store(out, into, number(pattern, self.memory.ty));
                }
                _ => match word {
                    Some(word) => arena.bytes_mut().copy_within(word..word + size, out),
                    None => arena.bytes_mut()[out..out + size].fill(0),
                },
            }
        }
    }
}

/// A write port.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryWrite {
    pub memory: MemoryPlace,
    pub lanes: usize,
    pub address: PortOperand,
    pub data: PortOperand,
    pub enable: PortOperand,
    pub mask: Option<PortOperand>,
}

impl MemoryWrite {
    /// Calls `visit` with every range of bytes that it reads, the memory left out.
    pub fn for_each_read(&self, visit: &mut dyn FnMut(Range<usize>)) {
        [Some(self.address), Some(self.data), Some(self.enable), self.mask]
            .iter()
            .flatten()
            .for_each(|operand| visit(operand.bytes(self.lanes)));
    }

    pub fn run(&self, arena: &mut Arena) {
        for lane in 0..self.lanes {
            if !self.enable.is_set(arena, lane) {
                continue;
            }
            let Some(address) = self.address.unsigned(arena, lane).filter(|&address| address < self.memory.depth.into()) else {
                continue;
            };
            let word = self.memory.word(lane as u32, address as u32);
            match self.memory.shape {
                Shape::Narrow(container) => {
                    let written = self.written(arena, lane, 0);
                    let merged = arena.load(word, container) & !written | self.data.limb(arena, lane, 0) & written;
                    arena.store(word, container, number(merged, self.memory.ty));
                }
                Shape::Wide(limbs) => {
                    for limb in 0..limbs as usize {
                        let (written, data) = (self.written(arena, lane, limb), self.data.limb(arena, lane, limb));
                        let word = &mut arena.words_mut()[word / 8 + limb];
                        *word = *word & !written | data & written;
                    }
                }
            }
        }
    }

    /// The bits of a limb that the mask lets through.
    fn written(&self, arena: &Arena, lane: usize, limb: usize) -> u64 {
        let Some(mask) = self.mask else { return u64::MAX };
        let part = self.memory.ty.width() / mask.width;
        match mask.shape {
            Shape::Narrow(_) => limb_mask(&[mask.limb(arena, lane, 0)], part, limb),
            Shape::Wide(limbs) => {
                let first = mask.at(lane) / 8;
                limb_mask(&arena.words()[first..first + limbs as usize], part, limb)
            }
        }
    }
}

impl MemoryPlace {
    /// The pattern of a word, as many limbs as `limbs` has.
    pub fn load(&self, arena: &Arena, lane: u32, address: u32, limbs: &mut [u64]) {
        let word = self.word(lane, address);
        match self.shape {
            Shape::Narrow(container) => limbs[0] = arena.load(word, container) & u64::MAX >> (64 - self.ty.width()),
            Shape::Wide(count) => limbs[..count as usize].copy_from_slice(&arena.words()[word / 8..][..count as usize]),
        }
    }

    /// Puts a pattern into a word; bits above its width are ignored.
    pub fn store(&self, arena: &mut Arena, lane: u32, address: u32, limbs: &[u64]) {
        let value = Value::from_limbs(self.ty.width(), limbs.iter().copied());
        store_value(arena, self.word(lane, address), self.shape, self.ty, &value);
    }
}
