//! The engine's contract, asked of the engine itself.

use std::sync::Arc;

use systole_hdl::design::{Cell, Collision, DomainId, MemoryId, WritePort};
use systole_hdl::{CellId, Design, Type};
use systole_sim::{DomainSet, Engine, NodeId, Reference};

use crate::build::{Net, design};

fn all() -> DomainSet {
    DomainSet::only(DomainId(0))
}

/// Inputs: a register's next value, a write (address, data, enable), a registered read of the word after the write.
fn circuit() -> Design {
    let mut net = Net::new("top");
    let ty = Type::u(100);
    let d = net.input("d", ty);
    let held = net.register("held", ty, 9, true, DomainId(0));
    net.next(held, d);
    let (address, data, enable) = (net.input("address", Type::u(2)), net.input("data", ty), net.input("enable", Type::BIT));
    let writes = vec![WritePort { address, data, enable, mask: None }; 2];
    let memory = net.memory("words", 4, ty, writes);
    net.named("read", Cell::MemoryReadRegistered { memory, address, enable, collision: Collision::WriteFirst, domain: DomainId(0) }, ty);
    let sum = net.named("sum", Cell::Add(held, d), ty);
    net.output("out", sum);
    design([net])
}

fn engine() -> Reference {
    let mut engine = Reference::new(&Arc::new(circuit())).unwrap();
    engine.settle();
    engine
}

fn read(engine: &Reference, name: &str) -> u64 {
    let cell: CellId = engine.hierarchy().module(NodeId::TOP).find_signal(name).unwrap();
    engine.read_u64(NodeId::TOP, cell)
}

#[test]
fn at_rest_means_that_an_edge_changes_nothing() {
    let mut engine = engine();
    assert!(!engine.is_at_rest(all()), "the register takes 0 for 9");
    assert!(engine.is_at_rest(DomainSet::EMPTY));
    engine.set_reset(DomainId(0), true);
    assert!(engine.is_at_rest(all()), "reset holds the register");
    engine.set_reset(DomainId(0), false);
    engine.set_input(0, &[9, 0]);
    engine.settle();
    assert!(engine.is_at_rest(all()));
    // Writing the word that is there and reading it changes nothing; another word does.
    engine.set_input(3, &[1]);
    engine.settle();
    assert!(engine.is_at_rest(all()));
    engine.set_input(2, &[5, 0]);
    engine.settle();
    assert!(!engine.is_at_rest(all()));
    engine.edge(all());
    engine.settle();
    assert_eq!(read(&engine, "read"), 5);
    assert!(engine.is_at_rest(all()));
    // The word stays, but the read would fetch another.
    engine.set_input(2, &[0, 0]);
    engine.set_input(1, &[1]);
    engine.settle();
    assert!(!engine.is_at_rest(all()));
}

#[test]
fn the_initial_state_can_be_restored() {
    let mut engine = engine();
    let word = |engine: &Reference| {
        let mut limbs = [0; 2];
        engine.read_memory(NodeId::TOP, MemoryId(0), 0, &mut limbs);
        limbs
    };
    for (port, limbs) in [[7, 1], [0, 0], [3, 2], [1, 0]].iter().enumerate() {
        engine.set_input(port, limbs);
    }
    engine.set_reset(DomainId(0), true);
    engine.settle();
    engine.advance(all(), 3);
    assert_eq!((word(&engine), read(&engine, "read"), read(&engine, "sum")), ([3, 2], 3, 16));
    engine.restore_initial_state();
    engine.settle();
    assert_eq!((word(&engine), read(&engine, "read"), read(&engine, "sum")), ([0, 0], 0, 9));
    assert!(!engine.reset(DomainId(0)));
}

#[test]
fn surplus_bits_of_what_is_given_are_ignored() {
    let mut engine = engine();
    engine.set_input(0, &[1, u64::MAX]);
    engine.write_memory(NodeId::TOP, MemoryId(0), 3, &[1, u64::MAX]);
    engine.settle();
    let (mut input, mut word) = ([0; 2], [0; 2]);
    engine.read(NodeId::TOP, CellId(0), &mut input);
    engine.read_memory(NodeId::TOP, MemoryId(0), 3, &mut word);
    assert_eq!((input, word), ([1, (1 << 36) - 1], [1, (1 << 36) - 1]));
}

#[test]
fn a_memory_has_no_words_beyond_its_depth() {
    let mut engine = engine();
    engine.write_memory(NodeId::TOP, MemoryId(0), 4, &[1, 1]);
    let mut word = [7; 2];
    engine.read_memory(NodeId::TOP, MemoryId(0), 4, &mut word);
    assert_eq!(word, [0; 2]);
}
