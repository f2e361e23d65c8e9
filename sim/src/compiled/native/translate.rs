//! Goes through a program's steps and keeps count of which values are in registers.

use std::ops::Range;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AbiParam, BlockArg, Function, InstBuilder, MemFlagsData, SigRef, Signature, Type, Value, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::Module;
use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{ScalarWords, is_word, words_read};
use super::interpret;
use crate::compiled::program::{Program, Step};
use systole_lanes::Container;

/// A number of 64 bits in a register.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub value: Value,
    /// The number is below 2 to this; 64 says nothing.
    pub bits: u32,
}

/// Where a number was taken from as it stood: neighbours are then taken together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// `bits` bits of a number of 64, from this bit on.
    Slice { of: Value, low: u32, bits: u32 },
    /// `bits` bits of the arena, from this byte on.
    Loaded { byte: usize, bits: u32 },
}

/// Bytes of a vector in registers of 128 bits each, in order.
#[derive(Clone)]
pub(super) struct Held {
    pub bytes: Range<usize>,
    pub values: Vec<Value>,
}

pub(super) struct Translator<'a> {
    pub f: FunctionBuilder<'a>,
    pub base: Value,
    context: Value,
    pub program: &'a Program,
    pub words: &'a ScalarWords,
    /// Words that are read from the arena by some step.
    read: FxHashSet<u32>,
    /// Numbers in registers, by the word they belong to.
    numbers: FxHashMap<u32, Number>,
    /// Where numbers in registers were taken from, by the word they belong to.
    origins: FxHashMap<u32, Origin>,
    /// Vectors in registers.
    pub held: Vec<Held>,
    /// Words whose last number was not stored, because no step reads it from the arena.
    unstored: FxHashSet<u32>,
    /// How many branches are open.
    pub branches: usize,
    interpreter: SigRef,
    pub kernel: SigRef,
}

/// Writes a program's function. `None` if it reaches beyond what an offset holds.
pub(super) fn translate(
    program: &Program,
    words: &ScalarWords,
    module: &JITModule,
    function: &mut Function,
    context: &mut FunctionBuilderContext,
) -> Option<()> {
    if program.reach() > i32::MAX as usize {
        return None;
    }
    let pointer = module.target_config().pointer_type();
    if pointer != types::I64 {
        return None;
    }
    let signature = |parameters: usize| {
        let mut signature: Signature = module.make_signature();
        signature.params.extend((0..parameters).map(|_| AbiParam::new(types::I64)));
        signature
    };
    function.signature = signature(2);
    let mut f = FunctionBuilder::new(function, context);
    let (interpreter, kernel) = (f.import_signature(signature(2)), f.import_signature(signature(6)));
    let block = f.create_block();
    f.append_block_params_for_function_params(block);
    f.switch_to_block(block);
    let (base, context) = (f.block_params(block)[0], f.block_params(block)[1]);
    let read = words_read(program, words);
    let mut translator = Translator {
        f,
        base,
        context,
        program,
        words,
        read,
        numbers: FxHashMap::default(),
        origins: FxHashMap::default(),
        held: Vec::new(),
        unstored: FxHashSet::default(),
        branches: 0,
        interpreter,
        kernel,
    };
    let mut number = 0;
    while let Some(step) = program.steps.get(number) {
        let composed = translator.compose(&program.steps[number..]);
        if composed == 0 {
            translator.step(number, step);
        }
        number += composed.max(1);
    }
    translator.f.ins().return_(&[]);
    translator.f.seal_all_blocks();
    translator.f.finalize(module.target_config());
    Some(())
}

