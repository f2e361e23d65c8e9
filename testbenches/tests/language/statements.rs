//! Registers, statements under conditions, state machines, memories and clock domains as they run.

use systole_hdl::prelude::*;

use super::Bench;

/// What overlapping conditions do to a register and a wire.
#[derive(Debug)]
struct Overlapping;
bundle! { struct Conditions { a: Signal, b: Signal, c: Signal } }
bundle! { struct Overlap { held: Signal, chosen: Signal, count: Signal } }

impl Component for Overlapping {
    type In = Conditions;
    type Out = Overlap;

    fn inputs(&self) -> Conditions {
        Conditions { a: port(Type::BIT), b: port(Type::BIT), c: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: Conditions) -> Overlap {
        let held = m.reg("held", Type::u(8)).resets_to(7);
        m.when(i.a, || held.next(1)).or_when(i.b, || held.next(2)).otherwise(|| {
            m.when(i.c, || held.next(3));
        });

        let chosen = m.wire("chosen", Type::u(8));
        chosen.drive(10);
        m.when(i.a, || {
            chosen.drive(11);
            m.when(i.b, || chosen.drive(12));
        });
        // A later statement overrides an earlier one.
        m.when(i.c, || chosen.drive(13));

        let count = m.reg("count", Type::u(8)).resets_to(3).without_reset();
        count.next(count + 1);
        Overlap { held: *held, chosen: *chosen, count: *count }
    }
}

#[test]
fn statements_act_under_their_conditions_and_later_ones_win() {
    let mut bench = Bench::new(&Overlapping);
    let mut held = 7;
    assert_eq!(bench.get("held"), held.into());
    for round in 0..16u32 {
        let [a, b, c] = [0, 1, 2].map(|bit| ((round * 5) >> bit) & 1 == 1);
        bench.set("a", u32::from(a));
        bench.set("b", u32::from(b));
        bench.set("c", u32::from(c));
        let chosen = match (a, b, c) {
            (_, _, true) => 13,
            (true, true, _) => 12,
            (true, false, _) => 11,
            _ => 10,
        };
        assert_eq!(bench.get("chosen"), chosen.into());
        bench.step();
        held = match (a, b, c) {
            (true, _, _) => 1,
            (_, true, _) => 2,
            (_, _, true) => 3,
            _ => held,
        };
        assert_eq!(bench.get("held"), held.into());
    }
}

#[test]
fn reset_restores_registers_that_obey_it_and_no_others() {
    let mut bench = Bench::new(&Overlapping);
    bench.set("a", 1);
    bench.step();
    assert_eq!([bench.get("held"), bench.get("count")], [1.into(), 4.into()]);
    bench.0.reset().unwrap();
    assert_eq!([bench.get("held"), bench.get("count")], [7.into(), 5.into()]);
}

states! {
    /// The phases of [`Phases`].
    enum Phase { Idle, Load, Run }
}

/// Idle until started, loads for a cycle, runs until stopped.
#[derive(Debug)]
struct Phases;
bundle! { struct Buttons { start: Signal, stop: Signal } }
bundle! { struct Lamps { state: Signal, running: Signal } }

impl Component for Phases {
    type In = Buttons;
    type Out = Lamps;

    fn inputs(&self) -> Buttons {
        Buttons { start: port(Type::BIT), stop: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: Buttons) -> Lamps {
        let phase = m.state_machine("phase", Phase::Idle);
        m.when(phase.is(Phase::Idle) & i.start, || phase.go(Phase::Load))
            .or_when(phase.is(Phase::Load), || phase.go(Phase::Run))
            .or_when(phase.is(Phase::Run) & i.stop, || phase.go(Phase::Idle));
        Lamps { state: phase.value(), running: phase.is(Phase::Run) }
    }
}

#[test]
fn a_state_machine_goes_where_it_is_told() {
    let mut bench = Bench::new(&Phases);
    let mut seen = vec![];
    for (start, stop) in [(0, 0), (1, 0), (0, 1), (0, 0), (0, 1), (1, 1)] {
        bench.set("start", start);
        bench.set("stop", stop);
        seen.push(u32::try_from(bench.get("state")).unwrap());
        assert_eq!(bench.get("running"), u32::from(seen.last() == Some(&2)).into());
        bench.step();
    }
    assert_eq!(seen, [0, 0, 1, 2, 2, 0]);
}

#[test]
fn the_netlist_knows_the_names_of_states() {
    let design = elaborate(&Phases).unwrap();
    let top = design.top_module();
    let register = top.find_signal("phase").unwrap();
    assert_eq!(top.info[register.index()].states[..], ["Idle", "Load", "Run"]);
}

/// A memory with every kind of read port and a masked write under a condition.
#[derive(Debug)]
struct Table;
bundle! { struct TableIn { address: Signal, data: Signal, mask: Signal, write: Signal } }
bundle! { struct TableOut { now: Signal, old: Signal, new: Signal } }

impl Component for Table {
    type In = TableIn;
    type Out = TableOut;

