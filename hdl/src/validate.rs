//! Whether a design keeps the rules that [`crate::design`] states, whoever built it.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};
use thiserror::Error;

use crate::analysis::{CombinationalLoop, PortPaths, label};
use crate::design::{Cell, CellId, Collision, Design, DomainId, ModuleDef, ModuleId, SourceLocation, StreamDirection};
use crate::types::{MAX_WIDTH, Type};

/// One broken rule. Its text names the module, the part of it and what is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{text}")]
pub struct Violation {
    /// The module, or `None` for the design as a whole.
    pub module: Option<ModuleId>,
    /// The part of the module.
    pub item: Item,
    /// The message.
    pub text: String,
}

/// A part of a module, by its index in the table of that kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Item {
    /// The module as a whole, its domains included.
    Module,
    /// An input port.
    Input(u32),
    /// An output port.
    Output(u32),
    /// A cell.
    Cell(CellId),
    /// A memory.
    Memory(u32),
    /// An instance.
    Instance(u32),
    /// A stream.
    Stream(u32),
    /// A fill level.
    Level(u32),
}

impl Design {
    /// Checks every rule stated in [`crate::design`]. Passes over nothing and stops at nothing: however the design came
    /// about, this does not panic.
    ///
    /// Signals are 1 to [`MAX_WIDTH`] bits wide, so that every valid design has a text form that reads back.
    ///
    /// # Errors
    /// All broken rules, module by module.
    pub fn validate(&self) -> Result<(), Vec<Violation>> {
        let mut violations = Vec::new();
        if self.modules.is_empty() {
            let text = "the design has no module; it needs at least the top".to_string();
            violations.push(Violation { module: None, item: Item::Module, text });
        }
        let mut names = FxHashSet::default();
        let mut paths = Vec::with_capacity(self.modules.len());
        for (index, module) in self.modules.iter().enumerate() {
            let mut check = Check { design: self, module, index, violations: &mut violations };
            if !names.insert(module.name.as_str()) {
                check.report(Item::Module, "an earlier module has the same name");
            }
            check.module();
            paths.push(check.port_paths(&paths));
        }
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

/// The check of one module.
struct Check<'a> {
    design: &'a Design,
    module: &'a ModuleDef,
    index: usize,
    violations: &'a mut Vec<Violation>,
}

impl<'a> Check<'a> {
    fn module(&mut self) {
        let module = self.module;
        self.domains();
        if module.info.len() != module.cells.len() {
            let (cells, info) = (module.cells.len(), module.info.len());
            self.report(Item::Module, format!("{cells} cells, but types and names of {info}"));
        }
        self.names();
        for (i, port) in module.inputs.iter().enumerate() {
            if module.cells.get(port.cell.index()) != Some(&Cell::Input(i as u32)) {
                self.report(Item::Input(i as u32), format!("{:?} is not the cell of input {i}", port.cell));
            }
        }
        for (i, port) in module.outputs.iter().enumerate() {
            self.exists(Item::Output(i as u32), "its value", port.value);
        }
        for (id, cell) in module.cell_ids().zip(&module.cells) {
            self.cell(id, cell);
        }
        self.memories();
        self.instances();
        self.streams();
        self.levels();
    }

    /// Paths of this module for the modules after it; none if they cannot be found because of a loop.
    fn port_paths(&mut self, children: &[PortPaths]) -> PortPaths {
        PortPaths::of(self.module, children).unwrap_or_else(|found: CombinationalLoop| {
            self.report(Item::Cell(found.cells[0]), format!("part of a combinational loop: {}", found.path()));
            PortPaths::default()
        })
    }

    fn domains(&mut self) {
        if self.module.domains.is_empty() {
            self.report(Item::Module, "no clock domain; it needs at least one");
        }
        let mut names = FxHashSet::default();
        for domain in &self.module.domains {
            if !names.insert(domain.name.as_str()) {
                self.report(Item::Module, format!("two clock domains are named {:?}", domain.name));
            }
        }
    }

