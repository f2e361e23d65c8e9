//! Requantization against exact arithmetic.

use num_bigint::BigInt;
use num_integer::Integer;
use proptest::prelude::*;
use systole_hdl::library::{Requantize, requantize, requantize_product};
use systole_hdl::prelude::*;

use super::{Bench, ends_of, numbers_of};

/// Both halves in one cycle.
#[derive(Debug)]
struct Requantizes(Requantize);
bundle! { struct In { sum: Signal, multiplier: Signal, shift: Signal } }
bundle! { struct Out { y: Signal } }

impl Component for Requantizes {
    type In = In;
    type Out = Out;

    fn inputs(&self) -> In {
        In { sum: port(self.0.input), multiplier: port(Type::u(self.0.multiplier_bits)), shift: port(Type::u(self.0.shift_bits)) }
    }

    fn build(&self, _: Module, i: In) -> Out {
        Out { y: requantize(&self.0, requantize_product(&self.0, i.sum, i.multiplier), i.shift) }
    }
}

/// `number / 2^shift`, ties to even.
fn half_even(number: &BigInt, shift: u32) -> BigInt {
    let divisor = BigInt::from(1) << shift;
    let (floor, rest) = number.div_mod_floor(&divisor);
    match (rest * 2u32).cmp(&divisor) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Equal => &floor + BigInt::from(u8::from(floor.is_odd())),
        std::cmp::Ordering::Greater => floor + 1,
    }
}

fn check(formats: Requantize, sums: &[u128], multipliers: &[u128], shifts: &[u32]) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(&Requantizes(formats));
    let (least, greatest) = ends_of(formats.output);
    for multiplier in numbers_of(Type::u(formats.multiplier_bits), multipliers) {
        bench.set("multiplier", multiplier.clone());
        for &shift in shifts {
            bench.set("shift", shift);
            for sum in numbers_of(formats.input, sums) {
                bench.set("sum", sum.clone());
                let expected = half_even(&(&sum * &multiplier), shift).clamp(least.clone(), greatest.clone());
                prop_assert_eq!(bench.get("y"), expected, "{} · {} / 2^{} in {:?}", sum, multiplier, shift, formats);
            }
        }
    }
    Ok(())
}

fn integer(widths: std::ops::Range<u32>) -> impl Strategy<Value = Type> {
    (widths, any::<bool>()).prop_map(|(width, signed)| if signed { Type::s(width) } else { Type::u(width) })
}

proptest! {
    #[test]
    fn requantization_is_exact_for_every_shift(
        input in integer(2..40), output in integer(1..12), multiplier_bits in 1..24u32, shift_bits in 1..8u32,
        sums: [u128; 3], multipliers: [u128; 2], shift in any::<prop::sample::Index>(),
    ) {
        let formats = Requantize { input, multiplier_bits, shift_bits, output };
        let longest = (1 << shift_bits) - 1;
        let product = formats.product().width();
        let near_the_product = [product - 2, product - 1, product].map(|shift| shift.min(longest));
        let shifts = [vec![0, 1, shift.index(longest as usize + 1) as u32, longest], near_the_product.to_vec()].concat();
        check(formats, &sums, &multipliers, &shifts)?;
    }
}

#[test]
fn ties_go_to_the_even_neighbour() {
    let formats = Requantize { input: Type::s(8), multiplier_bits: 1, shift_bits: 2, output: Type::s(8) };
    let mut bench = Bench::new(&Requantizes(formats));
    bench.set("multiplier", 1);
    bench.set("shift", 1);
    for (sum, expected) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2), (-7, -4), (127, 64), (-127, -64)] {
        bench.set("sum", sum);
        assert_eq!(bench.get("y"), expected.into(), "{sum} / 2");
    }
}
