//! Many independent stimuli of one design in one simulation.
//!
//! The compiled engine evaluates equal instances together, and a small array or a controller leaves most of what the processor
//! can do at once unused. A [`Batch`] fills it: copies of the design, the *stimuli*, side by side in a top module of their own that
//! brings out the ports of each. They share clocks and resets, and nothing else.
//!
//! **Invariant.** In the top module, the cells of stimulus *n* are those of stimulus 0 moved by *n* times their number, and so
//! are its ports; its instances are those of stimulus 0 moved by *n* times the size of the design's instance tree. So one handle
//! is good for all stimuli.

use systole_hdl::design::{
    Cell, CellInfo, DomainId, InputPort as InputDefinition, Instance, InstanceId, OutputPort as OutputDefinition, StreamDirection,
    StreamProbe,
};
use systole_hdl::{CellId, Design, ModuleDef, Type, Value};

use super::{InputPort, Memory, Options, OutputPort, RunError, Signal, SimError, Simulator, SinkHandle, SourceHandle};
use crate::engine::BuildError;
use crate::hierarchy::{MAX_INSTANCES, NodeId, TooManyInstances, nearest};
use crate::streams::StallPattern;
use crate::values::IntoValue;

/// A simulation of several independent stimuli of one design.
///
/// ```
/// use systole_hdl::prelude::*;
/// use systole_sim::{Batch, Options};
///
/// #[derive(Debug)]
/// struct Counter;
/// bundle! { struct CounterIn { step: Signal } }
/// bundle! { struct CounterOut { count: Signal } }
///
/// impl Component for Counter {
///     type In = CounterIn;
///     type Out = CounterOut;
///     fn inputs(&self) -> CounterIn {
///         CounterIn { step: port(Type::u(8)) }
///     }
///     fn build(&self, m: Module, i: CounterIn) -> CounterOut {
///         let count = m.reg("count", Type::u(8));
///         count.next(count + i.step);
///         CounterOut { count: *count }
///     }
/// }
///
/// let mut batch = Batch::new(&elaborate(&Counter)?, 4, Options::default())?;
/// let (step, count) = (batch.input("step")?, batch.output("count")?);
/// for stimulus in 0..4 {
///     batch.stimulus(stimulus)?.set(step, stimulus)?;
/// }
/// batch.simulator().step(10)?;
/// assert_eq!(batch.stimulus(3)?.get_u64(count)?, 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Batch {
    simulator: Simulator,
    shape: Shape,
}

/// How the stimuli lie in the simulation.
#[derive(Clone, Copy, Debug)]
struct Shape {
    stimuli: usize,
    /// Of one stimulus: input ports, cells in the top module, instances.
    inputs: usize,
    cells: u32,
    nodes: u32,
}

/// One stimulus of a [`Batch`].
pub struct Stimulus<'a> {
    simulator: &'a mut Simulator,
    shape: Shape,
    number: u32,
}

impl Batch {
    /// Makes a simulation of `stimuli` copies of a design, all in the initial state.
    ///
    /// # Errors
    /// As [`Simulator::new`]; if there are no stimuli or too many to number their instances and ports.
    pub fn new(design: &Design, stimuli: usize, options: Options) -> Result<Batch, SimError> {
        if stimuli == 0 {
            return Err(SimError::NoStimuli);
        }
        super::check(design)?;
        let top = design.top_module();
        let (ports, instances) = (top.inputs.len() + top.outputs.len(), design.statistics().instances);
        let count = |of_one: u64| (stimuli as u64).saturating_mul(of_one);
        if count(instances) >= MAX_INSTANCES {
            return Err(BuildError::from(TooManyInstances { instances: count(instances) }).into());
        }
        if count(ports as u64) >= MAX_INSTANCES {
            return Err(BuildError::TooManySignals { limbs: count(ports as u64) }.into());
        }
        let shape = Shape { stimuli, inputs: top.inputs.len(), cells: ports as u32, nodes: instances as u32 };
        Ok(Batch { simulator: Simulator::new(&side_by_side(design, stimuli), options)?, shape })
    }

    /// How many stimuli there are.
    pub fn stimuli(&self) -> usize {
        self.shape.stimuli
    }

    /// The simulation underneath, for all that stimuli have in common: time, resets, observers, and drivers by their handles. Its
    /// paths begin with the stimulus: `stimulus_2.array.pe_0_0.acc`; a stream at the border is counted there and as a port of
    /// the top module, `stimulus_2_a`.
    pub fn simulator(&mut self) -> &mut Simulator {
        &mut self.simulator
    }

