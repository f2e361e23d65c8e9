//! From the instance tree to one flat program: a slot for every signal of every instance, and the cells in an order in
//! which operands come before their users.
//!
//! Connections copy nothing: an instance's input is the very slot of the signal that feeds it. Cells of one level (no cell
//! of a level reads another of it) are sorted by function, so that the interpreter decides what to do once for each run of
//! equal cells; in an array those runs are long.

use std::ops::Range;

use systole_hdl::design::{Cell, Collision, ModuleId};
use systole_hdl::{CellId, ModuleDef};

use super::memory::{Mask, Span, Words, Write};
use super::narrow::{Function, Slots};
use super::select::tasks_of;
use crate::connect;
use crate::engine::{BuildError, DomainSet, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};

/// A flat circuit, ready to run.
pub(super) struct Program {
    /// By node: where its cells start in `slots`.
    pub first_cell: Vec<u32>,
    /// By node: where its memories start in `memories`.
    pub first_memory: Vec<u32>,
    /// By cell of every node: the first limb of its value in the state.
    pub slots: Vec<u32>,
    /// The state at the start: constants and initial values in place, all else zero.
    pub initial: Vec<u64>,
    /// The memories at the start.
    pub memories: Vec<Words>,
    /// What to evaluate, in order.
    pub steps: Vec<Step>,
    /// Slots of the narrow cells that `steps` name.
    pub narrow: Vec<Slots>,
    /// The cells in need of the general evaluator that `steps` name.
    pub general: Vec<GeneralCell>,
    /// The combinational memory reads that `steps` name.
    pub reads: Vec<Read>,
    /// Operand slots of cells with many operands.
    pub pool: Vec<u32>,
    /// By domain of the top module: what acts at its edges.
    pub domains: Vec<Edge>,
}

/// Cells that need nothing from each other.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Narrow(Function, Range<usize>),
    General(Range<usize>),
    Read(Range<usize>),
}

/// A cell with an operand or a result beyond 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct GeneralCell {
    pub module: ModuleId,
    pub cell: CellId,
    pub out: u32,
    /// Where the operands' slots start in the pool.
    pub operands: u32,
}

/// A combinational read of a memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Read {
    pub memory: u32,
    pub address: Span,
    pub out: Span,
}

/// What acts at the edges of one domain.
#[derive(Default)]
pub(super) struct Edge {
    /// Limbs of registers that obey the domain's reset.
    pub resettable: Vec<RegisterLimb>,
    /// Limbs of registers that do not.
    pub free: Vec<RegisterLimb>,
    /// Registered reads of the word before the edge's writes.
    pub reads_before: Vec<RegisteredRead>,
    /// Registered reads of the word after the edge's writes.
    pub reads_after: Vec<RegisteredRead>,
    /// Write ports; those of one memory in its order.
    pub writes: Vec<Write>,
}

/// 64 bits of a register; a limb knows nothing of its neighbours.
#[derive(Clone, Copy)]
pub(super) struct RegisterLimb {
    pub out: u32,
    pub next: u32,
}

/// A registered read port.
#[derive(Clone, Copy)]
pub(super) struct RegisteredRead {
    pub read: Read,
    pub enable: u32,
}

/// A piece of combinational work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Task {
    Narrow(Function, Slots),
    General(GeneralCell),
    Read(Read),
}

impl Program {
    /// Flattens a valid design.
    pub fn of(hierarchy: &Hierarchy) -> Result<Program, BuildError> {
        let domain_count = hierarchy.design().top_module().domains.len();
        if domain_count > DomainSet::MAX_DOMAINS {
            return Err(BuildError::TooManyDomains { count: domain_count });
        }
        let mut flat = Flat::of(hierarchy)?;
        flat.share_slots()?;
        let mut pool = Vec::new();
        let mut tasks = flat.leveled_tasks(&mut pool)?;
        tasks.sort_unstable();
        let Flat { first_cell, first_memory, slots, initial, .. } = flat;
        let mut program = Program {
            first_cell,
            first_memory,
            slots,
            initial,
            memories: Vec::new(),
            steps: Vec::new(),
            narrow: Vec::new(),
            general: Vec::new(),
            reads: Vec::new(),
            pool,
            domains: (0..domain_count).map(|_| Edge::default()).collect(),
        };
        program.group(&tasks);
        for node in hierarchy.nodes() {
            program.memories.extend(hierarchy.module(node).memories.iter().map(Words::new));
            program.collect_edges(hierarchy, node);
        }
        Ok(program)
    }

