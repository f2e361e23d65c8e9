//! Lane kernels in a row, run strip by strip so that what one leaves is still near when the next one wants it.

use super::choose::{InstructionSet, Operation};
use super::{Arguments, CHUNK, Kernel};
use crate::compiled::arena::Arena;
use crate::compiled::layout::Container;

/// Lanes of a strip: what all kernels of a group do before the first one goes on.
pub(in crate::compiled) const STRIP: usize = 1024;

/// Where an operand's first lane is, in bytes from the arena's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compiled) struct Address {
    pub byte: usize,
    pub reached: Reached,
}

/// How lane *n* of an operand is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compiled) enum Reached {
    /// *n* elements further: a vector.
    ByLane,
    /// As a vector of one strip, used again for each: an intermediate result.
    ByLaneOfStrip,
    /// All lanes use the one element.
    Common,
}

/// A question about one element for all lanes: whether the masked bits equal a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compiled) struct Test {
    pub byte: usize,
    pub container: Container,
    pub mask: u64,
    pub value: u64,
}

struct Operand {
    byte: usize,
    /// Bytes from one strip to the next.
    per_strip: usize,
}

struct Step {
    kernel: Kernel,
    out: Operand,
    a: Operand,
    b: Operand,
    c: Operand,
    immediate: u64,
}

enum Instruction {
    Run(Step),
    /// Passes over so many instructions unless the test holds.
    Unless(Test, usize),
    /// Passes over so many instructions.
    Skip(usize),
}

/// Kernels over the same lanes, with branches on what is common to all lanes.
pub(in crate::compiled) struct Group {
    /// Lanes, padded to whole chunks.
    lanes: usize,
    set: InstructionSet,
    instructions: Vec<Instruction>,
    /// Bytes of the arena that the steps touch, counted from its start.
    reach: usize,
}

impl Group {
    pub fn new(lanes: usize, set: InstructionSet) -> Group {
        Group { lanes: lanes.next_multiple_of(CHUNK), set, instructions: Vec::new(), reach: 0 }
    }

    /// Lanes, padded to whole chunks.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// Adds an operation. `operands` are as many as it has, in the order of [`Operation::operand_sizes`].
    pub fn push(&mut self, operation: Operation, out: Address, operands: &[Address], immediate: u64) {
        let sizes = operation.operand_sizes();
        let used = sizes.iter().flatten().count();
        assert_eq!(operands.len(), used, "{operation:?} has {used} operands");
        let out = self.operand(out, operation.result_size());
        let mut resolved = [const { Operand { byte: 0, per_strip: 0 } }; 3];
        for ((place, &address), size) in resolved.iter_mut().zip(operands).zip(sizes.into_iter().flatten()) {
            assert_eq!(address.reached == Reached::Common, size.common, "{operation:?} is compiled for other operands");
            *place = self.operand(address, size.bytes);
        }
        let [a, b, c] = resolved;
        self.instructions.push(Instruction::Run(Step { kernel: operation.kernel(self.set), out, a, b, c, immediate }));
    }

    fn operand(&mut self, address: Address, size: usize) -> Operand {
        let (elements, per_strip) = match address.reached {
            Reached::ByLane => (self.lanes, size * STRIP),
            Reached::ByLaneOfStrip => (STRIP.min(self.lanes), 0),
            Reached::Common => (1, 0),
        };
        self.reach = self.reach.max(address.byte + elements * size);
        Operand { byte: address.byte, per_strip }
    }

    /// Opens a branch: what is added until [`Group::otherwise`] or [`Group::end`] runs only if the test holds.
    pub fn when(&mut self, test: Test) -> usize {
        self.reach = self.reach.max(test.byte + test.container.bytes());
        self.instructions.push(Instruction::Unless(test, 0));
        self.instructions.len() - 1
    }

    /// Ends the branch opened as `opened` and opens the one for when its test does not hold.
    pub fn otherwise(&mut self, opened: usize) -> usize {
        self.instructions.push(Instruction::Skip(0));
        self.end(opened);
        self.instructions.len() - 1
    }

