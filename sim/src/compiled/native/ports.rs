//! Memory ports, lane by lane, without branches: what is not read or written goes to the memory's first word and leaves it as it is.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::translate::{Number, Translator, flags};
use super::vectors::REGISTER;
use systole_lanes::Container;

use crate::compiled::layout::{MemoryPlace, Shape};
use crate::compiled::memory::{Enable, MemoryRead, MemoryWrite, PortOperand};

/// More lanes go through a loop.
const MOST_UNROLLED: usize = 32;

/// Enables of more lanes are not looked at together.
const MOST_TESTED: usize = 128;

/// More limbs are interpreted.
const MOST_LIMBS: u32 = 16;

/// Whether a port is translated; otherwise it is interpreted.
pub(super) fn reads_natively(port: &MemoryRead) -> bool {
    is_plain(&port.memory, &[port.address])
}

/// Whether a port is translated; otherwise it is interpreted.
pub(super) fn writes_natively(port: &MemoryWrite) -> bool {
    port.mask.is_none() && is_plain(&port.memory, &[port.address])
}

fn is_plain(memory: &MemoryPlace, numbers: &[PortOperand]) -> bool {
    let short = !matches!(memory.shape, Shape::Wide(limbs) if limbs > MOST_LIMBS);
    short && numbers.iter().all(|operand| matches!(operand.shape, Shape::Narrow(_)))
}

/// A lane known when the code is made, or one that a loop has reached.
#[derive(Clone, Copy)]
enum Lane {
    Fixed(usize),
    Reached(Value),
}

/// What is known of the lanes' enables.
#[derive(Clone, Copy, PartialEq)]
enum Enabled {
    /// Each lane has its own.
    Each,
    /// All are 1.
    All,
}

