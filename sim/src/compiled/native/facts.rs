//! What is known of the arena's words before a program is translated.

use rustc_hash::{FxHashMap, FxHashSet};

use super::lanes::is_written_out;
use crate::compiled::group::{Group, Instruction, STRIP};
use crate::compiled::memory::PortOperand;
use crate::compiled::program::{Move, Program, Step};
use crate::compiled::scalar::Function;

/// Cells of single instances, which stand first in the arena, a word each.
#[derive(Default)]
pub(in crate::compiled) struct ScalarWords {
    /// By word: whether it is part of the state that an edge leaves behind.
    pub state: Vec<bool>,
    /// By word: bits of the unsigned number in it, 64 if it is signed.
    pub bits: Vec<u8>,
    /// Words that never change.
    pub constants: FxHashMap<u32, u64>,
    /// The first word behind the design's own, where programs have theirs.
    pub own: u32,
}

impl ScalarWords {
    /// Whether a word is one of a single instance's cell or of a program's intermediate results: only these are kept in registers.
    pub fn is_scalar(&self, word: u32) -> bool {
        (word as usize) < self.state.len() || word >= self.own
    }

    /// Whether somebody looks at a word after the program.
    pub fn is_visible(&self, program: &Program, word: u32) -> bool {
        match self.state.get(word as usize) {
            Some(&state) => state || !program.leaves_state_only,
            None => word < self.own,
        }
    }
}

/// Words that some step takes from the arena, not from a register.
pub(super) fn words_read(program: &Program, words: &ScalarWords) -> FxHashSet<u32> {
    let mut read = FxHashSet::default();
    let mut visit = |range: std::ops::Range<usize>| {
        let range = (range.start / 8) as u32..range.end.div_ceil(8) as u32;
        // What lies between is always stored.
        let (first, own) = (words.state.len() as u32, words.own);
        read.extend(range.start..range.end.min(first));
        read.extend(range.start.max(own)..range.end);
    };
    for step in &program.steps {
        match step {
            Step::Lanes(group) => group_reads(group, &mut visit),
            Step::Scalars(range) => {
                for scalar in &program.scalars[range.clone()] {
                    if scalar.function == Function::Select && scalar.c > super::scalars::MOST_SELECTED {
                        let options = &program.pools.words[scalar.b as usize..][..scalar.c as usize];
                        options.iter().for_each(|&word| visit(word as usize * 8..word as usize * 8 + 8));
                    }
                }
            }
            Step::Move(step) if is_word(step, words) => {}
            Step::Move(step) => visit(step.from..step.from + step.bytes),
            Step::Patch(patch) => {
                let in_arena = |&&(from, _): &&(usize, usize)| !may_be_in_register(from, patch.size);
                patch.elements.iter().filter(in_arena).for_each(|&(from, _)| visit(from..from + patch.size));
            }
            Step::Wide(_) => step.for_each_read(&mut visit),
            Step::Read(port) if super::ports::reads_natively(port) => {
                let enable = port.enable.map(|enable| enable.enable);
                [Some(port.address), enable].into_iter().flatten().for_each(|operand| lane_reads(&operand, port.lanes, &mut visit));
                if let Some(enable) = port.enable.filter(|_| port.lanes > 1) {
                    visit(enable.held..enable.held + port.lanes * port.out_shape.bytes());
                }
            }
            Step::Write(port) if super::ports::writes_natively(port) => {
                [port.address, port.data, port.enable].iter().for_each(|operand| lane_reads(operand, port.lanes, &mut visit));
            }
            Step::Read(_) | Step::Write(_) => step.for_each_read(&mut visit),
        }
    }
    read
}

/// Whether an element is taken from a register if its word is in one.
pub(super) fn may_be_in_register(byte: usize, size: usize) -> bool {
    byte.is_multiple_of(8) && size <= 8 && size.is_power_of_two()
}

/// Whether a move is that of a word kept in a register.
pub(super) fn is_word(step: &Move, words: &ScalarWords) -> bool {
    let word = |byte: usize| byte.is_multiple_of(8) && words.is_scalar((byte / 8) as u32);
    step.bytes == 8 && word(step.from) && word(step.to)
}

fn lane_reads(operand: &PortOperand, lanes: usize, visit: &mut dyn FnMut(std::ops::Range<usize>)) {
    if operand.stride > 0 {
        visit(operand.byte..operand.byte + lanes * operand.stride);
    }
}

fn group_reads(group: &Group, visit: &mut dyn FnMut(std::ops::Range<usize>)) {
    if group.lanes() > STRIP {
        return group.for_each_read(visit);
    }
    for instruction in group.instructions() {
        if let Instruction::Run(step) = instruction
            && !is_written_out(group, step)
        {
            step.operands.iter().for_each(|operand| visit(operand.byte..operand.byte + operand.bytes));
        }
    }
}
