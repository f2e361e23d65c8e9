//! Instances of finished designs.

use insta::assert_snapshot;

use super::*;

/// Adds two numbers.
#[derive(Debug)]
struct Adder;
bundle! { struct AdderIn { left: Signal, right: Signal } }
bundle! { struct AdderOut { sum: Signal } }

impl Component for Adder {
    type In = AdderIn;
    type Out = AdderOut;

    fn inputs(&self) -> AdderIn {
        AdderIn { left: port(Type::s(8)), right: port(Type::s(8)) }
    }

    fn build(&self, _: Module, i: AdderIn) -> AdderOut {
        AdderOut { sum: i.left + i.right }
    }
}

/// What is said of an instance of the adder with these inputs and this output.
fn report_of(inputs: impl Fn(&Inputs) -> Vec<(&'static str, Signal)> + 'static, output: &'static str) -> String {
    let adder = elaborate(&Adder).expect("a correct description");
    report(move |m, i| Y { y: m.instance_of_design("adder", &adder, &inputs(&i)).get(output) })
}

#[test]
fn every_input_of_a_design_is_given_once_by_its_name() {
    assert_snapshot!(report_of(|i| vec![("left", i.s8), ("rihgt", i.s8), ("left", i.s8)], "sum"), @r#"
    error: `adder` has no input `rihgt`
      --> design_instances.rs: instance_of_design("adder", &adder, &inp
       in top
       = help: its inputs are `left`, `right`

    error: input `left` of `adder` is given twice
      --> design_instances.rs: instance_of_design("adder", &adder, &inp
       in top
       = help: its inputs are `left`, `right`

    error: `adder` has an input `right` that is not given
      --> design_instances.rs: instance_of_design("adder", &adder, &inp
       in top
       = help: give it a signal of s8
    "#);
}

#[test]
fn inputs_of_a_design_have_the_types_of_its_ports() {
    assert_snapshot!(report_of(|i| vec![("left", i.s8), ("right", i.s16)], "sum"), @r#"
    error: input `right` of `adder` is s8, connected to `s16` (s16)
      --> design_instances.rs: instance_of_design("adder", &adder, &inp
       in top
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: s8 does not hold every value; say what becomes of the others: `.saturate(s8)` keeps to its range, `.wrap(s8)` wraps
    "#);
}

#[test]
fn an_output_of_a_design_has_a_name_that_it_has() {
    assert_snapshot!(report_of(|i| vec![("left", i.s8), ("right", i.s8)], "result"), @r#"
    error: `adder` has no output `result`
      --> design_instances.rs: get(output) })
       in top
       = help: its outputs are `sum`
    "#);
}

#[test]
fn a_design_that_is_instantiated_is_valid() {
    assert_snapshot!(report(|m, _| Y { y: m.instance_of_design("nothing", &Design::default(), &[]).get("sum") }), @r#"
    error: the design has no module; it needs at least the top
      --> design_instances.rs: instance_of_design("nothing", &Design::d
       in top
       = help: only a valid design can be instantiated
    "#);
}

/// A module with one input, which keeps to itself whether it has seen it.
const LISTENER: &str = r#"systole netlist 1
module "listener" {
  domain ""
  input "heard" = %0
  %0 : bit = input 0
  %1 : bit = register %2 initial 0x0
  %2 : bit = or %0 %1
}
"#;

/// A module with neither inputs nor outputs.
const HERMIT: &str = r#"systole netlist 1
module "hermit" {
  domain ""
}
"#;

fn design(text: &str) -> Design {
    Design::parse(text).expect("a valid design")
}

#[test]
fn a_design_without_outputs_has_none_of_any_name() {
    let listener = design(LISTENER);
    assert_snapshot!(report(move |m, i| Y { y: m.instance_of_design("listener", &listener, &[("heard", i.flag)]).get("y") }), @r#"
    error: `listener` has no output `y`
      --> design_instances.rs: get("y") })
       in top
       = help: it has no outputs
    "#);
}

#[test]
fn a_design_without_inputs_takes_none() {
    let hermit = design(HERMIT);
    assert_snapshot!(report(move |m, i| {
        let outputs = m.instance_of_design("hermit", &hermit, &[("heard", i.flag)]);
        assert_eq!(outputs.iter().count(), 0);
        Y { y: i.flag }
    }), @r#"
    error: `hermit` has no input `heard`
      --> design_instances.rs: instance_of_design("hermit", &hermit, &[
       in top
       = help: it has no inputs
    "#);
}

#[test]
fn a_design_without_outputs_can_be_a_part() {
    let listener = design(LISTENER);
    assert_eq!(
        report(move |m, i| {
            let outputs = m.instance_of_design("listener", &listener, &[("heard", i.flag)]);
            assert_eq!(outputs.iter().count(), 0);
            Y { y: i.flag }
        }),
        ""
    );
}

#[test]
fn what_follows_from_an_instance_that_failed_is_not_reported() {
    assert_snapshot!(report(|m, i| {
        let nothing = m.instance_of_design("nothing", &Design::default(), &[("heard", i.flag)]);
        Y { y: (nothing.get("first") + i.u8) & nothing.get("second") }
    }), @r#"
    error: the design has no module; it needs at least the top
      --> design_instances.rs: instance_of_design("nothing", &Design::d
       in top
       = help: only a valid design can be instantiated
    "#);
}

#[test]
fn an_instance_of_a_design_has_a_name_of_its_own() {
    let listener = design(LISTENER);
    assert_snapshot!(report(move |m, i| {
        for name in ["ear", "ear", "flag", ""] {
            let _ = m.instance_of_design(name, &listener, &[("heard", i.flag)]);
        }
        Y { y: i.flag }
    }), @r#"
    error: the name `ear` is used twice in this module
      --> design_instances.rs: instance_of_design(name, &listener, &[("
       in top
       = the first one is here (design_instances.rs: instance_of_design(name, &listener, &[(")
       = help: names stand once in a module; add an index or a prefix, e.g. `format!("{name}_{i}")`

    error: the name `flag` is used twice in this module
      --> design_instances.rs: instance_of_design(name, &listener, &[("
       in top
       = the first one is here (main.rs: port(Type::BIT),)
       = help: names stand once in a module; add an index or a prefix, e.g. `format!("{name}_{i}")`

    error: a name is empty
      --> design_instances.rs: instance_of_design(name, &listener, &[("
       in top
       = help: registers, memories, instances and ports need a name
    "#);
}

/// Gives a listener a signal that it was given as a parameter.
#[derive(Debug)]
struct Overhears {
    signal: Signal,
    listener: Design,
}

impl Component for Overhears {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: One) -> Y {
        let _ = m.instance_of_design("listener", &self.listener, &[("heard", self.signal)]);
        Y { y: i.x }
    }
}

#[test]
fn inputs_of_a_design_are_signals_of_the_module_that_holds_it() {
    let listener = design(LISTENER);
    assert_snapshot!(report(move |m, i| m.instance("part", &Overhears { signal: i.other, listener: listener.clone() }, One { x: i.flag })), @r#"
    error: `other` (bit) of `top` is used inside `part`, outside its module
      --> design_instances.rs: instance_of_design("listener", &self.lis
       in top.part
       = `other` (bit) was made here (main.rs: port(Type::BIT),)
       = help: pass it in through a field of the component's inputs
    "#);
}

#[test]
fn a_stated_name_is_not_that_of_a_design_s_module() {
    let top = design(&HERMIT.replace("hermit", "top"));
    assert_snapshot!(report(move |m, i| {
        let _ = m.instance_of_design("hermit", &top, &[]);
        Y { y: i.flag }
    }), @r#"
    error: two different modules are named `top`
      --> main.rs: elaborate_with_warnings(component) {
       in top
       = the other one was instantiated here (design_instances.rs: instance_of_design("hermit", &top, &[]);)
       = help: let `name` return a name that tells the parameters apart, or none
    "#);
}
