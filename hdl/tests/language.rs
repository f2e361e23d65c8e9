//! What a description becomes: names, sharing, ports, streams and statements in the netlist.

use systole_hdl::Cell;
use systole_hdl::design::{ModuleDef, StreamDirection};
use systole_hdl::library::{Deserializer, Fifo, FifoIn, RoundRobinArbiter, Serializer, SkidBuffer, SkidIn};
use systole_hdl::prelude::*;

/// Elaborates and checks the result against every rule of the netlist.
fn valid(component: &impl Component) -> Design {
    let design = elaborate(component).unwrap_or_else(|errors| panic!("{errors}"));
    design.validate().unwrap_or_else(|violations| panic!("{violations:#?}"));
    design
}

/// Name and direction of each stream of a module.
fn streams(module: &ModuleDef) -> Vec<(&str, StreamDirection)> {
    module.streams.iter().map(|s| (s.name.as_str(), s.direction)).collect()
}

#[test]
fn every_library_component_gives_a_valid_design() {
    valid(&SkidBuffer { ty: Type::s(8) });
    for n in 1..6 {
        valid(&Fifo { ty: Type::s(8), depth: n });
        valid(&RoundRobinArbiter { ty: Type::s(8), inputs: n });
        valid(&Serializer { lane: Type::s(8), lanes: n });
        valid(&Deserializer { lane: Type::s(8), lanes: n });
    }
}

/// Two buffers in a row, in every way that streams cross a border.
#[derive(Debug)]
struct Chain;
bundle! { struct ChainIn { up: Stream, through: Stream } }
bundle! { struct ChainOut { down: Stream, through_down: Stream } }

impl Component for Chain {
    type In = ChainIn;
    type Out = ChainOut;

    fn inputs(&self) -> ChainIn {
        ChainIn { up: Stream::port(Type::s(8)), through: Stream::port(Type::u(3)) }
    }

    fn build(&self, m: Module, i: ChainIn) -> ChainOut {
        let middle = m.instance("skid", &SkidBuffer { ty: Type::s(8) }, SkidIn { up: i.up }).down;
        let down = m.instance("fifo", &Fifo { ty: Type::s(8), depth: 3 }, FifoIn { up: middle }).down;
        ChainOut { down, through_down: i.through }
    }
}

#[test]
fn streams_cross_borders_in_both_directions() {
    let design = valid(&Chain);
    let top = design.top_module();
    let names = |ports: Vec<&str>| ports.join(" ");
    let inputs = names(top.inputs.iter().map(|p| p.name.as_str()).collect());
    let outputs = names(top.outputs.iter().map(|p| p.name.as_str()).collect());
    assert_eq!(inputs, "up_data up_valid through_data through_valid down_ready through_down_ready");
    assert_eq!(outputs, "up_ready through_ready down_data down_valid through_down_data through_down_valid");
    use StreamDirection::{Input, Output};
    assert_eq!(streams(top), [("up", Input), ("through", Input), ("down", Output), ("through_down", Output)]);
}

#[test]
fn a_stream_made_inside_and_returned_is_counted_once_at_the_border() {
    let design = valid(&SkidBuffer { ty: Type::s(8) });
    assert_eq!(streams(design.top_module()), [("up", StreamDirection::Input), ("down", StreamDirection::Output)]);
}

/// Adds a constant; `label` is not part of the hardware.
#[derive(Clone, Debug)]
struct AddConstant {
    constant: i64,
    #[expect(dead_code, reason = "only the derived `Debug` shows it")]
    label: &'static str,
}
bundle! { struct X { x: Signal } }
bundle! { struct Y { y: Signal } }

impl Component for AddConstant {
    type In = X;
    type Out = Y;

    fn inputs(&self) -> X {
        X { x: port(Type::s(8)) }
    }

    fn build(&self, _: Module, i: X) -> Y {
        Y { y: i.x + self.constant }
    }
}

/// A chain of constant adders.
#[derive(Debug)]
struct AddAll(Vec<AddConstant>);

impl Component for AddAll {
    type In = X;
    type Out = Y;

    fn inputs(&self) -> X {
        X { x: port(Type::s(8)) }
    }

    fn build(&self, m: Module, i: X) -> Y {
        let add = |x, (n, part): (usize, &AddConstant)| m.instance(&format!("add_{n}"), part, X { x }).y;
        Y { y: self.0.iter().enumerate().fold(i.x, add) }
    }
}

fn modules(design: &Design) -> Vec<&str> {
    design.modules.iter().map(|m| m.name.as_str()).collect()
}

fn instances(design: &Design) -> Vec<(&str, usize)> {
    design.top_module().instances.iter().map(|i| (i.name.as_str(), i.module.index())).collect()
}

