//! Expressions in the widths of Verilog, as the tools that read rust-hdl's output see them: [`Widths::Verilog`](crate::Widths).
//!
//! An expression is computed in the width of its widest operand or of where it goes, literals of 32 bits among them
//! (IEEE 1364-2005, 5.4 and 5.5), and signed only if all operands are.

use num_bigint::BigInt;
use rust_hdl_core::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};
use systole_hdl::{Cell, CellId, Type};

use crate::diagnostic::Problem;
use crate::evaluate::Evaluator;
use crate::expression::{Operand, unsigned};
use crate::literal;
use crate::names::loop_variable;
use crate::precedence::grouped_as_verilog;

/// The width of a number without one: a loop variable, an enum's variant.
const NUMBER_WIDTH: u32 = 32;

/// A width, and whether the value is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Format {
    width: u32,
    signed: bool,
}

impl Format {
    const BIT: Format = Format { width: 1, signed: false };

    fn ty(self) -> Type {
        if self.signed { Type::s(self.width) } else { unsigned(self.width) }
    }

    fn join(self, other: Format) -> Format {
        Format { width: self.width.max(other.width), signed: self.signed && other.signed }
    }
}

/// Whether an expression begins with a reduction. Behind a `~` that makes one operator: `~&x` has one bit wherever it stands.
fn is_reduction(expression: &VerilogExpression) -> bool {
    matches!(expression, VerilogExpression::Unary(VerilogOpUnary::All | VerilogOpUnary::Any | VerilogOpUnary::Xor, _))
}

