//! The user's view of a running circuit: ports, time, memories, streams, counts.
//!
//! A cycle is a tick of the simulation: everything settles, is looked at, and the edges of the domains that are due end it.
//! What is read belongs to the current, settled cycle: after `set`, combinational outputs follow at once; after `step`,
//! registers show what they took at the edge.

mod batch;
mod error;
mod handles;
mod run;
mod streams;

use std::collections::BTreeMap;
use std::sync::Arc;

use systole_hdl::{Design, Value};

pub use self::batch::{Batch, Stimulus};
pub use self::error::{RunError, SimError};
pub use self::handles::{InputPort, Memory, OutputPort, Signal, SinkHandle, SourceHandle};
pub use self::run::{Attached, Progress};

use self::run::{Attachments, Watch};
use crate::clocks::{Clock, Clocks};
use crate::compiled::Compiled;
use crate::counters::{Counters, HighWater, StreamCount};
use crate::engine::{BuildError, Engine, limbs_for, read_value};
use crate::hierarchy::{Hierarchy, NodeId, nearest};
use crate::lockstep::Lockstep;
use crate::probes::Probes;
use crate::reference::Reference;
use crate::streams::{Sink, Source};
use crate::values::IntoValue;

/// Which engine runs the circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EngineKind {
    /// The interpreter.
    Reference,
    /// Equal instances together, in lanes.
    #[default]
    Compiled,
    /// Both, compared in every cycle: a run stops at the first difference. Slower than the interpreter alone.
    Lockstep,
}

impl EngineKind {
    /// Makes an engine of this kind for a valid design. Not settled yet.
    ///
    /// # Errors
    /// If the design is too large or has a combinational loop.
    pub fn make(self, design: &Arc<Design>) -> Result<Box<dyn Engine>, BuildError> {
        Ok(match self {
            EngineKind::Reference => Box::new(Reference::new(design)?),
            EngineKind::Compiled => Box::new(Compiled::new(design)?),
            EngineKind::Lockstep => Box::new(Lockstep::new(design)?),
        })
    }
}

/// How to simulate.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine.
    pub engine: EngineKind,
    /// Count every stream and FIFO level. Costs a few reads a cycle for each.
    pub count_streams: bool,
    /// Clocks by domain name (the default domain's is empty); domains that are not named have an edge in every cycle.
    pub clocks: BTreeMap<String, Clock>,
    /// Cycles without any transfer after which a run with work left is called a deadlock, even if something still changes.
    /// `None` derives it from the design's memories and the stall patterns. A state that provably never changes again is
    /// found sooner.
    pub deadlock_window: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options { engine: EngineKind::default(), count_streams: true, clocks: BTreeMap::new(), deadlock_window: None }
    }
}

/// The design breaks no rule of the netlist.
fn check(design: &Design) -> Result<(), SimError> {
    design.validate().map_err(|violations| SimError::Invalid {
        first: violations.first().map(ToString::to_string).unwrap_or_default(),
        others: violations.len().saturating_sub(1),
    })
}

/// A running circuit.
pub struct Simulator {
    engine: Box<dyn Engine>,
    clocks: Clocks,
    /// Cycles ended so far.
    cycle: u64,
    /// Whether something was set since everything last settled.
    unsettled: bool,
    sources: Vec<Source>,
    sinks: Vec<Sink>,
    /// By input port of the top module: the stream whose driver sets it.
    driven: Vec<Option<String>>,
    counters: Option<Counters>,
    attachments: Attachments,
    watch: Watch,
}

impl Simulator {
    /// Makes a simulation of a design, in its initial state.
    ///
    /// # Errors
    /// If the design is not valid or too large, or the options name a clock domain that it does not have.
    pub fn new(design: &Design, options: Options) -> Result<Simulator, SimError> {
        check(design)?;
        let design = Arc::new(design.clone());
        Simulator::with_engine(options.engine.make(&design)?, &options)
    }

