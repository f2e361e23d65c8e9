//! Conversions between types. `.to` never loses a value; everything else says how it may.

use std::panic::Location;

use super::arena::{Arena, with};
use super::diagnostic::Place;
use super::literal::range;
use super::signal::{Signal, extend, reinterpret, slice, unary};
use crate::design::Cell;
use crate::types::Type;
use crate::value::Value;

/// How [`Signal::round`] treats what lies between two values of the new type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rounding {
    /// Towards minus infinity: the extra bits are dropped.
    Floor,
    /// To the nearest; a tie goes up.
    HalfUp,
    /// To the nearest; a tie goes to the even neighbour.
    HalfEven,
}

impl Signal {
    /// The same value in another type that holds every value of this one.
    #[track_caller]
    pub fn to(self, ty: Type) -> Signal {
        let at = Location::caller();
        converted(self, ty, at, |arena, a, from| {
            if let Some(problem) = not_lossless(from, ty) {
                return refuse(arena, a, ty, &problem, at);
            }
            align(arena, a, from, ty, at)
        })
    }

    /// The nearest value of a type with fewer fraction bits. The integer part must hold the result, a carry of the rounding
    /// included; if it does not, round to a wider type and then saturate or wrap.
    #[track_caller]
    pub fn round(self, ty: Type, mode: Rounding) -> Signal {
        let at = Location::caller();
        converted(self, ty, at, |arena, a, from| {
            if !from.is_number() || !ty.is_number() {
                return refuse(arena, a, ty, "rounding is for numbers; `.bits(..)` takes a part of bits", at);
            }
            let rounded = rounded_type(from, ty.frac(), mode);
            if not_lossless(rounded, ty).is_some() {
                let problem = format!("rounded it needs {rounded}: `.round(..)` to that, then `.saturate(..)` or `.wrap(..)`");
                return refuse(arena, a, ty, &problem, at);
            }
            let rounded = round_to(arena, a, from, rounded, mode, at);
            let rounded_type = arena.ty(rounded);
            align(arena, rounded, rounded_type, ty, at)
        })
    }

    /// The greatest value of a type with fewer fraction bits that is not above this one.
    #[track_caller]
    pub fn floor(self, ty: Type) -> Signal {
        self.round(ty, Rounding::Floor)
    }

    /// The nearest value within the range of a type with at least as many fraction bits: too large becomes the greatest,
    /// too small the least.
    #[track_caller]
    pub fn saturate(self, ty: Type) -> Signal {
        let at = Location::caller();
        converted(self, ty, at, |arena, a, from| {
            if let Some(problem) = loses_fraction(from, ty) {
                return refuse(arena, a, ty, &problem, at);
            }
            if not_lossless(from, ty).is_none() {
                return align(arena, a, from, ty, at);
            }
            saturate(arena, a, from, ty, at)
        })
    }

    /// The low bits, modulo the range of a type with at least as many fraction bits.
    #[track_caller]
    pub fn wrap(self, ty: Type) -> Signal {
        let at = Location::caller();
        converted(self, ty, at, |arena, a, from| {
            if from.is_number() != ty.is_number() {
                return refuse(
                    arena,
                    a,
                    ty,
                    "bits and numbers are told apart; `.reinterpret(..)` gives bits a meaning or takes it away",
                    at,
                );
            }
            if let Some(problem) = loses_fraction(from, ty).filter(|_| from.is_number()) {
                return refuse(arena, a, ty, &problem, at);
            }
            let shifted = shift_up(arena, a, from, ty.frac() - from.frac(), at);
            let width = arena.ty(shifted).width();
            if width >= ty.width() { slice(arena, shifted, 0, ty, at) } else { extend(arena, shifted, ty, at) }
        })
    }
}