impl Evaluator<'_> {
    /// The value of an expression in a place of `width` bits, or in its own width.
    pub fn verilog_expression(&mut self, expression: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        if let VerilogExpression::Signal(text) = expression
            && loop_variable(text, &self.loops).is_none()
            && let operand @ Operand::Clock(_) = self.signal(text)?
        {
            return Ok(operand);
        }
        let expression = grouped_as_verilog(expression);
        let own = self.own_format(&expression)?;
        let format = Format { width: own.width.max(width.unwrap_or(0)), ..own };
        self.in_format(&expression, format).map(Operand::Cell)
    }

    /// The format that an expression has wherever it stands.
    fn own_format(&mut self, expression: &VerilogExpression) -> Result<Format, Problem> {
        Ok(match expression {
            VerilogExpression::Signal(_) => match self.plain_signal(expression) {
                Some(signal) => {
                    let ty = self.signals.get(signal).info.ty();
                    Format { width: ty.width(), signed: ty.is_signed() }
                }
                None => Format { width: NUMBER_WIDTH, signed: true },
            },
            VerilogExpression::Literal(literal) => {
                Format { width: literal::value(literal).map_or(NUMBER_WIDTH, |(_, width)| width), signed: false }
            }
            VerilogExpression::Paren(inner) => self.own_format(inner)?,
            VerilogExpression::Cast(inner, bits) => {
                Format { width: self.own_format(inner)?.width.max((*bits as u32).max(1)), signed: false }
            }
            VerilogExpression::Signed(inner) => Format { signed: true, ..self.own_format(inner)? },
            VerilogExpression::Unsigned(inner) => Format { signed: false, ..self.own_format(inner)? },
            VerilogExpression::Binary(left, operator, right) => match operator {
                VerilogOp::Add | VerilogOp::Sub | VerilogOp::Mul | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                    self.own_format(left)?.join(self.own_format(right)?)
                }
                VerilogOp::Shl | VerilogOp::Shr => self.own_format(left)?,
                _ => Format::BIT,
            },
            VerilogExpression::Unary(VerilogOpUnary::Not, inner) if is_reduction(inner) => Format::BIT,
            VerilogExpression::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner) => self.own_format(inner)?,
            VerilogExpression::Unary(..) | VerilogExpression::Index(..) => Format::BIT,
            VerilogExpression::Slice(_, bits, _) => Format { width: (*bits as u32).max(1), signed: false },
            VerilogExpression::IndexReplace(inner, ..) => Format { width: self.own_format(inner)?.width.max(NUMBER_WIDTH), signed: false },
        })
    }

    /// The value of an expression that stands where everything has this format, at least as wide as its own.
    fn in_format(&mut self, expression: &VerilogExpression, format: Format) -> Result<CellId, Problem> {
        let ty = format.ty();
        match expression {
            VerilogExpression::Paren(inner) => self.in_format(inner, format),
            VerilogExpression::Cast(inner, bits) => {
                let value = self.in_format(inner, format)?;
                let mask = self.netlist.constant(&((BigInt::from(1) << *bits) - 1), ty);
                Ok(self.netlist.and(value, mask))
            }
            VerilogExpression::Binary(left, operator, right) => self.binary_in_format(left, operator, right, format),
            VerilogExpression::Unary(operator @ (VerilogOpUnary::Not | VerilogOpUnary::Neg), inner)
                if !matches!(operator, VerilogOpUnary::Not) || !is_reduction(inner) =>
            {
                let value = self.in_format(inner, format)?;
                if matches!(operator, VerilogOpUnary::Not) {
                    return Ok(self.netlist.not(value));
                }
                let zero = self.netlist.constant(&BigInt::ZERO, ty);
                Ok(self.netlist.cell(Cell::Sub(zero, value), ty))
            }
            VerilogExpression::IndexReplace(inner, index, bit) => {
                let value = self.in_format(inner, format)?;
                let index = self.self_determined(index)?;
                let bit = self.in_format(bit, format)?;
                let one = self.netlist.constant(&BigInt::from(1), ty);
                let mask = self.netlist.cell(Cell::ShiftLeft(one, index), ty);
                let keep = self.netlist.not(mask);
                let kept = self.netlist.and(value, keep);
                let set = self.netlist.cell(Cell::ShiftLeft(bit, index), ty);
                Ok(self.netlist.or(kept, set))
            }
            other => {
                let value = self.leaf(other)?;
                // Signedness is that of the whole, and extension follows it.
                let same = Format { width: self.netlist.width(value), ..format }.ty();
                let value = self.netlist.retype(value, same);
                Ok(self.netlist.resize(value, ty))
            }
        }
    }

    /// The value of an expression that its surroundings do not change.
    fn self_determined(&mut self, expression: &VerilogExpression) -> Result<CellId, Problem> {
        let format = self.own_format(expression)?;
        self.in_format(expression, format)
    }

    /// An operand: what has its own width whatever stands around it.
    fn leaf(&mut self, expression: &VerilogExpression) -> Result<CellId, Problem> {
        let own = self.own_format(expression)?;
        match expression {
            VerilogExpression::Signal(text) => {
                let operand = self.signal(text)?;
                self.fit(operand, own.ty())
            }
            VerilogExpression::Literal(literal) => Ok(self.netlist.constant(&literal::number(literal)?.0, own.ty())),
            VerilogExpression::Unary(VerilogOpUnary::Not, inner) => {
                let reduced = self.leaf(inner)?;
                Ok(self.netlist.not(reduced))
            }
            VerilogExpression::Unary(operator, inner) => {
                let value = self.self_determined(inner)?;
                let reduced = match operator {
                    VerilogOpUnary::All => Cell::ReduceAnd(value),
                    VerilogOpUnary::Any => Cell::ReduceOr(value),
                    _ => Cell::ReduceXor(value),
                };
                Ok(self.netlist.cell(reduced, Type::BIT))
            }
            VerilogExpression::Index(inner, place) | VerilogExpression::Slice(inner, _, place) => {
                let (value, place) = (self.self_determined(inner)?, self.index(place)?);
                self.part(value, place, own.width)
            }
            VerilogExpression::Signed(inner) | VerilogExpression::Unsigned(inner) => {
                let value = self.self_determined(inner)?;
                Ok(self.netlist.retype(value, own.ty()))
            }
            other => self.self_determined(other),
        }
    }

    fn binary_in_format(
        &mut self,
        left: &VerilogExpression,
        operator: &VerilogOp,
        right: &VerilogExpression,
        format: Format,
    ) -> Result<CellId, Problem> {
        let ty = format.ty();
        let bit = match operator {
            VerilogOp::Shl | VerilogOp::Shr => {
                let (value, amount) = (self.in_format(left, format)?, self.self_determined(right)?);
                if matches!(operator, VerilogOp::Shl) {
                    return Ok(self.netlist.cell(Cell::ShiftLeft(value, amount), ty));
                }
                // `>>` lets zeros enter, signed or not.
                let value = self.netlist.retype(value, unsigned(format.width));
                let shifted = self.netlist.cell(Cell::ShiftRight(value, amount), unsigned(format.width));
                return Ok(self.netlist.retype(shifted, ty));
            }
            VerilogOp::Add | VerilogOp::Sub | VerilogOp::Mul | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                let (a, b) = (self.in_format(left, format)?, self.in_format(right, format)?);
                return Ok(match operator {
                    VerilogOp::Add => self.netlist.cell(Cell::Add(a, b), ty),
                    VerilogOp::Sub => self.netlist.cell(Cell::Sub(a, b), ty),
                    VerilogOp::BitAnd => self.netlist.and(a, b),
                    VerilogOp::BitOr => self.netlist.or(a, b),
                    VerilogOp::BitXor => self.netlist.cell(Cell::Xor(a, b), ty),
                    _ => {
                        let product = self.netlist.cell(Cell::Mul(a, b), Format { width: 2 * format.width, ..format }.ty());
                        self.netlist.resize(product, ty)
                    }
                });
            }
            VerilogOp::LogicalAnd | VerilogOp::LogicalOr => {
                let a = self.self_determined(left)?;
                let a = self.netlist.cell(Cell::ReduceOr(a), Type::BIT);
                let is_and = matches!(operator, VerilogOp::LogicalAnd);
                // What is not read need not be there, as beyond the ends of an array.
                let decides = self.netlist.known(a).is_some_and(|value| (value == BigInt::ZERO) == is_and);
                let b = if decides { a } else { self.self_determined(right)? };
                let b = self.netlist.cell(Cell::ReduceOr(b), Type::BIT);
                if is_and { self.netlist.and(a, b) } else { self.netlist.or(a, b) }
            }
            comparison => {
                let common = self.own_format(left)?.join(self.own_format(right)?);
                let (a, b) = (self.in_format(left, common)?, self.in_format(right, common)?);
                self.comparison(comparison, a, b)
            }
        };
        let wide = self.netlist.resize(bit, unsigned(format.width));
        Ok(self.netlist.retype(wide, ty))
    }
}