impl Translator<'_> {
    pub fn read_port(&mut self, port: &MemoryRead) {
        let Some(Enable { enable, held }) = port.enable.filter(|_| port.lanes > 1) else {
            return self.read_lanes(port, Enabled::Each);
        };
        let bytes = port.lanes * port.out_shape.bytes();
        // Mostly all lanes read, or none.
        match self.enables(&enable, port.lanes) {
            Some((any, all)) => self.three_ways(
                any,
                all,
                |this| this.read_lanes(port, Enabled::All),
                |this| this.read_lanes(port, Enabled::Each),
                |this| this.copy(held, port.out, bytes),
            ),
            None => self.read_lanes(port, Enabled::Each),
        }
        self.overwritten(port.out..port.out + bytes);
    }

    fn read_lanes(&mut self, port: &MemoryRead, enabled: Enabled) {
        let many = enabled == Enabled::Each && port.enable.is_some();
        self.for_each_lane(port.lanes, many, |this, lane| this.read_lane(port, lane, enabled));
        // A single lane has told its numbers itself.
        if port.lanes > 1 {
            self.overwritten(port.out..port.out + port.lanes * port.out_shape.bytes());
        }
    }

    pub fn write_port(&mut self, port: &MemoryWrite) {
        let each = |this: &mut Self, enabled: Enabled| {
            this.for_each_lane(port.lanes, enabled == Enabled::Each, |this, lane| this.write_lane(port, lane, enabled));
        };
        // Mostly all lanes write, or none.
        let together = if port.lanes > 1 { self.enables(&port.enable, port.lanes) } else { None };
        match together {
            Some((any, all)) => self.three_ways(any, all, |this| each(this, Enabled::All), |this| each(this, Enabled::Each), |_| {}),
            None => each(self, Enabled::Each),
        }
    }

    /// Whether any and whether all of the lanes' enables are 1; `None` if it takes long to tell.
    fn enables(&mut self, enable: &PortOperand, lanes: usize) -> Option<(Value, Value)> {
        if enable.stride == 0 {
            let bit = self.bit(enable, Lane::Fixed(0));
            return Some((bit, bit));
        }
        if enable.shape != Shape::Narrow(Container::W8) || enable.signed || !lanes.is_multiple_of(REGISTER) || lanes > MOST_TESTED {
            return None;
        }
        let mut together: Option<(Value, Value)> = None;
        for bits in self.vector_at(enable.byte, lanes / REGISTER, types::I8X16) {
            together = Some(match together {
                None => (bits, bits),
                Some((any, all)) => (self.f.ins().bor(any, bits), self.f.ins().band(all, bits)),
            });
        }
        let (any, all) = together?;
        Some((self.f.ins().vany_true(any), self.f.ins().vall_true(all)))
    }

    /// Does one of three things: if all are, if any is, if none is.
    fn three_ways(
        &mut self,
        any: Value,
        all: Value,
        if_all: impl FnOnce(&mut Self),
        if_any: impl FnOnce(&mut Self),
        if_none: impl FnOnce(&mut Self),
    ) {
        self.either(all, if_all, |this| if any == all { if_none(this) } else { this.either(any, if_any, if_none) });
    }

    /// `many` lanes with much to do each go through a loop.
    fn for_each_lane(&mut self, lanes: usize, many: bool, mut act: impl FnMut(&mut Self, Lane)) {
        if lanes == 1 || lanes <= MOST_UNROLLED && !many {
            (0..lanes).for_each(|lane| act(self, Lane::Fixed(lane)));
        } else {
            self.repeat(lanes, |this, lane| act(this, Lane::Reached(lane)));
        }
    }

    /// Base and offset of a lane's element.
    fn place(&mut self, byte: usize, stride: usize, lane: Lane) -> (Value, i32) {
        match lane {
            Lane::Fixed(lane) => (self.base, (byte + lane * stride) as i32),
            Lane::Reached(_) if stride == 0 => (self.base, byte as i32),
            Lane::Reached(lane) => {
                let distance = self.f.ins().imul_imm_s(lane, stride as i64);
                (self.f.ins().iadd(self.base, distance), byte as i32)
            }
        }
    }

    /// An operand's number in a lane, without regard to what is above its width.
    fn operand(&mut self, operand: &PortOperand, lane: Lane) -> Number {
        let Shape::Narrow(container) = operand.shape else { unreachable!("only narrow operands are numbers") };
        if operand.stride == 0 && operand.byte.is_multiple_of(8) && self.words.is_scalar((operand.byte / 8) as u32) {
            return self.word((operand.byte / 8) as u32);
        }
        let (base, offset) = self.place(operand.byte, operand.stride, lane);
        Number { value: self.load_from(base, offset, container, false), bits: container.bits() }
    }

    fn unsigned(&mut self, operand: &PortOperand, lane: Lane) -> Number {
        let mut number = self.operand(operand, lane);
        if operand.stride > 0 && !operand.signed {
            // A lane's container holds nothing but the number.
            number.bits = operand.width;
        }
        self.low_bits(number, operand.width)
    }

    /// A port's enable, 0 or 1.
    fn bit(&mut self, operand: &PortOperand, lane: Lane) -> Value {
        self.unsigned(operand, lane).value
    }

    /// An address that certainly exists, and whether it is the one asked for; `None` if it always is.
    fn address(&mut self, memory: &MemoryPlace, operand: &PortOperand, lane: Lane) -> (Number, Option<Value>) {
        let address = self.unsigned(operand, lane);
        if address.bits < 64 && u64::from(memory.depth) >> address.bits >= 1 {
            return (address, None);
        }
        let exists = self.f.ins().icmp_imm_s(IntCC::UnsignedLessThan, address.value, i64::from(memory.depth));
        let zero = self.f.ins().iconst(types::I64, 0);
        (Number { value: self.f.ins().select(exists, address.value, zero), bits: 32 }, Some(exists))
    }

    /// Base and offset of a memory's word.
    fn memory_word(&mut self, memory: &MemoryPlace, address: Number, lane: Lane) -> (Value, i32) {
        let (base, offset) = self.place(memory.byte, memory.lane_bytes(), lane);
        let size = memory.shape.bytes();
        let distance = if size == 1 { address.value } else { self.f.ins().imul_imm_s(address.value, size as i64) };
        (self.f.ins().iadd(base, distance), offset)
    }

    fn read_lane(&mut self, port: &MemoryRead, lane: Lane, enabled: Enabled) {
        let (address, exists) = self.address(&port.memory, &port.address, lane);
        let (base, offset) = self.memory_word(&port.memory, address, lane);
        let enable = port.enable.filter(|_| enabled == Enabled::Each);
        let enable = enable.map(|Enable { enable, held }| (self.bit(&enable, lane), held));
        let size = port.out_shape.bytes();
        let signed = port.memory.ty.is_signed();
        let (limbs, container, into, bits) = match (port.memory.shape, port.out_shape) {
            (Shape::Narrow(container), Shape::Narrow(into)) => (1, container, into, if signed { 64 } else { port.memory.ty.width() }),
            (Shape::Wide(limbs), _) => (limbs as usize, Container::W64, Container::W64, 64),
            (Shape::Narrow(_), Shape::Wide(_)) => unreachable!("a memory's word and its read port have one type"),
        };
        for limb in 0..limbs {
            let mut value = self.load_from(base, offset + limb as i32 * 8, container, signed);
            if let Some(exists) = exists {
                let zero = self.f.ins().iconst(types::I64, 0);
                value = self.f.ins().select(exists, value, zero);
            }
            if let Some((enable, held)) = enable {
                let held = held + limb * 8;
                let held = if port.lanes == 1 {
                    self.word((held / 8) as u32).value
                } else {
                    let (base, offset) = self.place(held, size, lane);
                    self.load_from(base, offset, into, signed)
                };
                value = self.f.ins().select(enable, value, held);
            }
            if port.lanes == 1 && into == Container::W64 {
                self.set_word(((port.out + limb * 8) / 8) as u32, Number { value, bits });
            } else {
                let (base, offset) = self.place(port.out + limb * 8, size, lane);
                self.store_to(value, base, offset, into);
                if port.lanes == 1 {
                    self.overwritten(port.out..port.out + size);
                }
            }
        }
    }

    fn write_lane(&mut self, port: &MemoryWrite, lane: Lane, enabled: Enabled) {
        let (address, exists) = self.address(&port.memory, &port.address, lane);
        let (base, offset) = self.memory_word(&port.memory, address, lane);
        let enable = (enabled == Enabled::Each).then(|| self.bit(&port.enable, lane));
        let exists = exists.map(|exists| self.f.ins().uextend(types::I64, exists));
        let writes = match (enable, exists) {
            (Some(enable), Some(exists)) => Some(self.f.ins().band(enable, exists)),
            (enable, exists) => enable.or(exists),
        };
        match port.memory.shape {
            Shape::Narrow(container) => {
                // The data's bits as a number of the memory's type, of the same width.
                let data = self.operand(&port.data, lane);
                let data = self.as_number(data, port.memory.ty, container);
                let after = self.written(writes, data, base, offset, container);
                self.store_to(after, base, offset, container);
            }
            Shape::Wide(limbs) => {
                for limb in 0..limbs as usize {
                    let byte = port.data.byte + limb * 8;
                    let word = (byte / 8) as u32;
                    let data = if port.data.stride == 0 && self.words.is_scalar(word) {
                        self.word(word).value
                    } else {
                        let (base, offset) = self.place(byte, port.data.stride, lane);
                        self.load_from(base, offset, Container::W64, false)
                    };
                    let offset = offset + limb as i32 * 8;
                    let after = self.written(writes, data, base, offset, Container::W64);
                    self.f.ins().store(flags(), after, base, offset);
                }
            }
        }
    }

    /// What stands in a word after a write that may not take place.
    fn written(&mut self, writes: Option<Value>, data: Value, base: Value, offset: i32, container: Container) -> Value {
        let Some(writes) = writes else { return data };
        let before = self.load_from(base, offset, container, false);
        self.f.ins().select(writes, data, before)
    }

    /// The low bits of a pattern as a type's number, as far as a container shows it.
    fn as_number(&mut self, pattern: Number, ty: systole_hdl::Type, container: Container) -> Value {
        if ty.width() == container.bits() {
            return pattern.value;
        }
        if !ty.is_signed() {
            return self.low_bits(pattern, ty.width()).value;
        }
        let unused = i64::from(64 - ty.width());
        let raised = self.f.ins().ishl_imm_s(pattern.value, unused);
        self.f.ins().sshr_imm_s(raised, unused)
    }
}
