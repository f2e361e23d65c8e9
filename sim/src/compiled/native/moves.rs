//! Bytes moved from here to there.

use std::ops::Range;

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

use super::facts::may_be_in_register;
use super::translate::{Held, Origin, Translator, flags};
use super::vectors::{REGISTER, register};
use crate::compiled::program::{Patch, Step};
use systole_lanes::Container;

/// More bytes are moved by a call.
const MOST_BYTES: usize = 512;

/// Elements from elsewhere that are put into one part; with more, moving them one by one is as good.
const MOST_INSERTED: usize = 8;

/// Bytes that a move or a patch brings: `bytes` of them from `from` to `to`.
#[derive(Clone, Copy)]
struct Piece {
    from: usize,
    to: usize,
    bytes: usize,
    /// Whether a move brings it. The source of a move stands in the arena; an element of a patch may be in a register only.
    moved: bool,
}

impl Piece {
    fn source(&self) -> Range<usize> {
        self.from..self.from + self.bytes
    }

    fn target(&self) -> Range<usize> {
        self.to..self.to + self.bytes
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

impl Translator<'_> {
    /// Translates the moves and the patch that `steps` begins with and that together fill a stretch of a vector (lanes that take what
    /// their neighbours had, and what enters at the border), 16 bytes at a time: single bytes that are stored and then loaded as part
    /// of a longer value would hold the processor up. Answers how many steps that were; 0 if it is not so.
    pub fn compose(&mut self, steps: &[Step]) -> usize {
        if let [Step::Patch(patch), ..] = steps {
            return usize::from(self.unpack(patch));
        }
        let Some((pieces, size, count)) = filling(steps) else { return 0 };
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return 0 };
        let (start, end) = (first.to, last.target().end);
        // Vectors begin with a line.
        let in_vector = start.is_multiple_of(64) && start / 8 >= self.words.state.len();
        let whole = pieces.iter().map(|piece| piece.bytes).sum::<usize>() == end - start;
        if !in_vector || !whole || !(REGISTER..=MOST_BYTES).contains(&(end - start)) {
            return 0;
        }
        let Some(parts) = parts(&pieces, start..end, size) else { return 0 };
        pieces.iter().filter(|piece| piece.moved).for_each(|piece| self.expect_stored(&piece.source()));
        // From the end, because what a neighbour still needs stands further down.
        let mut values: Vec<Value> =
            parts.iter().enumerate().rev().map(|(at, part)| self.part(part, start + at * REGISTER, end, size)).collect();
        values.reverse();
        let bytes = start..start + values.len() * REGISTER;
        self.overwritten(bytes.clone());
        self.held.push(Held { bytes, values });
        count
    }

    /// Makes and stores the 16 bytes at `place`; those from `end` on stay as they are.
    fn part(&mut self, part: &Part, place: usize, end: usize, size: Container) -> Value {
        let ty = register(size);
        let mut value = self.load_vector((part.main.from + place - part.main.to) as i32, ty);
        for piece in &part.inserted {
            for offset in (0..piece.bytes).step_by(size.bytes()) {
                let element = self.element(piece.from + offset, size).value;
                let element = if ty.lane_type() == types::I64 { element } else { self.f.ins().ireduce(ty.lane_type(), element) };
                let index = (piece.to + offset - place) / size.bytes();
                value = self.f.ins().insertlane(value, element, index as u8);
            }
        }
        if place + REGISTER > end {
            let mask: Vec<u8> = (place..place + REGISTER).map(|byte| if byte < end { 255 } else { 0 }).collect();
            let mask = self.f.func.dfg.constants.insert(mask.into());
            let mask = self.f.ins().vconst(types::I8X16, mask);
            let mask = self.seen_as(mask, ty);
            let before = self.load_vector(place as i32, ty);
            value = self.f.ins().bitselect(mask, value, before);
        }
        self.f.ins().store(flags(), value, self.base, place as i32);
        value
    }

