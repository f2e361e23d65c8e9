//! A cell of one lane as scalar steps.

use systole_hdl::design::Cell;
use systole_hdl::{CellId, Type};
use systole_lanes::Container;

use super::build::Builder;
use super::graph::Site;
use super::layout::{Element, Shape};
use super::memory::{MemoryRead, PortOperand};
use super::program::{Step, Wide};
use super::scalar::{Fit, Function, Piece, Scalar};
use crate::engine::limbs_for;

/// The cell being made into steps.
struct One<'a, 'b> {
    builder: &'b mut Builder<'a>,
    site: Site<'a>,
    element: Element,
}

impl Builder<'_> {
    /// Adds what computes one element.
    pub fn single(&mut self, element: Element) {
        let site = Site::of(self.parts.hierarchy, self.parts.layout, element.vector);
        One { builder: self, site, element }.lower();
    }

    /// Takes the element of a register of a single instance from that of its next value.
    pub fn take(&mut self, register: Element, next: CellId, to: usize) {
        let site = Site::of(self.parts.hierarchy, self.parts.layout, register.vector);
        let ty = site.module.ty(site.cell);
        let mut one = One { builder: self, site, element: register };
        let to = (to / 8) as u32;
        if ty.width() <= 64 {
            let a = one.pattern(next, ty.is_signed());
            one.builder.scalar(Scalar { function: Function::Move, fit: Fit::WHOLE, out: to, a, b: 0, c: 0 });
        } else {
            let from = one.limbs(next);
            for limb in 0..limbs_for(ty.width()) as u32 {
                one.builder.scalar(Scalar { function: Function::Move, fit: Fit::WHOLE, out: to + limb, a: from + limb, b: 0, c: 0 });
            }
        }
    }
}

impl One<'_, '_> {
    fn ty(&self, cell: CellId) -> Type {
        self.site.module.ty(cell)
    }

    fn width(&self, cell: CellId) -> u32 {
        self.ty(cell).width()
    }

    fn operand(&self, cell: CellId) -> Element {
        self.builder.parts.layout.element(self.site.class, cell, self.element.lane)
    }

    /// The word with an operand's number.
    fn word(&mut self, cell: CellId) -> u32 {
        let signed = self.ty(cell).is_signed();
        let element = self.operand(cell);
        self.builder.word(element, signed)
    }

    /// The word with an operand's bits as a number that is signed or not.
    fn pattern(&mut self, cell: CellId, signed: bool) -> u32 {
        let (word, ty) = (self.word(cell), self.ty(cell));
        if ty.is_signed() == signed || ty.width() == 64 {
            return word;
        }
        let out = self.builder.temporary();
        self.builder.scalar(Scalar { function: Function::Move, fit: Fit::of(ty.width(), signed), out, a: word, b: 0, c: 0 });
        out
    }

    /// The first of the words with an operand's limbs.
    fn limbs(&self, cell: CellId) -> u32 {
        (self.builder.parts.byte(self.operand(cell)) / 8) as u32
    }

    fn is_wide(&self, cell: CellId) -> bool {
        self.width(cell) > 64
    }

    fn lower(mut self) {
        let (cell, kind) = (self.site.cell, self.site.kind());
        if let Cell::MemoryRead { memory, address } = *kind {
            return self.memory_read(memory, address);
        }
        let mut wide = self.is_wide(cell);
        kind.for_each_operand(|operand| wide |= self.is_wide(operand));
        if !wide {
            self.narrow();
        } else if !self.wide() {
            let mut operands = Vec::new();
            kind.for_each_operand(|operand| operands.push(operand));
            let place = |element: Element, ty: Type| {
                (self.builder.parts.byte(element), self.builder.parts.layout.vectors[element.vector as usize].shape, ty)
            };
            let operands = operands.into_iter().map(|operand| place(self.operand(operand), self.ty(operand))).collect();
            let module = self.builder.parts.layout.classes[self.site.class as usize].module;
            let step = Wide { module, cell, operands, out: place(self.element, self.ty(cell)) };
            self.builder.push(Step::Wide(step));
        }
    }

    fn memory_read(&mut self, memory: systole_hdl::design::MemoryId, address: CellId) {
        let parts = &self.builder.parts;
        let mut place = *parts.layout.memory(self.site.class, memory);
        place.byte += self.element.lane as usize * place.lane_bytes();
        let operand = self.operand(address);
        let shape = parts.layout.vectors[operand.vector as usize].shape;
        let ty = self.ty(address);
        let address = PortOperand { byte: parts.byte(operand), stride: 0, shape, width: ty.width(), signed: ty.is_signed() };
        let (out, out_shape) = (parts.byte(self.element), parts.layout.vectors[self.element.vector as usize].shape);
        self.builder.push(Step::Read(MemoryRead { memory: place, lanes: 1, address, enable: None, out, out_shape }));
    }

