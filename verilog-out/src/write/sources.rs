//! What each operand really is: constants folded where Verilog's lint would object to them, aliases seen through, and which
//! cells matter at all.

use rustc_hash::FxHashMap;
use systole_hdl::design::{InstanceId, Memory, WritePort};
use systole_hdl::{Cell, CellId, ModuleDef, Type, Value};

/// What stands for a cell where it is an operand.
#[derive(Clone)]
pub(crate) enum Source {
    /// A constant pattern.
    Constant(Value),
    /// This cell's value: the cell itself, or the one that it only passes on.
    Cell(CellId),
}

/// The [`Source`] of every cell of a module. Named cells stand for themselves; unnamed ones are seen through.
pub(crate) struct Sources {
    table: Vec<Source>,
    /// The values of the cells that are constant, named or not.
    constants: Vec<Option<Value>>,
    /// The cell whose net is connected to an instance's output port.
    instance_nets: FxHashMap<(InstanceId, u32), CellId>,
}

impl Sources {
    /// Looks at the cells of `module` in `order`, an evaluation order.
    pub(crate) fn of(module: &ModuleDef, order: &[CellId]) -> Sources {
        let table = module.cell_ids().map(Source::Cell).collect();
        let mut sources = Sources { table, constants: vec![None; module.cells.len()], instance_nets: instance_nets(module) };
        for &id in order {
            let constant = sources.fold(module, id);
            let named = module.info[id.index()].name.is_some();
            if !named {
                sources.table[id.index()] = match (&constant, sources.alias(module, id)) {
                    (Some(value), _) => Source::Constant(value.clone()),
                    (None, Some(alias)) => sources.table[alias.index()].clone(),
                    (None, None) => Source::Cell(id),
                };
            }
            sources.constants[id.index()] = constant;
        }
        sources
    }

    /// What stands for `id` as an operand.
    pub(crate) fn get(&self, id: CellId) -> &Source {
        &self.table[id.index()]
    }

    /// The pattern that stands for `id` as an operand, if that is a constant.
    pub(crate) fn constant(&self, id: CellId) -> Option<&Value> {
        match self.get(id) {
            Source::Constant(value) => Some(value),
            Source::Cell(_) => None,
        }
    }

    /// The cell that stands for `id` as an operand, if that is not a constant.
    pub(crate) fn cell(&self, id: CellId) -> Option<CellId> {
        match self.get(id) {
            Source::Constant(_) => None,
            Source::Cell(cell) => Some(*cell),
        }
    }

    /// The value of an operand, if it is a constant, named or not.
    pub(crate) fn known(&self, id: CellId) -> Option<&Value> {
        match self.get(id) {
            Source::Constant(value) => Some(value),
            Source::Cell(cell) => self.value(*cell),
        }
    }

    /// The value of cell `id` itself, if it is a constant.
    pub(crate) fn value(&self, id: CellId) -> Option<&Value> {
        self.constants[id.index()].as_ref()
    }

    /// The cell whose net is connected to output `port` of an instance, if some cell shows that port.
    pub(crate) fn instance_net(&self, instance: InstanceId, port: u32) -> Option<CellId> {
        self.instance_nets.get(&(instance, port)).copied()
    }

    /// The operand from which `id` comes by adding zeros: the same number, as an address is read, in fewer bits.
    pub(crate) fn without_extension(&self, module: &ModuleDef, mut id: CellId) -> CellId {
        while let Some(cell) = self.cell(id) {
            match module.cell(cell) {
                Cell::Extend(operand) if module.info[cell.index()].name.is_none() && !module.ty(*operand).is_signed() => id = *operand,
                _ => break,
            }
        }
        id
    }

    /// Calls `visit` for the cells that the text of cell `id` names.
    pub(crate) fn for_each_operand(&self, module: &ModuleDef, id: CellId, mut visit: impl FnMut(CellId)) {
        if self.value(id).is_some() {
            return;
        }
        let mut visit_source = |operand: CellId| self.cell(operand).into_iter().for_each(&mut visit);
        match module.cell(id) {
            Cell::Select { index, options } => {
                visit_source(*index);
                options.iter().take(reachable_options(module.ty(*index), options.len())).for_each(|&option| visit_source(option));
            }
            Cell::InstanceOutput { instance, port } => {
                self.instance_net(*instance, *port).filter(|&net| net != id).into_iter().for_each(visit);
            }
            Cell::MemoryRead { address, .. } => visit_source(self.without_extension(module, *address)),
            Cell::MemoryReadRegistered { address, enable, .. } => {
                [self.without_extension(module, *address), *enable].into_iter().for_each(visit_source);
            }
            cell => cell.for_each_operand(visit_source),
        }
    }

