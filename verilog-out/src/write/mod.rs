//! The Verilog writer: one definition, one text.

mod constancy;
mod expression;
mod literal;
mod memory;
mod module;
mod plan;
mod registers;
mod sources;

use std::path::Path;
use std::{fs, io};

use systole_hdl::analysis::{CombinationalLoop, evaluation_order};
use systole_hdl::design::ModuleId;
use systole_hdl::{Cell, CellId, Design, ModuleDef};

use crate::names::Names;
use constancy::Constancy;
use plan::{Form, Plan};
use sources::Sources;

/// What the text holds beside the circuit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Whether each declaration names the source line that described it. Off, the text changes only when the circuit does.
    pub locations: bool,
}

/// A design as Verilog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerilogOutput {
    /// The modules that the top needs, children before parents, the top last.
    pub modules: Vec<VerilogModule>,
}

/// One module as Verilog, and what its names became.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerilogModule {
    /// The definition that it writes.
    pub module: ModuleId,
    /// The module's identifier; unique in the design even where case does not count.
    pub name: String,
    /// The ports of each clock domain, parallel to [`ModuleDef::domains`].
    pub domains: Vec<DomainPorts>,
    /// The identifier of each input port, parallel to [`ModuleDef::inputs`].
    pub inputs: Vec<String>,
    /// The identifier of each output port, parallel to [`ModuleDef::outputs`].
    pub outputs: Vec<String>,
    /// The identifier of the net or variable that holds each cell's value, parallel to [`ModuleDef::cells`]; none for a cell that
    /// is written as a part of an expression, or not at all.
    pub nets: Vec<Option<String>>,
    /// The identifier of each memory, parallel to [`ModuleDef::memories`].
    pub memories: Vec<String>,
    /// The identifier of each instance, parallel to [`ModuleDef::instances`].
    pub instances: Vec<String>,
    /// The definition, from its header comment to `endmodule` and a line's end.
    pub text: String,
}

/// The ports that a clock domain needs: none where nothing is clocked or reset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DomainPorts {
    /// The clock, which acts at its rising edge.
    pub clock: Option<String>,
    /// The synchronous reset, active high.
    pub reset: Option<String>,
}

impl VerilogModule {
    /// The name of the file that holds the module alone: lint asks that both have the same name.
    pub fn file_name(&self) -> String {
        format!("{}.v", self.name)
    }
}

impl VerilogOutput {
    /// The top module.
    pub fn top(&self) -> &VerilogModule {
        self.modules.last().expect("a written design has a top module")
    }

    /// All modules in one text, children first.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.modules.iter().map(|module| module.text.as_str()).collect();
        texts.join("\n")
    }

    /// Writes each module to its own file in `directory`, which exists, and returns the files' names, children first.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_files(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names: Vec<String> = self.modules.iter().map(VerilogModule::file_name).collect();
        for (module, name) in self.modules.iter().zip(&names) {
            fs::write(directory.join(name), &module.text)?;
        }
        Ok(names)
    }
}

/// Writes a valid design as Verilog-2005. Modules that the top does not need are left out.
///
/// The text has the netlist's two-state behaviour in a four-state simulator too: everything has an initial value, and where
/// inputs are known no `x` arises.
///
/// # Errors
/// If a combinational path of a module closes on itself.
///
/// # Panics
/// If the design is not valid in other ways (see [`Design::validate`]).
pub fn write(design: &Design, options: &Options) -> Result<VerilogOutput, CombinationalLoop> {
    let needed: Vec<bool> = design.instance_counts().iter().map(|&count| count > 0).collect();
    let wanted = design.modules.iter().zip(&needed).filter(|(_, needed)| **needed).map(|(module, _)| module.name.as_str());
    let mut names = Names::of_modules().claim_all(wanted).into_iter();
    // A path that closes through instances is validation's matter: instances stand after all nets here.
    let orders = design.modules.iter().map(|module| evaluation_order(module, &[])).collect::<Result<Vec<_>, _>>()?;
    let constancies = constancy::of_design(design, &orders);
    let mut written: Vec<Option<Written>> = Vec::with_capacity(design.modules.len());
    for (i, needed) in needed.into_iter().enumerate() {
        let name = names.by_ref().take(usize::from(needed)).next();
        let context = Context { design, earlier: &written, order: &orders[i], constancy: &constancies[i], options };
        let module = name.map(|name| write_module(&context, ModuleId(i as u32), name));
        written.push(module);
    }
    Ok(VerilogOutput { modules: written.into_iter().flatten().map(|written| written.module).collect() })
}