    /// Adds the step whose result is this element.
    fn result(&mut self, function: Function, fit: Fit, a: u32, b: u32, c: u32) {
        let byte = self.builder.parts.byte(self.element);
        let Shape::Narrow(container) = self.builder.parts.layout.vectors[self.element.vector as usize].shape else {
            unreachable!("a narrow cell has no limbs");
        };
        let word = (byte / 8) as u32;
        if container == Container::W64 {
            return self.builder.scalar(Scalar { function, fit, out: word, a, b, c });
        }
        let number = self.builder.temporary();
        self.builder.scalar(Scalar { function, fit, out: number, a, b, c });
        let (b, c) = ((byte % 8 * 8) as u32, container.bits());
        self.builder.scalar(Scalar { function: Function::Store, fit: Fit::WHOLE, out: word, a: number, b, c });
    }

    fn narrow(&mut self) {
        let cell = self.site.cell;
        let (ty, width) = (self.ty(cell), self.width(cell));
        let (signed, fit) = (ty.is_signed(), Fit::of(ty.width(), ty.is_signed()));
        match *self.site.kind() {
            Cell::Wire(a) | Cell::Extend(a) => {
                let a = self.word(a);
                self.result(Function::Move, fit, a, 0, 0);
            }
            Cell::Not(a) => {
                let a = self.word(a);
                self.result(Function::Not, fit, a, 0, 0);
            }
            Cell::And(a, b) => self.binary(Function::And, a, b),
            Cell::Or(a, b) => self.binary(Function::Or, a, b),
            Cell::Xor(a, b) => self.binary(Function::Xor, a, b),
            Cell::Add(a, b) => self.binary(Function::Add, a, b),
            Cell::Sub(a, b) => self.binary(Function::Sub, a, b),
            Cell::Mul(a, b) => self.binary(Function::Mul, a, b),
            Cell::ReduceAnd(a) => self.reduce(Function::ReduceAnd, a),
            Cell::ReduceOr(a) => self.reduce(Function::ReduceOr, a),
            Cell::ReduceXor(a) => self.reduce(Function::ReduceXor, a),
            Cell::Equal(a, b) => {
                let width = self.width(a);
                let (a, b) = (self.word(a), self.word(b));
                self.result(Function::Equal, fit, a, b, width);
            }
            Cell::Less(a, b) => {
                let function = if self.ty(a).is_signed() { Function::LessSigned } else { Function::Less };
                let (a, b) = (self.word(a), self.word(b));
                self.result(function, fit, a, b, 0);
            }
            Cell::ShiftLeft(a, b) => {
                let (a, b) = (self.word(a), self.pattern(b, false));
                self.result(Function::ShiftLeft, fit, a, b, width);
            }
            Cell::ShiftRight(a, b) => {
                let function = if self.ty(a).is_signed() { Function::ShiftRightSigned } else { Function::ShiftRight };
                let (a, b) = (self.word(a), self.pattern(b, false));
                self.result(function, fit, a, b, width);
            }
            Cell::Mux { condition, then, otherwise } => {
                let condition = self.word(condition);
                let (then, otherwise) = (self.pattern(then, signed), self.pattern(otherwise, signed));
                self.result(Function::Mux, Fit::WHOLE, condition, then, otherwise);
            }
            Cell::Select { index, ref options } => {
                let index = self.pattern(index, false);
                let words: Vec<u32> = options.iter().map(|&option| self.pattern(option, signed)).collect();
                self.select(index, words, None);
            }
            Cell::Concat(ref parts) => {
                let pieces = self.pieces(parts, 0, width);
                self.join(pieces, fit, None);
            }
            Cell::Slice { value, low } => {
                let a = self.word(value);
                self.result(Function::Slice, fit, a, low, 0);
            }
            Cell::Const(_)
            | Cell::Input(_)
            | Cell::Register { .. }
            | Cell::MemoryRead { .. }
            | Cell::MemoryReadRegistered { .. }
            | Cell::InstanceOutput { .. } => unreachable!("{:?} is not a function of its operands alone", self.site.kind()),
        }
    }

    fn binary(&mut self, function: Function, a: CellId, b: CellId) {
        let ty = self.ty(self.site.cell);
        let (a, b) = (self.word(a), self.word(b));
        self.result(function, Fit::of(ty.width(), ty.is_signed()), a, b, 0);
    }

    fn reduce(&mut self, function: Function, a: CellId) {
        let (ty, width) = (self.ty(self.site.cell), self.width(a));
        let a = self.word(a);
        self.result(function, Fit::of(1, ty.is_signed()), a, 0, width);
    }

