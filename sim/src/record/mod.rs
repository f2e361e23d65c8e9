//! A compact record of a run: what went into the top module, from which every signal can be had again.
//!
//! A [`Record`] watches a simulation as a [`Trace`](crate::trace::Trace) does, and writes into its file only the inputs, resets
//! and edges that changed, and words put into memories from outside. Now and then it adds a *checkpoint*: the state of all
//! registers and memories. [`Recording`] reads the file, and renders a waveform of any cycles by simulating them again from
//! the last checkpoint before them. The waveform is the one that a trace of the compiled engine would have written.
//!
//! - `chunk`: what the file consists of, and how it is protected. `cycles`: how cycles stand in a chunk.
//! - `recording`: reading and checking. `render`: simulating a part again.
//!
//! **Checkpoints.** The first stands at the beginning; another follows whenever the record has grown by [`GROWTH`] times the
//! size of one. So they are a small part of the record, and what has to be simulated again is in proportion to it.
//!
//! **Written in place.** A record grows under its name with `.partial` behind it, and takes its name when it is complete. A
//! process that is killed leaves what it had written there, and [`Recording`] reads it up to the last whole chunk of cycles, of
//! which each has at most [`CHUNK_CYCLES`]. Any other end completes the record or, after an error, removes it.
//!
//! **Protected.** Order, number and content of all chunks are under checksums that build on one another: a record from which
//! a part is missing, in which parts are exchanged or changed, or to which bytes were added, is refused with the place.

mod chunk;
mod cycles;
mod error;
mod recording;
mod render;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use systole_hdl::Value;
use systole_hdl::design::MemoryId;

pub use self::error::RecordError;
pub use self::recording::Recording;

use self::chunk::{Chunk, ChunkWriter, Kind};
use self::cycles::{CycleChange, Words, push_cycle, push_inputs};
use crate::engine::{DomainSet, Engine, resets};
use crate::files::{growing_file, growing_path};
use crate::hierarchy::NodeId;
use crate::observer::{Observer, ObserverError};
use crate::samples::Watch;
use crate::state::{self, state};

/// Sizes of a checkpoint by which the record grows until the next, both uncompressed.
pub const GROWTH: usize = 8;

/// The least that the record grows between two checkpoints, in bytes.
const LEAST_GROWTH: usize = 1 << 20;

/// Bytes of changes that are compressed together.
const CHUNK: usize = 1 << 18;

/// The most cycles of a chunk. A killed run loses the last, incomplete one, and the few that waited to be written.
pub const CHUNK_CYCLES: u64 = 4096;

/// Chunks that may wait to be written.
const WAITING: usize = 4;

/// A record being written. Attach it to a simulation as an [`Observer`], or call [`Record::observe`] each cycle.
///
/// Dropping a record completes its file as [`Record::finish`] does, but cannot tell of an error.
#[derive(Debug)]
pub struct Record {
    inputs: Watch,
    /// The inputs now and in the cycle before.
    now: Vec<u64>,
    before: Vec<u64>,
    resets: DomainSet,
    /// The cycle seen last and the domains whose edge ended it.
    last: Option<(u64, DomainSet)>,
    /// Words put into memories since then.
    written: Vec<Words>,
    /// Bytes of them, about.
    written_bytes: usize,
    /// Cycles not yet handed on, the first of them, and their changes.
    cycles: u64,
    first: u64,
    changes: Vec<u8>,
    /// Cycles in all.
    total: u64,
    /// Bytes of changes since the last checkpoint, and how many call for the next.
    growth: usize,
    next_checkpoint: usize,
    /// The growth that calls for a checkpoint, as it follows from the checkpoint's size, and as it is set otherwise.
    usual_growth: usize,
    set_growth: Option<usize>,
    path: PathBuf,
    /// `None` once writing is over, well or not.
    writer: Option<(SyncSender<Chunk>, JoinHandle<io::Result<()>>)>,
}

impl Record {
    /// Begins a record of the engine's design, which will appear at `path`, replacing what is there.
    ///
    /// # Errors
    /// If no file can be made there.
    pub fn create(path: impl AsRef<Path>, engine: &mut dyn Engine) -> Result<Record, RecordError> {
        let path = path.as_ref().to_path_buf();
        let create = |reason| RecordError::Create { path: path.clone(), reason };
        let mut file = growing_file(&path).map_err(create)?;
        let (chunks, waiting) = sync_channel::<Chunk>(WAITING);
        let (destination, design) = (path.clone(), engine.hierarchy().design().to_string());
        let work = move || {
            let mut out = ChunkWriter::start(file.as_file_mut())?;
            out.write(&Chunk { kind: Kind::Design, first: 0, cycles: 0, content: design.into_bytes() })?;
            waiting.into_iter().try_for_each(|chunk| out.write(&chunk))?;
            file.persist(destination).map_err(|failure| failure.error)?;
            Ok(())
        };
        let writer = Builder::new().name("record".to_string()).spawn(work).map_err(create)?;
        let signals: Vec<_> = engine.hierarchy().module(NodeId::TOP).inputs.iter().map(|port| (NodeId::TOP, port.cell)).collect();
        let inputs = engine.watch(&signals);
        let (now, before) = (vec![0; inputs.words()], vec![0; inputs.words()]);
        Ok(Record {
            inputs,
            now,
            before,
            resets: DomainSet::EMPTY,
            last: None,
            written: Vec::new(),
            written_bytes: 0,
            cycles: 0,
            first: 0,
            changes: Vec::new(),
            total: 0,
            growth: 0,
            next_checkpoint: 0,
            usual_growth: usual_growth(state::limbs(engine.hierarchy())),
            set_growth: None,
            path,
            writer: Some((chunks, writer)),
        })
    }

