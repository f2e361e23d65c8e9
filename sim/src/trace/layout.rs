//! From an instance tree and a selection to the contents of a trace: which variables stand in which scope, and which of
//! them show the same signal and so share one run of values.

use std::collections::{HashMap, HashSet};

use systole_hdl::design::{DomainId, MemoryId, ModuleId};
use systole_hdl::{CellId, ModuleDef, Type};

use super::contents::{Contents, Direction, Item, Series, StateNames, Variable};
use super::error::TraceError;
use super::names::{claim, safe_names};
use super::selection::{Levels, Selection, nearest};
use super::{ALL_MEMORY_WORDS, MEMORY_WORDS, TraceOptions, start_of};
use crate::connect::origin;
use crate::hierarchy::{Hierarchy, NodeId};

/// A trace's contents and the signals to sample for it.
pub(super) struct Layout {
    /// What stands in the file.
    pub contents: Contents,
    /// The signals behind the sources; the source of a signal is the number of top-level domains, whose resets come
    /// first, plus its index here.
    pub signals: Vec<Signal>,
    /// Width of each source in bits.
    pub widths: Vec<u32>,
    /// Paths of all memories, as they stand in a trace.
    memories: Vec<String>,
}

/// What is sampled in each cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signal {
    /// A cell of an instance.
    Cell(NodeId, CellId),
    /// A word of an instance's memory.
    Word(NodeId, MemoryId, u32),
}

/// Lays out a trace of everything that the options select: ports, clocks, resets, named cells and words of memories.
///
/// # Errors
/// If a pattern is none or selects nothing, or the memories are too large.
pub(super) fn layout(hierarchy: &Hierarchy, options: &TraceOptions) -> Result<Layout, TraceError> {
    let mut scopes = Selection::new(&options.scopes, options.depth)?;
    let mut memories = Selection::only(&options.memories)?;
    let layout = lay_out(hierarchy, &mut scopes, &mut memories, options)?;
    if let Some(pattern) = scopes.missed() {
        let all = lay_out(hierarchy, &mut Selection::new(&[], None)?, &mut Selection::only(&[])?, options)?;
        return Err(TraceError::NothingSelected { pattern: pattern.to_string(), nearest: nearest(pattern, paths(&all.contents)) });
    }
    match memories.missed() {
        Some(pattern) => Err(TraceError::NoMemory { pattern: pattern.to_string(), nearest: nearest(pattern, layout.memories) }),
        None => Ok(layout),
    }
}

/// Paths of all scopes and variables.
pub(super) fn paths(contents: &Contents) -> Vec<String> {
    let (mut paths, mut around) = (Vec::new(), Vec::<String>::new());
    for item in &contents.items {
        let inside = |name: &str| around.last().map_or_else(|| name.to_string(), |outer| format!("{outer}.{name}"));
        match item {
            Item::Scope { name, .. } => {
                let path = inside(name);
                paths.push(path.clone());
                around.push(path);
            }
            Item::Variable(variable) => paths.push(inside(&variable.name)),
            Item::Up => drop(around.pop()),
        }
    }
    paths
}

fn lay_out(
    hierarchy: &Hierarchy,
    selection: &mut Selection,
    memories: &mut Selection,
    options: &TraceOptions,
) -> Result<Layout, TraceError> {
    let domains = hierarchy.module(NodeId::TOP).domains.len();
    let mut plans: HashMap<ModuleId, ScopePlan> = HashMap::new();
    let mut builder = Builder::new(domains, start_of(options.from));
    // The scopes around the node at hand, outermost first.
    let mut around: Vec<OpenScope> = Vec::new();
    for node in hierarchy.nodes() {
        let parent = hierarchy.parent(node);
        while around.last().is_some_and(|scope| Some(scope.node) != parent) {
            builder.close(around.pop());
        }
        let id = hierarchy.module_id(node);
        let name = match (around.last(), hierarchy.instance(node)) {
            (Some(outer), Some(instance)) => plans[&hierarchy.module_id(outer.node)].instances[instance.index()].clone(),
            _ => safe_names([hierarchy.name(node)]).remove(0),
        };
        let path = around.last().map_or_else(|| name.clone(), |outer| format!("{}.{name}", outer.path));
        let levels = selection.levels(&path, around.last().map(|outer| &outer.levels));
        let memory_levels = memories.levels(&path, around.last().map(|outer| &outer.memory_levels));
        around.push(OpenScope {
            node,
            name,
            path: path.clone(),
            levels: levels.clone(),
            memory_levels: memory_levels.clone(),
            declared: false,
        });
        let plan = plans.entry(id).or_insert_with(|| ScopePlan::of(hierarchy.module(node), options.reals));
        for signal in &plan.signals {
            if selection.selects(|| format!("{path}.{}", signal.name), &levels) {
                builder.declare_scopes(hierarchy, &mut around);
                builder.declare(hierarchy, node, signal);
            }
        }
        for (name, memory) in plan.memories.iter().zip((0..).map(MemoryId)) {
            let path = format!("{path}.{name}");
            if memories.selects(|| path.clone(), &memory_levels) {
                builder.declare_scopes(hierarchy, &mut around);
                builder.declare_memory((node, memory), &path, name, hierarchy.module(node), options.memory_words)?;
            }
            builder.layout.memories.push(path);
        }
    }
    while let Some(scope) = around.pop() {
        builder.close(Some(scope));
    }
    Ok(builder.layout)
}

