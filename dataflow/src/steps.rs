//! The function of a unit as a list of typed steps, each an operation on steps before it: what is evaluated, and what becomes hardware.
//!
//! Equal steps are one. The type of a step holds every result that it can have; [`MOST_BITS`] bounds it, so that a number fits 64 bits.

use std::collections::HashMap;
use std::sync::Arc;

use systole_hdl::Type;

use crate::exp2::Exp2;

/// The widest signed number; an unsigned one has a bit less.
pub const MOST_BITS: u32 = 64;

/// The most fraction bits.
const MOST_FRACTION_BITS: u32 = 63;

/// A step: its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StepId(pub(crate) u32);

impl StepId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a step computes. Operands of `Add`, `Sub`, `Less`, `Equal`, `Mux` and `Select` have one format; other differences of format are
/// steps of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Input {
        input: usize,
        field: usize,
    },
    State(usize),
    Index,
    /// In units of the last place; and the bits of the real number that it stands for.
    Constant {
        raw: i64,
        real: u64,
    },
    Add(StepId, StepId),
    Sub(StepId, StepId),
    Mul(StepId, StepId),
    Less(StepId, StepId),
    Equal(StepId, StepId),
    And(StepId, StepId),
    Or(StepId, StepId),
    Not(StepId),
    Mux {
        condition: StepId,
        then: StepId,
        otherwise: StepId,
    },
    Select {
        index: StepId,
        options: Vec<StepId>,
    },
    /// The same value in a type that holds all values of the operand's.
    Align(StepId),
    /// Half to even, to the fraction bits of the step's type.
    Round(StepId),
    /// Towards minus infinity, to the fraction bits of the step's type.
    Floor(StepId),
    Saturate(StepId),
    Wrap(StepId),
    /// The same bits with the binary point elsewhere.
    Scale(StepId),
    /// Towards minus infinity.
    ShiftRight {
        value: StepId,
        amount: StepId,
    },
    Lookup {
        table: Arc<[i64]>,
        index: StepId,
    },
    /// 2 to the power of `argument`: in hardware `fixed`, which is its expansion.
    Exp2 {
        function: Exp2,
        argument: StepId,
        fixed: StepId,
    },
    /// Towards zero, saturated; see [`Expression::divide`](crate::Expression::divide).
    Divide {
        dividend: StepId,
        divisor: StepId,
    },
    /// Twice an unsigned number plus a bit.
    Append {
        value: StepId,
        bit: StepId,
    },
    /// A bit of an unsigned number, from the least significant.
    Bit {
        value: StepId,
        bit: u32,
    },
}

/// An operation and the type of its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    pub(crate) operation: Operation,
    pub(crate) ty: Type,
}

/// Steps, each after those that it reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    list: Vec<Step>,
    known: HashMap<Step, StepId>,
    /// What some steps are, for readers of the hardware.
    names: HashMap<StepId, &'static str>,
}

/// Why a step cannot be.
pub(crate) type Refusal = String;

/// A number's type: an integer where there are no fraction bits.
pub(crate) fn numeric(signed: bool, int: u32, frac: u32) -> Type {
    match (signed, frac) {
        (true, 0) => Type::s(int),
        (false, 0) => Type::u(int),
        (true, _) => Type::q(int, frac),
        (false, _) => Type::uq(int, frac),
    }
}

/// Integer bits that `ty` needs as a number of this signedness, a sign included.
fn int_as(ty: Type, signed: bool) -> u32 {
    ty.int() + u32::from(signed && !ty.is_signed())
}

/// The type that holds all values of both.
fn common(a: Type, b: Type) -> Type {
    let signed = a.is_signed() || b.is_signed();
    numeric(signed, int_as(a, signed).max(int_as(b, signed)), a.frac().max(b.frac()))
}

