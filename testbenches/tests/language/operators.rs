//! Operators against exact arithmetic.

use num_bigint::BigInt;
use proptest::prelude::*;
use systole_hdl::prelude::*;

use super::{Bench, ends_of, number_type, numbers_of, wrapped};

/// Every operator on two numbers of one type, and a product with a third.
#[derive(Debug)]
struct Operators {
    ty: Type,
    factor: Type,
    amount: u32,
}
bundle! { struct Operands { a: Signal, b: Signal, factor: Signal, shift: Signal } }
bundle! {
    struct Results {
        sum: Signal, difference: Signal, wide_sum: Signal, wide_difference: Signal, product: Signal, negative: Signal,
        lt: Signal, le: Signal, gt: Signal, ge: Signal, equals: Signal, differs: Signal, min: Signal, max: Signal,
        left: Signal, right: Signal, left_by: Signal, right_by: Signal, bit_at: Signal
    }
}

impl Component for Operators {
    type In = Operands;
    type Out = Results;

    fn inputs(&self) -> Operands {
        Operands { a: port(self.ty), b: port(self.ty), factor: port(self.factor), shift: port(Type::u(8)) }
    }

    fn build(&self, _: Module, i: Operands) -> Results {
        let Operands { a, b, factor, shift } = i;
        Results {
            sum: a + b,
            difference: a - b,
            wide_sum: a.add_wide(b),
            wide_difference: a.sub_wide(b),
            product: a * factor,
            negative: -a,
            lt: a.lt(b),
            le: a.le(b),
            gt: a.gt(b),
            ge: a.ge(b),
            equals: a.equals(b),
            differs: a.differs(b),
            min: a.min(b),
            max: a.max(b),
            left: a << self.amount,
            right: a >> self.amount,
            left_by: a << shift,
            right_by: a >> shift,
            bit_at: a.bit_at(shift),
        }
    }
}

/// A type one bit wider.
fn wider(ty: Type) -> Type {
    ty.resized(ty.int() + 1, ty.frac())
}

proptest! {
    #[test]
    fn operators_agree_with_exact_arithmetic(
        ty in number_type(130), factor in number_type(70), amount in 0..140u32, shift in 0..=255u32, random: [u128; 3],
    ) {
        // Factors are of one signedness.
        let factor = match (ty.is_signed(), factor) {
            (true, Type::UInt(n)) => Type::s(n),
            (true, Type::UFixed { int, frac }) => Type::q(int, frac),
            (false, Type::SInt(n)) => Type::u(n),
            (false, Type::Fixed { int, frac }) => Type::uq(int, frac),
            (_, same) => same,
        };
        let mut bench = Bench::new(&Operators { ty, factor, amount });
        bench.set("shift", shift);
        let numbers = numbers_of(ty, &random);
        let factors = numbers_of(factor, &random);
        for (n, a) in numbers.iter().enumerate() {
            let (b, c) = (&numbers[n * 7 % numbers.len()], &factors[n % factors.len()]);
            bench.set("a", a.clone());
            bench.set("b", b.clone());
            bench.set("factor", c.clone());
            let bit = |holds: bool| BigInt::from(u8::from(holds));
            let power = |places: u32| BigInt::from(1) << places;
            // Far beyond the width a shift has done all it can.
            let floor_shift = |places: u32| a >> places.min(1000);
            let expected = [
                ("sum", wrapped(ty, &(a + b))),
                ("difference", wrapped(ty, &(a - b))),
                ("wide_sum", a + b),
                ("wide_difference", wrapped(wider(ty), &(a - b))),
                ("product", a * c),
                ("negative", wrapped(ty, &-a)),
                ("lt", bit(a < b)),
                ("le", bit(a <= b)),
                ("gt", bit(a > b)),
                ("ge", bit(a >= b)),
                ("equals", bit(a == b)),
                ("differs", bit(a != b)),
                ("min", a.min(b).clone()),
                ("max", a.max(b).clone()),
                ("left", wrapped(ty, &(a * power(amount)))),
                ("right", floor_shift(amount)),
                ("left_by", wrapped(ty, &(a * power(shift)))),
                ("right_by", floor_shift(shift)),
                ("bit_at", floor_shift(shift) & BigInt::from(1)),
            ];
            for (output, value) in expected {
                prop_assert_eq!(bench.get(output), value, "{} of {} and {} ({})", output, a, b, ty);
            }
            if ty.is_signed() {
                prop_assert_eq!(bench.get("wide_difference"), a - b);
            }
        }
    }

    #[test]
    fn a_sum_type_holds_the_sum_of_as_many_values(ty in number_type(60), count in 1..5000u64) {
        let (least, greatest) = ends_of(ty);
        let (sum_least, sum_greatest) = ends_of(sum_type(ty, count));
        prop_assert!(sum_least <= least * count && greatest * count <= sum_greatest);
    }
}

