//! Groups of lane kernels: written out where the lanes are few, otherwise as calls of the precompiled kernels.

use std::ops::Range;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};

use super::translate::Translator;
use super::vectors;
use crate::compiled::group::{Group, Instruction, STRIP, Step as LaneStep, Test};
use systole_lanes::CHUNK;

/// More lanes are left to the precompiled kernels, whose vectors are wider.
const MOST_LANES: usize = 64;

/// Whether a kernel is written out.
pub(super) fn is_written_out(group: &Group, step: &LaneStep) -> bool {
    group.lanes() <= MOST_LANES && vectors::is_supported(step.operation)
}

impl Translator<'_> {
    pub fn group(&mut self, number: usize, group: &Group) {
        if group.lanes() > STRIP {
            return self.interpret(number, &self.program.steps[number]);
        }
        self.instructions(group, 0..group.instructions().len());
    }

    fn instructions(&mut self, group: &Group, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            match &group.instructions()[at] {
                Instruction::Run(step) if is_written_out(group, step) => self.vector(group.lanes(), step),
                Instruction::Run(step) => self.call(group.lanes(), step),
                Instruction::Unless(test, over) => {
                    let then = at + 1..at + over;
                    let Instruction::Skip(otherwise) = group.instructions()[then.end] else {
                        unreachable!("every branch has an alternative, behind the skip that ends it");
                    };
                    let otherwise = then.end + 1..then.end + 1 + otherwise;
                    at = otherwise.end;
                    self.branch(group, test, then, otherwise);
                    continue;
                }
                Instruction::Skip(_) => unreachable!("a skip ends a branch"),
            }
            at += 1;
        }
    }

    fn branch(&mut self, group: &Group, test: &Test, then: Range<usize>, otherwise: Range<usize>) {
        let element = self.element(test.byte, test.container);
        let masked = self.f.ins().band_imm_s(element.value, test.mask as i64);
        let holds = self.f.ins().icmp_imm_s(IntCC::Equal, masked, test.value as i64);
        let both = then.start..otherwise.end;
        self.either(holds, |this| this.instructions(group, then), |this| this.instructions(group, otherwise));
        for instruction in &group.instructions()[both] {
            if let Instruction::Run(step) = instruction {
                self.overwritten(step.out.byte..step.out.byte + step.out.bytes);
            }
        }
    }

    /// Calls a precompiled kernel.
    fn call(&mut self, lanes: usize, step: &LaneStep) {
        step.operands.iter().for_each(|operand| self.expect_stored(&(operand.byte..operand.byte + operand.bytes)));
        let callee = self.f.ins().iconst(types::I64, step.kernel as usize as i64);
        let [a, b, c] = step.operands;
        let [out, a, b, c] = [step.out, a, b, c].map(|operand| self.f.ins().iadd_imm_s(self.base, operand.byte as i64));
        let chunks = self.f.ins().iconst(types::I64, (lanes / CHUNK) as i64);
        let immediate = self.f.ins().iconst(types::I64, step.immediate as i64);
        self.f.ins().call_indirect(self.kernel, callee, &[out, a, b, c, chunks, immediate]);
        self.overwritten(step.out.byte..step.out.byte + step.out.bytes);
    }
}
