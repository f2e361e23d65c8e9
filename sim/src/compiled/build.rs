//! Makes programs: steps in order, with links moved and elements taken out of containers when somebody first needs them.

use rustc_hash::FxHashMap;
use systole_hdl::design::Cell;
use systole_hdl::{CellId, ModuleDef, Value};
use systole_lanes::{Container, InstructionSet};

use super::arena::Arena;
use super::graph::{Graph, Mode, Site, Unit, operand};
use super::group::Group;
use super::layout::{Element, Layout, Shape, VectorId, store_value};
use super::links::{Links, Operand};
use super::memory::{MemoryRead, PortOperand};
use super::program::{Move, Patch, Program, Step};
use super::scalar::{Fit, Function, Scalar};
use crate::hierarchy::Hierarchy;

/// What programs are made of, for one choice of what is stored.
pub(super) struct Parts<'a> {
    pub hierarchy: &'a Hierarchy,
    pub layout: &'a Layout,
    pub links: &'a mut Links,
    pub graph: &'a Graph,
    /// As [`Graph::owners`] has them.
    pub owners: &'a [Option<VectorId>],
    pub arena: &'a mut Arena,
    pub set: InstructionSet,
}

impl Parts<'_> {
    /// The definition of a class. Not bound to the parts' borrow.
    pub fn site(&self, vector: VectorId) -> Site<'_> {
        Site::of(self.hierarchy, self.layout, vector)
    }

    /// What a cell's operand is over the lanes of a class.
    pub fn operand(&mut self, class: u32, cell: CellId) -> Operand {
        let site = Site { module: self.layout.module(self.hierarchy, class), class, cell };
        operand(self.layout, self.links, &site, cell)
    }

    /// The first byte of an element.
    pub fn byte(&self, element: Element) -> usize {
        self.layout.vectors[element.vector as usize].element(element.lane)
    }
}

/// A program in the making.
pub(super) struct Builder<'a> {
    pub parts: Parts<'a>,
    pub program: Program,
    /// Scalar steps before this one are in a step of the program.
    flushed: usize,
    open: Option<OpenGroup>,
    /// Words that hold an element taken out of its container, by element and sign.
    loads: FxHashMap<(Element, bool), u32>,
    /// Where a link's elements have been moved to.
    pub moved: FxHashMap<u32, usize>,
    /// Room for intermediate results that is not in use, by bytes.
    free: FxHashMap<usize, Vec<usize>>,
    constants: FxHashMap<u64, u32>,
}

/// A group that more may be added to.
struct OpenGroup {
    group: Group,
    written: Vec<VectorId>,
    /// Vectors that were read in other lanes than the one computed.
    read_across: Vec<VectorId>,
}

impl<'a> Builder<'a> {
    pub fn new(parts: Parts<'a>) -> Builder<'a> {
        Builder {
            parts,
            program: Program::default(),
            flushed: 0,
            open: None,
            loads: FxHashMap::default(),
            moved: FxHashMap::default(),
            free: FxHashMap::default(),
            constants: FxHashMap::default(),
        }
    }

    /// The finished program.
    pub fn finish(mut self) -> (Program, FxHashMap<u32, usize>) {
        self.flush();
        self.program.constants = self.constants.into_iter().map(|(number, word)| (word, number)).collect();
        (self.program, self.moved)
    }

    /// The definition of a class.
    pub fn module(&self, class: u32) -> &'a ModuleDef {
        self.parts.layout.module(self.parts.hierarchy, class)
    }

    fn flush(&mut self) {
        if let Some(open) = self.open.take().filter(|open| !open.group.is_empty()) {
            self.program.steps.push(Step::Lanes(open.group));
        }
        let end = self.program.scalars.len();
        if end > self.flushed {
            self.program.steps.push(Step::Scalars(self.flushed..end));
            self.flushed = end;
        }
    }

    /// Adds a step behind all others.
    pub fn push(&mut self, step: Step) {
        self.flush();
        self.program.steps.push(step);
    }

    /// Adds a scalar step.
    pub fn scalar(&mut self, step: Scalar) {
        if self.open.is_some() {
            self.flush();
        }
        self.program.scalars.push(step);
    }