    /// Calls `visit` for the cells that the module names outside its cells: in output ports, instances and memory writes.
    pub(crate) fn for_each_root(&self, module: &ModuleDef, mut visit: impl FnMut(CellId)) {
        let mut visit_source = |operand: CellId| self.cell(operand).into_iter().for_each(&mut visit);
        module.outputs.iter().for_each(|port| visit_source(port.value));
        module.instances.iter().flat_map(|instance| &instance.inputs).for_each(|&input| visit_source(input));
        for memory in &module.memories {
            for port in memory.writes.iter().filter(|port| self.may_write(memory, port)) {
                let address = self.without_extension(module, port.address);
                [address, port.data, port.enable].into_iter().chain(port.mask).for_each(&mut visit_source);
            }
        }
    }

    /// Whether a write port of `memory` can change a word at all.
    pub(crate) fn may_write(&self, memory: &Memory, port: &WritePort) -> bool {
        let never = |id: CellId| self.constant(id).is_some_and(Value::is_zero);
        let outside = self.constant(port.address).is_some_and(|address| address.to_u64().is_none_or(|a| a >= u64::from(memory.depth)));
        !never(port.enable) && !port.mask.is_some_and(never) && !outside
    }

    /// Which cells have a place in the text: what ports, instances and memories need, and whatever has a name.
    pub(crate) fn live(&self, module: &ModuleDef) -> Vec<bool> {
        let mut live = vec![false; module.cells.len()];
        let mut todo: Vec<CellId> = module.cell_ids().filter(|id| module.info[id.index()].name.is_some()).collect();
        self.for_each_root(module, |id| todo.push(id));
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut live[id.index()], true) {
                self.for_each_operand(module, id, |operand| todo.push(operand));
            }
        }
        live
    }

    /// The value of a cell that is constant by itself, or that Verilator would report as constant.
    fn fold(&self, module: &ModuleDef, id: CellId) -> Option<Value> {
        let width = module.ty(id).width();
        match module.cell(id) {
            Cell::Const(value) => Some(value.clone()),
            Cell::Slice { value, low } => Some(self.constant(*value)?.slice(*low, width)),
            Cell::Extend(operand) => Some(Value::from_bigint(width, &self.constant(*operand)?.to_number(module.ty(*operand)))),
            Cell::Less(a, b) => {
                let ty = module.ty(*a);
                let (least, greatest) = bounds(ty);
                let (a, b) = (self.known(*a), self.known(*b));
                let never = a == Some(&greatest) || b == Some(&least);
                match (a, b) {
                    (Some(a), Some(b)) => Some(Value::from_u64(1, (a.to_number(ty) < b.to_number(ty)).into())),
                    _ => never.then(|| Value::zero(1)),
                }
            }
            _ => None,
        }
    }

    /// The operand that cell `id` passes on unchanged, bit for bit.
    fn alias(&self, module: &ModuleDef, id: CellId) -> Option<CellId> {
        let width = |id: CellId| module.ty(id).width();
        match module.cell(id) {
            Cell::Wire(operand) => Some(*operand),
            Cell::Extend(operand) | Cell::Slice { value: operand, .. } if width(*operand) == width(id) => Some(*operand),
            Cell::Concat(parts) if parts.len() == 1 => Some(parts[0]),
            Cell::Select { index, options } => {
                let last = reachable_options(module.ty(*index), options.len()) - 1;
                match self.constant(*index) {
                    Some(index) => Some(options[index.to_u64().map_or(last, |index| last.min(index as usize))]),
                    None => (last == 0).then(|| options[0]),
                }
            }
            Cell::Input(port) => Some(module.inputs[*port as usize].cell).filter(|&cell| cell != id),
            Cell::InstanceOutput { instance, port } => self.instance_net(*instance, *port).filter(|&net| net != id),
            _ => None,
        }
    }
}

/// How many of a selection's options an index of type `index` can reach.
pub(crate) fn reachable_options(index: Type, options: usize) -> usize {
    1usize.checked_shl(index.width()).map_or(options, |reach| reach.min(options))
}

/// The least and the greatest number of a type, as patterns.
fn bounds(ty: Type) -> (Value, Value) {
    let width = ty.width();
    if !ty.is_signed() {
        return (Value::zero(width), Value::ones(width));
    }
    let sign = Value::zero(width).with_bit(width - 1);
    let below = Value::ones(width).slice(0, width - 1);
    (sign, below.concat(&Value::zero(1)))
}

/// For each output port of an instance that a cell shows, the cell: the first named one, or the first.
fn instance_nets(module: &ModuleDef) -> FxHashMap<(InstanceId, u32), CellId> {
    let mut nets: FxHashMap<(InstanceId, u32), CellId> = FxHashMap::default();
    let named = |id: CellId| module.info[id.index()].name.is_some();
    for id in module.cell_ids() {
        if let Cell::InstanceOutput { instance, port } = module.cell(id) {
            let net = nets.entry((*instance, *port)).or_insert(id);
            if named(id) && !named(*net) {
                *net = id;
            }
        }
    }
    nets
}