/// Why some value of `from` is missing in `to`, and what to do; `None` if none is.
pub(crate) fn not_lossless(from: Type, to: Type) -> Option<String> {
    match (from.is_number(), to.is_number()) {
        (false, false) if from.width() > to.width() => return Some(format!("{to} has fewer bits; `.wrap(..)` or `.bits(..)` drops some")),
        (false, false) => return None,
        (true, true) => {}
        (false, true) => return Some(format!("bits have no value; say what they mean with {}", reinterpretation(from, to))),
        (true, false) => {
            return Some(format!("numbers and bits are told apart; take the meaning away with {}", reinterpretation(from, to)));
        }
    }
    if let Some(problem) = loses_fraction(from, to) {
        return Some(problem);
    }
    if from.is_signed() && !to.is_signed() {
        return Some(format!("{to} has no negative values; `.saturate(..)` makes them zero, `.reinterpret(..)` keeps the bits"));
    }
    let need = from.int() + u32::from(to.is_signed() && !from.is_signed());
    (to.int() < need).then(|| format!("{to} has a smaller range; say how: `.saturate(..)` or `.wrap(..)`"))
}

pub(crate) fn loses_fraction(from: Type, to: Type) -> Option<String> {
    match (from.is_number(), to.is_number()) {
        (true, true) if to.frac() < from.frac() => {
            Some(format!("{to} has fewer fraction bits; say how: `.round(.., HalfEven)` or `.floor(..)` first"))
        }
        (true, true) => None,
        _ => Some("only numbers have a range; `.reinterpret(..)` gives bits a meaning or takes it away".into()),
    }
}

/// How bits become a number of the same width, or the other way round.
fn reinterpretation(from: Type, to: Type) -> String {
    match from.width() == to.width() {
        true => format!("`.reinterpret({to})`"),
        false => format!("`.reinterpret(..)`, which keeps all {} bits", from.width()),
    }
}

/// What `make` gives for a sound signal of the module and a type that a signal can have; poison in, poison out.
#[track_caller]
fn converted(a: Signal, ty: Type, at: Place, make: impl FnOnce(&mut Arena, Signal, Type) -> Signal) -> Signal {
    unary(
        a,
        at,
        |arena, a, from| {
            if arena.is_poisoned(a) || !arena.check_width(ty, at) { arena.poison(ty, at) } else { make(arena, a, from) }
        },
    )
}

fn refuse(arena: &mut Arena, a: Signal, ty: Type, problem: &str, at: Place) -> Signal {
    let (message, note) = (format!("{} cannot become {ty}", arena.describe(a)), arena.origin(a));
    arena.error(at, message, vec![note], Some(problem.to_string()));
    arena.poison(ty, at)
}

/// A lossless conversion: the binary points aligned, then extended.
fn align(arena: &mut Arena, a: Signal, from: Type, to: Type, at: Place) -> Signal {
    let shifted = shift_up(arena, a, from, to.frac() - from.frac(), at);
    extend(arena, shifted, to, at)
}

/// The value with `places` zero bits below it: fraction bits it did not have.
fn shift_up(arena: &mut Arena, a: Signal, from: Type, places: u32, at: Place) -> Signal {
    if places == 0 {
        return a;
    }
    let zeros = arena.constant(Value::zero(places), Type::Bits(places), at);
    let ty = if from.is_signed() { Type::q(from.int(), from.frac() + places) } else { Type::uq(from.int(), from.frac() + places) };
    arena.push(Cell::Concat(vec![a.cell, zeros.cell]), ty, at)
}

/// The type that holds every value of `from` rounded to `frac` fraction bits. Its fraction is not below `frac` if `from`'s
/// was above.
pub(crate) fn rounded_type(from: Type, frac: u32, mode: Rounding) -> Type {
    if frac >= from.frac() {
        return from;
    }
    let carry = u32::from(mode != Rounding::Floor);
    // A pure fraction rounds to an integer part of at least one bit.
    let int = (from.int() + carry).max(u32::from(frac == 0));
    match (from.is_signed(), frac) {
        (true, 0) => Type::s(int),
        (false, 0) => Type::u(int),
        (true, _) => Type::q(int, frac),
        (false, _) => Type::uq(int, frac),
    }
}

