//! What runs: lane kernels, scalar steps, moves and memory accesses in a row.

use std::ops::Range;

use systole_hdl::design::ModuleId;
use systole_hdl::{CellId, Design, Type, Value};

use super::arena::Arena;
use super::kernels::Group;
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
        for step in &self.steps {
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
