//! Reads the lines of a module.

use rustc_hash::FxHashMap;

use super::line::{Fault, Line};
use super::parse::Place;
use crate::design::{
    Cell, CellId, CellInfo, Collision, Domain, DomainId, InputPort, Instance, InstanceId, LevelProbe, Memory, MemoryId, ModuleDef,
    ModuleId, Name, OutputPort, StreamDirection, StreamProbe, WritePort,
};
use crate::types::Type;
use crate::validate::Item;

/// The modules read so far, for instances of them.
#[derive(Default)]
pub(super) struct Earlier {
    pub(super) modules: Vec<ModuleDef>,
    names: FxHashMap<String, ModuleId>,
    /// Output ports by name, parallel to `modules`.
    outputs: Vec<FxHashMap<String, u32>>,
}

impl Earlier {
    /// Adds a module that has been read; returns where its parts stand.
    pub(super) fn add(&mut self, module: OpenModule) -> Vec<(Item, Place)> {
        let id = ModuleId(self.modules.len() as u32);
        self.names.entry(module.def.name.clone()).or_insert(id);
        self.outputs.push(module.outputs);
        self.modules.push(module.def);
        module.places
    }
}

/// A module that is being read.
///
/// A name counts as declared from the moment it is read, even if the rest of its line does not read: one slip is reported
/// once, not again at each use. No design comes out then, so that indices do not matter any more.
pub(super) struct OpenModule {
    def: ModuleDef,
    outputs: FxHashMap<String, u32>,
    domains: FxHashMap<String, DomainId>,
    memories: FxHashMap<String, MemoryId>,
    /// `None` if the module is not known.
    instances: FxHashMap<String, (InstanceId, Option<ModuleId>)>,
    /// Whether the last `memory` line did not read, so that lines below it cannot be judged.
    memory_is_unreadable: bool,
    next_cell: u32,
    places: Vec<(Item, Place)>,
}

