//! The reference engine: an interpreter that can be read against the cells' definitions in one sitting.
//!
//! `flatten` turns the hierarchy into one list of cells, `select` says which work a cell becomes, `narrow` and `general`
//! compute cells (the first within 64 bits, the second for any width), `memory` holds words; this file takes the edges.

mod flatten;
pub(crate) mod general;
pub(crate) mod memory;
mod narrow;
mod select;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use systole_hdl::design::{DomainId, MemoryId};
use systole_hdl::{CellId, Design, Value};

use self::flatten::{GeneralCell, Program, RegisteredRead, Step};
use self::memory::Words;
use crate::engine::{BuildError, DomainSet, Engine, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};

/// The interpreter with the state of one running circuit.
pub struct Reference {
    hierarchy: Hierarchy,
    program: Program,
    /// The value of every signal; bits above a signal's width are zero.
    state: Vec<u64>,
    memories: Vec<Words>,
    resets: DomainSet,
    /// State limbs about to change at an edge; empty between edges, kept for its allocation.
    changes: Vec<(u32, u64)>,
}

impl Reference {
    /// Makes the engine for a valid design. Not settled yet.
    ///
    /// # Errors
    /// If the design is too large or has a combinational loop.
    pub fn new(design: &Arc<Design>) -> Result<Reference, BuildError> {
        let hierarchy = Hierarchy::of(design)?;
        let program = Program::of(&hierarchy)?;
        let (state, memories) = (program.initial.clone(), program.memories.clone());
        Ok(Reference { hierarchy, program, state, memories, resets: DomainSet::EMPTY, changes: Vec::new() })
    }

    fn slot(&self, node: NodeId, cell: CellId) -> usize {
        debug_assert!(cell.index() < self.hierarchy.module(node).cells.len(), "{cell:?} is not in {node:?}");
        self.program.slots[self.program.first_cell[node.index()] as usize + cell.index()] as usize
    }

    /// Puts a pattern into a cell's slot; bits above its width are ignored.
    fn store(&mut self, node: NodeId, cell: CellId, limbs: &[u64]) {
        let width = self.hierarchy.module(node).ty(cell).width();
        let (count, slot) = (limbs_for(width), self.slot(node, cell));
        let place = &mut self.state[slot..][..count];
        place.copy_from_slice(&limbs[..count]);
        place[count - 1] &= u64::MAX >> (count as u32 * 64 - width);
    }

    fn memory(&self, node: NodeId, memory: MemoryId) -> usize {
        debug_assert!(memory.index() < self.hierarchy.module(node).memories.len(), "{memory:?} is not in {node:?}");
        self.program.first_memory[node.index()] as usize + memory.index()
    }

    /// Notes what registers and registered reads of the word before the edge become, where that is something new.
    fn sample_before_writes(&self, domains: DomainSet, changes: &mut Vec<(u32, u64)>) {
        let mut note = |slot: u32, value: u64| {
            if self.state[slot as usize] != value {
                changes.push((slot, value));
            }
        };
        for domain in domains.iter() {
            let edge = &self.program.domains[domain.index()];
            for register in &edge.free {
                note(register.out, self.state[register.next as usize]);
            }
            for register in &edge.resettable {
                let in_reset = self.resets.contains(domain);
                note(register.out, if in_reset { self.program.initial[register.out as usize] } else { self.state[register.next as usize] });
            }
            self.sample_reads(&edge.reads_before, &mut note);
        }
    }

    fn sample_reads(&self, reads: &[RegisteredRead], mut note: impl FnMut(u32, u64)) {
        for RegisteredRead { read, enable } in reads {
            if self.state[*enable as usize] & 1 == 1 {
                let word = read.address.number(&self.state).and_then(|address| self.memories[read.memory as usize].word(address));
                for limb in 0..read.out.limbs {
                    note(read.out.slot + limb, word.map_or(0, |word| word[limb as usize]));
                }
            }
        }
    }

    fn write_memories(&mut self, domains: DomainSet) {
        for domain in domains.iter() {
            for write in &self.program.domains[domain.index()].writes {
                let words = &mut self.memories[write.memory as usize];
                if let Some(word) = write.target(&self.state, words).and_then(|address| words.word_mut(address)) {
                    write.merge_into(word, &self.state);
                }
            }
        }
    }

    /// Whether all writes of an edge together change some word.
    fn writes_change_something(&self, domains: DomainSet) -> bool {
        let mut written: FxHashMap<(u32, u64), Vec<u64>> = FxHashMap::default();
        for write in domains.iter().flat_map(|domain| &self.program.domains[domain.index()].writes) {
            let words = &self.memories[write.memory as usize];
            if let Some(address) = write.target(&self.state, words) {
                let word = written.entry((write.memory, address)).or_insert_with(|| words.word(address).unwrap_or_default().to_vec());
                write.merge_into(word, &self.state);
            }
        }
        written.iter().any(|(&(memory, address), word)| self.memories[memory as usize].word(address) != Some(word))
    }

