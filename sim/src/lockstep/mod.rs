//! Two engines in lockstep: every call goes to both, and what they hold is compared in every cycle.
//!
//! After each settle the top's ports, all registers and registered reads, and the signals that were asked for
//! ([`Engine::keep`]) are compared; so is every signal and word that is read. Of the memories, the words that were written at
//! the last edge, and a stretch that moves on each cycle, so that all words come round within [`ROUND`] cycles. When something
//! differs, `difference` looks at everything there is in that cycle, and names what the rest follows from.
//!
//! **Invariant.** What a lockstep answers is the first engine's answer. It never panics over a difference; the first one stays
//! to be asked for with [`Engine::difference`].

mod difference;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use systole_hdl::design::{DomainId, MemoryId};
use systole_hdl::{CellId, Design, Value};

pub use self::difference::Difference;
use crate::compiled::Compiled;
use crate::connect::SignalId;
use crate::engine::{BuildError, DomainSet, Engine, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};
use crate::reference::Reference;

/// Cycles within which every memory word is compared.
pub const ROUND: usize = 1024;

/// The fewest memory words compared in a cycle, if there are as many.
const FEWEST_WORDS: usize = 64;

/// Values are mostly one limb, rarely more than four.
type Limbs = SmallVec<[u64; 4]>;

/// Two engines as one.
pub struct Lockstep {
    engines: [Box<dyn Engine>; 2],
    /// What is compared after each settle.
    watched: Vec<SignalId>,
    memories: Vec<MemoryPlace>,
    write_ports: Vec<WritePlace>,
    /// Words that the last edge wrote, by memory and address.
    written: Vec<(usize, u32)>,
    /// The memory and the address where the next cycle's stretch begins, and how many words it has.
    next_word: (usize, u32),
    stretch: usize,
    /// Edges since the start: the number of the current cycle.
    cycle: u64,
    /// Cycles of [`Engine::advance`] between two comparisons.
    compare_every: u64,
    settled: bool,
    difference: OnceCell<Difference>,
}

/// A memory of an instance.
#[derive(Clone, Copy)]
struct MemoryPlace {
    node: NodeId,
    memory: MemoryId,
    depth: u32,
    width: u32,
}

/// A write port of an instance's memory.
#[derive(Clone, Copy)]
struct WritePlace {
    /// Index of the memory.
    memory: usize,
    node: NodeId,
    address: CellId,
    enable: CellId,
    /// The top's domain in which it acts.
    domain: DomainId,
}

impl Lockstep {
    /// The reference engine, and the compiled one beside it.
    ///
    /// # Errors
    /// If one of them cannot be made for the design.
    pub fn new(design: &Arc<Design>) -> Result<Lockstep, BuildError> {
        Ok(Lockstep::of(Box::new(Reference::new(design)?), Box::new(Compiled::new(design)?)))
    }

    /// Any two engines in the same state, the one to be trusted first. Their designs have the same instances, signals and
    /// memories.
    pub fn of(first: Box<dyn Engine>, second: Box<dyn Engine>) -> Lockstep {
        let hierarchy = first.hierarchy();
        let (memories, write_ports) = memory_places(hierarchy);
        let words: usize = memories.iter().map(|memory| memory.depth as usize).sum();
        Lockstep {
            watched: watched(hierarchy),
            stretch: words.min(FEWEST_WORDS.max(words.div_ceil(ROUND))),
            memories,
            write_ports,
            written: Vec::new(),
            next_word: (0, 0),
            cycle: 0,
            compare_every: 1,
            settled: false,
            difference: OnceCell::new(),
            engines: [first, second],
        }
    }

    /// From now on [`Engine::advance`] lets the engines run `cycles` at once, at least 1, between two comparisons: faster, and a
    /// difference is found so much later. At first it compares every cycle.
    pub fn compare_every(&mut self, cycles: u64) {
        self.compare_every = cycles.max(1);
    }

    fn each(&mut self, act: impl Fn(&mut dyn Engine)) {
        self.engines.iter_mut().for_each(|engine| act(&mut **engine));
    }