impl OpenModule {
    pub(super) fn new(name: &str, place: Place) -> OpenModule {
        OpenModule {
            def: ModuleDef { name: name.to_string(), ..ModuleDef::default() },
            outputs: FxHashMap::default(),
            domains: FxHashMap::default(),
            memories: FxHashMap::default(),
            instances: FxHashMap::default(),
            memory_is_unreadable: false,
            next_cell: 0,
            places: vec![(Item::Module, place)],
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.def.name
    }

    pub(super) fn line(&mut self, place: Place, line: &mut Line, earlier: &Earlier) -> Result<(), Fault> {
        if line.is_at_cell() {
            return self.cell(place, line, earlier);
        }
        let what = "a signal such as `%0`, or `parameters`, `domain`, `input`, `output`, `memory`, `initial`, `write`, `instance`, `stream`, \
                    `level` or `}`";
        let read = line.choice(what, line_reader)?;
        read(self, place, line, earlier)
    }

    fn parameters(&mut self, line: &mut Line) -> Result<(), Fault> {
        self.def.parameters = line.quoted("the parameters")?;
        line.end("nothing after the parameters")
    }

    fn domain(&mut self, line: &mut Line) -> Result<(), Fault> {
        let name = line.quoted("the name of the domain")?;
        self.domains.entry(name.clone()).or_insert(DomainId(self.def.domains.len() as u32));
        self.def.domains.push(Domain { name });
        line.end("nothing after the name")
    }

    fn input(&mut self, place: Place, line: &mut Line) -> Result<(), Fault> {
        let name = line.quoted("the name of the port")?;
        line.symbol('=')?;
        let cell = line.cell()?;
        self.places.push((Item::Input(self.def.inputs.len() as u32), place));
        self.def.inputs.push(InputPort { name: name.into(), cell });
        line.end("nothing after the signal")
    }

    fn output(&mut self, place: Place, line: &mut Line) -> Result<(), Fault> {
        let name = line.quoted("the name of the port")?;
        let index = self.def.outputs.len() as u32;
        self.outputs.entry(name.clone()).or_insert(index);
        line.symbol('=')?;
        let value = line.cell()?;
        self.places.push((Item::Output(index), place));
        self.def.outputs.push(OutputPort { name: name.into(), value });
        line.end("nothing after the signal")
    }

    fn memory(&mut self, place: Place, line: &mut Line) -> Result<(), Fault> {
        self.memory_is_unreadable = true;
        let name = line.quoted("the name of the memory")?;
        let index = self.def.memories.len() as u32;
        self.memories.entry(name.clone()).or_insert(MemoryId(index));
        line.symbol(':')?;
        let ty = line.ty()?;
        line.word("depth")?;
        let depth = line.number("the number of words")?;
        let write_domain = self.in_domain(line)?;
        let location = line.location()?;
        line.end("`in` a domain, `@` a source location or the end of the line")?;
        self.places.push((Item::Memory(index), place));
        self.def.memories.push(Memory { name: name.into(), depth, ty, initial: Vec::new(), writes: Vec::new(), write_domain, location });
        self.memory_is_unreadable = false;
        Ok(())
    }

    fn initial(&mut self, line: &mut Line) -> Result<(), Fault> {
        if self.memory_is_unreadable {
            return Ok(());
        }
        let Some(memory) = self.def.memories.last_mut() else {
            return Err(line.fault("initial words stand below their `memory` line".to_string()));
        };
        loop {
            memory.initial.push(line.value(memory.ty)?);
            if line.is_at_end() {
                return Ok(());
            }
        }
    }

    fn write(&mut self, line: &mut Line) -> Result<(), Fault> {
        if self.memory_is_unreadable {
            return Ok(());
        }
        let Some(memory) = self.def.memories.last_mut() else {
            return Err(line.fault("write ports stand below their `memory` line".to_string()));
        };
        let address = line.operand_after("address")?;
        let data = line.operand_after("data")?;
        let enable = line.operand_after("enable")?;
        let mask = if line.accept_word("mask") { Some(line.cell()?) } else { None };
        memory.writes.push(WritePort { address, data, enable, mask });
        line.end("`mask` and a signal, or the end of the line")
    }

    fn instance(&mut self, place: Place, line: &mut Line, earlier: &Earlier) -> Result<(), Fault> {
        let name = line.quoted("the name of the instance")?;
        let index = self.def.instances.len() as u32;
        let known = self.instances.entry(name.clone()).or_insert((InstanceId(index), None));
        line.word("of")?;
        let module = resolve(line, "a module before this one", &earlier.names)?;
        known.1.get_or_insert(module);
        line.word("inputs")?;
        let inputs = line.cells()?;
        let mut domains = vec![DomainId(0)];
        if line.accept_word("domains") {
            domains.clear();
            while !line.is_at_end() && !line.is_at_symbol('@') {
                domains.push(resolve(line, "a domain of this module", &self.domains)?);
            }
        }
        let location = line.location()?;
        line.end("`domains`, `@` a source location or the end of the line")?;
        self.places.push((Item::Instance(index), place));
        self.def.instances.push(Instance { name: name.into(), module, inputs, domains, location });
        Ok(())
    }

    fn stream(&mut self, place: Place, line: &mut Line) -> Result<(), Fault> {
        let name = line.quoted("the name of the stream")?;
        let direction = line.choice("`input`, `output` or `internal`", |word| match word {
            "input" => Some(StreamDirection::Input),
            "output" => Some(StreamDirection::Output),
            "internal" => Some(StreamDirection::Internal),
            _ => None,
        })?;
        let data = line.operand_after("data")?;
        let valid = line.operand_after("valid")?;
        let ready = line.operand_after("ready")?;
        let domain = self.in_domain(line)?;
        self.places.push((Item::Stream(self.def.streams.len() as u32), place));
        self.def.streams.push(StreamProbe { name, data, valid, ready, domain, direction });
        line.end("`in` a domain or the end of the line")
    }

    fn level(&mut self, place: Place, line: &mut Line) -> Result<(), Fault> {
        let name = line.quoted("the name of the level")?;
        let level = line.cell()?;
        line.word("capacity")?;
        let capacity = line.number("the capacity")?;
        self.places.push((Item::Level(self.def.levels.len() as u32), place));
        self.def.levels.push(LevelProbe { name, level, capacity });
        line.end("nothing after the capacity")
    }

    fn cell(&mut self, place: Place, line: &mut Line, earlier: &Earlier) -> Result<(), Fault> {
        let start = line.position();
        let id = line.cell()?;
        let wanted = std::mem::replace(&mut self.next_cell, id.0.saturating_add(1));
        if id != CellId(wanted) {
            return Err(line.fault_at(start, format!("expected %{wanted}: cells are numbered in order")));
        }
        let name = if line.is_at_symbol(':') { None } else { Some(line.quoted("`:` and a type, or a name")?) };
        line.symbol(':')?;
        let ty = line.ty()?;
        line.symbol('=')?;
        let cell = self.function(line, ty, earlier)?;
        let states = if line.accept_word("states") { line.all_quoted("a state name")?.into() } else { Box::default() };
        let location = line.location()?;
        line.end("`@` a source location or the end of the line")?;
        self.places.push((Item::Cell(id), place));
        self.def.cells.push(cell);
        self.def.info.push(CellInfo { ty, name: name.map(Name::from), location, states });
        Ok(())
    }

    fn function(&self, line: &mut Line, ty: Type, earlier: &Earlier) -> Result<Cell, Fault> {
        match line.choice("what the cell computes, such as `add`", Function::of)? {
            Function::One(cell) => Ok(cell(line.cell()?)),
            Function::Two(cell) => Ok(cell(line.cell()?, line.cell()?)),
            Function::Other(read) => read(self, line, ty, earlier),
        }
    }

    fn read(&self, line: &mut Line) -> Result<Cell, Fault> {
        let memory = resolve(line, "a memory of this module", &self.memories)?;
        Ok(Cell::MemoryRead { memory, address: line.operand_after("address")? })
    }

    fn read_registered(&self, line: &mut Line) -> Result<Cell, Fault> {
        let memory = resolve(line, "a memory of this module", &self.memories)?;
        let address = line.operand_after("address")?;
        let enable = line.operand_after("enable")?;
        let collision = line.choice("`read_first`, `write_first` or `undefined`", |word| match word {
            "read_first" => Some(Collision::ReadFirst),
            "write_first" => Some(Collision::WriteFirst),
            "undefined" => Some(Collision::Undefined),
            _ => None,
        })?;
        Ok(Cell::MemoryReadRegistered { memory, address, enable, collision, domain: self.in_domain(line)? })
    }

    fn register(&self, line: &mut Line, ty: Type) -> Result<Cell, Fault> {
        let next = line.cell()?;
        line.word("initial")?;
        let initial = line.value(ty)?;
        let reset = line.accept_word("reset");
        Ok(Cell::Register { next, initial, reset, domain: self.in_domain(line)? })
    }

    fn output_of(&self, line: &mut Line, earlier: &Earlier) -> Result<Cell, Fault> {
        let (instance, module) = resolve(line, "an instance of this module", &self.instances)?;
        let port = match module {
            Some(module) => resolve(line, "an output port of the instance", &earlier.outputs[module.index()])?,
            None => line.quoted("an output port of the instance").map(|_| 0)?,
        };
        Ok(Cell::InstanceOutput { instance, port })
    }

    /// `in` and a domain, or nothing for the default domain.
    fn in_domain(&self, line: &mut Line) -> Result<DomainId, Fault> {
        if line.accept_word("in") { resolve(line, "a domain of this module", &self.domains) } else { Ok(DomainId(0)) }
    }
}

type ReadLine = fn(&mut OpenModule, Place, &mut Line, &Earlier) -> Result<(), Fault>;

/// What reads a line that begins with this word, from behind the word on.
fn line_reader(word: &str) -> Option<ReadLine> {
    match word {
        "parameters" => Some(|module, _, line, _| module.parameters(line)),
        "domain" => Some(|module, _, line, _| module.domain(line)),
        "input" => Some(|module, place, line, _| module.input(place, line)),
        "output" => Some(|module, place, line, _| module.output(place, line)),
        "memory" => Some(|module, place, line, _| module.memory(place, line)),
        "initial" => Some(|module, _, line, _| module.initial(line)),
        "write" => Some(|module, _, line, _| module.write(line)),
        "instance" => Some(OpenModule::instance),
        "stream" => Some(|module, place, line, _| module.stream(place, line)),
        "level" => Some(|module, place, line, _| module.level(place, line)),
        _ => None,
    }
}

/// What a cell computes, by its operands.
enum Function {
    One(fn(CellId) -> Cell),
    Two(fn(CellId, CellId) -> Cell),
    Other(fn(&OpenModule, &mut Line, Type, &Earlier) -> Result<Cell, Fault>),
}

impl Function {
    fn of(keyword: &str) -> Option<Function> {
        Some(match keyword {
            "wire" => Function::One(Cell::Wire),
            "not" => Function::One(Cell::Not),
            "reduce_and" => Function::One(Cell::ReduceAnd),
            "reduce_or" => Function::One(Cell::ReduceOr),
            "reduce_xor" => Function::One(Cell::ReduceXor),
            "extend" => Function::One(Cell::Extend),
            "and" => Function::Two(Cell::And),
            "or" => Function::Two(Cell::Or),
            "xor" => Function::Two(Cell::Xor),
            "add" => Function::Two(Cell::Add),
            "sub" => Function::Two(Cell::Sub),
            "mul" => Function::Two(Cell::Mul),
            "equal" => Function::Two(Cell::Equal),
            "less" => Function::Two(Cell::Less),
            "shift_left" => Function::Two(Cell::ShiftLeft),
            "shift_right" => Function::Two(Cell::ShiftRight),
            "const" => Function::Other(|_, line, ty, _| Ok(Cell::Const(line.value(ty)?))),
            "input" => Function::Other(|_, line, _, _| Ok(Cell::Input(line.number("the number of an input port")?))),
            "mux" => {
                Function::Other(|_, line, _, _| Ok(Cell::Mux { condition: line.cell()?, then: line.cell()?, otherwise: line.cell()? }))
            }
            "select" => Function::Other(|_, line, _, _| {
                let index = line.cell()?;
                line.word("of")?;
                Ok(Cell::Select { index, options: line.cells()? })
            }),
            "concat" => Function::Other(|_, line, _, _| Ok(Cell::Concat(line.cells()?))),
            "slice" => Function::Other(|_, line, _, _| {
                let value = line.cell()?;
                line.word("from")?;
                Ok(Cell::Slice { value, low: line.number("the lowest bit")? })
            }),
            "register" => Function::Other(|module, line, ty, _| module.register(line, ty)),
            "read" => Function::Other(|module, line, _, _| module.read(line)),
            "read_registered" => Function::Other(|module, line, _, _| module.read_registered(line)),
            "output_of" => Function::Other(|module, line, _, earlier| module.output_of(line, earlier)),
            _ => return None,
        })
    }
}

/// A quoted name that `table` knows; `what` says what it is the name of.
fn resolve<T: Copy>(line: &mut Line, what: &str, table: &FxHashMap<String, T>) -> Result<T, Fault> {
    let start = line.position();
    let name = line.quoted(&format!("the name of {what}"))?;
    table.get(&name).copied().ok_or_else(|| line.fault_at(start, format!("{name:?} is not the name of {what}")))
}
