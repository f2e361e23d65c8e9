//! A compact record of a run: what went into the top module, from which every signal can be had again.
//!
//! A [`Record`] watches a simulation as a [`Trace`](crate::trace::Trace) does, and writes into its file only the inputs, resets
//! and edges that changed, and words put into memories from outside. Now and then it adds a *checkpoint*: the state of all
//! registers and memories. [`Recording`] reads the file, and renders a waveform of any cycles by simulating them again from
//! the last checkpoint before them. The waveform is the one that a trace of the compiled engine would have written.
//!
//! - `format`: what stands in the file. `recording`: reading and rendering.
//!
//! **Checkpoints.** The first stands at the beginning; another follows whenever the record has grown by [`GROWTH`] times the
//! size of one. So they are a small part of the record, and what has to be simulated again is in proportion to it.
//!
//! **Whole files only**, as traces: see [`crate::trace`].

mod error;
mod format;
mod recording;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use systole_hdl::Value;
use systole_hdl::design::MemoryId;

pub use self::error::RecordError;
pub use self::recording::Recording;

use self::format::{Checkpoint, Chunk, CycleChange, Words};
use crate::engine::{DomainSet, Engine, resets};
use crate::files::unfinished_file;
use crate::hierarchy::NodeId;
use crate::observer::{Observer, ObserverError};
use crate::samples::{Place, Watch};
use crate::state::state;

/// Sizes of a checkpoint by which the record grows until the next, both uncompressed.
pub const GROWTH: usize = 8;

/// The least that the record grows between two checkpoints, in bytes.
const LEAST_GROWTH: usize = 1 << 20;

/// Bytes of changes that are compressed together.
const CHUNK: usize = 1 << 18;

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
    changes: Vec<u8>,
    /// Bytes of changes since the last checkpoint, and how many call for the next.
    growth: usize,
    next_checkpoint: usize,
    /// The growth that calls for a checkpoint, if it does not follow from the checkpoint's size.
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
        let mut file = unfinished_file(&path).map_err(create)?;
        let (chunks, waiting) = sync_channel::<Chunk>(WAITING);
        let (destination, design) = (path.clone(), engine.hierarchy().design().to_string());
        let work = move || {
            let out = file.as_file_mut();
            out.write_all(format::FIRST_LINE)?;
            let all = std::iter::once(Chunk::Design(design)).chain(waiting).chain([Chunk::End]);
            all.into_iter().try_for_each(|chunk| format::write(&chunk, out))?;
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
            changes: Vec::new(),
            growth: 0,
            next_checkpoint: 0,
            set_growth: None,
            path,
            writer: Some((chunks, writer)),
        })
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
        let whole = last.is_none() || skipped > 0 || self.growth >= self.next_checkpoint;
        if whole {
            self.add_checkpoint(cycle, engine, last.filter(|_| skipped == 0).map_or(DomainSet::EMPTY, |(_, edges)| edges))?;
        }
        engine.sample(&self.inputs, &mut self.now);
        let (resets, before) = (resets(engine), std::mem::replace(&mut self.resets, resets(engine)));
        let start = self.changes.len();
        let change = CycleChange {
            edges: (whole || last.is_none_or(|(_, before)| before != edges)).then_some(edges.bits()),
            resets: (whole || before != resets).then_some(resets.bits()),
            written: std::mem::take(&mut self.written),
        };
        let inputs_changed = whole || self.now != self.before;
        format::push_cycle(&mut self.changes, &change, inputs_changed);
        if inputs_changed {
            // The samples hold more than the inputs.
            let end = self.changes.len();
            if !push_inputs(&mut self.changes, self.inputs.places(), &self.now, &self.before, whole) {
                self.changes.truncate(end);
                self.changes[start] &= !format::INPUTS;
            }
            std::mem::swap(&mut self.now, &mut self.before);
        }
        self.growth += self.changes.len() - start;
        if self.changes.len() >= CHUNK { self.hand_on() } else { Ok(()) }
    }

    fn add_checkpoint(&mut self, cycle: u64, engine: &dyn Engine, began: DomainSet) -> Result<(), RecordError> {
        self.hand_on()?;
        let state = state(engine);
        self.next_checkpoint = self.set_growth.unwrap_or((GROWTH * state.len() * 8).max(LEAST_GROWTH));
        self.growth = 0;
        // The state holds them.
        self.written.clear();
        self.send(Chunk::Checkpoint(Checkpoint { cycle, began: began.bits(), state }))
    }

    /// Notes words that have been put into a memory from outside, before the cycle in which that happened is recorded.
    pub fn memory_written(&mut self, (node, memory): (NodeId, MemoryId), first: u32, words: &[Value]) {
        // What was there at the beginning is in the first checkpoint.
        if self.last.is_some() {
            let limbs = words.iter().flat_map(|word| word.limbs().iter().copied()).collect();
            self.written.push(Words { node: node.index() as u32, memory: memory.index() as u32, first, limbs });
        }
    }

    fn hand_on(&mut self) -> Result<(), RecordError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let changes = std::mem::replace(&mut self.changes, Vec::with_capacity(CHUNK + CHUNK / 8));
        self.send(Chunk::Cycles(changes))
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
        self.join()
    }

    fn join(&mut self) -> Result<(), RecordError> {
        let Some((chunks, writer)) = self.writer.take() else { return Ok(()) };
        drop(chunks);
        let result = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.map_err(|reason| RecordError::Write { path: self.path.clone(), reason })
    }
}

/// Which inputs changed, a bit each, and the bytes of their values. Answers whether any did.
fn push_inputs(out: &mut Vec<u8>, places: &[Place], now: &[u64], before: &[u64], all: bool) -> bool {
    let mask = out.len();
    out.resize(mask + places.len().div_ceil(8), 0);
    for (index, place) in places.iter().enumerate() {
        if place.width > 64 {
            let limbs = place.byte / 8..(place.byte + place.bytes) / 8;
            if all || now[limbs.clone()] != before[limbs.clone()] {
                out[mask + index / 8] |= 1 << (index % 8);
                now[limbs].iter().for_each(|limb| out.extend_from_slice(&limb.to_le_bytes()));
            }
            continue;
        }
        let of = |sample: &[u64]| sample[place.byte / 8] >> (place.byte % 8 * 8) & u64::MAX >> (64 - place.width);
        let value = of(now);
        if all || value != of(before) {
            out[mask + index / 8] |= 1 << (index % 8);
            // The bytes behind the last are taken back.
            let end = out.len() + place.width.div_ceil(8) as usize;
            out.extend_from_slice(&value.to_le_bytes());
            out.truncate(end);
        }
    }
    out[mask..][..places.len().div_ceil(8)].iter().any(|bits| *bits != 0)
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
