//! Puts the modules of a design together: children first, equal ones shared, primitives within the module that holds them.

use rust_hdl_core::ast::{Verilog, VerilogExpression, VerilogStatement};
use rust_hdl_core::atom::AtomKind;
use rustc_hash::{FxHashMap, FxHashSet};
use systole_hdl::design::{Domain, DomainId, Instance, InstanceId, ModuleId, OutputPort};
use systole_hdl::types::MAX_WIDTH;
use systole_hdl::{Cell, CellId, Design, ModuleDef};

use crate::clocks::Clocks;
use crate::diagnostic::{Diagnostic, Problem};
use crate::evaluate::Evaluator;
use crate::netlist::Netlist;
use crate::primitives::{Primitive, recognise};
use crate::probe::{Node, SignalInfo};
use crate::signals::{Role, SignalId, Signals};
use crate::storage;

/// The design of a circuit.
pub(crate) fn lower(root: &Node) -> Result<Design, Vec<Diagnostic>> {
    let mut lowering = Lowering::default();
    match primitive(root) {
        Some(primitive) => lowering.module(&held_alone(root, &primitive)),
        None => lowering.module(root),
    };
    if !lowering.diagnostics.is_empty() {
        return Err(lowering.diagnostics);
    }
    lowering
        .design
        .validate()
        .map_err(|violations| violations.into_iter().map(|violation| invalid(root, &violation.text)).collect::<Vec<_>>())?;
    Ok(lowering.design)
}

/// A broken rule of the netlist. Beside combinational loops, which rust-hdl's own check may let pass, none is expected.
fn invalid(root: &Node, text: &str) -> Diagnostic {
    Problem::new("design", text, "break the loop with a flip-flop").within(&root.path)
}

fn primitive(node: &Node) -> Option<Primitive> {
    match &node.code {
        Verilog::Custom(text) => recognise(node, text),
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
        code: Verilog::Combinatorial(node.signals.iter().map(connect).collect()),
    }
}

#[derive(Default)]
struct Lowering {
    design: Design,
    diagnostics: Vec<Diagnostic>,
    names: FxHashSet<String>,
    /// Modules by their numbers of cells, instances and ports, to find equal ones.
    alike: FxHashMap<(usize, usize, usize), Vec<ModuleId>>,
}

/// A module, and the names that its block has for its ports.
#[derive(Clone, Debug)]
struct Lowered {
    id: ModuleId,
    /// Parallel to the module's inputs.
    inputs: Vec<String>,
    /// Parallel to the module's outputs.
    outputs: Vec<String>,
    /// Parallel to the module's domains; empty if the block has no clock.
    clocks: Vec<String>,
    /// Clock outputs, and the clock inputs that they pass on.
    passed_clocks: Vec<(String, String)>,
}

/// What stands in a module for a child.
enum Child {
    Primitive(Primitive),
    Instance(Lowered),
    /// It could not be lowered; why has been reported.
    Failed,
}

impl Lowering {
    fn report(&mut self, node: &Node, problem: Problem) {
        self.diagnostics.push(problem.within(&node.path));
    }

    /// Lowers a block and all its children. `None` if that failed, which has been reported.
    fn module(&mut self, node: &Node) -> Option<Lowered> {
        let reported = self.diagnostics.len();
        let children: Vec<Child> = node.children.iter().map(|child| self.child(child)).collect();
        for problem in refusals(node) {
            self.report(node, problem);
        }
        let mut build = Build::default();
        build.declare_own(node);
        for (child, lowered) in node.children.iter().zip(&children) {
            build.declare_child(&self.design, child, lowered);
        }
        let mut evaluator = Evaluator::new(&build.signals, &mut build.netlist, &mut build.clocks);
        if let Verilog::Combinatorial(block) = &node.code {
            evaluator.block(block);
        }
        let (values, problems) = evaluator.finish();
        build.values = values;
        build.problems.extend(problems);
        if self.diagnostics.len() == reported {
            build.finish(node, &children, &self.design);
        }
        for problem in std::mem::take(&mut build.problems) {
            self.report(node, problem);
        }
        if self.diagnostics.len() > reported {
            return None;
        }
        let id = self.share(&node.name, build.netlist.module);
        Some(Lowered { id, inputs: build.inputs, outputs: build.outputs, clocks: build.own_clocks, passed_clocks: build.passed_clocks })
    }

    fn child(&mut self, node: &Node) -> Child {
        if let Some(primitive) = primitive(node) {
            return Child::Primitive(primitive);
        }
        self.module(node).map_or(Child::Failed, Child::Instance)
    }

