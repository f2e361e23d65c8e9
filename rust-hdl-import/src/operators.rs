//! Operators with two operands, in the widths of rust-hdl's simulator.
//!
//! A literal takes the width of the other operand. One that does not fit wraps next to a word of more than 32 bits and is refused next to
//! a shorter one, except where both can only be machine integers, as in `delay.index() == 8` with a `delay` of 3 bits.

use num_bigint::{BigInt, Sign};
use rust_hdl_core::ast::{VerilogExpression, VerilogOp};
use systole_hdl::{Cell, CellId, Type};

use crate::diagnostic::Problem;
use crate::evaluate::Evaluator;
use crate::expression::{LITERAL_WIDTH, Operand, unsigned};
use crate::widths::FACTOR_WIDTH;

/// The widest word that rust-hdl makes a machine integer of.
const INDEX_WIDTH: u32 = 32;

/// Bits that a literal needs; a negative one wraps.
fn bits_needed(value: &BigInt) -> u32 {
    if value.sign() == Sign::Minus { 1 } else { value.bits() as u32 }
}

impl Evaluator<'_> {
    /// The value of an operator with two operands that are no machine integers, in a place for `width` bits if that is known.
    pub fn binary(
        &mut self,
        left: &VerilogExpression,
        operator: &VerilogOp,
        right: &VerilogExpression,
        width: Option<u32>,
    ) -> Result<Operand, Problem> {
        match operator {
            VerilogOp::LogicalAnd | VerilogOp::LogicalOr => self.logical(left, operator, right),
            VerilogOp::Shl | VerilogOp::Shr => self.shift(left, operator, right, width),
            VerilogOp::Mul => self.product(left, right),
            VerilogOp::Add | VerilogOp::Sub | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                let common = self.sort(left).width.max(self.sort(right).width).or(width);
                let (left, right) = (self.expression(left, common)?, self.expression(right, common)?);
                self.combined(left, operator, right)
            }
            _ => self.compared(left, operator, right),
        }
    }

    /// `&&` and `||`, whose right side is not computed where the left one decides.
    fn logical(&mut self, left: &VerilogExpression, operator: &VerilogOp, right: &VerilogExpression) -> Result<Operand, Problem> {
        let left = self.expression(left, None)?;
        if let Some(value) = self.known(&left) {
            let decides = (value == BigInt::ZERO) == matches!(operator, VerilogOp::LogicalAnd);
            return if decides { Ok(Operand::Literal { value, is_bit: true }) } else { self.expression(right, None) };
        }
        let right = self.expression(right, None)?;
        self.combined(left, operator, right)
    }

    fn shift(
        &mut self,
        left: &VerilogExpression,
        operator: &VerilogOp,
        right: &VerilogExpression,
        width: Option<u32>,
    ) -> Result<Operand, Problem> {
        let (left, right) = (self.expression(left, width)?, self.expression(right, None)?);
        let is_literal = matches!(left, Operand::Literal { .. });
        if let Some(folded) = folded(&left, operator, &right) {
            return Ok(folded);
        }
        let (left, amount) = (self.cell(left)?, self.amount(right)?);
        let ty = self.netlist.ty(left);
        let shift = if matches!(operator, VerilogOp::Shl) { Cell::ShiftLeft(left, amount) } else { Cell::ShiftRight(left, amount) };
        let shifted = self.netlist.cell(shift, ty);
        Ok(Operand::Cell(match width.filter(|_| is_literal) {
            Some(width) => self.netlist.resize(shifted, unsigned(width)),
            None => shifted,
        }))
    }

    fn product(&mut self, left: &VerilogExpression, right: &VerilogExpression) -> Result<Operand, Problem> {
        let (left, right) = (self.expression(left, Some(FACTOR_WIDTH))?, self.expression(right, Some(FACTOR_WIDTH))?);
        if let Some(folded) = folded(&left, &VerilogOp::Mul, &right) {
            return Ok(folded);
        }
        let (a, b) = self.align(left, right)?;
        let (signed, width) = (self.netlist.ty(a).is_signed(), 2 * self.netlist.width(a));
        let ty = if signed { Type::s(width) } else { unsigned(width) };
        Ok(Operand::Cell(self.netlist.cell(Cell::Mul(a, b), ty)))
    }

    /// A comparison. The signal on one side tells which enum the variant on the other is of.
    fn compared(&mut self, left: &VerilogExpression, operator: &VerilogOp, right: &VerilogExpression) -> Result<Operand, Problem> {
        let (left_sort, right_sort) = (self.sort(left), self.sort(right));
        let common = left_sort.width.max(right_sort.width);
        // A literal that no word there can have.
        let is_beyond = |side| self.number(side).is_some_and(|value| Some(bits_needed(&value)) > common);
        let may_be_beyond = common.is_some_and(|width| width <= INDEX_WIDTH) && !left_sort.is_signed && !right_sort.is_signed;
        if left_sort.are_integers(right_sort) || may_be_beyond && (is_beyond(left) || is_beyond(right)) {
            let (left, right) = (self.integer_in(left, None)?, self.integer_in(right, None)?);
            let (left, right) = (self.amount(left)?, self.amount(right)?);
            return self.combined(Operand::Cell(left), operator, Operand::Cell(right));
        }
        let around = self.counterpart;
        self.counterpart = self.plain_signal(left).or(self.plain_signal(right));
        let sides = self.expression(left, common).and_then(|left| Ok((left, self.expression(right, common)?)));
        self.counterpart = around;
        let (left, right) = sides?;
        self.combined(left, operator, right)
    }

    /// What an operator makes of two operands, brought to one width.
    fn combined(&mut self, left: Operand, operator: &VerilogOp, right: Operand) -> Result<Operand, Problem> {
        if let Some(folded) = folded(&left, operator, &right) {
            return Ok(folded);
        }
        let (a, b) = self.align(left, right)?;
        let ty = self.netlist.ty(a);
        let netlist = &mut *self.netlist;
        Ok(Operand::Cell(match operator {
            VerilogOp::Add => netlist.cell(Cell::Add(a, b), ty),
            VerilogOp::Sub => netlist.cell(Cell::Sub(a, b), ty),
            VerilogOp::LogicalAnd | VerilogOp::BitAnd => netlist.and(a, b),
            VerilogOp::LogicalOr | VerilogOp::BitOr => netlist.or(a, b),
            VerilogOp::BitXor => netlist.cell(Cell::Xor(a, b), ty),
            comparison => self.comparison(comparison, a, b),
        }))
    }

    /// Two operands in one type.
    fn align(&mut self, left: Operand, right: Operand) -> Result<(CellId, CellId), Problem> {
        let (mut width, mut signed) = (1, false);
        for operand in [&left, &right] {
            if let Operand::Cell(cell) = operand {
                width = width.max(self.netlist.width(*cell));
                signed |= self.netlist.ty(*cell).is_signed();
            }
        }
        let ty = if signed { Type::s(width) } else { unsigned(width) };
        Ok((self.fit(left, ty)?, self.fit(right, ty)?))
    }

    /// One bit: how two values of equal type compare.
    pub fn comparison(&mut self, comparison: &VerilogOp, a: CellId, b: CellId) -> CellId {
        let netlist = &mut *self.netlist;
        let (holds, is_negated) = match comparison {
            VerilogOp::Lt => (netlist.less(a, b), false),
            VerilogOp::Gt => (netlist.less(b, a), false),
            VerilogOp::Ge => (netlist.less(a, b), true),
            VerilogOp::Le => (netlist.less(b, a), true),
            other => (netlist.equal(a, b), matches!(other, VerilogOp::Ne)),
        };
        if is_negated { netlist.not(holds) } else { holds }
    }

    /// The amount of a shift, the place of a part or a machine integer: unsigned, in its own width.
    pub fn amount(&mut self, operand: Operand) -> Result<CellId, Problem> {
        match operand {
            Operand::Literal { value, .. } => {
                let ty = unsigned((value.bits() as u32).max(1));
                Ok(self.netlist.constant(&value, ty))
            }
            other => self.cell(other),
        }
    }
}

