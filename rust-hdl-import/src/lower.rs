//! Puts the modules of a design together: children first, equal ones shared, primitives within the module that holds them.

use std::hash::BuildHasher;

use rust_hdl_core::ast::{Verilog, VerilogExpression, VerilogStatement};
use rust_hdl_core::atom::AtomKind;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use systole_hdl::analysis::PortPaths;
use systole_hdl::design::ModuleId;
use systole_hdl::validate::{Item, Violation};
use systole_hdl::{Design, ModuleDef};

use crate::arrivals::Arrivals;
use crate::build::{Build, Child, Lowered};
use crate::dependencies::Read;
use crate::diagnostic::{Diagnostic, Problem};
use crate::evaluate::Evaluator;
use crate::names::UniqueNames;
use crate::primitives::{Primitive, recognise};
use crate::probe::{Node, SignalInfo};
use crate::refusals::{refused_code, refused_signals};
use crate::signals::{Role, SignalId};
use crate::{LateClocks, Options, Undriven, Widths};

/// The design of a circuit.
pub(crate) fn lower(root: &Node, options: &Options) -> Result<Design, Vec<Diagnostic>> {
    let lowering = lowered(root, options, false);
    if !lowering.diagnostics.is_empty() {
        return Err(lowering.diagnostics);
    }
    let Err(violations) = lowering.design.validate() else { return Ok(lowering.design) };
    let is_loop = |violation: &&Violation| matches!(violation.item, Item::Cell(_)) && violation.text.contains("combinational loop");
    let others = violations.iter().filter(|violation| !is_loop(violation)).map(|violation| lowering.invalid(root, violation));
    // Once more with a name for each signal.
    let loops = if violations.iter().any(|violation| is_loop(&violation)) { lowered(root, options, true).loops() } else { Vec::new() };
    Err(loops.into_iter().chain(others).collect())
}

/// The modules of a circuit, or what is wrong with them.
fn lowered<'o>(root: &Node, options: &'o Options, names_signals: bool) -> Lowering<'o> {
    let mut lowering = Lowering::new(options, names_signals);
    lowering.names.take(&root.name);
    match primitive(root) {
        Some(primitive) => lowering.module(&held_alone(root, &primitive)),
        None => lowering.module(root),
    };
    lowering.refuse_undriven(root);
    if lowering.diagnostics.is_empty() && options.widths == Widths::Simulator && options.late_clocks == LateClocks::Refused {
        lowering.diagnostics.extend(lowering.arrivals.late());
    }
    lowering
}

fn primitive(node: &Node) -> Option<Primitive> {
    match &node.code {
        Ok(Verilog::Custom(text)) => recognise(node, text),
        _ => None,
    }
}

/// A block that holds a primitive and connects its ports to its own.
fn held_alone(node: &Node, primitive: &Primitive) -> Node {
    let signal = |name: String| VerilogExpression::Signal(name);
    let connect = |info: &SignalInfo| {
        let (outer, inner) = (signal(info.name.clone()), signal(format!("{}${}", primitive.name(), info.name)));
        if info.kind == AtomKind::InputParameter {
            VerilogStatement::Assignment(inner, outer)
        } else {
            VerilogStatement::Assignment(outer, inner)
        }
    };
    Node {
        name: node.name.clone(),
        path: node.path.clone(),
        signals: node.signals.clone(),
        children: vec![Node {
            name: primitive.name().to_string(),
            path: node.path.clone(),
            signals: node.signals.clone(),
            children: Vec::new(),
            code: node.code.clone(),
        }],
        code: Ok(Verilog::Combinatorial(node.signals.iter().map(connect).collect())),
    }
}

struct Lowering<'o> {
    options: &'o Options,
    /// Whether each signal that the code assigns has its name in the design, even if that is not valid there.
    names_signals: bool,
    arrivals: Arrivals,
    /// Inputs of children that nothing drives.
    undriven: Vec<String>,
    design: Design,
    diagnostics: Vec<Diagnostic>,
    reported: FxHashSet<Diagnostic>,
    names: UniqueNames,
    /// For each module the block that it was first made of.
    paths: Vec<String>,
    /// Modules by the hash of what they hold, to find equal ones.
    alike: FxHashMap<u64, Vec<ModuleId>>,
}

