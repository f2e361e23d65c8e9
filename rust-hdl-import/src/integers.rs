//! Machine integers, as places of bits are: in them nothing wraps.
//!
//! They are computed in as many bits as they can need. A sum in parentheses is refused where it matters whether it wraps, since
//! `(a + b).index()` does and `(a.index() + b.index())` does not, and the tree has the same for both.

use num_bigint::BigInt;
use rust_hdl_core::ast::{VerilogExpression, VerilogOp};
use systole_hdl::{Cell, CellId};

use crate::Widths;
use crate::diagnostic::Problem;
use crate::evaluate::Evaluator;
use crate::expression::{Operand, converted, unsigned};
use crate::literal;
use crate::names::loop_variable;
use crate::operators::fold;

/// The width of a machine integer.
const INTEGER_WIDTH: u32 = 64;

/// Whether a result may not fit the operands' width.
fn may_wrap(operator: &VerilogOp) -> bool {
    matches!(operator, VerilogOp::Add | VerilogOp::Sub | VerilogOp::Mul | VerilogOp::Shl)
}

/// Whether an operator gives a word, and not a bit.
fn gives_word(operator: &VerilogOp) -> bool {
    may_wrap(operator) || matches!(operator, VerilogOp::Shr | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor)
}

impl Evaluator<'_> {
    /// The place of a bit, or what a `match` tests. Parentheses around all of it are those of `(a + b).index()`.
    pub fn index(&mut self, expression: &VerilogExpression) -> Result<Operand, Problem> {
        if self.widths == Widths::Verilog {
            let place = self.value(expression)?;
            return Ok(self.netlist.known(place).map_or(Operand::Cell(place), |value| Operand::Literal { value, is_bit: false }));
        }
        match expression {
            VerilogExpression::Binary(..) => {
                self.refuse_mixed_sums_within(expression)?;
                self.integer(expression)
            }
            other => self.expression(other, None),
        }
    }

    /// Whether an expression can only be a machine integer: by itself, or since a word would have the width of its place.
    pub fn is_integer_in(&self, expression: &VerilogExpression, width: Option<u32>) -> bool {
        match expression {
            VerilogExpression::Paren(inner) => self.is_integer_in(inner, width),
            VerilogExpression::Binary(_, operator, _) if gives_word(operator) => {
                let sort = self.sort(expression);
                sort.is_integer || !sort.is_signed && matches!((sort.width, width), (Some(own), Some(place)) if own != place)
            }
            _ => false,
        }
    }

    /// A machine integer that is or becomes what a place of `width` bits takes.
    pub fn integer_in(&mut self, expression: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        self.refuse_mixed_sums(expression, width)?;
        self.integer(expression)
    }

    /// A machine integer, in as many bits as it can need.
    fn integer(&mut self, expression: &VerilogExpression) -> Result<Operand, Problem> {
        if let Some(value) = self.number(expression) {
            return Ok(Operand::Literal { value, is_bit: false });
        }
        match expression {
            VerilogExpression::Binary(left, operator, right) if gives_word(operator) => {
                let (left, right) = (self.integer(left)?, self.integer(right)?);
                let (a, b) = (self.amount(left)?, self.amount(right)?);
                Ok(Operand::Cell(self.integers(a, operator, b)))
            }
            VerilogExpression::Paren(inner) => {
                self.refuse_open_sum(inner)?;
                self.integer(inner)
            }
            other => self.expression(other, None),
        }
    }

    /// Refuses a sum in parentheses that may be one of words or of machine integers.
    pub fn refuse_open_sum(&self, inner: &VerilogExpression) -> Result<(), Problem> {
        match inner {
            VerilogExpression::Paren(inner) => self.refuse_open_sum(inner),
            VerilogExpression::Binary(_, operator, _)
                // A product of words is exact.
                if may_wrap(operator)
                    && !matches!(operator, VerilogOp::Mul)
                    && !self.sort(inner).is_integer
                    && self.number(inner).is_none() =>
            {
                let reason =
                    "rust-hdl's tree does not tell whether it wraps, as `(a + b).index()` does and `(a.index() + b.index())` does not";
                let remedy = "assign the sum of the words, widened with `bit_cast`, to a local signal, and use that";
                Err(Problem::new("sum in parentheses", reason, remedy))
            }
            _ => Ok(()),
        }
    }

    /// Refuses `word + (row.index() * 4).to_bits()`, which wraps in the width of the word, where the wrapping shows. It does not in a
    /// place of that width, to which only operators lead that compute each bit from those below.
    fn refuse_mixed_sums(&self, expression: &VerilogExpression, place: Option<u32>) -> Result<(), Problem> {
        match expression {
            VerilogExpression::Paren(inner) => self.refuse_mixed_sums(inner, place),
            VerilogExpression::Binary(left, operator, right) if gives_word(operator) => {
                let place = place.filter(|_| !matches!(operator, VerilogOp::Shr));
                let (is_sum, is_shift) = (matches!(operator, VerilogOp::Add | VerilogOp::Sub), matches!(operator, VerilogOp::Shl));
                let shows = |other| place.is_none() || self.sort(other).width.is_some_and(|width| Some(width) != place);
                let is_converted = |side| matches!(side, &VerilogExpression::Paren(_)) && self.sort(side).is_integer;
                if is_sum && (is_converted(left) && shows(right) || is_converted(right) && shows(left))
                    || is_shift && is_converted(left) && place.is_none()
                {
                    return Err(converted());
                }
                self.refuse_mixed_sums(left, place)?;
                self.refuse_mixed_sums(right, place)
            }
            _ => Ok(()),
        }
    }

    /// As [`Evaluator::refuse_mixed_sums`] for what is a machine integer as it stands, so that only within parentheses there may be words.
    fn refuse_mixed_sums_within(&self, expression: &VerilogExpression) -> Result<(), Problem> {
        match expression {
            VerilogExpression::Binary(left, operator, right) if gives_word(operator) => {
                self.refuse_mixed_sums_within(left)?;
                self.refuse_mixed_sums_within(right)
            }
            other => self.refuse_mixed_sums(other, None),
        }
    }

    /// The result of an operator, none of which compares.
    fn integers(&mut self, a: CellId, operator: &VerilogOp, b: CellId) -> CellId {
        let (a_width, b_width) = (self.netlist.width(a), self.netlist.width(b));
        let wider = a_width.max(b_width);
        let width = match operator {
            VerilogOp::Add => wider + 1,
            VerilogOp::Mul => a_width + b_width,
            VerilogOp::Shl => match self.netlist.known(b).and_then(|amount| u32::try_from(amount).ok()) {
                Some(amount) => a_width.saturating_add(amount),
                None => INTEGER_WIDTH,
            },
            VerilogOp::Shr => a_width,
            _ => wider,
        };
        // Next to a wider word it has become one.
        let ty = unsigned(width.min(INTEGER_WIDTH.max(wider)));
        let netlist = &mut *self.netlist;
        let shifts = matches!(operator, VerilogOp::Shl | VerilogOp::Shr);
        if matches!(operator, VerilogOp::Mul) {
            let product = netlist.cell(Cell::Mul(a, b), unsigned(a_width + b_width));
            return netlist.resize(product, ty);
        }
        let a = netlist.resize(a, ty);
        let b = if shifts { b } else { netlist.resize(b, ty) };
        match operator {
            VerilogOp::Add => netlist.cell(Cell::Add(a, b), ty),
            VerilogOp::Sub => netlist.cell(Cell::Sub(a, b), ty),
            VerilogOp::Shl => netlist.cell(Cell::ShiftLeft(a, b), ty),
            VerilogOp::Shr => netlist.cell(Cell::ShiftRight(a, b), ty),
            VerilogOp::BitXor => netlist.cell(Cell::Xor(a, b), ty),
            VerilogOp::BitOr => netlist.or(a, b),
            _ => netlist.and(a, b),
        }
    }

    /// The value of an expression of literals and loop variables.
    pub fn number(&self, expression: &VerilogExpression) -> Option<BigInt> {
        match expression {
            VerilogExpression::Literal(literal) => literal::value(literal).map(|(value, _)| value),
            VerilogExpression::Signal(text) => loop_variable(text, &self.loops).map(BigInt::from),
            VerilogExpression::Paren(inner) => self.number(inner),
            VerilogExpression::Binary(left, operator, right) => match fold(&self.number(left)?, operator, &self.number(right)?, false)? {
                Operand::Literal { value, .. } => Some(value),
                _ => None,
            },
            _ => None,
        }
    }
}
