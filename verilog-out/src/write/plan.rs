//! Decides how each cell of a module is written: as a net with a name, inside the expression that uses it, as a branch of a
//! register's `if`, or not at all.

use systole_hdl::design::{Collision, Instance, InstanceId, SourceLocation};
use systole_hdl::{Cell, CellId, Design, ModuleDef, Type};

use super::constancy::Constancy;
use super::sources::{Source, Sources, reachable_options};
use super::{Context, VerilogModule, Written};
use crate::names::Names;

/// The longest unnamed expression that is written inside another one, in characters.
const INLINE_LENGTH: usize = 72;
/// The most arms of one chain of conditional operators.
const CHAIN_ARMS: u32 = 48;
/// How deep an `if` of a register may nest, and how many `else if` may follow each other.
const BRANCH_DEPTH: u32 = 16;
const BRANCH_ELSES: u32 = 200;
/// A selection of more options becomes a function with a `case`; up to here it is a chain of conditional operators.
pub(crate) const CHAIN_OPTIONS: usize = 16;

/// The widest shift amount that every tool takes as it is.
pub(crate) const SHIFT_AMOUNT_WIDTH: u32 = 31;

/// How a cell is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Not at all: unread, a constant, or an alias of another cell.
    Unwritten,
    /// As a net or variable of its own.
    Net,
    /// Inside the one expression that uses it; slices, inside each one.
    Inline,
    /// A `Mux` that chooses a register's next value: as its `if`.
    Branch,
}

/// How the cells of one module are written.
pub(crate) struct Plan<'a> {
    design: &'a Design,
    pub(crate) module: &'a ModuleDef,
    pub(crate) sources: &'a Sources,
    /// An evaluation order of all cells.
    pub(crate) order: &'a [CellId],
    constancy: &'a [Constancy],
    forms: Vec<Form>,
    names: Vec<String>,
    /// Names of the memories, parallel to the module's.
    pub(crate) memories: Vec<String>,
    /// Names of the instances, parallel to the module's.
    pub(crate) instances: Vec<String>,
    /// For each cell, the output port that its net is.
    ports: Vec<Option<u32>>,
}