    /// Adds lane kernels that write one vector, to those before if they may run strip by strip together.
    pub fn group(&mut self, group: Group, writes: VectorId, read_across: &[VectorId]) {
        if self.program.scalars.len() > self.flushed {
            self.flush();
        }
        let clashes = |open: &OpenGroup| {
            open.group.lanes() != group.lanes()
                || open.read_across.contains(&writes)
                || read_across.iter().any(|vector| open.written.contains(vector) || *vector == writes)
        };
        if self.open.as_ref().is_some_and(clashes) {
            self.flush();
        }
        match &mut self.open {
            Some(open) => {
                open.group.append(group);
                open.written.push(writes);
                open.read_across.extend(read_across);
            }
            None => self.open = Some(OpenGroup { group, written: vec![writes], read_across: read_across.to_vec() }),
        }
    }

    /// A word for an intermediate result.
    pub fn temporary(&mut self) -> u32 {
        (self.room(8) / 8) as u32
    }

    /// Room for so many bytes, at the start of a line if it is a line or more; for this program alone.
    pub fn room(&mut self, bytes: usize) -> usize {
        if let Some(byte) = self.free.get_mut(&bytes).and_then(Vec::pop) {
            return byte;
        }
        let first = self.parts.arena.grow(bytes.div_ceil(8)) * 8;
        if bytes <= 8 {
            // The rest of the line serves the next ones.
            self.free.entry(bytes).or_default().extend((1..8).rev().map(|word| first + word * 8));
        }
        first
    }

    /// Gives room back for another use within this program.
    pub fn give_back(&mut self, bytes: usize, byte: usize) {
        self.free.entry(bytes).or_default().push(byte);
    }

    /// A word that holds a number for good.
    pub fn constant(&mut self, number: u64) -> u32 {
        if let Some(&word) = self.constants.get(&number) {
            return word;
        }
        let word = self.temporary();
        self.parts.arena.words_mut()[word as usize] = number;
        self.constants.insert(number, word);
        word
    }

    /// The word that holds an element's number; taken out of a narrow container by a step, once in a program.
    pub fn word(&mut self, element: Element, signed: bool) -> u32 {
        let byte = self.parts.byte(element);
        let Shape::Narrow(container) = self.parts.layout.vectors[element.vector as usize].shape else {
            unreachable!("{element:?} has limbs");
        };
        let site = self.parts.site(element.vector);
        let stored = site.module.ty(site.cell);
        // An alias on the way may have turned the bits into another type's number, where they fill a lane's container.
        if container == Container::W64 && (stored.is_signed() == signed || stored.width() == 64) {
            return (byte / 8) as u32;
        }
        let width = if container == Container::W64 { stored.width() } else { container.bits() };
        if let Some(&word) = self.loads.get(&(element, signed)) {
            return word;
        }
        let out = self.temporary();
        let (a, b) = ((byte / 8) as u32, (byte % 8 * 8) as u32);
        self.scalar(Scalar { function: Function::Slice, fit: Fit::of(width, signed), out, a, b, c: 0 });
        self.loads.insert((element, signed), out);
        out
    }

    /// Adds what computes a unit.
    pub fn unit(&mut self, unit: Unit) {
        let site = Site::of(self.parts.hierarchy, self.parts.layout, unit.vector());
        match (unit, site.kind()) {
            (Unit::Lanes(vector), &Cell::MemoryRead { memory, address }) => {
                let class = site.class;
                let place = *self.parts.layout.memory(class, memory);
                let address = self.port_operand(class, address);
                let out = self.parts.layout.vectors[vector as usize];
                let lanes = out.lanes as usize;
                self.push(Step::Read(MemoryRead { memory: place, lanes, address, enable: None, out: out.byte, out_shape: out.shape }));
            }
            (Unit::Lanes(vector), _) => self.lanes(vector),
            (Unit::Single(element), _) => self.single(element),
        }
    }

    /// A port's operand over the lanes, its link moved if it has one.
    pub fn port_operand(&mut self, class: u32, cell: CellId) -> PortOperand {
        let ty = self.module(class).ty(cell);
        let (width, signed) = (ty.width(), ty.is_signed());
        let operand = |byte: usize, stride: usize, shape: Shape| PortOperand { byte, stride, shape, width, signed };
        match self.parts.operand(class, cell) {
            Operand::Lanes { vector, first } => {
                let vector = &self.parts.layout.vectors[vector as usize];
                operand(vector.element(first), vector.shape.bytes(), vector.shape)
            }
            Operand::One(element) => operand(self.parts.byte(element), 0, self.parts.layout.vectors[element.vector as usize].shape),
            Operand::Link(link) => {
                let byte = self.link(link);
                let shape = self.parts.links.list[link as usize].shape;
                operand(byte, shape.bytes(), shape)
            }
        }
    }