    /// One stimulus, to set and read.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn stimulus(&mut self, number: usize) -> Result<Stimulus<'_>, SimError> {
        if number >= self.shape.stimuli {
            return Err(SimError::NoStimulus { number, stimuli: self.shape.stimuli });
        }
        Ok(Stimulus { simulator: &mut self.simulator, shape: self.shape, number: number as u32 })
    }

    /// An input port of the design, for any stimulus.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn input(&self, name: &str) -> Result<InputPort, SimError> {
        let module = self.definition();
        let found = module.inputs.iter().position(|port| port.name == name);
        let names = module.inputs.iter().map(|port| port.name.as_str());
        let index = found.ok_or_else(|| no_port(module, "input", name, names))?;
        Ok(InputPort { index, cell: CellId(index as u32), ty: module.ty(module.inputs[index].cell) })
    }

    /// An output port of the design, for any stimulus.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn output(&self, name: &str) -> Result<OutputPort, SimError> {
        let module = self.definition();
        let found = module.outputs.iter().position(|port| port.name == name);
        let names = module.outputs.iter().map(|port| port.name.as_str());
        let index = found.ok_or_else(|| no_port(module, "output", name, names))?;
        Ok(OutputPort { cell: CellId((module.inputs.len() + index) as u32), ty: module.ty(module.outputs[index].value) })
    }

    /// Any signal of the design by its path below the top, such as `array.pe_0_0.acc`, for any stimulus.
    ///
    /// # Errors
    /// If the path leads nowhere.
    pub fn signal(&self, path: &str) -> Result<Signal, SimError> {
        self.simulator.signal(&format!("{}.{path}", name(0)))
    }

    /// A memory of the design by its path below the top, such as `weights.bank_0`, for any stimulus.
    ///
    /// # Errors
    /// If the path leads nowhere.
    pub fn memory(&self, path: &str) -> Result<Memory, SimError> {
        self.simulator.memory(&format!("{}.{path}", name(0)))
    }

    /// Runs until `done` has held in a settled cycle for every stimulus, not necessarily the same cycle for all; returns how many
    /// cycles that took. A stimulus for which it has held is not asked again, and runs on.
    ///
    /// # Errors
    /// As [`Simulator::run_until`].
    pub fn run_until(&mut self, mut done: impl FnMut(&mut Stimulus) -> bool, limit: u64) -> Result<u64, RunError> {
        let shape = self.shape;
        let mut waiting: Vec<u32> = (0..shape.stimuli as u32).collect();
        let all = |simulator: &mut Simulator| {
            waiting.retain(|&number| !done(&mut Stimulus { simulator, shape, number }));
            waiting.is_empty()
        };
        self.simulator.run_until(all, limit)
    }

    /// The design's top module.
    fn definition(&self) -> &ModuleDef {
        self.simulator.hierarchy().module(NodeId(1))
    }
}

impl Stimulus<'_> {
    /// Which one.
    pub fn number(&self) -> usize {
        self.number as usize
    }

    /// Drives an input port from the current cycle on.
    ///
    /// # Errors
    /// As [`Simulator::set`].
    pub fn set(&mut self, port: InputPort, value: impl IntoValue) -> Result<(), SimError> {
        let index = port.index + self.number() * self.shape.inputs;
        self.simulator.set(InputPort { index, cell: self.cell(port.cell), ty: port.ty }, value)
    }

    /// The value of a signal in the current cycle.
    pub fn get(&mut self, signal: impl Into<Signal>) -> Value {
        self.simulator.get(self.here(signal.into()))
    }

    /// The number a signal stands for by its type, in units of the last place for fixed point.
    ///
    /// # Errors
    /// If it does not fit an `i64`.
    pub fn get_i64(&mut self, signal: impl Into<Signal>) -> Result<i64, SimError> {
        self.simulator.get_i64(self.here(signal.into()))
    }

    /// The number a signal stands for by its type, in units of the last place for fixed point.
    ///
    /// # Errors
    /// If it is negative or does not fit a `u64`.
    pub fn get_u64(&mut self, signal: impl Into<Signal>) -> Result<u64, SimError> {
        self.simulator.get_u64(self.here(signal.into()))
    }

    /// A word of a memory as it stands in the current cycle.
    ///
    /// # Errors
    /// If the address is outside.
    pub fn read_word(&self, memory: Memory, address: u32) -> Result<Value, SimError> {
        self.simulator.read_word(self.memory(memory), address)
    }

    /// Puts words into a memory from `first` on, in the current cycle, as if they had always been there.
    ///
    /// # Errors
    /// As [`Simulator::load`].
    pub fn load<V: IntoValue>(&mut self, memory: Memory, first: u32, words: impl IntoIterator<Item = V>) -> Result<(), SimError> {
        let memory = self.memory(memory);
        self.simulator.load(memory, first, words)
    }

    /// Puts a source on an input stream of this stimulus. Its handle belongs to [`Batch::simulator`].
    ///
    /// # Errors
    /// As [`Simulator::source`].
    pub fn source(&mut self, stream: &str, pattern: StallPattern) -> Result<SourceHandle, SimError> {
        let stream = self.port(stream);
        self.simulator.source(&stream, pattern)
    }

    /// Puts a sink on an output stream of this stimulus. Its handle belongs to [`Batch::simulator`].
    ///
    /// # Errors
    /// As [`Simulator::sink`].
    pub fn sink(&mut self, stream: &str, pattern: StallPattern) -> Result<SinkHandle, SimError> {
        let stream = self.port(stream);
        self.simulator.sink(&stream, pattern)
    }

    fn port(&self, port: &str) -> String {
        format!("{}_{port}", name(self.number()))
    }

    fn cell(&self, cell: CellId) -> CellId {
        CellId(cell.0 + self.number * self.shape.cells)
    }

    fn node(&self, node: NodeId) -> NodeId {
        NodeId(node.0 + self.number * self.shape.nodes)
    }

    /// The signal that is this one in stimulus 0.
    fn here(&self, signal: Signal) -> Signal {
        if signal.node == NodeId::TOP {
            Signal { cell: self.cell(signal.cell), ..signal }
        } else {
            Signal { node: self.node(signal.node), ..signal }
        }
    }

    fn memory(&self, memory: Memory) -> Memory {
        Memory { node: self.node(memory.node), ..memory }
    }
}

