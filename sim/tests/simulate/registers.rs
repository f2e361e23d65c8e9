//! Registers, clock domains and instances.

use std::collections::BTreeMap;

use systole_hdl::design::{Cell, DomainId};
use systole_hdl::{Design, Type};
use systole_sim::{Clock, Options, Simulator};

use crate::build::{Net, design};

/// Counts up in the given domain.
fn counter(net: &mut Net, name: &str, initial: i64, reset: bool, domain: DomainId) {
    let count = net.register(name, Type::u(8), initial, reset, domain);
    let one = net.constant(Type::u(8), 1);
    let next = net.cell(Cell::Add(count, one), Type::u(8));
    net.next(count, next);
    net.output(&format!("{name}_out"), count);
}

fn number(sim: &mut Simulator, path: &str) -> u64 {
    sim.peek(path).unwrap().to_u64().unwrap()
}

#[test]
fn a_register_starts_with_its_initial_value_and_only_a_resettable_one_returns_to_it() {
    let mut net = Net::new("top");
    counter(&mut net, "with", 5, true, DomainId(0));
    counter(&mut net, "without", 7, false, DomainId(0));
    let mut sim = Simulator::new(&design([net]), Options::default()).unwrap();
    assert_eq!((number(&mut sim, "with"), number(&mut sim, "without")), (5, 7));
    sim.step(3).unwrap();
    assert_eq!((number(&mut sim, "with"), number(&mut sim, "without")), (8, 10));
    sim.reset().unwrap();
    assert_eq!((number(&mut sim, "with"), number(&mut sim, "without"), sim.cycle()), (5, 11, 4));
    sim.step(1).unwrap();
    assert_eq!((number(&mut sim, "with"), number(&mut sim, "without")), (6, 12));
}

#[test]
fn registers_exchange_their_values_at_one_edge() {
    for ty in [Type::u(8), Type::u(100)] {
        let mut net = Net::new("top");
        let a = net.register("a", ty, 1, true, DomainId(0));
        let b = net.register("b", ty, 2, true, DomainId(0));
        net.next(a, b);
        net.next(b, a);
        let mut sim = Simulator::new(&design([net]), Options::default()).unwrap();
        sim.step(1).unwrap();
        assert_eq!((number(&mut sim, "a"), number(&mut sim, "b")), (2, 1));
    }
}

fn two_domains() -> Design {
    let mut net = Net::new("top");
    let mem = net.domain("mem");
    counter(&mut net, "fast", 0, true, DomainId(0));
    counter(&mut net, "slow", 0, true, mem);
    let fast = net.module.find_signal("fast").unwrap();
    let seen = net.register("seen", Type::u(8), 0, false, mem);
    net.next(seen, fast);
    design([net])
}

#[test]
fn each_domain_has_its_own_edges_and_samples_what_was_before_a_common_one() {
    let clocks = BTreeMap::from([("mem".to_string(), Clock { period: 3, phase: 1 })]);
    let mut sim = Simulator::new(&two_domains(), Options { clocks, ..Options::default() }).unwrap();
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push((number(&mut sim, "fast"), number(&mut sim, "slow"), number(&mut sim, "seen")));
        sim.step(1).unwrap();
    }
    assert_eq!(seen, [(0, 0, 0), (1, 0, 0), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 2, 4)]);
}

#[test]
fn reset_is_held_until_the_slowest_domain_has_seen_it() {
    let clocks = BTreeMap::from([("mem".to_string(), Clock { period: 4, phase: 0 })]);
    let mut sim = Simulator::new(&two_domains(), Options { clocks, ..Options::default() }).unwrap();
    sim.step(6).unwrap();
    assert_eq!(number(&mut sim, "slow"), 2);
    sim.reset().unwrap();
    assert_eq!((number(&mut sim, "fast"), number(&mut sim, "slow"), sim.cycle()), (0, 0, 10));
}

#[test]
fn unsuitable_clocks_are_refused_with_the_names_there_are() {
    let refused = |name: &str, period, phase| {
        let clocks = BTreeMap::from([(name.to_string(), Clock { period, phase })]);
        Simulator::new(&two_domains(), Options { clocks, ..Options::default() }).err().unwrap().to_string()
    };
    assert_eq!(refused("men", 1, 0), "no clock domain `men` in the top module; it has `mem`");
    assert_eq!(refused("core", 1, 0), "no clock domain `core` in the top module; it has ``, `mem`");
    assert_eq!(refused("mem", 0, 0), "clock domain `mem` cannot have period 0 and phase 0: the period is at least 1, the phase below it");
    assert_eq!(refused("mem", 2, 2), "clock domain `mem` cannot have period 2 and phase 2: the period is at least 1, the phase below it");
}

/// `leaf` delays by one cycle; `pair` chains two leaves and hands one value straight through; the top uses both pairs.
fn nested() -> Design {
    let ty = Type::s(8);
    let mut leaf = Net::new("leaf");
    let (fed, held) = (leaf.input("d", ty), leaf.register("q", ty, 0, true, DomainId(0)));
    leaf.next(held, fed);
    leaf.output("out", held);

    let mut pair = Net::new("pair");
    let (delayed, straight) = (pair.input("delayed", ty), pair.input("straight", ty));
    let first = pair.instance("first", 0, vec![delayed], vec![DomainId(0)]);
    let between = pair.cell(Cell::InstanceOutput { instance: first, port: 0 }, ty);
    let second = pair.instance("second", 0, vec![between], vec![DomainId(0)]);
    let last = pair.cell(Cell::InstanceOutput { instance: second, port: 0 }, ty);
    pair.output("delayed_out", last);
    pair.output("straight_out", straight);

    let mut top = Net::new("top");
    let mem = top.domain("mem");
    let x = top.input("x", ty);
    let a = top.instance("a", 1, vec![x, x], vec![DomainId(0)]);
    let through = top.cell(Cell::InstanceOutput { instance: a, port: 1 }, ty);
    let b = top.instance("b", 1, vec![through, through], vec![mem]);
    for (name, instance, port) in [("a_delayed", a, 0), ("b_delayed", b, 0), ("b_straight", b, 1)] {
        let out = top.cell(Cell::InstanceOutput { instance, port }, ty);
        top.output(name, out);
    }
    design([leaf, pair, top])
}

#[test]
fn values_cross_instances_without_delay_and_each_instance_has_its_own_state() {
    let clocks = BTreeMap::from([("mem".to_string(), Clock { period: 2, phase: 1 })]);
    let mut sim = Simulator::new(&nested(), Options { clocks, ..Options::default() }).unwrap();
    let x = sim.input("x").unwrap();
    let outputs = ["a_delayed", "b_delayed", "b_straight"].map(|name| sim.output(name).unwrap());
    let mut seen = Vec::new();
    for cycle in 1..=6 {
        sim.set(x, -cycle).unwrap();
        seen.push(outputs.map(|port| sim.get_i64(port).unwrap()));
        sim.step(1).unwrap();
    }
    // The first pair delays by two cycles, the second, at half the rate, shows what stood at every second edge.
    assert_eq!(seen, [[0, 0, -1], [0, 0, -2], [-1, 0, -3], [-2, 0, -4], [-3, -2, -5], [-4, -2, -6]]);
    assert_eq!(sim.peek("a.first.q").unwrap().to_i64(), Some(-6));
    assert_eq!(sim.peek("b.first.d").unwrap().to_i64(), Some(-6));
}
