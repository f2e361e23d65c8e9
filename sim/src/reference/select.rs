//! Which work a combinational cell becomes: narrow functions where values fit 64 bits or can be taken limb by limb,
//! the general evaluator for the rest.

use systole_hdl::design::{Cell, ModuleId};
use systole_hdl::{CellId, ModuleDef};

use super::flatten::{GeneralCell, Read, Task};
use super::memory::Span;
use super::narrow::{Function, Slots, mask};
use crate::engine::limbs_for;

/// Where a cell stands: its definition, and the slots of one instance of it.
pub(super) struct Site<'a> {
    pub module: &'a ModuleDef,
    pub id: ModuleId,
    /// By cell of the module.
    pub slots: &'a [u32],
    pub first_memory: u32,
}

impl Site<'_> {
    fn slot(&self, cell: CellId) -> u32 {
        self.slots[cell.index()]
    }

    fn width(&self, cell: CellId) -> u32 {
        self.module.ty(cell).width()
    }

    fn span(&self, cell: CellId) -> Span {
        Span { slot: self.slot(cell), limbs: limbs_for(self.width(cell)) as u32 }
    }

    fn is_signed(&self, cell: CellId) -> bool {
        self.module.ty(cell).is_signed()
    }
}

/// Gives `emit` the work of one combinational cell; operand lists go into the pool.
pub(super) fn tasks_of(site: &Site, cell: CellId, pool: &mut Vec<u32>, mut emit: impl FnMut(Task)) {
    if let Cell::MemoryRead { memory, address } = *site.module.cell(cell) {
        emit(Task::Read(Read { memory: site.first_memory + memory.0, address: site.span(address), out: site.span(cell) }));
        return;
    }
    let mut widest_operand = 0;
    site.module.cell(cell).for_each_operand(|operand| widest_operand = widest_operand.max(site.width(operand)));
    let narrow = site.width(cell) <= 64 && widest_operand <= 64;
    if let Some((function, slots)) = narrow.then(|| narrow_function(site, cell, pool)).or_else(|| short_slice(site, cell)) {
        emit(Task::Narrow(function, slots));
    } else if !limb_by_limb(site, cell, pool, &mut emit) {
        let operands = pool.len() as u32;
        site.module.cell(cell).for_each_operand(|operand| pool.push(site.slot(operand)));
        emit(Task::General(GeneralCell { module: site.id, cell, out: site.slot(cell), operands }));
    }
}

/// The function of a cell whose operands and result fit 64 bits.
fn narrow_function(site: &Site, cell: CellId, pool: &mut Vec<u32>) -> (Function, Slots) {
    let width = site.width(cell);
    let mask_of = |cell: CellId| mask(site.width(cell));
    let unused = |cell: CellId| 64 - site.width(cell);
    let out = Slots { out: site.slot(cell), ..Slots::default() };
    let one = |a: CellId| Slots { a: site.slot(a), ..out };
    let two = |a: CellId, b: CellId| Slots { a: site.slot(a), b: site.slot(b), ..out };
    match *site.module.cell(cell) {
        Cell::Not(a) => (Function::Not { mask: mask(width) }, one(a)),
        Cell::And(a, b) => (Function::And, two(a, b)),
        Cell::Or(a, b) => (Function::Or, two(a, b)),
        Cell::Xor(a, b) => (Function::Xor, two(a, b)),
        Cell::ReduceAnd(a) => (Function::ReduceAnd { mask: mask_of(a) }, one(a)),
        Cell::ReduceOr(a) => (Function::ReduceOr, one(a)),
        Cell::ReduceXor(a) => (Function::ReduceXor, one(a)),
        Cell::Add(a, b) => (Function::Add { mask: mask(width) }, two(a, b)),
        Cell::Sub(a, b) => (Function::Sub { mask: mask(width) }, two(a, b)),
        Cell::Mul(a, b) if site.is_signed(a) => {
            (Function::MulSigned { a_unused: unused(a), b_unused: unused(b), mask: mask(width) }, two(a, b))
        }
        Cell::Mul(a, b) => (Function::MulUnsigned, two(a, b)),
        Cell::Equal(a, b) => (Function::Equal, two(a, b)),
        Cell::Less(a, b) if site.is_signed(a) => (Function::LessSigned { unused: unused(a) }, two(a, b)),
        Cell::Less(a, b) => (Function::LessUnsigned, two(a, b)),
        Cell::ShiftLeft(a, b) => (Function::ShiftLeft { width, mask: mask(width) }, two(a, b)),
        Cell::ShiftRight(a, b) if site.is_signed(a) => (Function::ShiftRightSigned { width, mask: mask(width) }, two(a, b)),
        Cell::ShiftRight(a, b) => (Function::ShiftRightUnsigned { width }, two(a, b)),
        Cell::Mux { condition, then, otherwise } => (Function::Mux, Slots { c: site.slot(otherwise), ..two(condition, then) }),
        Cell::Select { index, ref options } => {
            let first = pool.len() as u32;
            pool.extend(options.iter().map(|&option| site.slot(option)));
            (Function::Select, Slots { b: first, c: options.len() as u32, ..one(index) })
        }
        Cell::Concat(ref parts) => {
            let first = pool.len() as u32;
            pool.extend(parts.iter().flat_map(|&part| [site.slot(part), site.width(part)]));
            (Function::Concat, Slots { b: first, c: parts.len() as u32, ..out })
        }
        Cell::Slice { value, low } => (Function::Slice { low, mask: mask(width) }, one(value)),
        Cell::Extend(a) if site.is_signed(a) => (Function::ExtendSigned { unused: unused(a), mask: mask(width) }, one(a)),
        Cell::Extend(a) | Cell::Wire(a) => (Function::Slice { low: 0, mask: mask(width) }, one(a)),
        Cell::Const(_)
        | Cell::Input(_)
        | Cell::Register { .. }
        | Cell::MemoryRead { .. }
        | Cell::MemoryReadRegistered { .. }
        | Cell::InstanceOutput { .. } => unreachable!("{cell:?} is not a function of its operands alone"),
    }
}

