//! The form in which the function of a unit is written: a typed tree that is evaluated on numbers and becomes hardware.
//!
//! Every number has a [`Type`]. `+`, `-`, `*`, [`max`](Expression::max) and the comparisons are exact: operands may have different formats,
//! and the result's format holds every result. What loses something says so: [`round`](Expression::round), [`floor`](Expression::floor),
//! [`saturate`](Expression::saturate), [`wrap`](Expression::wrap), [`fit`](Expression::fit), [`divide`](Expression::divide),
//! [`exp2`](Expression::exp2). So a format is stated where a designer decides one, and nowhere else.
//!
//! Evaluated on real numbers instead, the same tree shows what the formats cost: conversions then change nothing.
//!
//! A clone shares the tree. An expression used twice is computed once.

use std::fmt;
use std::ops::{Add, BitAnd, BitOr, Mul, Not, Sub};
use std::sync::Arc;

use systole_hdl::Type;
use systole_hdl::types::bits_for;

use crate::exp2::Exp2;

/// A number, or a condition of one bit, computed from the inputs and the state of a unit.
#[derive(Clone)]
pub struct Expression(pub(crate) Arc<Node>);

/// What an expression computes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Field `field` of the element last taken from input `input`.
    Input {
        input: usize,
        field: usize,
    },
    /// A word of the state before this firing.
    State(usize),
    /// A word of the state after this firing.
    Next(usize),
    /// Which firing of the period this is, from 0.
    Index,
    Constant {
        value: f64,
        ty: Type,
    },
    Binary(Binary, Expression, Expression),
    Not(Expression),
    Mux {
        condition: Expression,
        then: Expression,
        otherwise: Expression,
    },
    Select {
        index: Expression,
        options: Vec<Expression>,
    },
    Convert(Conversion, Expression),
    /// Times 2 to the power of a constant: the binary point moves.
    Scale(i32, Expression),
    ShiftRight {
        value: Expression,
        amount: Expression,
    },
    Lookup {
        table: Arc<[i64]>,
        ty: Type,
        index: Expression,
    },
    Exp2 {
        argument: Expression,
        function: Exp2,
    },
    Divide {
        dividend: Expression,
        divisor: Expression,
        ty: Type,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Max,
    Min,
    Less,
    Equal,
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Conversion {
    /// Lossless.
    To(Type),
    /// Half to even, to so many fraction bits.
    Round(u32),
    /// Towards minus infinity, to so many fraction bits.
    Floor(u32),
    Saturate(Type),
    Wrap(Type),
}

/// Field 0 of input `input`: its element, where that is a single number.
pub fn input(input: usize) -> Expression {
    field(input, 0)
}

/// Field `field` of input `input`; both count from 0.
pub fn field(input: usize, field: usize) -> Expression {
    Node::Input { input, field }.into()
}

/// Word `word` of the state before the firing.
pub fn state(word: usize) -> Expression {
    Node::State(word).into()
}

/// Word `word` of the state after the firing. Only outputs may use it.
pub fn next(word: usize) -> Expression {
    Node::Next(word).into()
}

/// Which firing of the period it is, from 0: an unsigned integer.
pub fn index() -> Expression {
    Node::Index.into()
}

/// The number of type `ty` nearest to `value`, which must not lie beyond its range.
pub fn number(value: f64, ty: Type) -> Expression {
    Node::Constant { value, ty }.into()
}

/// A whole number, as an unsigned integer of the least width.
pub fn whole(value: u64) -> Expression {
    number(value as f64, Type::u(bits_for(value)))
}

/// The sum of any number of terms, as a balanced tree; at least one.
///
/// # Panics
/// If there are no terms.
pub fn sum(terms: impl IntoIterator<Item = Expression>) -> Expression {
    let mut terms: Vec<Expression> = terms.into_iter().collect();
    assert!(!terms.is_empty(), "a sum has at least one term");
    while terms.len() > 1 {
        let mut pairs = terms.into_iter();
        terms = Vec::new();
        while let Some(left) = pairs.next() {
            terms.push(match pairs.next() {
                Some(right) => left + right,
                None => left,
            });
        }
    }
    terms.remove(0)
}

/// Σ a\[i\]·b\[i\], exactly, as a balanced tree.
///
/// # Panics
/// If there are no products.
pub fn dot(a: impl IntoIterator<Item = Expression>, b: impl IntoIterator<Item = Expression>) -> Expression {
    sum(a.into_iter().zip(b).map(|(a, b)| a * b))
}

/// Clones are equal without being looked into.
impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

/// The outermost operation alone: a tree that shares much may be long.
impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            leaf @ (Node::Input { .. } | Node::State(_) | Node::Next(_) | Node::Index | Node::Constant { .. }) => write!(f, "{leaf:?}"),
            Node::Binary(operation, ..) => write!(f, "{operation:?}(..)"),
            Node::Not(_) => write!(f, "Not(..)"),
            Node::Mux { .. } => write!(f, "Mux(..)"),
            Node::Select { .. } => write!(f, "Select(..)"),
            Node::Convert(conversion, _) => write!(f, "{conversion:?}(..)"),
            Node::Scale(exponent, _) => write!(f, "Scale({exponent}, ..)"),
            Node::ShiftRight { .. } => write!(f, "ShiftRight(..)"),
            Node::Lookup { ty, .. } => write!(f, "Lookup({ty}, ..)"),
            Node::Exp2 { function, .. } => write!(f, "{function:?}(..)"),
            Node::Divide { ty, .. } => write!(f, "Divide({ty}, ..)"),
        }
    }
}

