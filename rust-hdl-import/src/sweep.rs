//! Takes cells out of a module that nothing depends on: what the code computes and does not use.

use systole_hdl::{Cell, CellId, ModuleDef};

/// Whether each cell of a module is used: by an output, an instance, a memory, a register, or a cell with a name, which is shown in
/// waveforms.
pub(crate) fn live(module: &ModuleDef) -> Vec<bool> {
    // Taken apart in full, so that nothing that has cells is forgotten.
    let ModuleDef { name: _, parameters: _, domains: _, inputs: _, outputs, cells, info: _, memories, instances, streams, levels } = module;
    let mut live = vec![false; cells.len()];
    let mut open: Vec<CellId> = outputs.iter().map(|port| port.value).collect();
    open.extend(instances.iter().flat_map(|instance| instance.inputs.iter().copied()));
    let writes = memories.iter().flat_map(|memory| &memory.writes);
    open.extend(writes.flat_map(|write| [write.address, write.data, write.enable].into_iter().chain(write.mask)));
    open.extend(streams.iter().flat_map(|stream| [stream.data, stream.valid, stream.ready]));
    open.extend(levels.iter().map(|level| level.level));
    open.extend(module.cell_ids().filter(|id| {
        let cell = module.cell(*id);
        cell.is_sequential() || matches!(cell, Cell::Input(_)) || module.info[id.index()].name.is_some()
    }));
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut live[id.index()], true) {
            module.cell(id).for_each_operand(|operand| open.push(operand));
        }
    }
    live
}

/// Takes out the cells that are not [`live`].
pub(crate) fn sweep(module: &mut ModuleDef) {
    let live = live(module);
    let mut count = 0;
    let places: Vec<CellId> = live
        .iter()
        .map(|is_live| {
            let place = CellId(count);
            count += u32::from(*is_live);
            place
        })
        .collect();
    let renumber = |id: &mut CellId| *id = places[id.index()];
    let mut kept = live.iter();
    module.cells.retain(|_| *kept.next().expect("a flag for each cell"));
    let mut kept = live.iter();
    module.info.retain(|_| *kept.next().expect("a flag for each cell"));
    module.cells.iter_mut().for_each(|cell| cell.for_each_operand_mut(renumber));
    module.inputs.iter_mut().for_each(|port| renumber(&mut port.cell));
    module.outputs.iter_mut().for_each(|port| renumber(&mut port.value));
    module.instances.iter_mut().flat_map(|instance| &mut instance.inputs).for_each(renumber);
    for write in module.memories.iter_mut().flat_map(|memory| &mut memory.writes) {
        [&mut write.address, &mut write.data, &mut write.enable].into_iter().chain(&mut write.mask).for_each(renumber);
    }
    for stream in &mut module.streams {
        [&mut stream.data, &mut stream.valid, &mut stream.ready].into_iter().for_each(renumber);
    }
    module.levels.iter_mut().for_each(|level| renumber(&mut level.level));
}
