//! Why nothing moves any more: which streams wait for which, whether they wait in a circle, and which FIFO would break it.
//!
//! A stalled stream lacks its `ready`, a starved one its `valid`. The cone of the lacking signal leads back to the `ready` and
//! `valid` signals of other streams; those that are 0 are what it waits for. Only the engine's signals are read, so every
//! engine is explained alike.

mod cone;
mod text;
mod waits;

use crate::connect::{is_high, origin};
use crate::engine::{Engine, read_value};
use crate::hierarchy::NodeId;
use crate::probes::{Level, Probes, Stream};
use crate::streams::{Sink, Source, StreamPorts};
use waits::{Point, WaitGraph};

/// How sure it is that nothing will ever move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certainty {
    /// No register or memory would change at any edge, although every source offered what it had and every sink was ready.
    AtRest,
    /// Something still changes, but no stream has transferred anything for so many cycles.
    Quiet {
        /// How many.
        cycles: u64,
    },
}

/// Half of a stream's handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Side {
    /// The consumer's `ready`.
    Ready,
    /// The producer's `valid`.
    Valid,
}

/// How a blocked stream stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocked {
    /// `valid` without `ready`.
    Stalled,
    /// `ready` without `valid`.
    Starved,
}

/// A stream that cannot move for want of something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// Full path of the stream.
    pub stream: String,
    /// What it lacks.
    pub lacks: Side,
    /// Why it lacks it.
    pub reason: Reason,
}

/// Why a stream lacks its `valid` or `ready`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It follows from another stream that lacks something: the next in the list of waits.
    Stream {
        /// Full path of the other stream.
        stream: String,
        /// What that one lacks.
        lacks: Side,
    },
    /// Its source has no word left.
    SourceEmpty,
    /// Its source or sink is never active, or it has no driver and the port is held at 0.
    Inactive,
    /// It depends on these inputs of the top module, which stay as they are.
    Inputs(Vec<String>),
    /// Nothing was found: the circuit itself holds it back.
    Circuit,
}

/// A FIFO that is full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FullFifo {
    /// Full path.
    pub path: String,
    /// The elements it holds, all it can.
    pub capacity: u32,
    /// Whether it is one of those that wait for each other: more room in it would let the others go on.
    pub too_shallow: bool,
}

/// Why nothing moves. [`Display`](std::fmt::Display) tells it with a remedy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The first cycle without a transfer.
    pub since: u64,
    /// The cycle in which it was noticed.
    pub found: u64,
    /// How sure it is.
    pub certainty: Certainty,
    /// Whether `waits` closes on itself: the last waits for the first.
    pub circular: bool,
    /// Streams, each waiting for the next.
    pub waits: Vec<Wait>,
    /// All full FIFOs.
    pub full: Vec<FullFifo>,
    /// All streams that are stalled or starved, full paths, outermost modules first.
    pub blocked: Vec<(String, Blocked)>,
    /// Words that sources still hold, by stream.
    pub pending: Vec<(String, usize)>,
}

/// What a run is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aim {
    /// A sink (by index) is to take more words.
    Received(usize),
    /// Some condition.
    Condition,
    /// That all sources' words have been taken.
    AllSent,
}

/// A settled state in which nothing moves, with every driver willing.
pub(crate) struct Situation<'a> {
    pub engine: &'a dyn Engine,
    pub since: u64,
    pub found: u64,
    pub certainty: Certainty,
    pub sources: &'a [Source],
    pub sinks: &'a [Sink],
    pub aim: Aim,
}

/// Explains a state in which nothing moves; `None` if no work is left to do, so that nothing needs to move.
pub(crate) fn explain(situation: &Situation) -> Option<Explanation> {
    let case = Case::of(situation);
    let (blocked, pending) = (case.blocked(), case.pending());
    let work_left = match situation.aim {
        Aim::Received(_) => true,
        Aim::Condition => !pending.is_empty() || blocked.iter().any(|(_, how)| *how == Blocked::Stalled),
        Aim::AllSent => !pending.is_empty(),
    };
    if !work_left {
        return None;
    }
    let graph = WaitGraph::explore(situation.engine, &case.probes, &case.roots(&blocked, &pending));
    let (chain, circular) = match graph.best_circle() {
        Some(circle) => (circle, true),
        None => (graph.first_chain(), false),
    };
    let too_shallow = if circular { graph.fifos_on(&chain) } else { Vec::new() };
    let full = graph.full.iter().map(|&level| FullFifo {
        path: case.probes.levels[level].path(situation.engine.hierarchy()),
        capacity: case.probes.levels[level].capacity,
        too_shallow: too_shallow.contains(&level),
    });
    let waits = chain.iter().enumerate().map(|(i, &point)| {
        let next = if circular { Some(chain[(i + 1) % chain.len()]) } else { chain.get(i + 1).copied() };
        let reason = match next {
            Some(next) => Reason::Stream { stream: case.names[next.stream].clone(), lacks: next.lacks },
            None => case.last_reason(&graph, point),
        };
        Wait { stream: case.names[point.stream].clone(), lacks: point.lacks, reason }
    });
    Some(Explanation {
        since: situation.since,
        found: situation.found,
        certainty: situation.certainty,
        circular,
        waits: waits.collect(),
        full: full.collect(),
        blocked: blocked.iter().map(|&(stream, how)| (case.names[stream].clone(), how)).collect(),
        pending: pending.iter().map(|&(stream, words)| (case.names[stream].clone(), words)).collect(),
    })
}

