//! Abstract execution: the values of a graph and the cycle of every transfer, without hardware and without a clock.
//!
//! # Rules of time
//!
//! Cycles count from 0.
//!
//! - A unit *fires* in the first cycle in which each input that it takes from holds an element, each output that it gives to has room, and
//!   its initiation interval has passed since it fired last. It takes and gives in that cycle, from all inputs and to all outputs at once.
//!   An output that it does not give to in this firing (a reduction's, but for the last of a period) need not have room.
//! - FIFOs are registered: of a unit with latency 1, what is given in cycle t can be taken from t + 1.
//! - With [`Room::SameCycle`] an element can enter a full FIFO in the cycle in which another leaves it; with [`Room::NextCycle`], from
//!   the cycle after.
//! - A unit of latency L is one of latency 1 followed by a pipeline of L - 1 registers, each of which moves on whenever the one
//!   before the FIFO can: it holds up to L - 1 elements of its own.
//! - A source is the edge of the graph: a wire, not a FIFO, leads from it. It offers its first element in cycle 0, and the next one
//!   in the cycle after an element was taken, or when its interval has passed since it offered the last.
//! - A sink takes an element of its FIFO as soon as there is one and its interval has passed. An execution of which the last sink takes
//!   its last element in cycle t takes t + 1 cycles.
//!
//! # Local time
//!
//! There is no loop over cycles. A channel keeps the cycles in which its elements can be taken, and the cycles in which its places are free
//! again; a firing's cycle is the largest of those that it needs. Since a unit does the same whenever its turn comes, units are run
//! in any order, each as far as it gets; consumers first, so that queues stay short. Time costs nothing where nothing happens.

use crate::deadlock::{self, Deadlock, Wait};
use crate::graph::{ChannelId, Depth, Graph, Kind, Problem, Room, UnitId};
use crate::link::Link;
use crate::node::{Blocked, Node};
use crate::program::to_reals;
use crate::values::values;

/// What an execution showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Cycles from the first one to the last transfer into a sink, both counted.
    pub cycles: u64,
    /// Of each sink, in the order in which they were made.
    pub outputs: Vec<Output>,
    /// Of each channel; [`Run::traffic`] finds one.
    pub traffic: Vec<Traffic>,
    /// Of each channel, if asked for, else empty; [`Run::transfers`] finds one.
    pub transfers: Vec<Transfers>,
}

/// What a sink took.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The sink.
    pub unit: UnitId,
    /// The fields of its elements, one element after the other, as real numbers. Empty if values were not computed.
    pub values: Vec<f64>,
    /// The same in units of the last place of each field's type. Empty unless values were computed exactly.
    pub raw: Vec<i64>,
    /// The cycle in which it took each element.
    pub cycles: Vec<u64>,
}

/// What happened on a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Elements that passed.
    pub elements: u64,
    /// The cycles in which the first and the last element entered. Of a wire, in which they were taken.
    pub entered: Option<(u64, u64)>,
    /// The cycles in which the first and the last element left.
    pub left: Option<(u64, u64)>,
    /// The most elements that it held after any cycle. Of a wire, 0.
    pub high_water: usize,
}

/// Every transfer of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// The cycle in which each element entered. Of a wire, in which it was taken.
    pub entered: Vec<u64>,
    /// The cycle in which each element left.
    pub left: Vec<u64>,
}

/// What an execution is to find out, beside cycles and traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Values: what the sinks take.
    pub values: Values,
    /// The cycle of every transfer: 16 bytes each.
    pub transfers: bool,
}

/// In which arithmetic values are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// Not at all: only when things happen.
    #[default]
    None,
    /// In the fixed-point formats of the graph, bit for bit as in hardware.
    Exact,
    /// In double precision; conversions between formats change nothing.
    Real,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The graph has mistakes.
    #[error("the graph cannot be executed: {}", problems(.0))]
    Graph(Vec<Problem>),
    /// Units wait for each other for ever.
    #[error("{0}")]
    Deadlock(Box<Deadlock>),
    /// A unit waits for elements that a source does not have: the lengths of the sources do not match the rates of the units.
    #[error(
        "`{unit}` waits for an element of `{channel}` for ever: source `{source_name}` ended after {elements}; give it as many \
         as the periods and the other sources ask for"
    )]
    Starved {
        /// The name of the unit that waits.
        unit: String,
        /// The name of the channel on which it waits.
        channel: String,
        /// The name of the source that ended.
        source_name: String,
        /// Elements that the source had.
        elements: u64,
    },
}

