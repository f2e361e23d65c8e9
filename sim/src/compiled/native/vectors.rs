//! Lane kernels in registers of 128 bits.
//!
//! The lanes of a value are a list of registers, the lowest lanes first: a chunk of bytes fills one, of 64-bit words eight.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};

use super::translate::{Held, Translator, flags};
use crate::compiled::group::{Operand as LaneOperand, Step as LaneStep};
use systole_lanes::{BinaryKind, CompareKind, Container, FitKind, Operation, ShiftKind, View};

/// Bytes of a register.
pub(super) const REGISTER: usize = 16;

/// Whether an operation has a translation; the others are few and call their kernel.
pub(super) fn is_supported(operation: Operation) -> bool {
    match operation {
        Operation::Parity { .. } => false,
        Operation::Shift { distance_common, .. } => distance_common,
        _ => true,
    }
}

pub(super) fn register(container: Container) -> Type {
    match container {
        Container::W8 => types::I8X16,
        Container::W16 => types::I16X8,
        Container::W32 => types::I32X4,
        Container::W64 => types::I64X2,
    }
}

fn twice(container: Container) -> Container {
    match container {
        Container::W8 => Container::W16,
        Container::W16 => Container::W32,
        Container::W32 | Container::W64 => Container::W64,
    }
}

fn half(container: Container) -> Container {
    match container {
        Container::W8 | Container::W16 => Container::W8,
        Container::W32 => Container::W16,
        Container::W64 => Container::W32,
    }
}

