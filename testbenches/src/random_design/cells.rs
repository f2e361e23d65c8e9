//! Steps that add a combinational cell.

use systole_hdl::{Cell, CellId, Type};

use super::MAX_WIDTH;
use super::build::{Growing, choose, derived};
use super::recipe::{Function, Pick, Step};

/// The most options of a selection.
const MAX_OPTIONS: usize = 12;

/// Adds the cell of a step that reads no memory and makes no instance.
pub(super) fn add(growing: &mut Growing, step: &Step) {
    let [p0, p1, p2, _] = step.picks;
    let a = growing.any(p0);
    let width = growing.module.ty(a).width();
    // A result is of the step's family: signed operands with an unsigned sum are as good as any.
    let like = |width: u32| step.shape.with_width(width);
    let (cell, ty) = match step.function {
        Function::Const => (Cell::Const(step.pattern.value(step.shape.width)), step.shape.ty()),
        Function::Wire => (Cell::Wire(a), like(width)),
        Function::Not => (Cell::Not(a), like(width)),
        Function::And => (Cell::And(a, growing.of_width(p1, width)), like(width)),
        Function::Or => (Cell::Or(a, growing.of_width(p1, width)), like(width)),
        Function::Xor => (Cell::Xor(a, growing.of_width(p1, width)), like(width)),
        Function::ReduceAnd => (Cell::ReduceAnd(a), like(1)),
        Function::ReduceOr => (Cell::ReduceOr(a), like(1)),
        Function::ReduceXor => (Cell::ReduceXor(a), like(1)),
        Function::Add => (Cell::Add(a, growing.of_width(p1, width)), like(width)),
        Function::Sub => (Cell::Sub(a, growing.of_width(p1, width)), like(width)),
        Function::Mul => product(growing, step, a),
        Function::Equal => (Cell::Equal(a, growing.of_width(p1, width)), like(1)),
        Function::Less => {
            let ty = growing.module.ty(a);
            (Cell::Less(a, growing.of_type(p1, ty)), like(1))
        }
        Function::ShiftLeft => (Cell::ShiftLeft(a, amount(growing, p1)), like(width)),
        Function::ShiftRight => (Cell::ShiftRight(a, amount(growing, p1)), like(width)),
        Function::Mux => {
            let (condition, otherwise) = (growing.of_width(p1, 1), growing.of_width(p2, width));
            (Cell::Mux { condition, then: a, otherwise }, like(width))
        }
        Function::Select => {
            let index = amount(growing, p1);
            let count = 1 + usize::from(step.picks[3]) % MAX_OPTIONS;
            let options = (0..count).map(|i| growing.of_width(derived(p2, i), width)).collect();
            (Cell::Select { index, options }, like(width))
        }
        Function::Concat => concat(growing, step),
        Function::Slice => {
            let low = u32::from(p1) % width;
            (Cell::Slice { value: a, low }, like(1 + u32::from(p2) % (width - low)))
        }
        Function::Extend => {
            let wide = if p1 % 4 == 0 { width } else { step.shape.width };
            (Cell::Extend(a), like(wide.max(width)))
        }
        Function::MemoryRead | Function::MemoryReadRegistered(_) | Function::Instances => return,
    };
    growing.push(cell, ty, step.label);
}

/// Operands of one signedness whose product is not too wide.
fn product(growing: &mut Growing, step: &Step, a: CellId) -> (Cell, Type) {
    let ty = growing.module.ty(a);
    let mut a = a;
    if ty.width() > MAX_WIDTH - 1 {
        a = growing.of_type(step.picks[0], if ty.is_signed() { Type::s(MAX_WIDTH / 2) } else { Type::u(MAX_WIDTH / 2) });
    }
    let first = growing.module.ty(a).width();
    let fits: Vec<CellId> = growing.module.cell_ids().filter(|&id| has_room_beside(growing, id, first, ty.is_signed())).collect();
    let b = match fits.as_slice() {
        [] => growing.of_type(step.picks[1], if ty.is_signed() { Type::s(1) } else { Type::u(1) }),
        fits => fits[choose(step.picks[1], fits.len())],
    };
    let width = first + growing.module.ty(b).width();
    (Cell::Mul(a, b), step.shape.with_width(width))
}

fn has_room_beside(growing: &Growing, id: CellId, width: u32, signed: bool) -> bool {
    let ty = growing.module.ty(id);
    ty.is_signed() == signed && ty.width() + width <= MAX_WIDTH
}

/// Shift amounts and indices: often narrow, so that both sides of the border are met, sometimes any signal.
fn amount(growing: &mut Growing, pick: Pick) -> CellId {
    match pick % 8 {
        0 => growing.any(pick / 8),
        narrow => growing.of_width(pick, u32::from(narrow)),
    }
}

fn concat(growing: &Growing, step: &Step) -> (Cell, Type) {
    let (mut parts, mut width) = (Vec::new(), 0);
    for pick in &step.picks[..1 + usize::from(step.picks[3] % 3)] {
        let part = growing.any(*pick);
        let wider = width + growing.module.ty(part).width();
        if wider <= MAX_WIDTH {
            parts.push(part);
            width = wider;
        }
    }
    (Cell::Concat(parts), step.shape.with_width(width))
}
