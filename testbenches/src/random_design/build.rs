//! A module that grows, step by step.
//!
//! Combinational cells use only what is there already, so no loop can close. What acts at an edge (next values, write ports,
//! registered reads, and inputs of instances that no output follows) is chosen last, among everything: that is feedback.

use std::collections::HashSet;

use systole_hdl::analysis::PortPaths;
use systole_hdl::design::{CellInfo, Domain, DomainId, InputPort, InstanceId, OutputPort, SourceLocation};
use systole_hdl::{Cell, CellId, Design, ModuleDef, Type};

use super::memories;
use super::names::Names;
use super::order;
use super::recipe::{AddressRecipe, Function, Label, ModuleRecipe, Pick, Recipe, RegisterRecipe, Step};
use super::{MAX_FLAT_CELLS, cells, instances};

/// The most ports that show what nothing else uses, in the top module and in others.
const SPARE_OUTPUTS: [usize; 2] = [24, 6];

/// What an index of a pick leaves for two flags: whether to choose among the newest signals, and whether to leave
/// signals of the wanted type aside.
const RECENT: Pick = 1 << 15;
const ANY_TYPE: Pick = 1 << 14;

/// The design that a recipe describes; always valid.
pub(super) fn design(recipe: &Recipe) -> Design {
    let files = vec!["src/pe.rs".to_string(), "odd \"name\"\n endmodule */.rs".to_string()];
    let mut earlier = Earlier { design: Design { modules: Vec::new(), files }, paths: Vec::new(), flat_cells: Vec::new() };
    let mut names = Names::default();
    for (i, module) in recipe.modules.iter().enumerate() {
        let spare_outputs = SPARE_OUTPUTS[usize::from(i + 1 < recipe.modules.len())];
        let grown = Growing::new(&earlier, names.claim_module(module.name)).grow(module, spare_outputs);
        earlier.add(grown);
    }
    earlier.design
}

/// The modules that are complete.
pub(super) struct Earlier {
    pub(super) design: Design,
    pub(super) paths: Vec<PortPaths>,
    /// Cells of each module and everything in it.
    pub(super) flat_cells: Vec<usize>,
}

impl Earlier {
    fn add(&mut self, module: ModuleDef) {
        let inside: usize = module.instances.iter().map(|instance| self.flat_cells[instance.module.index()]).sum();
        self.flat_cells.push(module.cells.len() + inside);
        self.paths.push(PortPaths::of(&module, &self.paths).expect("combinational cells use earlier ones only"));
        self.design.modules.push(module);
    }
}

/// A module that is not complete.
pub(super) struct Growing<'a> {
    pub(super) earlier: &'a Earlier,
    pub(super) module: ModuleDef,
    pub(super) names: Names,
    /// What is chosen when everything is there.
    pub(super) late: Vec<Late>,
    /// Cells so far, those of instances too.
    pub(super) flat_cells: usize,
}

/// A choice that waits until everything is there.
pub(super) enum Late {
    /// Address and enable of a registered read.
    Read { cell: CellId, address: AddressRecipe, enable: Pick },
    /// An input of an instance.
    Input { instance: InstanceId, port: usize, pick: Pick },
}