#[test]
fn equal_components_are_one_module_and_different_ones_are_numbered() {
    let add = |constant| AddConstant { constant, label: "" };
    let design = valid(&AddAll(vec![add(1), add(2), add(1), add(3), add(2)]));
    assert_eq!(modules(&design), ["add_constant", "add_constant_2", "add_constant_3", "add_all"]);
    assert_eq!(instances(&design), [("add_0", 0), ("add_1", 1), ("add_2", 0), ("add_3", 2), ("add_4", 1)]);
    assert_eq!(design.modules[1].parameters, r#"constant: 2, label: """#);
}

#[test]
fn components_with_equal_bodies_are_one_module_whatever_their_parameters() {
    let add = |constant, label| AddConstant { constant, label };
    let design = valid(&AddAll(vec![add(1, "a"), add(2, "a"), add(1, "b"), add(2, "b")]));
    assert_eq!(modules(&design), ["add_constant", "add_constant_2", "add_all"]);
    assert_eq!(instances(&design), [("add_0", 0), ("add_1", 1), ("add_2", 0), ("add_3", 1)]);
}

#[test]
fn names_do_not_change_between_runs() {
    let parts = |first| AddAll(vec![AddConstant { constant: first, label: "" }, AddConstant { constant: 2, label: "" }]);
    let first = valid(&parts(1));
    valid(&Chain);
    assert_eq!(valid(&parts(1)), first);
    assert_eq!(modules(&valid(&parts(5))), modules(&first));
}

/// Words of capitals in the name, a type parameter, and parameters that nest.
#[derive(Debug)]
struct PEArray2D<T>(T, (u32, Type));

impl<T: std::fmt::Debug + 'static> Component for PEArray2D<T> {
    type In = X;
    type Out = Y;

    fn inputs(&self) -> X {
        X { x: port(self.1.1) }
    }

    fn build(&self, _: Module, i: X) -> Y {
        let sum = (i.x + 1).named("sum");
        Y { y: sum ^ (i.x + 2).named("sum") ^ sum.named("sum") }
    }
}

#[test]
fn names_and_parameters_of_modules_come_from_the_type() {
    let design = valid(&PEArray2D(Some(7), (3, Type::q(4, 4))));
    assert_eq!(design.top_module().name, "pe_array2_d");
    assert_eq!(design.top_module().parameters, "Some(7), (3, q4.4)");
}

#[test]
fn parameters_that_nobody_would_read_to_the_end_are_cut() {
    let design = valid(&PEArray2D("é".repeat(2000), (3, Type::q(4, 4))));
    assert_eq!(design.top_module().parameters, format!("\"{} ...", "é".repeat(999)));
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let design = valid(&PEArray2D(Some(7), (3, Type::q(4, 4))));
    let names: Vec<&str> = design.top_module().info.iter().filter_map(|info| info.name.as_deref()).collect();
    assert_eq!(names, ["x", "sum", "sum_1", "sum_2"]);
}

/// Ports that are there or not.
#[derive(Debug)]
struct Optional {
    enabled: bool,
}
bundle! { struct OptionalIn { x: Signal, enable: Option<Signal>, nested: Vec<X> } }

impl Component for Optional {
    type In = OptionalIn;
    type Out = Y;

    fn inputs(&self) -> OptionalIn {
        let nested = (0..2).map(|_| X { x: port(Type::s(8)) }).collect();
        OptionalIn { x: port(Type::s(8)), enable: self.enabled.then(|| port(Type::BIT)), nested }
    }

    fn build(&self, m: Module, i: OptionalIn) -> Y {
        let y = m.reg("y", Type::s(8));
        match i.enable {
            Some(enable) => drop(m.when(enable, || y.next(i.x))),
            None => y.next(i.x + i.nested[1].x),
        }
        Y { y: *y }
    }
}

#[test]
fn records_nest_and_have_optional_ports() {
    let inputs = |enabled| valid(&Optional { enabled }).top_module().inputs.iter().map(|p| p.name.clone()).collect::<Vec<_>>().join(" ");
    assert_eq!(inputs(true), "x enable nested_0_x nested_1_x");
    assert_eq!(inputs(false), "x nested_0_x nested_1_x");
}

#[test]
fn equal_expressions_are_one_cell() {
    let design = valid(&AddAll(vec![]));
    assert_eq!(design.top_module().cells.len(), 1, "an output that shows its input needs no cell");
    let design = valid(&PEArray2D("", (0, Type::s(8))));
    let sums = design.top_module().cells.iter().filter(|cell| matches!(cell, Cell::Add(..))).count();
    assert_eq!(sums, 2);
}
