//! Why nothing moves any more: which streams wait for which, whether they wait in a circle, and which FIFO would break it.
//!
//! A stalled stream lacks its `ready`, a starved one its `valid`. The cone of the lacking signal leads back to the `ready` and
//! `valid` signals of other streams; those that are 0 are what it waits for. Only the engine's signals are read, so every
//! engine is explained alike.

mod cone;
mod text;
mod waits;

use crate::connect::is_high;
use crate::engine::{Engine, read_value};
use crate::hierarchy::NodeId;
use crate::probes::{Probes, Stream};
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
    let Situation { engine, since, found, certainty, sources, sinks, aim } = *situation;
    let hierarchy = engine.hierarchy();
    let mut probes = Probes::of(hierarchy);
    let source_streams: Vec<usize> = sources.iter().map(|source| stream_of(&mut probes, engine, &source.ports)).collect();
    let sink_streams: Vec<usize> = sinks.iter().map(|sink| stream_of(&mut probes, engine, &sink.ports)).collect();
    let names: Vec<String> = stream_names(&probes, engine, situation, &source_streams, &sink_streams);

    let state = |stream: &Stream| match (is_high(engine, stream.valid), is_high(engine, stream.ready)) {
        (true, false) => Some(Blocked::Stalled),
        (false, true) => Some(Blocked::Starved),
        _ => None,
    };
    let blocked: Vec<(usize, Blocked)> = probes.streams.iter().enumerate().filter_map(|(i, s)| Some((i, state(s)?))).collect();
    let pending: Vec<(usize, usize)> =
        source_streams.iter().copied().zip(sources.iter().map(Source::pending)).filter(|p| p.1 > 0).collect();
    let stalled = || blocked.iter().filter(|(_, how)| *how == Blocked::Stalled);
    let work_left = match aim {
        Aim::Received(_) => true,
        Aim::Condition => !pending.is_empty() || stalled().next().is_some(),
        Aim::AllSent => !pending.is_empty(),
    };
    if !work_left {
        return None;
    }

    let awaited = if let Aim::Received(sink) = aim { Some(sink_streams[sink]) } else { None };
    let mut roots: Vec<Point> = awaited.into_iter().flat_map(|stream| lacking(engine, &probes, stream)).collect();
    roots.extend(pending.iter().flat_map(|&(stream, _)| lacking(engine, &probes, stream)));
    roots.extend(stalled().map(|&(stream, _)| Point { stream, lacks: Side::Ready }));
    let graph = WaitGraph::explore(engine, &probes, &roots);
    let (chain, circular) = match graph.best_circle() {
        Some(circle) => (circle, true),
        None => (graph.first_chain(), false),
    };

    let too_shallow = if circular { graph.fifos_on(&chain) } else { Vec::new() };
    let full = graph.full.iter().map(|&level| FullFifo {
        path: probes.levels[level].path(hierarchy),
        capacity: probes.levels[level].capacity,
        too_shallow: too_shallow.contains(&level),
    });
    let reason = |position: usize| {
        let next = if position + 1 == chain.len() && circular { Some(chain[0]) } else { chain.get(position + 1).copied() };
        let Point { stream, lacks } = chain[position];
        let source = source_streams.iter().position(|&s| s == stream).filter(|_| lacks == Side::Valid);
        let sink = sink_streams.iter().position(|&s| s == stream).filter(|_| lacks == Side::Ready);
        if let Some(next) = next {
            Reason::Stream { stream: names[next.stream].clone(), lacks: next.lacks }
        } else if source.is_some_and(|source| sources[source].pending() == 0) {
            Reason::SourceEmpty
        } else if source.is_some() || sink.is_some() || graph.is_input(chain[position], engine) {
            Reason::Inactive
        } else {
            match graph.inputs_of(chain[position], engine) {
                inputs if inputs.is_empty() => Reason::Circuit,
                inputs => Reason::Inputs(inputs),
            }
        }
    };
    let waits =
        (0..chain.len()).map(|i| Wait { stream: names[chain[i].stream].clone(), lacks: chain[i].lacks, reason: reason(i) }).collect();
    Some(Explanation {
        since,
        found,
        certainty,
        circular,
        waits,
        full: full.collect(),
        blocked: blocked.iter().map(|&(stream, how)| (names[stream].clone(), how)).collect(),
        pending: pending.iter().map(|&(stream, words)| (names[stream].clone(), words)).collect(),
    })
}

/// What a stream lacks: nothing, one or both.
fn lacking(engine: &dyn Engine, probes: &Probes, stream: usize) -> impl Iterator<Item = Point> {
    let Stream { valid, ready, .. } = probes.streams[stream];
    let sides = [(Side::Valid, is_high(engine, valid)), (Side::Ready, is_high(engine, ready))];
    sides.into_iter().filter(|(_, high)| !high).map(move |(lacks, _)| Point { stream, lacks })
}

/// The stream of a driver, which need not be probed.
fn stream_of(probes: &mut Probes, engine: &dyn Engine, ports: &StreamPorts) -> usize {
    let origin = |cell| crate::connect::origin(engine.hierarchy(), (NodeId::TOP, cell));
    let (valid, ready) = (origin(ports.valid), origin(ports.ready));
    probes.streams.iter().position(|stream| (stream.valid, stream.ready) == (valid, ready)).unwrap_or_else(|| {
        probes.streams.push(Stream { valid, ready, domain: ports.domain, probes: Vec::new() });
        probes.streams.len() - 1
    })
}

fn stream_names(probes: &Probes, engine: &dyn Engine, situation: &Situation, sources: &[usize], sinks: &[usize]) -> Vec<String> {
    let hierarchy = engine.hierarchy();
    let mut names: Vec<Option<String>> =
        probes.streams.iter().map(|stream| (!stream.probes.is_empty()).then(|| stream.path(hierarchy))).collect();
    let ports = situation.sources.iter().map(|s| &s.ports).chain(situation.sinks.iter().map(|s| &s.ports));
    for (&stream, ports) in sources.iter().chain(sinks).zip(ports) {
        names[stream].get_or_insert_with(|| hierarchy.path_of(NodeId::TOP, &ports.name));
    }
    names.into_iter().map(Option::unwrap_or_default).collect()
}

/// Whether a FIFO holds all it can.
fn is_full(engine: &dyn Engine, level: &crate::probes::Level) -> bool {
    let (node, cell) = level.level;
    read_value(engine, node, cell).to_u64().is_some_and(|held| held >= level.capacity.into())
}
