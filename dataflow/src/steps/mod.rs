//! The function of a unit as a list of typed steps, each an operation on steps before it: what is evaluated, and what becomes hardware.
//!
//! Equal steps are one. The type of a step holds every result that it can have; [`MOST_BITS`] bounds it, so that a number fits 64 bits.

mod arithmetic;
mod operation;

use std::collections::HashMap;

use systole_hdl::Type;

pub(crate) use self::operation::Operation;

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
