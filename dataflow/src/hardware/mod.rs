//! Graphs as hardware: a module for each unit, a queue for each channel, with the transfers of the abstract execution in the same cycles.
//!
//! Sources become input streams, sinks output streams, of the same names (letters, digits and `_`; anything else becomes `_`). An element of one
//! field is a number of its type; of several, bits, the first field at the least significant end.
//!
//! A unit decides in one cycle whether it fires; its next state is computed in that cycle. What it gives is computed in as many stages as it has
//! cycles of latency, of about equal delay; the stages are elastic, as the [rules of time](crate::execute#rules-of-time) say.
//!
//! All units of which the inputs hold elements and the outputs have room fire at once, so a queue's input is no stream: it shows whether it
//! has room, and is told when an element enters. Its output is a stream, and counted as one.

mod channel;
mod divide;
mod function;
mod stages;
mod throttle;
mod unit;
mod word;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;
use systole_hdl::prelude::*;

pub use self::word::{fields, word};

use self::channel::{ChannelFifo, ChannelFifoIn};
use self::throttle::{Measure, Throttle, ThrottleIn};
use self::unit::{UnitHardware, UnitIn};
use crate::execute::problems;
use crate::graph::{Channel, ChannelId, Depth, Graph, Kind, Problem, Unit, UnitId};

/// Why a graph cannot be hardware.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HardwareError {
    /// The graph has mistakes.
    #[error("the graph cannot become hardware: {}", problems(.0))]
    Graph(Vec<Problem>),
    /// A queue without an end.
    #[error("channel `{0}` is unbounded; give it a depth: `least_depths` finds the least at full rate")]
    Unbounded(String),
    /// A depth, period, interval or latency is more than hardware is made for.
    #[error("{what} of `{name}` is {value}; in hardware the most is {most}")]
    TooLarge {
        /// The unit or the channel.
        name: String,
        /// What is too large.
        what: &'static str,
        /// Its size.
        value: u64,
        /// The largest size.
        most: u64,
    },
    /// Two names become one in hardware.
    #[error("`{first}` and `{second}` would both be `{identifier}` in hardware; give one another name")]
    SameIdentifier {
        /// A unit or channel.
        first: String,
        /// Another one.
        second: String,
        /// What both become, or what is made of both.
        identifier: String,
    },
    /// A function has no hardware.
    #[error("unit `{unit}`: {what}")]
    Function {
        /// The unit.
        unit: String,
        /// What is wrong, and what to do.
        what: String,
    },
}

/// The hardware of a graph: a component, to be elaborated or instantiated. Its module has the name that it was given, its units' modules
/// that name followed by theirs.
#[derive(Clone)]
pub struct Hardware {
    name: String,
    graph: Arc<Graph>,
    /// All units but sources and sinks.
    units: Vec<(UnitId, UnitHardware)>,
}

/// The longest latency: each cycle of it is a stage of registers.
const MOST_STAGES: u64 = 1024;
/// The deepest FIFO and the longest period.
const MOST: u64 = u32::MAX as u64;

impl Graph {
    /// The hardware of this graph, as a module called `name`.
    ///
    /// # Errors
    /// If the graph has mistakes, unbounded FIFOs, or sizes that hardware is not made for.
    pub fn hardware(&self, name: &str) -> Result<Hardware, HardwareError> {
        self.check().map_err(HardwareError::Graph)?;
        let too_large = |name: &str, what, value, most| HardwareError::TooLarge { name: name.into(), what, value, most };
        for (_, channel) in self.fifos() {
            match channel.depth {
                Depth::Unbounded => return Err(HardwareError::Unbounded(channel.name.clone())),
                Depth::Words(words) if words as u64 > MOST => return Err(too_large(&channel.name, "the depth", words as u64, MOST)),
                Depth::Words(_) => {}
            }
        }
        let mut units = Vec::new();
        for (id, unit) in self.units() {
            if matches!(unit.kind, Kind::Source | Kind::Sink) {
                continue;
            }
            let sizes = [("the period", unit.period, MOST), ("the latency", unit.latency, MOST_STAGES)];
            if let Some((what, value, most)) = sizes.into_iter().find(|(_, value, most)| value > most) {
                return Err(too_large(&unit.name, what, value, most));
            }
            units.push((id, UnitHardware::new(&format!("{name}_{}", identifier(&unit.name)), self, unit)?));
        }
        self.check_identifiers()?;
        Ok(Hardware { name: name.into(), graph: Arc::new(self.clone()), units })
    }
}

impl Graph {
    /// Everything in the module of a graph has a name of its own.
    fn check_identifiers(&self) -> Result<(), HardwareError> {
        let mut known: HashMap<String, &str> = HashMap::new();
        let mut claim = |name: &str, endings: &[&str], of| match endings.iter().find_map(|ending| {
            let identifier = format!("{}{ending}", identifier(name));
            known.insert(identifier.clone(), of).map(|first| (first, identifier))
        }) {
            Some((first, identifier)) => {
                Err(HardwareError::SameIdentifier { first: first.to_string(), second: name.to_string(), identifier })
            }
            None => Ok(()),
        };
        for (_, unit) in self.units() {
            match unit.kind {
                Kind::Source | Kind::Sink => claim(&unit.name, &["_data", "_valid", "_ready", "_throttle"], &unit.name)?,
                _ => claim(&unit.name, &[""], &unit.name)?,
            }
        }
        self.fifos().try_for_each(|(_, channel)| claim(&channel.name, &["_fifo", "_enters", "_fifo_data"], &channel.name))
    }
}

