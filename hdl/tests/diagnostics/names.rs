//! Names that clash or are missing.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_register_name_stands_once() {
    assert_snapshot!(report(|m, i| {
        let first = m.delay("late", i.s8);
        let second = m.delay("late", i.u8);
        One { x: concat(&[first, second]) }
    }), @r#"
    error: the name `late` is used twice in this module
      --> names.rs: delay("late", i.u8);
       in top
       = the first one is here (names.rs: delay("late", i.s8);)
       = help: names stand once in a module; add an index or a prefix, e.g. `format!("{name}_{i}")`
    "#);
}

#[test]
fn inputs_and_outputs_share_one_name_space() {
    bundle! { struct Out { s8: Signal, y: Signal } }
    assert_snapshot!(report(|_, i| Out { s8: -i.s8, y: i.s8 }), @r"
    error: output `s8` has the name of another port or signal
      --> names.rs: -i.s8, y: i.s8 })
       in top
       = the other `s8` is here (main.rs: port(Type::s(8)),)
       = help: inputs, outputs and named signals of a module share one name space: rename one
    ");
    assert_snapshot!(report(|_, i| Out { s8: i.s8, y: -i.s8 }), @r"
    error: output `s8` has the name of another port or signal
      --> main.rs: port(Type::s(8)),
       in top
       = the other `s8` is here (main.rs: port(Type::s(8)),)
       = help: inputs, outputs and named signals of a module share one name space: rename one
    ");
}

#[test]
fn an_output_may_have_the_name_of_the_signal_that_it_shows_and_of_no_other() {
    assert_snapshot!(report(|m, i| One { x: m.delay("x", i.s8) }), @"");
    assert_snapshot!(report(|m, i| One { x: m.delay("x", i.s8) + 1 }), @r#"
    error: output `x` has the name of another port or signal
      --> names.rs: m.delay("x", i.s8) + 1 })
       in top
       = the other `x` is here (names.rs: delay("x", i.s8) + 1 }))
       = help: inputs, outputs and named signals of a module share one name space: rename one
    "#);
}

#[test]
fn memories_and_instances_share_the_name_space() {
    assert_snapshot!(report(|m, i| {
        let table = m.memory("table", 4, Type::s(8));
        One { x: table.read(i.u8) ^ m.delay("table", i.s8) }
    }), @r#"
    error: the name `table` is used twice in this module
      --> names.rs: delay("table", i.s8) }
       in top
       = the first one is here (names.rs: memory("table", 4, Type::s(8));)
       = help: names stand once in a module; add an index or a prefix, e.g. `format!("{name}_{i}")`
    "#);
}

#[test]
fn a_record_has_a_port_of_each_name_once() {
    bundle! { struct Out { x: Vec<Signal>, x_0: Signal } }
    assert_snapshot!(report(|_, i| Out { x: vec![-i.s8], x_0: -i.u8 }), @r"
    error: output `x_0` has the name of another port or signal
      --> names.rs: -i.u8 })
       in top
       = the other `x_0` is here (names.rs: -i.s8], x_0: -i.u8 }))
       = help: inputs, outputs and named signals of a module share one name space: rename one
    ");
}

#[test]
fn a_name_is_not_empty() {
    assert_snapshot!(report(|m, i| One { x: m.delay("", i.s8) }), @r#"
    error: a name is empty
      --> names.rs: delay("", i.s8) })
       in top
       = help: registers, memories, instances and ports need a name
    "#);
    assert_snapshot!(report(|_, i| One { x: (-i.s8).named("") }), @r#"
    error: a name is empty
      --> names.rs: named("") })
       in top
       = help: registers, memories, instances and ports need a name
    "#);
}

#[test]
fn fill_levels_have_names_of_their_own() {
    assert_snapshot!(report(|m, i| {
        m.probe_level("level", i.u8, 100);
        m.probe_level("level", i.u3, 7);
        m.probe_level("other", i.s8, 7);
    }), @r#"
    error: two fill levels are named `level`
      --> names.rs: probe_level("level", i.u3, 7);
       in top
       = help: give each fill level of a module a name of its own

    error: `s8` (s8) cannot be a fill level
      --> names.rs: probe_level("other", i.s8, 7);
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = help: a fill level is unsigned: `.reinterpret(Type::u(..))`
    "#);
}
