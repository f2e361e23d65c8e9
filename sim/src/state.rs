//! The state of a running circuit, taken out of one engine and put into another, or the same, later.

use systole_hdl::design::MemoryId;
use thiserror::Error;

use crate::engine::{Engine, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};

/// A state that is another design's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the state has {found} 64-bit words, the design {expected}")]
pub struct WrongState {
    /// Words of the state.
    pub found: usize,
    /// Words that the design has.
    pub expected: usize,
}

/// Registers, registered reads and memory words of all instances: instance by instance, cells before memories, each value in
/// its limbs. Inputs and resets are not in it. The same for all engines.
pub fn state(engine: &dyn Engine) -> Vec<u64> {
    let hierarchy = engine.hierarchy();
    let mut state = Vec::with_capacity(limbs(hierarchy));
    let mut add = |count: usize, read: &dyn Fn(&mut [u64])| {
        let start = state.len();
        state.resize(start + count, 0);
        read(&mut state[start..]);
    };
    for node in hierarchy.nodes() {
        let module = hierarchy.module(node);
        for cell in module.cell_ids().filter(|&cell| module.cell(cell).is_sequential()) {
            add(limbs_for(module.ty(cell).width()), &|limbs| engine.read(node, cell, limbs));
        }
        for (memory, id) in module.memories.iter().zip((0..).map(MemoryId)) {
            let count = limbs_for(memory.ty.width());
            (0..memory.depth).for_each(|address| add(count, &|limbs| engine.read_memory(node, id, address, limbs)));
        }
    }
    state
}

/// Puts a state into an engine. Not settled afterwards.
///
/// # Errors
/// If it is not of this design, as far as its size shows; nothing has been put then.
pub fn restore(engine: &mut dyn Engine, mut state: &[u64]) -> Result<(), WrongState> {
    let design = std::sync::Arc::clone(engine.hierarchy().design());
    let expected = limbs(engine.hierarchy());
    if state.len() != expected {
        return Err(WrongState { found: state.len(), expected });
    }
    let mut take = |width: u32| state.split_off(..limbs_for(width)).unwrap_or_default();
    let nodes: Vec<NodeId> = engine.hierarchy().nodes().collect();
    for node in nodes {
        let module = design.module(engine.hierarchy().module_id(node));
        for cell in module.cell_ids().filter(|&cell| module.cell(cell).is_sequential()) {
            engine.set_register(node, cell, take(module.ty(cell).width()));
        }
        for (memory, id) in module.memories.iter().zip((0..).map(MemoryId)) {
            (0..memory.depth).for_each(|address| engine.write_memory(node, id, address, take(memory.ty.width())));
        }
    }
    Ok(())
}

/// Number of limbs of a design's state.
pub fn limbs(hierarchy: &Hierarchy) -> usize {
    let of_node = |node| {
        let module = hierarchy.module(node);
        let cells = module.cell_ids().filter(|&cell| module.cell(cell).is_sequential());
        let memories = module.memories.iter().map(|memory| limbs_for(memory.ty.width()) * memory.depth as usize);
        cells.map(|cell| limbs_for(module.ty(cell).width())).chain(memories).sum::<usize>()
    };
    hierarchy.nodes().map(of_node).sum()
}