/// The instance of a stimulus, and the beginning of its ports' names.
fn name(number: usize) -> String {
    format!("stimulus_{number}")
}

fn no_port<'a>(module: &ModuleDef, direction: &'static str, name: &str, names: impl Iterator<Item = &'a str>) -> SimError {
    SimError::NoPort { module: module.name.clone(), direction, name: name.to_string(), suggestions: nearest(name, names) }
}

/// A design whose top is `count` instances of a valid design's top, each with all its ports and streams brought out under its own
/// name; clock domains are shared.
fn side_by_side(design: &Design, count: usize) -> Design {
    let (id, child) = (design.top(), design.top_module());
    let mut top = ModuleDef { name: free_name(design), domains: child.domains.clone(), ..ModuleDef::default() };
    for number in 0..count {
        let prefix = name(number);
        let first = top.cells.len() as u32;
        for port in &child.inputs {
            let index = top.inputs.len() as u32;
            let cell = push(&mut top, Cell::Input(index), child.ty(port.cell));
            top.inputs.push(InputDefinition { name: format!("{prefix}_{}", port.name).into(), cell });
        }
        let inputs = top.inputs[number * child.inputs.len()..].iter().map(|port| port.cell).collect();
        for (port, output) in (0..).zip(&child.outputs) {
            let value = push(&mut top, Cell::InstanceOutput { instance: InstanceId(number as u32), port }, child.ty(output.value));
            top.outputs.push(OutputDefinition { name: format!("{prefix}_{}", output.name).into(), value });
        }
        let border = |cell: CellId| at_border(child, cell).map(|index| CellId(first + index as u32));
        for stream in child.streams.iter().filter(|stream| stream.direction != StreamDirection::Internal) {
            if let (Some(data), Some(valid), Some(ready)) = (border(stream.data), border(stream.valid), border(stream.ready)) {
                top.streams.push(StreamProbe { name: format!("{prefix}_{}", stream.name), data, valid, ready, ..stream.clone() });
            }
        }
        let domains = (0..child.domains.len() as u32).map(DomainId).collect();
        top.instances.push(Instance { name: prefix.into(), module: id, inputs, domains, location: None });
    }
    let mut design = design.clone();
    design.modules.push(top);
    design
}

/// The number of the port, inputs first, that a signal is, directly or through wires.
fn at_border(child: &ModuleDef, mut cell: CellId) -> Option<usize> {
    loop {
        let input = child.inputs.iter().position(|port| port.cell == cell);
        let output = || child.outputs.iter().position(|port| port.value == cell).map(|index| child.inputs.len() + index);
        match (input.or_else(output), child.cell(cell)) {
            (None, Cell::Wire(operand)) => cell = *operand,
            (found, _) => return found,
        }
    }
}

fn free_name(design: &Design) -> String {
    let mut name = format!("{}_batch", design.top_module().name);
    while design.find_module(&name).is_some() {
        name.push('_');
    }
    name
}

fn push(module: &mut ModuleDef, cell: Cell, ty: Type) -> CellId {
    module.cells.push(cell);
    module.info.push(CellInfo { ty, name: None, location: None, states: Box::default() });
    CellId(module.cells.len() as u32 - 1)
}
