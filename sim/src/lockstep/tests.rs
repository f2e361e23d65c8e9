//! A second engine that is wrong on purpose: the same interpreter, on a design with a flaw.

use std::sync::Arc;

use systole_hdl::design::{DomainId, MemoryId};
use systole_hdl::prelude::*;

use super::{Difference, Lockstep, ROUND};
use crate::engine::{DomainSet, Engine};
use crate::hierarchy::NodeId;
use crate::reference::Reference;
use crate::simulator::{Options, RunError, Simulator};

/// What is wrong with the second engine's circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    /// The sum is a difference.
    Combinational,
    /// The register starts at 1.
    Register,
    /// A word of the memory is other than it should be, from the start.
    Word,
    /// A write has the wrong data.
    Write,
    /// A register at rest moves, in a place that nothing shows.
    Rest,
}

/// Keeps a running sum in an inner module, and every sum in a memory.
#[derive(Debug)]
struct Circuit {
    flaw: Flaw,
}

#[derive(Debug)]
struct Inner {
    flaw: Flaw,
}

bundle! { struct In { x: Signal } }
bundle! { struct Out { sum: Signal } }
bundle! { struct Top { sum: Signal, word: Signal } }

/// Words of the memory: more than are compared in one cycle.
const WORDS: u32 = 4096;

impl Component for Inner {
    type In = In;
    type Out = Out;

    fn inputs(&self) -> In {
        In { x: port(Type::u(100)) }
    }

    fn build(&self, m: Module, i: In) -> Out {
        let held = m.reg("held", Type::u(100)).resets_to(i64::from(self.flaw == Flaw::Register));
        let sum = if self.flaw == Flaw::Combinational { held - i.x } else { held + i.x }.named("sum");
        held.next(sum);
        Out { sum }
    }
}

impl Component for Circuit {
    type In = In;
    type Out = Top;

    fn inputs(&self) -> In {
        In { x: port(Type::u(100)) }
    }

    fn build(&self, m: Module, i: In) -> Top {
        let inner = m.instance("inner", &Inner { flaw: self.flaw }, In { x: i.x });
        let address = m.reg("address", Type::index(WORDS));
        address.next(address + i.x.bit(0).reinterpret(Type::u(1)).to(Type::index(WORDS)));
        let words = m.memory("words", WORDS, Type::u(100));
        let words = if self.flaw == Flaw::Word { words.initial(&[[0; 1000].as_slice(), &[7]].concat()) } else { words };
        words.write(*address, if self.flaw == Flaw::Write { i.x } else { inner.sum }, i.x.bit(0));
        let silent = m.reg("silent", Type::BIT);
        // Both circuits have the same cells.
        let flipped = !*silent;
        silent.next(if self.flaw == Flaw::Rest { flipped } else { *silent });
        Top { sum: (inner.sum + 1).named("plus"), word: words.read(*address) }
    }
}

fn engine(flaw: Flaw) -> Box<dyn Engine> {
    Box::new(Reference::new(&Arc::new(elaborate(&Circuit { flaw }).unwrap())).unwrap())
}

fn pair(flaw: Flaw) -> Lockstep {
    Lockstep::of(engine(Flaw::None), engine(flaw))
}

/// Runs with 3, 5, 7.. as inputs; cycle, place and values of the difference at which it stops.
fn first_difference(flaw: Flaw) -> Option<(u64, String, [u64; 2])> {
    let mut sim = Simulator::with_engine(Box::new(pair(flaw)), &Options::default()).unwrap();
    let x = sim.input("x").unwrap();
    for number in 1..200u64 {
        sim.set(x, 2 * number + 1).unwrap();
        match sim.step(1) {
            Ok(()) => {}
            Err(RunError::EnginesDiffer(difference)) => {
                let Difference { cycle, place, values, .. } = *difference;
                return Some((cycle, place, values.map(|value| value.limbs()[0])));
            }
            Err(error) => panic!("{error}"),
        }
    }
    None
}

#[test]
fn a_run_stops_at_the_first_difference_and_names_what_it_comes_from() {
    let difference = |cycle, place: &str, values| Some((cycle, place.to_string(), values));
    assert_eq!(first_difference(Flaw::None), None);
    assert_eq!(first_difference(Flaw::Combinational), difference(0, "circuit.inner.sum", [3, 3u64.wrapping_neg()]));
    assert_eq!(first_difference(Flaw::Register), difference(0, "circuit.inner.held", [0, 1]));
    assert_eq!(first_difference(Flaw::Write), difference(2, "circuit.words[1]", [8, 5]));
    assert_eq!(first_difference(Flaw::Rest), difference(1, "circuit.silent", [0, 1]));
    let (cycle, place, values) = first_difference(Flaw::Word).unwrap();
    assert_eq!((place.as_str(), values), ("circuit.words[1000]", [0, 7]));
    assert!((1..ROUND as u64).contains(&cycle), "found in cycle {cycle}");
}

#[test]
fn the_message_has_place_cycle_and_both_values() {
    let mut both = pair(Flaw::Combinational);
    both.set_input(0, &[3, 0]);
    both.settle();
    let expected = "the engines differ in cycle 0: circuit.inner.sum is 100'h3 in the reference engine and 100'hffffffffffffffffffffffffd in the \
                    other, and 2 more signals or memory words differ";
    assert_eq!(both.difference().unwrap().to_string(), expected);
}

#[test]
fn what_only_one_engine_was_given_shows_when_it_is_due_or_read() {
    let all = DomainSet::only(DomainId(0));
    let mut both = pair(Flaw::None);
    both.settle();
    both.engines[1].set_input(0, &[8, 0]);
    both.settle();
    assert_eq!(both.difference().unwrap().place, "circuit.x");

    let mut both = pair(Flaw::None);
    both.settle();
    both.engines[1].write_memory(NodeId::TOP, MemoryId(0), WORDS - 1, &[5, 5]);
    both.edge(all);
    both.settle();
    assert_eq!(both.difference(), None, "the last word is not due yet");
    both.read_memory(NodeId::TOP, MemoryId(0), WORDS - 1, &mut [0; 2]);
    assert_eq!(both.difference().unwrap().place, format!("circuit.words[{}]", WORDS - 1));
    assert_eq!(both.difference().unwrap().cycle, 1);
}

#[test]
fn engines_that_disagree_on_rest_differ() {
    let mut both = pair(Flaw::Rest);
    both.settle();
    assert!(both.is_at_rest(DomainSet::only(DomainId(0))), "the first engine's answer");
    assert_eq!(both.difference().unwrap().place, "whether the circuit is at rest");
}

#[test]
fn the_first_difference_stays() {
    let mut both = pair(Flaw::Register);
    both.settle();
    let first = both.difference().cloned();
    both.set_input(0, &[4, 0]);
    both.advance(DomainSet::only(DomainId(0)), 10);
    assert!(first.is_some());
    assert_eq!(both.difference(), first.as_ref());
}

#[test]
fn a_stride_finds_a_difference_later() {
    let mut both = pair(Flaw::Rest);
    both.settle();
    both.compare_every(8);
    both.advance(DomainSet::only(DomainId(0)), 9);
    assert_eq!(both.difference().map(|difference| difference.cycle), Some(9), "after 8 cycles the register is where it was");
}