/// Streams by name.
#[derive(Clone, Debug, Default)]
pub struct Streams(pub Vec<(String, Stream)>);

impl Bundle for Streams {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, systole_hdl::Leaf)) {
        self.0.iter().for_each(|(name, stream)| stream.visit(&systole_hdl::join(path, name), visit));
    }

    fn replace(&mut self, replace: &mut dyn FnMut(systole_hdl::Leaf) -> systole_hdl::Leaf) {
        self.0.iter_mut().for_each(|(_, stream)| stream.replace(replace));
    }

    fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, Stream)) {
        self.0.iter().for_each(|(name, stream)| stream.visit_streams(&systole_hdl::join(path, name), visit));
    }
}

/// Short, for the header of its module; equal for equal graphs only.
impl fmt::Debug for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = FxHasher::default();
        // The text of a graph shows its functions and formats; what its sources bring is no part of the hardware.
        for (_, unit) in &self.units {
            format!("{unit:?}").hash(&mut hasher);
        }
        for (_, channel) in self.graph.channels() {
            format!("{channel:?}").hash(&mut hasher);
        }
        self.graph.room().hash(&mut hasher);
        f.debug_struct("Hardware")
            .field("units", &self.units.len())
            .field("channels", &self.graph.channels().len())
            .field("digest", &format_args!("{:016x}", hasher.finish()))
            .finish()
    }
}

impl Component for Hardware {
    type In = Streams;
    type Out = Streams;

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn inputs(&self) -> Streams {
        let sources = self.graph.units().filter(|(_, unit)| unit.kind == Kind::Source);
        let port = |unit: &Unit| (identifier(&unit.name), Stream::port(element_type(self.graph.channel(unit.outputs[0]))));
        Streams(sources.map(|(_, unit)| port(unit)).collect())
    }

    fn build(&self, m: Module, i: Streams) -> Streams {
        // What consumers take from: the fifos' outputs, and the sources.
        let mut streams: HashMap<ChannelId, Stream> = HashMap::new();
        let mut fifos = HashMap::new();
        let mut sources = i.0.into_iter();
        for (id, channel) in self.graph.channels() {
            let producer = self.graph.unit(channel.producer);
            if producer.kind == Kind::Source {
                let (name, up) = sources.next().expect("there is an input stream for each source");
                streams.insert(id, throttled(m, &name, up, producer.interval, Measure::Offers));
                continue;
            }
            let Depth::Words(depth) = channel.depth else { unreachable!("unbounded channels have been refused") };
            let ty = element_type(channel);
            let name = identifier(&channel.name);
            let enters = m.wire(&format!("{name}_enters"), Type::BIT);
            let data = m.wire(&format!("{name}_fifo_data"), ty);
            let component = ChannelFifo { ty, depth: depth as u32, room: self.graph.room() };
            let fifo = m.instance(&format!("{name}_fifo"), &component, ChannelFifoIn { data: *data, enters: *enters });
            streams.insert(id, fifo.down);
            fifos.insert(id, (fifo.room, enters, data));
        }
        for (id, hardware) in &self.units {
            let unit = self.graph.unit(*id);
            let up = Streams(hardware.names().zip(unit.inputs.iter().map(|input| streams[input])).collect());
            let room = unit.outputs.iter().map(|output| fifos[output].0).collect();
            let given = m.instance(&identifier(&unit.name), hardware, UnitIn { up, room });
            for output in &unit.outputs {
                let (_, enters, data) = &fifos[output];
                enters.drive(given.gives);
                data.drive(given.element);
            }
        }
        let sinks = self.graph.units().filter(|(_, unit)| unit.kind == Kind::Sink);
        let output = |unit: &Unit| {
            let name = identifier(&unit.name);
            let stream = throttled(m, &name, streams[&unit.inputs[0]], unit.interval, Measure::Transfers);
            (name, stream)
        };
        Streams(sinks.map(|(_, unit)| output(unit)).collect())
    }
}

fn throttled(m: Module, name: &str, up: Stream, interval: u64, measure: Measure) -> Stream {
    if interval == 1 {
        return up;
    }
    let component = Throttle { ty: up.data.ty(), interval: interval as u32, measure };
    m.instance(&format!("{name}_throttle"), &component, ThrottleIn { up }).down
}

/// The type of an element in hardware.
fn element_type(channel: &Channel) -> Type {
    match channel.fields[..] {
        [ty] => ty,
        _ => Type::Bits(channel.fields.iter().map(|ty| ty.width()).sum()),
    }
}

/// A name that a module or port can have.
pub fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
