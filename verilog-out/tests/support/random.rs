//! Random designs with all kinds of cells, several modules, memories and clock domains, from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::design::{
    CellInfo, Collision, Domain, DomainId, InputPort, Instance, InstanceId, Memory, MemoryId, ModuleId, OutputPort, WritePort,
};
use systole_hdl::{Cell, CellId, Design, ModuleDef, Type, Value};

/// What user's names look like when nobody stops them.
const NAMES: &[&str] =
    &["acc", "reg", "x y", "größe", "\\hostile ", "9lives", "", "double", "mem", "i", "sum", "clock", "reset", "sum_1", "index"];

/// A valid random design: the same for the same seed.
pub fn design(seed: u64) -> Design {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let modules = 1 + random.next_u32() % 3;
    let mut design = Design::default();
    for i in 0..modules {
        let mut builder = Builder { random: &mut random, module: ModuleDef::default(), names: 0 };
        builder.module.name = format!("{}{i}", ["pe", "case ", "Pe"][i as usize % 3]);
        builder.module.parameters = "depth: 3\n*/ endmodule \\".to_string();
        builder.build(&design);
        let module = builder.module;
        design.modules.push(module);
    }
    design
}

struct Builder<'r> {
    random: &'r mut ChaCha8Rng,
    module: ModuleDef,
    names: u32,
}

