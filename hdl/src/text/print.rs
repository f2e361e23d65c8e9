//! Writes the text form.

use std::fmt::{self, Display, Formatter, Write};

use super::HEADER;
use crate::design::{Cell, CellId, Collision, Design, DomainId, MemoryId, ModuleDef, SourceLocation, StreamDirection};
use crate::value::Value;

/// Words of initial memory content on a line.
const WORDS_IN_A_LINE: usize = 16;

/// The text form: see the book's chapter on the netlist. A reference to what does not exist, which no valid design holds, is
/// written as its kind and number, and is refused when read back.
impl Display for Design {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        for (number, file) in self.files.iter().enumerate() {
            writeln!(f, "file {number} {}", Quoted(file))?;
        }
        self.modules.iter().try_for_each(|module| print_module(f, self, module))
    }
}

fn print_module(f: &mut Formatter<'_>, design: &Design, module: &ModuleDef) -> fmt::Result {
    writeln!(f, "\nmodule {} {{", Quoted(&module.name))?;
    if !module.parameters.is_empty() {
        writeln!(f, "  parameters {}", Quoted(&module.parameters))?;
    }
    for domain in &module.domains {
        writeln!(f, "  domain {}", Quoted(&domain.name))?;
    }
    for port in &module.inputs {
        writeln!(f, "  input {} = {:?}", Quoted(&port.name), port.cell)?;
    }
    for port in &module.outputs {
        writeln!(f, "  output {} = {:?}", Quoted(&port.name), port.value)?;
    }
    print_memories(f, module)?;
    print_instances(f, design, module)?;
    for (id, cell) in module.cell_ids().zip(&module.cells) {
        print_cell(f, design, module, id, cell)?;
    }
    for stream in &module.streams {
        let direction = match stream.direction {
            StreamDirection::Input => "input",
            StreamDirection::Output => "output",
            StreamDirection::Internal => "internal",
        };
        write!(f, "  stream {} {direction}", Quoted(&stream.name))?;
        write!(f, " data {:?} valid {:?} ready {:?}", stream.data, stream.valid, stream.ready)?;
        writeln!(f, "{}", InDomain(module, stream.domain))?;
    }
    for level in &module.levels {
        writeln!(f, "  level {} {:?} capacity {}", Quoted(&level.name), level.level, level.capacity)?;
    }
    writeln!(f, "}}")
}

fn print_memories(f: &mut Formatter<'_>, module: &ModuleDef) -> fmt::Result {
    for memory in &module.memories {
        write!(f, "  memory {} : {} depth {}", Quoted(&memory.name), memory.ty, memory.depth)?;
        writeln!(f, "{}{}", InDomain(module, memory.write_domain), At(memory.location))?;
        for words in memory.initial.chunks(WORDS_IN_A_LINE) {
            write!(f, "    initial")?;
            words.iter().try_for_each(|word| write!(f, " {}", Hex(word)))?;
            writeln!(f)?;
        }
        for write in &memory.writes {
            write!(f, "    write address {:?} data {:?} enable {:?}", write.address, write.data, write.enable)?;
            if let Some(mask) = write.mask {
                write!(f, " mask {mask:?}")?;
            }
            writeln!(f)?;
        }
    }
    Ok(())
}

fn print_instances(f: &mut Formatter<'_>, design: &Design, module: &ModuleDef) -> fmt::Result {
    for instance in &module.instances {
        write!(f, "  instance {} of ", Quoted(&instance.name))?;
        match design.modules.get(instance.module.index()) {
            Some(child) => write!(f, "{}", Quoted(&child.name))?,
            None => write!(f, "{:?}", instance.module)?,
        }
        write!(f, " inputs{}", Operands(&instance.inputs))?;
        if instance.domains != [DomainId(0)] {
            write!(f, " domains")?;
            for &domain in &instance.domains {
                write!(f, " ")?;
                print_domain(f, module, domain)?;
            }
        }
        writeln!(f, "{}", At(instance.location))?;
    }
    Ok(())
}

fn print_cell(f: &mut Formatter<'_>, design: &Design, module: &ModuleDef, id: CellId, cell: &Cell) -> fmt::Result {
    write!(f, "  {id:?}")?;
    let info = module.info.get(id.index());
    if let Some(info) = info {
        if let Some(name) = &info.name {
            write!(f, " {}", Quoted(name))?;
        }
        write!(f, " : {}", info.ty)?;
    }
    write!(f, " = ")?;
    print_function(f, design, module, cell)?;
    if let Some(info) = info {
        if !info.states.is_empty() {
            write!(f, " states")?;
            info.states.iter().try_for_each(|state| write!(f, " {}", Quoted(state)))?;
        }
        write!(f, "{}", At(info.location))?;
    }
    writeln!(f)
}

