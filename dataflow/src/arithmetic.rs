//! What the operations of [steps](crate::steps) compute: on raw integers, exactly as hardware does, and on real numbers.

use crate::exp2::Power;
use crate::steps::{Operation, StepId, Steps, range, real};

/// An operation with its constants worked out, of up to three operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Instruction {
    Add,
    Sub,
    Mul,
    Less,
    Equal,
    And,
    Or,
    Not,
    /// Of condition, then, otherwise.
    Mux,
    /// The same value in so many more fraction bits.
    Align(u32),
    /// Without the last so many bits, halves to even.
    Round(u32),
    /// Without the last so many bits.
    Floor(u32),
    Saturate {
        shift: u32,
        least: i64,
        greatest: i64,
    },
    /// `spare` bits of 64 are beyond the type.
    Wrap {
        shift: u32,
        spare: u32,
        signed: bool,
    },
    /// The same raw integer; of real numbers, times `factor`.
    Scale {
        factor: f64,
    },
    ShiftRight,
    /// The raw quotient is `dividend · 2^shift / divisor`.
    Divide {
        shift: i32,
        least: i64,
        greatest: i64,
    },
    Append,
    Bit(u32),
}

impl Instruction {
    /// The instruction of a step; `None` of one that reads something else than steps: inputs, state, tables, options, powers.
    pub(crate) fn of(steps: &Steps, id: StepId) -> Option<(Instruction, [StepId; 3])> {
        use Instruction as I;
        let step = steps.get(id);
        let ty = step.ty;
        let up = |a: StepId| ty.frac() - steps.ty(a).frac();
        let down = |a: StepId| steps.ty(a).frac() - ty.frac();
        let unary = |instruction, a: StepId| Some((instruction, [a; 3]));
        let binary = |instruction, a: StepId, b: StepId| Some((instruction, [a, b, b]));
        match step.operation {
            Operation::Input { .. } | Operation::State(_) | Operation::Index | Operation::Constant { .. } => None,
            Operation::Lookup { .. } | Operation::Select { .. } | Operation::Exp2 { .. } => None,
            Operation::Add(a, b) => binary(I::Add, a, b),
            Operation::Sub(a, b) => binary(I::Sub, a, b),
            Operation::Mul(a, b) => binary(I::Mul, a, b),
            Operation::Less(a, b) => binary(I::Less, a, b),
            Operation::Equal(a, b) => binary(I::Equal, a, b),
            Operation::And(a, b) => binary(I::And, a, b),
            Operation::Or(a, b) => binary(I::Or, a, b),
            Operation::Not(a) => unary(I::Not, a),
            Operation::Mux { condition, then, otherwise } => Some((I::Mux, [condition, then, otherwise])),
            Operation::Align(a) => unary(I::Align(up(a)), a),
            Operation::Round(a) => unary(I::Round(down(a)), a),
            Operation::Floor(a) => unary(I::Floor(down(a)), a),
            Operation::Saturate(a) => {
                let (least, greatest) = range(ty);
                unary(I::Saturate { shift: up(a), least, greatest }, a)
            }
            Operation::Wrap(a) => unary(I::Wrap { shift: up(a), spare: 64 - ty.width(), signed: ty.is_signed() }, a),
            Operation::Scale(a) => unary(I::Scale { factor: (f64::from(steps.ty(a).frac()) - f64::from(ty.frac())).exp2() }, a),
            Operation::ShiftRight { value, amount } => binary(I::ShiftRight, value, amount),
            Operation::Divide { dividend, divisor } => {
                let (least, greatest) = range(ty);
                let shift = ty.frac() as i32 - steps.ty(dividend).frac() as i32 + steps.ty(divisor).frac() as i32;
                binary(I::Divide { shift, least, greatest }, dividend, divisor)
            }
            Operation::Append { value, bit } => binary(I::Append, value, bit),
            Operation::Bit { value, bit } => unary(I::Bit(bit), value),
        }
    }
}

/// Numbers that a graph can be evaluated on.
pub(crate) trait Number: Copy + Default {
    /// A raw integer of a type with so many fraction bits, which stands for a real number.
    fn constant(raw: i64, real: f64) -> Self;
    /// A whole number that is an index.
    fn from_index(index: u64) -> Self;
    /// An index that is this number.
    fn index(self) -> usize;
    /// Whether an instruction of one operand leaves every number as it is.
    fn is_identity(instruction: Instruction) -> bool;
    /// A power of 2.
    fn power(power: &Power, x: Self) -> Self;
    /// The result of an instruction.
    fn apply(instruction: Instruction, x: Self, y: Self, z: Self) -> Self;
}

/// In units of the last place. A condition is 0 or 1.
impl Number for i64 {
    #[inline(always)]
    fn constant(raw: i64, _: f64) -> i64 {
        raw
    }

