//! Memories: reads, writes, masks, collisions, addresses out of range.

use systole_hdl::design::{Cell, Collision, DomainId, WritePort};
use systole_hdl::{CellId, Type, Value};
use systole_sim::{InputPort, Options, SimError, Simulator};

use crate::build::{Net, design};

const DEPTH: u32 = 5;

/// A memory of 5 words with two write ports, one of them masked, and every kind of read, on ports of its own.
struct Bench {
    sim: Simulator,
    ty: Type,
}

fn bench(ty: Type, mask: u32) -> Bench {
    let mut net = Net::new("top");
    let (address, bit) = (Type::u(4), Type::BIT);
    let plain = WritePort { address: net.input("wa0", address), data: net.input("wd0", ty), enable: net.input("we0", bit), mask: None };
    let (wa1, wd1, we1) = (net.input("wa1", address), net.input("wd1", ty), net.input("we1", bit));
    let masked = WritePort { address: wa1, data: wd1, enable: we1, mask: Some(net.input("wm1", Type::Bits(mask))) };
    let memory = net.memory("words", DEPTH, ty, vec![plain, masked]);
    net.module.memories[0].initial = [3, 4].map(|number| Value::from_u64(ty.width(), number)).to_vec();
    let (ra, re) = (net.input("ra", address), net.input("re", bit));
    let now = net.cell(Cell::MemoryRead { memory, address: ra }, ty);
    net.output("now", now);
    let mut read = |name: &str, collision: Collision| -> CellId {
        let read = net.cell(Cell::MemoryReadRegistered { memory, address: ra, enable: re, collision, domain: DomainId(0) }, ty);
        net.output(name, read);
        read
    };
    read("first", Collision::ReadFirst);
    read("after", Collision::WriteFirst);
    read("either", Collision::Undefined);
    Bench { sim: Simulator::new(&design([net]), Options::default()).unwrap(), ty }
}

impl Bench {
    fn port(&self, name: &str) -> InputPort {
        self.sim.input(name).unwrap()
    }

    fn set(&mut self, ports: &[(&str, u64)]) {
        for &(name, value) in ports {
            let port = self.port(name);
            let value = Value::from_u64(port.ty().width(), value);
            self.sim.set(port, value).unwrap();
        }
    }

    fn step(&mut self, ports: &[(&str, u64)]) {
        self.set(ports);
        self.sim.step(1).unwrap();
    }

    fn outputs(&mut self) -> [u64; 4] {
        ["now", "first", "after", "either"].map(|name| {
            let port = self.sim.output(name).unwrap();
            self.sim.get(port).limbs()[0]
        })
    }

    fn words(&self) -> Vec<u64> {
        let memory = self.sim.memory("words").unwrap();
        (0..DEPTH).map(|address| self.sim.read_word(memory, address).unwrap().limbs()[0]).collect()
    }
}

/// Narrow and wide words behave alike.
fn benches() -> [Bench; 2] {
    [bench(Type::u(8), 2), bench(Type::u(128), 16)]
}

#[test]
fn a_memory_starts_with_its_initial_words_and_zeros() {
    for mut bench in benches() {
        assert_eq!(bench.words(), [3, 4, 0, 0, 0]);
        bench.set(&[("ra", 1)]);
        assert_eq!(bench.outputs(), [4, 0, 0, 0]);
    }
}

#[test]
fn the_three_collisions_differ_only_in_the_cycle_of_the_write() {
    for mut bench in benches() {
        bench.step(&[("ra", 1), ("re", 1), ("wa0", 1), ("wd0", 9), ("we0", 1)]);
        assert_eq!(bench.outputs(), [9, 4, 9, 4]);
        bench.step(&[("we0", 0)]);
        assert_eq!(bench.outputs(), [9, 9, 9, 9]);
    }
}

#[test]
fn a_registered_read_holds_while_it_is_not_enabled() {
    for mut bench in benches() {
        bench.step(&[("ra", 0), ("re", 1)]);
        bench.step(&[("ra", 1), ("re", 0)]);
        assert_eq!(bench.outputs(), [4, 3, 3, 3]);
    }
}

#[test]
fn an_address_beyond_the_depth_reads_zero_and_writes_nothing() {
    for mut bench in benches() {
        bench.step(&[("ra", 1), ("re", 1)]);
        bench.step(&[("ra", 5), ("re", 1), ("wa0", 5), ("wd0", 9), ("we0", 1)]);
        assert_eq!(bench.outputs(), [0, 0, 0, 0]);
        assert_eq!(bench.words(), [3, 4, 0, 0, 0]);
    }
}

#[test]
fn of_two_writes_to_one_bit_the_later_ports_stays_and_a_mask_guards_equal_parts() {
    let mut bench = bench(Type::u(8), 2);
    bench.step(&[("wa0", 2), ("wd0", 0xab), ("we0", 1), ("wa1", 2), ("wd1", 0xcd), ("we1", 1), ("wm1", 0b01), ("ra", 2), ("re", 1)]);
    assert_eq!(bench.words()[2], 0xad);
    assert_eq!(bench.outputs(), [0xad, 0, 0xad, 0]);
    bench.step(&[("we0", 0), ("wm1", 0b10), ("wd1", 0x12)]);
    assert_eq!(bench.words()[2], 0x1d);
    bench.step(&[("wm1", 0b00), ("wd1", 0xff)]);
    assert_eq!(bench.words()[2], 0x1d);
    bench.step(&[("wm1", 0b11), ("wd1", 0xff)]);
    assert_eq!(bench.words()[2], 0xff);
}

#[test]
fn a_mask_reaches_every_part_of_a_wide_word() {
    let mut bench = bench(Type::u(128), 16);
    let ones = Value::ones(128);
    let data = bench.port("wd1");
    bench.sim.set(data, &ones).unwrap();
    bench.step(&[("wa1", 4), ("we1", 1), ("wm1", 0b1000_0001_0000_0001)]);
    let memory = bench.sim.memory("top.words").unwrap();
    assert_eq!(bench.sim.read_word(memory, 4).unwrap().limbs(), [0xff, 0xff00_0000_0000_00ff]);
}

#[test]
fn words_are_loaded_by_name_and_seen_in_the_same_cycle() {
    let mut bench = bench(Type::u(8), 2);
    let memory = bench.sim.memory("words").unwrap();
    bench.set(&[("ra", 3)]);
    bench.sim.load(memory, 2, [7, 8, 9]).unwrap();
    assert_eq!(bench.words(), [3, 4, 7, 8, 9]);
    assert_eq!(bench.outputs()[0], 8);
}

#[test]
fn a_load_that_does_not_fit_changes_nothing() {
    let mut bench = bench(Type::u(8), 2);
    let memory = bench.sim.memory("words").unwrap();
    let error = |result: Result<(), SimError>| result.unwrap_err().to_string();
    assert_eq!(error(bench.sim.load(memory, 3, [7, 8, 9])), "memory `top.words` has words 0 to 4, not 5");
    assert_eq!(error(bench.sim.load(memory, 3, [7, 256])), "`top.words[4]`: 256 does not fit u8, which takes 0 to 255");
    assert_eq!(bench.words(), [3, 4, 0, 0, 0]);
    assert_eq!(bench.sim.read_word(memory, 5).unwrap_err().to_string(), "memory `top.words` has words 0 to 4, not 5");
    assert_eq!(bench.ty, memory.ty());
}