    /// What both hold of a signal.
    fn signal(&self, (node, cell): SignalId) -> [Limbs; 2] {
        let count = limbs_for(self.hierarchy().module(node).ty(cell).width());
        self.engines.each_ref().map(|engine| {
            let mut limbs = smallvec![0; count];
            engine.read(node, cell, &mut limbs);
            limbs
        })
    }

    /// What both hold of a memory's word.
    fn word(&self, place: MemoryPlace, address: u32) -> [Limbs; 2] {
        self.engines.each_ref().map(|engine| {
            let mut limbs = smallvec![0; limbs_for(place.width)];
            engine.read_memory(place.node, place.memory, address, &mut limbs);
            limbs
        })
    }

    fn signal_differs(&self, (node, cell): SignalId) -> bool {
        let [first, second] = self.engines.each_ref().map(|engine| engine.read_u64(node, cell));
        first != second || self.hierarchy().module(node).ty(cell).width() > 64 && self.limbs_differ((node, cell))
    }

    fn limbs_differ(&self, signal: SignalId) -> bool {
        let [first, second] = self.signal(signal);
        first != second
    }

    fn word_differs(&self, memory: usize, address: u32) -> bool {
        let [first, second] = self.word(self.memories[memory], address);
        first != second
    }

    /// Compares what is due in the current, settled cycle.
    fn compare(&mut self) {
        if self.difference.get().is_some() {
            return;
        }
        let mut differs = self.written.iter().any(|&(memory, address)| self.word_differs(memory, address));
        self.written.clear();
        for _ in 0..self.stretch {
            let (memory, address) = self.next_word;
            differs |= self.word_differs(memory, address);
            self.next_word = match (address + 1 < self.memories[memory].depth, memory + 1 < self.memories.len()) {
                (true, _) => (memory, address + 1),
                (false, true) => (memory + 1, 0),
                (false, false) => (0, 0),
            };
        }
        if differs || self.watched.iter().any(|&signal| self.signal_differs(signal)) {
            self.note(difference::furthest_upstream(self));
        }
    }

    /// Keeps a difference if it is the first.
    fn note(&self, difference: Option<Difference>) {
        if let Some(difference) = difference {
            self.difference.get_or_init(|| difference);
        }
    }

    /// Notes which words the edge of `domains` is going to write, by the first engine's signals.
    fn note_writes(&mut self, domains: DomainSet) {
        for port in &self.write_ports {
            let engine = &self.engines[0];
            if domains.contains(port.domain) && engine.read_u64(port.node, port.enable) & 1 == 1 {
                let mut address: Limbs = smallvec![0; limbs_for(engine.hierarchy().module(port.node).ty(port.address).width())];
                engine.read(port.node, port.address, &mut address);
                let within = address[0] < self.memories[port.memory].depth.into() && address[1..].iter().all(|&limb| limb == 0);
                self.written.extend(within.then_some((port.memory, address[0] as u32)));
            }
        }
    }
}

/// The top's ports, and everything that changes at edges only.
fn watched(hierarchy: &Hierarchy) -> Vec<SignalId> {
    let top = hierarchy.module(NodeId::TOP);
    let ports = top.inputs.iter().map(|port| port.cell).chain(top.outputs.iter().map(|port| port.value));
    let mut watched: Vec<SignalId> = ports.map(|cell| (NodeId::TOP, cell)).collect();
    for node in hierarchy.nodes() {
        let module = hierarchy.module(node);
        watched.extend(module.cell_ids().filter(|&cell| module.cell(cell).is_sequential()).map(|cell| (node, cell)));
    }
    watched.sort_unstable();
    watched.dedup();
    watched
}

