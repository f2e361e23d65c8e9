//! Conversions that would lose something without saying how.

use insta::assert_snapshot;

use super::*;

#[test]
fn to_refuses_a_smaller_range() {
    assert_snapshot!(report(|_, i| One { x: i.s16.to(Type::s(8)) }), @r"
    error: `s16` (s16) cannot become s8
      --> conversions.rs: to(Type::s(8)) })
       in top
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: s8 has a smaller range; say how: `.saturate(..)` or `.wrap(..)`
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8.to(Type::s(8)) }), @r"
    error: `u8` (u8) cannot become s8
      --> conversions.rs: to(Type::s(8)) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: s8 has a smaller range; say how: `.saturate(..)` or `.wrap(..)`
    ");
}

#[test]
fn to_refuses_to_drop_a_sign() {
    assert_snapshot!(report(|_, i| One { x: i.s8.to(Type::u(16)) }), @r"
    error: `s8` (s8) cannot become u16
      --> conversions.rs: to(Type::u(16)) })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: u16 has no negative values; `.saturate(..)` makes them zero, `.reinterpret(..)` keeps the bits
    ");
}

#[test]
fn to_refuses_to_drop_fraction_bits() {
    assert_snapshot!(report(|_, i| One { x: i.q8_8.to(Type::q(12, 4)) }), @r"
    error: `q8_8` (q8.8) cannot become q12.4
      --> conversions.rs: to(Type::q(12, 4)) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: q12.4 has fewer fraction bits; say how: `.round(.., HalfEven)` or `.floor(..)` first
    ");
    assert_snapshot!(report(|_, i| One { x: i.q8_8.to(Type::s(8)) }), @r"
    error: `q8_8` (q8.8) cannot become s8
      --> conversions.rs: to(Type::s(8)) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: s8 has fewer fraction bits; say how: `.round(.., HalfEven)` or `.floor(..)` first
    ");
}

#[test]
fn to_tells_bits_and_numbers_apart() {
    assert_snapshot!(report(|_, i| One { x: i.bits8.to(Type::u(8)) }), @r"
    error: `bits8` (bits8) cannot become u8
      --> conversions.rs: to(Type::u(8)) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: bits have no value; say what they mean with `.reinterpret(u8)`
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8.to(Type::Bits(8)) }), @r"
    error: `u8` (u8) cannot become bits8
      --> conversions.rs: to(Type::Bits(8)) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: numbers and bits are told apart; take the meaning away with `.reinterpret(bits8)`
    ");
    assert_snapshot!(report(|_, i| One { x: i.bits8.to(Type::Bits(4)) }), @r"
    error: `bits8` (bits8) cannot become bits4
      --> conversions.rs: to(Type::Bits(4)) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: bits4 has fewer bits; `.wrap(..)` or `.bits(..)` drops some
    ");
}

#[test]
fn rounding_needs_room_for_the_carry() {
    assert_snapshot!(report(|_, i| One { x: i.q8_8.round(Type::s(8), Rounding::HalfEven) }), @r"
    error: `q8_8` (q8.8) cannot become s8
      --> conversions.rs: round(Type::s(8), Rounding::HalfEven) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: rounded it needs s9: `.round(..)` to that, then `.saturate(..)` or `.wrap(..)`
    ");
    assert_snapshot!(report(|_, i| One { x: i.q8_8.floor(Type::q(7, 4)) }), @r"
    error: `q8_8` (q8.8) cannot become q7.4
      --> conversions.rs: floor(Type::q(7, 4)) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: rounded it needs q8.4: `.round(..)` to that, then `.saturate(..)` or `.wrap(..)`
    ");
}

#[test]
fn rounding_is_for_numbers() {
    assert_snapshot!(report(|_, i| One { x: i.bits8.round(Type::u(4), Rounding::Floor) }), @r"
    error: `bits8` (bits8) cannot become u4
      --> conversions.rs: round(Type::u(4), Rounding::Floor) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: rounding is for numbers; `.bits(..)` takes a part of bits
    ");
}

#[test]
fn saturation_keeps_the_fraction() {
    assert_snapshot!(report(|_, i| One { x: i.q8_8.saturate(Type::q(4, 4)) }), @r"
    error: `q8_8` (q8.8) cannot become q4.4
      --> conversions.rs: saturate(Type::q(4, 4)) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: q4.4 has fewer fraction bits; say how: `.round(.., HalfEven)` or `.floor(..)` first
    ");
    assert_snapshot!(report(|_, i| One { x: i.bits8.saturate(Type::u(4)) }), @r"
    error: `bits8` (bits8) cannot become u4
      --> conversions.rs: saturate(Type::u(4)) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: only numbers have a range; `.reinterpret(..)` gives bits a meaning or takes it away
    ");
}

#[test]
fn wrapping_keeps_the_fraction_and_the_kind() {
    assert_snapshot!(report(|_, i| One { x: i.q8_8.wrap(Type::s(4)) }), @r"
    error: `q8_8` (q8.8) cannot become s4
      --> conversions.rs: wrap(Type::s(4)) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: s4 has fewer fraction bits; say how: `.round(.., HalfEven)` or `.floor(..)` first
    ");
    assert_snapshot!(report(|_, i| One { x: i.bits8.wrap(Type::u(4)) }), @r"
    error: `bits8` (bits8) cannot become u4
      --> conversions.rs: wrap(Type::u(4)) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: bits and numbers are told apart; `.reinterpret(..)` gives bits a meaning or takes it away
    ");
}

#[test]
fn reinterpreting_keeps_the_width() {
    assert_snapshot!(report(|_, i| One { x: i.q8_8.reinterpret(Type::s(8)) }), @r"
    error: `q8_8` (q8.8) cannot be read as s8
      --> conversions.rs: reinterpret(Type::s(8)) })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: both must have 16 bits; `.to(..)` changes the width first
    ");
}
