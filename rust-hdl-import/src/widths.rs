//! What the Rust type of an expression tells, in rust-hdl's simulator: its width, its sign, and whether it is a machine integer.
//!
//! The tree has no `index` and no `to_bits`, so a sum of machine integers, which does not wrap, looks like a sum of words, which does.
//! Types tell many of them apart: words are added and compared only with words of the same width, and multiplied only if they have 16
//! bits.

use rust_hdl_core::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};

use crate::evaluate::Evaluator;

/// The width of what rust-hdl multiplies: of words, only two of 16 bits have a product.
pub(crate) const FACTOR_WIDTH: u32 = 16;

/// What is known of an expression's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sort {
    /// The width, if the expression tells. A literal takes that of its surroundings, shifted or not, and so does `signed_bit_cast`, whose
    /// width is a parameter that the tree does not hold. A machine integer has none.
    pub width: Option<u32>,
    pub is_signed: bool,
    /// Whether it can only be a machine integer.
    pub is_integer: bool,
}

impl Sort {
    const BIT: Sort = Sort::word(1);

    const fn word(width: u32) -> Sort {
        Sort { width: Some(width), is_signed: false, is_integer: false }
    }

    /// Whether two operands can only be machine integers, since words would have one width. A bit may be added to any word.
    pub fn are_integers(self, other: Sort) -> bool {
        let differ = match (self.width, other.width) {
            (Some(a), Some(b)) => a != b && a != 1 && b != 1,
            _ => false,
        };
        self.is_integer || other.is_integer || differ && !self.is_signed && !other.is_signed
    }

    /// The type of a sum, and of what else gives a word like its operands.
    fn join(self, other: Sort) -> Sort {
        let is_integer = self.are_integers(other);
        let width = self.width.max(other.width).filter(|_| !is_integer);
        Sort { width, is_signed: self.is_signed || other.is_signed, is_integer }
    }

    fn product(self, other: Sort) -> Sort {
        let is_signed = self.is_signed || other.is_signed;
        // A literal may be a word of 16 bits next to another.
        let is_word = matches!(
            (self.width, other.width),
            (Some(FACTOR_WIDTH), Some(FACTOR_WIDTH) | None) | (None, Some(FACTOR_WIDTH)) if !self.is_integer && !other.is_integer
        );
        if is_signed || is_word {
            return Sort { width: Some(2 * FACTOR_WIDTH), is_signed, is_integer: false };
        }
        Sort { is_integer: self != Sort::default() || other != Sort::default(), ..Sort::default() }
    }
}

impl Evaluator<'_> {
    /// What is known of an expression's type.
    pub fn sort(&self, expression: &VerilogExpression) -> Sort {
        match expression {
            VerilogExpression::Signal(_) => self.plain_signal(expression).map_or(Sort::default(), |id| {
                let ty = self.signals.get(id).info.ty();
                Sort { is_signed: ty.is_signed(), ..Sort::word(ty.width()) }
            }),
            VerilogExpression::Literal(_) | VerilogExpression::Cast(_, 0) | VerilogExpression::Slice(_, 0, _) => Sort::default(),
            VerilogExpression::Cast(_, bits) => Sort::word(*bits as u32),
            VerilogExpression::Slice(inner, bits, offset) => {
                let ty = self.slice_type(inner, *bits as u32, offset);
                Sort { is_signed: ty.is_signed(), ..Sort::word(ty.width()) }
            }
            VerilogExpression::Signed(inner) => {
                let inner = self.sort(inner);
                // Of a signed number it is `signed_bit_cast`, else `signed_cast`.
                Sort { width: inner.width.filter(|_| !inner.is_signed), is_signed: true, is_integer: false }
            }
            VerilogExpression::Unsigned(inner) => Sort { is_signed: false, ..self.sort(inner) },
            VerilogExpression::Paren(inner)
            | VerilogExpression::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner)
            | VerilogExpression::IndexReplace(inner, ..) => self.sort(inner),
            VerilogExpression::Unary(..) | VerilogExpression::Index(..) => Sort::BIT,
            VerilogExpression::Binary(left, operator, right) => match operator {
                VerilogOp::Add | VerilogOp::Sub | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                    self.sort(left).join(self.sort(right))
                }
                VerilogOp::Mul => self.sort(left).product(self.sort(right)),
                VerilogOp::Shl | VerilogOp::Shr => self.sort(left),
                _ => Sort::BIT,
            },
        }
    }

    /// Whether an expression is a signed number.
    pub fn is_signed(&self, expression: &VerilogExpression) -> bool {
        self.sort(expression).is_signed
    }
}