fn memory_places(hierarchy: &Hierarchy) -> (Vec<MemoryPlace>, Vec<WritePlace>) {
    let (mut memories, mut ports) = (Vec::new(), Vec::new());
    for node in hierarchy.nodes() {
        for (memory, id) in hierarchy.module(node).memories.iter().zip((0..).map(MemoryId)) {
            let domain = hierarchy.top_domain(node, memory.write_domain);
            let index = memories.len();
            ports.extend(memory.writes.iter().map(|port| WritePlace {
                memory: index,
                node,
                address: port.address,
                enable: port.enable,
                domain,
            }));
            memories.push(MemoryPlace { node, memory: id, depth: memory.depth, width: memory.ty.width() });
        }
    }
    (memories, ports)
}

impl Engine for Lockstep {
    fn hierarchy(&self) -> &Hierarchy {
        self.engines[0].hierarchy()
    }

    fn set_input(&mut self, port: usize, limbs: &[u64]) {
        self.settled = false;
        self.each(|engine| engine.set_input(port, limbs));
    }

    fn set_reset(&mut self, domain: DomainId, asserted: bool) {
        self.settled = false;
        self.each(|engine| engine.set_reset(domain, asserted));
    }

    fn reset(&self, domain: DomainId) -> bool {
        self.engines[0].reset(domain)
    }

    fn settle(&mut self) {
        self.each(|engine| engine.settle());
        self.settled = true;
        self.compare();
    }

    fn edge(&mut self, domains: DomainSet) {
        self.note_writes(domains);
        self.settled = false;
        self.each(|engine| engine.edge(domains));
        self.cycle += 1;
    }

    fn advance(&mut self, domains: DomainSet, cycles: u64) {
        let mut left = cycles;
        while left > 0 {
            let now = left.min(self.compare_every);
            self.note_writes(domains);
            self.each(|engine| engine.advance(domains, now));
            self.cycle += now;
            left -= now;
            self.compare();
        }
    }

    fn read(&self, node: NodeId, cell: CellId, limbs: &mut [u64]) {
        self.engines[0].read(node, cell, limbs);
        if self.settled && self.difference.get().is_none() && self.limbs_differ((node, cell)) {
            self.note(difference::furthest_upstream(self));
        }
    }

    fn read_u64(&self, node: NodeId, cell: CellId) -> u64 {
        let [first, second] = self.engines.each_ref().map(|engine| engine.read_u64(node, cell));
        if self.settled && first != second && self.difference.get().is_none() {
            self.note(difference::furthest_upstream(self));
        }
        first
    }

    fn keep(&mut self, signals: &[(NodeId, CellId)]) {
        self.each(|engine| engine.keep(signals));
        self.watched.extend(signals);
        self.watched.sort_unstable();
        self.watched.dedup();
    }

    fn read_memory(&self, node: NodeId, memory: MemoryId, address: u32, limbs: &mut [u64]) {
        self.engines[0].read_memory(node, memory, address, limbs);
        let width = self.hierarchy().module(node).memories[memory.index()].ty.width();
        let [first, second] = self.word(MemoryPlace { node, memory, depth: 0, width }, address);
        if self.settled && first != second && self.difference.get().is_none() {
            self.note(difference::furthest_upstream(self));
        }
    }

    fn write_memory(&mut self, node: NodeId, memory: MemoryId, address: u32, limbs: &[u64]) {
        self.settled = false;
        self.each(|engine| engine.write_memory(node, memory, address, limbs));
    }

    fn set_register(&mut self, node: NodeId, cell: CellId, limbs: &[u64]) {
        self.settled = false;
        self.each(|engine| engine.set_register(node, cell, limbs));
    }

    fn is_at_rest(&self, domains: DomainSet) -> bool {
        let [first, second] = self.engines.each_ref().map(|engine| engine.is_at_rest(domains));
        if first != second {
            let values = [first, second].map(|at_rest| Value::from_u64(1, at_rest.into()));
            self.note(Some(Difference { cycle: self.cycle, place: difference::AT_REST.to_string(), values, others: 0 }));
        }
        first
    }

    fn restore_initial_state(&mut self) {
        self.settled = false;
        self.written.clear();
        self.cycle = 0;
        self.each(|engine| engine.restore_initial_state());
    }

    fn difference(&self) -> Option<&Difference> {
        self.difference.get()
    }
}
