//! The instance tree of a design: numbered scopes, their names, and the way from a path to a scope or signal.
//!
//! Nodes are numbered in preorder, so a subtree is a range of numbers, and the children of a node are found by adding
//! per-module offsets: the tree of a 256×256 array is one small record an instance and no strings.

mod paths;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use systole_hdl::design::{DomainId, InstanceId, ModuleId};
use systole_hdl::{CellId, Design, ModuleDef};
use thiserror::Error;

pub(crate) use self::paths::nearest;
pub use self::paths::{PathError, Sought};

/// The largest instance tree that is built: a guard against designs whose tree is exponential in their text.
pub const MAX_INSTANCES: u64 = 1 << 26;

/// An instance in the tree, numbered in preorder; 0 is the top.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The top module's one instance.
    pub const TOP: NodeId = NodeId(0);

    /// As an index into tables parallel to the nodes.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: NodeId,
    /// Which of the parent's instances this is; meaningless for the top.
    instance: InstanceId,
    module: ModuleId,
    /// Where this node's clock domains start in `Hierarchy::domains`.
    domains: u32,
}

/// The tree of all instances of a design, with the design it belongs to.
#[derive(Debug)]
pub struct Hierarchy {
    design: Arc<Design>,
    nodes: Vec<Node>,
    /// By module: number of nodes in the subtree of one of its instances, itself included.
    subtree: Vec<u32>,
    /// By module and instance: how far the child's number lies above its parent's.
    offsets: Vec<Vec<u32>>,
    /// The top-level domain of each domain of each node.
    domains: Vec<DomainId>,
    /// By module: its instances in order of their names, made when first asked for.
    by_name: Vec<OnceLock<Vec<InstanceId>>>,
}

/// A design whose instance tree does not fit in memory.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the design has {instances} instances, more than the {MAX_INSTANCES} that can be simulated: reduce the array's size")]
pub struct TooManyInstances {
    /// Instances in the whole tree; `u64::MAX` if the count overflows.
    pub instances: u64,
}

impl Hierarchy {
    /// The instance tree of a valid design.
    ///
    /// # Errors
    /// If the tree has more than [`MAX_INSTANCES`] nodes.
    pub fn of(design: &Arc<Design>) -> Result<Hierarchy, TooManyInstances> {
        let mut subtree: Vec<u64> = Vec::with_capacity(design.modules.len());
        for module in &design.modules {
            let below = module.instances.iter().map(|i| subtree[i.module.index()]).fold(0, u64::saturating_add);
            subtree.push(below.saturating_add(1));
        }
        let instances = subtree[design.top().index()];
        if instances > MAX_INSTANCES {
            return Err(TooManyInstances { instances });
        }
        // Modules outside the top's tree may be larger than the limit; they have no nodes, so their sizes do not matter.
        let subtree: Vec<u32> = subtree.into_iter().map(|n| u32::try_from(n).unwrap_or(u32::MAX)).collect();
        let offsets = design.modules.iter().map(|module| child_offsets(module, &subtree)).collect();
        let by_name = design.modules.iter().map(|_| OnceLock::new()).collect();
        let mut tree = Hierarchy {
            design: Arc::clone(design),
            nodes: Vec::with_capacity(instances as usize),
            subtree,
            offsets,
            domains: Vec::new(),
            by_name,
        };
        tree.number_nodes();
        Ok(tree)
    }

    fn number_nodes(&mut self) {
        let design = Arc::clone(&self.design);
        let top = Node { parent: NodeId::TOP, instance: InstanceId(0), module: design.top(), domains: 0 };
        self.domains = (0..design.top_module().domains.len() as u32).map(DomainId).collect();
        let mut waiting = vec![top];
        while let Some(mut node) = waiting.pop() {
            let id = NodeId(self.nodes.len() as u32);
            if id != NodeId::TOP {
                let parent = self.nodes[node.parent.index()];
                node.domains = self.domains.len() as u32;
                for outer in &design.module(parent.module).instances[node.instance.index()].domains {
                    let in_top = self.domains[parent.domains as usize + outer.index()];
                    self.domains.push(in_top);
                }
            }
            self.nodes.push(node);
            // Last child first onto the stack, so that the first child gets the next number.
            for (i, instance) in design.module(node.module).instances.iter().enumerate().rev() {
                waiting.push(Node { parent: id, instance: InstanceId(i as u32), module: instance.module, domains: 0 });
            }
        }
    }

    /// The design.
    pub fn design(&self) -> &Arc<Design> {
        &self.design
    }

