//! The operators between signals: which operands they take, what type they give, and what is said where they do not fit.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Shl, Shr, Sub};
use std::panic::Location;

use num_bigint::Sign;

use super::arena::{Arena, with};
use super::diagnostic::Place;
use super::literal::{Given, Operand};
use super::module::{Reg, Wire};
use super::signal::{Signal, unary};
use crate::design::{Cell, CellId};
use crate::types::Type;
use crate::value::Value;

macro_rules! operators {
    ($T:ty: $($Trait:ident $method:ident $operator:ident),*) => {
        $(impl<R: Operand> $Trait<R> for $T {
            type Output = Signal;
            #[track_caller]
            fn $method(self, right: R) -> Signal {
                binary(Operator::$operator, self.into(), right, Location::caller())
            }
        })*
        impl Not for $T {
            type Output = Signal;
            /// Each bit inverted.
            #[track_caller]
            fn not(self) -> Signal {
                let at = Location::caller();
                unary(self.into(), at, |arena, a, ty| {
                    if arena.is_poisoned(a) { a } else { arena.push(Cell::Not(a.cell), ty, at) }
                })
            }
        }
        impl Neg for $T {
            type Output = Signal;
            /// Zero minus the value, wrapping.
            #[track_caller]
            fn neg(self) -> Signal {
                let at = Location::caller();
                unary(self.into(), at, |arena, a, ty| {
                    if !ty.is_number() && !arena.is_poisoned(a) {
                        let (message, note) = (format!("`-` cannot negate {}", arena.describe(a)), arena.origin(a));
                        arena.error(at, message, vec![note], Some(NO_ARITHMETIC.into()));
                        return arena.poison(ty, at);
                    }
                    let zero = arena.constant(Value::zero(ty.width()), ty, at);
                    combine(arena, Operator::Sub, zero, a, at)
                })
            }
        }
        impl<A: Operand> Shl<A> for $T {
            type Output = Signal;
            /// Bits move up, zeros enter; the type stays.
            #[track_caller]
            fn shl(self, amount: A) -> Signal {
                shift(self.into(), amount, Location::caller(), Cell::ShiftLeft)
            }
        }
        impl<A: Operand> Shr<A> for $T {
            type Output = Signal;
            /// Bits move down, zeros (or the sign) enter; the type stays.
            #[track_caller]
            fn shr(self, amount: A) -> Signal {
                shift(self.into(), amount, Location::caller(), Cell::ShiftRight)
            }
        }
    };
}
operators!(Signal: Add add Add, Sub sub Sub, Mul mul Mul, BitAnd bitand And, BitOr bitor Or, BitXor bitxor Xor);
operators!(Reg: Add add Add, Sub sub Sub, Mul mul Mul, BitAnd bitand And, BitOr bitor Or, BitXor bitxor Xor);
operators!(Wire: Add add Add, Sub sub Sub, Mul mul Mul, BitAnd bitand And, BitOr bitor Or, BitXor bitxor Xor);

#[track_caller]
fn shift(value: Signal, amount: impl Operand, at: Place, cell: fn(CellId, CellId) -> Cell) -> Signal {
    unary(value, at, |arena, value, ty| {
        let amount = match amount.operand() {
            Given::Integer(number) if number.sign() == Sign::Minus => {
                let help = "shift the other way: `<<` moves bits up, `>>` down".to_string();
                arena.error(at, format!("a shift by {number}"), vec![], Some(help));
                return arena.poison(ty, at);
            }
            // A known amount takes just the bits it needs; all beyond the width do the same.
            Given::Integer(number) => {
                let amount = u32::try_from(number).map_or(ty.width(), |n| n.min(ty.width()));
                arena.operand(amount, Type::count(amount), at)
            }
            given => arena.given(given, Type::u(1).into(), at),
        };
        if arena.is_poisoned(value) || arena.is_poisoned(amount) {
            return arena.poison(ty, at);
        }
        if arena.ty(amount).is_signed() {
            let (message, note) = (format!("{} cannot be a shift amount", arena.describe(amount)), arena.origin(amount));
            arena.error(at, message, vec![note], Some("a shift amount is unsigned: `.reinterpret(Type::u(..))`".into()));
            return arena.poison(ty, at);
        }
        arena.push(cell(value.cell, amount.cell), ty, at)
    })
}

