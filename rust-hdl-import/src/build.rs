//! A module while it is put together: its signals, then its children, then what the code made of them.

use rust_hdl_core::atom::AtomKind;
use rustc_hash::FxHashMap;
use systole_hdl::design::{Domain, DomainId, Instance, InstanceId, ModuleId, OutputPort};
use systole_hdl::{Cell, CellId, Design};

use crate::clocks::Clocks;
use crate::diagnostic::Problem;
use crate::evaluate::OpenLocal;
use crate::netlist::Netlist;
use crate::primitives::Primitive;
use crate::probe::{Node, SignalInfo};
use crate::signals::{Role, SignalId, Signals};
use crate::storage;
use crate::sweep;

/// A module, and the names that its block has for its ports.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    pub id: ModuleId,
    /// Parallel to the module's inputs.
    pub inputs: Vec<String>,
    /// Parallel to the module's domains; empty if the block has no clock.
    pub clocks: Vec<String>,
    /// Clock outputs, and the clock inputs that they pass on.
    pub passed_clocks: Vec<(String, String)>,
    /// Inputs of what is in the block that nothing drives, which have become ports of it: `inner$data`.
    pub opened: Vec<SignalInfo>,
}

/// What stands in a module for a child.
pub(crate) enum Child {
    Primitive(Primitive),
    Instance(Lowered),
    /// It could not be lowered; why has been reported.
    Failed,
}

/// A module while it is put together.
#[derive(Default)]
pub(crate) struct Build {
    pub netlist: Netlist,
    pub signals: Signals,
    pub clocks: Clocks,
    pub problems: Vec<Problem>,
    /// What the assigned signals are in the end.
    pub values: FxHashMap<SignalId, CellId>,
    /// Local signals that are not assigned on every path.
    pub open_locals: Vec<OpenLocal>,
    /// The signals that can be assigned, with the cells by which the code reads them.
    pub cells: Vec<(SignalId, CellId)>,
    pub inputs: Vec<String>,
    pub own_clocks: Vec<String>,
    pub passed_clocks: Vec<(String, String)>,
    pub opened: Vec<SignalInfo>,
    /// Output cells of children, by their full name.
    reserved: FxHashMap<String, CellId>,
}