    /// Sorted tasks into runs: a new step begins with each level and each function.
    fn group(&mut self, tasks: &[(u32, Task)]) {
        let alike = |a: &(u32, Task), b: &(u32, Task)| {
            a.0 == b.0
                && match (a.1, b.1) {
                    (Task::Narrow(f, _), Task::Narrow(g, _)) => f == g,
                    (Task::General(_), Task::General(_)) | (Task::Read(_), Task::Read(_)) => true,
                    _ => false,
                }
        };
        for run in tasks.chunk_by(alike) {
            let (narrow, general, reads) = (self.narrow.len(), self.general.len(), self.reads.len());
            for (_, task) in run {
                match *task {
                    Task::Narrow(_, slots) => self.narrow.push(slots),
                    Task::General(cell) => self.general.push(cell),
                    Task::Read(read) => self.reads.push(read),
                }
            }
            self.steps.push(match run[0].1 {
                Task::Narrow(function, _) => Step::Narrow(function, narrow..self.narrow.len()),
                Task::General(_) => Step::General(general..self.general.len()),
                Task::Read(_) => Step::Read(reads..self.reads.len()),
            });
        }
    }

    fn collect_edges(&mut self, hierarchy: &Hierarchy, node: NodeId) {
        let module = hierarchy.module(node);
        let slots = &self.slots[self.first_cell[node.index()] as usize..][..module.cells.len()];
        let first_memory = self.first_memory[node.index()];
        let span = |cell: CellId| Span { slot: slots[cell.index()], limbs: limbs_for(module.ty(cell).width()) as u32 };
        for id in module.cell_ids() {
            match *module.cell(id) {
                Cell::Register { next, reset, domain, .. } => {
                    let edge = &mut self.domains[hierarchy.top_domain(node, domain).index()];
                    let registers = if reset { &mut edge.resettable } else { &mut edge.free };
                    let (out, next) = (span(id), span(next));
                    registers.extend((0..out.limbs).map(|limb| RegisterLimb { out: out.slot + limb, next: next.slot + limb }));
                }
                Cell::MemoryReadRegistered { memory, address, enable, collision, domain } => {
                    let edge = &mut self.domains[hierarchy.top_domain(node, domain).index()];
                    let read = Read { memory: first_memory + memory.0, address: span(address), out: span(id) };
                    let ports = match collision {
                        Collision::ReadFirst | Collision::Undefined => &mut edge.reads_before,
                        Collision::WriteFirst => &mut edge.reads_after,
                    };
                    ports.push(RegisteredRead { read, enable: span(enable).slot });
                }
                _ => {}
            }
        }
        for (memory, index) in module.memories.iter().zip(first_memory..) {
            let edge = &mut self.domains[hierarchy.top_domain(node, memory.write_domain).index()];
            for port in &memory.writes {
                let part = |mask: CellId| memory.ty.width() / module.ty(mask).width();
                edge.writes.push(Write {
                    memory: index,
                    address: span(port.address),
                    data: span(port.data),
                    enable: span(port.enable).slot,
                    mask: port.mask.map(|mask| Mask { bits: span(mask), part: part(mask) }),
                });
            }
        }
    }
}

/// The tables while they are being made. Cells of all nodes are numbered one after the other: a cell's flat number.
struct Flat<'h> {
    hierarchy: &'h Hierarchy,
    first_cell: Vec<u32>,
    first_memory: Vec<u32>,
    slots: Vec<u32>,
    initial: Vec<u64>,
    /// By flat number: the cell that computes the value, itself unless it only passes another's on.
    origin: Vec<u32>,
    /// By flat number: the node.
    node: Vec<NodeId>,
}

const UNKNOWN: u32 = u32::MAX;
const UNDER_WAY: u32 = u32::MAX - 1;