    /// Makes a simulation on an engine that exists already; `options.engine` has no effect.
    ///
    /// # Errors
    /// If the options name a clock domain that the design does not have.
    pub fn with_engine(mut engine: Box<dyn Engine>, options: &Options) -> Result<Simulator, SimError> {
        let top = engine.hierarchy().module(NodeId::TOP);
        let clocks = Clocks::new(&top.domains, &options.clocks)?;
        let driven = vec![None; top.inputs.len()];
        let largest_memory = engine.hierarchy().design().modules.iter().flat_map(|m| &m.memories).map(|m| m.depth).max().unwrap_or(0);
        let watch = Watch::new(options.deadlock_window, largest_memory);
        let counters = options.count_streams.then(|| Counters::new(Probes::of(engine.hierarchy()))).filter(|counters| !counters.is_empty());
        if let Some(counters) = &counters {
            engine.keep(&counters.signals());
        }
        Ok(Simulator {
            engine,
            clocks,
            cycle: 0,
            unsettled: true,
            sources: Vec::new(),
            sinks: Vec::new(),
            driven,
            counters,
            attachments: Attachments::default(),
            watch,
        })
    }

    /// The instance tree, which also holds the design.
    pub fn hierarchy(&self) -> &Hierarchy {
        self.engine.hierarchy()
    }

    /// The number of the current cycle: how many have ended since the start.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// The engine in the current, settled cycle, for reading many signals.
    pub fn engine(&mut self) -> &dyn Engine {
        self.settle();
        &*self.engine
    }

