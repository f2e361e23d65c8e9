//! The netlist: word-level and flat inside a module, hierarchical between modules.
//!
//! A [`Design`] is plain data, owned and `Send`. Every back end (simulation, Verilog, the text form) reads only this.
//!
//! **Two-state semantics.** Every signal has a value in every cycle. Combinational cells follow their inputs at once.
//! At an edge of a clock domain all registers, registered reads and memory writes of that domain take effect together,
//! from the values just before the edge; domains whose edges coincide all see the values before it. Registers and
//! registered reads start with their initial value, memories with their initial content.
//!
//! **Invariant.** In a valid design (see [`Design::validate`]) a cell's operands exist in the same module and have the
//! types its variant asks for, an instance's module comes before the module that holds it, and no combinational path
//! closes on itself.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use smol_str::SmolStr;

use crate::types::Type;
use crate::value::Value;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $sigil:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index into the table it numbers.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($sigil, "{}"), self.0)
            }
        }
    )*};
}

ids! {
    /// A module definition: index into [`Design::modules`].
    ModuleId "module";
    /// A cell, and the signal it drives: index into [`ModuleDef::cells`].
    CellId "%";
    /// A memory: index into [`ModuleDef::memories`].
    MemoryId "memory";
    /// An instance of another module: index into [`ModuleDef::instances`].
    InstanceId "instance";
    /// A clock domain of a module: index into [`ModuleDef::domains`].
    DomainId "domain";
}

/// A name in a module's name space. Up to 23 bytes stand in the record itself: a large array has several names for each element,
/// and nearly all of them are short.
pub type Name = SmolStr;

/// A circuit: module definitions, children before parents, and which one is the top.
///
/// Its `Debug` text is short: the top, and a hash of the content, so that a component that holds a design has a short key. All of it is
/// shown by [`Design::to_text`].
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Design {
    /// The definitions. An instance in `modules[i]` names a module below `i`. Names are unique.
    pub modules: Vec<ModuleDef>,
    /// Source files that [`SourceLocation::file`] indexes.
    pub files: Vec<String>,
}

impl fmt::Debug for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Two halves of 64 bits, with fixed keys: equal in every run.
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (salt, self).hash(&mut hasher);
            hasher.finish()
        };
        let top = self.modules.last().map_or("", |module| module.name.as_str());
        f.debug_struct("Design").field("top", &top).field("content", &format_args!("{:016x}{:016x}", half(0), half(1))).finish()
    }
}

/// One module definition, instantiated any number of times.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ModuleDef {
    /// Unique among the design's modules.
    pub name: String,
    /// The parameters it was elaborated with, as readable text; for comments only. Elaboration cuts what is very long.
    pub parameters: String,
    /// Clock domains; at least one. Each brings a clock and a synchronous, active-high reset. The first is the default.
    pub domains: Vec<Domain>,
    /// Input ports in order. Port and cell names share one name space, in which each name stands once.
    pub inputs: Vec<InputPort>,
    /// Output ports in order.
    pub outputs: Vec<OutputPort>,
    /// The cells; a cell's index is the name of the signal it drives.
    pub cells: Vec<Cell>,
    /// Type, name and origin of each cell, parallel to `cells`.
    pub info: Vec<CellInfo>,
    /// Memories.
    pub memories: Vec<Memory>,
    /// Instances of other modules.
    pub instances: Vec<Instance>,
    /// Ready/valid streams, for counting and explaining; they have no influence on values.
    pub streams: Vec<StreamProbe>,
    /// FIFO fill levels, for high-water marks; they have no influence on values.
    pub levels: Vec<LevelProbe>,
}

/// A clock domain of a module.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Domain {
    /// Empty for the default domain (ports `clock` and `reset`), otherwise the prefix of its ports (`mem_clock`).
    pub name: String,
}

impl Domain {
    /// Name of the clock port.
    pub fn clock(&self) -> String {
        self.port("clock")
    }

    /// Name of the reset port.
    pub fn reset(&self) -> String {
        self.port("reset")
    }

    fn port(&self, kind: &str) -> String {
        if self.name.is_empty() { kind.to_string() } else { format!("{}_{kind}", self.name) }
    }
}

/// An input port: its name and the [`Cell::Input`] that carries its value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct InputPort {
    /// Unique among the module's ports.
    pub name: Name,
    /// The cell, whose type is the port's type.
    pub cell: CellId,
}

/// An output port: its name and the signal it shows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OutputPort {
    /// Unique among the module's ports.
    pub name: Name,
    /// The signal.
    pub value: CellId,
}

