//! What each cell computes, for any width: the netlist's definition of the cells written as directly as possible.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use systole_hdl::{Cell, Type, Value};

/// An operand's value and the type it has in its module.
pub(crate) struct Operand {
    pub value: Value,
    pub ty: Type,
}

impl Operand {
    fn number(&self) -> BigInt {
        self.value.to_number(self.ty)
    }
}

/// The value of a cell without state or connections, of type `ty`, from its operands in the order of the variant's fields.
///
/// # Panics
/// If the cell is a port, a constant, a register, a memory read or an instance's output.
pub(crate) fn evaluate(cell: &Cell, ty: Type, operands: &[Operand]) -> Value {
    let width = ty.width();
    let bit = |condition: bool| Value::from_u64(1, condition.into());
    let limbwise = |f: fn(u64, u64) -> u64| {
        let (a, b) = (operands[0].value.limbs(), operands[1].value.limbs());
        Value::from_limbs(width, a.iter().zip(b).map(|(&a, &b)| f(a, b)))
    };
    match cell {
        Cell::Wire(_) => operands[0].value.clone(),
        Cell::Not(_) => Value::from_limbs(width, operands[0].value.limbs().iter().map(|limb| !limb)),
        Cell::And(..) => limbwise(|a, b| a & b),
        Cell::Or(..) => limbwise(|a, b| a | b),
        Cell::Xor(..) => limbwise(|a, b| a ^ b),
        Cell::ReduceAnd(_) => bit(operands[0].value == Value::ones(operands[0].ty.width())),
        Cell::ReduceOr(_) => bit(!operands[0].value.is_zero()),
        Cell::ReduceXor(_) => bit(operands[0].value.limbs().iter().map(|limb| limb.count_ones()).sum::<u32>() % 2 == 1),
        Cell::Add(..) => Value::from_bigint(width, &(operands[0].number() + operands[1].number())),
        Cell::Sub(..) => Value::from_bigint(width, &(operands[0].number() - operands[1].number())),
        Cell::Mul(..) => Value::from_bigint(width, &(operands[0].number() * operands[1].number())),
        Cell::Equal(..) => bit(operands[0].value == operands[1].value),
        Cell::Less(..) => bit(operands[0].number() < operands[1].number()),
        Cell::ShiftLeft(..) => match distance(&operands[1].value, width) {
            Some(distance) => Value::from_bigint(width, &(operands[0].number() << distance)),
            None => Value::zero(width),
        },
        // Right shift of a negative `BigInt` rounds down, which is what copies of the sign amount to.
        Cell::ShiftRight(..) => {
            let distance = distance(&operands[1].value, width).unwrap_or(width);
            Value::from_bigint(width, &(operands[0].number() >> distance))
        }
        Cell::Mux { .. } => operands[if operands[0].value.bit(0) { 1 } else { 2 }].value.clone(),
        Cell::Select { options, .. } => {
            let last = options.len() - 1;
            let chosen = operands[0].value.to_biguint().to_usize().map_or(last, |index| index.min(last));
            operands[1 + chosen].value.clone()
        }
        Cell::Concat(_) => {
            let mut parts = operands.iter().rev();
            let lowest = parts.next().map_or_else(|| Value::zero(width), |part| part.value.clone());
            parts.fold(lowest, |low, high| low.concat(&high.value))
        }
        Cell::Slice { low, .. } => operands[0].value.slice(*low, width),
        Cell::Extend(_) => Value::from_bigint(width, &operands[0].number()),
        Cell::Const(_)
        | Cell::Input(_)
        | Cell::Register { .. }
        | Cell::MemoryRead { .. }
        | Cell::MemoryReadRegistered { .. }
        | Cell::InstanceOutput { .. } => unreachable!("{cell:?} has its value from elsewhere"),
    }
}

/// The distance to shift by; `None` if it reaches `width`.
fn distance(value: &Value, width: u32) -> Option<u32> {
    value.to_u64().and_then(|distance| u32::try_from(distance).ok()).filter(|&distance| distance < width)
}
