//! Handles used where they mean nothing.

use std::cell::Cell;
use std::rc::Rc;

use insta::assert_snapshot;

use super::*;

/// Adds to its input a signal that it was given as a parameter.
#[derive(Debug)]
struct Adds(Signal);

impl Component for Adds {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, _: Module, i: One) -> Y {
        Y { y: i.x + self.0 }
    }
}

#[test]
fn a_signal_of_the_parent_enters_through_a_port() {
    assert_snapshot!(report(|m, i| {
        let offset = m.delay("offset", i.s8);
        m.instance("adds", &Adds(offset), One { x: i.s8 })
    }), @r#"
    error: `offset` (s8) of `top` is used inside `adds`, outside its module
      --> strays.rs: i.x + self.0 }
       in top.adds
       = `offset` (s8) was made here (strays.rs: delay("offset", i.s8);)
       = help: pass it in through a field of the component's inputs
    "#);
}

/// Hands a signal out past its ports.
#[derive(Debug)]
struct Leaks(Rc<Cell<Option<Signal>>>);

impl Component for Leaks {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, m: Module, i: One) -> Y {
        let inside = m.delay("inside", i.x);
        self.0.set(Some(inside));
        Y { y: inside }
    }
}

#[test]
fn a_signal_of_a_child_leaves_through_a_port() {
    assert_snapshot!(report(|m, i| {
        let leak = Leaks(Rc::default());
        m.instance("leaks", &leak, One { x: i.s8 });
        One { x: i.s8 + leak.0.get().unwrap() }
    }), @r#"
    error: `inside` (s8) of `leaks` is used inside `top`, outside its module
      --> strays.rs: i.s8 + leak.0.get().unwrap() }
       in top
       = `inside` (s8) was made here (strays.rs: delay("inside", i.x);)
       = help: return it in a field of that component's outputs and use the instance's result
    "#);
}

#[test]
fn a_foreign_signal_in_an_output_is_found() {
    assert_snapshot!(report(|m, i| {
        let leak = Leaks(Rc::default());
        m.instance("leaks", &leak, One { x: i.s8 });
        Y { y: leak.0.get().unwrap() }
    }), @r#"
    error: `inside` (s8) of `leaks` is used inside `top`, outside its module
      --> main.rs: elaborate_with_warnings(component) {
       in top
       = `inside` (s8) was made here (strays.rs: delay("inside", i.x);)
       = help: return it in a field of that component's outputs and use the instance's result
    "#);
}

/// A signal of a design that has been elaborated.
fn kept() -> Signal {
    let leak = Leaks(Rc::default());
    elaborate(&leak).unwrap();
    leak.0.get().unwrap()
}

#[test]
fn a_signal_of_another_design_is_found() {
    let kept = kept();
    assert_snapshot!(report(move |_, i| One { x: i.s8 + kept }), @r"
    error: a signal of another design is used here
      --> strays.rs: i.s8 + kept })
       in top
       = help: signals live only while the `elaborate` that made them runs; make it anew here
    ");
}

#[test]
fn a_signal_kept_past_its_elaboration_panics_at_the_users_line() {
    let kept = kept();
    let line = line!() + 1;
    let panic = std::panic::catch_unwind(|| kept + 1).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.starts_with(&format!("{}:{line}:", file!())), "{message}");
    assert!(message.contains("keep the `Design` it returns, not its signals"), "{message}");
}

/// Makes a register with another module's handle.
#[derive(Debug)]
struct Intrudes(Module);

impl Component for Intrudes {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, _: Module, i: One) -> Y {
        Y { y: self.0.delay("late", i.x) }
    }
}

#[test]
fn a_modules_handle_is_used_inside_it() {
    assert_snapshot!(report(|m, i| m.instance("intrudes", &Intrudes(m), One { x: i.s8 })), @r#"
    error: a module's handle is used inside another module
      --> strays.rs: delay("late", i.x) }
       in top.intrudes
       = help: use the handle that `build` of `intrudes` received
    "#);
}
