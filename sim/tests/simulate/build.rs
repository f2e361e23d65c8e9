//! Small designs by hand.

use systole_hdl::design::*;
use systole_hdl::{Type, Value};

/// A module under construction.
pub struct Net {
    pub module: ModuleDef,
}

impl Net {
    /// An empty module with the default clock domain.
    pub fn new(name: &str) -> Net {
        let domains = vec![Domain { name: String::new() }];
        Net { module: ModuleDef { name: name.to_string(), domains, ..ModuleDef::default() } }
    }

    /// One more clock domain.
    pub fn domain(&mut self, name: &str) -> DomainId {
        self.module.domains.push(Domain { name: name.to_string() });
        DomainId(self.module.domains.len() as u32 - 1)
    }

    pub fn cell(&mut self, cell: Cell, ty: Type) -> CellId {
        self.module.cells.push(cell);
        self.module.info.push(CellInfo { ty, name: None, location: None, states: Box::default() });
        CellId(self.module.cells.len() as u32 - 1)
    }

    pub fn input(&mut self, name: &str, ty: Type) -> CellId {
        let cell = self.cell(Cell::Input(self.module.inputs.len() as u32), ty);
        self.module.inputs.push(InputPort { name: name.into(), cell });
        cell
    }

    pub fn output(&mut self, name: &str, value: CellId) {
        self.module.outputs.push(OutputPort { name: name.into(), value });
    }

    pub fn constant(&mut self, ty: Type, number: i64) -> CellId {
        self.cell(Cell::Const(Value::from_i64(ty.width(), number)), ty)
    }

    pub fn named(&mut self, name: &str, cell: Cell, ty: Type) -> CellId {
        let id = self.cell(cell, ty);
        self.module.info[id.index()].name = Some(name.into());
        id
    }

    /// A register whose next value is given later with [`Net::next`]; until then it holds.
    pub fn register(&mut self, name: &str, ty: Type, initial: i64, reset: bool, domain: DomainId) -> CellId {
        let own = CellId(self.module.cells.len() as u32);
        self.named(name, Cell::Register { next: own, initial: Value::from_i64(ty.width(), initial), reset, domain }, ty)
    }

    pub fn next(&mut self, register: CellId, value: CellId) {
        let Cell::Register { next, .. } = &mut self.module.cells[register.index()] else { panic!("{register:?} is no register") };
        *next = value;
    }

    pub fn memory(&mut self, name: &str, depth: u32, ty: Type, writes: Vec<WritePort>) -> MemoryId {
        let memory = Memory { name: name.into(), depth, ty, initial: Vec::new(), writes, write_domain: DomainId(0), location: None };
        self.module.memories.push(memory);
        MemoryId(self.module.memories.len() as u32 - 1)
    }

    pub fn instance(&mut self, name: &str, module: u32, inputs: Vec<CellId>, domains: Vec<DomainId>) -> InstanceId {
        self.module.instances.push(Instance { name: name.into(), module: ModuleId(module), inputs, domains, location: None });
        InstanceId(self.module.instances.len() as u32 - 1)
    }
}

/// Children first, the top last.
pub fn design(modules: impl IntoIterator<Item = Net>) -> Design {
    let design = Design { modules: modules.into_iter().map(|net| net.module).collect(), files: Vec::new() };
    assert_eq!(design.validate(), Ok(()));
    design
}
