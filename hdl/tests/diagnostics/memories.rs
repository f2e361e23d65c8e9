//! Memories.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_memory_has_words() {
    assert_snapshot!(report(|m, i| One { x: m.memory("table", 0, Type::s(8)).read(i.u8) }), @r#"
    error: memory `table` has no words
      --> memories.rs: memory("table", 0, Type::s(8)).read(i.u8
       in top
       = help: the depth is at least 1
    "#);
}

#[test]
fn the_words_of_a_memory_have_bits() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(0));
        One { x: table.read(i.u8) + table.read(i.u3) }
    }), @r#"
    error: `s0` has no bits
      --> memories.rs: memory("table", 4, Type::s(0));
       in top
       = help: a signal is at least 1 bit wide
    "#);
}

#[test]
fn initial_content_fits() {
    assert_snapshot!(report(|m, i| One { x: m.memory("table", 2, Type::s(8)).initial(&[1, 2, 3]).read(i.u8) }), @r#"
    error: 3 initial words for memory `table` of 2
      --> memories.rs: initial(&[1, 2, 3]).read(i.u8) })
       in top
       = `table` was made here (memories.rs: memory("table", 2, Type::s(8)).initial(&)
       = help: give at most as many words as the memory has
    "#);
    assert_snapshot!(report(|m, i| One { x: m.memory("table", 2, Type::s(8)).initial(&[1, 200]).read(i.u8) }), @r#"
    error: the initial word 200 does not fit memory `table` of s8
      --> memories.rs: initial(&[1, 200]).read(i.u8) })
       in top
       = `table` was made here (memories.rs: memory("table", 2, Type::s(8)).initial(&)
       = help: s8 spans -128 to 127 in units of its last place
    "#);
}

#[test]
fn an_address_is_unsigned() {
    assert_snapshot!(report(|m, i| One { x: m.memory("table", 4, Type::s(8)).read(i.s8) }), @r"
    error: `s8` (s8) cannot be an address
      --> memories.rs: read(i.s8) })
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: an address is unsigned: `.reinterpret(Type::u(..))`
    ");
}

#[test]
fn a_literal_address_lies_within_the_memory() {
    assert_snapshot!(report(|m, _| One { x: m.memory("table", 4, Type::s(8)).read(4) }), @r#"
    error: address 4 of memory `table`, which has 4 words
      --> memories.rs: read(4) })
       in top
       = `table` was made here (memories.rs: memory("table", 4, Type::s(8)).read(4) })
       = help: addresses are 0 to 3
    "#);
}

#[test]
fn a_word_has_the_type_of_the_memory() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        table.write(i.u8, i.s16, i.flag);
        One { x: table.read(i.u8) }
    }), @r#"
    error: memory `table` holds s8 and is written with `s16` (s16)
      --> memories.rs: write(i.u8, i.s16, i.flag);
       in top
       = `table` was made here (memories.rs: memory("table", 4, Type::s(8));)
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: s8 does not hold every value; say what becomes of the others: `.saturate(s8)` keeps to its range, `.wrap(s8)` wraps
    "#);
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        table.write(i.u8, 300, i.flag);
        One { x: table.read(i.u8) }
    }), @r#"
    error: the literal 300 does not fit s8
      --> memories.rs: write(i.u8, 300, i.flag);
       in top
       = `table` was made here (memories.rs: memory("table", 4, Type::s(8));)
       = help: s8 spans -128 to 127; widen the type or change the number
    "#);
}

#[test]
fn an_enable_is_a_bit() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        table.write(i.u8, i.s8, i.u8);
        One { x: table.read_registered(i.u8, i.s8, Collision::ReadFirst) }
    }), @r"
    error: `u8` (u8) is not an enable
      --> memories.rs: write(i.u8, i.s8, i.u8);
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: an enable is one bit: compare, or use `.any()`

    error: `s8` (s8) is not an enable
      --> memories.rs: read_registered(i.u8, i.s8, Collision::R
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: an enable is one bit: compare, or use `.any()`
    ");
}

#[test]
fn a_mask_divides_the_word() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        table.write_masked(i.u8, i.s8, i.u3, i.flag);
        One { x: table.read(i.u8) }
    }), @r#"
    error: a mask of 3 bits for words of 8 bits
      --> memories.rs: write_masked(i.u8, i.s8, i.u3, i.flag);
       in top
       = `table` was made here (memories.rs: memory("table", 4, Type::s(8));)
       = `u3` (u3) was made here (main.rs: port(Type::u(3)),)
       = help: a mask has one bit for each equal part of the word, so its width divides the word's
    "#);
}

#[test]
fn a_memory_is_written_in_one_domain() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        table.in_domain_of(m.in_domain("mem")).write(i.u8, i.s8, i.flag);
        One { x: table.read(i.u8) }
    }), @r#"
    error: memory `table` is written in another clock domain than it was made in
      --> memories.rs: write(i.u8, i.s8, i.flag);
       in top
       = `table` was made here (memories.rs: memory("table", 4, Type::s(8));)
       = help: all write ports of a memory act in the domain that made it
    "#);
}

#[test]
fn a_write_first_read_is_in_the_domain_of_the_writes() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        table.write(i.u8, i.s8, i.flag);
        One { x: table.in_domain_of(m.in_domain("mem")).read_registered(i.u8, i.flag, Collision::WriteFirst) }
    }), @r#"
    error: a write-first read of memory `table` in another clock domain than its writes
      --> memories.rs: read_registered(i.u8, i.flag, Collision:
       in top
       = `table` was made here (memories.rs: memory("table", 4, Type::s(8));)
       = help: use `ReadFirst` or `Undefined` across domains
    "#);
}

/// Reads a memory that is not its own.
#[derive(Debug)]
struct Thief(systole_hdl::Memory);

impl Component for Thief {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::u(2)) }
    }

    fn build(&self, _: Module, i: One) -> Y {
        Y { y: self.0.read(i.x) }
    }
}

#[test]
fn a_memory_is_used_in_its_own_module() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        m.instance("thief", &Thief(table), One { x: i.u8.bits(0..2).reinterpret(Type::u(2)) })
    }), @r#"
    error: a memory of another module is used here
      --> memories.rs: read(i.x) }
       in top.thief
       = it belongs to `top` and was made here (memories.rs: memory("table", 4, Type::s(8));)
       = help: a memory is used in its own module; pass addresses and words through ports
    "#);
}