/// Accesses lie within the arena; elements are aligned to their size, but vectors may begin anywhere.
pub(super) fn flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl Translator<'_> {
    fn step(&mut self, number: usize, step: &Step) {
        match step {
            Step::Scalars(range) => self.program.scalars[range.clone()].iter().for_each(|scalar| self.scalar(scalar)),
            Step::Lanes(group) => self.group(number, group),
            Step::Move(step) if is_word(step, self.words) => {
                let number = self.word((step.from / 8) as u32);
                self.set_word((step.to / 8) as u32, number);
            }
            Step::Move(step) => self.copy(step.from, step.to, step.bytes),
            Step::Patch(patch) => self.patch(patch),
            Step::Read(port) if super::ports::reads_natively(port) => self.read_port(port),
            Step::Write(port) if super::ports::writes_natively(port) => self.write_port(port),
            Step::Wide(_) | Step::Read(_) | Step::Write(_) => self.interpret(number, step),
        }
    }

    /// Has a step interpreted.
    pub fn interpret(&mut self, number: usize, step: &Step) {
        step.for_each_read(&mut |range| self.expect_stored(&range));
        let callee = self.f.ins().iconst(types::I64, interpret as *const () as usize as i64);
        let step_number = self.f.ins().iconst(types::I64, number as i64);
        self.f.ins().call_indirect(self.interpreter, callee, &[self.context, step_number]);
        step.for_each_write(&mut |range| self.overwritten(range));
    }

    /// Forgets what registers held of bytes that now hold something else.
    pub fn overwritten(&mut self, range: Range<usize>) {
        let words = (range.start / 8) as u32..range.end.div_ceil(8) as u32;
        if self.words.is_scalar(words.start) || self.words.is_scalar(words.end - 1) {
            if words.len() < self.numbers.len() {
                for word in words.clone() {
                    self.numbers.remove(&word);
                    self.origins.remove(&word);
                }
            } else {
                self.numbers.retain(|word, _| !words.contains(word));
                self.origins.retain(|word, _| !words.contains(word));
            }
        }
        if words.len() == 1 && self.words.is_scalar(words.start) {
            // Neither lanes nor what is loaded from them stand here.
            return;
        }
        self.origins.retain(|_, origin| match *origin {
            Origin::Loaded { byte, bits } => byte + bits as usize / 8 <= range.start || range.end <= byte,
            Origin::Slice { .. } => true,
        });
        self.held.retain(|held| held.bytes.end <= range.start || range.end <= held.bytes.start);
    }

    /// Whether what is put into these bytes now must be in the arena; notes if it is not.
    pub fn is_stored(&mut self, range: &Range<usize>) -> bool {
        let words = (range.start / 8) as u32..range.end.div_ceil(8) as u32;
        let seen = |word: u32| self.words.is_visible(self.program, word) || self.read.contains(&word);
        let stored = self.branches > 0 || words.clone().any(seen);
        for word in words {
            if stored {
                self.unstored.remove(&word)
            } else {
                self.unstored.insert(word)
            };
        }
        stored
    }

    /// Checks that what is about to be read from the arena is there: `facts` must have foreseen it.
    pub fn expect_stored(&self, range: &Range<usize>) {
        let mut words = (range.start / 8) as u32..range.end.div_ceil(8) as u32;
        debug_assert!(self.unstored.is_empty() || !words.any(|word| self.unstored.contains(&word)), "bytes {range:?} were not stored");
    }

    pub fn constant(&mut self, number: u64) -> Number {
        let value = self.f.ins().iconst(types::I64, number as i64);
        Number { value, bits: 64 - number.leading_zeros() }
    }

    /// The number that a word always holds.
    fn constant_in(&self, word: u32) -> Option<u64> {
        self.words.constants.get(&word).or_else(|| self.program.constants.get(&word)).copied()
    }

    /// The number in a word.
    pub fn word(&mut self, word: u32) -> Number {
        if let Some(&number) = self.numbers.get(&word) {
            return number;
        }
        let constant = self.constant_in(word);
        let number = match constant {
            Some(constant) => self.constant(constant),
            None => {
                self.expect_stored(&(word as usize * 8..word as usize * 8 + 8));
                let value = self.f.ins().load(types::I64, flags(), self.base, word as i32 * 8);
                Number { value, bits: self.words.bits.get(word as usize).copied().unwrap_or(64).into() }
            }
        };
        if self.words.is_scalar(word) {
            self.numbers.insert(word, number);
        }
        number
    }

    /// Gives a word a number.
    pub fn set_word(&mut self, word: u32, number: Number) {
        let range = word as usize * 8..word as usize * 8 + 8;
        self.overwritten(range.clone());
        if self.is_stored(&range) {
            self.f.ins().store(flags(), number.value, self.base, word as i32 * 8);
        }
        if self.words.is_scalar(word) {
            self.numbers.insert(word, number);
        }
    }

    /// Notes where the number of a word, given last, was taken from.
    pub fn set_origin(&mut self, word: u32, origin: Origin) {
        if self.words.is_scalar(word) {
            self.origins.insert(word, origin);
        }
    }

    /// Where the number of a word was taken from.
    pub fn origin(&self, word: u32) -> Option<Origin> {
        self.origins.get(&word).copied()
    }

    /// The element at a byte, zero-extended.
    pub fn element(&mut self, byte: usize, container: Container) -> Number {
        let word = (byte / 8) as u32;
        if byte.is_multiple_of(8) && (self.numbers.contains_key(&word) || self.constant_in(word).is_some()) {
            let number = self.word(word);
            return self.low_bits(number, container.bits());
        }
        self.expect_stored(&(byte..byte + container.bytes()));
        let value = self.load_from(self.base, byte as i32, container, false);
        Number { value, bits: container.bits() }
    }

    /// Loads an element and extends it to 64 bits.
    pub fn load_from(&mut self, base: Value, offset: i32, container: Container, signed: bool) -> Value {
        let ins = self.f.ins();
        match (container, signed) {
            (Container::W8, false) => ins.uload8(types::I64, flags(), base, offset),
            (Container::W8, true) => ins.sload8(types::I64, flags(), base, offset),
            (Container::W16, false) => ins.uload16(types::I64, flags(), base, offset),
            (Container::W16, true) => ins.sload16(types::I64, flags(), base, offset),
            (Container::W32, false) => ins.uload32(flags(), base, offset),
            (Container::W32, true) => ins.sload32(flags(), base, offset),
            (Container::W64, _) => ins.load(types::I64, flags(), base, offset),
        }
    }

    /// Stores the low bits of a number as an element.
    pub fn store_to(&mut self, value: Value, base: Value, offset: i32, container: Container) {
        let ins = self.f.ins();
        match container {
            Container::W8 => ins.istore8(flags(), value, base, offset),
            Container::W16 => ins.istore16(flags(), value, base, offset),
            Container::W32 => ins.istore32(flags(), value, base, offset),
            Container::W64 => ins.store(flags(), value, base, offset),
        };
    }

    /// The lowest `width` bits, unsigned.
    pub fn low_bits(&mut self, number: Number, width: u32) -> Number {
        if number.bits <= width {
            return number;
        }
        let value = match width {
            8 | 16 | 32 => {
                let narrow = self.f.ins().ireduce(Type::int(width as u16).expect("such integers exist"), number.value);
                self.f.ins().uextend(types::I64, narrow)
            }
            _ => self.f.ins().band_imm_s(number.value, (u64::MAX >> (64 - width)) as i64),
        };
        Number { value, bits: width }
    }

    /// Writes a loop over `count` (at least 1) and calls `body` with its index.
    pub fn repeat(&mut self, count: usize, body: impl FnOnce(&mut Self, Value)) {
        let (head, done) = (self.f.create_block(), self.f.create_block());
        let first = self.f.ins().iconst(types::I64, 0);
        self.f.append_block_param(head, types::I64);
        self.f.ins().jump(head, &[BlockArg::from(first)]);
        self.f.switch_to_block(head);
        let index = self.f.block_params(head)[0];
        body(self, index);
        let next = self.f.ins().iadd_imm_s(index, 1);
        let again = self.f.ins().icmp_imm_s(IntCC::UnsignedLessThan, next, count as i64);
        self.f.ins().brif(again, head, &[BlockArg::from(next)], done, &[]);
        self.f.switch_to_block(done);
    }

    /// Writes what happens if `condition` is not zero and what happens otherwise. What comes into registers there is not used
    /// afterwards; what is overwritten there, the caller tells of.
    pub fn either(&mut self, condition: Value, then: impl FnOnce(&mut Self), otherwise: impl FnOnce(&mut Self)) {
        let [yes, no, done] = [(); 3].map(|()| self.f.create_block());
        self.f.ins().brif(condition, yes, &[], no, &[]);
        let before = (self.numbers.clone(), self.held.clone(), self.origins.clone());
        self.branches += 1;
        self.f.switch_to_block(yes);
        then(self);
        self.f.ins().jump(done, &[]);
        (self.numbers, self.held, self.origins) = before.clone();
        self.f.switch_to_block(no);
        otherwise(self);
        self.f.ins().jump(done, &[]);
        (self.numbers, self.held, self.origins) = before;
        self.branches -= 1;
        self.f.switch_to_block(done);
    }
}
