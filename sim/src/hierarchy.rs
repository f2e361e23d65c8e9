//! The instance tree of a design: numbered scopes, their paths, and where a path such as `array.pe_0_0.acc` leads.
//!
//! Nodes are numbered in preorder, so a subtree is a range of numbers, and the children of a node are found by adding
//! per-module offsets: the tree of a 256×256 array is one small record an instance and no strings.

use std::cmp::Reverse;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use systole_hdl::design::{DomainId, InstanceId, MemoryId, ModuleId};
use systole_hdl::{CellId, Design, ModuleDef};
use thiserror::Error;

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

    /// The node at a path, which may begin with the top module's name or below it.
    ///
    /// # Errors
    /// If there is no such instance.
    pub fn find_node(&self, path: &str) -> Result<NodeId, PathError> {
        self.search(path, Sought::Instance, |steps| {
            let (scope, rest) = self.descend(steps);
            match rest {
                [] => Ok(scope),
                [missing, ..] => Err((scope, (*missing).to_string())),
            }
        })
    }

    /// The signal at a path such as `array.pe_0_0.acc`: a port or a named cell of an instance, or an unnamed cell by its
    /// number (`array.%12`). The path may begin with the top module's name or below it.
    ///
    /// # Errors
    /// If there is no such instance or no such signal in it.
    pub fn find_signal(&self, path: &str) -> Result<(NodeId, CellId), PathError> {
        self.search(path, Sought::Signal, |steps| self.leaf(steps, signal_in))
    }

    /// The memory at a path such as `weights.bank_0`, which may begin with the top module's name or below it.
    ///
    /// # Errors
    /// If there is no such instance or no such memory in it.
    pub fn find_memory(&self, path: &str) -> Result<(NodeId, MemoryId), PathError> {
        self.search(path, Sought::Memory, |steps| self.leaf(steps, memory_in))
    }

    /// Tries the path with a leading top name taken off, then as it stands, since an instance may bear the top's name too.
    fn search<T>(&self, path: &str, sought: Sought, find: impl Fn(&[&str]) -> Result<T, (NodeId, String)>) -> Result<T, PathError> {
        let steps: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('.').collect() };
        let below_top = match steps.split_first() {
            Some((first, rest)) if *first == self.name(NodeId::TOP) => Some(rest),
            _ => None,
        };
        let found = match below_top {
            Some(rest) => find(rest).or_else(|failure| find(&steps).map_err(|_| failure)),
            None => find(&steps),
        };
        found.map_err(|(scope, missing)| self.path_error(path, sought, scope, missing))
    }

    /// The deepest instance that the first steps lead to, and the steps that remain.
    fn descend<'s>(&self, steps: &'s [&'s str]) -> (NodeId, &'s [&'s str]) {
        let mut scope = NodeId::TOP;
        for (taken, step) in steps.iter().enumerate() {
            match self.child_named(scope, step) {
                Some(child) => scope = child,
                None => return (scope, &steps[taken..]),
            }
        }
        (scope, &[])
    }

    fn leaf<T>(&self, steps: &[&str], find: impl Fn(&ModuleDef, &str) -> Option<T>) -> Result<(NodeId, T), (NodeId, String)> {
        let Some((name, scopes)) = steps.split_last() else {
            return Err((NodeId::TOP, String::new()));
        };
        let (scope, rest) = self.descend(scopes);
        match rest {
            [] => find(self.module(scope), name).map(|found| (scope, found)).ok_or_else(|| (scope, (*name).to_string())),
            [missing, ..] => Err((scope, (*missing).to_string())),
        }
    }

    fn child_named(&self, node: NodeId, name: &str) -> Option<NodeId> {
        let id = self.module_id(node);
        let instances = &self.design.module(id).instances;
        let sorted = self.by_name[id.index()].get_or_init(|| {
            let mut order: Vec<InstanceId> = (0..instances.len() as u32).map(InstanceId).collect();
            order.sort_unstable_by_key(|i| &instances[i.index()].name);
            order
        });
        let at = sorted.binary_search_by_key(&name, |i| &instances[i.index()].name).ok()?;
        Some(self.child(node, sorted[at]))
    }

    fn path_error(&self, path: &str, sought: Sought, scope: NodeId, missing: String) -> PathError {
        let module = self.module(scope);
        let elsewhere = match sought {
            Sought::Signal if memory_in(module, &missing).is_some() => Some(Sought::Memory),
            Sought::Memory | Sought::Instance if signal_in(module, &missing).is_some() => Some(Sought::Signal),
            Sought::Instance if memory_in(module, &missing).is_some() => Some(Sought::Memory),
            Sought::Signal | Sought::Memory if self.child_named(scope, &missing).is_some() => Some(Sought::Instance),
            _ => None,
        };
        let suggestions = nearest(&missing, names_in(module, sought));
        PathError { path: path.to_string(), sought, scope: self.path(scope), missing, elsewhere, suggestions }
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

fn signal_in(module: &ModuleDef, name: &str) -> Option<CellId> {
    let numbered = || name.strip_prefix('%')?.parse().ok().filter(|&i: &u32| (i as usize) < module.cells.len()).map(CellId);
    module.find_signal(name).or_else(numbered)
}

fn memory_in(module: &ModuleDef, name: &str) -> Option<MemoryId> {
    module.memories.iter().position(|m| m.name == name).map(|i| MemoryId(i as u32))
}

/// Names that could stand where `sought` was looked for: those of its kind, and the instances that may lead to it.
fn names_in(module: &ModuleDef, sought: Sought) -> impl Iterator<Item = &str> {
    let instances = module.instances.iter().map(|i| i.name.as_str());
    let signals = (sought == Sought::Signal).then(|| {
        let inputs = module.inputs.iter().map(|p| p.name.as_str());
        let outputs = module.outputs.iter().map(|p| p.name.as_str());
        inputs.chain(outputs).chain(module.info.iter().filter_map(|i| i.name.as_deref()))
    });
    let memories = (sought == Sought::Memory).then(|| module.memories.iter().map(|m| m.name.as_str()));
    instances.chain(signals.into_iter().flatten()).chain(memories.into_iter().flatten())
}

/// Up to three of `names` that a slip of the pen could have turned into `wrong`, nearest first.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const ALIKE: f64 = 0.6;
    let mut scored: Vec<(u32, &str)> = names
        .map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .map(|(likeness, name)| ((likeness * 1e6) as u32, name))
        .collect();
    scored.sort_unstable_by_key(|&(likeness, name)| (Reverse(likeness), name));
    scored.dedup();
    scored.into_iter().take(3).map(|(_, name)| name.to_string()).collect()
}

/// What a path was expected to lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sought {
    /// An instance.
    Instance,
    /// A port or a cell.
    Signal,
    /// A memory.
    Memory,
}

