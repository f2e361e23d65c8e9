//! Which instances are evaluated together.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use systole_hdl::design::{DomainId, ModuleId};

use crate::hierarchy::{Hierarchy, NodeId};

/// Instances of a definition below this number are evaluated one by one: a vector costs a whole chunk of lanes, and machine code
/// is through with so few scalars sooner (`batch-speed` with 4 and 6 stimuli shows it).
const FEWEST_LANES: usize = 8;

/// Instances of one definition with the same clocks; each is a lane.
#[derive(Debug)]
pub(super) struct Class {
    pub module: ModuleId,
    /// The instances in preorder.
    pub nodes: Vec<NodeId>,
    /// The top module's domain of each of the definition's domains.
    pub domains: SmallVec<[DomainId; 2]>,
}

impl Class {
    pub fn lanes(&self) -> usize {
        self.nodes.len()
    }
}

/// An instance as a lane of its class.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LaneId {
    pub class: u32,
    pub lane: u32,
}

/// The classes of a design, and by node its lane.
pub(super) fn classes(hierarchy: &Hierarchy) -> (Vec<Class>, Vec<LaneId>) {
    let domains_of = |node: NodeId| -> SmallVec<[DomainId; 2]> {
        (0..hierarchy.module(node).domains.len() as u32).map(|domain| hierarchy.top_domain(node, DomainId(domain))).collect()
    };
    let mut known = FxHashMap::default();
    let mut classes: Vec<Class> = Vec::new();
    for node in hierarchy.nodes() {
        let (module, domains) = (hierarchy.module_id(node), domains_of(node));
        let class = *known.entry((module, domains.clone())).or_insert(classes.len());
        if class == classes.len() {
            classes.push(Class { module, nodes: Vec::new(), domains });
        }
        classes[class].nodes.push(node);
    }
    let classes = classes.into_iter().flat_map(split_small).collect::<Vec<_>>();
    let mut of_node = vec![LaneId { class: 0, lane: 0 }; hierarchy.len()];
    for (class, number) in classes.iter().zip(0..) {
        for (&node, lane) in class.nodes.iter().zip(0..) {
            of_node[node.index()] = LaneId { class: number, lane };
        }
    }
    (classes, of_node)
}

/// A class of too few lanes becomes classes of one.
fn split_small(class: Class) -> Vec<Class> {
    if class.lanes() >= FEWEST_LANES || class.lanes() == 1 {
        return vec![class];
    }
    let single = |&node: &NodeId| Class { module: class.module, nodes: vec![node], domains: class.domains.clone() };
    class.nodes.iter().map(single).collect()
}