/// A situation with its streams: those of the design and those of the drivers, which need not be probed.
struct Case<'a> {
    situation: &'a Situation<'a>,
    probes: Probes,
    /// By stream: its full path.
    names: Vec<String>,
    /// By source and by sink: its stream.
    source_streams: Vec<usize>,
    sink_streams: Vec<usize>,
}

impl<'a> Case<'a> {
    fn of(situation: &'a Situation<'a>) -> Case<'a> {
        let hierarchy = situation.engine.hierarchy();
        let mut probes = Probes::of(hierarchy);
        let mut names: Vec<String> = probes.streams.iter().map(|stream| stream.path(hierarchy)).collect();
        let mut stream_of = |ports: &StreamPorts| {
            let [valid, ready] = [ports.valid, ports.ready].map(|cell| origin(hierarchy, (NodeId::TOP, cell)));
            probes.streams.iter().position(|stream| (stream.valid, stream.ready) == (valid, ready)).unwrap_or_else(|| {
                probes.streams.push(Stream { valid, ready, domain: ports.domain, probes: Vec::new() });
                names.push(hierarchy.path_of(NodeId::TOP, &ports.name));
                names.len() - 1
            })
        };
        let source_streams = situation.sources.iter().map(|source| stream_of(&source.ports)).collect();
        let sink_streams = situation.sinks.iter().map(|sink| stream_of(&sink.ports)).collect();
        Case { situation, probes, names, source_streams, sink_streams }
    }

    /// Whether a stream's `valid` and `ready` are 1.
    fn state(&self, stream: &Stream) -> (bool, bool) {
        (is_high(self.situation.engine, stream.valid), is_high(self.situation.engine, stream.ready))
    }

    fn blocked(&self) -> Vec<(usize, Blocked)> {
        let how = |stream: &Stream| match self.state(stream) {
            (true, false) => Some(Blocked::Stalled),
            (false, true) => Some(Blocked::Starved),
            _ => None,
        };
        self.probes.streams.iter().enumerate().filter_map(|(i, stream)| Some((i, how(stream)?))).collect()
    }

    /// The sources' streams with the words they still hold.
    fn pending(&self) -> Vec<(usize, usize)> {
        let held = self.situation.sources.iter().map(Source::pending);
        self.source_streams.iter().copied().zip(held).filter(|&(_, words)| words > 0).collect()
    }

    /// Where to begin: at the stream that is awaited and those that still have words to send; only if there are none, at
    /// whatever is stalled.
    fn roots(&self, blocked: &[(usize, Blocked)], pending: &[(usize, usize)]) -> Vec<Point> {
        let awaited = if let Aim::Received(sink) = self.situation.aim { Some(self.sink_streams[sink]) } else { None };
        let streams = awaited.into_iter().chain(pending.iter().map(|&(stream, _)| stream));
        let roots: Vec<Point> = streams.flat_map(|stream| self.lacking(stream)).collect();
        if !roots.is_empty() {
            return roots;
        }
        let stalled = blocked.iter().filter(|(_, how)| *how == Blocked::Stalled);
        stalled.map(|&(stream, _)| Point { stream, lacks: Side::Ready }).collect()
    }

    /// What a stream lacks: nothing, one or both.
    fn lacking(&self, stream: usize) -> impl Iterator<Item = Point> + use<> {
        let (valid, ready) = self.state(&self.probes.streams[stream]);
        let sides = [(Side::Valid, valid), (Side::Ready, ready)];
        sides.into_iter().filter(|(_, high)| !high).map(move |(lacks, _)| Point { stream, lacks })
    }

    /// Why a stream lacks something that follows from no other stream.
    fn last_reason(&self, graph: &WaitGraph, point: Point) -> Reason {
        let position = |streams: &[usize], side: Side| streams.iter().position(|&s| s == point.stream).filter(|_| point.lacks == side);
        let (source, sink) = (position(&self.source_streams, Side::Valid), position(&self.sink_streams, Side::Ready));
        if source.is_some_and(|source| self.situation.sources[source].pending() == 0) {
            return Reason::SourceEmpty;
        }
        if source.is_some() || sink.is_some() || graph.is_input(point, self.situation.engine) {
            return Reason::Inactive;
        }
        match graph.inputs_of(point, self.situation.engine) {
            inputs if inputs.is_empty() => Reason::Circuit,
            inputs => Reason::Inputs(inputs),
        }
    }
}

/// Whether a FIFO holds all it can.
fn is_full(engine: &dyn Engine, level: &Level) -> bool {
    let (node, cell) = level.level;
    read_value(engine, node, cell).to_u64().is_some_and(|held| held >= level.capacity.into())
}
