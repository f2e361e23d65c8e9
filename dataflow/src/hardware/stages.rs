//! Which steps of a function are computed in which stage of a pipeline.

use systole_hdl::Type;

use crate::function::Function;
use crate::steps::{Operation, StepId};

/// The stage of each step, 0 to `stages` − 1, such that the longest delay of a stage is as short as can be. Steps that the next state needs
/// are in stage 0, whatever their delay; those that are not `needed` too.
pub(super) fn stages(function: &Function, needed: &[bool], stages: u32) -> Vec<u32> {
    let for_next = function.needed(&function.next);
    let all: u32 = function.steps.iter().map(|(id, _)| delay(function, id)).sum();
    let (mut least, mut enough) = (0, all);
    while least < enough {
        let middle = least + (enough - least) / 2;
        if assign(function, needed, &for_next, middle).iter().all(|&stage| stage < stages) { enough = middle } else { least = middle + 1 }
    }
    assign(function, needed, &for_next, enough)
}

/// As early as possible, with stages of at most this delay; a step that is longer has a stage of its own.
fn assign(function: &Function, needed: &[bool], for_next: &[bool], budget: u32) -> Vec<u32> {
    let mut stage = vec![0; function.steps.len()];
    let mut arrival = vec![0; function.steps.len()];
    for (id, step) in function.steps.iter() {
        let at = id.index();
        if !needed[at] {
            continue;
        }
        let operands = step.operation.operands();
        stage[at] = operands.iter().map(|operand| stage[operand.index()]).max().unwrap_or(0);
        let in_stage = operands.iter().filter(|operand| stage[operand.index()] == stage[at]);
        let begins = in_stage.map(|operand| arrival[operand.index()]).max().unwrap_or(0);
        let delay = delay(function, id);
        arrival[at] = begins + delay;
        if arrival[at] > budget && begins > 0 && delay > 0 && !for_next[at] {
            stage[at] += 1;
            arrival[at] = delay;
        }
    }
    stage
}

/// About how long a step takes, in levels of lookup tables: a carry chain of 16 bits is one.
fn delay(function: &Function, id: StepId) -> u32 {
    let steps = &function.steps;
    let carry = |ty: Type| 2 + ty.width() / 16;
    let is_zero = |id: StepId| matches!(steps.get(id).operation, Operation::Constant { raw: 0, .. });
    let ty = steps.ty(id);
    match &steps.get(id).operation {
        Operation::Add(..) | Operation::Sub(..) => carry(ty),
        // The sign.
        Operation::Less(a, zero) if steps.ty(*a).is_signed() && is_zero(*zero) => 0,
        Operation::Less(a, _) | Operation::Equal(a, _) | Operation::Round(a) | Operation::Saturate(a) => carry(steps.ty(*a)),
        Operation::Mul(..) => 2 * carry(ty),
        Operation::And(..) | Operation::Or(..) | Operation::Mux { .. } => 1,
        // A table of six inputs chooses among four.
        Operation::Select { options, .. } => options.len().ilog2().div_ceil(2).max(1),
        Operation::ShiftRight { value, .. } => 1 + steps.ty(*value).width().ilog2().div_ceil(2),
        Operation::Lookup { table, .. } => 2 + table.len().ilog2() / 4,
        Operation::Divide { .. } => unreachable!("divisions are expanded before"),
        _ => 0,
    }
}