/// A slice of at most 64 bits out of a wide value: how words are taken out of a wide bus.
fn short_slice(site: &Site, cell: CellId) -> Option<(Function, Slots)> {
    let width = site.width(cell);
    let Cell::Slice { value, low } = *site.module.cell(cell) else {
        return None;
    };
    let (limb, low) = (site.slot(value) + low / 64, low % 64);
    let slots = Slots { out: site.slot(cell), a: limb, ..Slots::default() };
    match low + width {
        ..=64 => Some((Function::Slice { low, mask: mask(width) }, slots)),
        _ if width <= 64 => Some((Function::SliceAcross { low, mask: mask(width) }, Slots { b: limb + 1, ..slots })),
        _ => None,
    }
}

/// Wide cells whose limbs do not depend on each other; false if this is not one.
fn limb_by_limb(site: &Site, cell: CellId, pool: &mut Vec<u32>, emit: &mut impl FnMut(Task)) -> bool {
    let limbs = limbs_for(site.width(cell)) as u32;
    let out = |limb: u32| Slots { out: site.slot(cell) + limb, ..Slots::default() };
    let two = |a: CellId, b: CellId, limb: u32| Slots { a: site.slot(a) + limb, b: site.slot(b) + limb, ..out(limb) };
    for limb in 0..limbs {
        let (function, slots) = match *site.module.cell(cell) {
            Cell::Not(a) => {
                let used = (site.width(cell) - 64 * limb).min(64);
                (Function::Not { mask: mask(used) }, Slots { a: site.slot(a) + limb, ..out(limb) })
            }
            Cell::And(a, b) => (Function::And, two(a, b, limb)),
            Cell::Or(a, b) => (Function::Or, two(a, b, limb)),
            Cell::Xor(a, b) => (Function::Xor, two(a, b, limb)),
            Cell::Mux { condition, then, otherwise } => {
                let slots = Slots { a: site.slot(condition), b: site.slot(then) + limb, c: site.slot(otherwise) + limb, ..out(limb) };
                (Function::Mux, slots)
            }
            Cell::Select { index, ref options } if site.width(index) <= 64 => {
                let first = pool.len() as u32;
                pool.extend(options.iter().map(|&option| site.slot(option) + limb));
                (Function::Select, Slots { a: site.slot(index), b: first, c: options.len() as u32, ..out(limb) })
            }
            _ => return false,
        };
        emit(Task::Narrow(function, slots));
    }
    true
}