    /// Ports, cells, memories and instances share one name space; a cell may have the name of a port that shows it.
    fn names(&mut self) {
        let module = self.module;
        let mut holders: FxHashMap<&str, Item> = FxHashMap::default();
        let ports = module.inputs.iter().enumerate().map(|(i, port)| (port.name.as_str(), Item::Input(i as u32)));
        let ports = ports.chain(module.outputs.iter().enumerate().map(|(i, port)| (port.name.as_str(), Item::Output(i as u32))));
        let cells = module.info.iter().enumerate();
        let cells = cells.filter_map(|(i, info)| Some((info.name.as_deref()?, Item::Cell(CellId(i as u32)))));
        let memories = module.memories.iter().enumerate().map(|(i, memory)| (memory.name.as_str(), Item::Memory(i as u32)));
        let instances = module.instances.iter().enumerate().map(|(i, instance)| (instance.name.as_str(), Item::Instance(i as u32)));
        for (name, item) in ports.chain(cells).chain(memories).chain(instances) {
            match (*holders.entry(name).or_insert(item), item) {
                (holder, item) if holder == item => {}
                (Item::Input(port), Item::Cell(cell)) if module.inputs[port as usize].cell == cell => {}
                (Item::Output(port), Item::Cell(cell)) if module.outputs[port as usize].value == cell => {}
                (holder @ Item::Output(port), Item::Cell(_)) => {
                    let shown = module.outputs[port as usize].value;
                    self.report(item, format!("has the name of {}, which shows {shown:?}", describe(module, holder)));
                }
                (holder, item) => self.report(item, format!("{} has the same name", describe(module, holder))),
            }
        }
    }

    fn cell(&mut self, id: CellId, cell: &Cell) {
        let item = Item::Cell(id);
        // The missing entry is reported for the module.
        let Some(info) = self.module.info.get(id.index()) else { return };
        let w = self.type_width(item, info.ty);
        self.location(item, info.location);
        self.states(id, cell, w, info.states.len());
        match cell {
            Cell::Const(value) => self.width(item, "the constant", u64::from(value.width()), w),
            Cell::Input(port) => self.input(id, *port, info.name.as_deref()),
            Cell::Wire(a) | Cell::Not(a) => self.operand_width(item, "its operand", *a, w),
            Cell::And(a, b) | Cell::Or(a, b) | Cell::Xor(a, b) | Cell::Add(a, b) | Cell::Sub(a, b) => {
                self.operand_width(item, "its first operand", *a, w);
                self.operand_width(item, "its second operand", *b, w);
            }
            Cell::ReduceAnd(a) | Cell::ReduceOr(a) | Cell::ReduceXor(a) => {
                self.width(item, "its result", w, 1);
                self.exists(item, "its operand", *a);
            }
            Cell::Mul(a, b) => {
                if let Some((a, b)) = self.operands(item, *a, *b) {
                    if a.is_signed() != b.is_signed() {
                        self.report(item, format!("multiplies {a} by {b}; both must be signed or both unsigned"));
                    }
                    self.width(item, "its result", w, width_of(a) + width_of(b));
                }
            }
            Cell::Equal(a, b) => {
                self.width(item, "its result", w, 1);
                if let Some((a, b)) = self.operands(item, *a, *b) {
                    self.width(item, "its second operand", width_of(b), width_of(a));
                }
            }
            Cell::Less(a, b) => {
                self.width(item, "its result", w, 1);
                if let Some((a, b)) = self.operands(item, *a, *b).filter(|(a, b)| a != b) {
                    self.report(item, format!("compares {a} with {b}; the types must be equal"));
                }
            }
            Cell::ShiftLeft(a, amount) | Cell::ShiftRight(a, amount) => {
                self.operand_width(item, "its first operand", *a, w);
                self.exists(item, "its amount", *amount);
            }
            Cell::Mux { condition, then, otherwise } => {
                self.operand_width(item, "its condition", *condition, 1);
                self.operand_width(item, "its value for 1", *then, w);
                self.operand_width(item, "its value for 0", *otherwise, w);
            }
            Cell::Select { index, options } => {
                self.exists(item, "its index", *index);
                if options.is_empty() {
                    self.report(item, "selects among no options; it needs at least one");
                }
                options.iter().for_each(|&option| self.operand_width(item, "an option", option, w));
            }
            Cell::Concat(parts) => self.concat(item, parts, w),
            Cell::Slice { value, low } => {
                if let Some(ty) = self.exists(item, "its operand", *value)
                    && u64::from(*low) + w > width_of(ty)
                {
                    let high = u64::from(*low) + w;
                    self.report(item, format!("takes bits {low}..{high} of an operand that has {}", bits(width_of(ty))));
                }
            }
            Cell::Extend(a) => {
                if let Some(ty) = self.exists(item, "its operand", *a).filter(|&ty| width_of(ty) > w) {
                    self.report(item, format!("extends {} to only {w}", bits(width_of(ty))));
                }
            }
            Cell::Register { next, initial, domain, .. } => {
                self.operand_width(item, "its next value", *next, w);
                self.width(item, "its initial value", u64::from(initial.width()), w);
                self.domain(item, *domain);
            }
            Cell::MemoryRead { memory, address } => {
                self.exists(item, "its address", *address);
                self.read(item, memory.index(), info.ty);
            }
            Cell::MemoryReadRegistered { memory, address, enable, collision, domain } => {
                self.exists(item, "its address", *address);
                self.operand_width(item, "its enable", *enable, 1);
                self.domain(item, *domain);
                self.read(item, memory.index(), info.ty);
                let write_domain = self.module.memories.get(memory.index()).map(|memory| memory.write_domain);
                if let (Collision::WriteFirst, Some(write_domain)) = (collision, write_domain)
                    && write_domain != *domain
                {
                    self.report(item, format!("a write-first read in {domain:?} of a memory written in {write_domain:?}"));
                }
            }
            Cell::InstanceOutput { instance, port } => {
                let module = self.module.instances.get(instance.index()).map(|instance| instance.module);
                let Some(module) = module else {
                    return self.report(item, format!("{instance:?} does not exist"));
                };
                // An instance of no earlier module is reported there.
                let Some(child) = self.earlier(module) else { return };
                match child.outputs.get(*port as usize) {
                    None => self.report(item, format!("`{}` has no output port {port}", child.name)),
                    Some(output) => {
                        if let Some(shown) = child.info.get(output.value.index()).filter(|shown| shown.ty != info.ty) {
                            let text = format!("is {}, but shows output port `{}`, which is {}", info.ty, output.name, shown.ty);
                            self.report(item, text);
                        }
                    }
                }
            }
        }
    }

