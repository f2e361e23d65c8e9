//! Lane kernels in a row, run strip by strip so that what one leaves is still near when the next one wants it.
//!
//! **Invariant.** A [`Group`] knows how far its steps reach, and running it compares that with the arena once.

#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use std::ops::Range;

use systole_lanes::{CHUNK, Container, InstructionSet, Kernel, Operation};

use super::arena::Arena;

/// Lanes of a strip: what all kernels of a group do before the first one goes on.
pub(super) const STRIP: usize = 1024;

/// Where an operand's first lane is, in bytes from the arena's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Address {
    pub byte: usize,
    pub reached: Reached,
}

/// How lane *n* of an operand is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reached {
    /// *n* elements further: a vector.
    ByLane,
    /// As a vector of one strip, used again for each: an intermediate result.
    ByLaneOfStrip,
    /// All lanes use the one element.
    Common,
}

/// A question about one element for all lanes: whether the masked bits equal a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Test {
    pub byte: usize,
    pub container: Container,
    pub mask: u64,
    pub value: u64,
}

/// An operand of a kernel, or its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    /// The first strip's first byte.
    pub byte: usize,
    /// Bytes from one strip to the next.
    per_strip: usize,
    /// Bytes of all strips together.
    pub bytes: usize,
}

/// A kernel with its operands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub operation: Operation,
    pub kernel: Kernel,
    pub out: Operand,
    /// As many as the operation has; the others are the arena's first byte.
    pub operands: [Operand; 3],
    pub immediate: u64,
}

/// What a group does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    Run(Step),
    /// Passes over so many instructions unless the test holds.
    Unless(Test, usize),
    /// Passes over so many instructions.
    Skip(usize),
}

/// Kernels over the same lanes, with branches on what is common to all lanes.
pub(super) struct Group {
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

    /// What it does, in order.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Calls `visit` with every range of bytes that it reads.
    pub fn for_each_read(&self, visit: &mut dyn FnMut(Range<usize>)) {
        for instruction in &self.instructions {
            match instruction {
                Instruction::Run(step) => step.operands.iter().for_each(|operand| visit(operand.byte..operand.byte + operand.bytes)),
                Instruction::Unless(test, _) => visit(test.byte..test.byte + test.container.bytes()),
                Instruction::Skip(_) => {}
            }
        }
    }

    /// Calls `visit` with every range of bytes that it writes.
    pub fn for_each_write(&self, visit: &mut dyn FnMut(Range<usize>)) {
        for instruction in &self.instructions {
            if let Instruction::Run(step) = instruction {
                visit(step.out.byte..step.out.byte + step.out.bytes);
            }
        }
    }

    /// Adds an operation. `operands` are as many as it has, in the order of [`Operation::operand_sizes`].
    pub fn push(&mut self, operation: Operation, out: Address, operands: &[Address], immediate: u64) {
        let sizes = operation.operand_sizes();
        let used = sizes.iter().flatten().count();
        assert_eq!(operands.len(), used, "{operation:?} has {used} operands");
        let out = self.operand(out, operation.result_size());
        let mut resolved = [Operand { byte: 0, per_strip: 0, bytes: 0 }; 3];
        for ((place, &address), size) in resolved.iter_mut().zip(operands).zip(sizes.into_iter().flatten()) {
            assert_eq!(address.reached == Reached::Common, size.common, "{operation:?} is compiled for other operands");
            *place = self.operand(address, size.bytes);
        }
        let kernel = operation.kernel(self.set);
        self.instructions.push(Instruction::Run(Step { operation, kernel, out, operands: resolved, immediate }));
    }

    fn operand(&mut self, address: Address, size: usize) -> Operand {
        let (elements, per_strip) = match address.reached {
            Reached::ByLane => (self.lanes, size * STRIP),
            Reached::ByLaneOfStrip => (STRIP.min(self.lanes), 0),
            Reached::Common => (1, 0),
        };
        self.reach = self.reach.max(address.byte + elements * size);
        Operand { byte: address.byte, per_strip, bytes: elements * size }
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
                        (step.kernel)(
                            base.add(place(&step.out)),
                            base.add(place(&step.operands[0])),
                            base.add(place(&step.operands[1])),
                            base.add(place(&step.operands[2])),
                            chunks,
                            step.immediate,
                        );
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
