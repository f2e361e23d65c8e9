//! The reference engine and the compiled one in lockstep: every signal, every memory word, and whether the circuit stands still.
//!
//! Random designs have few equal instances, so most also run as an array of copies of themselves, or as an array of tiles of
//! copies (`arrayed`): lanes with links to neighbours, ripples from lane to lane, memories in lanes. `campaign` runs many.

mod arrayed;
mod campaign;
mod linked;

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::design::{DomainId, MemoryId};
use systole_hdl::{CellId, Design, Value};
use systole_sim::compiled::{CompileOptions, InstructionSet};
use systole_sim::engine::{BuildError, read_value};
use systole_sim::lockstep::Difference;
use systole_sim::{Compiled, Engine, Lockstep, MachineCode, NodeId, Reference};

pub use self::arrayed::{Shape, arrayed};
pub use self::campaign::{Plan, Summary, check, run};
use self::linked::linked;
use crate::lockstep::{Case, Cycle, random_stimulus};

/// The most signals compared in a cycle; of more, a random choice.
const MOST_SIGNALS: usize = 600;

/// The most words of a memory compared in a cycle, from its start.
const MOST_WORDS: u32 = 40;

/// Runs a case on both engines, the compiled one with kernels for `set`. Answers with the first difference.
///
/// # Errors
/// If one of the engines refuses the design.
pub fn first_difference(case: &Case, set: InstructionSet) -> Result<Option<Difference>, BuildError> {
    let design = Arc::new(case.design.clone());
    // Independent of the design's form, which follows from the lowest bits.
    let machine_code = if (case.stimulus.seed / 8).is_multiple_of(2) { MachineCode::AtOnce } else { MachineCode::Never };
    let compiled = Compiled::with_options(&design, CompileOptions { machine_code, instructions: set })?;
    let mut engine = Lockstep::of(Box::new(Reference::new(&design)?), Box::new(compiled));
    engine.compare_every(3);
    let signals = all_signals(&engine);
    let mut bench = Bench { engine, signals, random: ChaCha8Rng::seed_from_u64(case.stimulus.seed) };
    let cycles = random_stimulus(&case.design, case.stimulus);
    // At first with nothing asked for but outputs, then with more and more.
    for round in 0..3 {
        for (number, cycle) in cycles.iter().enumerate() {
            bench.run(cycle, number);
            if let Some(difference) = bench.engine.difference() {
                return Ok(Some(difference.clone()));
            }
        }
        bench.keep_some(round);
        bench.engine.restore_initial_state();
    }
    Ok(None)
}

struct Bench {
    engine: Lockstep,
    signals: Vec<(NodeId, CellId)>,
    random: ChaCha8Rng,
}

fn all_signals(engine: &dyn Engine) -> Vec<(NodeId, CellId)> {
    let hierarchy = engine.hierarchy();
    hierarchy.nodes().flat_map(|node| hierarchy.module(node).cell_ids().map(move |cell| (node, cell))).collect()
}

impl Bench {
    /// A cycle; what is read is compared.
    fn run(&mut self, cycle: &Cycle, number: usize) {
        drive(&mut self.engine, cycle);
        self.engine.settle();
        self.read_signals();
        self.read_memories();
        self.engine.is_at_rest(cycle.edges);
        let several = number % 5 == 4;
        if several {
            self.engine.advance(cycle.edges, 3)
        } else {
            self.engine.edge(cycle.edges)
        }
        if number % 9 == 8 {
            self.write_a_word();
        }
    }

    fn read_signals(&mut self) {
        let all = self.signals.len() <= MOST_SIGNALS;
        for i in 0..self.signals.len().min(MOST_SIGNALS) {
            let index = if all { i } else { self.random.next_u64() as usize % self.signals.len() };
            let (node, cell) = self.signals[index];
            read_value(&self.engine, node, cell);
            self.engine.read_u64(node, cell);
        }
    }

    fn read_memories(&self) {
        let hierarchy = self.engine.hierarchy();
        for node in hierarchy.nodes() {
            for (memory, id) in hierarchy.module(node).memories.iter().zip((0..).map(MemoryId)) {
                let mut limbs = vec![0; memory.ty.width().div_ceil(64) as usize];
                for address in (0..memory.depth.min(MOST_WORDS)).chain([memory.depth - 1, memory.depth]) {
                    self.engine.read_memory(node, id, address, &mut limbs);
                }
            }
        }
    }

    fn write_a_word(&mut self) {
        let hierarchy = self.engine.hierarchy();
        let node = NodeId((self.random.next_u64() % hierarchy.len() as u64) as u32);
        let memories = &hierarchy.module(node).memories;
        let Some(index) = (self.random.next_u64() as usize).checked_rem(memories.len()) else { return };
        let (depth, width) = (memories[index].depth, memories[index].ty.width());
        let address = (self.random.next_u64() % u64::from(depth + 1)) as u32;
        let word: Vec<u64> = (0..width.div_ceil(64)).map(|_| self.random.next_u64()).collect();
        self.engine.write_memory(node, MemoryId(index as u32), address, &word);
    }

    /// Asks for some signals, or in the end for all.
    fn keep_some(&mut self, round: usize) {
        let signals = self.signals.iter().copied();
        let chosen: Vec<(NodeId, CellId)> = signals.filter(|_| round > 0 || self.random.next_u32().is_multiple_of(6)).collect();
        self.engine.keep(&chosen);
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

/// The case of a seed: a random design, as it is, as an array of copies, or as an array of tiles of copies; or linked registers.
pub fn case(seed: u64, cycles: u32) -> Case {
    let mut case = crate::campaign::case(seed, cycles);
    case.design = in_array(&case.design, seed);
    case
}

/// A design in the form that the case of a seed has.
fn in_array(design: &Design, seed: u64) -> Design {
    match seed % 8 {
        0 => design.clone(),
        4 => linked(seed),
        1 | 2 | 3 | 5 => arrayed(design, Shape::random(seed)),
        _ => arrayed(&arrayed(design, Shape::small(seed)), Shape::small(!seed)),
    }
}