impl Translator<'_> {
    /// A kernel over `lanes` lanes.
    pub fn vector(&mut self, lanes: usize, step: &LaneStep) {
        let [a, b, c] = step.operands;
        let immediate = step.immediate as u32;
        let values = match step.operation {
            Operation::Binary { kind, fit, container, a_common, b_common } => {
                let (a, b) = (self.lanes(a, container, lanes, a_common), self.lanes(b, container, lanes, b_common));
                let values = self.pairwise(&a, &b, |this, a, b| match kind {
                    BinaryKind::And => this.f.ins().band(a, b),
                    BinaryKind::Or => this.f.ins().bor(a, b),
                    BinaryKind::Xor => this.f.ins().bxor(a, b),
                    BinaryKind::Add => this.f.ins().iadd(a, b),
                    BinaryKind::Sub => this.f.ins().isub(a, b),
                });
                self.fitted(values, container, fit, immediate)
            }
            Operation::Not { fit, container } => {
                let a = self.lanes(a, container, lanes, false);
                let values = a.into_iter().map(|value| self.f.ins().bnot(value)).collect();
                self.fitted(values, container, fit, immediate)
            }
            Operation::Compare { kind, container, a_common, b_common } => {
                let (a, b) = (self.lanes(a, container, lanes, a_common), self.lanes(b, container, lanes, b_common));
                self.compared(kind, container, &a, &b)
            }
            Operation::CompareConstant { kind, container } => {
                let a = self.lanes(a, container, lanes, false);
                let constant = self.all(container, step.immediate);
                self.compared(kind, container, &a, &vec![constant; a.len()])
            }
            Operation::Shift { kind, container, .. } => {
                let value = self.lanes(a, container, lanes, false);
                self.shifted(kind, container, value, b, immediate)
            }
            Operation::ShiftConstant { kind, container } => {
                let value = self.lanes(a, container, lanes, false);
                self.shifted_by(kind, container, value, immediate)
            }
            Operation::Convert { from, container, fit, common } => {
                let values = self.lanes(a, from.container, lanes, common);
                let values = self.converted(values, from, container);
                self.fitted(values, container, fit, immediate)
            }
            Operation::Mux { container, then_common, otherwise_common } => {
                let (a, b) = (self.lanes(a, container, lanes, then_common), self.lanes(b, container, lanes, otherwise_common));
                let condition = self.lanes(c, Container::W8, lanes, false);
                let zero = self.all(Container::W8, 0);
                let masks = condition.into_iter().map(|value| self.f.ins().icmp(IntCC::NotEqual, value, zero)).collect();
                let masks = self.converted(masks, View { container: Container::W8, signed: true }, container);
                a.iter().zip(&b).zip(&masks).map(|((&a, &b), &mask)| self.f.ins().bitselect(mask, a, b)).collect()
            }
            Operation::Product { of, container, b_common } => {
                let (a, b) = (self.lanes(a, of.container, lanes, false), self.lanes(b, of.container, lanes, b_common));
                self.product(a, b, of, container)
            }
            Operation::MultiplyAdd { of, container, fit, b_common } => {
                let (a, b) = (self.lanes(a, of.container, lanes, false), self.lanes(b, of.container, lanes, b_common));
                let product = self.product(a, b, of, container);
                let sum = self.lanes(c, container, lanes, false);
                let values = self.pairwise(&sum, &product, |this, sum, product| this.f.ins().iadd(sum, product));
                self.fitted(values, container, fit, immediate)
            }
            Operation::Parity { .. } => unreachable!("{:?} calls its kernel", step.operation),
        };
        self.set_lanes(step.out, values);
    }

    /// An operand's lanes.
    fn lanes(&mut self, operand: LaneOperand, container: Container, lanes: usize, common: bool) -> Vec<Value> {
        let count = lanes * container.bytes() / REGISTER;
        if common {
            let element = self.element(operand.byte, container);
            return vec![self.splat(container, element.value); count];
        }
        self.vector_at(operand.byte, count, register(container))
    }

    /// `count` registers' worth of bytes.
    pub fn vector_at(&mut self, byte: usize, count: usize, ty: Type) -> Vec<Value> {
        let bytes = byte..byte + count * REGISTER;
        if let Some(held) = self.held.iter().find(|held| held.bytes == bytes) {
            let values = held.values.clone();
            return values.into_iter().map(|value| self.seen_as(value, ty)).collect();
        }
        self.expect_stored(&bytes);
        let load = |this: &mut Self, at: usize| this.f.ins().load(ty, flags(), this.base, (byte + at * REGISTER) as i32);
        let values: Vec<Value> = (0..count).map(|at| load(self, at)).collect();
        self.held.push(Held { bytes, values: values.clone() });
        values
    }

    /// A register as lanes of another size.
    pub fn seen_as(&mut self, value: Value, ty: Type) -> Value {
        if self.f.func.dfg.value_type(value) == ty {
            return value;
        }
        self.f.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), value)
    }

    fn set_lanes(&mut self, out: LaneOperand, values: Vec<Value>) {
        let bytes = out.byte..out.byte + values.len() * REGISTER;
        self.overwritten(bytes.clone());
        if self.is_stored(&bytes) {
            for (at, &value) in values.iter().enumerate() {
                self.f.ins().store(flags(), value, self.base, (out.byte + at * REGISTER) as i32);
            }
        }
        self.held.push(Held { bytes, values });
    }

    /// A number of 64 bits in every lane.
    fn splat(&mut self, container: Container, number: Value) -> Value {
        let lane = register(container).lane_type();
        let element = if lane == types::I64 { number } else { self.f.ins().ireduce(lane, number) };
        self.f.ins().splat(register(container), element)
    }

    fn all(&mut self, container: Container, number: u64) -> Value {
        let bytes = number.to_le_bytes()[..container.bytes()].repeat(REGISTER / container.bytes());
        let constant = self.f.func.dfg.constants.insert(bytes.into());
        self.f.ins().vconst(register(container), constant)
    }

    fn pairwise(&mut self, a: &[Value], b: &[Value], mut function: impl FnMut(&mut Self, Value, Value) -> Value) -> Vec<Value> {
        a.iter().zip(b).map(|(&a, &b)| function(self, a, b)).collect()
    }

    fn fitted(&mut self, values: Vec<Value>, container: Container, fit: FitKind, unused: u32) -> Vec<Value> {
        match fit {
            FitKind::Whole => values,
            FitKind::Zeros => {
                let mask = self.all(container, container.mask() >> unused);
                values.into_iter().map(|value| self.f.ins().band(value, mask)).collect()
            }
            FitKind::Signs if unused == 0 => values,
            FitKind::Signs => {
                let mask = self.all(container, container.mask() >> unused);
                let sign = self.all(container, 1 << (container.bits() - unused - 1));
                let mut fit = |value| {
                    let low = self.f.ins().band(value, mask);
                    self.signs_above(low, sign)
                };
                values.into_iter().map(&mut fit).collect()
            }
        }
    }

    /// All lanes shifted by a constant below the container's bits.
    fn shifted_by(&mut self, kind: ShiftKind, container: Container, values: Vec<Value>, distance: u32) -> Vec<Value> {
        let by = self.f.ins().iconst(types::I32, i64::from(distance));
        if kind == ShiftKind::RightSigned && container == Container::W64 {
            let sign = self.all(container, 1 << (63 - distance));
            let mut shifted = |value| {
                let low = self.f.ins().ushr(value, by);
                self.signs_above(low, sign)
            };
            return values.into_iter().map(&mut shifted).collect();
        }
        values.into_iter().map(|value| self.shift(kind, value, by)).collect()
    }

    fn shift(&mut self, kind: ShiftKind, value: Value, distance: Value) -> Value {
        match kind {
            ShiftKind::Left => self.f.ins().ishl(value, distance),
            ShiftKind::Right => self.f.ins().ushr(value, distance),
            ShiftKind::RightSigned => self.f.ins().sshr(value, distance),
        }
    }

    /// Copies the bit `sign` of every lane to all above it, which are zero. Not all lanes have arithmetic shifts.
    fn signs_above(&mut self, low: Value, sign: Value) -> Value {
        let turned = self.f.ins().bxor(low, sign);
        self.f.ins().isub(turned, sign)
    }

    /// All lanes shifted by one distance; at `width` or more nothing is left.
    fn shifted(&mut self, kind: ShiftKind, container: Container, values: Vec<Value>, distance: LaneOperand, width: u32) -> Vec<Value> {
        let distance = self.element(distance.byte, container).value;
        if kind == ShiftKind::RightSigned {
            let most = self.f.ins().iconst(types::I64, i64::from(width) - 1);
            let distance = self.f.ins().umin(distance, most);
            let by = self.f.ins().ireduce(types::I32, distance);
            if container != Container::W64 {
                return values.into_iter().map(|value| self.shift(kind, value, by)).collect();
            }
            let top = self.f.ins().iconst(types::I64, i64::MIN);
            let sign = self.f.ins().ushr(top, distance);
            let sign = self.splat(container, sign);
            let mut shifted = |value| {
                let low = self.f.ins().ushr(value, by);
                self.signs_above(low, sign)
            };
            return values.into_iter().map(&mut shifted).collect();
        }
        let within = self.f.ins().icmp_imm_s(IntCC::UnsignedLessThan, distance, i64::from(width));
        let [ones, zero] = [-1, 0].map(|number| self.f.ins().iconst(types::I64, number));
        let mask = self.f.ins().select(within, ones, zero);
        let mask = self.splat(container, mask);
        let distance = self.f.ins().band_imm_s(distance, i64::from(container.bits()) - 1);
        let distance = self.f.ins().ireduce(types::I32, distance);
        let mut shifted = |value| {
            let shifted = self.shift(kind, value, distance);
            self.f.ins().band(shifted, mask)
        };
        values.into_iter().map(&mut shifted).collect()
    }

    /// Lanes in another container: signs or zeros enter, or the top is cut off.
    fn converted(&mut self, mut values: Vec<Value>, from: View, to: Container) -> Vec<Value> {
        let mut container = from.container;
        while container < to {
            let mut wider = Vec::with_capacity(2 * values.len());
            for value in values {
                wider.push(if from.signed { self.f.ins().swiden_low(value) } else { self.f.ins().uwiden_low(value) });
                wider.push(if from.signed { self.f.ins().swiden_high(value) } else { self.f.ins().uwiden_high(value) });
            }
            (values, container) = (wider, twice(container));
        }
        while container > to {
            values = values.chunks(2).map(|pair| self.narrowed(pair[0], pair[1], container)).collect();
            container = half(container);
        }
        values
    }

    /// The low halves of the lanes of two registers.
    fn narrowed(&mut self, low: Value, high: Value, container: Container) -> Value {
        if container == Container::W64 {
            return self.even_words(low, high);
        }
        // Saturation changes nothing once the top is gone.
        let mask = self.all(container, half(container).mask());
        let [low, high] = [low, high].map(|value| self.f.ins().band(value, mask));
        self.f.ins().unarrow(low, high)
    }

    /// The low words of the four lanes of two registers of 64-bit lanes.
    fn even_words(&mut self, low: Value, high: Value) -> Value {
        let [low, high] = [low, high].map(|value| self.seen_as(value, types::I8X16));
        let bytes: Vec<u8> = [0, 8, 16, 24].into_iter().flat_map(|first| first..first + 4).collect();
        let order = self.f.func.dfg.immediates.push(bytes.into());
        let joined = self.f.ins().shuffle(low, high, order);
        self.seen_as(joined, types::I32X4)
    }

    /// Bytes of 0 and 1.
    fn compared(&mut self, kind: CompareKind, container: Container, a: &[Value], b: &[Value]) -> Vec<Value> {
        let condition = match kind {
            CompareKind::Equal => IntCC::Equal,
            CompareKind::Differs => IntCC::NotEqual,
            CompareKind::LessSigned => IntCC::SignedLessThan,
            // There is no comparison of unsigned lanes of 64 bits: with the top bits turned, the signed one serves.
            CompareKind::Less if container == Container::W64 => IntCC::SignedLessThan,
            CompareKind::Less => IntCC::UnsignedLessThan,
        };
        let top = (kind == CompareKind::Less && container == Container::W64).then(|| self.all(container, 1 << 63));
        let mut masks = self.pairwise(a, b, |this, mut a, mut b| {
            if let Some(top) = top {
                (a, b) = (this.f.ins().bxor(a, top), this.f.ins().bxor(b, top));
            }
            this.f.ins().icmp(condition, a, b)
        });
        let mut at = container;
        while at > Container::W8 {
            let narrow = |this: &mut Self, pair: &[Value]| match at {
                Container::W64 => this.even_words(pair[0], pair[1]),
                _ => this.f.ins().snarrow(pair[0], pair[1]),
            };
            masks = masks.chunks(2).map(|pair| narrow(self, pair)).collect();
            at = half(at);
        }
        let one = self.all(Container::W8, 1);
        masks.into_iter().map(|mask| self.f.ins().band(mask, one)).collect()
    }

    /// The product of two numbers, as far as the container holds it.
    fn product(&mut self, a: Vec<Value>, b: Vec<Value>, of: View, container: Container) -> Vec<Value> {
        // There is no product of bytes.
        let within = container.min(twice(of.container)).max(Container::W16);
        let (a, b) = (self.converted(a, of, within), self.converted(b, of, within));
        let product = self.pairwise(&a, &b, |this, a, b| this.f.ins().imul(a, b));
        self.converted(product, View { container: within, signed: of.signed }, container)
    }
}
