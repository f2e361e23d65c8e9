//! Bytes moved from here to there.

use cranelift_codegen::ir::{InstBuilder, Type, types};

use super::facts::is_register;
use super::translate::{Translator, flags};
use crate::compiled::program::Patch;
use systole_lanes::Container;

/// More bytes are moved by a call.
const MOST_WRITTEN_OUT: usize = 512;

impl Translator<'_> {
    /// Moves bytes; the ranges may overlap.
    pub fn copy(&mut self, from: usize, to: usize, bytes: usize) {
        self.overwritten(to..to + bytes);
        if bytes > MOST_WRITTEN_OUT {
            let offsets = [to, from].map(|byte| self.f.ins().iadd_imm_s(self.base, byte as i64));
            let callee = self.f.ins().iconst(types::I64, move_bytes as *const () as usize as i64);
            let count = self.f.ins().iconst(types::I64, bytes as i64);
            let unused = self.f.ins().iconst(types::I64, 0);
            let arguments = [offsets[0], offsets[1], unused, unused, count, unused];
            self.f.ins().call_indirect(self.kernel, callee, &arguments);
            return;
        }
        // Each piece is loaded before anything is stored over it: towards the end from the end on.
        let mut pieces = pieces(bytes);
        if to > from {
            pieces.reverse();
        }
        for (offset, ty) in pieces {
            let piece = self.f.ins().load(ty, flags(), self.base, (from + offset) as i32);
            self.f.ins().store(flags(), piece, self.base, (to + offset) as i32);
        }
    }

    /// Moves elements one by one, in order.
    pub fn patch(&mut self, patch: &Patch) {
        for &(from, to) in &patch.elements {
            match Container::ALL.into_iter().find(|container| container.bytes() == patch.size) {
                Some(container) if is_register(from, patch.size) => {
                    let number = self.element(from, container);
                    self.overwritten(to..to + patch.size);
                    self.store_to(number.value, self.base, to as i32, container);
                }
                _ => self.copy(from, to, patch.size),
            }
        }
    }
}

/// Powers of two that make up a number of bytes, the largest first, and where each begins.
fn pieces(bytes: usize) -> Vec<(usize, Type)> {
    let sizes = [(16, types::I8X16), (8, types::I64), (4, types::I32), (2, types::I16), (1, types::I8)];
    let (mut offset, mut pieces) = (0, Vec::new());
    for (size, ty) in sizes {
        while bytes - offset >= size {
            pieces.push((offset, ty));
            offset += size;
        }
    }
    pieces
}

/// `bytes` bytes from `from` to `to`, with a kernel's signature.
unsafe extern "C" fn move_bytes(to: *mut u8, from: *const u8, _: *const u8, _: *const u8, bytes: usize, _: u64) {
    // SAFETY: machine code passes ranges of the arena.
    unsafe { std::ptr::copy(from, to, bytes) }
}