    /// Number of instances, the top included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: there is always a top.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes in preorder.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The instance that holds this one; `None` for the top.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node != NodeId::TOP).then(|| self.nodes[node.index()].parent)
    }

    /// Which of its parent's instances this is; `None` for the top.
    pub fn instance(&self, node: NodeId) -> Option<InstanceId> {
        (node != NodeId::TOP).then(|| self.nodes[node.index()].instance)
    }

    /// What the node is an instance of.
    pub fn module_id(&self, node: NodeId) -> ModuleId {
        self.nodes[node.index()].module
    }

    /// The definition the node is an instance of.
    pub fn module(&self, node: NodeId) -> &ModuleDef {
        self.design.module(self.module_id(node))
    }

    /// The node of one of a node's instances.
    pub fn child(&self, node: NodeId, instance: InstanceId) -> NodeId {
        NodeId(node.0 + self.offsets[self.module_id(node).index()][instance.index()])
    }

    /// The node's own instances, in the order of its module's `instances`.
    pub fn children(&self, node: NodeId) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        self.offsets[self.module_id(node).index()].iter().map(move |offset| NodeId(node.0 + offset))
    }

    /// The numbers of the node and everything below it.
    pub fn subtree(&self, node: NodeId) -> Range<u32> {
        node.0..node.0 + self.subtree[self.module_id(node).index()]
    }

    /// The top-level domain that clocks a domain of a node.
    pub fn top_domain(&self, node: NodeId, domain: DomainId) -> DomainId {
        self.domains[self.nodes[node.index()].domains as usize + domain.index()]
    }

    /// The node's own name: the instance name, or the module's name for the top.
    pub fn name(&self, node: NodeId) -> &str {
        match self.parent(node) {
            Some(parent) => &self.module(parent).instances[self.nodes[node.index()].instance.index()].name,
            None => &self.module(node).name,
        }
    }

    /// The node's full path, the top module's name first: `top.array.pe_0_0`.
    pub fn path(&self, node: NodeId) -> String {
        match self.parent(node) {
            Some(parent) => {
                let mut path = self.path(parent);
                path.push('.');
                path.push_str(self.name(node));
                path
            }
            None => self.name(node).to_string(),
        }
    }

    /// The full path of a thing named `name` in a node.
    pub fn path_of(&self, node: NodeId, name: &str) -> String {
        format!("{}.{name}", self.path(node))
    }

    /// The full path of a signal: its own name, a port's that shows it, or `%7` for the seventh cell if it has none.
    pub fn signal_path(&self, node: NodeId, cell: CellId) -> String {
        let module = self.module(node);
        let port = || module.outputs.iter().find(|p| p.value == cell).map(|p| p.name.as_str());
        let input = || module.inputs.iter().find(|p| p.cell == cell).map(|p| p.name.as_str());
        match module.info[cell.index()].name.as_deref().or_else(input).or_else(port) {
            Some(name) => self.path_of(node, name),
            None => self.path_of(node, &format!("{cell:?}")),
        }
    }
}

fn child_offsets(module: &ModuleDef, subtree: &[u32]) -> Vec<u32> {
    let mut next = 1u32;
    module
        .instances
        .iter()
        .map(|instance| {
            let offset = next;
            next = next.saturating_add(subtree[instance.module.index()]);
            offset
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_hdl::design::{Domain, Instance};

    /// A module with these instances (name, module, and the own domain that drives each of the child's domains).
    fn module(name: &str, domains: usize, instances: Vec<(String, u32, Vec<u32>)>) -> ModuleDef {
        let domains = (0..domains).map(|i| Domain { name: if i == 0 { String::new() } else { format!("d{i}") } }).collect();
        let instance = |(name, module, domains): (String, u32, Vec<u32>)| Instance {
            name: name.into(),
            module: ModuleId(module),
            inputs: Vec::new(),
            domains: domains.into_iter().map(DomainId).collect(),
            location: None,
        };
        ModuleDef { name: name.to_string(), domains, instances: instances.into_iter().map(instance).collect(), ..ModuleDef::default() }
    }

    fn tree() -> Hierarchy {
        let design = Design {
            modules: vec![
                module("leaf", 1, vec![]),
                module("pair", 2, vec![("x".into(), 0, vec![0]), ("y".into(), 0, vec![1])]),
                module("top", 2, vec![("a".into(), 1, vec![0, 1]), ("b".into(), 0, vec![1]), ("c".into(), 1, vec![1, 0])]),
            ],
            files: Vec::new(),
        };
        Hierarchy::of(&Arc::new(design)).unwrap()
    }

    #[test]
    fn nodes_are_numbered_in_preorder() {
        let tree = tree();
        let paths: Vec<String> = tree.nodes().map(|node| tree.path(node)).collect();
        assert_eq!(paths, ["top", "top.a", "top.a.x", "top.a.y", "top.b", "top.c", "top.c.x", "top.c.y"]);
        assert_eq!(tree.children(NodeId::TOP).collect::<Vec<_>>(), [NodeId(1), NodeId(4), NodeId(5)]);
        assert_eq!((tree.subtree(NodeId(1)), tree.subtree(NodeId(4))), (1..4, 4..5));
        for node in tree.nodes() {
            assert_eq!(tree.find_node(&tree.path(node)), Ok(node));
            assert!(tree.children(node).all(|child| tree.parent(child) == Some(node)));
        }
    }

    #[test]
    fn a_domain_is_followed_up_to_the_top() {
        let tree = tree();
        let of = |path: &str, domain: u32| tree.top_domain(tree.find_node(path).unwrap(), DomainId(domain)).0;
        assert_eq!([of("a.x", 0), of("a.y", 0), of("b", 0), of("c.x", 0), of("c.y", 0), of("c", 1)], [0, 1, 1, 1, 0, 0]);
    }

    #[test]
    fn a_large_array_has_its_tree_and_a_tree_beyond_memory_is_refused() {
        let row = (0..256).map(|i| (format!("pe_{i}"), 0, vec![0])).collect();
        let rows = (0..256).map(|i| (format!("row_{i}"), 1, vec![0])).collect();
        let design = Design { modules: vec![module("pe", 1, vec![]), module("row", 1, row), module("top", 1, rows)], files: Vec::new() };
        let tree = Hierarchy::of(&Arc::new(design)).unwrap();
        assert_eq!(tree.len(), 1 + 256 + 65536);
        assert_eq!(tree.path(tree.find_node("row_200.pe_100").unwrap()), "top.row_200.pe_100");

        let twice = |level: u32| module(&format!("m{level}"), 1, vec![("a".into(), level - 1, vec![0]), ("b".into(), level - 1, vec![0])]);
        let modules = std::iter::once(module("m0", 1, vec![])).chain((1..80).map(twice)).collect();
        let refused = Hierarchy::of(&Arc::new(Design { modules, files: Vec::new() })).unwrap_err();
        assert_eq!(refused.instances, u64::MAX);
    }
}
