//! Waveforms: VCD and FST files of what a simulation does, written while it runs.
//!
//! A trace holds the instance tree as scopes, and in each scope the clock and reset of every domain, the ports and the
//! named cells of the instance. Unnamed cells are not traced.
//!
//! **Memories** appear on request, word by word: `buffer[0]`, `buffer[1]`, … See [`TraceOptions::memories`].
//!
//! **Signed numbers** are declared as integers, which viewers show with their sign.
//!
//! **Time.** A cycle lasts 10 units of 1 ns: cycle *c* begins at 10·*c* and shows the values that have settled in it. A
//! clock rises exactly where an edge of its domain began a cycle, and falls half a cycle later: so it is low in cycle 0,
//! which no edge began. A window of cycles is not shifted: its times are the simulation's.
//!
//! **States.** A register with named states appears with its bits under its own name. In VCD a text variable `<name>_name`
//! stands beside it; in FST the names are attached to the bits themselves, as an enumeration.
//!
//! **Fixed point** appears as bits and, on request, also as real numbers under `<name>_real`.
//!
//! **Signals that are one wire** (an instance's input and what feeds it) share one run of values, written once.
//!
//! **Names** that the formats or their viewers do not take are made safe, stably and without clashes: see
//! [`TraceOptions::scopes`].
//!
//! **Off the hot path.** The simulating thread only copies the signals, in blocks of the engine's memory; comparing with the
//! cycle before, formatting, compressing and writing happen in threads of the trace's own, fed through bounded channels.
//! Within one time, lines of a VCD file stand in the engine's order.
//!
//! **Whole files only.** A trace is written beside its destination and renamed when it is complete. That happens on
//! [`Trace::finish`] and when the trace is dropped, also by an error or a panic; a process that ends without dropping it
//! (a second interrupt, `exit`) leaves no file of the asked name, and any earlier file under that name as it was. What it leaves under the
//! name of an unfinished file is swept later: see [`crate::files`].

mod changes;
mod contents;
mod error;
mod fst;
mod jobs;
mod layout;
mod names;
mod selection;
mod sink;
mod vcd;
mod words;
mod writer;

use std::path::Path;

pub use self::error::TraceError;

use self::changes::{Cycle, Table};
use self::layout::{Signal, layout};
use self::words::Words;
use self::writer::Feed;
use crate::engine::{self, DomainSet, Engine};
use crate::observer::{Observer, ObserverError};
use crate::samples::{LINE_BYTES, LINE_WORDS, Place, Watch};

/// Written into the file's header. The same for each run, so that equal simulations give equal files.
const VERSION: &str = concat!("Systole ", env!("CARGO_PKG_VERSION"));

/// The time at which a cycle begins, in units of 1 ns. A simulation would run for millennia to reach the last.
fn start_of(cycle: u64) -> u64 {
    cycle.saturating_mul(10)
}

/// The most words that a memory may have to be traced whole.
pub const MEMORY_WORDS: u32 = 4096;

/// The most words of all memories that are traced whole.
pub const ALL_MEMORY_WORDS: u64 = 65_536;

/// Which format a trace has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TraceFormat {
    /// Value change dump, IEEE 1364: text, large, read by everything.
    Vcd,
    /// GTKWave's compressed format: a small fraction of the size, quick to open.
    #[default]
    Fst,
}

/// What a trace shows. The default is everything, in FST, without real numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TraceOptions {
    /// The file's format.
    pub format: TraceFormat,
    /// Which instances and signals: a pattern for paths that begin with the top module's name. `*` stands for any part of
    /// one name, `?` for one character, `[ab]` for one of several, `**` for any number of names. An instance that matches
    /// brings its signals and all instances in it; a signal that matches is shown by itself. `None` selects everything.
    ///
    /// Paths are taken as they stand in the file, where every character of a name but ASCII letters, digits, `_` and inner
    /// `$` has become `_`, and a number is appended to what would otherwise be a second thing of one name.
    ///
    /// What any of the patterns selects is shown; without patterns, everything.
    pub scopes: Vec<String>,
    /// Which memories to show, word by word: patterns as in `scopes`, for paths of memories or of instances, which bring all
    /// memories in them. `scopes` and `depth` do not bear on them.
    pub memories: Vec<String>,
    /// How many words of each memory to show at most, from address 0 on. `None` shows whole memories, of at most
    /// [`MEMORY_WORDS`] each and [`ALL_MEMORY_WORDS`] together.
    pub memory_words: Option<u32>,
    /// How many levels of instances, counted from those that `scopes` selects, or from the top: 1 shows the signals of the
    /// selected instances alone. At least 1; `None` shows all levels.
    pub depth: Option<u32>,
    /// First cycle shown.
    pub from: u64,
    /// Last cycle shown; `None` for all from the first on.
    pub to: Option<u64>,
    /// Whether fixed-point signals appear also as real numbers.
    pub reals: bool,
}