impl<'a> Growing<'a> {
    fn new(earlier: &'a Earlier, name: String) -> Growing<'a> {
        let parameters = "data: s8\n*/ endmodule \\".to_string();
        let module = ModuleDef { name, parameters, ..ModuleDef::default() };
        Growing { earlier, module, names: Names::default(), late: Vec::new(), flat_cells: 0 }
    }

    fn grow(mut self, recipe: &ModuleRecipe, spare_outputs: usize) -> ModuleDef {
        self.add_domains(&recipe.domains);
        for (i, &(shape, label)) in recipe.inputs.iter().enumerate() {
            let cell = self.push(Cell::Input(i as u32), shape.ty(), None);
            let name = self.names.claim(label);
            self.module.info[cell.index()].name = (label % 2 == 0).then(|| name.as_str().into());
            self.module.inputs.push(InputPort { name: name.into(), cell });
        }
        let registers: Vec<CellId> = recipe.registers.iter().map(|register| self.add_register(register)).collect();
        for memory in &recipe.memories {
            memories::add(&mut self, memory);
        }
        for step in &recipe.steps {
            self.add_step(step);
        }
        for (&cell, register) in registers.iter().zip(&recipe.registers) {
            self.connect_register(cell, register);
        }
        for (memory, recipe) in recipe.memories.iter().enumerate() {
            memories::connect_writes(&mut self, memory, recipe);
        }
        for late in std::mem::take(&mut self.late) {
            match late {
                Late::Read { cell, address, enable } => memories::connect_read(&mut self, cell, address, enable),
                Late::Input { instance, port, pick } => instances::connect_input(&mut self, instance, port, pick),
            }
        }
        self.add_outputs(&recipe.outputs, spare_outputs);
        if let Some(seed) = recipe.shuffle {
            order::shuffle(&mut self.module, seed);
        }
        self.module
    }

    fn add_domains(&mut self, labels: &[Label]) {
        let mut names = Names::default();
        names.take("");
        self.module.domains.push(Domain { name: String::new() });
        self.module.domains.extend(labels.iter().map(|&label| Domain { name: names.claim_domain(label) }));
    }

    fn add_register(&mut self, recipe: &RegisterRecipe) -> CellId {
        let ty = recipe.shape.ty();
        let next = CellId(self.module.cells.len() as u32);
        let domain = self.domain(recipe.domain);
        let cell = Cell::Register { next, initial: recipe.initial.value(ty.width()), reset: recipe.reset, domain };
        let register = self.push(cell, ty, recipe.label);
        let states = ["idle", "running", "wait for it", "größe", "idle"];
        let count = usize::from(recipe.states).min(1 << ty.width().min(8));
        self.module.info[register.index()].states = states[..count].iter().map(ToString::to_string).collect();
        register
    }

    /// Puts the muxes of `when` before a register's next value.
    fn connect_register(&mut self, register: CellId, recipe: &RegisterRecipe) {
        let ty = self.module.ty(register);
        let mut value = self.of_width(recipe.next, ty.width());
        for &(condition, then) in recipe.branches.iter().rev() {
            let condition = self.of_width(condition, 1);
            let then = then.map_or(register, |then| self.of_width(then, ty.width()));
            value = self.push(Cell::Mux { condition, then, otherwise: value }, ty, None);
        }
        if let Cell::Register { next, .. } = &mut self.module.cells[register.index()] {
            *next = value;
        }
    }

    fn add_step(&mut self, step: &Step) {
        if self.module.cells.is_empty() && step.function != Function::Instances {
            self.push(Cell::Const(step.pattern.value(1)), Type::BIT, None);
        }
        match step.function {
            Function::Instances => instances::add(self, step),
            Function::MemoryRead | Function::MemoryReadRegistered(_) => memories::add_read(self, step),
            _ => cells::add(self, step),
        }
    }

    fn add_outputs(&mut self, recipes: &[(Pick, Label)], spare: usize) {
        if self.module.cells.is_empty() {
            return;
        }
        let used = used(&self.module);
        let picked: Vec<(CellId, Label)> = recipes.iter().map(|&(pick, label)| (self.any(pick), label)).collect();
        let unused = self.module.cell_ids().filter(|id| !used.contains(id) && !matches!(self.module.cell(*id), Cell::Input(_)));
        let labels = (0..).map(|i: u16| i.wrapping_mul(7));
        let unused: Vec<(CellId, Label)> = unused.zip(labels).take(spare).collect();
        let mut named = HashSet::new();
        for (value, label) in picked.into_iter().chain(unused) {
            let own_name = self.module.info[value.index()].name.clone().filter(|_| label % 4 != 0);
            let is_input = matches!(self.module.cell(value), Cell::Input(_));
            let own_name = own_name.filter(|_| !is_input && named.insert(value));
            let name = own_name.unwrap_or_else(|| self.names.claim(label).into());
            self.module.outputs.push(OutputPort { name, value });
        }
    }

    pub(super) fn push(&mut self, cell: Cell, ty: Type, label: Option<Label>) -> CellId {
        let name = label.map(|label| self.names.claim(label).into());
        let location = label.map(|label| SourceLocation { file: u32::from(label % 2), line: 1 + u32::from(label), column: 1 });
        self.module.cells.push(cell);
        self.module.info.push(CellInfo { ty, name, location, states: Box::default() });
        self.flat_cells += 1;
        CellId(self.module.cells.len() as u32 - 1)
    }

    /// Whether there is room for so many more cells.
    pub(super) fn has_room(&self, cells: usize) -> bool {
        self.flat_cells + cells <= MAX_FLAT_CELLS
    }

    pub(super) fn domain(&self, pick: Pick) -> DomainId {
        DomainId(u32::from(pick) % self.module.domains.len() as u32)
    }

    /// Some signal.
    pub(super) fn any(&self, pick: Pick) -> CellId {
        CellId(choose(pick, self.module.cells.len()) as u32)
    }

    /// Some signal of `width` bits, of any type.
    pub(super) fn of_width(&mut self, pick: Pick, width: u32) -> CellId {
        let ty = self.module.ty(self.any(pick));
        let frac = ty.frac().min(width);
        let resized = ty.resized(if ty.frac() == 0 { width } else { width - frac }, frac);
        self.matching(pick, |ty| ty.width() == width).unwrap_or_else(|| self.fit(self.any(pick), resized, pick))
    }

    /// Some signal of this type.
    pub(super) fn of_type(&mut self, pick: Pick, wanted: Type) -> CellId {
        self.matching(pick, |ty| ty == wanted).unwrap_or_else(|| self.fit(self.any(pick), wanted, pick))
    }

    fn matching(&self, pick: Pick, is_wanted: impl Fn(Type) -> bool) -> Option<CellId> {
        let matches: Vec<CellId> = self.module.cell_ids().filter(|&id| is_wanted(self.module.ty(id))).collect();
        (pick & ANY_TYPE == 0 && !matches.is_empty()).then(|| matches[choose(pick, matches.len())])
    }

    /// `value` cut, extended or renamed to type `ty`.
    fn fit(&mut self, value: CellId, ty: Type, pick: Pick) -> CellId {
        let (have, want) = (self.module.ty(value), ty.width());
        if have == ty {
            value
        } else if have.width() == want {
            self.push(Cell::Wire(value), ty, None)
        } else if have.width() > want {
            let low = u32::from(pick) % (have.width() - want + 1);
            self.push(Cell::Slice { value, low }, ty, None)
        } else {
            self.push(Cell::Extend(value), ty, None)
        }
    }
}

/// One of `count` things, by its index.
pub(super) fn choose(pick: Pick, count: usize) -> usize {
    let index = usize::from(pick & !(RECENT | ANY_TYPE));
    if pick & RECENT != 0 { count - 1 - index % count.min(8) } else { index % count }
}

/// Further choices from one: plain if it is plain.
pub(super) fn derived(pick: Pick, number: usize) -> Pick {
    let mixed = (u32::from(pick) + 1).wrapping_mul(0x9e37_79b1).wrapping_add((number as u32).wrapping_mul(0x85eb_ca6b));
    if pick == 0 { 0 } else { ((mixed ^ mixed >> 13).wrapping_mul(0xc2b2_ae35) >> 16) as u16 }
}

/// The signals that something in the module uses.
fn used(module: &ModuleDef) -> HashSet<CellId> {
    let mut used = HashSet::new();
    for cell in &module.cells {
        cell.for_each_operand(|operand| {
            used.insert(operand);
        });
    }
    used.extend(module.instances.iter().flat_map(|instance| instance.inputs.iter().copied()));
    for port in module.memories.iter().flat_map(|memory| &memory.writes) {
        used.extend([port.address, port.data, port.enable].into_iter().chain(port.mask));
    }
    used
}
