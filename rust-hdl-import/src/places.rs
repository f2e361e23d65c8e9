//! Expressions that take or replace a part of a word.

use num_bigint::BigInt;
use rust_hdl_core::ast::VerilogExpression;
use systole_hdl::{Cell, CellId, Type};

use crate::diagnostic::Problem;
use crate::evaluate::Evaluator;
use crate::expression::{Operand, converted, unsigned};
use crate::names::resolve;
use crate::signals::SignalId;

/// The place where a part of `width` bits begins, if that is known and the part lies within a word of `whole` bits.
pub(crate) fn part_within(place: &Operand, width: u32, whole: u32) -> Option<u32> {
    match place {
        Operand::Literal { value, .. } => u32::try_from(value).ok().filter(|low| low.checked_add(width).is_some_and(|high| high <= whole)),
        _ => None,
    }
}

impl Evaluator<'_> {
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
        if self.sort(inner).is_integer {
            return Err(converted());
        }
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