/// A scope on the way from the top to the node at hand.
struct OpenScope {
    node: NodeId,
    name: String,
    path: String,
    levels: Levels,
    memory_levels: Levels,
    /// Whether it stands in the file: it does once something in it is selected.
    declared: bool,
}

/// The variables of a module, alike in all its instances.
struct ScopePlan {
    signals: Vec<PlannedSignal>,
    /// Safe names of the module's instances.
    instances: Vec<String>,
    /// Safe names of its memories.
    memories: Vec<String>,
}

struct PlannedSignal {
    name: String,
    what: What,
    direction: Direction,
    /// Name of the variable that shows it as a real number, if there is one.
    real: Option<String>,
    /// Name of the variable that shows it as text and the states' names, if it is a state.
    states: Option<(String, Vec<String>)>,
}

#[derive(Clone, Copy)]
enum What {
    Clock(DomainId),
    Reset(DomainId),
    Cell(CellId),
}

impl ScopePlan {
    fn of(module: &ModuleDef, reals: bool) -> ScopePlan {
        let found = signals_of(module);
        let instances = module.instances.iter().map(|instance| instance.name.as_str());
        let mut names = safe_names(found.iter().map(|(name, ..)| name.as_str()).chain(instances));
        let mut taken: HashSet<String> = names.iter().cloned().collect();
        let instances = names.split_off(found.len());
        let mut plan = |(name, (_, what, direction)): (String, (String, What, Direction))| {
            let cell = if let What::Cell(cell) = what { Some(cell) } else { None };
            let fixed = cell.is_some_and(|cell| matches!(module.ty(cell), Type::Fixed { .. } | Type::UFixed { .. }));
            let states = cell.map_or(&[][..], |cell| &module.info[cell.index()].states);
            let real = (fixed && reals).then(|| claim(&format!("{name}_real"), &mut taken));
            let states =
                (!states.is_empty()).then(|| (claim(&format!("{name}_name"), &mut taken), safe_names(states.iter().map(String::as_str))));
            PlannedSignal { name, what, direction, real, states }
        };
        let signals = names.into_iter().zip(found).map(&mut plan).collect();
        // Last, so that no other name depends on them.
        let memories = module.memories.iter().map(|memory| claim(&safe_names([memory.name.as_str()]).remove(0), &mut taken)).collect();
        ScopePlan { signals, instances, memories }
    }
}

/// Clocks and resets, ports, then named cells that are not a port of the same name, with their names as described.
fn signals_of(module: &ModuleDef) -> Vec<(String, What, Direction)> {
    let domains = module.domains.iter().zip((0..).map(DomainId));
    let clocks =
        domains.flat_map(|(d, id)| [(d.clock(), What::Clock(id), Direction::Input), (d.reset(), What::Reset(id), Direction::Input)]);
    let inputs = module.inputs.iter().map(|p| (p.name.to_string(), What::Cell(p.cell), Direction::Input));
    let outputs = module.outputs.iter().map(|p| (p.name.to_string(), What::Cell(p.value), Direction::Output));
    let mut signals: Vec<_> = clocks.chain(inputs).chain(outputs).collect();
    let ports: HashSet<&str> =
        module.inputs.iter().map(|p| p.name.as_str()).chain(module.outputs.iter().map(|p| p.name.as_str())).collect();
    let named = module.cell_ids().filter_map(|cell| Some((module.info[cell.index()].name.as_ref()?.to_string(), cell)));
    signals
        .extend(named.filter(|(name, _)| !ports.contains(name.as_str())).map(|(name, cell)| (name, What::Cell(cell), Direction::Internal)));
    signals
}

/// The layout so far, and what is already in it.
struct Builder {
    layout: Layout,
    clocks: HashMap<DomainId, usize>,
    sources: HashMap<(NodeId, CellId), usize>,
    /// Series that show a source's bits, by source.
    bits: HashMap<usize, usize>,
    reals: HashMap<(usize, Type), usize>,
    state_names: HashMap<(usize, usize), usize>,
    states: HashMap<(ModuleId, CellId), usize>,
    /// Words of memories so far.
    words: u64,
}

impl Builder {
    fn new(domains: usize, start: u64) -> Builder {
        let contents = Contents { items: Vec::new(), series: Vec::new(), states: Vec::new(), domains, start };
        Builder {
            layout: Layout { contents, signals: Vec::new(), widths: vec![1; domains], memories: Vec::new() },
            clocks: HashMap::new(),
            sources: HashMap::new(),
            bits: HashMap::new(),
            reals: HashMap::new(),
            state_names: HashMap::new(),
            states: HashMap::new(),
            words: 0,
        }
    }

