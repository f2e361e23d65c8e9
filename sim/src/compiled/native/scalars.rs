//! Scalar steps as operations on registers.

use std::ops::Range;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

use super::translate::{Number, Origin, Translator, flags};
use crate::compiled::scalar::{Fit, Function, Piece, Scalar};
use systole_lanes::Container;

/// A selection among more options is looked up in the arena.
pub(super) const MOST_SELECTED: u32 = 24;

impl Translator<'_> {
    pub fn scalar(&mut self, step: &Scalar) {
        let &Scalar { function, fit, out, a, b, c } = step;
        if function == Function::Store {
            return self.store_element(out, a, b, c);
        }
        let result = match function {
            Function::Slice => match self.load_element(a, b, fit) {
                Some(number) => {
                    self.set_word(out, number);
                    let origin = Origin::Loaded { byte: a as usize * 8 + b as usize / 8, bits: 64 - u32::from(fit.unused) };
                    return self.set_origin(out, origin);
                }
                None => {
                    let of = self.word(a).value;
                    let sliced = self.slice(a, b);
                    let fitted = self.fit(fit, sliced);
                    self.set_word(out, fitted);
                    return self.set_origin(out, Origin::Slice { of, low: b, bits: 64 - u32::from(fit.unused) });
                }
            },
            // With nothing above the width, turning all bits of the width is all that is to be done.
            Function::Not if !fit.signed && self.word(a).bits <= 64 - u32::from(fit.unused) => {
                let width = 64 - u32::from(fit.unused);
                let a = self.word(a);
                let value = self.f.ins().bxor_imm_s(a.value, (u64::MAX >> fit.unused) as i64);
                return self.set_word(out, Number { value, bits: width });
            }
            Function::Mux => self.mux(a, b, c),
            Function::Select => self.select(a, b, c),
            Function::Join => self.join(b, c),
            Function::SliceAcross => self.slice_across(a, b),
            Function::Move | Function::Not | Function::ReduceAnd | Function::ReduceOr | Function::ReduceXor | Function::Signs => {
                self.unary(function, a, b, c)
            }
            _ => self.binary(function, a, b, c),
        };
        let fitted = self.fit(fit, result);
        self.set_word(out, fitted);
    }

    fn fit(&mut self, fit: Fit, number: Number) -> Number {
        let width = 64 - u32::from(fit.unused);
        if !fit.signed {
            return self.low_bits(number, width);
        }
        if number.bits < width || width == 64 {
            return number;
        }
        let value = match width {
            8 | 16 | 32 => {
                let narrow = self.f.ins().ireduce(Type::int(width as u16).expect("such integers exist"), number.value);
                self.f.ins().sextend(types::I64, narrow)
            }
            _ => {
                let raised = self.f.ins().ishl_imm_s(number.value, i64::from(fit.unused));
                self.f.ins().sshr_imm_s(raised, i64::from(fit.unused))
            }
        };
        Number { value, bits: 64 }
    }

    fn flag(&mut self, condition: Value) -> Number {
        Number { value: self.f.ins().uextend(types::I64, condition), bits: 1 }
    }

    fn unary(&mut self, function: Function, a: u32, b: u32, c: u32) -> Number {
        let a = self.word(a);
        match function {
            Function::Move => a,
            Function::Not => Number { value: self.f.ins().bnot(a.value), bits: 64 },
            Function::ReduceOr => {
                let condition = self.f.ins().icmp_imm_s(IntCC::NotEqual, a.value, 0);
                self.flag(condition)
            }
            Function::ReduceAnd => {
                let low = self.low_bits(a, c);
                let condition = self.f.ins().icmp_imm_s(IntCC::Equal, low.value, (u64::MAX >> (64 - c)) as i64);
                self.flag(condition)
            }
            Function::ReduceXor => {
                let low = self.low_bits(a, c);
                let ones = self.f.ins().popcnt(low.value);
                Number { value: self.f.ins().band_imm_s(ones, 1), bits: 1 }
            }
            Function::Signs => Number { value: self.f.ins().sshr_imm_s(a.value, i64::from(b)), bits: 64 },
            _ => unreachable!("{function:?} has another form"),
        }
    }

    fn binary(&mut self, function: Function, a: u32, b: u32, c: u32) -> Number {
        let (a, b) = (self.word(a), self.word(b));
        let widest = a.bits.max(b.bits);
        let (value, bits) = match function {
            Function::And => (self.f.ins().band(a.value, b.value), a.bits.min(b.bits)),
            Function::Or => (self.f.ins().bor(a.value, b.value), widest),
            Function::Xor => (self.f.ins().bxor(a.value, b.value), widest),
            Function::Add => (self.f.ins().iadd(a.value, b.value), (widest + 1).min(64)),
            Function::Sub => (self.f.ins().isub(a.value, b.value), 64),
            Function::Mul => (self.f.ins().imul(a.value, b.value), (a.bits + b.bits).min(64)),
            Function::Equal => {
                let (a, b) = (self.low_bits(a, c), self.low_bits(b, c));
                let condition = self.f.ins().icmp(IntCC::Equal, a.value, b.value);
                return self.flag(condition);
            }
            Function::Less => {
                let condition = self.f.ins().icmp(IntCC::UnsignedLessThan, a.value, b.value);
                return self.flag(condition);
            }
            Function::LessSigned => {
                let condition = self.f.ins().icmp(IntCC::SignedLessThan, a.value, b.value);
                return self.flag(condition);
            }
            Function::ShiftLeft | Function::ShiftRight => {
                let (shifted, bits) = match function {
                    Function::ShiftLeft => (self.f.ins().ishl(a.value, b.value), 64),
                    _ => (self.f.ins().ushr(a.value, b.value), a.bits),
                };
                let within = self.f.ins().icmp_imm_s(IntCC::UnsignedLessThan, b.value, i64::from(c));
                let zero = self.f.ins().iconst(types::I64, 0);
                (self.f.ins().select(within, shifted, zero), bits)
            }
            Function::ShiftRightSigned => {
                let most = self.f.ins().iconst(types::I64, 63);
                let distance = self.f.ins().umin(b.value, most);
                (self.f.ins().sshr(a.value, distance), 64)
            }
            _ => unreachable!("{function:?} has another form"),
        };
        Number { value, bits }
    }

    fn mux(&mut self, a: u32, b: u32, c: u32) -> Number {
        let (a, b, c) = (self.word(a), self.word(b), self.word(c));
        Number { value: self.f.ins().select(a.value, b.value, c.value), bits: b.bits.max(c.bits) }
    }

    fn select(&mut self, index: u32, first: u32, count: u32) -> Number {
        let index = self.word(index);
        if count > MOST_SELECTED {
            return self.look_up(index, first, count);
        }
        let options: Vec<Number> = (first..first + count).map(|at| self.word(self.program.pools.words[at as usize])).collect();
        let bits = options.iter().map(|option| option.bits).max().unwrap_or(64);
        Number { value: self.choose(index.value, &options, 0), bits }
    }

    /// The option at `index`, or the last one: halves the options until one is left.
    fn choose(&mut self, index: Value, options: &[Number], first: usize) -> Value {
        if let [only] = options {
            return only.value;
        }
        let half = options.len() / 2;
        let (low, high) = (self.choose(index, &options[..half], first), self.choose(index, &options[half..], first + half));
        let is_low = self.f.ins().icmp_imm_s(IntCC::UnsignedLessThan, index, (first + half) as i64);
        self.f.ins().select(is_low, low, high)
    }

    /// The same through the table of the options' words.
    fn look_up(&mut self, index: Number, first: u32, count: u32) -> Number {
        let last = self.f.ins().iconst(types::I64, i64::from(count) - 1);
        let index = self.f.ins().umin(index.value, last);
        // The table goes with the program, which the code's owner keeps.
        let table = self.program.pools.words[first as usize..].as_ptr();
        let table = self.f.ins().iconst(types::I64, table as usize as i64);
        let offset = self.f.ins().ishl_imm_s(index, 2);
        let entry = self.f.ins().iadd(table, offset);
        let word = self.f.ins().uload32(flags(), entry, 0);
        let offset = self.f.ins().ishl_imm_s(word, 3);
        let place = self.f.ins().iadd(self.base, offset);
        Number { value: self.f.ins().load(types::I64, flags(), place, 0), bits: 64 }
    }

    fn join(&mut self, first: u32, count: u32) -> Number {
        let mut joined: Option<Number> = None;
        let mut at = first as usize;
        let end = (first + count) as usize;
        while at < end {
            let piece = self.program.pools.pieces[at];
            let (bits, taken) = match self.joined_in_arena(at..end) {
                Some(together) => together,
                None => {
                    let word = self.word(piece.word);
                    let shifted = self.shifted_down(word, piece.from.into());
                    (self.low_bits(shifted, piece.width.into()), 1)
                }
            };
            at += taken;
            let to = u32::from(piece.to);
            let value = if to == 0 { bits.value } else { self.f.ins().ishl_imm_s(bits.value, i64::from(to)) };
            let placed = Number { value, bits: (bits.bits + to).min(64) };
            joined = Some(match joined {
                None => placed,
                Some(rest) => Number { value: self.f.ins().bor(rest.value, placed.value), bits: rest.bits.max(placed.bits) },
            });
        }
        joined.unwrap_or_else(|| self.constant(0))
    }

    /// Pieces that stand side by side in the arena as they are to stand in the result are loaded at once, and how many that are.
    fn joined_in_arena(&mut self, pieces: Range<usize>) -> Option<(Number, usize)> {
        let pieces = &self.program.pools.pieces[pieces];
        let whole = |piece: &Piece| match self.origin(piece.word) {
            Some(Origin::Loaded { byte, bits }) if piece.from == 0 && u32::from(piece.width) == bits => Some(byte),
            _ => None,
        };
        let first = whole(pieces.first()?)?;
        let mut bits = 0;
        let mut best = None;
        for (taken, piece) in pieces.iter().enumerate() {
            if whole(piece) != Some(first + bits as usize / 8) || u32::from(piece.to) != u32::from(pieces[0].to) + bits {
                break;
            }
            bits += u32::from(piece.width);
            best = Container::ALL.into_iter().find(|container| container.bits() == bits).map(|all| (all, taken + 1)).or(best);
        }
        let (container, taken) = best.filter(|&(_, taken)| taken > 1)?;
        let value = self.load_from(self.base, first as i32, container, false);
        Some((Number { value, bits: container.bits() }, taken))
    }

    fn shifted_down(&mut self, number: Number, distance: u32) -> Number {
        if distance == 0 {
            return number;
        }
        Number { value: self.f.ins().ushr_imm_s(number.value, i64::from(distance)), bits: number.bits.saturating_sub(distance) }
    }

    fn slice(&mut self, a: u32, low: u32) -> Number {
        let a = self.word(a);
        self.shifted_down(a, low)
    }

    fn slice_across(&mut self, a: u32, low: u32) -> Number {
        let (lower, upper) = (self.word(a), self.word(a + 1));
        let lower = self.f.ins().ushr_imm_s(lower.value, i64::from(low));
        let upper = self.f.ins().ishl_imm_s(upper.value, i64::from(64 - low));
        Number { value: self.f.ins().bor(lower, upper), bits: 64 }
    }

    /// A slice that is an element of a container in the arena.
    fn load_element(&mut self, word: u32, low: u32, fit: Fit) -> Option<Number> {
        if self.words.is_scalar(word) || !low.is_multiple_of(8) {
            return None;
        }
        let container = match 64 - u32::from(fit.unused) {
            8 => Container::W8,
            16 => Container::W16,
            32 => Container::W32,
            _ => return None,
        };
        let value = self.load_from(self.base, (word * 8 + low / 8) as i32, container, fit.signed);
        Some(Number { value, bits: if fit.signed { 64 } else { container.bits() } })
    }

    /// Puts a number into the container of `bits` bits that lies `low` bits up in a word.
    fn store_element(&mut self, word: u32, number: u32, low: u32, bits: u32) {
        let number = self.word(number);
        let byte = word as usize * 8 + low as usize / 8;
        self.overwritten(byte..byte + bits as usize / 8);
        self.store_to(number.value, self.base, byte as i32, Container::of(bits));
    }
}
