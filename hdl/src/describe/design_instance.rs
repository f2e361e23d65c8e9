//! Instances of finished designs: circuits that come from elsewhere, such as an import or the text form, inside a component.

use std::panic::Location;

use super::arena::{Arena, with};
use super::bundle::join;
use super::diagnostic::Place;
use super::module::Module;
use super::signal::Signal;
use crate::analysis::PortPaths;
use crate::design::{Cell, CellId, Design, Instance, InstanceId, ModuleDef, ModuleId, Name, SourceLocation};
use crate::types::Type;

/// The outputs of an instance of a design.
#[derive(Clone, Debug)]
#[must_use = "an instance whose outputs nothing reads does nothing"]
pub struct DesignOutputs {
    instance: String,
    /// `None` if the instance could not be made, which has been reported.
    ports: Option<Vec<(Name, Signal)>>,
}

impl DesignOutputs {
    /// The output of this name. There being none is reported, and gives a signal of one bit.
    #[track_caller]
    pub fn get(&self, name: &str) -> Signal {
        let at = Location::caller();
        match self.iter().find(|(port, _)| *port == name) {
            Some((_, signal)) => signal,
            None => with(|arena| {
                if let Some(ports) = &self.ports {
                    let message = format!("`{}` has no output `{name}`", self.instance);
                    arena.error(at, message, vec![], Some(listed("outputs", ports.iter().map(|(port, _)| port))));
                }
                arena.poison(Type::BIT, at)
            }),
        }
    }

    /// All outputs with their names, in the order of the design's ports.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Signal)> {
        self.ports.iter().flatten().map(|(name, signal)| (name.as_str(), *signal))
    }
}

impl Module {
    /// An instance of the top module of `design`, each of its inputs fed by the signal given with its name.
    ///
    /// The design's modules join the one being described: equal ones once, those whose name is taken by another under a number. The
    /// design's only or default domain is the handle's; of several, one with a name is the parent's domain of that name, which it gets
    /// if it has none, as for [`Module::instance`]. An output is called `name_output` in waveforms.
    ///
    /// The first instance checks and copies the design. A further one of an equal design costs a comparison of the two, and a hash if
    /// another design came between.
    ///
    /// ```
    /// use systole_hdl::prelude::*;
    ///
    /// #[derive(Debug)]
    /// struct Inverter;
    /// bundle! { struct InverterIn { data: Signal } }
    /// bundle! { struct InverterOut { result: Signal } }
    /// impl Component for Inverter {
    ///     type In = InverterIn;
    ///     type Out = InverterOut;
    ///     fn inputs(&self) -> InverterIn {
    ///         InverterIn { data: port(Type::u(8)) }
    ///     }
    ///     fn build(&self, _: Module, i: InverterIn) -> InverterOut {
    ///         InverterOut { result: !i.data }
    ///     }
    /// }
    ///
    /// #[derive(Debug)]
    /// struct Twice(Design);
    /// impl Component for Twice {
    ///     type In = InverterIn;
    ///     type Out = InverterOut;
    ///     fn inputs(&self) -> InverterIn {
    ///         InverterIn { data: port(Type::u(8)) }
    ///     }
    ///     fn build(&self, m: Module, i: InverterIn) -> InverterOut {
    ///         let once = m.instance_of_design("first", &self.0, &[("data", i.data)]).get("result");
    ///         InverterOut { result: m.instance_of_design("second", &self.0, &[("data", once)]).get("result") }
    ///     }
    /// }
    ///
    /// let design = elaborate(&Twice(elaborate(&Inverter).unwrap())).unwrap();
    /// assert_eq!(design.instance_counts(), [2, 1]);
    /// ```
    #[track_caller]
    pub fn instance_of_design(self, name: &str, design: &Design, inputs: &[(&str, Signal)]) -> DesignOutputs {
        let at = Location::caller();
        with(|arena| {
            self.check(arena, at);
            arena.claim_name(name, at);
            let ports = adopt(arena, design, at).map(|module| connect(arena, self, name, module, inputs, at));
            DesignOutputs { instance: name.to_string(), ports }
        })
    }
}

