//! Expressions that take or replace a part of a word.
//!
//! A place is a machine integer for the simulator: `place.index() + 36` does not wrap, but `(place + 36).index()` does. The tree has no
//! `index`, so what stands in parentheses is refused.

use num_bigint::BigInt;
use rust_hdl_core::ast::{VerilogExpression, VerilogOp};
use systole_hdl::{Cell, CellId, Type};

use crate::Widths;
use crate::diagnostic::Problem;
use crate::evaluate::Evaluator;
use crate::expression::{Operand, fold, unsigned};
use crate::literal;
use crate::names::{loop_variable, resolve};
use crate::signals::SignalId;

/// The width in which places in a word are computed: more than any word has, so that nothing wraps.
const INDEX_WIDTH: u32 = 32;

/// The place where a part of `width` bits begins, if that is known and the part lies within a word of `whole` bits.
pub(crate) fn part_within(place: &Operand, width: u32, whole: u32) -> Option<u32> {
    match place {
        Operand::Literal { value, .. } => u32::try_from(value).ok().filter(|low| low.checked_add(width).is_some_and(|high| high <= whole)),
        _ => None,
    }
}

/// Whether a result may not fit the operands' width.
fn may_wrap(operator: &VerilogOp) -> bool {
    matches!(operator, VerilogOp::Add | VerilogOp::Sub | VerilogOp::Mul | VerilogOp::Shl)
}

impl Evaluator<'_> {
    /// A machine integer, as the place of a bit is: what stands outside of parentheses does not wrap.
    pub fn index(&mut self, expression: &VerilogExpression) -> Result<Operand, Problem> {
        if let Some(value) = self.number(expression) {
            return Ok(Operand::Literal { value, is_bit: false });
        }
        if self.widths == Widths::Verilog {
            let place = self.value(expression)?;
            return Ok(self.netlist.known(place).map_or(Operand::Cell(place), |value| Operand::Literal { value, is_bit: false }));
        }
        let (left, operator, right) = match expression {
            VerilogExpression::Binary(left, operator, right) if may_wrap(operator) => (left, operator, right),
            VerilogExpression::Paren(inner) => return self.index_in_parentheses(inner),
            other => return self.expression(other, None),
        };
        let (left, right) = (self.index(left)?, self.index(right)?);
        if let (Operand::Literal { value: left, .. }, Operand::Literal { value: right, .. }) = (&left, &right)
            && let Some(folded) = fold(left, operator, right, false)
        {
            return Ok(folded);
        }
        let ty = unsigned(INDEX_WIDTH);
        let (a, b) = (self.fit(left, ty)?, self.amount(right)?);
        if matches!(operator, VerilogOp::Shl) {
            return Ok(Operand::Cell(self.netlist.cell(Cell::ShiftLeft(a, b), ty)));
        }
        if matches!(operator, VerilogOp::Mul) {
            let product = unsigned(INDEX_WIDTH + self.netlist.width(b));
            let product = self.netlist.cell(Cell::Mul(a, b), product);
            return Ok(Operand::Cell(self.netlist.resize(product, ty)));
        }
        let b = self.netlist.resize(b, ty);
        let sum = if matches!(operator, VerilogOp::Add) { Cell::Add(a, b) } else { Cell::Sub(a, b) };
        Ok(Operand::Cell(self.netlist.cell(sum, ty)))
    }

    /// A place in parentheses: `(a + b).index()` wraps and `(a.index() + b.index())` does not, and the tree has the same for both.
    fn index_in_parentheses(&mut self, inner: &VerilogExpression) -> Result<Operand, Problem> {
        let operand = self.expression(inner, None)?;
        match (inner, &operand) {
            (VerilogExpression::Binary(_, operator, _), Operand::Cell(_)) if may_wrap(operator) => {
                let reason =
                    "rust-hdl's tree does not tell whether it wraps, as `(a + b).index()` does and `(a.index() + b.index())` does not";
                Err(Problem::new("sum in parentheses", reason, "assign the sum to a local signal, or leave the parentheses off"))
            }
            (VerilogExpression::Paren(inner), _) => self.index_in_parentheses(inner),
            _ => Ok(operand),
        }
    }

    /// The value of an expression that is a literal or a loop variable.
    pub fn number(&self, expression: &VerilogExpression) -> Option<BigInt> {
        match expression {
            VerilogExpression::Literal(literal) => literal::value(literal).map(|(value, _)| value),
            VerilogExpression::Signal(text) => loop_variable(text, &self.loops).map(BigInt::from),
            VerilogExpression::Paren(inner) => self.number(inner),
            _ => None,
        }
    }

    /// `get_bits`, or a field of a packed struct, which keeps the field's type.
    pub fn slice(&mut self, inner: &VerilogExpression, bits: u32, offset: &VerilogExpression) -> Result<Operand, Problem> {
        let ty = self.slice_type(inner, bits, offset);
        let (value, offset) = (self.value(inner)?, self.index(offset)?);
        let part = self.part(value, offset, ty.width())?;
        Ok(Operand::Cell(self.netlist.retype(part, ty)))
    }

    /// The type of a part: a field's own, else as signed as the whole.
    pub fn slice_type(&self, inner: &VerilogExpression, bits: u32, offset: &VerilogExpression) -> Type {
        let field = match (self.number(offset), self.plain_signal(inner)) {
            (Some(low), Some(owner)) => {
                let fields = self.signals.get(owner).info.fields();
                fields.iter().find(|field| BigInt::from(field.low) == low && field.ty.width() == bits).map(|field| field.ty)
            }
            _ => None,
        };
        field.unwrap_or_else(|| if self.is_signed(inner) { Type::s(bits) } else { unsigned(bits) })
    }

    /// The signal that an expression is.
    pub fn plain_signal(&self, expression: &VerilogExpression) -> Option<SignalId> {
        match expression {
            VerilogExpression::Signal(text) => self.signals.find(&resolve(text, &self.loops).ok()?),
            VerilogExpression::Paren(inner) => self.plain_signal(inner),
            _ => None,
        }
    }

    /// `bits` bits of a cell from a place on; zeros beyond its top.
    pub fn part(&mut self, value: CellId, offset: Operand, bits: u32) -> Result<CellId, Problem> {
        let width = self.netlist.width(value);
        let ty = unsigned(bits);
        if let Some(low) = part_within(&offset, bits, width) {
            return Ok(self.netlist.slice(value, low, ty));
        }
        let value = self.netlist.retype(value, unsigned(width));
        let amount = self.amount(offset)?;
        let shifted = self.netlist.cell(Cell::ShiftRight(value, amount), unsigned(width));
        Ok(self.netlist.resize(shifted, ty))
    }

    pub fn replace_bit(
        &mut self,
        inner: &VerilogExpression,
        index: &VerilogExpression,
        bit: &VerilogExpression,
    ) -> Result<Operand, Problem> {
        let value = self.value(inner)?;
        let ty = self.netlist.ty(value);
        let index = self.index(index)?;
        let bit = self.expression(bit, Some(1))?;
        let bit = self.fit(bit, Type::BIT)?;
        if let Some(low) = part_within(&index, 1, ty.width()) {
            return Ok(Operand::Cell(self.netlist.replace(value, low, bit)));
        }
        let index = self.amount(index)?;
        let netlist = &mut *self.netlist;
        let one = netlist.constant(&BigInt::from(1), ty);
        let mask = netlist.cell(Cell::ShiftLeft(one, index), ty);
        let keep = netlist.not(mask);
        let kept = netlist.and(value, keep);
        let set = netlist.or(value, mask);
        Ok(Operand::Cell(netlist.mux(bit, set, kept)))
    }
}