/// Bits in and out of order.
#[derive(Debug)]
struct Parts;
bundle! { struct PartsIn { x: Signal, index: Signal } }
bundle! { struct PartsOut { packed: Signal, swapped: Signal, selected: Signal, bit: Signal, any: Signal, all: Signal, parity: Signal, and: Signal } }

impl Component for Parts {
    type In = PartsIn;
    type Out = PartsOut;

    fn inputs(&self) -> PartsIn {
        PartsIn { x: port(Type::Bits(12)), index: port(Type::u(2)) }
    }

    fn build(&self, _: Module, i: PartsIn) -> PartsOut {
        let lanes = i.x.lanes(Type::u(4), 3);
        PartsOut {
            packed: pack(&lanes),
            swapped: concat(&[i.x.bits(0..4), i.x.bits(4..12)]),
            selected: i.index.select(&lanes),
            bit: i.x.bit(5),
            any: i.x.any(),
            all: i.x.all(),
            parity: i.x.parity(),
            and: (i.x & 0x0f0) ^ (!i.x | 0xf00),
        }
    }
}

#[test]
fn parts_of_bits_are_where_they_belong() {
    let mut bench = Bench::new(&Parts);
    for x in (0..4096u32).step_by(7).chain([4095]) {
        bench.set("x", x);
        assert_eq!(bench.get("packed"), x.into());
        assert_eq!(bench.get("swapped"), ((x & 15) << 8 | x >> 4).into());
        assert_eq!(bench.get("bit"), (x >> 5 & 1).into());
        assert_eq!(bench.get("any"), u32::from(x != 0).into());
        assert_eq!(bench.get("all"), u32::from(x == 4095).into());
        assert_eq!(bench.get("parity"), (x.count_ones() % 2).into());
        assert_eq!(bench.get("and"), ((x & 0x0f0) ^ ((!x & 0xfff) | 0xf00)).into());
        for index in 0..4u32 {
            bench.set("index", index);
            // Beyond the last option, the last.
            assert_eq!(bench.get("selected"), (x >> (4 * index.min(2)) & 15).into());
        }
    }
}

/// Literals of every kind.
#[derive(Debug)]
struct Literals;
bundle! { struct LiteralsIn { x: Signal, n: Signal } }
bundle! { struct LiteralsOut { real: Signal, integer: Signal, negative: Signal, pattern: Signal, chosen: Signal } }

impl Component for Literals {
    type In = LiteralsIn;
    type Out = LiteralsOut;

    fn inputs(&self) -> LiteralsIn {
        LiteralsIn { x: port(Type::q(8, 8)), n: port(Type::s(8)) }
    }

    fn build(&self, _: Module, i: LiteralsIn) -> LiteralsOut {
        LiteralsOut {
            real: i.x + 0.5,
            integer: i.x + 2,
            negative: i.n + -128,
            pattern: i.n.as_bits() ^ Value::ones(8),
            chosen: i.n.lt(0).mux(constant(Type::q(8, 8), -1.25), i.x),
        }
    }
}

#[test]
fn a_literal_has_its_value_in_the_type_it_meets() {
    let mut bench = Bench::new(&Literals);
    bench.set("x", 256);
    bench.set("n", -1);
    let results = ["real", "integer", "negative", "pattern", "chosen"].map(|output| i64::try_from(bench.get(output)).unwrap());
    assert_eq!(results, [256 + 128, 256 + 512, 127, 0, -320]);
}
