//! What may stand beside a signal in an expression: signals, registers, wires, and literals that take the other side's type.

use num_bigint::BigInt;

use super::arena::Arena;
use super::diagnostic::{Note, Place};
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

/// The type that a literal takes, and where it takes it from, where that is known.
pub(crate) struct Like {
    ty: Type,
    origin: Origin,
}

enum Origin {
    Unknown,
    Signal(Signal),
    Stated(Note),
}

impl Like {
    /// For a literal whose type was stated at another place.
    pub(crate) fn stated(ty: Type, origin: Note) -> Like {
        Like { ty, origin: Origin::Stated(origin) }
    }
}

impl From<Type> for Like {
    fn from(ty: Type) -> Like {
        Like { ty, origin: Origin::Unknown }
    }
}

impl Arena {
    /// For a literal beside `signal`, which is of the innermost module.
    pub(crate) fn like(&mut self, signal: Signal) -> Like {
        Like { ty: self.ty(signal), origin: Origin::Signal(signal) }
    }

    /// The operand as a signal of the innermost module; a literal takes the type of `like`.
    pub(crate) fn operand(&mut self, operand: impl Operand, like: impl Into<Like>, at: Place) -> Signal {
        self.given(operand.operand(), like.into(), at)
    }

    /// Two operands that meet each other: a literal takes the type of the signal; beside another literal it is a bit.
    pub(crate) fn operand_pair(&mut self, a: impl Operand, b: impl Operand, at: Place) -> (Signal, Signal) {
        match (a.operand(), b.operand()) {
            (Given::Signal(a), b) => {
                let a = self.own(a, at);
                let like = self.like(a);
                (a, self.given(b, like, at))
            }
            (a, Given::Signal(b)) => {
                let b = self.own(b, at);
                let like = self.like(b);
                (self.given(a, like, at), b)
            }
            (a, b) => {
                let is_bit = |given: &Given| matches!(given, Given::Integer(n) if *n == BigInt::ZERO || *n == BigInt::from(1));
                if !is_bit(&a) || !is_bit(&b) {
                    let help = "state the type of one: `constant(Type::s(8), 3)`".to_string();
                    self.error(at, "two literals stand beside each other, so their type is unknown", vec![], Some(help));
                    return (self.poison(Type::BIT, at), self.poison(Type::BIT, at));
                }
                (self.given(a, Type::BIT.into(), at), self.given(b, Type::BIT.into(), at))
            }
        }
    }

    pub(crate) fn given(&mut self, given: Given, like: Like, at: Place) -> Signal {
        let ty = like.ty;
        if let Given::Signal(signal) = given {
            return self.own(signal, at);
        }
        let after_mistake = matches!(like.origin, Origin::Signal(signal) if self.is_poisoned(signal));
        if after_mistake || !self.check_width(ty, at) {
            return self.poison(ty, at);
        }
        let (message, help) = match pattern(&given, ty) {
            Ok(value) => return self.constant(value, ty, at),
            Err(refused) => refused,
        };
        let notes = match like.origin {
            Origin::Unknown => vec![],
            Origin::Signal(signal) => vec![self.origin(signal)],
            Origin::Stated(note) => vec![note],
        };
        self.error(at, message, notes, Some(help));
        self.poison(ty, at)
    }
}

/// The pattern of a literal in `ty`, which is at least one bit wide; or what is wrong with it and what to write instead.
fn pattern(given: &Given, ty: Type) -> Result<Value, (String, String)> {
    match given {
        Given::Signal(_) => unreachable!("a signal is no literal"),
        Given::Integer(number) => {
            let raw = number << ty.frac();
            let (least, greatest) = range(ty);
            if raw < least || raw > greatest {
                let (least, greatest) = (&least >> ty.frac(), &greatest >> ty.frac());
                let help = format!("{ty} spans {least} to {greatest}; widen the type or change the number");
                return Err((format!("the literal {number} does not fit {ty}"), help));
            }
            Ok(Value::from_bigint(ty.width(), &raw))
        }
        Given::Real(number) => real_literal(*number, ty).map_err(|help| (format!("the literal {number} is not a value of {ty}"), help)),
        Given::Pattern(value) if value.width() == ty.width() => Ok(value.clone()),
        Given::Pattern(value) => {
            Err((format!("a pattern of {} bits where {ty} is needed", value.width()), format!("give it {} bits", ty.width())))
        }
    }
}

/// Least and greatest raw number of a type of at least one bit.
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
        if arena.ty(signal) != ty && !arena.is_poisoned(signal) {
            let message = format!("{} is not a constant of {ty}", arena.describe(signal));
            arena.error(at, message, vec![], Some("give a literal".into()));
            return arena.poison(ty, at);
        }
        signal
    })
}
