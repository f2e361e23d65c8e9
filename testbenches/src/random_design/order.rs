//! Cells in any order: what uses a signal may come before it.

use systole_hdl::{CellId, ModuleDef};

use crate::edit;

/// Puts the cells of a module into a random order.
pub(super) fn shuffle(module: &mut ModuleDef, seed: u64) {
    let mut order: Vec<CellId> = module.cell_ids().collect();
    order.sort_by_key(|id| (u64::from(id.0) + 1).wrapping_mul(seed | 1) >> 7);
    edit::rearrange(module, &order);
}