impl From<Node> for Expression {
    fn from(node: Node) -> Expression {
        Expression(Arc::new(node))
    }
}

impl Expression {
    /// The larger of the two.
    pub fn max(self, other: Expression) -> Expression {
        binary(Binary::Max, self, other)
    }

    /// The smaller of the two.
    pub fn min(self, other: Expression) -> Expression {
        binary(Binary::Min, self, other)
    }

    /// A condition: less than `other`.
    pub fn lt(self, other: Expression) -> Expression {
        binary(Binary::Less, self, other)
    }

    /// A condition: equal to `other`.
    pub fn equals(self, other: Expression) -> Expression {
        binary(Binary::Equal, self, other)
    }

    /// This condition chooses: `then` where it holds, else `otherwise`.
    pub fn mux(self, then: Expression, otherwise: Expression) -> Expression {
        Node::Mux { condition: self, then, otherwise }.into()
    }

    /// The option at the position that this unsigned integer gives; beyond the last one, the last.
    pub fn select(self, options: impl Into<Vec<Expression>>) -> Expression {
        Node::Select { index: self, options: options.into() }.into()
    }

    /// The same value in a type that holds every value of this one.
    pub fn to(self, ty: Type) -> Expression {
        Node::Convert(Conversion::To(ty), self).into()
    }

    /// Rounded to so many fraction bits, halves to even.
    pub fn round(self, fraction_bits: u32) -> Expression {
        Node::Convert(Conversion::Round(fraction_bits), self).into()
    }

    /// Rounded towards minus infinity to so many fraction bits.
    pub fn floor(self, fraction_bits: u32) -> Expression {
        Node::Convert(Conversion::Floor(fraction_bits), self).into()
    }

    /// The nearest value within the range of `ty`, which has at least as many fraction bits.
    pub fn saturate(self, ty: Type) -> Expression {
        Node::Convert(Conversion::Saturate(ty), self).into()
    }

    /// The low bits, modulo the range of `ty`, which has at least as many fraction bits.
    pub fn wrap(self, ty: Type) -> Expression {
        Node::Convert(Conversion::Wrap(ty), self).into()
    }

    /// The nearest value of `ty`: rounded half to even, then saturated.
    pub fn fit(self, ty: Type) -> Expression {
        self.round(ty.frac()).saturate(ty)
    }

    /// Times 2 to the power of `exponent`: exact, and free in hardware.
    pub fn scale(self, exponent: i32) -> Expression {
        Node::Scale(exponent, self).into()
    }

    /// Times 2 to the power of minus `amount`, an unsigned integer; rounded towards minus infinity to the fraction bits that it has.
    pub fn shift_right(self, amount: Expression) -> Expression {
        Node::ShiftRight { value: self, amount }.into()
    }

    /// The word of `table` at the position that this unsigned integer gives, in units of the last place of `ty`; 0 beyond its end.
    pub fn lookup(self, table: impl Into<Arc<[i64]>>, ty: Type) -> Expression {
        Node::Lookup { table: table.into(), ty, index: self }.into()
    }

    /// 2 to the power of this.
    pub fn exp2(self, function: Exp2) -> Expression {
        Node::Exp2 { argument: self, function }.into()
    }

    /// This by `divisor`, rounded towards zero to `ty` and saturated to its range; by zero it is the greatest number of `ty`, or the least one
    /// for a negative dividend. In hardware, restoring division: one subtraction for each bit of the result.
    pub fn divide(self, divisor: Expression, ty: Type) -> Expression {
        Node::Divide { dividend: self, divisor, ty }.into()
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

/// Of conditions.
impl BitAnd for Expression {
    type Output = Expression;
    fn bitand(self, other: Expression) -> Expression {
        binary(Binary::And, self, other)
    }
}

/// Of conditions.
impl BitOr for Expression {
    type Output = Expression;
    fn bitor(self, other: Expression) -> Expression {
        binary(Binary::Or, self, other)
    }
}

/// Of a condition.
impl Not for Expression {
    type Output = Expression;
    fn not(self) -> Expression {
        Node::Not(self).into()
    }
}

fn binary(operation: Binary, left: Expression, right: Expression) -> Expression {
    Node::Binary(operation, left, right).into()
}
