//! Memories, their write ports and their reads.

use systole_hdl::design::{Collision, Memory, MemoryId, WritePort};
use systole_hdl::{Cell, CellId, Type};

use super::build::{Growing, Late, choose};
use super::recipe::{AddressRecipe, Function, MemoryRecipe, Pick, Step};

/// Adds a memory without its write ports.
pub(super) fn add(growing: &mut Growing, recipe: &MemoryRecipe) {
    let ty = recipe.shape.ty();
    let initial = recipe.initial.iter().take(recipe.depth as usize).map(|pattern| pattern.value(ty.width())).collect();
    let name = growing.names.claim(recipe.label);
    let write_domain = growing.domain(recipe.domain);
    growing.module.memories.push(Memory {
        name: name.into(),
        depth: recipe.depth,
        ty,
        initial,
        writes: Vec::new(),
        write_domain,
        location: None,
    });
}

/// Adds the read of a step, or nothing if there is no memory.
pub(super) fn add_read(growing: &mut Growing, step: &Step) {
    let [which, address, enable, domain] = step.picks;
    if growing.module.memories.is_empty() {
        return;
    }
    let index = choose(which, growing.module.memories.len());
    let id = MemoryId(index as u32);
    let memory = &growing.module.memories[index];
    let (ty, depth, write_domain) = (memory.ty, memory.depth, memory.write_domain);
    let address = if step.shape.width == 1 { AddressRecipe::Any(address) } else { AddressRecipe::Fitting(address) };
    match step.function {
        Function::MemoryReadRegistered(collision) => {
            let domain = if collision == Collision::WriteFirst { write_domain } else { growing.domain(domain) };
            // Its own value stands for what is chosen later.
            let itself = CellId(growing.module.cells.len() as u32);
            let cell = Cell::MemoryReadRegistered { memory: id, address: itself, enable: itself, collision, domain };
            let cell = growing.push(cell, ty, step.label);
            growing.late.push(Late::Read { cell, address, enable });
        }
        _ => {
            let address = self::address(growing, address, depth);
            growing.push(Cell::MemoryRead { memory: id, address }, ty, step.label);
        }
    }
}

/// Chooses address and enable of a registered read.
pub(super) fn connect_read(growing: &mut Growing, cell: CellId, address: AddressRecipe, enable: Pick) {
    let Cell::MemoryReadRegistered { memory, .. } = *growing.module.cell(cell) else { return };
    let depth = growing.module.memories[memory.index()].depth;
    let (chosen_address, chosen_enable) = (self::address(growing, address, depth), growing.of_width(enable, 1));
    if let Cell::MemoryReadRegistered { address, enable, .. } = &mut growing.module.cells[cell.index()] {
        (*address, *enable) = (chosen_address, chosen_enable);
    }
}

/// Adds the write ports of memory number `index`.
pub(super) fn connect_writes(growing: &mut Growing, index: usize, recipe: &MemoryRecipe) {
    if growing.module.cells.is_empty() {
        return;
    }
    let width = recipe.shape.width;
    for write in &recipe.writes {
        let address = address(growing, write.address, recipe.depth);
        let (data, enable) = (growing.of_width(write.data, width), growing.of_width(write.enable, 1));
        let mask = write.mask.map(|(parts, value)| {
            let divisors: Vec<u32> = (1..=width).filter(|parts| width.is_multiple_of(*parts)).collect();
            growing.of_width(value, divisors[usize::from(parts) % divisors.len()])
        });
        growing.module.memories[index].writes.push(WritePort { address, data, enable, mask });
    }
}

fn address(growing: &mut Growing, recipe: AddressRecipe, depth: u32) -> CellId {
    match recipe {
        AddressRecipe::Fitting(pick) => growing.of_width(pick, Type::index(depth).width()),
        AddressRecipe::Any(pick) => growing.any(pick),
    }
}
