//! Types that do not go together, ranges, and what conditions and indices must be.

use insta::assert_snapshot;

use super::*;

#[test]
fn sums_need_equal_types() {
    assert_snapshot!(report(|_, i| One { x: i.s8 + i.s16 }), @r"
    error: `+` cannot join `s8` (s8) and `s16` (s16)
      --> operators.rs: i.s8 + i.s16 })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: bring both to one type, e.g. `.to(s16)`, which holds every value of either
    ");
    assert_snapshot!(report(|_, i| One { x: i.q8_8 - i.uq4_4 }), @r"
    error: `-` cannot join `q8_8` (q8.8) and `uq4_4` (uq4.4)
      --> operators.rs: i.q8_8 - i.uq4_4 })
       in top
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = `uq4_4` (uq4.4) was made here (main.rs: port(Type::uq(4, 4)),)
       = help: bring both to one type, e.g. `.to(q8.8)`, which holds every value of either
    ");
}

#[test]
fn a_note_names_a_signal_that_was_made_elsewhere() {
    assert_snapshot!(report(|_, i| {
        let doubled = i.s8.add_wide(i.s8).named("doubled");
        One { x: i.s8 + doubled }
    }), @r#"
    error: `+` cannot join `s8` (s8) and `doubled` (s9)
      --> operators.rs: i.s8 + doubled }
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `doubled` (s9) was made here (operators.rs: add_wide(i.s8).named("doubled");)
       = help: bring both to one type, e.g. `.to(s9)`, which holds every value of either
    "#);
}

#[test]
fn bitwise_operators_need_equal_types() {
    assert_snapshot!(report(|_, i| One { x: i.u8 & i.bits8 }), @r"
    error: `&` cannot join `u8` (u8) and `bits8` (bits8)
      --> operators.rs: i.u8 & i.bits8 })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: bring both to one type: `.to(..)` extends, `.reinterpret(..)` gives the bits another meaning
    ");
    assert_snapshot!(report(|_, i| One { x: i.s8 | i.s16 }), @r"
    error: `|` cannot join `s8` (s8) and `s16` (s16)
      --> operators.rs: i.s8 | i.s16 })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: bring both to one type, e.g. `.to(s16)`, which holds every value of either
    ");
}

#[test]
fn comparisons_need_equal_types() {
    assert_snapshot!(report(|_, i| One { x: i.s8.equals(i.u8) }), @r"
    error: `equals` cannot join `s8` (s8) and `u8` (u8)
      --> operators.rs: equals(i.u8) })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: bring both to one type, e.g. `.to(s9)`, which holds every value of either
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8.lt(i.u3) }), @r"
    error: `lt` cannot join `u8` (u8) and `u3` (u3)
      --> operators.rs: lt(i.u3) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = `u3` (u3) was made here (main.rs: port(Type::u(3)),)
       = help: bring both to one type, e.g. `.to(u8)`, which holds every value of either
    ");
}

#[test]
fn bits_have_no_arithmetic() {
    assert_snapshot!(report(|_, i| One { x: i.bits8 + i.bits8 }), @r"
    error: `+` cannot join `bits8` (bits8) and `bits8` (bits8)
      --> operators.rs: i.bits8 + i.bits8 })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: bits have no arithmetic; say what they mean with `.reinterpret(Type::u(..))`
    ");
    assert_snapshot!(report(|_, i| One { x: i.bits8 * i.s8 }), @r"
    error: `*` cannot join `bits8` (bits8) and `s8` (s8)
      --> operators.rs: i.bits8 * i.s8 })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: bits have no arithmetic; say what they mean with `.reinterpret(Type::u(..))`
    ");
    assert_snapshot!(report(|_, i| One { x: -i.bits8 }), @r"
    error: `-` cannot negate `bits8` (bits8)
      --> operators.rs: -i.bits8 })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = help: bits have no arithmetic; say what they mean with `.reinterpret(Type::u(..))`
    ");
}

#[test]
fn bits_have_no_order() {
    assert_snapshot!(report(|_, i| One { x: i.bits8.gt(3) }), @r"
    error: `gt` cannot join `bits8` (bits8) and the constant 3 (bits8)
      --> operators.rs: gt(3) })
       in top
       = `bits8` (bits8) was made here (main.rs: port(Type::Bits(8)),)
       = the constant 3 (bits8) was made here (operators.rs: gt(3) }))
       = help: bits have no order; say what they mean with `.reinterpret(Type::u(..))`
    ");
}

#[test]
fn a_product_is_of_one_signedness() {
    assert_snapshot!(report(|_, i| One { x: i.s8 * i.u8 }), @r"
    error: `*` cannot join `s8` (s8) and `u8` (u8)
      --> operators.rs: i.s8 * i.u8 })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: both factors must be signed; the unsigned one needs a bit more: `.to(s9)`
    ");
    assert_snapshot!(report(|_, i| One { x: i.uq4_4 * i.q8_8 }), @r"
    error: `*` cannot join `uq4_4` (uq4.4) and `q8_8` (q8.8)
      --> operators.rs: i.uq4_4 * i.q8_8 })
       in top
       = `uq4_4` (uq4.4) was made here (main.rs: port(Type::uq(4, 4)),)
       = `q8_8` (q8.8) was made here (main.rs: port(Type::q(8, 8)),)
       = help: both factors must be signed; the unsigned one needs a bit more: `.to(q5.4)`
    ");
}

#[test]
fn the_choices_of_mux_are_of_one_type() {
    assert_snapshot!(report(|_, i| One { x: i.flag.mux(i.s8, i.s16) }), @r"
    error: the choices of `mux` differ: `s8` (s8) and `s16` (s16)
      --> operators.rs: mux(i.s8, i.s16) })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: bring both to one type, e.g. `.to(s16)`, which holds every value of either
    ");
}