/// Takes the modules of `design` into the one being elaborated; gives its top. `None` if the design is not valid, which is reported.
fn adopt(arena: &mut Arena, design: &Design, at: Place) -> Option<ModuleId> {
    if let Some(top) = arena.definitions.adopted(design) {
        return Some(top);
    }
    if let Err(violations) = design.validate() {
        let help = "only a valid design can be instantiated".to_string();
        violations.into_iter().for_each(|violation| arena.error(at, violation.text, vec![], Some(help.clone())));
        return None;
    }
    let files: Vec<u32> = design.files.iter().map(|file| arena.file(file)).collect();
    let mut adopted: Vec<ModuleId> = Vec::with_capacity(design.modules.len());
    for module in &design.modules {
        let module = translated(module, &adopted, &files);
        let (name, equal) = arena.definitions.place_among_namesakes(&module.name, &module);
        adopted.push(equal.unwrap_or_else(|| {
            let paths = PortPaths::of(&module, &arena.definitions.paths).expect("a valid design has no combinational loop");
            arena.definitions.add(ModuleDef { name, ..module }, paths, at)
        }));
    }
    let top = adopted.last().copied()?;
    arena.definitions.remember(design, top);
    Some(top)
}

/// `module` with the numbers that modules and files have in the design being elaborated.
fn translated(module: &ModuleDef, modules: &[ModuleId], files: &[u32]) -> ModuleDef {
    let mut module = module.clone();
    module.instances.iter_mut().for_each(|instance| instance.module = modules[instance.module.index()]);
    let cells = module.info.iter_mut().map(|info| &mut info.location);
    let memories = module.memories.iter_mut().map(|memory| &mut memory.location);
    let instances = module.instances.iter_mut().map(|instance| &mut instance.location);
    for location in cells.chain(memories).chain(instances) {
        *location = location.and_then(|location| {
            let file = *files.get(location.file as usize)?;
            Some(SourceLocation { file, ..location })
        });
    }
    module
}

fn connect(arena: &mut Arena, parent: Module, name: &str, module: ModuleId, given: &[(&str, Signal)], at: Place) -> Vec<(Name, Signal)> {
    let child = arena.definitions.module(module);
    let child_name = child.name.clone();
    let ports: Vec<(Name, Type)> = child.inputs.iter().map(|port| (port.name.clone(), child.ty(port.cell))).collect();
    let outputs: Vec<(Name, Type)> = child.outputs.iter().map(|port| (port.name.clone(), child.ty(port.value))).collect();
    let domains: Vec<String> = child.domains.iter().map(|domain| domain.name.clone()).collect();
    let is_parents = |domain: &String| domain.is_empty() || domains.len() == 1;
    let domains = domains.iter().map(|domain| if is_parents(domain) { parent.domain } else { arena.domain(domain) }).collect();
    for (index, (port, _)) in given.iter().enumerate() {
        let help = || Some(listed("inputs", ports.iter().map(|(port, _)| port)));
        if ports.iter().all(|(declared, _)| declared != port) {
            arena.error(at, format!("`{child_name}` has no input `{port}`"), vec![], help());
        } else if given[..index].iter().any(|(earlier, _)| earlier == port) {
            arena.error(at, format!("input `{port}` of `{child_name}` is given twice"), vec![], help());
        }
    }
    let inputs: Vec<CellId> = ports
        .iter()
        .map(|(port, ty)| match given.iter().find(|(name, _)| name == port) {
            Some((_, signal)) => checked_input(arena, &child_name, port, *ty, *signal, at).cell,
            None => {
                let help = format!("give it a signal of {ty}");
                arena.error(at, format!("`{child_name}` has an input `{port}` that is not given"), vec![], Some(help));
                arena.poison(*ty, at).cell
            }
        })
        .collect();
    let location = Some(arena.location(at));
    let instances = &mut arena.current().module.instances;
    let instance = InstanceId(instances.len() as u32);
    instances.push(Instance { name: name.into(), module, inputs, domains, location });
    let output = |(number, (port, ty)): (usize, (Name, Type))| {
        let signal = arena.push(Cell::InstanceOutput { instance, port: number as u32 }, ty, at);
        let open = arena.current();
        let free = open.free_name(join(name, &port), at);
        open.set_name(signal.cell, free);
        (port, signal)
    };
    outputs.into_iter().enumerate().map(output).collect()
}

fn checked_input(arena: &mut Arena, child: &str, port: &str, ty: Type, signal: Signal, at: Place) -> Signal {
    let signal = arena.own(signal, at);
    if arena.is_poisoned(signal) || arena.ty(signal) == ty {
        return signal;
    }
    let notes = vec![arena.origin(signal)];
    let message = format!("input `{port}` of `{child}` is {ty}, connected to {}", arena.describe(signal));
    let help = super::remedy::conversion(arena.ty(signal), ty);
    arena.error(at, message, notes, Some(help));
    arena.poison(ty, at)
}

fn listed<'a>(kind: &str, names: impl Iterator<Item = &'a Name>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { format!("it has no {kind}") } else { format!("its {kind} are {}", names.join(", ")) }
}