    /// Ends a branch.
    pub fn end(&mut self, opened: usize) {
        let passed = self.instructions.len() - opened - 1;
        match &mut self.instructions[opened] {
            Instruction::Unless(_, over) | Instruction::Skip(over) => *over = passed,
            Instruction::Run(_) => unreachable!("a branch was opened here"),
        }
    }

    /// Takes over another group's instructions, behind its own.
    pub fn append(&mut self, other: Group) {
        debug_assert_eq!(self.lanes, other.lanes);
        self.reach = self.reach.max(other.reach);
        self.instructions.extend(other.instructions);
    }

    /// Runs all kernels over all lanes.
    pub fn run(&self, arena: &mut Arena) {
        assert!(self.reach <= arena.bytes(), "the arena has grown to all that its programs need");
        let mut first = 0;
        let mut strip = 0;
        while first < self.lanes {
            let chunks = STRIP.min(self.lanes - first) / CHUNK;
            self.run_strip(arena, strip, chunks);
            first += STRIP;
            strip += 1;
        }
    }

    fn run_strip(&self, arena: &mut Arena, strip: usize, chunks: usize) {
        let mut at = 0;
        while let Some(instruction) = self.instructions.get(at) {
            at += 1;
            match instruction {
                Instruction::Run(step) => {
                    let base = arena.base();
                    let place = |operand: &Operand| operand.byte + operand.per_strip * strip;
                    // SAFETY: `reach` covers every operand over all strips, and `run` has found it within the arena, which
                    // this function borrows alone; kernels are chosen for this processor and read before they write.
                    unsafe {
                        let arguments = Arguments {
                            out: base.add(place(&step.out)),
                            a: base.add(place(&step.a)),
                            b: base.add(place(&step.b)),
                            c: base.add(place(&step.c)),
                            chunks,
                            immediate: step.immediate,
                        };
                        (step.kernel)(&arguments);
                    }
                }
                Instruction::Unless(test, over) => {
                    if arena.load(test.byte, test.container) & test.mask != test.value {
                        at += over;
                    }
                }
                Instruction::Skip(over) => at += over,
            }
        }
    }
}

/// An operand of an operation: bytes of an element, and whether there is one for all lanes.
#[derive(Clone, Copy)]
pub(super) struct OperandSize {
    bytes: usize,
    common: bool,
}

impl Operation {
    /// Bytes of an element of the result.
    fn result_size(self) -> usize {
        match self {
            Operation::Compare { .. } | Operation::CompareConstant { .. } | Operation::Parity { .. } => 1,
            Operation::Binary { container, .. }
            | Operation::Not { container, .. }
            | Operation::Shift { container, .. }
            | Operation::ShiftConstant { container, .. }
            | Operation::Convert { container, .. }
            | Operation::Mux { container, .. }
            | Operation::Product { container, .. }
            | Operation::MultiplyAdd { container, .. } => container.bytes(),
        }
    }

    /// What it takes as `a`, `b` and `c`.
    fn operand_sizes(self) -> [Option<OperandSize>; 3] {
        let each = |container: Container| Some(OperandSize { bytes: container.bytes(), common: false });
        let maybe = |container: Container, common: bool| Some(OperandSize { bytes: container.bytes(), common });
        match self {
            Operation::Binary { container, a_common, b_common, .. } | Operation::Compare { container, a_common, b_common, .. } => {
                [maybe(container, a_common), maybe(container, b_common), None]
            }
            Operation::Not { container, .. }
            | Operation::CompareConstant { container, .. }
            | Operation::Parity { container }
            | Operation::ShiftConstant { container, .. } => [each(container), None, None],
            Operation::Shift { container, distance_common, .. } => [each(container), maybe(container, distance_common), None],
            Operation::Convert { from, common, .. } => [maybe(from.container, common), None, None],
            Operation::Mux { container, then_common, otherwise_common } => {
                [maybe(container, then_common), maybe(container, otherwise_common), each(Container::W8)]
            }
            Operation::Product { of, b_common, .. } => [each(of.container), maybe(of.container, b_common), None],
            Operation::MultiplyAdd { of, container, b_common, .. } => [each(of.container), maybe(of.container, b_common), each(container)],
        }
    }
}