/// All of them, for one message.
pub(crate) fn problems(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Run {
    /// What happened on a channel of the graph that was run.
    pub fn traffic(&self, channel: ChannelId) -> &Traffic {
        &self.traffic[channel.0]
    }

    /// The transfers of a channel, if they were recorded.
    pub fn transfers(&self, channel: ChannelId) -> Option<&Transfers> {
        self.transfers.get(channel.0)
    }
}

impl Graph {
    /// Executes the graph until its sources have ended and all elements have reached sinks.
    ///
    /// # Errors
    /// If the graph has mistakes, or the execution stops before its end.
    pub fn run(&self) -> Result<Run, RunError> {
        self.run_with(Record { values: Values::Exact, transfers: false })
    }

    /// Like [`run`](Graph::run), without values: only when things happen, in less time.
    ///
    /// # Errors
    /// As for [`run`](Graph::run).
    pub fn run_timing(&self) -> Result<Run, RunError> {
        self.run_with(Record::default())
    }

    /// Like [`run`](Graph::run), with more or less to find out.
    ///
    /// # Errors
    /// As for [`run`](Graph::run).
    pub fn run_with(&self, record: Record) -> Result<Run, RunError> {
        self.check().map_err(RunError::Graph)?;
        let depths: Vec<Depth> = self.channels().map(|(_, channel)| channel.depth).collect();
        let mut run = execute(self, &depths, record).map_err(|stop| match stop {
            Stop::Deadlock { cycle, waits } => RunError::Deadlock(Box::new(deadlock::explain(self, &depths, cycle, waits))),
            Stop::Starved(error) => error,
        })?;
        match record.values {
            Values::None => {}
            Values::Exact => {
                for (output, raw) in run.outputs.iter_mut().zip(values::<i64>(self, false)) {
                    output.values = to_reals(&self.channel(self.unit(output.unit).inputs[0]).fields, &raw);
                    output.raw = raw;
                }
            }
            Values::Real => run.outputs.iter_mut().zip(values::<f64>(self, true)).for_each(|(output, values)| output.values = values),
        }
        Ok(run)
    }
}

/// Why an execution stopped, as far as one execution can tell.
pub(crate) enum Stop {
    Deadlock { cycle: u64, waits: Vec<Wait> },
    Starved(RunError),
}

/// Executes a checked graph with other depths.
pub(crate) fn execute(graph: &Graph, depths: &[Depth], record: Record) -> Result<Run, Stop> {
    let mut execution = Execution::new(graph, depths, record);
    execution.go();
    execution.result(graph)
}

/// Firings of a unit in one turn: a bound on what piles up in unbounded channels.
const TURN: usize = 256;

struct Execution {
    nodes: Vec<Node>,
    links: Vec<Link>,
    outputs: Vec<Output>,
    record: Record,
}

impl Execution {
    fn new(graph: &Graph, depths: &[Depth], record: Record) -> Execution {
        let mut execution = Execution { nodes: Vec::new(), links: Vec::new(), outputs: Vec::new(), record };
        let mut link_of = vec![usize::MAX; depths.len()];
        for (id, unit) in graph.units() {
            let mut at = execution.nodes.len();
            let inputs: Vec<usize> = unit.inputs.iter().map(|channel| link_of[channel.0]).collect();
            let is_source = unit.kind == Kind::Source;
            let mut node = Node::new(id, inputs);
            (node.takes_first, node.gives_last) = (unit.takes_first, unit.gives_last);
            (node.period, node.interval) = (unit.period, unit.interval);
            if is_source {
                let (elements, times) = &unit.elements;
                let width = graph.channel(unit.outputs[0]).fields.len();
                node.source = Some(((elements.len() / width) as u64).saturating_mul(*times));
            }
            if unit.kind == Kind::Sink {
                node.sink = Some(execution.outputs.len());
                execution.outputs.push(Output { unit: id, values: Vec::new(), raw: Vec::new(), cycles: Vec::new() });
            }
            execution.add(node);
            if unit.latency > 1 && !matches!(unit.kind, Kind::Source | Kind::Sink) {
                let registers = unit.latency - 1;
                let mut pipeline = Link::new(None, at, Depth::Words(registers as usize));
                pipeline.transit = registers;
                execution.links.push(pipeline);
                let link = execution.links.len() - 1;
                execution.nodes[at].outputs.push(link);
                at = execution.nodes.len();
                execution.add(Node::new(id, vec![link]));
            }
            for &channel in &unit.outputs {
                let depth = if is_source { Depth::Words(1) } else { depths[channel.0] };
                let mut link = Link::new(Some(channel), at, depth);
                link.recovery = u64::from(is_source || graph.room() == Room::NextCycle);
                link.transfers = record.transfers.then(Transfers::default);
                if is_source {
                    (link.wire, link.transit) = (true, 0);
                }
                link_of[channel.0] = execution.links.len();
                execution.nodes[at].outputs.push(execution.links.len());
                execution.links.push(link);
            }
        }
        execution
    }

    fn add(&mut self, node: Node) {
        let id = self.nodes.len();
        node.inputs.iter().for_each(|&input| self.links[input].consumer = id);
        self.nodes.push(node);
    }

    /// Runs until no node can fire. Nodes whose turn it is are on a stack: consumers above producers.
    fn go(&mut self) {
        let mut stack: Vec<usize> = (0..self.nodes.len()).collect();
        let mut stacked = vec![true; stack.len()];
        while let Some(at) = stack.pop() {
            stacked[at] = false;
            let mut firings = 0;
            while firings < TURN {
                let Ok(cycle) = self.nodes[at].next_cycle(&self.links) else { break };
                self.nodes[at].fire(cycle, &mut self.links, &mut self.outputs);
                firings += 1;
            }
            if firings == 0 {
                continue;
            }
            let mut push = |node: usize| {
                if !std::mem::replace(&mut stacked[node], true) {
                    stack.push(node);
                }
            };
            let node = &self.nodes[at];
            node.inputs.iter().for_each(|&input| push(self.links[input].producer));
            if firings == TURN {
                push(at);
            }
            node.outputs.iter().for_each(|&output| push(self.links[output].consumer));
        }
    }

    fn result(mut self, graph: &Graph) -> Result<Run, Stop> {
        if let Some(stuck) = (0..self.nodes.len()).find(|&at| self.is_stuck(at)) {
            return Err(self.stop(graph, stuck));
        }
        let cycles = self.outputs.iter().filter_map(|output| output.cycles.last()).max().map_or(0, |last| last + 1);
        let mut traffic = vec![Traffic::default(); graph.channels().len()];
        let mut transfers = vec![Transfers::default(); if self.record.transfers { traffic.len() } else { 0 }];
        for link in &mut self.links {
            if let Some(channel) = link.channel {
                if let Some(of_link) = link.transfers.take() {
                    transfers[channel.0] = of_link;
                }
                link.traffic.high_water = link.high_water();
                traffic[channel.0] = std::mem::take(&mut link.traffic);
            }
        }
        Ok(Run { cycles, outputs: self.outputs, traffic, transfers })
    }

    /// Whether a node has something to do that it cannot do, now that none can fire.
    fn is_stuck(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        let has_elements = node.inputs.iter().any(|&input| self.links[input].held() > 0);
        node.phase != 0 || has_elements || node.source.is_some_and(|left| left > 0)
    }

    /// Follows what a node waits for, from node to node, until a source that has ended, or round a circle.
    fn stop(&self, graph: &Graph, stuck: usize) -> Stop {
        let mut path: Vec<usize> = Vec::new();
        // Of each node on the path; none where a unit's stages wait for each other.
        let mut waits: Vec<Option<Wait>> = Vec::new();
        let mut at = stuck;
        loop {
            if let Some(start) = path.iter().position(|&node| node == at) {
                // A source fires when it offers, which is no event yet.
                let units = self.nodes.iter().filter(|node| node.fired > 0 && node.source.is_none());
                let cycle = units.map(|node| node.earliest + 1 - node.interval).max().unwrap_or(0);
                return Stop::Deadlock { cycle, waits: waits.into_iter().skip(start).flatten().collect() };
            }
            path.push(at);
            let unit = self.nodes[at].unit;
            let (link, for_room) = match self.nodes[at].next_cycle(&self.links) {
                Err(Blocked::Element(link)) => (link, false),
                Err(Blocked::Room(link)) => (link, true),
                Err(Blocked::Ended) | Ok(_) => {
                    let last = waits.into_iter().flatten().next_back().expect("a source that has ended is not stuck, so another led here");
                    return Stop::Starved(RunError::Starved {
                        unit: last.unit_name,
                        channel: last.channel_name,
                        source_name: graph.unit(unit).name.clone(),
                        elements: self.nodes[at].fired,
                    });
                }
            };
            waits.push(self.links[link].channel.map(|channel| Wait {
                unit,
                unit_name: graph.unit(unit).name.clone(),
                channel,
                channel_name: graph.channel(channel).name.clone(),
                full: for_room.then(|| self.links[link].held()),
            }));
            at = if for_room { self.links[link].consumer } else { self.links[link].producer };
        }
    }
}