    fn input(&mut self, id: CellId, port: u32, name: Option<&str>) {
        let item = Item::Cell(id);
        match self.module.inputs.get(port as usize) {
            None => self.report(item, format!("input port {port} does not exist")),
            Some(port) if port.cell != id => self.report(item, format!("the cell of input port `{}` is {:?}", port.name, port.cell)),
            Some(port) if name.is_some_and(|name| name != port.name) => {
                self.report(item, format!("shows input port `{}`, so it must have that name or none", port.name));
            }
            Some(_) => {}
        }
    }

    fn states(&mut self, id: CellId, cell: &Cell, w: u64, states: usize) {
        if states == 0 {
            return;
        }
        if !matches!(cell, Cell::Register { .. }) {
            self.report(Item::Cell(id), "has state names, but is not a register");
        }
        if w < 32 && states as u64 > 1 << w {
            self.report(Item::Cell(id), format!("{states} state names for {}", bits(w)));
        }
    }

    fn concat(&mut self, item: Item, parts: &[CellId], w: u64) {
        if parts.is_empty() {
            return self.report(item, "concatenates nothing; it needs at least one operand");
        }
        let mut sum = Some(0);
        for &part in parts {
            let width = self.exists(item, "a part", part).map(width_of);
            sum = sum.zip(width).map(|(sum, width)| sum + width);
        }
        if let Some(sum) = sum {
            self.width(item, "its result", w, sum);
        }
    }

    fn read(&mut self, item: Item, memory: usize, ty: Type) {
        match self.module.memories.get(memory) {
            None => self.report(item, format!("memory{memory} does not exist")),
            Some(memory) if memory.ty != ty => {
                self.report(item, format!("reads {ty} from memory `{}`, whose words are {}", memory.name, memory.ty));
            }
            Some(_) => {}
        }
    }