impl Lowering<'_> {
    fn new(options: &Options, names_signals: bool) -> Lowering<'_> {
        Lowering {
            options,
            names_signals,
            arrivals: Arrivals::default(),
            undriven: Vec::new(),
            design: Design::default(),
            diagnostics: Vec::new(),
            reported: FxHashSet::default(),
            names: UniqueNames::default(),
            paths: Vec::new(),
            alike: FxHashMap::default(),
        }
    }

    /// The loops of signals that depend on themselves within a cycle, of each module the first.
    fn loops(&self) -> Vec<Diagnostic> {
        let (mut paths, mut found) = (Vec::new(), Vec::new());
        for (module, path) in self.design.modules.iter().zip(&self.paths) {
            paths.push(PortPaths::of(module, &paths).unwrap_or_else(|closed| {
                let mut names: Vec<&str> = closed.cells.iter().filter_map(|cell| module.info[cell.index()].name.as_deref()).collect();
                names.dedup();
                let path_back = names.iter().chain(names.first()).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ");
                let reason = format!("it depends on itself within a cycle: {path_back}");
                let remedy = "put a flip-flop into the loop; a word whose bits depend on each other is better several signals";
                let construct = names.first().map_or("combinational loop".to_string(), |name| format!("signal `{name}`"));
                found.push(Problem::new(construct, reason, remedy).within(path));
                PortPaths::default()
            }));
        }
        found
    }

    /// Refuses inputs of children that nothing drives, all at once, unless they are to be ports.
    fn refuse_undriven(&mut self, root: &Node) {
        if self.options.undriven == Undriven::Ports || self.undriven.is_empty() {
            return;
        }
        const SHOWN: usize = 20;
        let names: Vec<_> = self.undriven.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let more = self.undriven.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (construct, what) = match names.len() {
            1 => ("signal", "nothing in the circuit drives it"),
            _ => ("signals", "nothing in the circuit drives them"),
        };
        let remedy = "assign it in `update`, or, if a testbench drives it, import with `undriven: Undriven::Ports`";
        let remedy = if names.len() == 1 { remedy.to_string() } else { remedy.replace(" it ", " them ").replace(" it,", " them,") };
        self.diagnostics.push(Problem::new(format!("{construct} {}{more}", names.join(", ")), what, remedy).within(&root.path));
    }

    /// A broken rule of the netlist: two signals whose names become one, a word beyond all bounds.
    fn invalid(&self, root: &Node, violation: &Violation) -> Diagnostic {
        let path = violation.module.and_then(|module| self.paths.get(module.index())).unwrap_or(&root.path);
        let is_name = violation.text.contains("name");
        let remedy = if is_name { "rename one of two signals whose names become one" } else { "make its words narrower" };
        Problem::new("design", &violation.text, remedy).within(path)
    }

    fn report(&mut self, node: &Node, problem: Problem) {
        let diagnostic = problem.within(&node.path);
        // A fault in a loop comes in each turn of it.
        if self.reported.insert(diagnostic.clone()) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Lowers a block and all its children. `None` if that failed, which has been reported.
    fn module(&mut self, node: &Node) -> Option<Lowered> {
        let reported = self.diagnostics.len();
        let children: Vec<Child> = node.children.iter().map(|child| self.child(child)).collect();
        for problem in refused_code(node).into_iter().chain(refused_signals(node)) {
            self.report(node, problem);
        }
        // What cannot be executed drives nothing; reporting that too would only distract.
        let block = match &node.code {
            Ok(Verilog::Combinatorial(block)) => block.as_slice(),
            Ok(Verilog::Empty) if self.diagnostics.len() == reported => &[],
            _ => return None,
        };
        let mut build = Build::default();
        build.declare_own(node);
        for (child, lowered) in node.children.iter().zip(&children) {
            build.declare_child(&self.design, child, lowered);
        }
        let mut evaluator = Evaluator::new(self.options.widths, &build.signals, &mut build.netlist, &mut build.clocks);
        evaluator.block(block);
        let executed = evaluator.finish();
        build.values = executed.values;
        build.open_locals = executed.open_locals;
        build.cells = executed.cells;
        build.problems.extend(executed.problems);
        build.problems.extend(build.clocks.conflicts(&build.signals));
        let depth = self.path_below_top(node);
        self.undriven.extend(executed.undriven.iter().map(|&id| format!("{depth}{}", build.signals.get(id).name)));
        self.note_arrivals(node, &build, &executed.dependencies);
        build.open_undriven(node, &children, executed.undriven, self.options.undriven == Undriven::Ports);
        if self.diagnostics.len() == reported {
            if self.names_signals {
                build.name_signals();
            }
            build.finish(node, &children, &self.design);
        }
        for problem in std::mem::take(&mut build.problems) {
            self.report(node, problem);
        }
        if self.diagnostics.len() > reported {
            return None;
        }
        let id = self.share(node, build.netlist.module);
        Some(Lowered { id, inputs: build.inputs, clocks: build.own_clocks, passed_clocks: build.passed_clocks, opened: build.opened })
    }

    /// Notes how the signals of a block follow each other.
    fn note_arrivals(&mut self, node: &Node, build: &Build, dependencies: &[(SignalId, Read)]) {
        let arrivals = &mut self.arrivals;
        // What the block assigns to itself has another point for those who read it from outside.
        let assigned_to_itself = |id: SignalId| {
            let symbol = build.signals.get(id);
            symbol.is_own() && matches!(symbol.role, Role::Assign | Role::Clock)
        };
        let point = |arrivals: &mut Arrivals, id: SignalId| {
            let symbol = build.signals.get(id);
            match symbol.name.strip_suffix(&symbol.info.name).and_then(|child| child.strip_suffix('$')) {
                Some(child) => arrivals.point(&format!("{}.{child}", node.path), &symbol.info.name),
                None if assigned_to_itself(id) => arrivals.point(&node.path, &format!("{}$within", symbol.info.name)),
                None => arrivals.point(&node.path, &symbol.info.name),
            }
        };
        let turns = |signal: SignalId, source: &Read| u32::from(!assigned_to_itself(signal)) + u32::from(source.is_early);
        for (signal, source) in dependencies {
            let points = (point(arrivals, *signal), point(arrivals, source.signal));
            arrivals.follow(points.0, points.1, turns(*signal, source));
        }
        for (clock, source) in build.clocks.assigned() {
            let points = (point(arrivals, clock), point(arrivals, source.signal));
            arrivals.feed(points.0, points.1, turns(clock, &source));
        }
        for info in node.signals.iter().filter(|info| info.kind == AtomKind::OutputParameter) {
            let outside = arrivals.point(&node.path, &info.name);
            let within = arrivals.point(&node.path, &format!("{}$within", info.name));
            if info.is_clock() {
                arrivals.feed(outside, within, 1);
            } else {
                arrivals.follow(outside, within, 1);
            }
        }
    }

    /// The path of a block from the top one on, to put before the name of a signal.
    fn path_below_top(&self, node: &Node) -> String {
        node.path.split_once('.').map_or(String::new(), |(_, below)| format!("{below}."))
    }

    fn child(&mut self, node: &Node) -> Child {
        if let Some(primitive) = primitive(node) {
            let problems = refused_signals(node);
            let is_refused = !problems.is_empty();
            problems.into_iter().for_each(|problem| self.report(node, problem));
            primitive.note_arrivals(&node.path, &mut self.arrivals);
            return if is_refused { Child::Failed } else { Child::Primitive(primitive) };
        }
        self.module(node).map_or(Child::Failed, Child::Instance)
    }

    /// The definition equal to `module`, or `module` itself: `taps$3` is called `taps`, what the name is not free for gets a number.
    fn share(&mut self, node: &Node, mut module: ModuleDef) -> ModuleId {
        let is_top = node.path == node.name;
        // It has no name yet.
        let alike = self.alike.entry(FxBuildHasher.hash_one(&module)).or_default();
        for &id in alike.iter().filter(|_| !is_top) {
            module.name.clone_from(&self.design.module(id).name);
            if module == *self.design.module(id) {
                return id;
            }
        }
        module.name = if is_top { node.name.clone() } else { self.names.unique(&array_name(&node.name).replace('$', "_")) };
        let id = ModuleId(self.design.modules.len() as u32);
        self.design.modules.push(module);
        self.paths.push(node.path.clone());
        alike.push(id);
        id
    }
}

/// The name of the array that a field is an element of, or the field's own.
fn array_name(field: &str) -> &str {
    match field.rsplit_once('$') {
        Some((array, index)) if !index.is_empty() && index.bytes().all(|symbol| symbol.is_ascii_digit()) => array_name(array),
        _ => field,
    }
}
