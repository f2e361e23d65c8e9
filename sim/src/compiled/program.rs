//! What runs: lane kernels, scalar steps, moves and memory accesses in a row.

use std::ops::Range;

use rustc_hash::FxHashMap;
use systole_hdl::design::ModuleId;
use systole_hdl::{CellId, Design, Type, Value};

use super::arena::Arena;
use super::group::Group;
use super::layout::{Shape, store_value};
use super::memory::{MemoryRead, MemoryWrite};
use super::scalar::{self, Pools, Scalar};
use crate::reference::general;

/// A straight list of steps, with the tables they refer to.
#[derive(Default)]
pub(super) struct Program {
    pub steps: Vec<Step>,
    pub scalars: Vec<Scalar>,
    pub pools: Pools,
    /// Words of its own that hold a number for good.
    pub constants: FxHashMap<u32, u64>,
    /// Whether nothing but the state is looked at after it has run.
    pub leaves_state_only: bool,
}

/// A step of a program.
pub(super) enum Step {
    Lanes(Group),
    /// Entries of [`Program::scalars`].
    Scalars(Range<usize>),
    Move(Move),
    Patch(Patch),
    Wide(Wide),
    Read(MemoryRead),
    Write(MemoryWrite),
}

/// Bytes moved; the ranges may overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub from: usize,
    pub to: usize,
    pub bytes: usize,
}

/// Elements of one size moved one by one.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    /// Bytes of an element.
    pub size: usize,
    /// First bytes of source and destination.
    pub elements: Vec<(usize, usize)>,
}

/// A cell with limbs, by the definition of the cells.
#[derive(Clone, Debug)]
pub(super) struct Wide {
    pub module: ModuleId,
    pub cell: CellId,
    pub operands: Vec<(usize, Shape, Type)>,
    pub out: (usize, Shape, Type),
}

impl Program {
    /// Runs all steps in order.
    pub fn run(&self, design: &Design, arena: &mut Arena) {
        self.steps.iter().for_each(|step| self.run_step(step, design, arena));
    }

    /// Runs one of the program's steps.
    pub fn run_step(&self, step: &Step, design: &Design, arena: &mut Arena) {
        match step {
            Step::Lanes(group) => group.run(arena),
            Step::Scalars(range) => scalar::run(&self.scalars[range.clone()], &self.pools, arena.words_mut()),
            Step::Move(Move { from, to, bytes }) => arena.bytes_mut().copy_within(*from..from + bytes, *to),
            Step::Patch(patch) => patch.run(arena.bytes_mut()),
            Step::Wide(wide) => wide.run(design, arena),
            Step::Read(read) => read.run(arena),
            Step::Write(write) => write.run(arena),
        }
    }

    /// The first byte behind all that it reads and writes.
    pub fn reach(&self) -> usize {
        let mut reach = 0;
        let mut visit = |range: Range<usize>| reach = reach.max(range.end);
        for step in &self.steps {
            step.for_each_read(&mut visit);
            step.for_each_write(&mut visit);
        }
        for scalar in &self.scalars {
            scalar.for_each_word(&self.pools, &mut |word| visit(word as usize * 8..word as usize * 8 + 8));
        }
        reach
    }
}

impl Step {
    /// Calls `visit` with every range of bytes that it reads, scalar steps left out.
    pub fn for_each_read(&self, visit: &mut dyn FnMut(Range<usize>)) {
        match self {
            Step::Lanes(group) => group.for_each_read(visit),
            Step::Scalars(_) => {}
            Step::Move(step) => visit(step.from..step.from + step.bytes),
            Step::Patch(patch) => patch.elements.iter().for_each(|&(from, _)| visit(from..from + patch.size)),
            Step::Wide(wide) => wide.operands.iter().for_each(|&(byte, shape, _)| visit(byte..byte + shape.bytes())),
            Step::Read(port) => port.for_each_read(visit),
            Step::Write(port) => port.for_each_read(visit),
        }
    }

    /// Calls `visit` with every range of bytes that it writes, scalar steps left out.
    pub fn for_each_write(&self, visit: &mut dyn FnMut(Range<usize>)) {
        match self {
            Step::Lanes(group) => group.for_each_write(visit),
            Step::Scalars(_) => {}
            Step::Move(step) => visit(step.to..step.to + step.bytes),
            Step::Patch(patch) => patch.elements.iter().for_each(|&(_, to)| visit(to..to + patch.size)),
            Step::Wide(wide) => visit(wide.out.0..wide.out.0 + wide.out.1.bytes()),
            Step::Read(port) => visit(port.out..port.out + port.lanes * port.out_shape.bytes()),
            Step::Write(port) => visit(port.memory.byte..port.memory.byte + port.lanes * port.memory.lane_bytes()),
        }
    }
}

impl Patch {
    fn run(&self, bytes: &mut [u8]) {
        match self.size {
            1 => self.elements.iter().for_each(|&(from, to)| bytes[to] = bytes[from]),
            2 => self.move_all::<2>(bytes),
            4 => self.move_all::<4>(bytes),
            8 => self.move_all::<8>(bytes),
            size => self.elements.iter().for_each(|&(from, to)| bytes.copy_within(from..from + size, to)),
        }
    }

    fn move_all<const SIZE: usize>(&self, bytes: &mut [u8]) {
        for &(from, to) in &self.elements {
            let mut element = [0; SIZE];
            element.copy_from_slice(&bytes[from..from + SIZE]);
            bytes[to..to + SIZE].copy_from_slice(&element);
        }
    }
}

impl Wide {
    fn run(&self, design: &Design, arena: &mut Arena) {
        let operand = |&(byte, shape, ty): &(usize, Shape, Type)| general::Operand { value: load_value(arena, byte, shape, ty), ty };
        let operands: Vec<_> = self.operands.iter().map(operand).collect();
        let (byte, shape, ty) = self.out;
        let value = general::evaluate(design.module(self.module).cell(self.cell), ty, &operands);
        store_value(arena, byte, shape, ty, &value);
    }
}

/// The value of an element of a type.
pub(super) fn load_value(arena: &Arena, byte: usize, shape: Shape, ty: Type) -> Value {
    match shape {
        Shape::Narrow(container) => Value::from_u64(ty.width(), arena.load(byte, container)),
        Shape::Wide(limbs) => Value::from_limbs(ty.width(), arena.words()[byte / 8..][..limbs as usize].iter().copied()),
    }
}