    /// Where a link's elements are, lane by lane; moved there now unless they already are.
    pub fn link(&mut self, link: u32) -> usize {
        if let Some(&byte) = self.moved.get(&link) {
            return byte;
        }
        let bytes = self.link_bytes(link);
        let byte = self.parts.arena.grow(bytes.div_ceil(8)) * 8;
        self.follow(link, byte);
        self.moved.insert(link, byte);
        byte
    }

    fn link_bytes(&self, link: u32) -> usize {
        let link = &self.parts.links.list[link as usize];
        self.parts.layout.classes[link.class as usize].lanes().next_multiple_of(systole_lanes::CHUNK) * link.shape.bytes()
    }

    /// Moves a link's elements to `to`, which is none of its sources.
    fn follow(&mut self, link: u32, to: usize) {
        let (moves, patch) = self.moves(link, to);
        moves.into_iter().for_each(|block| self.push(Step::Move(block)));
        self.push_patch(patch);
    }

    /// Moves a link's elements into a register that may be one of its sources.
    pub fn follow_into(&mut self, link: u32, register: VectorId, to: usize) {
        if let Some(&from) = self.moved.get(&link) {
            let bytes = self.link_bytes(link);
            return self.push(Step::Move(Move { from, to, bytes }));
        }
        let in_place = self.parts.layout.vectors[register as usize].byte == to;
        let definition = &self.parts.links.list[link as usize];
        if !in_place || !definition.vectors.contains(&register) {
            return self.follow(link, to);
        }
        if definition.blocks.iter().skip(1).any(|block| block.vector == register) {
            let from = self.link(link);
            let bytes = self.link_bytes(link);
            return self.push(Step::Move(Move { from, to, bytes }));
        }
        // The block overwrites elements that are patched in elsewhere: they are put aside first.
        let aside_for = definition.patches.iter().any(|(source, _)| source.vector == register);
        let (moves, mut patch) = self.moves(link, to);
        if aside_for {
            let size = patch.size;
            let aside = self.room(patch.elements.len() * size);
            let places = (0..patch.elements.len()).map(|i| aside + i * size);
            let save = patch.elements.iter().zip(places.clone()).map(|(&(from, _), place)| (from, place)).collect();
            self.push(Step::Patch(Patch { size, elements: save }));
            patch.elements.iter_mut().zip(places).for_each(|((from, _), place)| *from = place);
        }
        moves.into_iter().for_each(|block| self.push(Step::Move(block)));
        self.push_patch(patch);
    }

    fn push_patch(&mut self, patch: Patch) {
        if !patch.elements.is_empty() {
            self.push(Step::Patch(patch));
        }
    }

    fn moves(&self, link: u32, to: usize) -> (Vec<Move>, Patch) {
        let link = &self.parts.links.list[link as usize];
        let size = link.shape.bytes();
        let place = |lane: u32| to + lane as usize * size;
        let from = |vector: VectorId, lane: u32| self.parts.layout.vectors[vector as usize].element(lane);
        let moves = link.blocks.iter().map(|block| Move {
            from: from(block.vector, block.from),
            to: place(block.to),
            bytes: block.lanes as usize * size,
        });
        let elements = link.patches.iter().map(|&(source, lane)| (from(source.vector, source.lane), place(lane))).collect();
        (moves.collect(), Patch { size, elements })
    }

    /// Whether a vector is a combinational one computed by lane kernels on the way to something else.
    pub fn is_absorbed(&self, vector: VectorId) -> bool {
        self.parts.graph.modes[vector as usize] == Mode::Lanes && self.parts.owners[vector as usize].is_some()
    }

    /// Puts a value into all lanes of a register at `to`.
    pub fn fill_elements(&mut self, register: VectorId, value: &Value, to: usize) {
        let site = self.parts.site(register);
        let (ty, place) = (site.module.ty(site.cell), self.parts.layout.vectors[register as usize]);
        let size = place.shape.bytes();
        let from = self.parts.arena.grow(size.div_ceil(8)) * 8;
        store_value(self.parts.arena, from, place.shape, ty, value);
        self.copy_to_lanes(from, register, to);
    }

    /// Puts one element, whose bytes are at `from`, into all lanes of a register at `to`.
    pub fn copy_to_lanes(&mut self, from: usize, register: VectorId, to: usize) {
        let place = self.parts.layout.vectors[register as usize];
        let size = place.shape.bytes();
        let elements = (0..place.lanes as usize).map(|lane| (from, to + lane * size)).collect();
        self.push(Step::Patch(Patch { size, elements }));
    }
}
