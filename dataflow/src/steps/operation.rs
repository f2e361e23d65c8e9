//! The operations of steps.

use std::sync::Arc;

use super::StepId;
use crate::exp2::Exp2;

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
