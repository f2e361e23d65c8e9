//! Expressions: their widths, as rust-hdl's simulator has them, and their cells.
//!
//! A literal takes the width of the other operand, and so does `signed_bit_cast`. A literal that does not fit wraps next to a signed
//! number or a word of more than 32 bits; next to a shorter one, as in `delay.index() == 8` with a `delay` of 3 bits, the simulator can
//! only be computing with machine integers, and the operands get the width of the literal.

use num_bigint::{BigInt, Sign};
use rust_hdl_core::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};
use systole_hdl::{Cell, CellId, Type};

use crate::Widths;
use crate::diagnostic::Problem;
use crate::evaluate::{Evaluator, ambiguous};
use crate::literal;
use crate::names::{loop_variable, resolve};
use crate::signals::{SignalId, Variant};

/// The width that rust-hdl gives to a shifted literal.
const SHIFTED_LITERAL_WIDTH: u32 = 64;
/// The width of what rust-hdl multiplies: it has no other products than those of two words of 16 bits.
const FACTOR_WIDTH: u32 = 16;
/// The widest word that rust-hdl makes a machine integer of.
const MACHINE_INTEGER_WIDTH: u32 = 32;

/// The value of an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    Cell(CellId),
    Literal {
        value: BigInt,
        /// Whether it is a `bool`.
        is_bit: bool,
    },
    Clock(SignalId),
}

/// The type of an unsigned value.
pub(crate) fn unsigned(width: u32) -> Type {
    if width == 1 { Type::BIT } else { Type::u(width) }
}

/// Bits that a literal needs; a negative one wraps.
fn bits_needed(value: &BigInt) -> u32 {
    if value.sign() == Sign::Minus { 1 } else { value.bits() as u32 }
}

fn is_comparison(operator: &VerilogOp) -> bool {
    matches!(operator, VerilogOp::Eq | VerilogOp::Ne | VerilogOp::Lt | VerilogOp::Le | VerilogOp::Gt | VerilogOp::Ge)
}