    /// An input port of the top module.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn input(&self, name: &str) -> Result<InputPort, SimError> {
        let top = self.hierarchy().module(NodeId::TOP);
        let found = top.inputs.iter().position(|port| port.name == name);
        let index = found.ok_or_else(|| self.no_port("input", name, top.inputs.iter().map(|port| port.name.as_str())))?;
        let cell = top.inputs[index].cell;
        Ok(InputPort { index, cell, ty: top.ty(cell) })
    }

    /// An output port of the top module.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn output(&self, name: &str) -> Result<OutputPort, SimError> {
        let top = self.hierarchy().module(NodeId::TOP);
        let found = top.outputs.iter().find(|port| port.name == name);
        let port = found.ok_or_else(|| self.no_port("output", name, top.outputs.iter().map(|port| port.name.as_str())))?;
        Ok(OutputPort { cell: port.value, ty: top.ty(port.value) })
    }

    fn no_port<'a>(&self, direction: &'static str, name: &str, names: impl Iterator<Item = &'a str>) -> SimError {
        let module = self.hierarchy().name(NodeId::TOP).to_string();
        SimError::NoPort { module, direction, name: name.to_string(), suggestions: nearest(name, names) }
    }

    /// Any signal by its path, such as `array.pe_0_0.acc`.
    ///
    /// # Errors
    /// If the path leads nowhere.
    pub fn signal(&self, path: &str) -> Result<Signal, SimError> {
        let (node, cell) = self.hierarchy().find_signal(path)?;
        Ok(Signal { node, cell, ty: self.hierarchy().module(node).ty(cell) })
    }

    /// A memory by its path, such as `weights.bank_0`.
    ///
    /// # Errors
    /// If the path leads nowhere.
    pub fn memory(&self, path: &str) -> Result<Memory, SimError> {
        let (node, memory) = self.hierarchy().find_memory(path)?;
        let definition = &self.hierarchy().module(node).memories[memory.index()];
        Ok(Memory { node, memory, ty: definition.ty, depth: definition.depth })
    }

    /// Drives an input port from the current cycle on.
    ///
    /// # Errors
    /// If the value does not fit the port's type, or a stream driver drives the port.
    pub fn set(&mut self, port: InputPort, value: impl IntoValue) -> Result<(), SimError> {
        let name = || self.hierarchy().module(NodeId::TOP).inputs[port.index].name.to_string();
        if let Some(stream) = &self.driven[port.index] {
            return Err(SimError::Driven { port: name(), stream: stream.clone() });
        }
        let value = value.into_value(port.ty).map_err(|error| SimError::DoesNotFit { place: name(), error })?;
        self.engine.set_input(port.index, value.limbs());
        self.touched();
        Ok(())
    }

    /// The value of a signal in the current cycle.
    pub fn get(&mut self, signal: impl Into<Signal>) -> Value {
        let signal = signal.into();
        self.settle();
        read_value(&*self.engine, signal.node, signal.cell)
    }

    /// The number a signal stands for by its type, in units of the last place for fixed point.
    ///
    /// # Errors
    /// If it does not fit an `i64`.
    pub fn get_i64(&mut self, signal: impl Into<Signal>) -> Result<i64, SimError> {
        let signal = signal.into();
        let number = self.get(signal).to_number(signal.ty);
        i64::try_from(&number).map_err(|_| self.too_large(signal, number.to_string(), "i64"))
    }

    /// The number a signal stands for by its type, in units of the last place for fixed point.
    ///
    /// # Errors
    /// If it is negative or does not fit a `u64`.
    pub fn get_u64(&mut self, signal: impl Into<Signal>) -> Result<u64, SimError> {
        let signal = signal.into();
        let number = self.get(signal).to_number(signal.ty);
        u64::try_from(&number).map_err(|_| self.too_large(signal, number.to_string(), "u64"))
    }

    fn too_large(&self, signal: Signal, value: String, wanted: &'static str) -> SimError {
        SimError::TooLarge { signal: self.hierarchy().signal_path(signal.node, signal.cell), value, wanted }
    }

    /// The value of a signal by its path, once; for repeated reads take a [`Simulator::signal`] handle.
    ///
    /// # Errors
    /// If the path leads nowhere.
    pub fn peek(&mut self, path: &str) -> Result<Value, SimError> {
        let signal = self.signal(path)?;
        Ok(self.get(signal))
    }

    /// A word of a memory as it stands in the current cycle.
    ///
    /// # Errors
    /// If the address is outside.
    pub fn read_word(&self, memory: Memory, address: u32) -> Result<Value, SimError> {
        self.check_address(memory, address.into())?;
        let mut limbs = vec![0; limbs_for(memory.ty.width())];
        self.engine.read_memory(memory.node, memory.memory, address, &mut limbs);
        Ok(Value::from_limbs(memory.ty.width(), limbs))
    }

    /// Puts words into a memory from `first` on, in the current cycle, as if they had always been there.
    ///
    /// # Errors
    /// If a word does not fit the memory's type or an address is outside; no word has been put then.
    pub fn load<V: IntoValue>(&mut self, memory: Memory, first: u32, words: impl IntoIterator<Item = V>) -> Result<(), SimError> {
        let place = |address: u64| format!("{}[{address}]", self.memory_path(memory));
        let fit = |(address, word): (u64, V)| {
            self.check_address(memory, address)?;
            word.into_value(memory.ty).map_err(|error| SimError::DoesNotFit { place: place(address), error })
        };
        let words: Vec<Value> = (u64::from(first)..).zip(words).map(fit).collect::<Result<_, _>>()?;
        for (address, word) in (first..).zip(&words) {
            self.engine.write_memory(memory.node, memory.memory, address, word.limbs());
        }
        self.attachments.memory_written((memory.node, memory.memory), first, &words);
        self.touched();
        Ok(())
    }

    fn check_address(&self, memory: Memory, address: u64) -> Result<(), SimError> {
        if address < memory.depth.into() {
            return Ok(());
        }
        Err(SimError::Address { memory: self.memory_path(memory), address, depth: memory.depth })
    }

    fn memory_path(&self, memory: Memory) -> String {
        self.hierarchy().path_of(memory.node, &self.hierarchy().module(memory.node).memories[memory.memory.index()].name)
    }

    /// What happened on every stream so far, outermost modules first. Empty if counting is off.
    pub fn stream_counts(&self) -> Vec<StreamCount> {
        self.counters.as_ref().map_or_else(Vec::new, |counters| counters.streams(self.hierarchy()))
    }

    /// How full every FIFO became so far. Empty if counting is off.
    pub fn high_water_marks(&self) -> Vec<HighWater> {
        self.counters.as_ref().map_or_else(Vec::new, |counters| counters.levels(self.hierarchy()))
    }

    /// Starts counting streams and levels anew, for measuring a part of a run.
    pub fn clear_counts(&mut self) {
        if let Some(counters) = &mut self.counters {
            counters.clear();
        }
    }

    /// Something was changed from outside: signals must settle again, and a circuit that stood still may move.
    fn touched(&mut self) {
        self.unsettled = true;
        self.watch.something_moved(self.cycle);
    }

    fn settle(&mut self) {
        if self.unsettled {
            self.drive_streams();
            self.engine.settle();
            self.unsettled = false;
        }
    }
}
