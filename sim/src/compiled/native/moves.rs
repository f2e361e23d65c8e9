//! Bytes moved from here to there.

use std::ops::Range;

use cranelift_codegen::ir::{InstBuilder, Type, types};

use super::facts::is_register;
use super::translate::{Held, Origin, Translator, flags};
use super::vectors::{REGISTER, register};
use crate::compiled::program::{Patch, Step};
use systole_lanes::Container;

/// More bytes are moved by a call.
const MOST_WRITTEN_OUT: usize = 512;

/// Elements from elsewhere that are put into one register; with more, moving them one by one is as good.
const MOST_INSERTED: usize = 8;

/// Where the bytes of a vector come from that moves and patches fill: a piece of the vector at `to`, and its source.
struct Piece {
    from: usize,
    to: usize,
    bytes: usize,
}

impl Piece {
    fn end(&self) -> usize {
        self.to + self.bytes
    }
}

impl Translator<'_> {
    /// Translates the moves and the patch that `steps` begins with and that together fill a vector (lanes that take what their
    /// neighbours had, and what enters at the border), register by register: single bytes that are stored and then loaded as part of
    /// a register would hold the processor up. Answers how many steps that were; 0 if it is not so.
    pub fn compose(&mut self, steps: &[Step]) -> usize {
        if let [Step::Patch(patch), ..] = steps {
            return usize::from(self.unpack(patch));
        }
        let Some((pieces, size, count)) = filling(steps) else { return 0 };
        let start = pieces.iter().map(|piece| piece.to).min().unwrap_or(0);
        let end = pieces.iter().map(Piece::end).max().unwrap_or(0);
        // A vector begins with a line and has its last line for itself.
        let is_vector = start.is_multiple_of(64) && end - start >= REGISTER && end - start <= MOST_WRITTEN_OUT;
        let in_layout = start / 8 >= self.words.state.len();
        if !is_vector || !in_layout || pieces.iter().map(|piece| piece.bytes).sum::<usize>() != end - start {
            return 0;
        }
        let Some(plan) = registers(&pieces, start..end, size) else { return 0 };
        // Descending, so that what a neighbour still needs is overwritten last; a vector that moves the other way has no such plan.
        let mut values = Vec::with_capacity(plan.len());
        for (at, Register { main, inserted }) in plan.iter().enumerate().rev() {
            let place = start + at * REGISTER;
            let mut value = self.f.ins().load(register(size), flags(), self.base, (main.from + place - main.to) as i32);
            for piece in inserted {
                for offset in (0..piece.bytes).step_by(size.bytes()) {
                    let element = self.element(piece.from + offset, size).value;
                    let lane = register(size).lane_type();
                    let element = if lane == types::I64 { element } else { self.f.ins().ireduce(lane, element) };
                    let index = (piece.to + offset - place) / size.bytes();
                    value = self.f.ins().insertlane(value, element, index as u8);
                }
            }
            values.push(value);
            self.f.ins().store(flags(), value, self.base, place as i32);
        }
        values.reverse();
        let bytes = start..start + values.len() * REGISTER;
        self.overwritten(bytes.clone());
        self.held.push(Held { bytes, values });
        count
    }

    /// Translates a patch that spreads the bits of numbers over the lanes of a vector in their order. False if it does something else.
    fn unpack(&mut self, patch: &Patch) -> bool {
        let Some(&(_, start)) = patch.elements.first() else { return false };
        let bytes = start..start + patch.elements.len() * patch.size;
        let is_vector = start.is_multiple_of(64) && start / 8 >= self.words.state.len();
        if !is_vector || patch.size > 4 || !patch.elements.len().is_multiple_of(REGISTER / patch.size) {
            return false;
        }
        // By half a register: the number that has all its bits in order.
        let mut halves = Vec::new();
        for elements in patch.elements.chunks(8 / patch.size) {
            let mut of_all = None;
            for (position, &(from, to)) in elements.iter().enumerate() {
                let expected = start + halves.len() * 8 + position * patch.size;
                let Some(Origin::Slice { of, low, bits }) = self.origin((from / 8) as u32) else { return false };
                let in_order = to == expected && low as usize == position * patch.size * 8 && bits as usize == patch.size * 8;
                if !from.is_multiple_of(8) || !in_order || *of_all.get_or_insert(of) != of {
                    return false;
                }
            }
            halves.extend(of_all);
        }
        let mut values = Vec::new();
        for (at, pair) in halves.chunks(2).enumerate() {
            let low = self.f.ins().scalar_to_vector(types::I64X2, pair[0]);
            let value = self.f.ins().insertlane(low, pair[1], 1);
            self.f.ins().store(flags(), value, self.base, (start + at * REGISTER) as i32);
            values.push(value);
        }
        self.overwritten(bytes.clone());
        self.held.push(Held { bytes, values });
        true
    }

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

