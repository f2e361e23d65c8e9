//! The two evaluators agree where both can be used.

use proptest::prelude::*;
use systole_hdl::design::{CellInfo, ModuleId};
use systole_hdl::{Cell, CellId, ModuleDef, Type, Value};

use super::flatten::Task;
use super::general::{self, Operand};
use super::narrow;
use super::select::{Site, tasks_of};
use crate::engine::limbs_for;

/// Evaluates a cell over its operands both ways; the fast way gives nothing if the cell needs the general one.
fn both_ways(cell: &Cell, ty: Type, operands: &[(Type, Value)]) -> (Option<Value>, Value) {
    let types = operands.iter().map(|(ty, _)| *ty).chain([ty]);
    let info = types.map(|ty| CellInfo { ty, name: None, location: None, states: Box::default() }).collect();
    let inputs = (0..operands.len() as u32).map(Cell::Input);
    let module = ModuleDef { cells: inputs.chain([cell.clone()]).collect(), info, ..ModuleDef::default() };

    let (mut state, mut slots) = (Vec::new(), Vec::new());
    for (_, value) in operands {
        slots.push(state.len() as u32);
        state.extend(value.limbs());
    }
    slots.push(state.len() as u32);
    // What stood there before must not matter.
    state.resize(state.len() + limbs_for(ty.width()), 0xdead_beef);
    let (mut pool, mut fast) = (Vec::new(), true);
    let mut work = Vec::new();
    let site = Site { module: &module, id: ModuleId(0), slots: &slots, first_memory: 0 };
    tasks_of(&site, CellId(operands.len() as u32), &mut pool, |task| work.push(task));
    for task in work {
        match task {
            Task::Narrow(function, slots) => narrow::evaluate(function, &[slots], &pool, &mut state),
            Task::General(_) | Task::Read(_) => fast = false,
        }
    }
    let out = &state[slots[operands.len()] as usize..];
    let clean = Value::from_limbs(ty.width(), out.iter().copied());
    assert!(!fast || clean.limbs() == out, "bits above the width are not zero");
    let operands: Vec<Operand> = operands.iter().map(|(ty, value)| Operand { ty: *ty, value: value.clone() }).collect();
    (fast.then_some(clean), general::evaluate(cell, ty, &operands))
}

fn agree(cell: &Cell, ty: Type, operands: &[(Type, Value)]) -> bool {
    let (fast, general) = both_ways(cell, ty, operands);
    if let Some(fast) = &fast {
        assert_eq!(fast, &general, "{cell:?} of {operands:?} as {ty}");
    }
    fast.is_some()
}

fn agree_without_the_general_one(cell: &Cell, ty: Type, operands: &[(Type, Value)]) {
    assert!(agree(cell, ty, operands), "{cell:?} of {operands:?} as {ty} has no fast form");
}

fn id(index: u32) -> CellId {
    CellId(index)
}

proptest! {
    #[test]
    fn fast_and_general_evaluation_agree(
        width in 1u32..=64, other in 1u32..=64, limbs in any::<[u64; 3]>(), signed in any::<bool>(), few in any::<bool>(),
    ) {
        let number = |width: u32| if signed { Type::s(width) } else { Type::u(width) };
        let value = |width: u32, i: usize| Value::from_u64(width, limbs[i]);
        let ty = number(width);
        let [a, b, c] = [0, 1, 2].map(|i| (ty, value(width, i)));
        let of_two: [fn(CellId, CellId) -> Cell; 5] = [Cell::And, Cell::Or, Cell::Xor, Cell::Add, Cell::Sub];
        for cell in of_two {
            agree_without_the_general_one(&cell(id(0), id(1)), ty, &[a.clone(), b.clone()]);
        }
        let to_bit: [fn(CellId) -> Cell; 3] = [Cell::ReduceAnd, Cell::ReduceOr, Cell::ReduceXor];
        for cell in to_bit {
            agree_without_the_general_one(&cell(id(0)), Type::BIT, std::slice::from_ref(&a));
        }
        agree_without_the_general_one(&Cell::Not(id(0)), ty, std::slice::from_ref(&a));
        for b in [&a, &b] {
            agree_without_the_general_one(&Cell::Equal(id(0), id(1)), Type::BIT, &[a.clone(), b.clone()]);
            agree_without_the_general_one(&Cell::Less(id(0), id(1)), Type::BIT, &[a.clone(), b.clone()]);
        }
        let second = (number(other), value(other, 1));
        prop_assert_eq!(agree(&Cell::Mul(id(0), id(1)), number(width + other), &[a.clone(), second]), width + other <= 64);
        let distance = (Type::u(other), Value::from_u64(other, if few { limbs[1] % 70 } else { limbs[1] }));
        agree_without_the_general_one(&Cell::ShiftLeft(id(0), id(1)), ty, &[a.clone(), distance.clone()]);
        agree_without_the_general_one(&Cell::ShiftRight(id(0), id(1)), ty, &[a.clone(), distance.clone()]);
        let bit = (Type::BIT, value(1, 2));
        agree_without_the_general_one(&Cell::Mux { condition: id(0), then: id(1), otherwise: id(2) }, ty, &[bit, a.clone(), b.clone()]);
        let select = Cell::Select { index: id(0), options: vec![id(1), id(2), id(3)] };
        agree_without_the_general_one(&select, ty, &[distance, a.clone(), b.clone(), c]);
        let parts = [a.clone(), (Type::Bits(other), value(other, 1))];
        prop_assert_eq!(agree(&Cell::Concat(vec![id(0), id(1)]), Type::Bits(width + other), &parts), width + other <= 64);
        let (low, end) = ((width - 1).min(other - 1), (width - 1).max(other - 1) + 1);
        let sliced = (Type::Bits(end), Value::from_u64(end, limbs[0]));
        agree_without_the_general_one(&Cell::Slice { value: id(0), low }, Type::Bits(end - low), &[sliced]);
        agree_without_the_general_one(&Cell::Extend(id(0)), number(width.max(other)), &[(number(width.min(other)), value(width.min(other), 0))]);
    }

    #[test]
    fn wide_values_taken_limb_by_limb_agree_too(width in 65u32..200, limbs in any::<[[u64; 4]; 2]>(), low in 0u32..200, length in 1u32..=64) {
        let ty = Type::Bits(width);
        let [a, b] = limbs.map(|limbs| (ty, Value::from_limbs(width, limbs)));
        let bit = (Type::BIT, Value::from_u64(1, limbs[0][0]));
        let of_two: [fn(CellId, CellId) -> Cell; 3] = [Cell::And, Cell::Or, Cell::Xor];
        for cell in of_two {
            agree_without_the_general_one(&cell(id(0), id(1)), ty, &[a.clone(), b.clone()]);
        }
        agree_without_the_general_one(&Cell::Not(id(0)), ty, std::slice::from_ref(&a));
        agree_without_the_general_one(&Cell::Mux { condition: id(0), then: id(1), otherwise: id(2) }, ty, &[bit.clone(), a.clone(), b.clone()]);
        agree_without_the_general_one(&Cell::Select { index: id(0), options: vec![id(1), id(2)] }, ty, &[bit, a.clone(), b]);
        let low = low % width;
        let length = length.min(width - low);
        agree_without_the_general_one(&Cell::Slice { value: id(0), low }, Type::Bits(length), &[a]);
    }
}
