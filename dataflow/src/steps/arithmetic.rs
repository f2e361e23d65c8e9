//! How steps are made: operands of one format, and results whose type holds every value.

use std::sync::Arc;

use systole_hdl::Type;

use super::{Operation, Refusal, StepId, Steps, numeric, range, raw, real};

/// Integer bits that `ty` needs as a number of this signedness, a sign included.
fn int_as(ty: Type, signed: bool) -> u32 {
    ty.int() + u32::from(signed && !ty.is_signed())
}

/// The type that holds all values of both.
fn common(a: Type, b: Type) -> Type {
    let signed = a.is_signed() || b.is_signed();
    numeric(signed, int_as(a, signed).max(int_as(b, signed)), a.frac().max(b.frac()))
}

impl Steps {
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
        if !(1..=62).contains(&bits) || dividend_bits > 63 || divisor_bits > 61 {
            return Err(format!(
                "a {from} divided by a {by} as {ty}, which would need {dividend_bits} bits of dividend and {divisor_bits} of divisor; the most \
                 are 63 and 61, of a quotient of 1 to 62 bits without its sign"
            ));
        }
        self.push(Operation::Divide { dividend, divisor }, ty)
    }
}
