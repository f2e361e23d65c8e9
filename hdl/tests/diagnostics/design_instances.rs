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
       = help: convert it: `.to(s8)` if that loses nothing, else `.round`, `.saturate` or `.wrap`
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
