//! Restoring division as steps, so that it can be cut into stages like everything else.

use systole_hdl::Type;

use crate::function::Function;
use crate::steps::{Operation, Refusal, Step, StepId, Steps, numeric, range};

/// The same function with powers in fixed point, and every division as subtractions.
pub(crate) fn expanded(function: &Function) -> Result<Function, Refusal> {
    let mut steps = Steps::default();
    let mut now: Vec<StepId> = Vec::new();
    for (id, step) in function.steps.iter() {
        let name = function.steps.name(id);
        let Step { operation, ty } = step;
        let moved = |id: &StepId| now[id.index()];
        let id = match operation {
            Operation::Divide { dividend, divisor } => division(&mut steps, moved(dividend), moved(divisor), *ty)?,
            Operation::Exp2 { fixed, .. } => moved(fixed),
            _ => steps.push(operation.with_operands(moved), *ty)?,
        };
        name.into_iter().for_each(|name| steps.set_name(id, name));
        now.push(id);
    }
    let moved = |ids: &[StepId]| ids.iter().map(|id| now[id.index()]).collect();
    Ok(Function { next: moved(&function.next), output: moved(&function.output), steps })
}

/// `dividend / divisor` towards zero, saturated to `ty`: one subtraction for each bit of the magnitude.
fn division(steps: &mut Steps, dividend: StepId, divisor: StepId, ty: Type) -> Result<StepId, Refusal> {
    let (from, by) = (steps.ty(dividend), steps.ty(divisor));
    let zero = steps.integer(0, Type::u(1))?;
    let negative = if from.is_signed() { Some(steps.less(dividend, zero)?) } else { None };
    negative.into_iter().for_each(|negative| steps.set_name(negative, "negative"));
    let magnitude = match negative {
        Some(negative) => {
            let negated = steps.sub(zero, dividend)?;
            let magnitude = steps.mux(negative, negated, dividend)?;
            steps.wrap(magnitude, numeric(false, from.int(), from.frac()))?
        }
        None => dividend,
    };
    steps.set_name(magnitude, "magnitude");
    // Integers from here on: the quotient's is magnitude · 2^shift / divisor, of so many bits.
    let shift = i64::from(ty.frac()) - i64::from(from.frac()) + i64::from(by.frac());
    let bits = ty.width() - u32::from(ty.is_signed());
    let magnitude = integer(steps, magnitude)?;
    let divisor = integer(steps, divisor)?;
    let divisor = if shift < 0 { shifted_left(steps, divisor, (-shift) as u32)? } else { divisor };
    steps.set_name(divisor, "divisor");
    let shift = shift.max(0) as u32;

    // What lies above the bits that the quotient can have: as much as the divisor, and the quotient has more.
    let above = match bits.checked_sub(shift) {
        Some(down) => {
            let scaled = steps.scale(magnitude, -(down as i32))?;
            steps.floor(scaled, 0)?
        }
        None => shifted_left(steps, magnitude, shift - bits)?,
    };
    let fits = steps.less(above, divisor)?;
    let overflows = steps.not(fits)?;
    steps.set_name(overflows, "overflows");
    let width = steps.ty(divisor).width();
    let aligned = Type::u(width.max(steps.ty(above).width()));
    let above = steps.align(above, aligned)?;
    let mut remainder = steps.wrap(above, Type::u(width))?;
    let no_bit = steps.push(Operation::Constant { raw: 0, real: 0 }, Type::BIT)?;
    let mut quotient = None;
    let magnitude_bits = steps.ty(magnitude).width();
    for bit in (0..bits).rev() {
        let brought = match bit.checked_sub(shift).filter(|&bit| bit < magnitude_bits) {
            Some(bit) => steps.push(Operation::Bit { value: magnitude, bit }, Type::BIT)?,
            None => no_bit,
        };
        let tried = steps.push(Operation::Append { value: remainder, bit: brought }, Type::u(width + 1))?;
        let difference = steps.sub(tried, divisor)?;
        let too_much = steps.less(difference, zero)?;
        let kept = steps.wrap(tried, Type::u(width))?;
        let rest = steps.wrap(difference, Type::u(width))?;
        remainder = steps.mux(too_much, kept, rest)?;
        let enough = steps.not(too_much)?;
        let digits = match quotient {
            None => steps.reinterpret(enough, Type::u(1))?,
            Some(quotient) => {
                let bits = steps.ty(quotient).width();
                steps.push(Operation::Append { value: quotient, bit: enough }, Type::u(bits + 1))?
            }
        };
        let names = [(tried, "tried"), (difference, "difference"), (too_much, "too_much"), (remainder, "remainder"), (digits, "quotient")];
        names.into_iter().for_each(|(step, name)| steps.set_name(step, name));
        quotient = Some(digits);
    }
    let quotient = quotient.unwrap_or(zero);
    let (least, greatest) = range(ty);
    let whole = numeric(ty.is_signed(), ty.width(), 0);
    let greatest = steps.integer(greatest, whole)?;
    let quotient = steps.align(quotient, whole)?;
    let mut result = steps.mux(overflows, greatest, quotient)?;
    if let Some(negative) = negative {
        let least = steps.integer(least, whole)?;
        let negated = steps.sub(zero, quotient)?;
        let negated = steps.wrap(negated, whole)?;
        let below = steps.mux(overflows, least, negated)?;
        result = steps.mux(negative, below, result)?;
    }
    let scaled = steps.scale(result, -(ty.frac() as i32))?;
    steps.reinterpret(scaled, ty)
}

/// The raw integer of an unsigned number.
fn integer(steps: &mut Steps, a: StepId) -> Result<StepId, Refusal> {
    let frac = steps.ty(a).frac() as i32;
    steps.scale(a, frac)
}

/// An unsigned integer with so many zeros behind it.
fn shifted_left(steps: &mut Steps, a: StepId, zeros: u32) -> Result<StepId, Refusal> {
    let width = steps.ty(a).width();
    let fraction = steps.align(a, numeric(false, width, zeros))?;
    steps.scale(fraction, zeros as i32)
}
