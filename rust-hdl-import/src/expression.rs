//! Expressions: their cells, in the widths of rust-hdl's simulator.

use num_bigint::{BigInt, Sign};
use rust_hdl_core::ast::{VerilogExpression, VerilogOpUnary};
use systole_hdl::{Cell, CellId, Type};

use crate::Widths;
use crate::diagnostic::Problem;
use crate::evaluate::{Evaluator, ambiguous};
use crate::literal;
use crate::names::{loop_variable, resolve};
use crate::signals::{SignalId, Variant};

/// The width of a literal where nothing else gives it one, as where it is shifted.
pub(crate) const LITERAL_WIDTH: u32 = 64;

/// The widest word that rust-hdl keeps in a machine integer.
const SHORT_WIDTH: u32 = 32;

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

/// Why what `to_bits` makes of a machine integer is refused where its width matters.
pub(crate) fn converted() -> Problem {
    let reason = "rust-hdl's tree does not tell where a machine integer in it becomes a word, and in how many bits";
    Problem::new("machine integer that becomes a word", reason, "assign what `to_bits` gives to a local signal, or leave parentheses off")
}

impl Evaluator<'_> {
    /// The value of an expression, in a place for `width` bits if that is known.
    pub fn expression(&mut self, expression: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        if self.widths == Widths::Verilog {
            return self.verilog_expression(expression, width);
        }
        match expression {
            VerilogExpression::Signal(text) => self.signal(text),
            VerilogExpression::Literal(literal) => {
                let (value, bits) = literal::number(literal)?;
                Ok(Operand::Literal { value, is_bit: bits == 1 })
            }
            VerilogExpression::Paren(inner) => {
                if self.is_integer_in(inner, width) {
                    self.refuse_open_sum(inner)?;
                }
                self.expression(inner, width)
            }
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
            VerilogExpression::Binary(..) if self.is_integer_in(expression, width) => self.integer_in(expression, width),
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
            None => Err(self.unknown(text, &name)),
        }
    }

    /// Why a name says nothing.
    fn unknown(&self, text: &str, name: &str) -> Problem {
        // As the code has it, so that a fault in a loop is the same in each turn.
        let mut construct = format!("`{}`", text.trim_end_matches("$next"));
        let (reason, remedy) = if name.contains("$val()") {
            ("rust-hdl's tree has no part of a part", "assign the outer part to a local signal, and take the inner one from that")
        } else if name.contains("$-") {
            ("its index is below zero", "count from where it is not")
        } else if self.signals.is_within(name) {
            ("it is no port of a child, or beyond the end of an array", "give the child an output that shows it, or mind the end")
        } else if name.contains('$') {
            construct = construct.replace('$', "::");
            (
                "it is no signal of the block or of its children, and no variant of an enum that one of them carries",
                "name an enum as it is declared, and put a constant into a `Constant` field of the block",
            )
        } else {
            (
                "it is a constant of Rust or a name that a pattern binds, whose value rust-hdl's tree does not hold",
                "put a constant into a `Constant` field of the block, and instead of a bound name write what is matched",
            )
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
                let ty = unsigned(width.unwrap_or(LITERAL_WIDTH).max(1));
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
            Operand::Literal { value, .. } => {
                self.refuse_beyond(&value, ty)?;
                Ok(self.netlist.constant(&value, ty))
            }
            other => {
                let cell = self.cell_of_width(other, Some(ty.width()))?;
                Ok(self.netlist.resize(cell, ty))
            }
        }
    }

    /// Refuses a number for which rust-hdl's simulator panics when it makes a word of this type of it. Into a word of more than 32 bits
    /// it puts the low bits of any machine integer, and of a signed number's sign it takes no notice.
    fn refuse_beyond(&self, value: &BigInt, ty: Type) -> Result<(), Problem> {
        let (width, negative) = (u64::from(ty.width()), value.sign() == Sign::Minus);
        let fits = match ty.width() {
            _ if self.widths == Widths::Verilog => true,
            ..=SHORT_WIDTH => value.bits() <= width && (!negative || ty.is_signed()),
            _ => value.bits() <= width.max(u64::from(LITERAL_WIDTH)),
        };
        if fits {
            return Ok(());
        }
        let reason = format!("it does not fit the {width} bits of its place, where rust-hdl's simulator panics");
        Err(Problem::new(format!("number `{value}`"), reason, "write a number that fits, or make the signal wider"))
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

    fn unary(&mut self, operator: &VerilogOpUnary, inner: &VerilogExpression, width: Option<u32>) -> Result<Operand, Problem> {
        let keeps_width = matches!(operator, VerilogOpUnary::Not | VerilogOpUnary::Neg);
        let width = width.filter(|_| keeps_width);
        let mut operand = self.expression(inner, width)?;
        if self.sort(inner).is_integer && !matches!(operator, VerilogOpUnary::Any | VerilogOpUnary::Xor) {
            let width = width.ok_or_else(converted)?;
            operand = Operand::Cell(self.fit(operand, unsigned(width))?);
        }
        let cell = match (operator, operand) {
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