/// Moves that follow each other, up to and with a patch; the size of an element; and how many steps that are.
fn filling(steps: &[Step]) -> Option<(Vec<Piece>, Container, usize)> {
    let mut pieces = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Move(step) if at < 4 => pieces.push(Piece { from: step.from, to: step.to, bytes: step.bytes }),
            Step::Patch(patch) if at > 0 => {
                let size = Container::ALL.into_iter().find(|container| container.bytes() == patch.size)?;
                pieces.extend(patch.elements.iter().map(|&(from, to)| Piece { from, to, bytes: patch.size }));
                return cut(pieces).map(|pieces| (pieces, size, at + 1));
            }
            _ => return None,
        }
    }
    None
}

/// Pieces in order of their places, without what later ones overwrite. `None` if one comes from a place that another fills, in such
/// a way that the order of registers would matter.
fn cut(pieces: Vec<Piece>) -> Option<Vec<Piece>> {
    let mut uncut: Vec<Piece> = Vec::new();
    for piece in pieces {
        // What is behind the later piece and before it stays.
        let mut rest = Vec::new();
        for before in uncut {
            let (low, high) = (before.to.max(piece.to), before.end().min(piece.end()));
            if low >= high {
                rest.push(before);
                continue;
            }
            if before.to < low {
                rest.push(Piece { bytes: low - before.to, ..before });
            }
            if high < before.end() {
                rest.push(Piece { from: before.from + (high - before.to), to: high, bytes: before.end() - high });
            }
        }
        rest.push(piece);
        uncut = rest;
    }
    uncut.sort_by_key(|piece| piece.to);
    let (start, end) = (uncut.first()?.to, uncut.last()?.end());
    let is_outside = |piece: &Piece| piece.from + piece.bytes <= start || end <= piece.from;
    let moves_up = |piece: &Piece| piece.from < piece.to && piece.bytes > 8;
    uncut.iter().all(|piece| is_outside(piece) || moves_up(piece)).then_some(uncut)
}

/// What a register is made of: loaded as part of one piece, with elements of others put in.
struct Register<'a> {
    main: &'a Piece,
    inserted: Vec<Piece>,
}

fn registers(pieces: &[Piece], range: Range<usize>, size: Container) -> Option<Vec<Register<'_>>> {
    let within = |piece: &Piece, place: usize| {
        let (low, high) = (piece.to.max(place), piece.end().min(place + REGISTER));
        (low < high).then(|| Piece { from: piece.from + (low - piece.to), to: low, bytes: high - low })
    };
    let register = |place: usize| {
        let size_of = |piece: &&Piece| within(piece, place).map_or(0, |part| part.bytes);
        let main = pieces.iter().max_by_key(size_of)?;
        // The load may begin before the piece does, but not before the arena.
        if main.from + place < main.to {
            return None;
        }
        let others = pieces.iter().filter(|piece| !std::ptr::eq(*piece, main));
        let inserted: Vec<Piece> = others.filter_map(|piece| within(piece, place)).collect();
        let elements: usize = inserted.iter().map(|piece| piece.bytes / size.bytes()).sum();
        let whole =
            inserted.iter().all(|piece| piece.bytes.is_multiple_of(size.bytes()) && (piece.to - place).is_multiple_of(size.bytes()));
        (whole && elements <= MOST_INSERTED).then_some(Register { main, inserted })
    };
    range.step_by(REGISTER).map(register).collect()
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
