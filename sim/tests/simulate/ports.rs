//! Ports, paths, counters of time, observers.

use systole_hdl::design::{Cell, DomainId};
use systole_hdl::{Design, Type, Value};
use systole_sim::{Options, Recorder, Simulator};

use crate::build::{Net, design};

/// A top with a registered sum of two signed numbers in an instance.
fn adder() -> Design {
    let ty = Type::s(8);
    let mut stage = Net::new("stage");
    let (a, b) = (stage.input("a", ty), stage.input("b", ty));
    let sum = stage.named("sum", Cell::Add(a, b), ty);
    let held = stage.register("held", ty, 0, true, DomainId(0));
    stage.next(held, sum);
    stage.output("q", held);
    stage.memory("scratch", 4, ty, Vec::new());

    let mut top = Net::new("top");
    let (a, b) = (top.input("a", ty), top.input("b", ty));
    let instance = top.instance("stage_0", 0, vec![a, b], vec![DomainId(0)]);
    let q = top.cell(Cell::InstanceOutput { instance, port: 0 }, ty);
    top.output("q", q);
    design([stage, top])
}

fn simulator() -> Simulator {
    Simulator::new(&adder(), Options::default()).unwrap()
}

#[test]
fn what_is_set_is_seen_at_once_and_registered_at_the_edge() {
    let mut sim = simulator();
    let (a, b, q) = (sim.input("a").unwrap(), sim.input("b").unwrap(), sim.output("q").unwrap());
    let sum = sim.signal("stage_0.sum").unwrap();
    sim.set(a, -100).unwrap();
    sim.set(b, 30).unwrap();
    assert_eq!((sim.get_i64(sum).unwrap(), sim.get_i64(q).unwrap()), (-70, 0));
    sim.step(1).unwrap();
    assert_eq!((sim.get_i64(q).unwrap(), sim.cycle()), (-70, 1));
    assert_eq!(sim.get(q), Value::from_i64(8, -70));
    assert_eq!(sim.get_i64(a).unwrap(), -100);
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_port_type_and_range() {
    let mut sim = simulator();
    let a = sim.input("a").unwrap();
    assert_eq!(sim.set(a, 128).unwrap_err().to_string(), "`a`: 128 does not fit s8, which takes -128 to 127");
    assert_eq!(sim.set(a, Value::zero(9)).unwrap_err().to_string(), "`a`: 9'h0 does not fit s8, which takes -128 to 127");
    sim.set(a, -1).unwrap();
    assert_eq!(sim.get_u64(a).unwrap_err().to_string(), "`top.a` is -1, which does not fit u64: use `get`");
}

#[test]
fn paths_begin_at_the_top_or_below_it() {
    let sim = simulator();
    assert_eq!(sim.signal("stage_0.held").unwrap(), sim.signal("top.stage_0.held").unwrap());
    assert_eq!(sim.signal("stage_0.%2").unwrap(), sim.signal("stage_0.sum").unwrap());
    assert_eq!(sim.hierarchy().find_node("top").unwrap(), sim.hierarchy().find_node("").unwrap());
}

#[test]
fn a_path_that_leads_nowhere_says_how_far_it_led_and_what_is_near() {
    let sim = simulator();
    let error = |path: &str| sim.signal(path).unwrap_err().to_string();
    let wrong = ["stage_0.hold", "stage_1.held", "top.stage_0.deep.x", "stage_0", "stage_0.scratch", "", "stage_0.%99"];
    insta::assert_snapshot!(wrong.map(error).join("\n"), @"
    no signal `stage_0.hold`: `top.stage_0` has no signal of that name; did you mean `held`?
    no signal `stage_1.held`: `top` has no instance `stage_1`; did you mean `stage_0`?
    no signal `top.stage_0.deep.x`: `top.stage_0` has no instance `deep`
    no signal `stage_0`: `top.stage_0` is an instance, not a signal
    no signal `stage_0.scratch`: `top.stage_0.scratch` is a memory, not a signal
    no signal ``: `top` has no signal of that name
    no signal `stage_0.%99`: `top.stage_0` has no signal of that name
    ");
    let memory_error = |path: &str| sim.memory(path).unwrap_err().to_string();
    assert_eq!(
        memory_error("stage_0.scrach"),
        "no memory `stage_0.scrach`: `top.stage_0` has no memory of that name; did you mean `scratch`?"
    );
    assert_eq!(memory_error("stage_0.sum"), "no memory `stage_0.sum`: `top.stage_0.sum` is a signal, not a memory");
}

#[test]
fn a_missing_port_is_answered_with_the_nearest_names() {
    let sim = simulator();
    assert_eq!(sim.input("c").unwrap_err().to_string(), "the top module `top` has no input port `c`");
    assert_eq!(sim.output("qq").unwrap_err().to_string(), "the top module `top` has no output port `qq`");
}

#[test]
fn a_combinational_loop_through_instances_is_an_error_that_names_it() {
    let mut inverter = Net::new("inverter");
    let d = inverter.input("d", Type::BIT);
    let q = inverter.named("q", Cell::Not(d), Type::BIT);
    inverter.output("out", q);
    let mut top = Net::new("top");
    let instance = top.instance("inverter", 0, vec![systole_hdl::CellId(0)], vec![DomainId(0)]);
    top.named("back", Cell::InstanceOutput { instance, port: 0 }, Type::BIT);
    let design = Design { modules: vec![inverter.module, top.module], files: Vec::new() };
    let engine = systole_sim::Reference::new(&std::sync::Arc::new(design));
    let error = engine.err().unwrap().to_string();
    assert_eq!(error, "combinational loop: top.inverter.q -> back to the first; put a register into it");
}

#[test]
fn many_steps_at_once_are_as_many_single_ones() {
    let (mut together, mut single) = (simulator(), simulator());
    let recorder = single.attach(Recorder::new());
    for sim in [&mut together, &mut single] {
        let a = sim.input("a").unwrap();
        sim.set(a, 5).unwrap();
    }
    together.step(10).unwrap();
    (0..10).for_each(|_| single.step(1).unwrap());
    assert_eq!(together.peek("q"), single.peek("q"));
    assert_eq!((together.cycle(), single.cycle()), (10, 10));
    assert_eq!(single.detach(recorder).unwrap().cycles().len(), 10);
}

#[test]
fn a_recorder_keeps_what_goes_in_and_out_in_each_cycle() {
    let mut sim = simulator();
    let recorder = sim.attach(Recorder::new());
    let (a, b) = (sim.input("a").unwrap(), sim.input("b").unwrap());
    sim.set(b, -1).unwrap();
    sim.reset().unwrap();
    for cycle in 0..3 {
        sim.set(a, cycle).unwrap();
        sim.step(1).unwrap();
    }
    let recorder = sim.detach(recorder).unwrap();
    let row = |row: usize| {
        let values = [recorder.input(row, 0), recorder.input(row, 1), recorder.output(row, 0)];
        (recorder.cycles()[row].resets.is_empty(), values.map(|value| value.to_i64().unwrap()))
    };
    let rows: Vec<_> = (0..recorder.cycles().len()).map(row).collect();
    assert_eq!(rows, [(false, [0, -1, 0]), (true, [0, -1, 0]), (true, [1, -1, -1]), (true, [2, -1, 0])]);
}
