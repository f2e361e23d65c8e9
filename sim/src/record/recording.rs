//! Reading a record, and simulating a part of it again.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use systole_hdl::Design;
use systole_hdl::design::{DomainId, MemoryId};

use super::RecordError;
use super::format::{self, Checkpoint, Chunk, CycleChange, Damage};
use crate::compiled::Compiled;
use crate::engine::{DomainSet, Engine, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};
use crate::state;
use crate::trace::{Trace, TraceOptions};

/// A record that has been read and is known to be whole.
#[derive(Debug)]
pub struct Recording {
    design: Arc<Design>,
    /// At least one, with at least one cycle, in order.
    parts: Vec<Part>,
}

/// A checkpoint and the cycles after it.
#[derive(Debug)]
struct Part {
    checkpoint: Checkpoint,
    cycles: Vec<u8>,
    /// The last of them.
    last: u64,
}

impl Recording {
    /// Reads a record whole.
    ///
    /// # Errors
    /// If the file cannot be read or is not a whole, undamaged record of a known version.
    pub fn read(path: impl AsRef<Path>) -> Result<Recording, RecordError> {
        let path = path.as_ref();
        let io = |reason| RecordError::Read { path: path.to_path_buf(), reason };
        let damaged = |what: &str| RecordError::Damaged { path: path.to_path_buf(), what: what.to_string() };
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        check_first_line(&mut file, path)?;
        let mut next = || {
            format::read(&mut file).map_err(|damage| match damage {
                Damage::Cut => RecordError::Cut { path: path.to_path_buf() },
                Damage::Spoilt => damaged("a checksum does not fit"),
                Damage::Io(reason) => io(reason),
            })
        };
        let Chunk::Design(text) = next()? else { return Err(damaged("it does not begin with the design")) };
        let design = Design::parse(&text).map_err(|errors| {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            damaged(&format!("its design does not read, {first}"))
        })?;
        if let Some(violation) = design.validate().err().and_then(|all| all.into_iter().next()) {
            return Err(damaged(&format!("its design is not valid, {violation}")));
        }
        let design = Arc::new(design);
        let mut parts: Vec<Part> = Vec::new();
        loop {
            match (next()?, parts.last_mut()) {
                (Chunk::Checkpoint(checkpoint), _) => parts.push(Part { last: checkpoint.cycle, checkpoint, cycles: Vec::new() }),
                (Chunk::Cycles(more), Some(part)) => part.cycles.extend_from_slice(&more),
                (Chunk::End, _) => break,
                (Chunk::Design(_) | Chunk::Cycles(_), _) => return Err(damaged("its parts are out of order")),
            }
        }
        parts.retain(|part| !part.cycles.is_empty());
        if parts.is_empty() {
            return Err(RecordError::NoCycles { path: path.to_path_buf() });
        }
        let mut recording = Recording { design, parts };
        recording.check().ok_or_else(|| damaged("it does not fit its design"))?;
        Ok(recording)
    }

    /// Whether everything fits the design, so that it can be simulated; counts the cycles.
    fn check(&mut self) -> Option<()> {
        let hierarchy = Hierarchy::of(&self.design).ok()?;
        let top = self.design.top_module();
        let domains = DomainSet::first(top.domains.len()).bits();
        let widths: Vec<u32> = top.inputs.iter().map(|input| top.ty(input.cell).width()).collect();
        let (limbs, mut end) = (state::limbs(&hierarchy), 0);
        for part in &mut self.parts {
            let Checkpoint { cycle, began, state } = &part.checkpoint;
            if state.len() != limbs || *cycle < end || began & !domains != 0 {
                return None;
            }
            (part.last, end) = (*cycle, *cycle);
            let mut rest = part.cycles.as_slice();
            while !rest.is_empty() {
                let (change, inputs) = format::take_cycle(&mut rest)?;
                let known = [change.edges, change.resets].into_iter().flatten().all(|set| set & !domains == 0);
                let fits = change.written.iter().all(|words| {
                    let node = (words.node as usize) < hierarchy.nodes().len();
                    let module = node.then(|| hierarchy.module(NodeId(words.node)));
                    let memory = module.and_then(|module| module.memories.get(words.memory as usize));
                    memory.is_some_and(|memory| words.limbs.len().is_multiple_of(limbs_for(memory.ty.width())))
                });
                if !known || !fits || inputs && !take_inputs(&mut rest, &widths, |_, _| {}) {
                    return None;
                }
                (part.last, end) = (end, end.checked_add(1)?);
            }
        }
        Some(())
    }