impl<'a> Plan<'a> {
    /// The plan for `module`, whose ports have the names in `interface`, claimed in `names` already.
    pub(crate) fn of(
        context: &Context<'a>,
        module: &'a ModuleDef,
        sources: &'a Sources,
        live: &[bool],
        interface: &VerilogModule,
        names: &mut Names,
    ) -> Plan<'a> {
        let ports = output_nets(module, sources);
        let has_own_name = |id: CellId| ports[id.index()].is_some() || module.info[id.index()].name.is_some();
        let uses = Uses::of(module, sources, live, has_own_name);
        let mut plan = Plan {
            design: context.design,
            module,
            sources,
            order: context.order,
            constancy: context.constancy,
            forms: vec![Form::Unwritten; module.cells.len()],
            names: vec![String::new(); module.cells.len()],
            memories: Vec::new(),
            instances: Vec::new(),
            ports,
        };
        plan.absorb_branches(live, &uses);
        plan.name_what_has_a_name(interface, names);
        plan.name_instances(context.earlier, names);
        plan.name_state(live, names);
        plan.name_or_inline_the_rest(live, &uses, names);
        plan
    }

    /// How cell `id` is written.
    pub(crate) fn form(&self, id: CellId) -> Form {
        self.forms[id.index()]
    }

    /// The identifier of a cell that is written as a net.
    pub(crate) fn name(&self, id: CellId) -> &str {
        debug_assert_eq!(self.form(id), Form::Net);
        &self.names[id.index()]
    }

    /// The output port that the net of cell `id` is.
    pub(crate) fn port(&self, id: CellId) -> Option<u32> {
        self.ports[id.index()]
    }

    /// How much of a cell's value tools may find to be constant.
    pub(crate) fn constancy(&self, id: CellId) -> Constancy {
        self.constancy[id.index()]
    }

    /// The type of a cell's value.
    pub(crate) fn ty(&self, id: CellId) -> Type {
        self.module.ty(id)
    }

    /// Marks the muxes that choose registers' next values and nothing else.
    fn absorb_branches(&mut self, live: &[bool], uses: &Uses) {
        for id in self.module.cell_ids().filter(|id| live[id.index()]) {
            let Cell::Register { next, .. } = self.module.cell(id) else { continue };
            let mut todo = vec![(*next, 0, 0)];
            while let Some((value, depth, elses)) = todo.pop() {
                let Some(mux) = self.sources.cell(value) else { continue };
                if let Cell::Mux { then, otherwise, .. } = self.module.cell(mux)
                    && depth < BRANCH_DEPTH
                    && elses < BRANCH_ELSES
                    && uses.is_free(mux)
                {
                    self.forms[mux.index()] = Form::Branch;
                    todo.extend([(*then, depth + 1, elses), (*otherwise, depth, elses + 1)]);
                }
            }
        }
    }

    fn name_what_has_a_name(&mut self, interface: &VerilogModule, names: &mut Names) {
        let module = self.module;
        for (port, name) in module.inputs.iter().zip(&interface.inputs) {
            self.forms[port.cell.index()] = Form::Net;
            self.names[port.cell.index()].clone_from(name);
        }
        let mut named: Vec<CellId> = Vec::new();
        for id in module.cell_ids() {
            if let Some(port) = self.ports[id.index()] {
                self.forms[id.index()] = Form::Net;
                self.names[id.index()].clone_from(&interface.outputs[port as usize]);
            } else if module.info[id.index()].name.is_some() && self.form(id) != Form::Net {
                self.forms[id.index()] = Form::Net;
                named.push(id);
            }
        }
        let cells = named.iter().filter_map(|id| module.info[id.index()].name.as_deref());
        let memories = module.memories.iter().map(|memory| memory.name.as_str());
        let mut claimed = names.claim_all(cells.chain(memories)).into_iter();
        for (id, name) in named.iter().zip(&mut claimed) {
            self.names[id.index()] = name;
        }
        self.memories = claimed.collect();
    }

    /// An instance's name must not be that of anything inside it either, or lint speaks of hiding.
    fn name_instances(&mut self, earlier: &[Option<Written>], names: &mut Names) {
        let inside = |instance: &Instance| earlier[instance.module.index()].as_ref().map(|child| &child.names);
        let claim = |instance: &Instance| names.claim_apart_from(&instance.name, inside(instance));
        self.instances = self.module.instances.iter().map(claim).collect();
    }

    /// What holds a value from one cycle to the next, or comes out of an instance, is read before it is written.
    fn name_state(&mut self, live: &[bool], names: &mut Names) {
        for id in self.module.cell_ids().filter(|id| live[id.index()]) {
            let from_outside = self.module.cell(id).is_sequential() || matches!(self.module.cell(id), Cell::InstanceOutput { .. });
            if from_outside && self.form(id) == Form::Unwritten {
                self.make_net(id, names);
            }
        }
    }

    fn name_or_inline_the_rest(&mut self, live: &[bool], uses: &Uses, names: &mut Names) {
        let mut lengths = vec![0usize; self.module.cells.len()];
        let mut arms = vec![0u32; self.module.cells.len()];
        for &id in self.order {
            let i = id.index();
            if !live[i] || self.forms[i] != Form::Unwritten {
                continue;
            }
            let cell = self.module.cell(id);
            lengths[i] = self.length(id, &lengths);
            let in_chain = uses.continues_chain[i] && self.form(uses.user[i]) != Form::Branch;
            if let Cell::Mux { otherwise, .. } = cell {
                arms[i] = 1 + self.inlined(*otherwise).map_or(0, |otherwise| arms[otherwise.index()]);
            }
            let short = lengths[i] <= INLINE_LENGTH || in_chain && arms[i] > 0 && arms[i] < CHAIN_ARMS;
            if self.is_as_good_as_a_name(id, uses) || uses.is_free(id) && short && !needs_a_statement(self, id) {
                self.forms[i] = Form::Inline;
            } else {
                self.make_net(id, names);
            }
        }
    }

    /// Whether the text of cell `id` may stand anywhere, any number of times: a slice of a name, or one bit inverted.
    fn is_as_good_as_a_name(&self, id: CellId, uses: &Uses) -> bool {
        match self.module.cell(id) {
            Cell::Slice { .. } => true,
            Cell::Not(operand) => {
                let of_name = self.sources.cell(*operand).is_some_and(|cell| self.form(cell) == Form::Net);
                of_name && self.ty(id).width() == 1 && !uses.pinned[id.index()]
            }
            _ => false,
        }
    }

    /// The cell behind an operand, if it is written inline.
    fn inlined(&self, operand: CellId) -> Option<CellId> {
        self.sources.cell(operand).filter(|&cell| self.form(cell) == Form::Inline)
    }

    /// About how many characters the expression of cell `id` takes.
    fn length(&self, id: CellId, lengths: &[usize]) -> usize {
        let mut total = 0;
        let mut add = |operand: CellId| {
            total += 4 + match self.sources.get(operand) {
                Source::Constant(value) => 5 + value.width() as usize / 4,
                Source::Cell(cell) if self.form(*cell) == Form::Net => self.name(*cell).len(),
                Source::Cell(cell) => lengths[cell.index()] + 2,
            }
        };
        self.module.cell(id).for_each_operand(&mut add);
        if let Cell::Extend(operand) = self.module.cell(id)
            && self.ty(*operand).is_signed()
        {
            add(*operand);
        }
        total
    }

    fn make_net(&mut self, id: CellId, names: &mut Names) {
        self.forms[id.index()] = Form::Net;
        self.names[id.index()] = names.claim(&self.suggestion(id));
    }

    /// The type of an output port of an instance.
    pub(crate) fn instance_output_type(&self, instance: InstanceId, port: u32) -> Type {
        let child = self.design.module(self.module.instances[instance.index()].module);
        child.ty(child.outputs[port as usize].value)
    }

    /// The source file of a location.
    pub(crate) fn file(&self, location: SourceLocation) -> &str {
        self.design.files.get(location.file as usize).map_or("", String::as_str)
    }

    /// What the net at an output port of an instance is called if it has no name of its own.
    pub(crate) fn instance_net_name(&self, instance: InstanceId, port: u32) -> String {
        let child = self.design.module(self.module.instances[instance.index()].module);
        format!("{}_{}", self.instances[instance.index()], child.outputs[port as usize].name)
    }

    /// What an unnamed cell's net is called: after what it holds.
    fn suggestion(&self, id: CellId) -> String {
        let word = match self.module.cell(id) {
            Cell::MemoryRead { memory, .. } => return format!("{}_word", self.memories[memory.index()]),
            Cell::MemoryReadRegistered { memory, .. } => return format!("{}_read", self.memories[memory.index()]),
            Cell::InstanceOutput { instance, port } => return self.instance_net_name(*instance, *port),
            Cell::Const(_) => "constant",
            Cell::Input(_) | Cell::Wire(_) => "passed",
            Cell::Not(_) => "inverted",
            Cell::And(..) => "both",
            Cell::Or(..) => "either",
            Cell::Xor(..) => "differing",
            Cell::ReduceAnd(_) => "all_ones",
            Cell::ReduceOr(_) => "any_one",
            Cell::ReduceXor(_) => "parity",
            Cell::Add(..) => "sum",
            Cell::Sub(..) => "difference",
            Cell::Mul(..) => "product",
            Cell::Equal(..) => "equal",
            Cell::Less(..) => "less",
            Cell::ShiftLeft(..) | Cell::ShiftRight(..) => "shifted",
            Cell::Mux { .. } => "chosen",
            Cell::Select { .. } => "selected",
            Cell::Concat(_) => "joined",
            Cell::Slice { .. } => "part",
            Cell::Extend(_) => "extended",
            Cell::Register { .. } => "stored",
        };
        word.to_string()
    }
}

