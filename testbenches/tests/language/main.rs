//! The language against exact arithmetic, and its library under every stall: what descriptions compute when they run.

mod conversions;
mod library;
mod operators;
mod protocol;
mod requantize;
mod statements;
mod streams;

use num_bigint::BigInt;
use proptest::prelude::*;
use systole_hdl::prelude::*;
use systole_sim::{Options, Simulator};

/// Number types of up to `widest` bits, narrow ones more often.
fn number_type(widest: u32) -> impl Strategy<Value = Type> {
    let width = prop_oneof![3 => 1..=12u32, 1 => 1..=widest];
    (width, any::<prop::sample::Index>(), any::<(bool, bool)>()).prop_map(|(width, cut, (fixed, signed))| {
        let frac = cut.index(width as usize + 1) as u32;
        match (fixed, signed) {
            (true, true) => Type::q(width - frac, frac),
            (true, false) => Type::uq(width - frac, frac),
            (false, true) => Type::s(width),
            (false, false) => Type::u(width),
        }
    })
}

/// Raw numbers of a type: its ends, what lies next to them and to zero, and the given ones.
fn numbers_of(ty: Type, random: &[u128]) -> Vec<BigInt> {
    let (least, greatest) = ends_of(ty);
    let near = [-1, 0, 1].map(BigInt::from);
    let special = [&least, &BigInt::ZERO, &greatest].into_iter().flat_map(|end| near.iter().map(move |step| end + step));
    let random = random.iter().map(|&bits| Value::from_bigint(ty.width(), &BigInt::from(bits)).to_number(ty));
    special.filter(|number| (&least..=&greatest).contains(&number)).chain(random).collect()
}

/// Least and greatest raw number of a type.
fn ends_of(ty: Type) -> (BigInt, BigInt) {
    let (zero, ones) = (Value::zero(ty.width()), Value::ones(ty.width()));
    if !ty.is_signed() {
        return (zero.to_number(ty), ones.to_number(ty));
    }
    let sign = zero.with_bit(ty.width() - 1).to_number(ty);
    let greatest = -&sign - 1;
    (sign, greatest)
}

/// A number modulo the range of a type.
fn wrapped(ty: Type, number: &BigInt) -> BigInt {
    let (least, greatest) = ends_of(ty);
    let states = greatest - &least + 1;
    let offset = (number - &least) % &states;
    (offset + &states) % states + least
}

/// A running circuit with ports by name.
struct Bench(Simulator);

impl Bench {
    fn new(component: &impl Component) -> Bench {
        let design = elaborate(component).unwrap_or_else(|errors| panic!("{errors}"));
        Bench(Simulator::new(&design, Options::default()).unwrap())
    }

    fn set(&mut self, input: &str, number: impl Into<BigInt>) {
        let port = self.0.input(input).unwrap();
        self.0.set(port, number.into()).unwrap();
    }

    /// The number at an output, in units of its last place.
    fn get(&mut self, output: &str) -> BigInt {
        let port = self.0.output(output).unwrap();
        self.0.get(port).to_number(port.ty())
    }

    fn step(&mut self) {
        self.0.step(1).unwrap();
    }
}