    /// The recorded design.
    pub fn design(&self) -> &Arc<Design> {
        &self.design
    }

    /// First and last recorded cycle.
    pub fn cycles(&self) -> (u64, u64) {
        (self.parts[0].checkpoint.cycle, self.parts[self.parts.len() - 1].last)
    }

    /// Writes the waveform of the options' cycles to `path`, as a [`Trace`] would have done.
    ///
    /// # Errors
    /// If the record has none of the cycles, or the trace cannot be made or written.
    pub fn render(&self, path: impl AsRef<Path>, options: &TraceOptions) -> Result<(), RecordError> {
        self.check_window(options.from, options.to)?;
        let mut engine = Compiled::new(&self.design)?;
        let mut trace = Trace::create(path, &mut engine, options)?;
        let rendered = self.simulate(&mut engine, &mut trace, options);
        trace.finish()?;
        rendered
    }

    fn check_window(&self, from: u64, to: Option<u64>) -> Result<(), RecordError> {
        let (first, last) = self.cycles();
        if from > last || to.is_some_and(|to| to < first) { Err(RecordError::EmptyWindow { from, to, first, last }) } else { Ok(()) }
    }

    fn simulate(&self, engine: &mut Compiled, trace: &mut Trace, options: &TraceOptions) -> Result<(), RecordError> {
        let first = self.parts.partition_point(|part| part.checkpoint.cycle <= options.from).saturating_sub(1);
        let to = options.to.unwrap_or(u64::MAX);
        let top = self.design.top_module();
        let widths: Vec<u32> = top.inputs.iter().map(|input| top.ty(input.cell).width()).collect();
        let Checkpoint { cycle, began, .. } = &self.parts[first].checkpoint;
        trace.begin_at(*cycle, DomainSet::from_bits(*began));
        let mut edges = DomainSet::EMPTY;
        for part in self.parts[first..].iter().take_while(|part| part.checkpoint.cycle <= to) {
            // Also on the way: between cycles that are not next to each other the state has changed unseen.
            state::restore(engine, &part.checkpoint.state).expect("its size has been checked");
            let mut cycle = part.checkpoint.cycle;
            let mut rest = part.cycles.as_slice();
            while !rest.is_empty() && cycle <= to {
                let (change, inputs) = format::take_cycle(&mut rest).expect("the cycles have been checked");
                apply(engine, &change);
                edges = change.edges.map_or(edges, DomainSet::from_bits);
                if inputs {
                    take_inputs(&mut rest, &widths, |port, limbs| engine.set_input(port, limbs));
                }
                engine.settle();
                trace.observe(cycle, engine, edges)?;
                engine.edge(edges);
                cycle += 1;
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

/// Takes changed inputs off the front, and gives `set` the port and its limbs; whether they are whole.
fn take_inputs(cycles: &mut &[u8], widths: &[u32], mut set: impl FnMut(usize, &[u64])) -> bool {
    let Some(mask) = cycles.split_off(..widths.len().div_ceil(8)) else { return false };
    let mut limbs = Vec::new();
    for (port, &width) in widths.iter().enumerate().filter(|(port, _)| mask[port / 8] >> (port % 8) & 1 == 1) {
        let bytes = if width > 64 { limbs_for(width) * 8 } else { width.div_ceil(8) as usize };
        let Some(bytes) = cycles.split_off(..bytes) else { return false };
        limbs.clear();
        limbs.extend(bytes.chunks(8).map(|limb| limb.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))));
        set(port, &limbs);
    }
    true
}

/// Reads the first line, which has to be this version's.
fn check_first_line(file: &mut impl Read, path: &Path) -> Result<(), RecordError> {
    let path = || path.to_path_buf();
    let mut line = Vec::new();
    file.take(format::FIRST_LINE.len() as u64).read_to_end(&mut line).map_err(|reason| RecordError::Read { path: path(), reason })?;
    match line.strip_prefix(format::SIGNATURE) {
        None => Err(RecordError::NotARecord { path: path() }),
        Some(_) if line == format::FIRST_LINE => Ok(()),
        Some(version) => {
            let found = String::from_utf8_lossy(version).trim().to_string();
            Err(RecordError::Version { path: path(), found, known: format::VERSION })
        }
    }
}