#[test]
fn a_mux_condition_is_a_bit() {
    assert_snapshot!(report(|_, i| One { x: i.u8.mux(i.s8, 0) }), @r"
    error: `u8` (u8) cannot choose
      --> operators.rs: mux(i.s8, 0) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: a condition is one bit: compare, or use `.any()`
    ");
}

#[test]
fn a_when_condition_is_a_bit() {
    assert_snapshot!(report(|m, i| {
        let count = m.reg("count", Type::u(8));
        m.when(i.u8, || count.next(1));
        One { x: *count }
    }), @r"
    error: `u8` (u8) is not a condition
      --> operators.rs: when(i.u8, || count.next(1));
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: a condition is one bit: compare, or use `.any()`
    ");
}

#[test]
fn the_options_of_select_are_of_one_type() {
    assert_snapshot!(report(|_, i| One { x: i.u3.select(&[i.s8, i.s8, i.u8]) }), @r"
    error: the options of `select` differ: `s8` (s8) and `u8` (u8)
      --> operators.rs: select(&[i.s8, i.s8, i.u8]) })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: bring both to one type, e.g. `.to(s9)`, which holds every value of either
    ");
}

#[test]
fn select_needs_an_option() {
    assert_snapshot!(report(|_, i| One { x: i.u3.select(&[]) }), @r"
    error: `select` among nothing
      --> operators.rs: select(&[]) })
       in top
       = help: give at least one option
    ");
}

#[test]
fn concat_needs_a_part() {
    assert_snapshot!(report(|_, _| One { x: concat(&[]) }), @r"
    error: `concat` of nothing
      --> operators.rs: concat(&[]) })
       in top
       = help: give at least one signal
    ");
}

#[test]
fn an_index_is_unsigned() {
    assert_snapshot!(report(|_, i| One { x: i.s8.select(&[i.s16, i.s16]) }), @r"
    error: `s8` (s8) cannot be an index
      --> operators.rs: select(&[i.s16, i.s16]) })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: an index is unsigned: `.reinterpret(Type::u(..))`
    ");
}

#[test]
fn a_shift_amount_is_unsigned() {
    assert_snapshot!(report(|_, i| One { x: i.u8 << i.s8 }), @r"
    error: `s8` (s8) cannot be a shift amount
      --> operators.rs: i.u8 << i.s8 })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: a shift amount is unsigned: `.reinterpret(Type::u(..))`
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8 >> -2 }), @r"
    error: a shift by -2
      --> operators.rs: i.u8 >> -2 })
       in top
       = help: shift the other way: `<<` moves bits up, `>>` down
    ");
}

#[test]
fn a_slice_lies_within_the_signal() {
    assert_snapshot!(report(|_, i| One { x: i.u8.bits(4..9) }), @r"
    error: `u8` (u8) has no bits 4..9
      --> operators.rs: bits(4..9) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: a range lies within 0..8 and is not empty
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8.bits(4..4) }), @r"
    error: the range 4..4 is empty
      --> operators.rs: bits(4..4) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: a range lies within 0..8 and is not empty
    ");
    assert_snapshot!(report(|_, i| One { x: i.u8.bit(8) }), @r"
    error: `u8` (u8) has no bits 8..9
      --> operators.rs: bit(8) })
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: a range lies within 0..8 and is not empty
    ");
}

#[test]
fn lanes_divide_the_signal() {
    assert_snapshot!(report(|_, i| One { x: i.s16.lanes(Type::s(5), 3)[0] }), @r"
    error: `s16` (s16) is not 3 lanes of s5
      --> operators.rs: lanes(Type::s(5), 3)[0] })
       in top
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: 3 lanes of s5 are 15 bits
    ");
}

#[test]
fn a_signal_has_at_least_one_bit() {
    assert_snapshot!(report(|m, _| One { x: *m.reg("empty", Type::u(0)) }), @r#"
    error: `u0` has no bits
      --> operators.rs: reg("empty", Type::u(0)) })
       in top
       = help: a signal is at least 1 bit wide
    "#);
    assert_snapshot!(report(|_, _| One { x: constant(Type::s(0), 0) }), @r"
    error: `s0` has no bits
      --> operators.rs: constant(Type::s(0), 0) })
       in top
       = help: a signal is at least 1 bit wide
    ");
    assert_snapshot!(report(|_, i| One { x: i.s8.saturate(Type::s(0)) }), @r"
    error: `s0` has no bits
      --> operators.rs: saturate(Type::s(0)) })
       in top
       = help: a signal is at least 1 bit wide
    ");
}

#[test]
fn a_signal_has_a_greatest_width() {
    assert_snapshot!(report(|m, _| One { x: *m.reg("huge", Type::u(100_000)) }), @r#"
    error: a signal of 100000 bits is too wide
      --> operators.rs: reg("huge", Type::u(100_000)) })
       in top
       = help: the widest signal is 65536 bits; split it into lanes or put it into a memory
    "#);
    assert_snapshot!(report(|m, _| One { x: *m.wire("absurd", Type::q(u32::MAX, 8)) }), @r#"
    error: a signal of 4294967295 bits is too wide
      --> operators.rs: wire("absurd", Type::q(u32::MAX, 8)) })
       in top
       = help: the widest signal is 65536 bits; split it into lanes or put it into a memory
    "#);
    assert_snapshot!(report(|_, i| {
        let wide = concat(&[i.s8; 8000]);
        One { x: concat(&[wide, wide]) }
    }), @r"
    error: a signal of 128000 bits is too wide
      --> operators.rs: concat(&[wide, wide]) }
       in top
       = help: the widest signal is 65536 bits; split it into lanes or put it into a memory
    ");
}