    fn memories(&mut self) {
        for (i, memory) in self.module.memories.iter().enumerate() {
            let item = Item::Memory(i as u32);
            let w = self.type_width(item, memory.ty);
            self.location(item, memory.location);
            self.domain(item, memory.write_domain);
            if memory.depth == 0 {
                self.report(item, "has no words; the depth is at least 1");
            }
            if memory.initial.len() as u64 > u64::from(memory.depth) {
                self.report(item, format!("{} initial words for a depth of {}", memory.initial.len(), memory.depth));
            }
            if let Some((word, value)) = memory.initial.iter().enumerate().find(|(_, value)| u64::from(value.width()) != w) {
                self.width(item, &format!("initial word {word}"), u64::from(value.width()), w);
            }
            for (number, write) in memory.writes.iter().enumerate() {
                self.exists(item, &format!("the address of write port {number}"), write.address);
                self.operand_width(item, &format!("the data of write port {number}"), write.data, w);
                self.operand_width(item, &format!("the enable of write port {number}"), write.enable, 1);
                let mask = write.mask.and_then(|mask| self.exists(item, &format!("the mask of write port {number}"), mask));
                if let Some(parts) = mask.map(width_of).filter(|&parts| !w.is_multiple_of(parts)) {
                    let text = format!("the mask of write port {number} has {}, which does not divide the word's {w}", bits(parts));
                    self.report(item, text);
                }
            }
        }
    }

    fn instances(&mut self) {
        for (i, instance) in self.module.instances.iter().enumerate() {
            let item = Item::Instance(i as u32);
            self.location(item, instance.location);
            instance.domains.iter().for_each(|&domain| self.domain(item, domain));
            let Some(child) = self.earlier(instance.module) else {
                self.report(item, format!("{:?} does not come before this module", instance.module));
                continue;
            };
            if instance.domains.len() != child.domains.len() {
                let (given, wanted) = (instance.domains.len(), child.domains.len());
                self.report(item, format!("connects {given} clock domains, but `{}` has {wanted}", child.name));
            }
            if instance.inputs.len() != child.inputs.len() {
                let (given, wanted) = (instance.inputs.len(), child.inputs.len());
                self.report(item, format!("connects {given} inputs, but `{}` has {wanted}", child.name));
            }
            for (&operand, port) in instance.inputs.iter().zip(&child.inputs) {
                let Some(given) = self.exists(item, "an input", operand) else { continue };
                if let Some(wanted) = child.info.get(port.cell.index()).map(|info| info.ty).filter(|&wanted| wanted != given) {
                    self.report(item, format!("input port `{}` is {wanted}, but is fed {operand:?}, which is {given}", port.name));
                }
            }
        }
    }

    fn streams(&mut self) {
        let module = self.module;
        let mut names = FxHashSet::default();
        let shown: FxHashSet<CellId> = module.outputs.iter().map(|port| port.value).collect();
        let is_input = |id: CellId| matches!(module.cells.get(id.index()), Some(Cell::Input(_)));
        for (i, stream) in module.streams.iter().enumerate() {
            let item = Item::Stream(i as u32);
            if !names.insert(stream.name.as_str()) {
                self.report(item, "an earlier stream has the same name");
            }
            self.exists(item, "its data", stream.data);
            self.operand_width(item, "its valid", stream.valid, 1);
            self.operand_width(item, "its ready", stream.ready, 1);
            self.domain(item, stream.domain);
            let (data, valid, ready) = (stream.data, stream.valid, stream.ready);
            match stream.direction {
                StreamDirection::Input if !(is_input(data) && is_input(valid) && shown.contains(&ready)) => {
                    self.report(item, "an input stream's data and valid are input ports and its ready is an output port");
                }
                StreamDirection::Output if !(shown.contains(&data) && shown.contains(&valid) && is_input(ready)) => {
                    self.report(item, "an output stream's data and valid are output ports and its ready is an input port");
                }
                _ => {}
            }
        }
    }