/// What a module is written with beside its definition.
struct Context<'a> {
    design: &'a Design,
    /// The modules that it may instantiate, by index; none for those that the top does not need.
    earlier: &'a [Option<Written>],
    /// An evaluation order of its cells.
    order: &'a [CellId],
    /// What may be constant of each cell.
    constancy: &'a [Constancy],
    options: &'a Options,
}

/// A module that is written, and the names taken in it.
struct Written {
    module: VerilogModule,
    names: Names,
}

fn write_module(context: &Context, id: ModuleId, name: String) -> Written {
    let definition = context.design.module(id);
    let sources = Sources::of(definition, context.order);
    let live = sources.live(definition);
    let mut names = Names::of_module(&name);
    let domains = domain_ports(definition, &sources, &live, context.earlier, &mut names);
    let ports = definition.inputs.iter().map(|port| port.name.as_str()).chain(definition.outputs.iter().map(|port| port.name.as_str()));
    let mut inputs = names.claim_all(ports);
    let outputs = inputs.split_off(definition.inputs.len());
    let (nets, memories, instances) = (Vec::new(), Vec::new(), Vec::new());
    let mut module = VerilogModule { module: id, name, domains, inputs, outputs, nets, memories, instances, text: String::new() };
    let plan = Plan::of(context, definition, &sources, &live, &module, &mut names);
    module.nets = definition.cell_ids().map(|cell| (plan.form(cell) == Form::Net).then(|| plan.name(cell).to_string())).collect();
    module.memories.clone_from(&plan.memories);
    module.instances.clone_from(&plan.instances);
    module.text = module::text(&plan, &module, context, &mut names);
    Written { module, names }
}

/// The clocks and resets that the module itself or an instance in it needs.
fn domain_ports(
    definition: &ModuleDef,
    sources: &Sources,
    live: &[bool],
    earlier: &[Option<Written>],
    names: &mut Names,
) -> Vec<DomainPorts> {
    let mut clocked = vec![false; definition.domains.len()];
    let mut with_reset = clocked.clone();
    for (cell, _) in definition.cells.iter().zip(live).filter(|(_, live)| **live) {
        match cell {
            Cell::Register { domain, reset, .. } => {
                clocked[domain.index()] = true;
                with_reset[domain.index()] |= *reset;
            }
            Cell::MemoryReadRegistered { domain, .. } => clocked[domain.index()] = true,
            _ => {}
        }
    }
    for memory in &definition.memories {
        let written = memory.writes.iter().any(|port| sources.may_write(memory, port));
        clocked[memory.write_domain.index()] |= written;
    }
    for instance in &definition.instances {
        let child = earlier[instance.module.index()].iter().flat_map(|child| &child.module.domains);
        for (domain, ports) in instance.domains.iter().zip(child) {
            clocked[domain.index()] |= ports.clock.is_some();
            with_reset[domain.index()] |= ports.reset.is_some();
        }
    }
    let mut ports = Vec::new();
    for ((domain, clocked), with_reset) in definition.domains.iter().zip(clocked).zip(with_reset) {
        let clock = clocked.then(|| names.claim(&domain.clock()));
        ports.push(DomainPorts { clock, reset: with_reset.then(|| names.claim(&domain.reset())) });
    }
    ports
}
