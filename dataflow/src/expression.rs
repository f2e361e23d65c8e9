//! The form in which the function of a unit is written: a tree that can be evaluated, and that a lowering can read.
//!
//! Numbers are `f64` here: an expression states which operations there are and in which order, not their widths. A lowering to
//! hardware has to add a fixed-point format to every node.

use std::ops::{Add, Div, Mul, Sub};

/// A number computed from the inputs and the state of a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Field `field` of the element last taken from input `input`; both count from 0.
    Input {
        /// Which input of the unit.
        input: usize,
        /// Which field of its element.
        field: usize,
    },
    /// A word of the unit's state before this firing.
    State(usize),
    /// A word of the unit's state after this firing. Only outputs may use it.
    Next(usize),
    /// Which firing of the unit's period this is, from 0.
    Index,
    /// A constant.
    Constant(f64),
    /// An operation on one number.
    Unary(Unary, Box<Expression>),
    /// An operation on two numbers.
    Binary(Binary, Box<Expression>, Box<Expression>),
}

/// Operations on one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// e to the power of the operand.
    Exp,
}

/// Operations on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// The sum.
    Add,
    /// The left operand less the right one.
    Sub,
    /// The product.
    Mul,
    /// The left operand by the right one, as IEEE 754 has it: by zero it is infinite or not a number.
    Div,
    /// The larger one; of a number and not-a-number, the number.
    Max,
    /// The smaller one; of a number and not-a-number, the number.
    Min,
}

/// Field 0 of input `input`: its element, where that is a single number.
pub fn input(input: usize) -> Expression {
    field(input, 0)
}

/// Field `field` of input `input`.
pub fn field(input: usize, field: usize) -> Expression {
    Expression::Input { input, field }
}

/// Word `word` of the state before the firing.
pub fn state(word: usize) -> Expression {
    Expression::State(word)
}

/// Word `word` of the state after the firing.
pub fn next(word: usize) -> Expression {
    Expression::Next(word)
}

/// Which firing of the period it is, from 0.
pub fn index() -> Expression {
    Expression::Index
}

/// A constant.
pub fn number(value: f64) -> Expression {
    Expression::Constant(value)
}

impl Expression {
    /// e to the power of this.
    pub fn exp(self) -> Expression {
        Expression::Unary(Unary::Exp, Box::new(self))
    }

    /// The larger of the two.
    pub fn max(self, other: Expression) -> Expression {
        binary(Binary::Max, self, other)
    }

    /// The smaller of the two.
    pub fn min(self, other: Expression) -> Expression {
        binary(Binary::Min, self, other)
    }
}

impl Add for Expression {
    type Output = Expression;
    fn add(self, other: Expression) -> Expression {
        binary(Binary::Add, self, other)
    }
}

impl Sub for Expression {
    type Output = Expression;
    fn sub(self, other: Expression) -> Expression {
        binary(Binary::Sub, self, other)
    }
}

impl Mul for Expression {
    type Output = Expression;
    fn mul(self, other: Expression) -> Expression {
        binary(Binary::Mul, self, other)
    }
}

impl Div for Expression {
    type Output = Expression;
    fn div(self, other: Expression) -> Expression {
        binary(Binary::Div, self, other)
    }
}

fn binary(operation: Binary, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operation, Box::new(left), Box::new(right))
}

impl Unary {
    /// The result of the operation.
    pub fn evaluate(self, a: f64) -> f64 {
        match self {
            Unary::Exp => a.exp(),
        }
    }
}

impl Binary {
    /// The result of the operation.
    pub fn evaluate(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Max => a.max(b),
            Binary::Min => a.min(b),
        }
    }
}