    fn select(&mut self, index: u32, words: Vec<u32>, out: Option<u32>) {
        let (b, c) = (self.builder.program.pools.words.len() as u32, words.len() as u32);
        self.builder.program.pools.words.extend(words);
        self.put(Function::Select, Fit::WHOLE, index, b, c, out);
    }

    fn join(&mut self, pieces: Vec<Piece>, fit: Fit, out: Option<u32>) {
        let (b, c) = (self.builder.program.pools.pieces.len() as u32, pieces.len() as u32);
        self.builder.program.pools.pieces.extend(pieces);
        self.put(Function::Join, fit, 0, b, c, out);
    }

    /// A step into a limb, or as the element's result.
    fn put(&mut self, function: Function, fit: Fit, a: u32, b: u32, c: u32, out: Option<u32>) {
        match out {
            Some(out) => self.builder.scalar(Scalar { function, fit, out, a, b, c }),
            None => self.result(function, fit, a, b, c),
        }
    }

    /// The pieces of a concatenation that make up bits `low .. low + width` of it.
    fn pieces(&mut self, parts: &[CellId], low: u32, width: u32) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut position = 0;
        for &part in parts.iter().rev() {
            let part_width = self.width(part);
            // The part by words, each of which falls into one limb of the result or two.
            for first in (0..part_width).step_by(64) {
                let (from, to) = (position + first, position + (first + 64).min(part_width));
                let (start, end) = (from.max(low), to.min(low + width));
                if start < end {
                    let word = if part_width > 64 { self.limbs(part) + first / 64 } else { self.word(part) };
                    pieces.push(Piece { word, from: (start - from) as u8, to: (start - low) as u8, width: (end - start) as u8 });
                }
            }
            position += part_width;
        }
        pieces
    }

    /// Cells with limbs that can be taken limb by limb; false if this is not one.
    fn wide(&mut self) -> bool {
        let cell = self.site.cell;
        let (ty, width) = (self.ty(cell), self.width(cell));
        let result = self.limbs(cell);
        let limbs = limbs_for(width) as u32;
        let used = |limb: u32| Fit::of((width - 64 * limb).min(64), false);
        match *self.site.kind() {
            Cell::Slice { value, low } if width <= 64 => {
                let (a, low) = (self.limbs(value) + low / 64, low % 64);
                let function = if low + width > 64 { Function::SliceAcross } else { Function::Slice };
                self.result(function, Fit::of(width, ty.is_signed()), a, low, 0);
            }
            Cell::Not(a) => {
                let a = self.limbs(a);
                (0..limbs).for_each(|limb| self.put(Function::Not, used(limb), a + limb, 0, 0, Some(result + limb)));
            }
            Cell::And(a, b) => self.limbwise(Function::And, a, b, limbs),
            Cell::Or(a, b) => self.limbwise(Function::Or, a, b, limbs),
            Cell::Xor(a, b) => self.limbwise(Function::Xor, a, b, limbs),
            Cell::Mux { condition, then, otherwise } => {
                let (condition, then, otherwise) = (self.word(condition), self.limbs(then), self.limbs(otherwise));
                for limb in 0..limbs {
                    self.put(Function::Mux, Fit::WHOLE, condition, then + limb, otherwise + limb, Some(result + limb));
                }
            }
            Cell::Select { index, ref options } if !self.is_wide(index) && width > 64 => {
                let index = self.pattern(index, false);
                let first: Vec<u32> = options.iter().map(|&option| self.limbs(option)).collect();
                for limb in 0..limbs {
                    self.select(index, first.iter().map(|word| word + limb).collect(), Some(result + limb));
                }
            }
            Cell::Concat(ref parts) => {
                for limb in 0..limbs {
                    let pieces = self.pieces(parts, 64 * limb, (width - 64 * limb).min(64));
                    self.join(pieces, Fit::WHOLE, Some(result + limb));
                }
            }
            Cell::Extend(a) if !self.is_wide(a) => {
                let (a, signed) = (self.word(a), self.ty(a).is_signed());
                self.put(Function::Move, Fit::WHOLE, a, 0, 0, Some(result));
                for limb in 1..limbs {
                    if signed {
                        self.put(Function::Signs, used(limb), a, 63, 0, Some(result + limb));
                    } else {
                        let zero = self.builder.constant(0);
                        self.put(Function::Move, Fit::WHOLE, zero, 0, 0, Some(result + limb));
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn limbwise(&mut self, function: Function, a: CellId, b: CellId, limbs: u32) {
        let (out, a, b) = (self.limbs(self.site.cell), self.limbs(a), self.limbs(b));
        (0..limbs).for_each(|limb| self.put(function, Fit::WHOLE, a + limb, b + limb, 0, Some(out + limb)));
    }
}
