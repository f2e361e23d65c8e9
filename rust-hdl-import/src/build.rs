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
use crate::probe::Node;
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
    /// Children's inputs, with the cell by which the code reads them.
    pub wires: Vec<(SignalId, CellId)>,
    pub inputs: Vec<String>,
    pub own_clocks: Vec<String>,
    pub passed_clocks: Vec<(String, String)>,
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
        self.netlist.module.domains = domains(node, &self.own_clocks);
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
        if position.is_none() && !self.port(child, port).is_some_and(|clock| self.clocks.is_faulty(clock)) {
            let construct = format!("clock `{}${port}`", child.name);
            self.problems.push(Problem::new(
                construct,
                "it is fed by no clock input of the block",
                "feed it from a clock input, with `clock!`",
            ));
        }
        DomainId(position.unwrap_or_default() as u32)
    }

    /// Connects children, shows outputs, and leaves off what is not used.
    pub fn finish(&mut self, node: &Node, children: &[Child], design: &Design) {
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
        let wires = std::mem::take(&mut self.wires).into_iter().map(|(id, cell)| (cell, self.signals.get(id).name.clone()));
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

    /// Notes which clock input a clock output passes on.
    fn pass_clock(&mut self, name: &str, id: SignalId) {
        let origin = self.clocks.origin(id).map(|origin| self.signals.get(origin).name.clone());
        match origin.filter(|origin| self.own_clocks.contains(origin)) {
            Some(origin) => self.passed_clocks.push((name.to_string(), origin)),
            None => {
                let reason = "it passes on no clock input of the block";
                self.problems.push(Problem::new(format!("clock `{name}`"), reason, "feed it from a clock input"));
            }
        }
    }
}

/// One domain for each clock input, in order; the default domain if there is none or one, whose reset no register obeys.
fn domains(node: &Node, clocks: &[String]) -> Vec<Domain> {
    let is_taken = |name: &str| node.signals.iter().any(|signal| !signal.is_clock() && signal.name.replace('$', "_") == name);
    if clocks.len() < 2 && !is_taken("clock") {
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