impl Operation {
    /// The steps that it reads.
    pub(crate) fn operands(&self) -> Vec<StepId> {
        use Operation::*;
        match self {
            Input { .. } | State(_) | Index | Constant { .. } => vec![],
            Not(a) | Align(a) | Round(a) | Floor(a) | Saturate(a) | Wrap(a) | Scale(a) => vec![*a],
            Lookup { index: a, .. } | Bit { value: a, .. } => vec![*a],
            Add(a, b) | Sub(a, b) | Mul(a, b) | Less(a, b) | Equal(a, b) | And(a, b) | Or(a, b) => vec![*a, *b],
            ShiftRight { value: a, amount: b } | Append { value: a, bit: b } => vec![*a, *b],
            Exp2 { argument: a, fixed: b, .. } | Divide { dividend: a, divisor: b } => vec![*a, *b],
            Mux { condition, then, otherwise } => vec![*condition, *then, *otherwise],
            Select { index, options } => std::iter::once(*index).chain(options.iter().copied()).collect(),
        }
    }
}

impl Operation {
    /// The same with other operands.
    pub(crate) fn with_operands(&self, of: impl Fn(&StepId) -> StepId) -> Operation {
        use Operation::*;
        match self {
            Input { .. } | State(_) | Index | Constant { .. } => self.clone(),
            Add(a, b) => Add(of(a), of(b)),
            Sub(a, b) => Sub(of(a), of(b)),
            Mul(a, b) => Mul(of(a), of(b)),
            Less(a, b) => Less(of(a), of(b)),
            Equal(a, b) => Equal(of(a), of(b)),
            And(a, b) => And(of(a), of(b)),
            Or(a, b) => Or(of(a), of(b)),
            Not(a) => Not(of(a)),
            Mux { condition, then, otherwise } => Mux { condition: of(condition), then: of(then), otherwise: of(otherwise) },
            Select { index, options } => Select { index: of(index), options: options.iter().map(of).collect() },
            Align(a) => Align(of(a)),
            Round(a) => Round(of(a)),
            Floor(a) => Floor(of(a)),
            Saturate(a) => Saturate(of(a)),
            Wrap(a) => Wrap(of(a)),
            Scale(a) => Scale(of(a)),
            ShiftRight { value, amount } => ShiftRight { value: of(value), amount: of(amount) },
            Lookup { table, index } => Lookup { table: table.clone(), index: of(index) },
            Exp2 { function, argument, fixed } => Exp2 { function: *function, argument: of(argument), fixed: of(fixed) },
            Divide { dividend, divisor } => Divide { dividend: of(dividend), divisor: of(divisor) },
            Append { value, bit } => Append { value: of(value), bit: of(bit) },
            Bit { value, bit } => Bit { value: of(value), bit: *bit },
        }
    }
}

/// Whether a number can have this type.
pub(crate) fn check_type(ty: Type) -> Result<(), Refusal> {
    let most = if ty.is_signed() { MOST_BITS } else { MOST_BITS - 1 };
    if ty.width() > most {
        return Err(format!("a result of type {ty}, wider than {most} bits; round or saturate before"));
    }
    if ty.width() == 0 || ty.frac() > MOST_FRACTION_BITS || !ty.is_number() && ty != Type::BIT {
        return Err(format!(
            "a result of type {ty}; a number has at least one bit, at most {MOST_FRACTION_BITS} of them fraction, and a sign or none"
        ));
    }
    Ok(())
}

