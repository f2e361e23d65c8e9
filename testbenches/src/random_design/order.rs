//! Cells in any order: what uses a signal may come before it.

use systole_hdl::design::WritePort;
use systole_hdl::{Cell, CellId, ModuleDef};

/// Puts the cells of a module into a random order, and everything that names them after it.
pub(super) fn shuffle(module: &mut ModuleDef, seed: u64) {
    let mut order: Vec<CellId> = module.cell_ids().collect();
    order.sort_by_key(|id| (u64::from(id.0) + 1).wrapping_mul(seed | 1) >> 7);
    let mut place = vec![CellId(0); order.len()];
    for (new, old) in (0..).zip(&order) {
        place[old.index()] = CellId(new);
    }
    let cells = order.iter().map(|old| with_operands(module.cell(*old), |id| *id = place[id.index()])).collect();
    let info = order.iter().map(|old| module.info[old.index()].clone()).collect();
    (module.cells, module.info) = (cells, info);
    let operands = module.inputs.iter_mut().map(|port| &mut port.cell);
    let operands = operands.chain(module.outputs.iter_mut().map(|port| &mut port.value));
    let operands = operands.chain(module.instances.iter_mut().flat_map(|instance| &mut instance.inputs));
    operands.for_each(|id| *id = place[id.index()]);
    for port in module.memories.iter_mut().flat_map(|memory| &mut memory.writes) {
        let WritePort { address, data, enable, mask } = port;
        [address, data, enable].into_iter().chain(mask).for_each(|id| *id = place[id.index()]);
    }
}

/// A cell whose operands `change` has changed.
fn with_operands(cell: &Cell, mut change: impl FnMut(&mut CellId)) -> Cell {
    let mut cell = cell.clone();
    match &mut cell {
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
    cell
}