impl Sought {
    fn with_article(self) -> &'static str {
        match self {
            Sought::Instance => "an instance",
            Sought::Signal => "a signal",
            Sought::Memory => "a memory",
        }
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sought::Instance => "instance",
            Sought::Signal => "signal",
            Sought::Memory => "memory",
        })
    }
}

/// A path that leads nowhere: where it was lost, and what may have been meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathError {
    /// The path as given.
    pub path: String,
    /// What it was to lead to.
    pub sought: Sought,
    /// The deepest instance on the way that exists, as a full path.
    pub scope: String,
    /// The step that `scope` does not have.
    pub missing: String,
    /// What `missing` is in `scope`, if it is a thing of another kind.
    pub elsewhere: Option<Sought>,
    /// Names in `scope` that are nearly `missing`, nearest first.
    pub suggestions: Vec<String>,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PathError { path, sought, scope, missing, elsewhere, suggestions } = self;
        if let Some(other) = elsewhere {
            return write!(f, "no {sought} `{path}`: `{scope}.{missing}` is {}, not {}", other.with_article(), sought.with_article());
        }
        let last = path.rsplit('.').next() == Some(missing);
        match (last, sought) {
            (false, _) | (true, Sought::Instance) => write!(f, "no {sought} `{path}`: `{scope}` has no instance `{missing}`")?,
            (true, _) => write!(f, "no {sought} `{path}`: `{scope}` has no {sought} of that name")?,
        }
        match suggestions.as_slice() {
            [] => Ok(()),
            [first, rest @ ..] => {
                write!(f, "; did you mean `{first}`")?;
                for other in rest {
                    write!(f, " or `{other}`")?;
                }
                write!(f, "?")
            }
        }
    }
}

impl std::error::Error for PathError {}