    #[inline(always)]
    fn from_index(index: u64) -> i64 {
        index as i64
    }

    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }

    fn is_identity(instruction: Instruction) -> bool {
        matches!(instruction, Instruction::Align(0) | Instruction::Scale { .. })
    }

    #[inline(always)]
    fn power(power: &Power, x: i64) -> i64 {
        power.of(x)
    }

    #[inline(always)]
    fn apply(instruction: Instruction, x: i64, y: i64, z: i64) -> i64 {
        match instruction {
            Instruction::Add => x + y,
            Instruction::Sub => x - y,
            Instruction::Mul => x * y,
            Instruction::Less => i64::from(x < y),
            Instruction::Equal => i64::from(x == y),
            Instruction::And => x & y,
            Instruction::Or => x | y,
            Instruction::Not => 1 - x,
            Instruction::Mux => {
                if x != 0 {
                    y
                } else {
                    z
                }
            }
            Instruction::Align(shift) => x << shift,
            Instruction::Round(drop) => {
                let (floor, half) = (x >> drop, 1i64 << (drop - 1));
                // Above the half, or at it with an odd floor.
                let rest = x & ((half << 1).wrapping_sub(1));
                floor + i64::from(rest > half || (rest == half && floor & 1 == 1))
            }
            Instruction::Floor(drop) => x >> drop,
            Instruction::Saturate { shift, least, greatest } => {
                let wide = i128::from(x) << shift;
                wide.clamp(i128::from(least), i128::from(greatest)) as i64
            }
            Instruction::Wrap { shift, spare, signed } => {
                let low = x.wrapping_shl(shift) << spare;
                if signed { low >> spare } else { ((low as u64) >> spare) as i64 }
            }
            Instruction::Scale { .. } => x,
            Instruction::ShiftRight => x >> y.min(63),
            Instruction::Divide { shift, least, greatest } => divide(x, y, shift, least, greatest),
            Instruction::Append => x << 1 | y,
            Instruction::Bit(bit) => x >> bit & 1,
        }
    }
}

/// Towards zero, saturated.
fn divide(dividend: i64, divisor: i64, shift: i32, least: i64, greatest: i64) -> i64 {
    if divisor == 0 {
        return if dividend < 0 { least } else { greatest };
    }
    // The formats of a division are such that neither overflows.
    let dividend = i128::from(dividend) << shift.max(0);
    let divisor = i128::from(divisor) << (-shift).max(0);
    (dividend / divisor).clamp(i128::from(least), i128::from(greatest)) as i64
}

/// Conversions leave a real number as it is. A condition is 0 or 1.
impl Number for f64 {
    #[inline(always)]
    fn constant(_: i64, real: f64) -> f64 {
        real
    }

    #[inline(always)]
    fn from_index(index: u64) -> f64 {
        index as f64
    }

    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }

    fn is_identity(instruction: Instruction) -> bool {
        use Instruction::*;
        matches!(instruction, Align(_) | Round(_) | Floor(_) | Saturate { .. } | Wrap { .. }) || instruction == Scale { factor: 1.0 }
    }

    #[inline(always)]
    fn power(_: &Power, x: f64) -> f64 {
        x.exp2()
    }

    #[inline(always)]
    fn apply(instruction: Instruction, x: f64, y: f64, z: f64) -> f64 {
        let truth = |condition: bool| f64::from(u8::from(condition));
        match instruction {
            Instruction::Add => x + y,
            Instruction::Sub => x - y,
            Instruction::Mul => x * y,
            Instruction::Less => truth(x < y),
            Instruction::Equal => truth(x == y),
            Instruction::And => truth(x != 0.0 && y != 0.0),
            Instruction::Or => truth(x != 0.0 || y != 0.0),
            Instruction::Not => 1.0 - x,
            Instruction::Mux => {
                if x != 0.0 {
                    y
                } else {
                    z
                }
            }
            Instruction::Align(_) | Instruction::Round(_) | Instruction::Floor(_) => x,
            Instruction::Saturate { .. } | Instruction::Wrap { .. } => x,
            Instruction::Scale { factor } => x * factor,
            Instruction::ShiftRight => x * (-y).exp2(),
            Instruction::Divide { .. } => x / y,
            Instruction::Append => 2.0 * x + y,
            Instruction::Bit(bit) => truth((x as i64) >> bit & 1 == 1),
        }
    }
}

/// The word of a table as a number.
pub(crate) fn table_word<N: Number>(table: &[i64], ty: systole_hdl::Type, index: N) -> N {
    table.get(index.index()).map_or(N::constant(0, 0.0), |&word| N::constant(word, real(word, ty)))
}