/// What is known of a cell beside its function.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CellInfo {
    /// The type of the cell's value.
    pub ty: Type,
    /// The user's name, unique in the module. An output port of the same name shows this very cell.
    pub name: Option<Name>,
    /// Where it was described.
    pub location: Option<SourceLocation>,
    /// Names of the values 0, 1, 2, … of a state register; empty otherwise.
    pub states: Box<[String]>,
}

/// A place in a source file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SourceLocation {
    /// Index into [`Design::files`].
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// What a cell computes. Operands are cells of the same module; the result has the type in [`CellInfo::ty`], of width *w*.
///
/// "Wraps" means: modulo 2ʷ. "Number" means the unsigned or two's complement integer that the bits stand for by the
/// operand's type, in units of the last place for fixed point.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Cell {
    /// A constant pattern of width *w*.
    Const(Value),
    /// The module's input port of this index.
    Input(u32),
    /// The same bits under a name: a wire. Operand of width *w*; also reinterprets (`Bits` as a number or back).
    Wire(CellId),

    /// Each bit inverted. Operand of width *w*.
    Not(CellId),
    /// Bitwise and; both operands of width *w*.
    And(CellId, CellId),
    /// Bitwise or; both operands of width *w*.
    Or(CellId, CellId),
    /// Bitwise exclusive or; both operands of width *w*.
    Xor(CellId, CellId),
    /// One bit: all bits of the operand are one.
    ReduceAnd(CellId),
    /// One bit: some bit of the operand is one.
    ReduceOr(CellId),
    /// One bit: an odd number of the operand's bits is one.
    ReduceXor(CellId),

    /// Sum, wraps; both operands of width *w*.
    Add(CellId, CellId),
    /// Difference, wraps; both operands of width *w*.
    Sub(CellId, CellId),
    /// The full product of the operands' numbers: both signed or both unsigned, and *w* is the sum of their widths.
    /// Never overflows.
    Mul(CellId, CellId),

    /// One bit: the patterns are equal. Operands of equal width.
    Equal(CellId, CellId),
    /// One bit: first number less than second. Operands of equal type, signed or unsigned.
    Less(CellId, CellId),

    /// Shift towards the most significant end by the second operand's unsigned number, zeros enter; bits leave at the top.
    /// A shift of *w* or more gives zero. First operand of width *w*, second of any width.
    ShiftLeft(CellId, CellId),
    /// Shift towards the least significant end by the second operand's unsigned number. Zeros enter, or copies of the sign
    /// if the first operand's type is signed; a shift of *w* or more gives all zeros, or all signs.
    ShiftRight(CellId, CellId),

    /// `condition` (one bit) chooses `then` (1) or `otherwise` (0), both of width *w*.
    Mux {
        /// One bit.
        condition: CellId,
        /// The value when the condition is 1.
        then: CellId,
        /// The value when the condition is 0.
        otherwise: CellId,
    },
    /// The option whose position equals the unsigned number of `index`; beyond the last one, the last. At least one
    /// option, all of width *w*.
    Select {
        /// Any width, read as unsigned.
        index: CellId,
        /// Option 0 first.
        options: Vec<CellId>,
    },

    /// The operands side by side, the first at the most significant end. At least one; *w* is the sum of their widths.
    Concat(Vec<CellId>),
    /// Bits `low .. low + w` of the operand, which is at least that wide.
    Slice {
        /// The operand.
        value: CellId,
        /// The lowest bit taken.
        low: u32,
    },
    /// The operand's number in *w* bits, *w* at least its width: copies of the sign enter if the operand's type is
    /// signed, zeros otherwise.
    Extend(CellId),

    /// A register: takes `next` at each edge of its domain. With `reset`, an edge while the domain's reset is 1 loads
    /// `initial` instead. Before the first edge it holds `initial`.
    Register {
        /// The next value, width *w*.
        next: CellId,
        /// Value before the first edge and on reset, width *w*.
        initial: Value,
        /// Whether it obeys the domain's reset.
        reset: bool,
        /// Its clock domain.
        domain: DomainId,
    },
    /// The word at `address` as the memory stands in this cycle, combinationally. An address at or beyond the depth reads zero.
    MemoryRead {
        /// Which memory; its word type is this cell's type.
        memory: MemoryId,
        /// Read as unsigned, any width.
        address: CellId,
    },
    /// A registered read: at each edge of its domain with `enable` = 1 takes the word at `address`; otherwise holds.
    /// Starts with zero and knows no reset. An address at or beyond the depth reads zero. What a write at the same edge does
    /// to the word is `collision`'s matter.
    MemoryReadRegistered {
        /// Which memory; its word type is this cell's type.
        memory: MemoryId,
        /// Read as unsigned, any width.
        address: CellId,
        /// One bit.
        enable: CellId,
        /// Relation to writes at the same edge.
        collision: Collision,
        /// Its clock domain.
        domain: DomainId,
    },
    /// Output port `port` of an instance, of that port's type.
    InstanceOutput {
        /// The instance.
        instance: InstanceId,
        /// Index into its module's outputs.
        port: u32,
    },
}