fn round_to(arena: &mut Arena, a: Signal, from: Type, to: Type, mode: Rounding, at: Place) -> Signal {
    let dropped = from.frac() - to.frac();
    if dropped == 0 {
        return a;
    }
    // One type in which the value has at least one bit above those dropped and room for the carry.
    let wide = from.resized(to.int(), from.frac());
    let wide_value = extend(arena, a, wide, at);
    let floor = slice(arena, wide_value, dropped, to, at);
    if mode == Rounding::Floor {
        return floor;
    }
    let half = slice(arena, wide_value, dropped - 1, Type::BIT, at);
    let up = match mode {
        Rounding::HalfEven if dropped == 1 => {
            let odd = slice(arena, wide_value, dropped, Type::BIT, at);
            arena.push(Cell::And(half.cell, odd.cell), Type::BIT, at)
        }
        Rounding::HalfEven => {
            let odd = slice(arena, wide_value, dropped, Type::BIT, at);
            let rest = slice(arena, wide_value, 0, Type::Bits(dropped - 1), at);
            let above = arena.push(Cell::ReduceOr(rest.cell), Type::BIT, at);
            let not_tie_down = arena.push(Cell::Or(above.cell, odd.cell), Type::BIT, at);
            arena.push(Cell::And(half.cell, not_tie_down.cell), Type::BIT, at)
        }
        _ => half,
    };
    let step = if to.width() == 1 { reinterpret(arena, up, to, at) } else { arena.push(Cell::Extend(up.cell), to, at) };
    arena.push(Cell::Add(floor.cell, step.cell), to, at)
}

/// Clamps to the range of `to`; some value of `from` lies outside it.
fn saturate(arena: &mut Arena, a: Signal, from: Type, to: Type, at: Place) -> Signal {
    let value = shift_up(arena, a, from, to.frac() - from.frac(), at);
    let wide = arena.ty(value);
    let (least, greatest) = range(to);
    let (wide_least, wide_greatest) = range(wide);
    // The low bits are right whenever the value is in range.
    let mut result = if wide.width() >= to.width() { slice(arena, value, 0, to, at) } else { extend(arena, value, to, at) };
    let bound = |arena: &mut Arena, n: &num_bigint::BigInt, ty: Type| arena.constant(Value::from_bigint(ty.width(), n), ty, at);
    if wide_greatest > greatest {
        let limit = bound(arena, &greatest, wide);
        let above = arena.push(Cell::Less(limit.cell, value.cell), Type::BIT, at);
        let most = bound(arena, &greatest, to);
        result = arena.push(Cell::Mux { condition: above.cell, then: most.cell, otherwise: result.cell }, to, at);
    }
    if wide_least < least {
        let limit = bound(arena, &least, wide);
        let below = arena.push(Cell::Less(value.cell, limit.cell), Type::BIT, at);
        let fewest = bound(arena, &least, to);
        result = arena.push(Cell::Mux { condition: below.cell, then: fewest.cell, otherwise: result.cell }, to, at);
    }
    result
}

/// The type needed to add `count` values of type `ty` without overflow: an accumulator.
pub fn sum_type(ty: Type, count: u64) -> Type {
    let growth = if count <= 1 { 0 } else { 64 - (count - 1).leading_zeros() };
    ty.resized(ty.int() + growth, ty.frac())
}

/// Lossless extension by a stated number of integer bits, for intermediate results.
#[track_caller]
pub fn widen(signal: Signal, bits: u32) -> Signal {
    let at = Location::caller();
    with(|arena| {
        let a = arena.own(signal, at);
        let ty = arena.ty(a);
        extend(arena, a, ty.resized(ty.int().saturating_add(bits), ty.frac()), at)
    })
}