fn print_function(f: &mut Formatter<'_>, design: &Design, module: &ModuleDef, cell: &Cell) -> fmt::Result {
    match cell {
        Cell::Const(value) => write!(f, "const {}", Hex(value)),
        Cell::Input(port) => write!(f, "input {port}"),
        Cell::Wire(a) => write!(f, "wire {a:?}"),
        Cell::Not(a) => write!(f, "not {a:?}"),
        Cell::And(a, b) => write!(f, "and {a:?} {b:?}"),
        Cell::Or(a, b) => write!(f, "or {a:?} {b:?}"),
        Cell::Xor(a, b) => write!(f, "xor {a:?} {b:?}"),
        Cell::ReduceAnd(a) => write!(f, "reduce_and {a:?}"),
        Cell::ReduceOr(a) => write!(f, "reduce_or {a:?}"),
        Cell::ReduceXor(a) => write!(f, "reduce_xor {a:?}"),
        Cell::Add(a, b) => write!(f, "add {a:?} {b:?}"),
        Cell::Sub(a, b) => write!(f, "sub {a:?} {b:?}"),
        Cell::Mul(a, b) => write!(f, "mul {a:?} {b:?}"),
        Cell::Equal(a, b) => write!(f, "equal {a:?} {b:?}"),
        Cell::Less(a, b) => write!(f, "less {a:?} {b:?}"),
        Cell::ShiftLeft(a, amount) => write!(f, "shift_left {a:?} {amount:?}"),
        Cell::ShiftRight(a, amount) => write!(f, "shift_right {a:?} {amount:?}"),
        Cell::Mux { condition, then, otherwise } => write!(f, "mux {condition:?} {then:?} {otherwise:?}"),
        Cell::Select { index, options } => write!(f, "select {index:?} of{}", Operands(options)),
        Cell::Concat(parts) => write!(f, "concat{}", Operands(parts)),
        Cell::Slice { value, low } => write!(f, "slice {value:?} from {low}"),
        Cell::Extend(a) => write!(f, "extend {a:?}"),
        Cell::Register { next, initial, reset, domain } => {
            let reset = if *reset { " reset" } else { "" };
            write!(f, "register {next:?} initial {}{reset}{}", Hex(initial), InDomain(module, *domain))
        }
        Cell::MemoryRead { memory, address } => {
            write!(f, "read ")?;
            print_memory_name(f, module, *memory)?;
            write!(f, " address {address:?}")
        }
        Cell::MemoryReadRegistered { memory, address, enable, collision, domain } => {
            let collision = match collision {
                Collision::ReadFirst => "read_first",
                Collision::WriteFirst => "write_first",
                Collision::Undefined => "undefined",
            };
            write!(f, "read_registered ")?;
            print_memory_name(f, module, *memory)?;
            write!(f, " address {address:?} enable {enable:?} {collision}{}", InDomain(module, *domain))
        }
        Cell::InstanceOutput { instance, port } => {
            write!(f, "output_of ")?;
            let Some(instance) = module.instances.get(instance.index()) else {
                return write!(f, "{instance:?} port{port}");
            };
            write!(f, "{} ", Quoted(&instance.name))?;
            let child = design.modules.get(instance.module.index());
            match child.and_then(|child| child.outputs.get(*port as usize)) {
                Some(port) => write!(f, "{}", Quoted(&port.name)),
                None => write!(f, "port{port}"),
            }
        }
    }
}

fn print_memory_name(f: &mut Formatter<'_>, module: &ModuleDef, id: MemoryId) -> fmt::Result {
    match module.memories.get(id.index()) {
        Some(memory) => write!(f, "{}", Quoted(&memory.name)),
        None => write!(f, "{id:?}"),
    }
}

fn print_domain(f: &mut Formatter<'_>, module: &ModuleDef, id: DomainId) -> fmt::Result {
    match module.domains.get(id.index()) {
        Some(domain) => write!(f, "{}", Quoted(&domain.name)),
        None => write!(f, "{id:?}"),
    }
}

/// Names and other text between quotes, on one line whatever it holds.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

struct Hex<'a>(&'a Value);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

struct Operands<'a>(&'a [CellId]);

impl Display for Operands<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|operand| write!(f, " {operand:?}"))
    }
}

/// The clause for a domain other than the default.
struct InDomain<'a>(&'a ModuleDef, DomainId);

impl Display for InDomain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.1 == DomainId(0) {
            return Ok(());
        }
        write!(f, " in ")?;
        print_domain(f, self.0, self.1)
    }
}

struct At(Option<SourceLocation>);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, " @{}:{}:{}", at.file, at.line, at.column),
            None => Ok(()),
        }
    }
}
