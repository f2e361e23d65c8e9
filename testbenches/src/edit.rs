//! Changes of a netlist after which everything still fits together.

use std::collections::HashSet;

use systole_hdl::design::{InstanceId, MemoryId, ModuleId, WritePort};
use systole_hdl::{Cell, CellId, Design, ModuleDef};

/// Leaves a module only the cells in `order`, in this order. Nothing that stays may use one that does not.
pub(crate) fn rearrange(module: &mut ModuleDef, order: &[CellId]) {
    let mut place = vec![CellId(u32::MAX); module.cells.len()];
    for (new, old) in (0..).zip(order) {
        place[old.index()] = CellId(new);
    }
    module.cells = order.iter().map(|old| module.cells[old.index()].clone()).collect();
    module.info = order.iter().map(|old| module.info[old.index()].clone()).collect();
    module.inputs.iter_mut().for_each(|port| port.cell = place[port.cell.index()]);
    change_uses(module, |id| *id = place[id.index()]);
}

/// Puts `to` in the place of every use of `from`.
pub(crate) fn substitute(module: &mut ModuleDef, from: CellId, to: CellId) {
    change_uses(module, |id| {
        if *id == from {
            *id = to;
        }
    });
}

/// The design without what neither an output of the top module nor a name needs.
pub(crate) fn sweep(design: &Design) -> Design {
    let mut swept = design.clone();
    loop {
        let before = swept.clone();
        drop_unused_outputs(&mut swept);
        swept.modules.iter_mut().for_each(drop_unused_parts);
        drop_unused_inputs(&mut swept);
        drop_unused_modules(&mut swept);
        if swept == before {
            return swept;
        }
    }
}

/// Calls `change` for every place in a module where a signal is used: operands, outputs, instances' inputs, write ports and
/// probes.
fn change_uses(module: &mut ModuleDef, mut change: impl FnMut(&mut CellId)) {
    module.cells.iter_mut().for_each(|cell| change_operands(cell, &mut change));
    module.outputs.iter_mut().for_each(|port| change(&mut port.value));
    module.instances.iter_mut().flat_map(|instance| &mut instance.inputs).for_each(&mut change);
    for WritePort { address, data, enable, mask } in module.memories.iter_mut().flat_map(|memory| &mut memory.writes) {
        [address, data, enable].into_iter().chain(mask).for_each(&mut change);
    }
    module.streams.iter_mut().flat_map(|stream| [&mut stream.data, &mut stream.valid, &mut stream.ready]).for_each(&mut change);
    module.levels.iter_mut().for_each(|level| change(&mut level.level));
}

/// Calls `change` for every operand of a cell.
fn change_operands(cell: &mut Cell, mut change: impl FnMut(&mut CellId)) {
    match cell {
        Cell::Const(_) | Cell::Input(_) | Cell::InstanceOutput { .. } => {}
        Cell::Wire(a) | Cell::Not(a) | Cell::ReduceAnd(a) | Cell::ReduceOr(a) | Cell::ReduceXor(a) | Cell::Extend(a) => change(a),
        Cell::And(a, b)
        | Cell::Or(a, b)
        | Cell::Xor(a, b)
        | Cell::Add(a, b)
        | Cell::Sub(a, b)
        | Cell::Mul(a, b)
        | Cell::Equal(a, b)
        | Cell::Less(a, b)
        | Cell::ShiftLeft(a, b)
        | Cell::ShiftRight(a, b) => [a, b].into_iter().for_each(change),
        Cell::Mux { condition, then, otherwise } => [condition, then, otherwise].into_iter().for_each(change),
        Cell::Select { index, options } => std::iter::once(index).chain(options).for_each(change),
        Cell::Concat(parts) => parts.iter_mut().for_each(change),
        Cell::Slice { value, .. } => change(value),
        Cell::Register { next, .. } => change(next),
        Cell::MemoryRead { address, .. } => change(address),
        Cell::MemoryReadRegistered { address, enable, .. } => [address, enable].into_iter().for_each(change),
    }
}

