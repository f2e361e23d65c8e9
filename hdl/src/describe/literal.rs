//! What may stand beside a signal in an expression: signals, registers, wires, and literals that take the other side's type.

use num_bigint::BigInt;

use super::arena::Arena;
use super::diagnostic::Place;
use super::module::{Reg, Wire};
use super::signal::Signal;
use crate::types::Type;
use crate::value::Value;

/// A signal, or a literal that becomes a constant of the type it meets.
pub trait Operand {
    /// What was given.
    fn operand(self) -> Given;
}

/// What stands beside a signal in an expression.
#[derive(Clone, Debug)]
pub enum Given {
    /// A signal.
    Signal(Signal),
    /// An integer: of fixed point its value, not its raw bits.
    Integer(BigInt),
    /// A real number, which the type must hold exactly.
    Real(f64),
    /// A bit pattern of the other side's width.
    Pattern(Value),
}

macro_rules! operands {
    ($($Given:ident: $($T:ty),*;)*) => {$($(
        impl Operand for $T {
            fn operand(self) -> Given {
                Given::$Given(self.into())
            }
        }
    )*)*};
}
operands! {
    Signal: Signal, Reg, Wire;
    Integer: i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, BigInt;
    Real: f64;
    Pattern: Value;
}

impl Operand for bool {
    fn operand(self) -> Given {
        Given::Integer(u8::from(self).into())
    }
}

impl Arena {
    /// The operand as a signal of the innermost module; a literal takes the type `like`.
    pub(crate) fn operand(&mut self, operand: impl Operand, like: Type, at: Place) -> Signal {
        self.given(operand.operand(), like, at)
    }

    /// Two operands that meet each other: a literal takes the type of the signal; beside another literal it is a bit.
    pub(crate) fn operand_pair(&mut self, a: impl Operand, b: impl Operand, at: Place) -> (Signal, Signal) {
        let (a, b) = (a.operand(), b.operand());
        match (a, b) {
            (Given::Signal(a), b) => {
                let a = self.own(a, at);
                let like = self.ty(a);
                (a, self.given(b, like, at))
            }
            (a, Given::Signal(b)) => {
                let b = self.own(b, at);
                let like = self.ty(b);
                (self.given(a, like, at), b)
            }
            (a, b) => (self.given(a, Type::BIT, at), self.given(b, Type::BIT, at)),
        }
    }

    pub(crate) fn given(&mut self, given: Given, like: Type, at: Place) -> Signal {
        match given {
            Given::Signal(signal) => self.own(signal, at),
            Given::Integer(number) => integer(self, number, like, at),
            Given::Real(number) => match real_literal(number, like) {
                Ok(value) => self.constant(value, like, at),
                Err(help) => {
                    self.error(at, format!("the literal {number} is not a value of {like}"), vec![], Some(help));
                    self.poison(like, at)
                }
            },
            Given::Pattern(value) if value.width() == like.width() => self.constant(value, like, at),
            Given::Pattern(value) => {
                let message = format!("a pattern of {} bits where {like} is needed", value.width());
                self.error(at, message, vec![], Some(format!("give it {} bits", like.width())));
                self.poison(like, at)
            }
        }
    }
}

fn integer(arena: &mut Arena, number: BigInt, like: Type, at: Place) -> Signal {
    let raw = &number << like.frac();
    let (least, greatest) = range(like);
    if raw < least || raw > greatest {
        let (least, greatest) = (&least >> like.frac(), &greatest >> like.frac());
        let help = format!("{like} spans {least} to {greatest}; widen the type or change the number");
        arena.error(at, format!("the literal {number} does not fit {like}"), vec![], Some(help));
        return arena.poison(like, at);
    }
    arena.constant(Value::from_bigint(like.width(), &raw), like, at)
}

/// Least and greatest raw number of a type.
pub(crate) fn range(ty: Type) -> (BigInt, BigInt) {
    let one = BigInt::from(1);
    if ty.is_signed() {
        let half = &one << (ty.width() - 1);
        (-half.clone(), half - one)
    } else {
        (BigInt::ZERO, (&one << ty.width()) - one)
    }
}

/// A real number as a pattern of `ty`, if it is exactly one; otherwise what to write instead.
pub(crate) fn real_literal(number: f64, ty: Type) -> Result<Value, String> {
    if !matches!(ty, Type::Fixed { .. } | Type::UFixed { .. }) {
        return Err(format!("{ty} has no fraction; write an integer"));
    }
    let scale = 2f64.powi(ty.frac() as i32);
    let raw = number * scale;
    let (least, greatest) = range(ty);
    let to_f64 = |n: &BigInt| n.to_string().parse::<f64>().unwrap_or(f64::INFINITY) / scale;
    if !raw.is_finite() || raw.round() < to_f64(&least) * scale || raw.round() > to_f64(&greatest) * scale {
        return Err(format!("{ty} spans {} to {}", to_f64(&least), to_f64(&greatest)));
    }
    if raw.fract() != 0.0 {
        return Err(format!("it is not a multiple of 2^-{}; the nearest value is {}", ty.frac(), raw.round() / scale));
    }
    // An integral f64 prints all its digits, so the conversion is exact at any size.
    let digits = format!("{raw:.0}");
    let raw: BigInt = digits.parse().map_err(|_| format!("{digits} is not a whole number"))?;
    if raw < least || raw > greatest {
        return Err(format!("{ty} spans {} to {}", to_f64(&least), to_f64(&greatest)));
    }
    Ok(Value::from_bigint(ty.width(), &raw))
}

/// A constant of a stated type: an integer, a real number of fixed point, a bool or a [`Value`].
#[track_caller]
pub fn constant(ty: Type, number: impl Operand) -> Signal {
    let at = std::panic::Location::caller();
    super::arena::with(|arena| {
        let signal = arena.operand(number, ty, at);
        if arena.ty(signal) != ty {
            let message = format!("{} is not a constant of {ty}", arena.describe(signal));
            arena.error(at, message, vec![], Some("give a literal".into()));
            return arena.poison(ty, at);
        }
        signal
    })
}