impl Builder<'_> {
    fn build(&mut self, design: &Design) {
        let two_domains = self.below(3) == 0;
        self.module.domains = vec![Domain { name: String::new() }];
        if two_domains {
            self.module.domains.push(Domain { name: "mem".to_string() });
        }
        for i in 0..1 + self.below(5) {
            let ty = self.ty();
            let cell = self.push(Cell::Input(i), ty);
            let name = self.name();
            self.module.inputs.push(InputPort { name: name.into(), cell });
        }
        let mut registers = Vec::new();
        for _ in 0..self.below(5) {
            let ty = self.ty();
            let (initial, reset, domain) = (self.value(ty.width()), self.coin(), self.domain());
            registers.push(self.push(Cell::Register { next: CellId(0), initial, reset, domain }, ty));
        }
        for _ in 0..self.below(3) {
            self.add_memory();
        }
        for _ in 0..4 + self.below(40) {
            match self.below(12) {
                0 if !self.module.memories.is_empty() => self.add_read(),
                1 if !design.modules.is_empty() => self.add_instance(design),
                _ => self.add_cell(),
            }
        }
        for i in 0..self.module.memories.len() {
            self.add_writes(i);
        }
        for register in registers {
            let value = self.next_value(register, 3);
            if let Cell::Register { next, .. } = &mut self.module.cells[register.index()] {
                *next = value;
            }
        }
        for _ in 0..1 + self.below(6) {
            let value = self.any();
            let named = self.module.info[value.index()].name.clone();
            let is_input = matches!(self.module.cell(value), Cell::Input(_));
            let name = named.filter(|name| !is_input && !self.module.outputs.iter().any(|port| port.name == *name));
            let name = name.unwrap_or_else(|| self.name().into());
            self.module.outputs.push(OutputPort { name, value });
        }
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.random.next_u32() % limit
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn domain(&mut self) -> DomainId {
        let domains = self.module.domains.len() as u32;
        DomainId(self.below(domains))
    }

    fn name(&mut self) -> String {
        self.names += 1;
        let hostile = NAMES[self.below(NAMES.len() as u32) as usize];
        let prefix = if self.coin() { hostile } else { "signal" };
        // Unique through its number, but not always after it was made legal.
        let separator = [" ", "-", "_", "."][self.below(4) as usize];
        if self.names < 4 && !self.taken(hostile) { hostile.to_string() } else { format!("{prefix}{separator}{}", self.names) }
    }

    fn taken(&self, name: &str) -> bool {
        let ports = self.module.inputs.iter().map(|port| &port.name).chain(self.module.outputs.iter().map(|port| &port.name));
        let things =
            self.module.memories.iter().map(|memory| &memory.name).chain(self.module.instances.iter().map(|instance| &instance.name));
        let mut cells = self.module.info.iter().filter_map(|info| info.name.as_ref());
        ["", "clock", "reset"].contains(&name) || ports.chain(things).any(|taken| taken == name) || cells.any(|taken| taken == name)
    }

    fn ty(&mut self) -> Type {
        let width = match self.below(8) {
            0 | 1 => 1,
            2..=4 => 2 + self.below(7),
            5 => 9 + self.below(56),
            6 => 30 + self.below(6),
            _ => 65 + self.below(136),
        };
        self.ty_of(width)
    }

    fn ty_of(&mut self, width: u32) -> Type {
        let frac = self.below(width + 1);
        match self.below(5) {
            0 => Type::Bits(width),
            1 => Type::u(width),
            2 | 3 => Type::s(width),
            _ if self.coin() => Type::q(width - frac, frac),
            _ => Type::uq(width - frac, frac),
        }
    }

    fn value(&mut self, width: u32) -> Value {
        match self.below(5) {
            0 => Value::zero(width),
            1 => Value::ones(width),
            2 => Value::zero(width).with_bit(width - 1),
            _ => Value::from_limbs(width, (0..4).map(|_| self.random.next_u64())),
        }
    }

    fn push(&mut self, cell: Cell, ty: Type) -> CellId {
        let is_input = matches!(cell, Cell::Input(_));
        let name = (!is_input && self.below(3) == 0).then(|| self.name().into());
        self.module.cells.push(cell);
        self.module.info.push(CellInfo { ty, name, location: None, states: Box::default() });
        CellId(self.module.cells.len() as u32 - 1)
    }

    /// Any cell, the newest ones more often.
    fn any(&mut self) -> CellId {
        let count = self.module.cells.len() as u32;
        let back = self.below(count).min(self.below(count));
        CellId(count - 1 - back)
    }

    /// A cell of this very type.
    fn of(&mut self, ty: Type) -> CellId {
        if self.below(8) == 0 {
            let value = self.value(ty.width());
            return self.push(Cell::Const(value), ty);
        }
        let same: Vec<CellId> = self.module.cell_ids().filter(|&id| self.module.ty(id) == ty).collect();
        if !same.is_empty() && self.below(3) > 0 {
            return same[self.below(same.len() as u32) as usize];
        }
        let from = self.any();
        let (have, want) = (self.module.ty(from), ty.width());
        if have.width() > want {
            let low = self.below(have.width() - want + 1);
            let part = self.push(Cell::Slice { value: from, low }, Type::Bits(want));
            return self.push(Cell::Wire(part), ty);
        }
        let wide = if have.is_signed() { Type::s(want) } else { Type::u(want) };
        let extended = self.push(Cell::Extend(from), wide);
        self.push(Cell::Wire(extended), ty)
    }

    fn bit(&mut self) -> CellId {
        self.of(Type::BIT)
    }

    fn add_cell(&mut self) {
        let a = self.any();
        let ty = self.module.ty(a);
        let number = if ty.is_number() { ty } else { Type::u(ty.width()) };
        let (cell, ty) = match self.below(20) {
            0 => (Cell::Not(a), ty),
            1 => (Cell::And(a, self.of(ty)), ty),
            2 => (Cell::Or(a, self.of(ty)), ty),
            3 => (Cell::Xor(a, self.of(ty)), ty),
            4 => (Cell::ReduceAnd(a), Type::BIT),
            5 => (Cell::ReduceOr(a), Type::BIT),
            6 => (Cell::ReduceXor(a), Type::BIT),
            7 => (Cell::Add(self.of(number), self.of(number)), number),
            8 => (Cell::Sub(self.of(number), self.of(number)), number),
            9 => {
                let width = 1 + self.below(70);
                let other = if number.is_signed() { Type::s(width) } else { Type::u(width) };
                let product = number.product(other).expect("both are numbers of one signedness");
                (Cell::Mul(self.of(number), self.of(other)), product)
            }
            10 => (Cell::Equal(a, self.of(ty)), Type::BIT),
            11 => (Cell::Less(self.of(number), self.of(number)), Type::BIT),
            12 => (Cell::ShiftLeft(a, self.amount()), ty),
            13 => (Cell::ShiftRight(a, self.amount()), ty),
            14 | 15 => (Cell::Mux { condition: self.bit(), then: self.of(ty), otherwise: a }, ty),
            16 => {
                let index = self.amount();
                let options = (0..1 + self.below(24)).map(|_| self.of(ty)).collect();
                (Cell::Select { index, options }, ty)
            }
            17 => {
                let parts: Vec<CellId> = (0..1 + self.below(3)).map(|_| self.any()).collect();
                let width = parts.iter().map(|&part| self.module.ty(part).width()).sum::<u32>();
                if width > 400 {
                    return;
                }
                (Cell::Concat(parts), Type::Bits(width))
            }
            18 => {
                let low = self.below(ty.width());
                let width = 1 + self.below(ty.width() - low);
                (Cell::Slice { value: a, low }, Type::Bits(width))
            }
            _ => {
                let width = ty.width() + self.below(20);
                (Cell::Extend(a), if ty.is_signed() { Type::s(width) } else { Type::u(width) })
            }
        };
        self.push(cell, ty);
    }

    /// Shift amounts and indices: mostly narrow, as in real circuits, so that both sides of the border are met.
    fn amount(&mut self) -> CellId {
        let width = [1, 2, 3, 4, 7, 40][self.below(6) as usize];
        let ty = self.ty_of(width);
        self.of(ty)
    }

    fn address(&mut self, depth: u32) -> CellId {
        let needed = Type::index(depth).width();
        let width = match self.below(4) {
            0 => needed + 1 + self.below(40),
            1 => 1 + self.below(needed),
            _ => needed,
        };
        let ty = self.ty_of(width);
        self.of(ty)
    }

    fn add_memory(&mut self) {
        let depth = [1, 2, 3, 4, 5, 8, 16, 33][self.below(8) as usize];
        let (ty, name, write_domain) = (self.ty(), self.name(), self.domain());
        let words = self.below(depth + 1);
        let initial = (0..words).map(|_| self.value(ty.width())).collect();
        self.module.memories.push(Memory { name: name.into(), depth, ty, initial, writes: Vec::new(), write_domain, location: None });
    }

    fn add_read(&mut self) {
        let count = self.module.memories.len() as u32;
        let memory = MemoryId(self.below(count));
        let (depth, ty, write_domain) = {
            let memory = &self.module.memories[memory.index()];
            (memory.depth, memory.ty, memory.write_domain)
        };
        let address = self.address(depth);
        let collision = [Collision::ReadFirst, Collision::WriteFirst, Collision::WriteFirst, Collision::Undefined][self.below(4) as usize];
        let domain = if collision == Collision::WriteFirst { write_domain } else { self.domain() };
        let cell = if self.below(3) == 0 {
            Cell::MemoryRead { memory, address }
        } else {
            Cell::MemoryReadRegistered { memory, address, enable: self.bit(), collision, domain }
        };
        self.push(cell, ty);
    }

    fn add_writes(&mut self, memory: usize) {
        let (depth, ty) = (self.module.memories[memory].depth, self.module.memories[memory].ty);
        for _ in 0..self.below(4) {
            let (address, data, enable) = (self.address(depth), self.of(ty), self.bit());
            let parts: Vec<u32> = (1..=ty.width()).filter(|parts| ty.width().is_multiple_of(*parts)).collect();
            let parts = parts[self.below(parts.len() as u32) as usize];
            let mask = self.coin().then(|| self.of(Type::Bits(parts)));
            self.module.memories[memory].writes.push(WritePort { address, data, enable, mask });
        }
    }

    fn add_instance(&mut self, design: &Design) {
        let child_id = ModuleId(self.below(design.modules.len() as u32));
        let child = design.module(child_id);
        let inputs = child.inputs.iter().map(|port| self.of(child.ty(port.cell))).collect();
        let domains = child.domains.iter().map(|_| self.domain()).collect();
        let instance = InstanceId(self.module.instances.len() as u32);
        let name = self.name();
        self.module.instances.push(Instance { name: name.into(), module: child_id, inputs, domains, location: None });
        for (port, output) in child.outputs.iter().enumerate() {
            // Now and then twice or never.
            for _ in 0..[1, 1, 1, 2, 0][self.below(5) as usize] {
                self.push(Cell::InstanceOutput { instance, port: port as u32 }, child.ty(output.value));
            }
        }
    }

    /// A tree of muxes with holds, as `when` makes them, or anything.
    fn next_value(&mut self, register: CellId, depth: u32) -> CellId {
        let ty = self.module.ty(register);
        if depth == 0 || self.below(4) == 0 {
            return if self.coin() { register } else { self.of(ty) };
        }
        let condition = self.bit();
        let (then, otherwise) = (self.next_value(register, depth - 1), self.next_value(register, depth - 1));
        self.push(Cell::Mux { condition, then, otherwise }, ty)
    }
}
