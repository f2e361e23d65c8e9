//! The streams and FIFO levels of all instances. A stream that crosses instances is probed in several modules but is one
//! pair of wires: it is found once here, with all its names.

use rustc_hash::FxHashMap;
use systole_hdl::design::DomainId;

use crate::connect::{SignalId, origin};
use crate::hierarchy::{Hierarchy, NodeId};

/// All probes of a design.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    pub streams: Vec<Stream>,
    pub levels: Vec<Level>,
}

/// A pair of `valid` and `ready` wires.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// Where the signals come from.
    pub valid: SignalId,
    pub ready: SignalId,
    /// The top module's domain in which it moves.
    pub domain: DomainId,
    /// Node and index of every probe on it, outermost first.
    pub probes: Vec<(NodeId, usize)>,
}

/// A FIFO's fill level.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub node: NodeId,
    pub index: usize,
    /// Where the signal comes from.
    pub level: SignalId,
    pub capacity: u32,
}

impl Probes {
    pub fn of(hierarchy: &Hierarchy) -> Probes {
        let mut probes = Probes::default();
        let mut known: FxHashMap<(SignalId, SignalId), usize> = FxHashMap::default();
        for node in hierarchy.nodes() {
            let module = hierarchy.module(node);
            for (index, stream) in module.streams.iter().enumerate() {
                let (valid, ready) = (origin(hierarchy, (node, stream.valid)), origin(hierarchy, (node, stream.ready)));
                let at = *known.entry((valid, ready)).or_insert_with(|| {
                    let domain = hierarchy.top_domain(node, stream.domain);
                    probes.streams.push(Stream { valid, ready, domain, probes: Vec::new() });
                    probes.streams.len() - 1
                });
                probes.streams[at].probes.push((node, index));
            }
            for (index, level) in module.levels.iter().enumerate() {
                let signal = origin(hierarchy, (node, level.level));
                probes.levels.push(Level { node, index, level: signal, capacity: level.capacity });
            }
        }
        probes
    }
}

impl Stream {
    /// The full path of its outermost probe.
    pub fn path(&self, hierarchy: &Hierarchy) -> String {
        let (node, index) = self.probes[0];
        hierarchy.path_of(node, &hierarchy.module(node).streams[index].name)
    }
}

impl Level {
    /// The path to show: the instance's, if the level is the only one in it and not the top's, otherwise the level's own.
    pub fn path(&self, hierarchy: &Hierarchy) -> String {
        let module = hierarchy.module(self.node);
        match module.levels.as_slice() {
            [_] if self.node != NodeId::TOP => hierarchy.path(self.node),
            levels => hierarchy.path_of(self.node, &levels[self.index].name),
        }
    }
}
