//! The width and the signedness that an expression has by itself, in the simulator: in Rust both are part of its type.

use rust_hdl_core::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};

use crate::evaluate::Evaluator;

impl Evaluator<'_> {
    /// The width of an expression, if the expression tells. A literal takes that of its surroundings, shifted or not, and so does
    /// `signed_bit_cast`, whose width is a parameter that the tree does not hold.
    pub fn own_width(&self, expression: &VerilogExpression) -> Option<u32> {
        match expression {
            VerilogExpression::Signal(_) => self.plain_signal(expression).map(|id| self.signals.get(id).info.ty().width()),
            VerilogExpression::Literal(_) | VerilogExpression::Cast(_, 0) | VerilogExpression::Slice(_, 0, _) => None,
            VerilogExpression::Cast(_, bits) | VerilogExpression::Slice(_, bits, _) => Some(*bits as u32),
            VerilogExpression::Signed(inner) if self.is_signed(inner) => None,
            VerilogExpression::Paren(inner)
            | VerilogExpression::Signed(inner)
            | VerilogExpression::Unsigned(inner)
            | VerilogExpression::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner)
            | VerilogExpression::IndexReplace(inner, ..) => self.own_width(inner),
            VerilogExpression::Unary(..) | VerilogExpression::Index(..) => Some(1),
            VerilogExpression::Binary(left, operator, right) => match operator {
                VerilogOp::Add | VerilogOp::Sub | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                    self.own_width(left).max(self.own_width(right))
                }
                VerilogOp::Mul => Some(self.own_width(left)? + self.own_width(right)?),
                VerilogOp::Shl | VerilogOp::Shr => self.own_width(left),
                _ => Some(1),
            },
        }
    }

    /// Whether an expression is a signed number.
    pub fn is_signed(&self, expression: &VerilogExpression) -> bool {
        match expression {
            VerilogExpression::Signal(_) => self.plain_signal(expression).is_some_and(|id| self.signals.get(id).info.ty().is_signed()),
            VerilogExpression::Signed(_) => true,
            VerilogExpression::Paren(inner)
            | VerilogExpression::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner)
            | VerilogExpression::IndexReplace(inner, ..) => self.is_signed(inner),
            VerilogExpression::Binary(left, operator, right) => match operator {
                VerilogOp::Add | VerilogOp::Sub | VerilogOp::Mul | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                    self.is_signed(left) || self.is_signed(right)
                }
                VerilogOp::Shl | VerilogOp::Shr => self.is_signed(left),
                _ => false,
            },
            VerilogExpression::Slice(inner, bits, offset) => self.slice_type(inner, *bits as u32, offset).is_signed(),
            VerilogExpression::Literal(_)
            | VerilogExpression::Cast(..)
            | VerilogExpression::Unsigned(_)
            | VerilogExpression::Unary(..)
            | VerilogExpression::Index(..) => false,
        }
    }
}
