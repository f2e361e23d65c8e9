//! Wires and registers that get no value, too many, or their own.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_register_needs_a_next_value() {
    assert_snapshot!(report(|m, _| One { x: *m.reg("count", Type::u(4)) }), @r#"
    error: `count` (u4) is never driven
      --> drives.rs: reg("count", Type::u(4)) })
       in top
       = help: give it a next value with `.next(..)`
    "#);
}

#[test]
fn a_wire_needs_a_value() {
    assert_snapshot!(report(|m, _| One { x: *m.wire("sum", Type::u(4)) }), @r#"
    error: `sum` (u4) is never driven
      --> drives.rs: wire("sum", Type::u(4)) })
       in top
       = help: drive it with `.drive(..)`
    "#);
}

#[test]
fn a_stream_that_is_made_needs_a_consumer() {
    assert_snapshot!(report(|m, i| {
        let words = m.stream("words", i.s8, i.flag);
        One { x: words.fires() }
    }), @r#"
    error: `words_ready` (bit) is never driven
      --> drives.rs: stream("words", i.s8, i.flag);
       in top
       = help: whoever consumes the stream answers it: give the stream to a component, or drive this with `.drive(..)`
    "#);
}

#[test]
fn a_valid_is_a_bit() {
    assert_snapshot!(report(|m, i| {
        let words = m.stream("words", i.s8, i.u8);
        words.ready.drive(1);
        One { x: words.data }
    }), @r#"
    error: `u8` (u8) is no `valid` of a stream
      --> drives.rs: stream("words", i.s8, i.u8);
       in top
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: `valid` is one bit: compare, or use `.any()`
    "#);
}

#[test]
fn a_producer_that_does_not_wait_is_warned_of() {
    assert_snapshot!(report(|m, i| {
        let words = m.stream("words", i.s8, i.flag);
        words.ready.drive(i.other);
    }), @r#"
    warning: nothing reads `words_ready`
      --> drives.rs: stream("words", i.s8, i.flag);
       in top
       = help: the producer of a stream holds each word until it is taken: use `.fires()` or `.ready`
    "#);
}

#[test]
fn what_takes_a_value_has_its_type() {
    assert_snapshot!(report(|m, i| {
        let acc = m.reg("acc", Type::s(32));
        acc.next(acc + (i.s16 * i.s16).to(Type::s(32)));
        m.when(i.flag, || acc.next(i.s16));
        One { x: *acc }
    }), @r#"
    error: `acc` (s32) cannot take `s16` (s16)
      --> drives.rs: next(i.s16));
       in top
       = `acc` (s32) was made here (drives.rs: reg("acc", Type::s(32));)
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: convert it: `.to(s32)`, which loses nothing
    "#);
}

#[test]
fn a_wire_is_driven_once() {
    assert_snapshot!(report(|m, i| {
        let sum = m.wire("sum", Type::s(8));
        sum.drive(i.s8);
        sum.drive(i.s8 + 1);
        One { x: *sum }
    }), @r"
    error: `sum` (s8) is driven twice
      --> drives.rs: drive(i.s8 + 1);
       in top
       = it was driven here first (drives.rs: drive(i.s8);)
       = help: put the default first and exceptions under `when`, or choose with `mux`
    ");
}

#[test]
fn a_default_stands_before_its_exceptions() {
    assert_snapshot!(report(|m, i| {
        let count = m.reg("count", Type::u(4));
        m.when(i.flag, || count.next(count + 1));
        count.next(0);
        One { x: *count }
    }), @r"
    error: `count` (u4) is driven twice
      --> drives.rs: next(0);
       in top
       = it was driven here first (drives.rs: next(count + 1));)
       = help: put the default first and exceptions under `when`, or choose with `mux`
    ");
}

#[test]
fn a_statement_under_a_condition_hides_no_other_under_the_same() {
    assert_snapshot!(report(|m, i| {
        let count = m.reg("count", Type::u(4));
        m.when(i.flag, || {
            count.next(count + 1);
            count.next(0);
        });
        One { x: *count }
    }), @r"
    error: `count` (u4) is driven twice
      --> drives.rs: next(0);
       in top
       = it was driven here first (drives.rs: next(count + 1);)
       = help: put the default first and exceptions under `when`, or choose with `mux`
    ");
}

#[test]
fn a_wire_without_a_value_on_some_path_is_a_latch() {
    assert_snapshot!(report(|m, i| {
        let choice = m.wire("choice", Type::s(8));
        m.when(i.flag, || choice.drive(i.s8)).or_when(i.other, || choice.drive(0));
        One { x: *choice }
    }), @r#"
    error: `choice` (s8) has no value where no condition holds (a latch)
      --> drives.rs: wire("choice", Type::s(8));
       in top
       = it is driven here, under a condition (drives.rs: drive(0));)
       = help: a wire has no memory: drive a default before the `when`, or add `.otherwise(..)`
    "#);
}

#[test]
fn a_nested_gap_is_a_latch_too() {
    assert_snapshot!(report(|m, i| {
        let choice = m.wire("choice", Type::s(8));
        m.when(i.flag, || {
            m.when(i.other, || choice.drive(i.s8));
        })
        .otherwise(|| choice.drive(0));
        One { x: *choice }
    }), @r#"
    error: `choice` (s8) has no value where no condition holds (a latch)
      --> drives.rs: wire("choice", Type::s(8));
       in top
       = it is driven here, under a condition (drives.rs: drive(i.s8));)
       = help: a wire has no memory: drive a default before the `when`, or add `.otherwise(..)`
    "#);
}

#[test]
fn a_combinational_loop_is_shown_whole() {
    assert_snapshot!(report(|m, i| {
        let sum = m.wire("sum", Type::s(8));
        let next = (*sum + i.s8).named("next");
        sum.drive(i.flag.mux(next, 0));
        One { x: *sum }
    }), @r#"
    error: a combinational loop: the value depends on itself within a cycle
      --> drives.rs: wire("sum", Type::s(8));
       in top
       = through `sum` (s8) (drives.rs: wire("sum", Type::s(8));)
       = through `next` (s8) (drives.rs: (*sum + i.s8).named("next");)
       = through an s8 value (drives.rs: mux(next, 0));)
       = help: put a register on the path
    "#);
}

/// Passes its input through, and a registered copy of it.
#[derive(Debug)]
struct Through;
bundle! { struct ThroughOut { same: Signal, late: Signal } }

impl Component for Through {
    type In = One;
    type Out = ThroughOut;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, m: Module, i: One) -> ThroughOut {
        ThroughOut { same: -i.x, late: m.delay("late", i.x) }
    }
}

#[test]
fn a_combinational_loop_through_an_instance_is_found() {
    assert_snapshot!(report(|m, i| {
        let back = m.wire("back", Type::s(8));
        let through = m.instance("through", &Through, One { x: *back });
        back.drive(through.same + i.s8);
        One { x: *back }
    }), @r#"
    error: a combinational loop: the value depends on itself within a cycle
      --> drives.rs: wire("back", Type::s(8));
       in top
       = through `back` (s8) (drives.rs: wire("back", Type::s(8));)
       = through `x` (s8) in `through` (drives.rs: port(Type::s(8)) })
       = through an s8 value in `through` (drives.rs: -i.x, late: m.delay("late", i.x) })
       = through `through_same` (s8) (drives.rs: instance("through", &Through, One { x: *)
       = through an s8 value (drives.rs: through.same + i.s8);)
       = help: put a register on the path
    "#);
}

/// Holds a [`Through`], and a chain of `length` inversions behind it.
#[derive(Debug)]
struct Deep {
    length: usize,
}

impl Component for Deep {
    type In = One;
    type Out = One;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, m: Module, i: One) -> One {
        let inner = m.instance("inner", &Through, One { x: i.x });
        One { x: (0..self.length).fold(inner.same, |x, _| !x) }
    }
}

#[test]
fn a_loop_is_told_down_to_the_line_in_the_innermost_instance() {
    let looped = |length| {
        report(move |m, i| {
            let back = m.wire("back", Type::s(8));
            back.drive(m.instance("outer", &Deep { length }, One { x: *back }).x + i.s8);
            One { x: *back }
        })
    };
    let text = looped(1);
    let lines: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("= through ")).collect();
    let starts = [
        "`back` (s8)",
        "`x` (s8) in `outer`",
        "`x` (s8) in `outer.inner`",
        "an s8 value in `outer.inner` (drives.rs: -i.x",
        "`inner_same` (s8) in `outer`",
        "an s8 value in `outer`",
        "`outer_x` (s8)",
        "an s8 value",
    ];
    assert!(lines.len() == starts.len() && lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{text}");
    let text = looped(1000);
    assert_eq!(text.matches("= through ").count(), 39, "{text}");
    assert!(text.contains("= … 968 more lines …"), "{text}");
}

#[test]
fn a_loop_through_a_register_of_an_instance_is_none() {
    assert_snapshot!(report(|m, i| {
        let back = m.wire("back", Type::s(8));
        let through = m.instance("through", &Through, One { x: *back });
        back.drive(through.late + i.s8);
        One { x: *back }
    }), @"");
}

#[test]
fn an_unread_result_is_a_warning() {
    assert_snapshot!(report(|m, i| {
        m.delay("late", i.s8);
        let _ = (i.s8 + 1).named("sum");
        One { x: i.s8 - 1 }
    }), @r#"
    warning: nothing reads `late`
      --> drives.rs: delay("late", i.s8);
       in top
       = help: remove it, or read it

    warning: nothing reads `sum`
      --> drives.rs: (i.s8 + 1).named("sum");
       in top
       = help: remove it, or read it
    "#);
}
