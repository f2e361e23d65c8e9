//! Where a path such as `array.pe_0_0.acc` leads, and what may have been meant if it leads nowhere.

use std::cmp::Reverse;
use std::fmt;

use systole_hdl::design::{InstanceId, MemoryId};
use systole_hdl::{CellId, ModuleDef};

use super::{Hierarchy, NodeId};

impl Hierarchy {
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