/// A waveform file being written. Attach it to a simulation as an [`Observer`], or call [`Trace::observe`] each cycle.
///
/// Dropping a trace completes its file as [`Trace::finish`] does, but cannot tell of an error.
#[derive(Debug)]
pub struct Trace {
    watch: Watch,
    words: Words,
    from: u64,
    to: u64,
    /// The cycle seen last and the domains whose edge ended it.
    last: Option<(u64, DomainSet)>,
    feed: Feed,
}

impl Trace {
    /// Begins a trace of the engine's design, which will appear at `path`, replacing what is there. Asks the engine to keep
    /// the selected signals at hand.
    ///
    /// # Errors
    /// If no file can be made there, or the options select nothing or contradict themselves.
    pub fn create(path: impl AsRef<Path>, engine: &mut dyn Engine, options: &TraceOptions) -> Result<Trace, TraceError> {
        let to = options.to.unwrap_or(u64::MAX);
        if to < options.from {
            return Err(TraceError::Window { from: options.from, to });
        }
        let layout = layout(engine.hierarchy(), options)?;
        let cell = |signal: &Signal| if let Signal::Cell(node, cell) = *signal { Some((node, cell)) } else { None };
        let cells: Vec<_> = layout.signals.iter().filter_map(cell).collect();
        let watch = engine.watch(&cells);
        let domains = layout.contents.domains;
        // A sample begins with a line for the resets of the domains, which are the first sources.
        let resets = (0..domains).map(|byte| Place { byte, bytes: 1, width: 1 });
        let mut watched = watch.places().iter().map(|place| Place { byte: LINE_BYTES + place.byte, ..*place });
        let mut words = Words::behind(LINE_WORDS + watch.words());
        let place = |(signal, width): (&Signal, &u32)| match *signal {
            Signal::Cell(..) => watched.next().expect("each cell is watched"),
            Signal::Word(node, memory, address) => words.add((node, memory, address), *width),
        };
        let signals: Vec<Place> = layout.signals.iter().zip(&layout.widths[domains..]).map(place).collect();
        let places = resets.chain(signals).enumerate().filter(|(source, _)| layout.contents.shows(*source));
        let table = Table::new(words.end(), places);
        let feed = Feed::start(path.as_ref(), options.format, layout.contents, table)?;
        Ok(Trace { watch, words, from: options.from, to, last: None, feed })
    }

    /// Shows a cycle, if it is in the window: the engine has settled, and `edges` will end the cycle. Cycles ascend.
    ///
    /// Cycles outside the window should be shown too, or at least the one before it: the edge that ends a cycle is the rise
    /// of a clock in the next.
    ///
    /// # Errors
    /// If writing has failed; the trace is then over, and further calls do nothing.
    pub fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), TraceError> {
        let before = self.last.replace((cycle, edges));
        if cycle < self.from || cycle > self.to {
            return Ok(());
        }
        let began = before.filter(|(last, _)| last + 1 == cycle).map_or(DomainSet::EMPTY, |(_, edges)| edges);
        let sample = self.feed.add(Cycle { cycle, began });
        let (resets, signals) = sample.split_at_mut(LINE_WORDS);
        resets.fill(0);
        for domain in engine::resets(engine).iter() {
            resets[domain.index() / 8] |= 1 << (domain.index() % 8 * 8);
        }
        let (signals, words) = signals.split_at_mut(self.watch.words());
        engine.sample(&self.watch, signals);
        self.words.sample(engine, words);
        self.feed.pass_on_if_full()
    }

    /// Says which edges ended the cycle before `cycle`, if that one is not shown.
    pub(crate) fn begin_at(&mut self, cycle: u64, began: DomainSet) {
        self.last = cycle.checked_sub(1).map(|last| (last, began));
    }

    /// Ends the trace without a file; any earlier one of its name stays.
    pub(crate) fn abandon(mut self) {
        self.feed.abandon();
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// If writing failed, now or earlier; there is then no new file.
    pub fn finish(mut self) -> Result<(), TraceError> {
        self.feed.finish()
    }
}

impl Observer for Trace {
    fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), ObserverError> {
        Ok(Trace::observe(self, cycle, engine, edges)?)
    }

    fn finish(&mut self, _engine: &dyn Engine) -> Result<(), ObserverError> {
        Ok(self.feed.finish()?)
    }
}
