//! Literals that do not fit what they stand beside.

use insta::assert_snapshot;

use super::*;

#[test]
fn an_integer_must_fit() {
    assert_snapshot!(report(|_, i| One { x: i.s8 + 128 }), @r"
    error: the literal 128 does not fit s8
      --> literals.rs: i.s8 + 128 })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: s8 spans -128 to 127; widen the type or change the number
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8.equals(-1) }), @r"
    error: the literal -1 does not fit u8
      --> literals.rs: equals(-1) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: u8 spans 0 to 255; widen the type or change the number
    ");
    assert_snapshot!(report(|_, i| One { x: i.q8_8 + 200 }), @r"
    error: the literal 200 does not fit q8.8
      --> literals.rs: i.q8_8 + 200 })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: q8.8 spans -128 to 127; widen the type or change the number
    ");
}

#[test]
fn a_real_number_must_be_exact() {
    assert_snapshot!(report(|_, i| One { x: i.q8_8 * 0.1 }), @r"
    error: the literal 0.1 is not a value of q8.8
      --> literals.rs: i.q8_8 * 0.1 })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: it is not a multiple of 2^-8; the nearest value is 0.1015625
    ");
    assert_snapshot!(report(|_, i| One { x: i.uq4_4 - 16.0 }), @r"
    error: the literal 16 is not a value of uq4.4
      --> literals.rs: i.uq4_4 - 16.0 })
       in top
       = `uq4_4` (uq4.4) was made here (main.rs: port(Type::uq(4, 4)),)
       = help: uq4.4 spans 0 to 15.9375
    ");
    assert_snapshot!(report(|_, i| One { x: i.uq4_4 - f64::NAN }), @r"
    error: the literal NaN is not a value of uq4.4
      --> literals.rs: i.uq4_4 - f64::NAN })
       in top
       = `uq4_4` (uq4.4) was made here (main.rs: port(Type::uq(4, 4)),)
       = help: uq4.4 spans 0 to 15.9375
    ");
}

#[test]
fn a_real_number_needs_a_fixed_point_type() {
    assert_snapshot!(report(|_, i| One { x: i.s8 + 0.5 }), @r"
    error: the literal 0.5 is not a value of s8
      --> literals.rs: i.s8 + 0.5 })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: s8 has no fraction; write an integer
    ");
}

#[test]
fn a_pattern_has_the_width_of_what_it_meets() {
    assert_snapshot!(report(|_, i| One { x: i.bits8 ^ Value::ones(9) }), @r"
    error: a pattern of 9 bits where bits8 is needed
      --> literals.rs: i.bits8 ^ Value::ones(9) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: give it 8 bits
    ");
}

#[test]
fn two_literals_have_no_type() {
    assert_snapshot!(report(|_, i| One { x: i.flag.mux(5, 7) }), @r"
    error: two literals stand beside each other, so their type is unknown
      --> literals.rs: mux(5, 7) })
       in top
       = help: state the type of one: `constant(Type::s(8), 3)`
    ");
    assert_snapshot!(report(|_, i| One { x: i.flag.mux(0, 1) }), @"");
}

#[test]
fn a_constant_is_a_literal() {
    assert_snapshot!(report(|_, i| One { x: constant(Type::s(8), i.u8) }), @r"
    error: `u8` (u8) is not a constant of s8
      --> literals.rs: constant(Type::s(8), i.u8) })
       in top
       = help: give a literal
    ");
    assert_snapshot!(report(|_, _| One { x: constant(Type::u(4), 16) }), @r"
    error: the literal 16 does not fit u4
      --> literals.rs: constant(Type::u(4), 16) })
       in top
       = help: u4 spans 0 to 15; widen the type or change the number
    ");
}

#[test]
fn a_next_value_must_fit() {
    assert_snapshot!(report(|m, _| {
        let count = m.reg("count", Type::u(4));
        count.next(16);
        One { x: *count }
    }), @r#"
    error: the literal 16 does not fit u4
      --> literals.rs: next(16);
       in top
       = `count` (u4) was made here (literals.rs: reg("count", Type::u(4));)
       = help: u4 spans 0 to 15; widen the type or change the number
    "#);
}

#[test]
fn a_reset_value_is_a_literal_that_fits() {
    assert_snapshot!(report(|m, _| {
        let count = m.reg("count", Type::u(4)).resets_to(16);
        count.next(count + 1);
        One { x: *count }
    }), @r#"
    error: the literal 16 does not fit u4
      --> literals.rs: resets_to(16);
       in top
       = `count` (u4) was made here (literals.rs: reg("count", Type::u(4)).resets_to(16);)
       = help: u4 spans 0 to 15; widen the type or change the number
    "#);
    assert_snapshot!(report(|m, i| {
        let last = m.reg("last", Type::u(8)).resets_to(i.u8);
        last.next(i.u8);
        One { x: *last }
    }), @r"
    error: `u8` (u8) is not a reset value of `last` (u8)
      --> literals.rs: resets_to(i.u8);
       in top
       = help: a reset value is a literal of u8
    ");
}
