//! Simulating a part of a record again.

use std::path::Path;

use systole_hdl::design::{DomainId, MemoryId};

use super::RecordError;
use super::chunk::{Fault, Location};
use super::cycles::{CycleChange, take_cycle, take_inputs};
use super::recording::{Recording, error_of};
use crate::compiled::Compiled;
use crate::engine::{DomainSet, Engine, limbs_for};
use crate::hierarchy::NodeId;
use crate::state;
use crate::trace::{Trace, TraceOptions};

impl Recording {
    /// Writes the waveform of the options' cycles to `path`, as a [`Trace`] would have done.
    ///
    /// # Errors
    /// If the record has none of the cycles, the trace cannot be made or written, or the record changes meanwhile.
    pub fn render(&self, path: impl AsRef<Path>, options: &TraceOptions) -> Result<(), RecordError> {
        self.check_window(options.from, options.to)?;
        let mut engine = Compiled::new(&self.design)?;
        let mut trace = Trace::create(path, &mut engine, options)?;
        match self.simulate(&mut engine, &mut trace, options) {
            Ok(()) => Ok(trace.finish()?),
            Err(error) => {
                trace.abandon();
                Err(error)
            }
        }
    }

    fn check_window(&self, from: u64, to: Option<u64>) -> Result<(), RecordError> {
        let (first, last) = self.cycles();
        if from > last || to.is_some_and(|to| to < first) { Err(RecordError::EmptyWindow { from, to, first, last }) } else { Ok(()) }
    }

    /// The content of a checked chunk.
    fn content(&self, place: &Location, limit: u64) -> Result<Vec<u8>, RecordError> {
        let content = place.read_again(&self.file).and_then(|block| place.content(&block, limit));
        content.map_err(|fault| self.changed(fault, place))
    }

    fn changed(&self, fault: Fault, place: &Location) -> RecordError {
        error_of(fault, &self.path, Some(place.header.first))
    }

    /// The domains whose edge began a checkpoint's cycle, and the state.
    fn checkpoint(&self, place: &Location) -> Result<(DomainSet, Vec<u64>), RecordError> {
        let content = self.content(place, self.limits.checkpoint)?;
        let (words, _) = content.as_chunks();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let domains = DomainSet::first(self.design.top_module().domains.len()).bits();
        let began = words.next().filter(|began| began & !domains == 0);
        let began = began.ok_or_else(|| self.changed(place.damaged("its domains are not the design's"), place))?;
        Ok((DomainSet::from_bits(began), words.collect()))
    }

    fn simulate(&self, engine: &mut Compiled, trace: &mut Trace, options: &TraceOptions) -> Result<(), RecordError> {
        let first = self.parts.partition_point(|part| part.first() <= options.from).saturating_sub(1);
        let to = options.to.unwrap_or(u64::MAX);
        let mut edges = DomainSet::EMPTY;
        for (index, part) in self.parts[first..].iter().take_while(|part| part.first() <= to).enumerate() {
            let (began, state) = self.checkpoint(&part.checkpoint)?;
            if index == 0 {
                trace.begin_at(part.first(), began);
            }
            // Also on the way: between cycles that are not next to each other the state has changed unseen.
            state::restore(engine, &state).expect("its size has been checked");
            for place in part.cycles.iter().take_while(|place| place.header.first <= to) {
                let content = self.content(place, self.limits.cycles)?;
                let mut rest = content.as_slice();
                for cycle in (place.header.first..=to).take(place.header.cycles as usize) {
                    let (change, inputs) = take_cycle(&mut rest).expect("the cycles have been checked");
                    apply(engine, &change);
                    edges = change.edges.map_or(edges, DomainSet::from_bits);
                    if inputs {
                        take_inputs(&mut rest, &self.widths, |port, limbs| engine.set_input(port, limbs));
                    }
                    engine.settle();
                    trace.observe(cycle, engine, edges)?;
                    engine.edge(edges);
                }
            }
        }
        Ok(())
    }
}

/// Puts what changed into an engine, but for inputs and edges.
fn apply(engine: &mut Compiled, change: &CycleChange) {
    if let Some(resets) = change.resets.map(DomainSet::from_bits) {
        let domains = engine.hierarchy().design().top_module().domains.len() as u32;
        (0..domains).map(DomainId).for_each(|domain| engine.set_reset(domain, resets.contains(domain)));
    }
    for words in &change.written {
        let (node, memory) = (NodeId(words.node), MemoryId(words.memory));
        let width = engine.hierarchy().module(node).memories[memory.index()].ty.width();
        for (address, word) in (words.first..).zip(words.limbs.chunks(limbs_for(width))) {
            engine.write_memory(node, memory, address, word);
        }
    }
}