/// The operators with two operands, as users write them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Equals,
    Differs,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::And => "&",
            Operator::Or => "|",
            Operator::Xor => "^",
            Operator::Equals => "equals",
            Operator::Differs => "differs",
            Operator::Lt => "lt",
            Operator::Le => "le",
            Operator::Gt => "gt",
            Operator::Ge => "ge",
        }
    }

    fn is_order(self) -> bool {
        matches!(self, Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge)
    }

    fn is_comparison(self) -> bool {
        self.is_order() || matches!(self, Operator::Equals | Operator::Differs)
    }

    /// The type of the result, or why there is none.
    pub(crate) fn result(self, a: Type, b: Type) -> Result<Type, String> {
        match self {
            Operator::Add | Operator::Sub if !a.is_number() || !b.is_number() => Err(NO_ARITHMETIC.into()),
            _ if self.is_order() && (!a.is_number() || !b.is_number()) => {
                Err("bits have no order; say what they mean with `.reinterpret(Type::u(..))`".into())
            }
            Operator::Mul => a.product(b).ok_or_else(|| match (a.is_number() && b.is_number(), a.is_signed()) {
                (false, _) => NO_ARITHMETIC.into(),
                (true, true) => format!("both factors must be signed; the unsigned one needs a bit more: `.to({})`", signed_for(b)),
                (true, false) => format!("both factors must be signed; the unsigned one needs a bit more: `.to({})`", signed_for(a)),
            }),
            _ if a != b => Err(align_help(a, b)),
            _ if self.is_comparison() => Ok(Type::BIT),
            _ => Ok(a),
        }
    }

    /// The cell that computes it; for some comparisons its opposite, see [`Operator::is_opposite`].
    fn cell(self, a: CellId, b: CellId) -> Cell {
        match self {
            Operator::Add => Cell::Add(a, b),
            Operator::Sub => Cell::Sub(a, b),
            Operator::Mul => Cell::Mul(a, b),
            Operator::And => Cell::And(a, b),
            Operator::Or => Cell::Or(a, b),
            Operator::Xor => Cell::Xor(a, b),
            Operator::Equals | Operator::Differs => Cell::Equal(a, b),
            Operator::Lt | Operator::Ge => Cell::Less(a, b),
            Operator::Gt | Operator::Le => Cell::Less(b, a),
        }
    }

    fn is_opposite(self) -> bool {
        matches!(self, Operator::Differs | Operator::Ge | Operator::Le)
    }
}

const NO_ARITHMETIC: &str = "bits have no arithmetic; say what they mean with `.reinterpret(Type::u(..))`";

/// The signed type that holds every value of an unsigned one.
fn signed_for(ty: Type) -> Type {
    match ty {
        Type::UFixed { int, frac } => Type::q(int + 1, frac),
        Type::UInt(n) => Type::s(n + 1),
        other => other,
    }
}

/// How values of two types come to one.
pub(crate) fn align_help(a: Type, b: Type) -> String {
    if a.is_number() && b.is_number() {
        let frac = a.frac().max(b.frac());
        let signed = a.is_signed() || b.is_signed();
        let int_of = |t: Type| t.int() + u32::from(signed && !t.is_signed());
        let int = int_of(a).max(int_of(b));
        let fixed = [a, b].iter().any(|t| matches!(t, Type::Fixed { .. } | Type::UFixed { .. }));
        let common = match (fixed, signed) {
            (true, true) => Type::q(int, frac),
            (true, false) => Type::uq(int, frac),
            (false, true) => Type::s(int),
            (false, false) => Type::u(int),
        };
        format!("bring both to one type, e.g. `.to({common})`, which holds every value of either")
    } else {
        "bring both to one type: `.to(..)` extends, `.reinterpret(..)` gives the bits another meaning".into()
    }
}

/// An operation on a signal and a signal or literal.
#[track_caller]
pub(crate) fn binary(operator: Operator, a: Signal, b: impl Operand, at: Place) -> Signal {
    with(|arena| {
        let a = arena.own(a, at);
        let like = arena.like(a);
        let b = arena.operand(b, like, at);
        combine(arena, operator, a, b, at)
    })
}

/// An operation on two signals of the module, poison in, poison out.
pub(crate) fn combine(arena: &mut Arena, operator: Operator, a: Signal, b: Signal, at: Place) -> Signal {
    let (ta, tb) = (arena.ty(a), arena.ty(b));
    let result = operator.result(ta, tb);
    let guess = if operator.is_comparison() { Type::BIT } else { ta };
    if arena.is_poisoned(a) || arena.is_poisoned(b) {
        return arena.poison(result.unwrap_or(guess), at);
    }
    match result {
        Ok(ty) => {
            let result = arena.push(operator.cell(a.cell, b.cell), ty, at);
            if operator.is_opposite() { arena.push(Cell::Not(result.cell), ty, at) } else { result }
        }
        Err(help) => {
            let notes = vec![arena.origin(a), arena.origin(b)];
            let message = format!("`{}` cannot join {} and {}", operator.symbol(), arena.describe(a), arena.describe(b));
            arena.error(at, message, notes, Some(help));
            arena.poison(guess, at)
        }
    }
}