/// Cells whose text is exact only as the whole right side of an assignment: a signed shift would become unsigned beside an
/// unsigned operand, tools find multipliers and memory reads more easily there, and a selection takes several lines.
fn needs_a_statement(plan: &Plan, id: CellId) -> bool {
    match plan.module.cell(id) {
        Cell::ShiftRight(value, _) => plan.ty(*value).is_signed(),
        Cell::Mul(..) | Cell::MemoryRead { .. } => true,
        Cell::Select { index, options } => reachable_options(plan.ty(*index), options.len()) > 2,
        _ => false,
    }
}

/// For each cell, the output port that its net can be: the port of its own name, or the first one that shows an unnamed cell
/// with the same signedness: a net is signed or not as its declaration says.
fn output_nets(module: &ModuleDef, sources: &Sources) -> Vec<Option<u32>> {
    let mut ports = vec![None; module.cells.len()];
    for (port, output) in module.outputs.iter().enumerate() {
        let Some(cell) = sources.cell(output.value) else { continue };
        let same_name = match (module.cell(cell), &module.info[cell.index()].name) {
            (Cell::Input(_), _) => false,
            (_, Some(name)) => *name == output.name,
            (_, None) => true,
        };
        let same_sign = module.ty(cell).is_signed() == module.ty(output.value).is_signed();
        if same_name && same_sign && ports[cell.index()].is_none() {
            ports[cell.index()] = Some(port as u32);
        }
    }
    ports
}