    fn levels(&mut self) {
        let mut names = FxHashSet::default();
        for (i, level) in self.module.levels.iter().enumerate() {
            let item = Item::Level(i as u32);
            if !names.insert(level.name.as_str()) {
                self.report(item, "an earlier level has the same name");
            }
            if let Some(ty) = self.exists(item, "its signal", level.level).filter(|ty| ty.is_signed()) {
                self.report(item, format!("its signal is {ty}; a fill level is unsigned"));
            }
        }
    }

    /// The type of an operand, or a report that it does not exist.
    fn exists(&mut self, item: Item, role: &str, operand: CellId) -> Option<Type> {
        if operand.index() >= self.module.cells.len() {
            self.report(item, format!("{role} {operand:?} does not exist"));
        }
        self.module.info.get(operand.index()).map(|info| info.ty)
    }

    fn operands(&mut self, item: Item, a: CellId, b: CellId) -> Option<(Type, Type)> {
        let a = self.exists(item, "its first operand", a);
        a.zip(self.exists(item, "its second operand", b))
    }

    fn operand_width(&mut self, item: Item, role: &str, operand: CellId, wanted: u64) {
        let given = self.exists(item, role, operand).map(width_of);
        if let Some(given) = given.filter(|&given| given != wanted) {
            self.report(item, format!("{role} {operand:?} has {}, not {wanted}", bits(given)));
        }
    }

    fn width(&mut self, item: Item, role: &str, given: u64, wanted: u64) {
        if given != wanted {
            self.report(item, format!("{role} has {}, not {wanted}", bits(given)));
        }
    }

    fn type_width(&mut self, item: Item, ty: Type) -> u64 {
        let width = width_of(ty);
        if !(1..=u64::from(MAX_WIDTH)).contains(&width) {
            self.report(item, format!("has a type of {}; 1 to {MAX_WIDTH} are possible", bits(width)));
        }
        width
    }

    fn domain(&mut self, item: Item, domain: DomainId) {
        if domain.index() >= self.module.domains.len() {
            self.report(item, format!("{domain:?} does not exist"));
        }
    }

    fn location(&mut self, item: Item, location: Option<SourceLocation>) {
        let Some(location) = location else { return };
        if location.file as usize >= self.design.files.len() {
            self.report(item, format!("is located in file {}, which does not exist", location.file));
        }
        if location.line == 0 || location.column == 0 {
            self.report(item, "is located at line or column 0; both count from 1");
        }
    }

    /// The module of an instance, if it comes before this one.
    fn earlier(&self, module: ModuleId) -> Option<&'a ModuleDef> {
        self.design.modules[..self.index].get(module.index())
    }

    fn report(&mut self, item: Item, problem: impl fmt::Display) {
        let text = match item {
            Item::Module => format!("module `{}`: {problem}", self.module.name),
            item => format!("module `{}`, {}: {problem}", self.module.name, describe(self.module, item)),
        };
        self.violations.push(Violation { module: Some(ModuleId(self.index as u32)), item, text });
    }
}

/// What messages call an item that exists in its module.
fn describe(module: &ModuleDef, item: Item) -> String {
    match item {
        Item::Module => "the module".to_string(),
        Item::Input(i) => format!("input port `{}`", module.inputs[i as usize].name),
        Item::Output(i) => format!("output port `{}`", module.outputs[i as usize].name),
        Item::Cell(id) => format!("cell {}", label(module, id)),
        Item::Memory(i) => format!("memory `{}`", module.memories[i as usize].name),
        Item::Instance(i) => format!("instance `{}`", module.instances[i as usize].name),
        Item::Stream(i) => format!("stream `{}`", module.streams[i as usize].name),
        Item::Level(i) => format!("level `{}`", module.levels[i as usize].name),
    }
}

/// The width of any type, however absurd: [`Type::width`] overflows where the parts of a fixed-point type do.
fn width_of(ty: Type) -> u64 {
    match ty {
        Type::Bits(n) | Type::UInt(n) | Type::SInt(n) => u64::from(n),
        Type::UFixed { int, frac } | Type::Fixed { int, frac } => u64::from(int) + u64::from(frac),
    }
}

fn bits(count: u64) -> String {
    if count == 1 { "1 bit".to_string() } else { format!("{count} bits") }
}
