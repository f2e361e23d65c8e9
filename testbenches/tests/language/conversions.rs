//! `.to`, `.round`, `.saturate` and `.wrap` give what exact arithmetic gives, and are refused where they would not.

use num_bigint::BigInt;
use num_integer::Integer;
use proptest::prelude::*;
use systole_hdl::prelude::*;

use super::{Bench, ends_of, number_type, numbers_of, wrapped};

#[derive(Clone, Copy, Debug)]
enum Conversion {
    To,
    Round(Rounding),
    Saturate,
    Wrap,
}

const ROUNDINGS: [Rounding; 3] = [Rounding::Floor, Rounding::HalfUp, Rounding::HalfEven];

/// One conversion.
#[derive(Clone, Debug)]
struct Converts {
    from: Type,
    to: Type,
    conversion: Conversion,
}
bundle! { struct In { x: Signal } }
bundle! { struct Out { y: Signal } }

impl Component for Converts {
    type In = In;
    type Out = Out;

    fn inputs(&self) -> In {
        In { x: port(self.from) }
    }

    fn build(&self, _: Module, i: In) -> Out {
        let y = match self.conversion {
            Conversion::To => i.x.to(self.to),
            Conversion::Round(Rounding::Floor) => i.x.floor(self.to),
            Conversion::Round(mode) => i.x.round(self.to, mode),
            Conversion::Saturate => i.x.saturate(self.to),
            Conversion::Wrap => i.x.wrap(self.to),
        };
        Out { y }
    }
}

/// `number / divisor` rounded.
fn quotient(number: &BigInt, divisor: &BigInt, mode: Rounding) -> BigInt {
    let (floor, rest) = number.div_mod_floor(divisor);
    let up = match (mode, (rest * 2u32).cmp(divisor)) {
        (Rounding::Floor, _) | (_, std::cmp::Ordering::Less) => false,
        (Rounding::HalfEven, std::cmp::Ordering::Equal) => floor.is_odd(),
        _ => true,
    };
    if up { floor + 1 } else { floor }
}

impl Converts {
    /// What the conversion should give, in units of the last place of `to`; it may lie outside the range of `to`.
    fn exact(&self, number: &BigInt) -> BigInt {
        let (from, to) = (self.from.frac(), self.to.frac());
        let scaled = number << to.saturating_sub(from);
        let divisor = BigInt::from(1) << from.saturating_sub(to);
        let (least, greatest) = ends_of(self.to);
        match self.conversion {
            Conversion::Round(mode) => quotient(&scaled, &divisor, mode),
            Conversion::To | Conversion::Saturate | Conversion::Wrap if divisor != BigInt::from(1) => {
                panic!("a conversion that cannot drop fraction bits was accepted")
            }
            Conversion::To => scaled,
            Conversion::Saturate => scaled.clamp(least, greatest),
            Conversion::Wrap => wrapped(self.to, &scaled),
        }
    }

    fn fits(&self, number: &BigInt) -> bool {
        let (least, greatest) = ends_of(self.to);
        (least..=greatest).contains(number)
    }

    /// Compares the circuit with exact arithmetic; `None` if the conversion is refused.
    fn check(&self, random: &[u128]) -> Option<Result<(), TestCaseError>> {
        elaborate(self).ok()?;
        let mut bench = Bench::new(self);
        let check = |number| {
            bench.set("x", BigInt::clone(&number));
            prop_assert_eq!(bench.get("y"), self.exact(&number), "{:?} of {}", self, number);
            Ok(())
        };
        Some(numbers_of(self.from, random).into_iter().try_for_each(check))
    }
}

proptest! {
    #[test]
    fn to_keeps_every_value_and_is_refused_only_where_one_would_be_lost(from in number_type(140), to in number_type(140), random: [u128; 4]) {
        let converts = Converts { from, to, conversion: Conversion::To };
        match converts.check(&random) {
            Some(result) => result?,
            None => {
                let (least, greatest) = ends_of(from);
                let fraction_lost = to.frac() < from.frac();
                prop_assert!(fraction_lost || !converts.fits(&converts.exact(&least)) || !converts.fits(&converts.exact(&greatest)));
            }
        }
    }

    #[test]
    fn rounding_is_exact_and_is_refused_only_where_a_result_would_not_fit(
        from in number_type(140), to in number_type(140), mode in prop::sample::select(&ROUNDINGS), random: [u128; 4],
    ) {
        let converts = Converts { from, to, conversion: Conversion::Round(mode) };
        match converts.check(&random) {
            Some(result) => result?,
            None => {
                let (least, greatest) = ends_of(from);
                // Of results of a single bit the language does not look which of them can occur.
                let tiny = from.int() + to.frac() < 2;
                prop_assert!(tiny || !converts.fits(&converts.exact(&least)) || !converts.fits(&converts.exact(&greatest)), "{converts:?}");
            }
        }
    }

    #[test]
    fn saturation_gives_the_nearest_value_in_range(from in number_type(140), to in number_type(140), random: [u128; 4]) {
        let result = Converts { from, to, conversion: Conversion::Saturate }.check(&random);
        prop_assert_eq!(result.is_some(), to.frac() >= from.frac());
        result.unwrap_or(Ok(()))?;
    }

    #[test]
    fn wrapping_gives_the_value_modulo_the_range(from in number_type(140), to in number_type(140), random: [u128; 4]) {
        let result = Converts { from, to, conversion: Conversion::Wrap }.check(&random);
        prop_assert_eq!(result.is_some(), to.frac() >= from.frac());
        result.unwrap_or(Ok(()))?;
    }

    /// From an intermediate with a range that always suffices.
    #[test]
    fn rounding_modes_agree_but_on_ties(int in 1..20u32, frac in 1..20u32, kept in 0..20u32, random: [u128; 8]) {
        let (from, to) = (Type::q(int, frac), Type::q(int + 1, kept.min(frac - 1)));
        for mode in ROUNDINGS {
            let result = Converts { from, to, conversion: Conversion::Round(mode) }.check(&random);
            result.expect("a range one bit wider always suffices")?;
        }
    }
}

#[test]
fn every_value_of_a_narrow_type_rounds_exactly() {
    for (from, to) in
        [(Type::q(3, 4), Type::q(4, 2)), (Type::uq(3, 3), Type::u(4)), (Type::q(1, 1), Type::s(2)), (Type::uq(0, 4), Type::uq(1, 1))]
    {
        for mode in ROUNDINGS {
            let every: Vec<u128> = (0..1 << from.width()).collect();
            Converts { from, to, conversion: Conversion::Round(mode) }.check(&every).unwrap().unwrap();
        }
    }
}
