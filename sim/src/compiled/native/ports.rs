//! Memory ports, lane by lane, without branches: what is not read or written goes to the memory's first word and leaves it as it is.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::translate::{Number, Translator, flags};
use crate::compiled::layout::{Container, MemoryPlace, Shape};
use crate::compiled::memory::{Enable, MemoryRead, MemoryWrite, PortOperand};

/// More lanes go through a loop.
const MOST_WRITTEN_OUT: usize = 32;

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

impl Translator<'_> {
    pub fn read_port(&mut self, port: &MemoryRead) {
        let size = port.out_shape.bytes();
        self.for_each_lane(port.lanes, |this, lane| this.read_lane(port, lane));
        // A single lane has told its numbers itself.
        if port.lanes > 1 {
            self.overwritten(port.out..port.out + port.lanes * size);
        }
    }

    pub fn write_port(&mut self, port: &MemoryWrite) {
        let each = |this: &mut Self| this.for_each_lane(port.lanes, |this, lane| this.write_lane(port, lane));
        let PortOperand { byte, stride, shape, .. } = port.enable;
        if port.lanes == 1 {
            return each(self);
        }
        // Often no lane at all is written.
        let any = match (stride, shape) {
            (0, _) => self.bit(&port.enable, Lane::Fixed(0)),
            (1, Shape::Narrow(Container::W8)) if port.lanes <= 16 => {
                let mut enables = self.f.ins().load(types::I8X16, flags(), self.base, byte as i32);
                if port.lanes < 16 {
                    let mut mask = [0u8; 16];
                    mask[..port.lanes].fill(255);
                    let mask = self.f.func.dfg.constants.insert(mask.to_vec().into());
                    let mask = self.f.ins().vconst(types::I8X16, mask);
                    enables = self.f.ins().band(enables, mask);
                }
                self.f.ins().vany_true(enables)
            }
            _ => return each(self),
        };
        self.only_if(any, each);
    }

    fn for_each_lane(&mut self, lanes: usize, mut act: impl FnMut(&mut Self, Lane)) {
        if lanes <= MOST_WRITTEN_OUT {
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
        let number = self.operand(operand, lane);
        self.low_bits(number, operand.width)
    }

    /// A port's enable, 0 or 1.
    fn bit(&mut self, operand: &PortOperand, lane: Lane) -> Value {
        let number = self.operand(operand, lane);
        self.low_bits(number, 1).value
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
        let distance =
            if size == 1 { address.value } else { self.f.ins().imul_imm_s(address.value, size as i64) };
        (self.f.ins().iadd(base, distance), offset)
    }

    fn read_lane(&mut self, port: &MemoryRead, lane: Lane) {
        let (address, exists) = self.address(&port.memory, &port.address, lane);
        let (base, offset) = self.memory_word(&port.memory, address, lane);
        let enable = port.enable.map(|Enable { enable, held }| (self.bit(&enable, lane), held));
        let size = port.out_shape.bytes();
        let signed = port.memory.ty.is_signed();
        let (limbs, container, into, bits) = match (port.memory.shape, port.out_shape) {
            (Shape::Narrow(container), Shape::Narrow(into)) => {
                (1, container, into, if signed { 64 } else { port.memory.ty.width() })
            }
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

    fn write_lane(&mut self, port: &MemoryWrite, lane: Lane) {
        let (address, exists) = self.address(&port.memory, &port.address, lane);
        let (base, offset) = self.memory_word(&port.memory, address, lane);
        let mut enable = self.bit(&port.enable, lane);
        if let Some(exists) = exists {
            let exists = self.f.ins().uextend(types::I64, exists);
            enable = self.f.ins().band(enable, exists);
        }
        match port.memory.shape {
            Shape::Narrow(container) => {
                // The data's bits as a number of the memory's type, of the same width.
                let data = self.operand(&port.data, lane);
                let data = self.as_number(data, port.memory.ty, container);
                let before = self.load_from(base, offset, container, false);
                let after = self.f.ins().select(enable, data, before);
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
                    let before = self.f.ins().load(types::I64, flags(), base, offset + limb as i32 * 8);
                    let after = self.f.ins().select(enable, data, before);
                    self.f.ins().store(flags(), after, base, offset + limb as i32 * 8);
                }
            }
        }
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
