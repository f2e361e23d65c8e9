//! The reference engine and the compiled one in lockstep: every signal, every memory word, and whether the circuit stands still.
//!
//! Random designs have few equal instances, so each also runs as an array of copies of itself (`arrayed`): lanes with links to
//! neighbours, ripples from lane to lane, memories in lanes.

mod arrayed;

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::design::{DomainId, MemoryId};
use systole_hdl::{CellId, Design, Value};
use systole_sim::engine::{BuildError, read_value};
use systole_sim::{Compiled, Engine, MachineCode, NodeId, Reference};

pub use self::arrayed::{Shape, arrayed};
use crate::lockstep::{Case, Cycle, random_stimulus};

/// The most signals compared in a cycle; of more, a random choice.
const MOST_SIGNALS: usize = 600;

/// The most words of a memory compared in a cycle, from its start.
const MOST_WORDS: u32 = 40;

/// Runs a case on both engines. Answers with the first difference, as text.
///
/// # Errors
/// If one of the engines refuses the design.
pub fn first_difference(case: &Case) -> Result<Option<String>, BuildError> {
    let design = Arc::new(case.design.clone());
    let machine_code = if case.stimulus.seed.is_multiple_of(2) { MachineCode::AtOnce } else { MachineCode::Never };
    let (mut reference, mut compiled) = (Reference::new(&design)?, Compiled::with_machine_code(&design, machine_code)?);
    let mut random = ChaCha8Rng::seed_from_u64(case.stimulus.seed);
    let signals = all_signals(&reference);
    let cycles = random_stimulus(&case.design, case.stimulus);
    let mut pair = Pair { reference: &mut reference, compiled: &mut compiled, signals, random: &mut random };
    // At first with nothing asked for but outputs, then with more and more.
    for round in 0..3 {
        for (number, cycle) in cycles.iter().enumerate() {
            if let Some(difference) = pair.run(cycle, number) {
                return Ok(Some(format!("round {round}, cycle {number}, {difference}")));
            }
        }
        pair.keep_some(round);
        pair.reference.restore_initial_state();
        pair.compiled.restore_initial_state();
    }
    Ok(None)
}

struct Pair<'a> {
    reference: &'a mut Reference,
    compiled: &'a mut Compiled,
    signals: Vec<(NodeId, CellId)>,
    random: &'a mut ChaCha8Rng,
}

fn all_signals(engine: &dyn Engine) -> Vec<(NodeId, CellId)> {
    let hierarchy = engine.hierarchy();
    hierarchy.nodes().flat_map(|node| hierarchy.module(node).cell_ids().map(move |cell| (node, cell))).collect()
}

impl Pair<'_> {
    fn engines(&mut self) -> [&mut dyn Engine; 2] {
        [self.reference, self.compiled]
    }

    /// A cycle on both; the first difference before its edge.
    fn run(&mut self, cycle: &Cycle, number: usize) -> Option<String> {
        for engine in self.engines() {
            drive(engine, cycle);
            engine.settle();
        }
        if let Some(difference) = self.compare_signals().or_else(|| self.compare_memories()) {
            return Some(difference);
        }
        let at_rest = [self.reference.is_at_rest(cycle.edges), self.compiled.is_at_rest(cycle.edges)];
        if at_rest[0] != at_rest[1] {
            return Some(format!("at rest: {} in the reference engine, {} in the compiled one", at_rest[0], at_rest[1]));
        }
        let several = number % 5 == 4;
        for engine in self.engines() {
            if several { engine.advance(cycle.edges, 3) } else { engine.edge(cycle.edges) }
        }
        if number % 9 == 8 {
            self.write_a_word();
        }
        None
    }

    fn compare_signals(&mut self) -> Option<String> {
        let all = self.signals.len() <= MOST_SIGNALS;
        let count = self.signals.len().min(MOST_SIGNALS);
        for i in 0..count {
            let index = if all { i } else { self.random.next_u64() as usize % self.signals.len() };
            let (node, cell) = self.signals[index];
            let values = [read_value(self.reference, node, cell), read_value(self.compiled, node, cell)];
            let low = self.compiled.read_u64(node, cell);
            if values[0] != values[1] || low != values[1].limbs()[0] {
                let hierarchy = self.reference.hierarchy();
                let path = hierarchy.signal_path(node, cell);
                let kind = hierarchy.module(node).cell(cell);
                let ty = hierarchy.module(node).ty(cell);
                return Some(format!(
                    "{path} ({cell:?} = {kind:?} : {ty}): {} in the reference engine, {} in the compiled one, low limb {low:x}",
                    values[0], values[1]
                ));
            }
        }
        None
    }

    fn compare_memories(&self) -> Option<String> {
        let hierarchy = self.reference.hierarchy();
        for node in hierarchy.nodes() {
            for (memory, id) in hierarchy.module(node).memories.iter().zip((0..).map(MemoryId)) {
                let limbs = memory.ty.width().div_ceil(64) as usize;
                let (mut expected, mut got) = (vec![0; limbs], vec![0; limbs]);
                for address in (0..memory.depth.min(MOST_WORDS)).chain([memory.depth - 1, memory.depth]) {
                    self.reference.read_memory(node, id, address, &mut expected);
                    self.compiled.read_memory(node, id, address, &mut got);
                    if expected != got {
                        let path = hierarchy.path_of(node, &memory.name);
                        return Some(format!("{path}[{address}]: {expected:x?} in the reference engine, {got:x?} in the compiled one"));
                    }
                }
            }
        }
        None
    }

    /// The same word into the same memory of both.
    fn write_a_word(&mut self) {
        let hierarchy = self.reference.hierarchy();
        let node = NodeId((self.random.next_u64() % hierarchy.len() as u64) as u32);
        let memories = &hierarchy.module(node).memories;
        let Some(index) = (self.random.next_u64() as usize).checked_rem(memories.len()) else { return };
        let (depth, width) = (memories[index].depth, memories[index].ty.width());
        let address = (self.random.next_u64() % u64::from(depth + 1)) as u32;
        let word: Vec<u64> = (0..width.div_ceil(64)).map(|_| self.random.next_u64()).collect();
        for engine in self.engines() {
            engine.write_memory(node, MemoryId(index as u32), address, &word);
        }
    }

    /// Asks for some signals, or in the end for all.
    fn keep_some(&mut self, round: usize) {
        let chosen: Vec<(NodeId, CellId)> =
            self.signals.iter().copied().filter(|_| round > 0 || self.random.next_u32().is_multiple_of(6)).collect();
        self.compiled.keep(&chosen);
    }
}

fn drive(engine: &mut dyn Engine, cycle: &Cycle) {
    for (port, value) in cycle.inputs.iter().enumerate() {
        // Bits above the width are the engine's to ignore.
        let mut limbs = Value::limbs(value).to_vec();
        if let (Some(last), rest @ 1..) = (limbs.last_mut(), value.width() % 64) {
            *last |= u64::MAX << rest;
        }
        engine.set_input(port, &limbs);
    }
    let domains = engine.hierarchy().module(NodeId::TOP).domains.len() as u32;
    (0..domains).map(DomainId).for_each(|domain| engine.set_reset(domain, cycle.resets.contains(domain)));
}

/// The case of a seed: a random design, as it is or as an array of copies.
pub fn case(seed: u64, cycles: u32) -> Case {
    let mut case = crate::campaign::case(seed, cycles);
    if !seed.is_multiple_of(4) {
        case.design = arrayed(&case.design, Shape::random(seed));
    }
    case
}

/// The design of a case as text, for a report.
pub fn text(design: &Design) -> String {
    design.to_text()
}