fn drop_unused_outputs(design: &mut Design) {
    let top = design.top();
    for child in (0..design.modules.len() as u32).map(ModuleId).filter(|&child| child != top) {
        let mut used = vec![false; design.module(child).outputs.len()];
        for parent in &design.modules {
            for cell in &parent.cells {
                if let Cell::InstanceOutput { instance, port } = cell
                    && parent.instances[instance.index()].module == child
                {
                    used[*port as usize] = true;
                }
            }
        }
        retain_by(&mut design.modules[child.index()].outputs, &used);
        let place = places(&used);
        for parent in &mut design.modules {
            for cell in &mut parent.cells {
                if let Cell::InstanceOutput { instance, port } = cell
                    && parent.instances[instance.index()].module == child
                {
                    *port = place[*port as usize];
                }
            }
        }
    }
}

/// Drops cells, memories and instances that neither an output nor a name needs. Probes go too: they change no value.
fn drop_unused_parts(module: &mut ModuleDef) {
    module.streams.clear();
    module.levels.clear();
    let mut live = vec![false; module.cells.len()];
    let (mut memories, mut instances) = (vec![false; module.memories.len()], vec![false; module.instances.len()]);
    let mut todo: Vec<CellId> = module.outputs.iter().map(|port| port.value).collect();
    todo.extend(module.cell_ids().filter(|id| module.info[id.index()].name.is_some()));
    while let Some(id) = todo.pop() {
        if std::mem::replace(&mut live[id.index()], true) {
            continue;
        }
        module.cell(id).for_each_operand(|operand| todo.push(operand));
        match module.cell(id) {
            Cell::MemoryRead { memory, .. } | Cell::MemoryReadRegistered { memory, .. }
                if !std::mem::replace(&mut memories[memory.index()], true) =>
            {
                for port in &module.memories[memory.index()].writes {
                    todo.extend([port.address, port.data, port.enable].into_iter().chain(port.mask));
                }
            }
            Cell::InstanceOutput { instance, .. } if !std::mem::replace(&mut instances[instance.index()], true) => {
                todo.extend(&module.instances[instance.index()].inputs);
            }
            _ => {}
        }
    }
    retain_by(&mut module.memories, &memories);
    retain_by(&mut module.instances, &instances);
    let order: Vec<CellId> = module.cell_ids().filter(|id| live[id.index()] || matches!(module.cell(*id), Cell::Input(_))).collect();
    rearrange(module, &order);
    let (memories, instances) = (places(&memories), places(&instances));
    for cell in &mut module.cells {
        match cell {
            Cell::MemoryRead { memory, .. } | Cell::MemoryReadRegistered { memory, .. } => *memory = MemoryId(memories[memory.index()]),
            Cell::InstanceOutput { instance, .. } => *instance = InstanceId(instances[instance.index()]),
            _ => {}
        }
    }
}

fn drop_unused_inputs(design: &mut Design) {
    for i in 0..design.modules.len() {
        let module = &mut design.modules[i];
        let mut users = HashSet::new();
        change_uses(module, |id| {
            users.insert(*id);
        });
        let used: Vec<bool> = module.inputs.iter().map(|port| users.contains(&port.cell)).collect();
        let dropped: HashSet<CellId> = module.inputs.iter().zip(&used).filter(|(_, used)| !**used).map(|(port, _)| port.cell).collect();
        let order: Vec<CellId> = module.cell_ids().filter(|id| !dropped.contains(id)).collect();
        retain_by(&mut module.inputs, &used);
        // The cells that go are used by nothing, so their ports have gone before them.
        rearrange(module, &order);
        let place = places(&used);
        for cell in &mut module.cells {
            if let Cell::Input(port) = cell {
                *port = place[*port as usize];
            }
        }
        for instance in design.modules.iter_mut().flat_map(|module| &mut module.instances) {
            if instance.module.index() == i {
                retain_by(&mut instance.inputs, &used);
            }
        }
    }
}

fn drop_unused_modules(design: &mut Design) {
    let used: Vec<bool> = design.instance_counts().iter().map(|&count| count > 0).collect();
    let place = places(&used);
    retain_by(&mut design.modules, &used);
    for instance in design.modules.iter_mut().flat_map(|module| &mut module.instances) {
        instance.module = ModuleId(place[instance.module.index()]);
    }
}

fn retain_by<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().is_some_and(|keep| *keep));
}

/// For each index, the one that it has when only those in `keep` are left.
fn places(keep: &[bool]) -> Vec<u32> {
    let counts = keep.iter().scan(0, |count, &kept| {
        let place = *count;
        *count += u32::from(kept);
        Some(place)
    });
    counts.collect()
}