    /// Where a record that is to appear at `path` grows, and where a killed process leaves it: `.partial` behind the name.
    pub fn partial_path(path: impl AsRef<Path>) -> PathBuf {
        growing_path(path.as_ref())
    }

    /// Has a checkpoint follow whenever the record has grown by so many bytes, uncompressed.
    pub fn set_checkpoint_growth(&mut self, bytes: usize) {
        self.set_growth = Some(bytes);
    }

    /// Records a cycle: the engine has settled, and `edges` will end the cycle. Cycles ascend.
    ///
    /// # Errors
    /// If writing has failed; the record is then over, and further calls do nothing.
    pub fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), RecordError> {
        if self.writer.is_none() {
            return Ok(());
        }
        let last = self.last.replace((cycle, edges));
        let skipped = last.map_or(0, |(last, _)| cycle.saturating_sub(last + 1));
        // Skipped cycles have changed the state in unknown ways.
        let much = self.growth >= self.next_checkpoint || self.written_bytes >= self.usual_growth;
        let whole = last.is_none() || skipped > 0 || much;
        if whole {
            self.add_checkpoint(cycle, engine, last.filter(|_| skipped == 0).map_or(DomainSet::EMPTY, |(_, edges)| edges))?;
        }
        engine.sample(&self.inputs, &mut self.now);
        let (resets, before) = (resets(engine), std::mem::replace(&mut self.resets, resets(engine)));
        let start = self.changes.len();
        if self.cycles == 0 {
            self.first = cycle;
        }
        let change = CycleChange {
            edges: (whole || last.is_none_or(|(_, before)| before != edges)).then_some(edges.bits()),
            resets: (whole || before != resets).then_some(resets.bits()),
            written: std::mem::take(&mut self.written),
        };
        let inputs_changed = whole || self.now != self.before;
        push_cycle(&mut self.changes, &change, inputs_changed);
        if inputs_changed {
            // The samples hold more than the inputs.
            let end = self.changes.len();
            if !push_inputs(&mut self.changes, self.inputs.places(), &self.now, &self.before, whole) {
                self.changes.truncate(end);
                self.changes[start] &= !cycles::INPUTS;
            }
            std::mem::swap(&mut self.now, &mut self.before);
        }
        self.written_bytes = 0;
        self.growth += self.changes.len() - start;
        (self.cycles, self.total) = (self.cycles + 1, self.total + 1);
        if self.changes.len() >= CHUNK || self.cycles >= CHUNK_CYCLES { self.hand_on() } else { Ok(()) }
    }

    fn add_checkpoint(&mut self, cycle: u64, engine: &dyn Engine, began: DomainSet) -> Result<(), RecordError> {
        self.hand_on()?;
        let state = state(engine);
        self.next_checkpoint = self.set_growth.unwrap_or(self.usual_growth);
        self.growth = 0;
        // The state holds them.
        self.written.clear();
        let content = std::iter::once(began.bits()).chain(state).flat_map(u64::to_le_bytes).collect();
        self.send(Chunk { kind: Kind::Checkpoint, first: cycle, cycles: 0, content })
    }

    /// Notes words that have been put into a memory from outside, before the cycle in which that happened is recorded.
    pub fn memory_written(&mut self, (node, memory): (NodeId, MemoryId), first: u32, words: &[Value]) {
        // What was there at the beginning is in the first checkpoint.
        if self.last.is_some() {
            let limbs: Vec<u64> = words.iter().flat_map(|word| word.limbs().iter().copied()).collect();
            self.written_bytes += 8 * limbs.len() + 16;
            self.written.push(Words { node: node.index() as u32, memory: memory.index() as u32, first, limbs });
        }
    }

    fn hand_on(&mut self) -> Result<(), RecordError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let content = std::mem::replace(&mut self.changes, Vec::with_capacity(CHUNK + CHUNK / 8));
        let cycles = std::mem::take(&mut self.cycles);
        self.send(Chunk { kind: Kind::Cycles, first: self.first, cycles, content })
    }

    fn send(&mut self, chunk: Chunk) -> Result<(), RecordError> {
        match &self.writer {
            Some((chunks, _)) if chunks.send(chunk).is_err() => self.join(),
            _ => Ok(()),
        }
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// If writing failed, now or earlier; there is then no new file.
    pub fn finish(mut self) -> Result<(), RecordError> {
        self.complete()
    }

    fn complete(&mut self) -> Result<(), RecordError> {
        self.hand_on()?;
        let end = self.last.map_or(0, |(cycle, _)| cycle.saturating_add(1));
        self.send(Chunk { kind: Kind::End, first: end, cycles: self.total, content: Vec::new() })?;
        self.join()
    }

    fn join(&mut self) -> Result<(), RecordError> {
        let Some((chunks, writer)) = self.writer.take() else { return Ok(()) };
        drop(chunks);
        let result = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.map_err(|reason| RecordError::Write { path: self.path.clone(), reason })
    }
}

/// The growth that calls for a checkpoint, in bytes, if the state has so many words.
fn usual_growth(limbs: usize) -> usize {
    (GROWTH * limbs * 8).max(LEAST_GROWTH)
}

impl Observer for Record {
    fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), ObserverError> {
        Ok(Record::observe(self, cycle, engine, edges)?)
    }

    fn memory_written(&mut self, place: (NodeId, MemoryId), first: u32, words: &[Value]) {
        Record::memory_written(self, place, first, words);
    }

    fn finish(&mut self, _engine: &dyn Engine) -> Result<(), ObserverError> {
        Ok(self.complete()?)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Nobody is left to be told of an error; the file then does not appear.
        let _ = self.complete();
    }
}