    fn inputs(&self) -> TableIn {
        TableIn { address: port(Type::u(3)), data: port(Type::u(8)), mask: port(Type::Bits(2)), write: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: TableIn) -> TableOut {
        let table = m.memory("table", 5, Type::u(8)).initial(&[0x11, 0x22, 0x33]);
        m.when(i.write, || table.write_masked(i.address, i.data, i.mask, true));
        TableOut {
            now: table.read(i.address),
            old: table.read_registered(i.address, true, Collision::ReadFirst),
            new: table.read_registered(i.address, true, Collision::WriteFirst),
        }
    }
}

#[test]
fn a_memory_reads_and_writes_as_its_ports_say() {
    let mut bench = Bench::new(&Table);
    let mut access = |address: u32, data: u32, mask: u32, write: u32| {
        for (port, value) in [("address", address), ("data", data), ("mask", mask), ("write", write)] {
            bench.set(port, value);
        }
        let now = bench.get("now");
        bench.step();
        [now, bench.get("old"), bench.get("new")].map(|word| u32::try_from(word).unwrap())
    };
    assert_eq!(access(1, 0, 0, 0), [0x22, 0x22, 0x22], "initial content");
    assert_eq!(access(1, 0xab, 0b01, 1), [0x22, 0x22, 0x2b], "the low half is written; only write-first sees it");
    assert_eq!(access(1, 0xcd, 0b11, 0), [0x2b, 0x2b, 0x2b], "no write without its condition");
    assert_eq!(access(3, 0, 0, 0), [0, 0, 0], "zero after the initial content");
    assert_eq!(access(6, 0xff, 0b11, 1), [0, 0, 0], "nothing beyond the depth");
}

/// A counter in a second clock domain, two levels down.
#[derive(Debug)]
struct Slow;
bundle! { struct SlowOut { fast: Signal, slow: Signal } }

impl Component for Slow {
    type In = ();
    type Out = SlowOut;

    fn inputs(&self) {}

    fn build(&self, m: Module, (): ()) -> SlowOut {
        let count = |m: Module, name: &str| {
            let count = m.reg(name, Type::u(8));
            count.next(count + 1);
            *count
        };
        SlowOut { fast: count(m, "fast"), slow: count(m.in_domain("mem"), "slow") }
    }
}

/// Passes its domains on to an instance.
#[derive(Debug)]
struct Around;

impl Component for Around {
    type In = ();
    type Out = SlowOut;

    fn inputs(&self) {}

    fn build(&self, m: Module, (): ()) -> SlowOut {
        m.instance("inner", &Slow, ())
    }
}

#[test]
fn domains_pass_through_instances_by_name() {
    let design = elaborate(&Around).unwrap();
    let domains: Vec<&str> = design.top_module().domains.iter().map(|domain| domain.name.as_str()).collect();
    assert_eq!(domains, ["", "mem"]);
    let mem = systole_sim::Clock { period: 3, phase: 0 };
    let options = systole_sim::Options { clocks: [("mem".to_string(), mem)].into(), ..Default::default() };
    let mut bench = Bench(systole_sim::Simulator::new(&design, options).unwrap());
    bench.0.step(9).unwrap();
    assert_eq!([bench.get("fast"), bench.get("slow")], [9.into(), 3.into()]);
}