impl<'h> Flat<'h> {
    /// Numbers cells and memories, and gives each cell that computes something a slot.
    fn of(hierarchy: &'h Hierarchy) -> Result<Flat<'h>, BuildError> {
        let limbs_of = |module: &ModuleDef| module.info.iter().map(|info| limbs_for(info.ty.width()) as u64).sum::<u64>();
        let by_module: Vec<u64> = hierarchy.design().modules.iter().map(limbs_of).collect();
        let limbs = hierarchy.nodes().map(|node| by_module[hierarchy.module_id(node).index()]).sum();
        if limbs >= u64::from(UNDER_WAY) {
            return Err(BuildError::TooManySignals { limbs });
        }
        let mut flat = Flat {
            hierarchy,
            first_cell: Vec::with_capacity(hierarchy.len()),
            first_memory: Vec::with_capacity(hierarchy.len()),
            slots: Vec::new(),
            initial: Vec::new(),
            origin: Vec::new(),
            node: Vec::new(),
        };
        let mut memories = 0;
        for node in hierarchy.nodes() {
            let module = hierarchy.module(node);
            flat.first_cell.push(flat.node.len() as u32);
            flat.first_memory.push(memories);
            memories += module.memories.len() as u32;
            for cell in module.cell_ids() {
                flat.give_slot(node, module, cell);
            }
        }
        Ok(flat)
    }

    fn give_slot(&mut self, node: NodeId, module: &ModuleDef, cell: CellId) {
        let number = self.node.len() as u32;
        self.node.push(node);
        if passes_on(self.hierarchy, node, cell).is_some() {
            self.slots.push(UNKNOWN);
            self.origin.push(UNKNOWN);
            return;
        }
        self.slots.push(self.initial.len() as u32);
        self.origin.push(number);
        match module.cell(cell) {
            Cell::Const(value) | Cell::Register { initial: value, .. } => self.initial.extend(value.limbs()),
            _ => self.initial.resize(self.initial.len() + limbs_for(module.ty(cell).width()), 0),
        }
    }

    fn number(&self, (node, cell): connect::SignalId) -> u32 {
        self.first_cell[node.index()] + cell.0
    }

    fn signal(&self, number: u32) -> connect::SignalId {
        let node = self.node[number as usize];
        (node, CellId(number - self.first_cell[node.index()]))
    }

    /// Gives each cell that passes another's value on the other's slot.
    fn share_slots(&mut self) -> Result<(), BuildError> {
        let mut chain = Vec::new();
        for start in 0..self.origin.len() as u32 {
            let mut at = start;
            while self.origin[at as usize] == UNKNOWN {
                self.origin[at as usize] = UNDER_WAY;
                chain.push(at);
                let (node, cell) = self.signal(at);
                let driver = passes_on(self.hierarchy, node, cell).expect("only cells that pass a value on lack an origin");
                at = self.number(driver);
            }
            if self.origin[at as usize] == UNDER_WAY {
                let from = chain.iter().position(|&cell| cell == at).unwrap_or(0);
                return Err(self.loop_error(&chain[from..]));
            }
            let (origin, slot) = (self.origin[at as usize], self.slots[at as usize]);
            for passed in chain.drain(..) {
                self.origin[passed as usize] = origin;
                self.slots[passed as usize] = slot;
            }
        }
        Ok(())
    }

    /// All combinational work with its level: one more than the highest level among the operands.
    fn leveled_tasks(&self, pool: &mut Vec<u32>) -> Result<Vec<(u32, Task)>, BuildError> {
        let mut level = vec![UNKNOWN; self.origin.len()];
        let mut tasks = Vec::new();
        let (mut waiting, mut entered) = (Vec::new(), Vec::new());
        for root in 0..self.origin.len() as u32 {
            if self.origin[root as usize] != root {
                continue;
            }
            waiting.push(root);
            while let Some(&at) = waiting.last() {
                let (node, cell) = self.signal(at);
                let module = self.hierarchy.module(node);
                let first = self.first_cell[node.index()];
                let operand = |cell: CellId| self.origin[(first + cell.0) as usize];
                match level[at as usize] {
                    UNKNOWN if is_source(module.cell(cell)) => {
                        level[at as usize] = 0;
                        waiting.pop();
                    }
                    UNKNOWN => {
                        level[at as usize] = UNDER_WAY;
                        entered.push(at);
                        let mut closes = None;
                        module.cell(cell).for_each_operand(|o| match level[operand(o) as usize] {
                            UNKNOWN => waiting.push(operand(o)),
                            UNDER_WAY => closes = Some(operand(o)),
                            _ => {}
                        });
                        if let Some(closes) = closes {
                            let from = entered.iter().position(|&cell| cell == closes).unwrap_or(0);
                            return Err(self.loop_error(&entered[from..]));
                        }
                    }
                    UNDER_WAY => {
                        let mut highest = 0;
                        module.cell(cell).for_each_operand(|o| highest = highest.max(level[operand(o) as usize]));
                        level[at as usize] = highest + 1;
                        let slots = &self.slots[first as usize..][..module.cells.len()];
                        let site = super::select::Site {
                            module,
                            id: self.hierarchy.module_id(node),
                            slots,
                            first_memory: self.first_memory[node.index()],
                        };
                        tasks_of(&site, cell, pool, |task| tasks.push((highest + 1, task)));
                        entered.pop();
                        waiting.pop();
                    }
                    // Reached again by another way after it was done.
                    _ => {
                        waiting.pop();
                    }
                }
            }
        }
        Ok(tasks)
    }

    fn loop_error(&self, path: &[u32]) -> BuildError {
        let name = |&number: &u32| {
            let (node, cell) = self.signal(number);
            self.hierarchy.signal_path(node, cell)
        };
        BuildError::CombinationalLoop { path: path.iter().map(name).collect() }
    }
}

/// Whether a cell's value does not follow from other signals within the cycle.
fn is_source(cell: &Cell) -> bool {
    matches!(cell, Cell::Const(_) | Cell::Input(_)) || cell.is_sequential()
}

/// Whose value a cell passes on bit for bit in the same limbs: a connection, or a conversion that changes no bit.
fn passes_on(hierarchy: &Hierarchy, node: NodeId, cell: CellId) -> Option<connect::SignalId> {
    let module = hierarchy.module(node);
    let limbs = |cell: CellId| limbs_for(module.ty(cell).width());
    match *module.cell(cell) {
        Cell::Extend(operand) if !module.ty(operand).is_signed() && limbs(operand) == limbs(cell) => Some((node, operand)),
        _ => connect::driver(hierarchy, (node, cell)),
    }
}