    fn evaluate_general(&mut self, index: usize) {
        let GeneralCell { module, cell, out, operands } = self.program.general[index];
        let module = self.hierarchy.design().module(module);
        let mut slots = self.program.pool[operands as usize..].iter();
        let mut values = Vec::new();
        module.cell(cell).for_each_operand(|operand| {
            let ty = module.ty(operand);
            let slot = *slots.next().expect("the pool holds a slot for each operand") as usize;
            let value = Value::from_limbs(ty.width(), self.state[slot..].iter().copied());
            values.push(general::Operand { value, ty });
        });
        let value = general::evaluate(module.cell(cell), module.ty(cell), &values);
        self.state[out as usize..][..value.limbs().len()].copy_from_slice(value.limbs());
    }
}

impl Engine for Reference {
    fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    fn set_input(&mut self, port: usize, limbs: &[u64]) {
        let top = self.hierarchy.design().top_module();
        let cell = top.inputs[port].cell;
        self.store(NodeId::TOP, cell, limbs);
    }

    fn set_reset(&mut self, domain: DomainId, asserted: bool) {
        self.resets = if asserted { self.resets.with(domain) } else { self.resets.without(domain) };
    }

    fn reset(&self, domain: DomainId) -> bool {
        self.resets.contains(domain)
    }

    fn settle(&mut self) {
        for step in 0..self.program.steps.len() {
            match self.program.steps[step].clone() {
                Step::Narrow(function, range) => {
                    narrow::evaluate(function, &self.program.narrow[range], &self.program.pool, &mut self.state);
                }
                Step::General(range) => range.for_each(|index| self.evaluate_general(index)),
                Step::Read(range) => {
                    for read in &self.program.reads[range] {
                        let word = read.address.number(&self.state).and_then(|address| self.memories[read.memory as usize].word(address));
                        let out = &mut self.state[read.out.slot as usize..][..read.out.limbs as usize];
                        match word {
                            Some(word) => out.copy_from_slice(word),
                            None => out.fill(0),
                        }
                    }
                }
            }
        }
    }

    fn edge(&mut self, domains: DomainSet) {
        let mut changes = std::mem::take(&mut self.changes);
        self.sample_before_writes(domains, &mut changes);
        self.write_memories(domains);
        for domain in domains.iter() {
            self.sample_reads(&self.program.domains[domain.index()].reads_after, |slot, value| changes.push((slot, value)));
        }
        for (slot, value) in changes.drain(..) {
            self.state[slot as usize] = value;
        }
        self.changes = changes;
    }

    fn read(&self, node: NodeId, cell: CellId, limbs: &mut [u64]) {
        let count = limbs_for(self.hierarchy.module(node).ty(cell).width());
        limbs[..count].copy_from_slice(&self.state[self.slot(node, cell)..][..count]);
    }

    fn read_u64(&self, node: NodeId, cell: CellId) -> u64 {
        self.state[self.slot(node, cell)]
    }

    fn read_memory(&self, node: NodeId, memory: MemoryId, address: u32, limbs: &mut [u64]) {
        let words = &self.memories[self.memory(node, memory)];
        match words.word(address.into()) {
            Some(word) => limbs[..word.len()].copy_from_slice(word),
            None => limbs[..limbs_for(words.width())].fill(0),
        }
    }

    fn write_memory(&mut self, node: NodeId, memory: MemoryId, address: u32, limbs: &[u64]) {
        let index = self.memory(node, memory);
        let words = &mut self.memories[index];
        let width = words.width();
        if let Some(word) = words.word_mut(address.into()) {
            let value = Value::from_limbs(width, limbs.iter().copied());
            word.copy_from_slice(value.limbs());
        }
    }

    fn set_register(&mut self, node: NodeId, cell: CellId, limbs: &[u64]) {
        assert!(self.hierarchy.module(node).cell(cell).is_sequential(), "{cell:?} of {node:?} holds no state");
        self.store(node, cell, limbs);
    }

    fn is_at_rest(&self, domains: DomainSet) -> bool {
        let mut changes = Vec::new();
        self.sample_before_writes(domains, &mut changes);
        if !changes.is_empty() || self.writes_change_something(domains) {
            return false;
        }
        // The memories stay as they are, so a read after the writes sees what is there now.
        let mut at_rest = true;
        for domain in domains.iter() {
            let reads = &self.program.domains[domain.index()].reads_after;
            self.sample_reads(reads, |slot, value| at_rest &= self.state[slot as usize] == value);
        }
        at_rest
    }

    fn restore_initial_state(&mut self) {
        self.state.copy_from_slice(&self.program.initial);
        self.memories.clone_from(&self.program.memories);
        self.resets = DomainSet::EMPTY;
    }
}