/// What a registered read returns when the same word is written at the same edge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Collision {
    /// The word before the write.
    ReadFirst,
    /// The word after all writes of that edge, masks applied. The read port is in the memory's write domain.
    WriteFirst,
    /// The design does not care, so synthesis may choose freely. Simulation and the exported Verilog return the word before
    /// the write, so that all engines agree.
    Undefined,
}

/// A memory of `depth` words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Memory {
    /// Unique in the module's name space.
    pub name: Name,
    /// Number of words, at least 1.
    pub depth: u32,
    /// Type of a word.
    pub ty: Type,
    /// The first words' content at the start; the rest is zero. At most `depth` words. Reset does not restore it.
    pub initial: Vec<Value>,
    /// Write ports, all in [`Memory::write_domain`]. At one edge they act in order: of two writes to one bit the later port's stays.
    pub writes: Vec<WritePort>,
    /// The domain in which every write port acts.
    pub write_domain: DomainId,
    /// Where it was described.
    pub location: Option<SourceLocation>,
}

/// A write port of a memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WritePort {
    /// Read as unsigned, any width. A write at or beyond the depth does nothing.
    pub address: CellId,
    /// The word, of the memory's width.
    pub data: CellId,
    /// One bit: whether this edge writes.
    pub enable: CellId,
    /// Which parts of the word are written; its width divides the word's width, and bit *i* guards the *i*-th equal part
    /// from the least significant end. `None` writes the whole word.
    pub mask: Option<CellId>,
}

/// An instance of a module inside another.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Instance {
    /// Unique in the module's name space.
    pub name: Name,
    /// What it is an instance of.
    pub module: ModuleId,
    /// What feeds each input port, parallel to the child's `inputs`, of equal types.
    pub inputs: Vec<CellId>,
    /// The domain of the parent that drives each of the child's domains, parallel to the child's `domains`.
    pub domains: Vec<DomainId>,
    /// Where it was described.
    pub location: Option<SourceLocation>,
}

/// A ready/valid stream: a transfer is an edge with `valid` and `ready` both 1.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StreamProbe {
    /// Unique among the module's streams.
    pub name: String,
    /// What is transferred.
    pub data: CellId,
    /// One bit, from the producer.
    pub valid: CellId,
    /// One bit, from the consumer.
    pub ready: CellId,
    /// The domain it moves in.
    pub domain: DomainId,
    /// Whether it crosses the module's border.
    pub direction: StreamDirection,
}

/// Where a stream runs, seen from its module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StreamDirection {
    /// Into the module: `valid` and `data` are input ports, `ready` an output port.
    Input,
    /// Out of the module: `valid` and `data` are output ports, `ready` an input port.
    Output,
    /// Within the module.
    Internal,
}

/// The fill level of a FIFO.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LevelProbe {
    /// Unique among the module's levels.
    pub name: String,
    /// The number of elements held, unsigned.
    pub level: CellId,
    /// The most it can hold.
    pub capacity: u32,
}

/// Visits every operand of a cell, which is borrowed or borrowed mutably; `$iter` is `iter` or `iter_mut` accordingly.
macro_rules! visit_operands {
    ($cell:expr, $iter:ident, $visit:expr) => {
        match $cell {
            Cell::Const(_) | Cell::Input(_) | Cell::InstanceOutput { .. } => {}
            Cell::Wire(a) | Cell::Not(a) | Cell::ReduceAnd(a) | Cell::ReduceOr(a) | Cell::ReduceXor(a) | Cell::Extend(a) => $visit(a),
            Cell::And(a, b)
            | Cell::Or(a, b)
            | Cell::Xor(a, b)
            | Cell::Add(a, b)
            | Cell::Sub(a, b)
            | Cell::Mul(a, b)
            | Cell::Equal(a, b)
            | Cell::Less(a, b)
            | Cell::ShiftLeft(a, b)
            | Cell::ShiftRight(a, b) => {
                $visit(a);
                $visit(b);
            }
            Cell::Mux { condition, then, otherwise } => {
                $visit(condition);
                $visit(then);
                $visit(otherwise);
            }
            Cell::Select { index, options } => {
                $visit(index);
                options.$iter().for_each($visit);
            }
            Cell::Concat(parts) => parts.$iter().for_each($visit),
            Cell::Slice { value, .. } => $visit(value),
            Cell::Register { next, .. } => $visit(next),
            Cell::MemoryRead { address, .. } => $visit(address),
            Cell::MemoryReadRegistered { address, enable, .. } => {
                $visit(address);
                $visit(enable);
            }
        }
    };
}