    fn declare_scopes(&mut self, hierarchy: &Hierarchy, around: &mut [OpenScope]) {
        for scope in around.iter_mut().filter(|scope| !scope.declared) {
            let module = safe_names([hierarchy.module(scope.node).name.as_str()]).remove(0);
            self.layout.contents.items.push(Item::Scope { name: scope.name.clone(), module });
            scope.declared = true;
        }
    }

    fn close(&mut self, scope: Option<OpenScope>) {
        if scope.is_some_and(|scope| scope.declared) {
            self.layout.contents.items.push(Item::Up);
        }
    }

    fn declare(&mut self, hierarchy: &Hierarchy, node: NodeId, signal: &PlannedSignal) {
        let direction = signal.direction;
        let variable = |name: &str, series| Variable { name: name.to_string(), series, register: false, direction, states: None, ty: None };
        let cell = match signal.what {
            What::Clock(domain) => {
                let series = self.clock(hierarchy.top_domain(node, domain));
                return self.push(variable(&signal.name, series));
            }
            What::Reset(domain) => {
                // The resets of the top's domains are the first sources.
                let series = self.bits(hierarchy.top_domain(node, domain).index());
                return self.push(variable(&signal.name, series));
            }
            What::Cell(cell) => cell,
        };
        let module = hierarchy.module(node);
        let ty = module.ty(cell);
        let register = module.cell(cell).is_sequential();
        let source = self.source(origin(hierarchy, (node, cell)), module.ty(cell).width());
        let series = self.bits(source);
        let states = signal.states.as_ref().map(|(name, states)| (name, self.states(hierarchy, node, cell, states)));
        let named = states.map(|(_, states)| states);
        self.push(Variable { register, states: named, ty: Some(ty), ..variable(&signal.name, series) });
        if let Some(name) = &signal.real {
            let series = self.real(source, ty);
            self.push(variable(name, series));
        }
        if let Some((name, states)) = states {
            let series = self.state_name(source, states);
            self.push(variable(name, series));
        }
    }

    /// The words of a memory, named as Verilator's traces have them.
    fn declare_memory(
        &mut self,
        (node, memory): (NodeId, MemoryId),
        path: &str,
        name: &str,
        module: &ModuleDef,
        most: Option<u32>,
    ) -> Result<(), TraceError> {
        let (ty, depth) = (module.memories[memory.index()].ty, module.memories[memory.index()].depth);
        let words = most.map_or(depth, |most| depth.min(most));
        self.words += u64::from(words);
        if most.is_none() && (words > MEMORY_WORDS || self.words > ALL_MEMORY_WORDS) {
            return Err(TraceError::TooManyWords { path: path.to_string(), words, total: self.words });
        }
        let range = if ty.width() > 1 { format!(" [{}:0]", ty.width() - 1) } else { String::new() };
        for address in 0..words {
            let layout = &mut self.layout;
            layout.signals.push(Signal::Word(node, memory, address));
            layout.widths.push(ty.width());
            let source = layout.widths.len() - 1;
            let series = self.bits(source);
            let name = format!("{name}[{address}]{range}");
            self.push(Variable { name, series, register: true, direction: Direction::Internal, states: None, ty: Some(ty) });
        }
        Ok(())
    }

    fn push(&mut self, variable: Variable) {
        self.layout.contents.items.push(Item::Variable(variable));
    }

    fn source(&mut self, signal: (NodeId, CellId), width: u32) -> usize {
        let layout = &mut self.layout;
        *self.sources.entry(signal).or_insert_with(|| {
            layout.signals.push(Signal::Cell(signal.0, signal.1));
            layout.widths.push(width);
            layout.widths.len() - 1
        })
    }

    fn clock(&mut self, domain: DomainId) -> usize {
        let series = &mut self.layout.contents.series;
        *self.clocks.entry(domain).or_insert_with(|| add(series, Series::Clock { domain: domain.index() }))
    }

    fn bits(&mut self, source: usize) -> usize {
        let Layout { contents, widths, .. } = &mut self.layout;
        *self.bits.entry(source).or_insert_with(|| add(&mut contents.series, Series::Bits { source, width: widths[source] }))
    }

    fn real(&mut self, source: usize, ty: Type) -> usize {
        let series = &mut self.layout.contents.series;
        *self.reals.entry((source, ty)).or_insert_with(|| add(series, Series::Real { source, ty }))
    }

    fn state_name(&mut self, source: usize, states: usize) -> usize {
        let series = &mut self.layout.contents.series;
        *self.state_names.entry((source, states)).or_insert_with(|| add(series, Series::StateName { source, states }))
    }

    fn states(&mut self, hierarchy: &Hierarchy, node: NodeId, cell: CellId, names: &[String]) -> usize {
        let info = &hierarchy.module(node).info[cell.index()];
        let all = &mut self.layout.contents.states;
        *self.states.entry((hierarchy.module_id(node), cell)).or_insert_with(|| {
            let name = safe_names([info.name.as_deref().unwrap_or("state")]).remove(0);
            all.push(StateNames { name, width: info.ty.width(), names: names.to_vec() });
            all.len() - 1
        })
    }
}

fn add(all: &mut Vec<Series>, one: Series) -> usize {
    all.push(one);
    all.len() - 1
}