impl Steps {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, id: StepId) -> &Step {
        &self.list[id.index()]
    }

    pub(crate) fn ty(&self, id: StepId) -> Type {
        self.list[id.index()].ty
    }

    /// What a step is, if somebody said it.
    pub(crate) fn name(&self, id: StepId) -> Option<&'static str> {
        self.names.get(&id).copied()
    }

    /// Says what a step is. A constant stays without a name; of two names for one step, the first stays.
    pub(crate) fn set_name(&mut self, id: StepId, name: &'static str) {
        self.names.entry(id).or_insert(name);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.list.iter().enumerate().map(|(i, step)| (StepId(i as u32), step))
    }

    /// A step with a result of type `ty`.
    pub(crate) fn push(&mut self, operation: Operation, ty: Type) -> Result<StepId, Refusal> {
        check_type(ty)?;
        let step = Step { operation, ty };
        if let Some(&known) = self.known.get(&step) {
            return Ok(known);
        }
        let id = StepId(self.list.len() as u32);
        self.list.push(step.clone());
        self.known.insert(step, id);
        Ok(id)
    }

    pub(crate) fn constant(&mut self, value: f64, ty: Type) -> Result<StepId, Refusal> {
        let raw = raw(value, ty).ok_or_else(|| format!("{value} is beyond the range of {ty}"))?;
        self.push(Operation::Constant { raw, real: value.to_bits() }, ty)
    }

    pub(crate) fn integer(&mut self, raw: i64, ty: Type) -> Result<StepId, Refusal> {
        self.push(Operation::Constant { raw, real: real(raw, ty).to_bits() }, ty)
    }

    fn number(&self, a: StepId) -> Result<Type, Refusal> {
        let ty = self.ty(a);
        if ty.is_number() { Ok(ty) } else { Err("arithmetic on a condition; choose numbers by it with `mux`".into()) }
    }

    fn condition(&self, a: StepId) -> Result<(), Refusal> {
        match self.ty(a) {
            Type::BIT => Ok(()),
            ty => Err(format!("a number of type {ty} as a condition; compare it")),
        }
    }

    fn unsigned_integer(&self, a: StepId, role: &str) -> Result<(), Refusal> {
        match self.ty(a) {
            Type::UInt(_) => Ok(()),
            Type::UFixed { frac: 0, .. } => Ok(()),
            ty => Err(format!("{role} of type {ty}; it must be an unsigned integer")),
        }
    }

    pub(crate) fn align(&mut self, a: StepId, ty: Type) -> Result<StepId, Refusal> {
        let from = self.ty(a);
        if from == ty {
            return Ok(a);
        }
        let holds = from.is_number()
            && ty.is_number()
            && ty.frac() >= from.frac()
            && (ty.is_signed() || !from.is_signed())
            && ty.int() >= int_as(from, ty.is_signed());
        if !holds {
            return Err(format!("{ty} does not hold every {from}; say how with `round`, `floor`, `saturate`, `wrap` or `fit`"));
        }
        match self.get(a).operation {
            Operation::Constant { raw, real } => self.push(Operation::Constant { raw: raw << (ty.frac() - from.frac()), real }, ty),
            _ => self.push(Operation::Align(a), ty),
        }
    }

    fn aligned(&mut self, a: StepId, b: StepId) -> Result<(StepId, StepId, Type), Refusal> {
        if self.ty(a) == Type::BIT && self.ty(b) == Type::BIT {
            return Ok((a, b, Type::BIT));
        }
        let ty = common(self.number(a)?, self.number(b)?);
        Ok((self.align(a, ty)?, self.align(b, ty)?, ty))
    }

    pub(crate) fn add(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        let ty = common(self.number(a)?, self.number(b)?);
        let wide = numeric(ty.is_signed(), ty.int() + 1, ty.frac());
        let (a, b) = (self.align(a, wide)?, self.align(b, wide)?);
        self.push(Operation::Add(a, b), wide)
    }

    pub(crate) fn sub(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        let ty = common(self.number(a)?, self.number(b)?);
        let wide = numeric(true, ty.int() + 1, ty.frac());
        let (a, b) = (self.align(a, wide)?, self.align(b, wide)?);
        self.push(Operation::Sub(a, b), wide)
    }

    pub(crate) fn mul(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        let (ta, tb) = (self.number(a)?, self.number(b)?);
        let signed = ta.is_signed() || tb.is_signed();
        let a = self.align(a, numeric(signed, int_as(ta, signed), ta.frac()))?;
        let b = self.align(b, numeric(signed, int_as(tb, signed), tb.frac()))?;
        let (ta, tb) = (self.ty(a), self.ty(b));
        self.push(Operation::Mul(a, b), numeric(signed, ta.int() + tb.int(), ta.frac() + tb.frac()))
    }

    pub(crate) fn less(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        self.number(a)?;
        let (a, b, _) = self.aligned(a, b)?;
        self.push(Operation::Less(a, b), Type::BIT)
    }

    pub(crate) fn equal(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        let (a, b, _) = self.aligned(a, b)?;
        self.push(Operation::Equal(a, b), Type::BIT)
    }

    pub(crate) fn and(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        self.condition(a)?;
        self.condition(b)?;
        self.push(Operation::And(a, b), Type::BIT)
    }

    pub(crate) fn or(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        self.condition(a)?;
        self.condition(b)?;
        self.push(Operation::Or(a, b), Type::BIT)
    }

    pub(crate) fn not(&mut self, a: StepId) -> Result<StepId, Refusal> {
        self.condition(a)?;
        self.push(Operation::Not(a), Type::BIT)
    }

    pub(crate) fn mux(&mut self, condition: StepId, then: StepId, otherwise: StepId) -> Result<StepId, Refusal> {
        self.condition(condition)?;
        let (then, otherwise, ty) = self.aligned(then, otherwise)?;
        self.push(Operation::Mux { condition, then, otherwise }, ty)
    }

    pub(crate) fn max(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        let less = self.less(a, b)?;
        self.mux(less, b, a)
    }

    pub(crate) fn min(&mut self, a: StepId, b: StepId) -> Result<StepId, Refusal> {
        let less = self.less(a, b)?;
        self.mux(less, a, b)
    }

    pub(crate) fn select(&mut self, index: StepId, options: &[StepId]) -> Result<StepId, Refusal> {
        self.unsigned_integer(index, "an index")?;
        let Some(&first) = options.first() else { return Err("`select` among nothing; give at least one option".into()) };
        let mut ty = self.ty(first);
        for &option in &options[1..] {
            if (ty, self.ty(option)) != (Type::BIT, Type::BIT) {
                self.number(first)?;
                ty = common(ty, self.number(option)?);
            }
        }
        let options: Vec<StepId> = options.iter().map(|&option| self.align(option, ty)).collect::<Result<_, _>>()?;
        if options.iter().all(|&option| option == options[0]) {
            return Ok(options[0]);
        }
        self.push(Operation::Select { index, options }, ty)
    }

    pub(crate) fn round(&mut self, a: StepId, frac: u32) -> Result<StepId, Refusal> {
        let ty = self.number(a)?;
        if frac >= ty.frac() {
            return Ok(a);
        }
        self.push(Operation::Round(a), numeric(ty.is_signed(), ty.int() + 1, frac))
    }

    pub(crate) fn floor(&mut self, a: StepId, frac: u32) -> Result<StepId, Refusal> {
        let ty = self.number(a)?;
        if frac >= ty.frac() {
            return Ok(a);
        }
        self.push(Operation::Floor(a), numeric(ty.is_signed(), ty.int().max(u32::from(frac == 0)), frac))
    }

    pub(crate) fn saturate(&mut self, a: StepId, ty: Type) -> Result<StepId, Refusal> {
        self.number(a)?;
        self.keeps_fraction(a, ty)?;
        if let Ok(aligned) = self.align(a, ty) {
            return Ok(aligned);
        }
        self.push(Operation::Saturate(a), ty)
    }

    pub(crate) fn wrap(&mut self, a: StepId, ty: Type) -> Result<StepId, Refusal> {
        self.number(a)?;
        self.keeps_fraction(a, ty)?;
        if self.ty(a) == ty { Ok(a) } else { self.push(Operation::Wrap(a), ty) }
    }

    fn keeps_fraction(&self, a: StepId, ty: Type) -> Result<(), Refusal> {
        let from = self.ty(a);
        if !ty.is_number() {
            return Err(format!("a number becomes {ty}; compare it instead"));
        }
        if ty.frac() < from.frac() {
            return Err(format!("{ty} has fewer fraction bits than {from}; `round` or `floor` before, or `fit`"));
        }
        Ok(())
    }

    pub(crate) fn scale(&mut self, a: StepId, exponent: i32) -> Result<StepId, Refusal> {
        let ty = self.number(a)?;
        let frac = i64::from(ty.frac()) - i64::from(exponent);
        let int = i64::from(ty.int()) + i64::from(exponent);
        // Bits that the new binary point leaves outside are made first.
        let (more_frac, more_int) = ((-frac).max(0) as u32, (-int).max(0) as u32);
        let a = self.align(a, numeric(ty.is_signed(), ty.int() + more_int, ty.frac() + more_frac))?;
        let scaled = numeric(ty.is_signed(), int.max(0) as u32, frac.max(0) as u32);
        if self.ty(a) == scaled { Ok(a) } else { self.push(Operation::Scale(a), scaled) }
    }

    /// The same number in a type with the same bits before and behind the binary point.
    pub(crate) fn reinterpret(&mut self, a: StepId, ty: Type) -> Result<StepId, Refusal> {
        if self.ty(a) == ty { Ok(a) } else { self.push(Operation::Scale(a), ty) }
    }

    pub(crate) fn shift_right(&mut self, value: StepId, amount: StepId) -> Result<StepId, Refusal> {
        let ty = self.number(value)?;
        self.unsigned_integer(amount, "a shift")?;
        self.push(Operation::ShiftRight { value, amount }, ty)
    }

    pub(crate) fn lookup(&mut self, table: &Arc<[i64]>, ty: Type, index: StepId) -> Result<StepId, Refusal> {
        self.unsigned_integer(index, "an index")?;
        let (least, greatest) = range(ty);
        if table.is_empty() {
            return Err("a table without words; give at least one".into());
        }
        if let Some(word) = table.iter().find(|word| !(least..=greatest).contains(*word)) {
            return Err(format!("the word {word} of a table does not fit {ty}, which spans {least} to {greatest}"));
        }
        self.push(Operation::Lookup { table: table.clone(), index }, ty)
    }

    pub(crate) fn divide(&mut self, dividend: StepId, divisor: StepId, ty: Type) -> Result<StepId, Refusal> {
        let from = self.number(dividend)?;
        let by = self.number(divisor)?;
        if by.is_signed() {
            return Err(format!("division by a signed number of type {by}; the divisor must be unsigned"));
        }
        if !ty.is_number() || from.is_signed() && !ty.is_signed() {
            return Err(format!("a quotient of a {from} as {ty}; a signed dividend has a signed quotient"));
        }
        // The quotient is dividend · 2^shift / divisor, of so many bits.
        let shift = i64::from(ty.frac()) - i64::from(from.frac()) + i64::from(by.frac());
        let bits = i64::from(ty.width()) - i64::from(ty.is_signed());
        let dividend_bits = i64::from(from.width()) + (shift - bits).max(0);
        let divisor_bits = i64::from(by.width()) + (-shift).max(0);
        if bits < 1 || bits > 62 || dividend_bits > 63 || divisor_bits > 61 {
            return Err(format!(
                "a {from} divided by a {by} as {ty}, which would need {dividend_bits} bits of dividend and {divisor_bits} of divisor; the most \
                 are 63 and 61, of a quotient of 1 to 62 bits without its sign"
            ));
        }
        self.push(Operation::Divide { dividend, divisor }, ty)
    }
}

/// The least and the greatest raw integer of a type.
pub(crate) fn range(ty: Type) -> (i64, i64) {
    match (ty.is_signed(), ty.width()) {
        (true, width) => {
            let greatest = (1i128 << (width.clamp(1, MOST_BITS) - 1)) - 1;
            ((-greatest - 1) as i64, greatest as i64)
        }
        (false, width) => (0, ((1i128 << width.min(MOST_BITS - 1)) - 1) as i64),
    }
}

/// The raw integer of the number nearest to `value`, halves to even; `None` beyond the range.
pub(crate) fn raw(value: f64, ty: Type) -> Option<i64> {
    let scaled = (value * f64::from(ty.frac()).exp2()).round_ties_even();
    let (least, greatest) = range(ty);
    // Of 64 bits, the greatest is not a double: compared as integers.
    (scaled.abs() < 1e19)
        .then_some(scaled as i128)
        .filter(|raw| (i128::from(least)..=i128::from(greatest)).contains(raw))
        .map(|raw| raw as i64)
}

/// The number that a raw integer stands for.
pub(crate) fn real(raw: i64, ty: Type) -> f64 {
    raw as f64 * (-f64::from(ty.frac())).exp2()
}