impl Cell {
    /// Calls `visit` for every operand that acts combinationally or at an edge, in the order of the variant's fields.
    /// [`Cell::InstanceOutput`] has none of its own: its operands are the instance's inputs.
    pub fn for_each_operand(&self, mut visit: impl FnMut(CellId)) {
        let mut visit = |operand: &CellId| visit(*operand);
        visit_operands!(self, iter, &mut visit);
    }

    /// As [`Cell::for_each_operand`], for operands that change.
    pub fn for_each_operand_mut(&mut self, mut visit: impl FnMut(&mut CellId)) {
        visit_operands!(self, iter_mut, &mut visit);
    }

    /// Whether the value changes only at clock edges: registers and registered reads.
    pub fn is_sequential(&self) -> bool {
        matches!(self, Cell::Register { .. } | Cell::MemoryReadRegistered { .. })
    }
}

impl Design {
    /// The top module's id: the last definition.
    ///
    /// # Panics
    /// If the design has no module; a valid design has one.
    pub fn top(&self) -> ModuleId {
        ModuleId(self.modules.len().checked_sub(1).expect("a valid design has a top module") as u32)
    }

    /// A definition by id.
    pub fn module(&self, id: ModuleId) -> &ModuleDef {
        &self.modules[id.index()]
    }

    /// The definition of the top module.
    pub fn top_module(&self) -> &ModuleDef {
        self.module(self.top())
    }

    /// Looks a definition up by its name.
    pub fn find_module(&self, name: &str) -> Option<ModuleId> {
        self.modules.iter().position(|m| m.name == name).map(|i| ModuleId(i as u32))
    }

    /// How often each module occurs in the elaborated hierarchy, the top once; parallel to `modules`.
    pub fn instance_counts(&self) -> Vec<u64> {
        let mut counts = vec![0u64; self.modules.len()];
        if let Some(top) = counts.last_mut() {
            *top = 1;
        }
        for parent in (0..self.modules.len()).rev() {
            for instance in &self.modules[parent].instances {
                counts[instance.module.index()] += counts[parent];
            }
        }
        counts
    }

    /// Sizes over the whole hierarchy.
    pub fn statistics(&self) -> Statistics {
        let mut total = Statistics { modules: self.modules.len() as u64, ..Statistics::default() };
        for (module, count) in self.modules.iter().zip(self.instance_counts()) {
            total.instances += count;
            total.cells += count * module.cells.len() as u64;
            for memory in &module.memories {
                total.memory_bits += count * u64::from(memory.depth) * u64::from(memory.ty.width());
            }
            for (cell, info) in module.cells.iter().zip(&module.info) {
                match cell {
                    Cell::Mul(..) => total.multipliers += count,
                    cell if cell.is_sequential() => total.register_bits += count * u64::from(info.ty.width()),
                    _ => {}
                }
            }
        }
        total
    }

    /// The same design without source locations: what snapshots and byte comparisons of unrelated edits need.
    pub fn without_locations(mut self) -> Design {
        self.files.clear();
        for module in &mut self.modules {
            module.info.iter_mut().for_each(|info| info.location = None);
            module.memories.iter_mut().for_each(|memory| memory.location = None);
            module.instances.iter_mut().for_each(|instance| instance.location = None);
        }
        self
    }
}

/// Sizes of a design, counted over every instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Module definitions.
    pub modules: u64,
    /// Instances, the top included.
    pub instances: u64,
    /// Cells.
    pub cells: u64,
    /// Bits in registers and registered read ports.
    pub register_bits: u64,
    /// Bits in memories.
    pub memory_bits: u64,
    /// Multiplier cells.
    pub multipliers: u64,
}

impl ModuleDef {
    /// The function of a cell.
    pub fn cell(&self, id: CellId) -> &Cell {
        &self.cells[id.index()]
    }

    /// The type of a cell's value.
    pub fn ty(&self, id: CellId) -> Type {
        self.info[id.index()].ty
    }

    /// Ids of all cells in order.
    pub fn cell_ids(&self) -> impl ExactSizeIterator<Item = CellId> + use<> {
        (0..self.cells.len() as u32).map(CellId)
    }

    /// A cell by the name it has in this module: an input port, a named cell, or an output port.
    pub fn find_signal(&self, name: &str) -> Option<CellId> {
        let input = || self.inputs.iter().find(|p| p.name == name).map(|p| p.cell);
        let named = || self.info.iter().position(|i| i.name.as_deref() == Some(name)).map(|i| CellId(i as u32));
        let output = || self.outputs.iter().find(|p| p.name == name).map(|p| p.value);
        input().or_else(output).or_else(named)
    }
}