    fn load_vector(&mut self, byte: i32, ty: Type) -> Value {
        self.f.ins().load(ty, flags(), self.base, byte)
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
        self.expect_stored(&(from..from + bytes));
        self.overwritten(to..to + bytes);
        if bytes > MOST_BYTES {
            let offsets = [to, from].map(|byte| self.f.ins().iadd_imm_s(self.base, byte as i64));
            let callee = self.f.ins().iconst(types::I64, move_bytes as *const () as usize as i64);
            let count = self.f.ins().iconst(types::I64, bytes as i64);
            let unused = self.f.ins().iconst(types::I64, 0);
            let arguments = [offsets[0], offsets[1], unused, unused, count, unused];
            self.f.ins().call_indirect(self.kernel, callee, &arguments);
            return;
        }
        // Each piece is loaded before anything is stored over it: towards the end from the end on.
        let mut pieces = powers_of_two(bytes);
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
                Some(container) if may_be_in_register(from, patch.size) => {
                    let number = self.element(from, container);
                    self.overwritten(to..to + patch.size);
                    self.store_to(number.value, self.base, to as i32, container);
                }
                _ => self.copy(from, to, patch.size),
            }
        }
    }
}

/// Moves that follow each other, up to and with a patch, as pieces in order of their targets, without what is overwritten again; the
/// size of an element; and how many steps that are. `None` also if one takes what another brings.
fn filling(steps: &[Step]) -> Option<(Vec<Piece>, Container, usize)> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Move(step) if at < 4 => {
                add(&mut pieces, Piece { from: step.from, to: step.to, bytes: step.bytes, moved: true })?;
            }
            Step::Patch(patch) if at > 0 => {
                let size = Container::ALL.into_iter().find(|container| container.bytes() == patch.size)?;
                for &(from, to) in &patch.elements {
                    add(&mut pieces, Piece { from, to, bytes: patch.size, moved: false })?;
                }
                pieces.sort_by_key(|piece| piece.to);
                let all = pieces.first()?.to..pieces.last()?.target().end;
                let moves_up = |piece: &Piece| !overlap(&piece.source(), &all) || piece.from < piece.to;
                return pieces.iter().all(moves_up).then_some((pieces, size, at + 1));
            }
            _ => return None,
        }
    }
    None
}

/// Adds a piece and cuts what it overwrites from those before. `None` if it takes what one of them brings.
fn add(pieces: &mut Vec<Piece>, piece: Piece) -> Option<()> {
    if pieces.iter().any(|before| overlap(&before.target(), &piece.source())) {
        return None;
    }
    let mut kept = Vec::with_capacity(pieces.len() + 1);
    for before in pieces.drain(..) {
        let (low, high) = (before.to.max(piece.to), before.target().end.min(piece.target().end));
        if low >= high {
            kept.push(before);
            continue;
        }
        if before.to < low {
            kept.push(Piece { bytes: low - before.to, ..before });
        }
        if high < before.target().end {
            kept.push(Piece { from: before.from + (high - before.to), to: high, bytes: before.target().end - high, ..before });
        }
    }
    kept.push(piece);
    *pieces = kept;
    Some(())
}

/// What 16 bytes are made of: loaded as they stand beside what a move brings, with elements of other pieces put in.
struct Part {
    main: Piece,
    inserted: Vec<Piece>,
}

/// The parts of a stretch that `pieces` fill. `None` if one has no move to begin with, or too much to put in.
fn parts(pieces: &[Piece], range: Range<usize>, size: Container) -> Option<Vec<Part>> {
    let within = |piece: &Piece, place: usize| {
        let (low, high) = (piece.to.max(place), piece.target().end.min(place + REGISTER));
        (low < high).then(|| Piece { from: piece.from + (low - piece.to), to: low, bytes: high - low, ..*piece })
    };
    let part = |place: usize| {
        let moves = pieces.iter().enumerate().filter(|(_, piece)| piece.moved && piece.bytes > 8);
        let (main_at, &main) = moves.max_by_key(|(_, piece)| within(piece, place).map_or(0, |part| part.bytes))?;
        within(&main, place)?;
        // The load may begin before the piece does, but not before the arena.
        if main.from + place < main.to {
            return None;
        }
        let others = pieces.iter().enumerate().filter(|&(at, _)| at != main_at);
        let inserted: Vec<Piece> = others.filter_map(|(_, piece)| within(piece, place)).collect();
        let elements: usize = inserted.iter().map(|piece| piece.bytes / size.bytes()).sum();
        let of_elements = |piece: &Piece| piece.bytes.is_multiple_of(size.bytes()) && (piece.to - place).is_multiple_of(size.bytes());
        (inserted.iter().all(of_elements) && elements <= MOST_INSERTED).then_some(Part { main, inserted })
    };
    range.step_by(REGISTER).map(part).collect()
}

/// Powers of two that make up a number of bytes, the largest first, and where each begins.
fn powers_of_two(bytes: usize) -> Vec<(usize, Type)> {
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