    /// The definition equal to `module`, or `module` under a name made from the field's.
    fn share(&mut self, field: &str, mut module: ModuleDef) -> ModuleId {
        let key = (module.cells.len(), module.instances.len(), module.inputs.len() + module.outputs.len());
        let alike = self.alike.entry(key).or_default();
        for &id in alike.iter() {
            module.name.clone_from(&self.design.module(id).name);
            if module == *self.design.module(id) {
                return id;
            }
        }
        let base = field.trim_end_matches(|symbol: char| symbol.is_ascii_digit() || symbol == '$').replace('$', "_");
        let numbered = (1..).map(|number| format!("{base}_{number}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| !self.names.contains(name));
        module.name = free.expect("numbers do not run out");
        self.names.insert(module.name.clone());
        let id = ModuleId(self.design.modules.len() as u32);
        self.design.modules.push(module);
        alike.push(id);
        id
    }
}

/// What makes a block unfit as a whole.
fn refusals(node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let outside = "leave it outside of the imported circuit, and give the circuit ports for it";
    match &node.code {
        Verilog::Combinatorial(_) => {}
        Verilog::Empty if node.signals.iter().all(|signal| signal.kind != AtomKind::OutputParameter) => {}
        Verilog::Empty => {
            problems.push(Problem::new(
                "block",
                "it has no Verilog, so only rust-hdl knows what it does",
                "write its `update` under `#[hdl_gen]`",
            ));
        }
        Verilog::Custom(_) => problems.push(Problem::new("block", "its Verilog is custom text of no known primitive", outside)),
        Verilog::Blackbox(core) => problems.push(Problem::new(format!("black box `{}`", core.name), "its content is unknown", outside)),
        Verilog::Wrapper(_) => problems.push(Problem::new("block", "it wraps a core of a vendor, whose content is unknown", outside)),
    }
    for signal in &node.signals {
        let construct = || format!("signal `{}`", signal.name);
        if matches!(signal.kind, AtomKind::InOutParameter | AtomKind::OutputPassthrough) {
            problems.push(Problem::new(construct(), "it is bidirectional, and signals here have two states and one driver", outside));
        }
        let width = signal.ty().width();
        if !(1..=MAX_WIDTH).contains(&width) {
            let reason = format!("it is {width} bits wide; a signal has 1 to {MAX_WIDTH}");
            problems.push(Problem::new(construct(), reason, "change its width, or leave it off"));
        }
    }
    problems
}

/// A module while it is put together.
#[derive(Default)]
pub(crate) struct Build {
    pub netlist: Netlist,
    pub signals: Signals,
    clocks: Clocks,
    pub problems: Vec<Problem>,
    /// What the assigned signals are in the end.
    values: FxHashMap<SignalId, CellId>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    own_clocks: Vec<String>,
    passed_clocks: Vec<(String, String)>,
    /// Output cells of children, by their full name.
    reserved: FxHashMap<String, CellId>,
}

impl Build {
    fn declare_own(&mut self, node: &Node) {
        for info in &node.signals {
            let ty = info.ty();
            let role = match info.kind {
                _ if ty.width() == 0 => Role::Refused,
                _ if info.is_clock() => {
                    if info.kind == AtomKind::InputParameter {
                        self.own_clocks.push(info.name.clone());
                    }
                    Role::Clock
                }
                AtomKind::InputParameter => {
                    let cell = self.netlist.input(&info.name, ty);
                    self.inputs.push(info.name.clone());
                    Role::Read(cell)
                }
                AtomKind::Constant => Role::Read(self.netlist.constant(&info.value, ty)),
                AtomKind::OutputParameter | AtomKind::LocalSignal => Role::Assign,
                _ => Role::Refused,
            };
            if info.kind == AtomKind::OutputParameter && !info.is_clock() {
                self.netlist.take(&info.name);
            }
            self.signals.add(info.name.clone(), info.clone(), role);
            self.signals.add_variants(info, true);
        }
        self.netlist.module.domains = domains(node, &self.own_clocks);
    }

    fn declare_child(&mut self, design: &Design, node: &Node, child: &Child) {
        let instance = InstanceId(self.netlist.module.instances.len() as u32);
        for info in node.signals.iter().filter(|info| info.kind.is_parameter()) {
            let name = format!("{}${}", node.name, info.name);
            let role = match info.kind {
                _ if matches!(child, Child::Failed) => Role::Refused,
                _ if info.is_clock() => Role::Clock,
                AtomKind::InputParameter => Role::Wire,
                _ => {
                    let cell = match child {
                        Child::Instance(lowered) => {
                            let port = lowered.outputs.iter().position(|output| *output == info.name).unwrap_or_default() as u32;
                            let module = design.module(lowered.id);
                            let ty = module.ty(module.outputs[port as usize].value);
                            self.netlist.alone(Cell::InstanceOutput { instance, port }, ty)
                        }
                        _ => self.netlist.reserve(info.ty()),
                    };
                    self.reserved.insert(name.clone(), cell);
                    Role::Read(cell)
                }
            };
            self.signals.add(name, info.clone(), role);
            self.signals.add_variants(info, false);
        }
        if let Child::Instance(lowered) = child {
            for (output, input) in &lowered.passed_clocks {
                if let (Some(output), Some(input)) = (self.port(node, output), self.port(node, input)) {
                    // The first and only source of this signal.
                    let _ = self.clocks.connect(&self.signals, output, input);
                }
            }
            // Domains and inputs follow when they are known.
            let name = self.netlist.unique(&node.name);
            let module = lowered.id;
            self.netlist.module.instances.push(Instance { name, module, inputs: Vec::new(), domains: Vec::new(), location: None });
        }
    }

    fn port(&self, child: &Node, port: &str) -> Option<SignalId> {
        self.signals.find(&format!("{}${port}", child.name))
    }

    /// What a child's input is fed by.
    pub fn fed(&self, child: &Node, port: &str) -> CellId {
        let cell = self.port(child, port).and_then(|id| self.values.get(&id).copied());
        cell.expect("every input of a child is assigned, or the module was refused")
    }

    /// The cell of a child's output.
    pub fn shown(&self, child: &Node, port: &str) -> CellId {
        self.reserved[&format!("{}${port}", child.name)]
    }

    /// The domain that a child's clock input is in.
    pub fn domain(&mut self, child: &Node, port: &str) -> DomainId {
        let origin = self.port(child, port).and_then(|clock| self.clocks.origin(clock));
        let name = origin.map(|origin| self.signals.get(origin).name.as_str());
        let position = self.own_clocks.iter().position(|clock| Some(clock.as_str()) == name);
        if position.is_none() {
            let construct = format!("clock `{}${port}`", child.name);
            self.problems.push(Problem::new(
                construct,
                "it is fed by no clock input of the block",
                "feed it from a clock input, with `clock!`",
            ));
        }
        DomainId(position.unwrap_or_default() as u32)
    }

    /// Connects children, and shows outputs.
    fn finish(&mut self, node: &Node, children: &[Child], design: &Design) {
        let mut instance = 0;
        for (child, lowered) in node.children.iter().zip(children) {
            match lowered {
                Child::Primitive(primitive) => storage::define(self, child, primitive),
                Child::Instance(lowered) => {
                    let module = design.module(lowered.id);
                    let fed = lowered.inputs.iter().zip(&module.inputs).map(|(name, port)| {
                        let (cell, ty) = (self.fed(child, name), module.ty(port.cell));
                        self.netlist.retype(cell, ty)
                    });
                    let fed = fed.collect();
                    // A block without a clock has the default domain, which does nothing.
                    let clocks = lowered.clocks.iter().map(|clock| self.domain(child, clock)).collect::<Vec<_>>();
                    let domains = if clocks.is_empty() { vec![DomainId(0)] } else { clocks };
                    let instances = &mut self.netlist.module.instances;
                    instances[instance].inputs = fed;
                    instances[instance].domains = domains;
                    instance += 1;
                }
                Child::Failed => {}
            }
        }
        for info in &node.signals {
            let Some(id) = self.signals.find(&info.name) else { continue };
            match (info.kind, info.is_clock()) {
                (AtomKind::OutputParameter, true) => {
                    let origin = self.clocks.origin(id).map(|origin| self.signals.get(origin).name.clone());
                    match origin.filter(|origin| self.own_clocks.contains(origin)) {
                        Some(origin) => self.passed_clocks.push((info.name.clone(), origin)),
                        None => {
                            let construct = format!("clock `{}`", info.name);
                            self.problems.push(Problem::new(
                                construct,
                                "it passes on no clock input of the block",
                                "feed it from a clock input",
                            ));
                        }
                    }
                }
                (AtomKind::OutputParameter, false) => {
                    let value = self.netlist.retype(self.values[&id], info.ty());
                    let name = info.name.replace('$', "_").into();
                    self.netlist.module.outputs.push(OutputPort { name, value });
                    self.outputs.push(info.name.clone());
                }
                (AtomKind::LocalSignal, false) => {
                    if let Some(&value) = self.values.get(&id) {
                        self.netlist.name(value, &info.name);
                    }
                }
                _ => {}
            }
        }
    }
}

/// One domain for each clock input, in order; the default domain if there is none or one.
fn domains(node: &Node, clocks: &[String]) -> Vec<Domain> {
    let is_taken = |name: &str| node.signals.iter().any(|signal| !signal.is_clock() && signal.name.replace('$', "_") == name);
    if clocks.len() < 2 && !is_taken("clock") && !is_taken("reset") {
        return vec![Domain { name: String::new() }];
    }
    let mut names: Vec<String> = Vec::new();
    for clock in clocks {
        let stem = clock.strip_suffix("_clock").filter(|stem| !stem.is_empty()).unwrap_or(clock).replace('$', "_");
        let numbered = (1..).map(|number| format!("{stem}_{number}"));
        let free = std::iter::once(stem.clone())
            .chain(numbered)
            .find(|name| !names.contains(name) && !is_taken(&format!("{name}_clock")) && !is_taken(&format!("{name}_reset")));
        names.push(free.expect("numbers do not run out"));
    }
    if names.is_empty() {
        names.push("unused".to_string());
    }
    names.into_iter().map(|name| Domain { name }).collect()
}