impl Evaluator<'_> {
    /// The value of an expression, in a place for `width` bits if that is known.
    pub fn expression(&mut self, expression: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        if self.widths == Widths::Verilog {
            return self.verilog_expression(expression, width);
        }
        match expression {
            VerilogExpression::Signal(text) => self.signal(text),
            VerilogExpression::Literal(literal) => match literal::value(literal) {
                Some((value, bits)) => Ok(Operand::Literal { value, is_bit: bits == 1 }),
                None => Err(Problem::new(format!("literal `{literal}`"), "it is not a number", "write a number")),
            },
            VerilogExpression::Paren(inner) => self.expression(inner, width),
            // No bits are worth nothing.
            VerilogExpression::Cast(_, 0) | VerilogExpression::Slice(_, 0, _) => {
                Ok(Operand::Literal { value: BigInt::ZERO, is_bit: false })
            }
            VerilogExpression::Cast(inner, bits) => self.cast(inner, *bits as u32),
            VerilogExpression::Signed(inner) => self.signed(inner, width),
            VerilogExpression::Unsigned(inner) => {
                let inner = self.expression(inner, width)?;
                let cell = self.cell_of_width(inner, width)?;
                let ty = unsigned(self.netlist.width(cell));
                Ok(Operand::Cell(self.netlist.retype(cell, ty)))
            }
            VerilogExpression::Binary(left, operator, right) => self.binary(left, operator, right, width),
            VerilogExpression::Unary(operator, inner) => self.unary(operator, inner, width),
            VerilogExpression::Index(inner, index) => {
                let (value, offset) = (self.value(inner)?, self.index(index)?);
                Ok(Operand::Cell(self.part(value, offset, 1)?))
            }
            VerilogExpression::Slice(inner, bits, offset) => self.slice(inner, *bits as u32, offset),
            VerilogExpression::IndexReplace(inner, index, bit) => self.replace_bit(inner, index, bit),
        }
    }

    pub fn signal(&mut self, text: &str) -> Result<Operand, Problem> {
        if let Some(value) = loop_variable(text, &self.loops) {
            return Ok(Operand::Literal { value: value.into(), is_bit: false });
        }
        let name = resolve(text, &self.loops)?;
        if let Some(id) = self.signals.find(&name) {
            return self.read(id);
        }
        match self.signals.variant(&name, self.counterpart) {
            Some(Variant::Value(value)) => Ok(Operand::Literal { value, is_bit: false }),
            Some(Variant::Ambiguous) => Err(ambiguous(&name)),
            None => Err(self.unknown(&name)),
        }
    }

    /// Why a name says nothing.
    fn unknown(&self, name: &str) -> Problem {
        let construct = format!("`{name}`");
        let (reason, remedy) = if name.contains("$val()") {
            ("rust-hdl's tree has no part of a part", "assign the outer part to a local signal, and take the inner one from that")
        } else if self.signals.is_child(name) {
            ("it is within a child, and no port of it", "give the child an output that shows it")
        } else if name.contains('$') {
            (
                "it is no signal of the block or of its children, and no variant of an enum that one of them carries",
                "write enums' variants as `Enum::Variant`",
            )
        } else {
            ("it is a constant of Rust, whose value rust-hdl's tree does not hold", "put it into a `Constant` field of the block")
        };
        Problem::new(construct, reason, remedy)
    }

    /// The cell of an expression that has a width of its own.
    pub fn value(&mut self, expression: &VerilogExpression) -> Result<CellId, Problem> {
        let operand = self.expression(expression, None)?;
        self.cell(operand)
    }

    /// The cell of an operand that has a width of its own.
    pub fn cell(&mut self, operand: Operand) -> Result<CellId, Problem> {
        self.cell_of_width(operand, None)
    }

    pub fn cell_of_width(&mut self, operand: Operand, width: Option<u32>) -> Result<CellId, Problem> {
        match (operand, width) {
            (Operand::Cell(cell), _) => Ok(cell),
            (Operand::Literal { value, is_bit: true }, None) => Ok(self.netlist.constant(&value, Type::BIT)),
            (Operand::Literal { value, .. }, width) => {
                let ty = unsigned(width.unwrap_or(SHIFTED_LITERAL_WIDTH).max(1));
                Ok(self.netlist.constant(&value, ty))
            }
            (Operand::Clock(id), _) => {
                let construct = format!("clock `{}`", self.signals.get(id).name);
                Err(Problem::new(construct, "it is read as data, inverted or computed with", "only pass clocks on to children"))
            }
        }
    }

    /// The cell of an operand in a place of a type.
    pub fn fit(&mut self, operand: Operand, ty: Type) -> Result<CellId, Problem> {
        match operand {
            Operand::Literal { value, .. } => Ok(self.netlist.constant(&value, ty)),
            other => {
                let cell = self.cell_of_width(other, Some(ty.width()))?;
                Ok(self.netlist.resize(cell, ty))
            }
        }
    }

    /// `bit_cast` and `bits`: zeros enter at the top, or bits leave.
    fn cast(&mut self, inner: &VerilogExpression, bits: u32) -> Result<Operand, Problem> {
        let ty = unsigned(bits);
        match self.expression(inner, None)? {
            Operand::Literal { value, .. } => Ok(Operand::Cell(self.netlist.constant(&value, ty))),
            other => {
                let cell = self.cell(other)?;
                let same = unsigned(self.netlist.width(cell));
                let cell = self.netlist.retype(cell, same);
                Ok(Operand::Cell(self.netlist.resize(cell, ty)))
            }
        }
    }

    /// `signed_cast` of bits, or `signed_bit_cast` of a signed number to `width` bits.
    fn signed(&mut self, inner: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        if !self.is_signed(inner) {
            return match self.expression(inner, width)? {
                Operand::Cell(cell) => {
                    let ty = Type::s(self.netlist.width(cell));
                    Ok(Operand::Cell(self.netlist.retype(cell, ty)))
                }
                other => Ok(other),
            };
        }
        let Some(width) = width else {
            let reason = "nothing around it tells its width, which the tree does not hold";
            return Err(Problem::new("`signed_bit_cast`", reason, "assign its result to a local signal first"));
        };
        let value = self.value(inner)?;
        Ok(Operand::Cell(self.netlist.resize(value, Type::s(width))))
    }

    /// Two operands in one type.
    fn align(&mut self, left: Operand, right: Operand) -> Result<(CellId, CellId), Problem> {
        let (mut width, mut signed) = (0, false);
        for operand in [&left, &right] {
            if let Operand::Cell(cell) = operand {
                width = width.max(self.netlist.width(*cell));
                signed |= self.netlist.ty(*cell).is_signed();
            }
        }
        if !signed && width <= MACHINE_INTEGER_WIDTH {
            for operand in [&left, &right] {
                if let Operand::Literal { value, .. } = operand {
                    width = width.max(bits_needed(value));
                }
            }
        }
        let ty = if signed { Type::s(width) } else { unsigned(width.max(1)) };
        Ok((self.fit(left, ty)?, self.fit(right, ty)?))
    }

    fn binary(
        &mut self,
        left: &VerilogExpression,
        operator: &VerilogOp,
        right: &VerilogExpression,
        width: Option<u32>,
    ) -> Result<Operand, Problem> {
        let (left_width, right_width) = match operator {
            VerilogOp::Add | VerilogOp::Sub | VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor => {
                let common = self.own_width(left).max(self.own_width(right)).or(width);
                (common, common)
            }
            VerilogOp::Shl | VerilogOp::Shr => (width, None),
            VerilogOp::Mul => (Some(FACTOR_WIDTH), Some(FACTOR_WIDTH)),
            _ => {
                let common = self.own_width(left).max(self.own_width(right));
                (common, common)
            }
        };
        // A literal that no word there can have: these are machine integers.
        let is_beyond = |side| self.number(side).is_some_and(|value| Some(bits_needed(&value)) > left_width);
        let are_integers = is_comparison(operator)
            && left_width.is_some_and(|width| width <= MACHINE_INTEGER_WIDTH)
            && !self.is_signed(left)
            && !self.is_signed(right)
            && (is_beyond(left) || is_beyond(right));
        let around = self.counterpart;
        if is_comparison(operator) {
            self.counterpart = self.plain_signal(left).or(self.plain_signal(right));
        }
        let (left, right) = match are_integers {
            true => (self.index(left)?, self.index(right)?),
            false => (self.expression(left, left_width)?, self.expression(right, right_width)?),
        };
        self.counterpart = around;
        if let (Operand::Literal { value: left, is_bit }, Operand::Literal { value: right, .. }) = (&left, &right)
            && let Some(folded) = fold(left, operator, right, *is_bit)
        {
            return Ok(folded);
        }
        if matches!(operator, VerilogOp::Shl | VerilogOp::Shr) {
            let is_literal = matches!(left, Operand::Literal { .. });
            let left = self.cell(left)?;
            let amount = self.amount(right)?;
            let ty = self.netlist.ty(left);
            let shift = if matches!(operator, VerilogOp::Shl) { Cell::ShiftLeft(left, amount) } else { Cell::ShiftRight(left, amount) };
            let shifted = self.netlist.cell(shift, ty);
            return Ok(Operand::Cell(match width.filter(|_| is_literal) {
                Some(width) => self.netlist.resize(shifted, unsigned(width)),
                None => shifted,
            }));
        }
        if matches!(operator, VerilogOp::Mul) {
            return self.product(left, right);
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
            comparison => return Ok(Operand::Cell(self.comparison(comparison, a, b))),
        }))
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

    /// The amount of a shift or the place of a part: unsigned, in its own width.
    pub fn amount(&mut self, operand: Operand) -> Result<CellId, Problem> {
        match operand {
            Operand::Literal { value, .. } => {
                let ty = unsigned((value.bits() as u32).max(1));
                Ok(self.netlist.constant(&value, ty))
            }
            other => self.cell(other),
        }
    }

    fn product(&mut self, left: Operand, right: Operand) -> Result<Operand, Problem> {
        let (a, b) = match (left, right) {
            (Operand::Literal { value, .. }, other) => {
                let other = self.cell(other)?;
                (self.netlist.constant(&value, self.netlist.ty(other)), other)
            }
            (other, Operand::Literal { value, .. }) => {
                let other = self.cell(other)?;
                (other, self.netlist.constant(&value, self.netlist.ty(other)))
            }
            (left, right) => (self.cell(left)?, self.cell(right)?),
        };
        let (signed, width) = (self.netlist.ty(a).is_signed(), self.netlist.width(a) + self.netlist.width(b));
        if signed != self.netlist.ty(b).is_signed() {
            return Err(Problem::new("product", "one operand is signed and the other is not", "cast one of them"));
        }
        let ty = if signed { Type::s(width) } else { unsigned(width) };
        Ok(Operand::Cell(self.netlist.cell(Cell::Mul(a, b), ty)))
    }

    fn unary(&mut self, operator: &VerilogOpUnary, inner: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        let keeps_width = matches!(operator, VerilogOpUnary::Not | VerilogOpUnary::Neg);
        let width = width.filter(|_| keeps_width);
        let cell = match (operator, self.expression(inner, width)?) {
            (VerilogOpUnary::Not, Operand::Literal { value, is_bit: true }) => {
                return Ok(Operand::Literal { value: BigInt::from(1) - value, is_bit: true });
            }
            (VerilogOpUnary::Not, Operand::Literal { value, .. }) => return Ok(Operand::Literal { value: -value - 1, is_bit: false }),
            (VerilogOpUnary::Neg, Operand::Literal { value, .. }) => return Ok(Operand::Literal { value: -value, is_bit: false }),
            (_, operand) => self.cell_of_width(operand, width)?,
        };
        let ty = self.netlist.ty(cell);
        let netlist = &mut *self.netlist;
        Ok(Operand::Cell(match operator {
            VerilogOpUnary::Not => netlist.not(cell),
            VerilogOpUnary::Neg => {
                let zero = netlist.constant(&BigInt::ZERO, ty);
                netlist.cell(Cell::Sub(zero, cell), ty)
            }
            VerilogOpUnary::All => netlist.cell(Cell::ReduceAnd(cell), Type::BIT),
            VerilogOpUnary::Any => netlist.cell(Cell::ReduceOr(cell), Type::BIT),
            VerilogOpUnary::Xor => netlist.cell(Cell::ReduceXor(cell), Type::BIT),
        }))
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
        VerilogOp::Shl => number(left << u32::try_from(right).ok().filter(|&amount| amount < SHIFTED_LITERAL_WIDTH)?),
        VerilogOp::Shr => number(left >> u32::try_from(right).ok().filter(|&amount| amount < SHIFTED_LITERAL_WIDTH)?),
        VerilogOp::Eq => truth(left == right),
        VerilogOp::Ne => truth(left != right),
        VerilogOp::Lt => truth(left < right),
        VerilogOp::Le => truth(left <= right),
        VerilogOp::Gt => truth(left > right),
        VerilogOp::Ge => truth(left >= right),
    }
}