/// What an operator makes of two operands, if both are numbers.
fn folded(left: &Operand, operator: &VerilogOp, right: &Operand) -> Option<Operand> {
    match (left, right) {
        (Operand::Literal { value: left, is_bit }, Operand::Literal { value: right, .. }) => fold(left, operator, right, *is_bit),
        _ => None,
    }
}

/// What an operator makes of two numbers, where it is known.
pub(crate) fn fold(left: &BigInt, operator: &VerilogOp, right: &BigInt, is_bit: bool) -> Option<Operand> {
    let number = |value| Some(Operand::Literal { value, is_bit });
    let truth = |value: bool| Some(Operand::Literal { value: u32::from(value).into(), is_bit: true });
    match operator {
        VerilogOp::Add => number(left + right),
        VerilogOp::Sub => number(left - right),
        VerilogOp::Mul => number(left * right),
        VerilogOp::LogicalAnd | VerilogOp::BitAnd => number(left & right),
        VerilogOp::LogicalOr | VerilogOp::BitOr => number(left | right),
        VerilogOp::BitXor => number(left ^ right),
        VerilogOp::Shl => number(left << u32::try_from(right).ok().filter(|&amount| amount < LITERAL_WIDTH)?),
        VerilogOp::Shr => number(left >> u32::try_from(right).ok().filter(|&amount| amount < LITERAL_WIDTH)?),
        VerilogOp::Eq => truth(left == right),
        VerilogOp::Ne => truth(left != right),
        VerilogOp::Lt => truth(left < right),
        VerilogOp::Le => truth(left <= right),
        VerilogOp::Gt => truth(left > right),
        VerilogOp::Ge => truth(left >= right),
    }
}