impl Build {
    pub fn declare_own(&mut self, node: &Node) {
        for info in &node.signals {
            let ty = info.ty();
            let role = match info.kind {
                _ if ty.width() == 0 => Role::Refused,
                _ if info.is_clock() => {
                    if info.kind == AtomKind::InputParameter {
                        self.own_clocks.push(info.name.clone());
                        Role::ClockSource
                    } else {
                        Role::Clock
                    }
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
            self.signals.add_variants(info);
        }
    }

    /// Makes inputs that nothing drives ports of this module: those of `undriven`, those that children have got for what is in them,
    /// and clocks if `with_clocks`.
    pub fn open_undriven(&mut self, node: &Node, children: &[Child], undriven: Vec<SignalId>, with_clocks: bool) {
        undriven.into_iter().for_each(|id| self.open(id));
        for (child, lowered) in node.children.iter().zip(children) {
            let opened = match lowered {
                Child::Instance(lowered) => lowered.opened.as_slice(),
                Child::Primitive(_) | Child::Failed => &[],
            };
            for info in opened {
                let id = self.signals.add(format!("{}${}", child.name, info.name), info.clone(), Role::Refused);
                self.open(id);
            }
            let clocks = child.signals.iter().filter(|info| info.is_clock() && info.kind == AtomKind::InputParameter);
            let clocks = clocks.filter_map(|info| self.port(child, &info.name)).filter(|&clock| with_clocks && self.clocks.is_open(clock));
            let clocks: Vec<_> = clocks.collect();
            clocks.into_iter().for_each(|clock| self.open(clock));
        }
    }

    fn open(&mut self, id: SignalId) {
        let symbol = self.signals.get(id);
        let info = SignalInfo { name: symbol.name.clone(), ..symbol.info.clone() };
        if info.is_clock() {
            self.own_clocks.push(info.name.clone());
        } else {
            let port = self.netlist.input(&info.name, info.ty());
            self.inputs.push(info.name.clone());
            if let Some(itself) = self.values.insert(id, port) {
                self.netlist.define(itself, Cell::Wire(port));
            }
        }
        self.opened.push(info);
    }

    pub fn declare_child(&mut self, design: &Design, node: &Node, child: &Child) {
        let instance = InstanceId(self.netlist.module.instances.len() as u32);
        let mut next_output = 0;
        for info in node.signals.iter().filter(|info| info.kind.is_parameter()) {
            let name = format!("{}${}", node.name, info.name);
            let role = match info.kind {
                _ if matches!(child, Child::Failed) => Role::Refused,
                AtomKind::InputParameter if info.is_clock() => Role::Clock,
                AtomKind::InputParameter => Role::Wire,
                _ if info.is_clock() => Role::ClockSource,
                _ => {
                    let cell = match child {
                        Child::Instance(lowered) => {
                            // Outputs that are no clocks come in the order of the fields.
                            let port = next_output;
                            next_output += 1;
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
            self.signals.add_variants(info);
        }
        if let Child::Instance(lowered) = child {
            for (output, input) in &lowered.passed_clocks {
                if let (Some(output), Some(input)) = (self.port(node, output), self.port(node, input)) {
                    self.clocks.pass(output, input);
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
        if position.is_none() && !self.port(child, port).is_some_and(|clock| self.clocks.is_faulty(clock)) {
            let construct = format!("clock `{}${port}`", child.name);
            let remedy = "feed it from a clock input, with `clock!`";
            self.problems.push(Problem::new(construct, "it is fed by no clock input of the block", remedy));
        }
        DomainId(position.unwrap_or_default() as u32)
    }

    /// Connects children, shows outputs, and leaves off what is not used.
    pub fn finish(&mut self, node: &Node, children: &[Child], design: &Design) {
        self.netlist.module.domains = domains(node, &self.opened, &self.own_clocks);
        self.connect_children(node, children, design);
        for info in node.signals.iter().filter(|info| info.kind == AtomKind::OutputParameter) {
            let Some(id) = self.signals.find(&info.name) else { continue };
            if info.is_clock() {
                self.pass_clock(&info.name, id);
            } else {
                let value = self.netlist.retype(self.values[&id], info.ty());
                let name = info.name.replace('$', "_").into();
                self.netlist.module.outputs.push(OutputPort { name, value });
            }
        }
        let live = sweep::live(&self.netlist.module);
        for local in std::mem::take(&mut self.open_locals) {
            self.values.remove(&local.id);
            if live[local.in_the_end.index()] {
                self.problems.push(local.problem);
            }
        }
        for info in node.signals.iter().filter(|info| info.kind == AtomKind::LocalSignal) {
            if let Some(&value) = self.signals.find(&info.name).and_then(|id| self.values.get(&id)) {
                self.netlist.name(value, &info.name);
            }
        }
        // What children give and are given, where the code reads it.
        let wires = std::mem::take(&mut self.cells).into_iter().map(|(id, cell)| (cell, self.signals.get(id)));
        let wires = wires.filter(|(_, symbol)| symbol.role == Role::Wire).map(|(cell, symbol)| (cell, symbol.name.clone()));
        let mut read: Vec<_> = self.reserved.iter().map(|(name, cell)| (*cell, name.clone())).chain(wires).collect();
        read.retain(|(cell, _)| live[cell.index()] && !self.netlist.module.cell(*cell).is_sequential());
        read.sort();
        for (cell, name) in read {
            self.netlist.name(cell, &name);
        }
        sweep::sweep(&mut self.netlist.module);
    }

    fn connect_children(&mut self, node: &Node, children: &[Child], design: &Design) {
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
    }

    /// Names cells after the signals that they are, as the code does, so that a loop can be told by them.
    pub fn name_signals(&mut self) {
        let read = self.cells.iter().map(|(id, cell)| (*cell, &self.signals.get(*id).name));
        let shown = self.reserved.iter().map(|(name, cell)| (*cell, name));
        // What a child is given comes straight from what is assigned.
        let assigned = self.cells.iter().map(|(id, _)| (self.values[id], &self.signals.get(*id).name));
        for (cell, name) in read.chain(shown).chain(assigned) {
            self.netlist.module.info[cell.index()].name.get_or_insert_with(|| name.as_str().into());
        }
    }

    /// Notes which clock input a clock output passes on.
    fn pass_clock(&mut self, name: &str, id: SignalId) {
        let origin = self.clocks.origin(id).map(|origin| self.signals.get(origin).name.clone());
        match origin.filter(|origin| self.own_clocks.contains(origin)) {
            Some(origin) => self.passed_clocks.push((name.to_string(), origin)),
            None if self.clocks.is_faulty(id) => {}
            None => {
                let reason = "it passes on no clock input of the block";
                self.problems.push(Problem::new(format!("clock `{name}`"), reason, "feed it from a clock input"));
            }
        }
    }
}

/// One domain for each clock input, in order; the default domain if there is none or one, whose reset no register obeys.
fn domains(node: &Node, opened: &[SignalInfo], clocks: &[String]) -> Vec<Domain> {
    let data = || node.signals.iter().chain(opened).filter(|signal| !signal.is_clock());
    let is_taken = |name: &str| data().any(|signal| signal.name.replace('$', "_") == name);
    if clocks.len() < 2 && !is_taken("clock") {
        return vec![Domain { name: String::new() }];
    }
    let mut names: Vec<String> = Vec::new();
    for clock in clocks {
        let clock = clock.replace('$', "_");
        let stem = clock.strip_suffix("_clock").filter(|stem| !stem.is_empty()).unwrap_or(&clock).to_string();
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
