//! The calls that make one type of another, as messages advise them.

use std::fmt;

use super::convert::{Rounding, loses_fraction, not_lossless, rounded_type};
use crate::types::Type;

/// A call of a [`Signal`](super::signal::Signal).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    To(Type),
    Round(Type),
    Saturate(Type),
    Wrap(Type),
    Reinterpret(Type),
    Any,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::To(ty) => write!(f, ".to({ty})"),
            Call::Round(ty) => write!(f, ".round({ty}, Rounding::{:?})", Rounding::HalfEven),
            Call::Saturate(ty) => write!(f, ".saturate({ty})"),
            Call::Wrap(ty) => write!(f, ".wrap({ty})"),
            Call::Reinterpret(ty) => write!(f, ".reinterpret({ty})"),
            Call::Any => write!(f, ".any()"),
        }
    }
}

/// What to do with a signal of type `from` where one of type `to` is wanted: the calls that make the one of the other, and what
/// they lose.
pub(crate) fn conversion(from: Type, to: Type) -> String {
    let calls = calls(from, to);
    let text: String = calls.iter().map(Call::to_string).collect();
    match calls[..] {
        [Call::Any] if from.is_number() => "compare it (`!= 0`), or take `.any()` of its bits".to_string(),
        [Call::Any] => "choose a bit (`.bit(..)`), or take `.any()`".to_string(),
        [Call::To(_)] => format!("convert it: `{text}`, which loses nothing"),
        [.., Call::Saturate(_)] => {
            let wrapped: String = calls[..calls.len() - 1].iter().chain([&Call::Wrap(to)]).map(Call::to_string).collect();
            format!("{to} does not hold every value; say what becomes of the others: `{text}` keeps to its range, `{wrapped}` wraps")
        }
        [.., Call::Wrap(_)] => format!("{to} has fewer bits; `{text}` drops the upper ones"),
        [.., Call::Round(_)] => format!("{to} has fewer fraction bits; `{text}` takes the nearest value"),
        _ => format!("bits and numbers are told apart; `{text}` says that the bits stay and change their meaning"),
    }
}

/// The calls that make `to` of `from`, another type.
fn calls(from: Type, to: Type) -> Vec<Call> {
    match (from.is_number(), to.is_number()) {
        (_, false) if to == Type::BIT && from.width() > 1 => vec![Call::Any],
        (false, false) => vec![if from.width() > to.width() { Call::Wrap(to) } else { Call::To(to) }],
        (true, true) => numbers(from, to),
        (false, true) if from.width() == to.width() => vec![Call::Reinterpret(to)],
        (true, false) if from.width() == to.width() => vec![Call::Reinterpret(to)],
        (false, true) => {
            let number = if to.is_signed() { Type::s(from.width()) } else { Type::u(from.width()) };
            std::iter::once(Call::Reinterpret(number)).chain(numbers(number, to)).collect()
        }
        (true, false) => {
            let bits = Type::Bits(from.width());
            std::iter::once(Call::Reinterpret(bits)).chain(calls(bits, to)).collect()
        }
    }
}

/// The calls that make one number of another.
fn numbers(from: Type, to: Type) -> Vec<Call> {
    if not_lossless(from, to).is_none() {
        return vec![Call::To(to)];
    }
    if loses_fraction(from, to).is_none() {
        return vec![Call::Saturate(to)];
    }
    let rounded = rounded_type(from, to.frac(), Rounding::HalfEven);
    match not_lossless(rounded, to) {
        None => vec![Call::Round(to)],
        Some(_) => vec![Call::Round(rounded), Call::Saturate(to)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle;
    use crate::describe::component::{Component, elaborate, port};
    use crate::describe::module::Module;
    use crate::describe::signal::Signal;

    /// Types of every kind, wide and narrow, with fractions and without.
    fn types() -> Vec<Type> {
        let sizes = [1, 2, 4, 8, 9, 16, 33];
        let plain = sizes.iter().flat_map(|&n| [Type::Bits(n), Type::u(n), Type::s(n)]);
        let points = [(1, 1), (4, 4), (8, 8), (1, 15), (12, 4), (4, 12), (2, 0), (9, 0)];
        let fixed = points.iter().flat_map(|&(int, frac)| [Type::q(int, frac), Type::uq(int, frac)]);
        plain.chain(fixed).chain([Type::uq(0, 8), Type::uq(0, 16)]).collect()
    }

    bundle! { struct Sources { x: Vec<Signal> } }
    bundle! { struct Results { y: Vec<Signal> } }

    /// Follows the advice from every type to every other.
    #[derive(Debug)]
    struct Advised;

    impl Component for Advised {
        type In = Sources;
        type Out = Results;

        fn inputs(&self) -> Sources {
            Sources { x: types().into_iter().map(port).collect() }
        }

        fn build(&self, _: Module, i: Sources) -> Results {
            let follow = |x: Signal, from: Type, to: Type| {
                let result = calls(from, to).into_iter().fold(x, |x, call| match call {
                    Call::To(ty) => x.to(ty),
                    Call::Round(ty) => x.round(ty, Rounding::HalfEven),
                    Call::Saturate(ty) => x.saturate(ty),
                    Call::Wrap(ty) => x.wrap(ty),
                    Call::Reinterpret(ty) => x.reinterpret(ty),
                    Call::Any => x.any(),
                });
                assert_eq!(result.ty(), to, "from {from}");
                // What wraps instead of saturating must be allowed too.
                if let [before @ .., Call::Saturate(_)] = &calls(from, to)[..] {
                    let x = before.iter().fold(x, |x, call| match *call {
                        Call::Round(ty) => x.round(ty, Rounding::HalfEven),
                        Call::Reinterpret(ty) => x.reinterpret(ty),
                        _ => x,
                    });
                    x.wrap(to);
                }
                result
            };
            let pairs = types().into_iter().zip(i.x).flat_map(|(from, x)| types().into_iter().map(move |to| (x, from, to)));
            Results { y: pairs.filter(|(_, from, to)| from != to).map(|(x, from, to)| follow(x, from, to)).collect() }
        }
    }

    #[test]
    fn the_advised_calls_elaborate_between_all_types() {
        elaborate(&Advised).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    }

    #[test]
    fn advice_says_what_is_lost() {
        let says = |from: Type, to: Type, what: &str| assert!(conversion(from, to).contains(what), "{}", conversion(from, to));
        says(Type::q(8, 8), Type::q(4, 4), "`.round(q9.4, Rounding::HalfEven).saturate(q4.4)` keeps to its range");
        says(Type::q(8, 8), Type::q(9, 4), "`.round(q9.4, Rounding::HalfEven)` takes the nearest value");
        says(Type::s(16), Type::s(8), "`.saturate(s8)` keeps to its range, `.wrap(s8)` wraps");
        says(Type::u(8), Type::BIT, "compare it (`!= 0`), or take `.any()`");
        says(Type::s(16), Type::s(32), "`.to(s32)`, which loses nothing");
        says(Type::Bits(8), Type::s(8), "`.reinterpret(s8)`");
        says(Type::Bits(8), Type::Bits(4), "`.wrap(bits4)` drops the upper ones");
    }
}
