//! How findings are collected and shown.

use insta::assert_snapshot;

use super::*;

/// Mistakes of several kinds, at two levels.
#[derive(Debug)]
struct Inner;

impl Component for Inner {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, m: Module, i: One) -> Y {
        let held = m.reg("held", Type::s(8));
        Y { y: held + i.x + 1000 }
    }
}

#[test]
fn one_run_reports_all_mistakes_with_their_instance_paths() {
    assert_snapshot!(report(|m, i| {
        let wrong = i.s8 + i.u8;
        let inner = m.instance("inner", &Inner, One { x: i.s8 });
        One { x: inner.y & i.bits8 ^ wrong }
    }), @r#"
    error: `+` cannot join `s8` (s8) and `u8` (u8)
      --> reporting.rs: i.s8 + i.u8;
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: bring both to one type, e.g. `.to(s9)`, which holds every value of either

    error: the literal 1000 does not fit s8
      --> reporting.rs: held + i.x + 1000 }
       in top.inner
       = an s8 value was made here (reporting.rs: held + i.x + 1000 })
       = help: s8 spans -128 to 127; widen the type or change the number

    error: `held` (s8) is never driven
      --> reporting.rs: reg("held", Type::s(8));
       in top.inner
       = help: give it a next value with `.next(..)`
    "#);
}

#[test]
fn what_follows_from_a_mistake_is_not_reported() {
    assert_snapshot!(report(|m, i| {
        let wrong = (i.s8 + i.u8).named("wrong");
        let table = m.memory("table", 4, Type::u(99));
        table.write(wrong, wrong, wrong);
        let state = m.reg("state", Type::u(3));
        m.when(wrong, || state.next(wrong));
        let wide = wrong.to(Type::q(1, 1)) * wrong.round(Type::u(1), Rounding::Floor) + 1_000_000 + i.flag.mux(wrong, 77);
        let through = m.instance("inner", &Fine, One { x: wrong });
        let select = wrong.select(&[wide, wrong, through.y, wide.bits(0..70).reinterpret(Type::s(2))]);
        One { x: concat(&[select << wrong, wrong.lanes(Type::s(3), 7)[2], !wrong, -wrong, table.read(wrong)]) }
    }), @r#"
    error: `+` cannot join `s8` (s8) and `u8` (u8)
      --> reporting.rs: (i.s8 + i.u8).named("wrong");
       in top
       = `s8` (s8) was made here (main.rs: port(Type::s(8)),)
       = `u8` (u8) was made here (main.rs: port(Type::u(8)),)
       = help: bring both to one type, e.g. `.to(s9)`, which holds every value of either
    "#);
}

/// Nothing wrong here.
#[derive(Debug)]
struct Fine;

impl Component for Fine {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::q(3, 3)) }
    }

    fn build(&self, m: Module, i: One) -> Y {
        Y { y: m.delay("late", i.x) }
    }
}

#[test]
fn what_follows_from_a_mistake_inside_an_instance_is_not_reported_outside() {
    #[derive(Debug)]
    struct Broken;
    impl Component for Broken {
        type In = One;
        type Out = Y;

        fn inputs(&self) -> One {
            One { x: port(Type::s(8)) }
        }

        fn build(&self, _: Module, i: One) -> Y {
            Y { y: i.x.to(Type::s(4)) }
        }
    }
    assert_snapshot!(report(|m, i| {
        let broken = m.instance("broken", &Broken, One { x: i.s8 });
        let again = m.instance("again", &Broken, One { x: i.s8 });
        One { x: broken.y + i.s16 + again.y }
    }), @r"
    error: `x` (s8) cannot become s4
      --> reporting.rs: to(Type::s(4)) }
       in top.broken
       = `x` (s8) was made here (reporting.rs: port(Type::s(8)) })
       = help: s4 has a smaller range; say how: `.saturate(..)` or `.wrap(..)`
    ");
}

#[test]
fn a_warning_alone_does_not_fail() {
    let unread = |m: Module, i: Inputs| {
        m.delay("late", i.s8);
    };
    assert!(elaborate(&Circuit(unread)).is_ok());
    let found = findings(unread);
    assert_eq!(found.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Warning]);
}

#[test]
fn a_finding_carries_file_line_column_and_instance_path() {
    let line = line!() + 1;
    let found = findings(|_, i| One { x: i.s8 + i.u8 });
    assert_eq!((found[0].at.file(), found[0].at.line(), found[0].at.column()), (file!(), line, 42));
    assert_eq!(found[0].instance, "top");
    let expected = format!("error: `+` cannot join `s8` (s8) and `u8` (u8)\n  --> {}:{line}:42\n   in top\n", file!());
    assert!(found[0].to_string().starts_with(&expected), "{}", found[0]);
}