/// How the text of a module uses its cells.
struct Uses {
    /// Occurrences as an operand.
    count: Vec<u32>,
    /// Whether some use needs a name (a bit select, or the same value several times).
    pinned: Vec<bool>,
    /// The last cell that uses it.
    user: Vec<CellId>,
    /// Whether that use is the `otherwise` of a `Mux`.
    continues_chain: Vec<bool>,
}

impl Uses {
    fn of(module: &ModuleDef, sources: &Sources, live: &[bool], has_own_name: impl Fn(CellId) -> bool) -> Uses {
        let cells = module.cells.len();
        let (count, user) = (vec![0; cells], vec![CellId(0); cells]);
        let mut uses = Uses { count, pinned: vec![false; cells], user, continues_chain: vec![false; cells] };
        sources.for_each_root(module, |id| uses.count[id.index()] += 1);
        for id in module.cell_ids() {
            uses.pinned[id.index()] = has_own_name(id);
        }
        let mut pins: Vec<CellId> = Vec::new();
        for id in module.cell_ids().filter(|id| live[id.index()]) {
            sources.for_each_operand(module, id, |operand| {
                uses.count[operand.index()] += 1;
                uses.user[operand.index()] = id;
            });
            if let Cell::Mux { otherwise, .. } = module.cell(id) {
                sources.cell(*otherwise).into_iter().for_each(|cell| uses.continues_chain[cell.index()] = true);
            }
            pins_of(module, sources, id, &mut pins);
        }
        for (i, memory) in module.memories.iter().enumerate() {
            let bypassed = module.cells.iter().any(|cell| bypasses_writes(cell, i));
            for port in &memory.writes {
                pins.push(sources.without_extension(module, port.address));
                pins.extend(bypassed.then_some(port.enable));
                pins.extend(bypassed.then_some(port.data));
                if let Some(mask) = port.mask {
                    pins.extend([mask, port.data]);
                }
            }
        }
        for id in pins {
            sources.cell(id).into_iter().for_each(|cell| uses.pinned[cell.index()] = true);
        }
        uses
    }

    /// Whether the cell may go where it is used: no name of its own, one use, and that one takes any expression.
    fn is_free(&self, id: CellId) -> bool {
        self.count[id.index()] <= 1 && !self.pinned[id.index()]
    }
}

/// Whether `cell` is a read port of memory number `memory` that shows the writes of its own edge.
fn bypasses_writes(cell: &Cell, memory: usize) -> bool {
    matches!(cell, Cell::MemoryReadRegistered { memory: of, collision: Collision::WriteFirst, .. } if of.index() == memory)
}

/// Collects the operands that cell `id` needs by name.
fn pins_of(module: &ModuleDef, sources: &Sources, id: CellId, pins: &mut Vec<CellId>) {
    match module.cell(id) {
        Cell::Slice { value, .. } => pins.push(*value),
        Cell::Extend(operand) if module.ty(*operand).is_signed() => pins.push(*operand),
        Cell::Mul(a, b) if module.ty(*a).is_signed() => pins.extend([*a, *b]),
        Cell::ShiftLeft(_, amount) | Cell::ShiftRight(_, amount) if module.ty(*amount).width() > SHIFT_AMOUNT_WIDTH => pins.push(*amount),
        Cell::Select { index, options } if reachable_options(module.ty(*index), options.len()) > 2 => {
            pins.push(*index);
            // A chain of conditions may hold expressions, but a selection of many reads better with names.
            pins.extend(options.iter().copied().filter(|&option| sources.cell(option).is_some()));
        }
        Cell::MemoryRead { address, .. } | Cell::MemoryReadRegistered { address, .. } => {
            pins.push(sources.without_extension(module, *address));
        }
        _ => {}
    }
}
