//! A failing netlist made smaller, one small change after the other.
//!
//! Shrinking a recipe gets rid of modules, cells and width, but every step moves what later ones choose. What is left shrinks
//! better as a netlist, where nothing moves.

use std::time::Instant;

use systole_hdl::design::{DomainId, InputPort};
use systole_hdl::{Cell, CellId, Design, ModuleDef, Value};

use super::{Check, Found};
use crate::edit;
use crate::lockstep::{Case, LockstepError};

/// How many changes are tried in one run.
const BATCH: usize = 16;

/// A change that makes a design simpler.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// No names of cells, states, parameters and source locations.
    Anonymous,
    /// One clock domain.
    OneDomain,
    /// Drops an output port of the top module.
    DropOutput(usize),
    /// Takes a cell's name.
    Unname(usize, CellId),
    /// A cell's first operand of its own type in its place.
    Bypass(usize, CellId),
    /// Zero in a cell's place.
    Zero(usize, CellId),
    /// A new input port in the place of a cell of the top module.
    Free(CellId),
    /// A register that begins with zero and knows no reset.
    PlainRegister(usize, CellId),
    /// Drops a write port of a memory.
    DropWrite(usize, usize, usize),
    /// Drops the mask of a write port.
    DropMask(usize, usize, usize),
    /// A memory that begins with zeros.
    DropInitial(usize, usize),
}

/// The smallest case found by changing the netlist that still fails in the same way.
pub(super) fn shrink_netlist(mut found: Found, check: Check, deadline: Instant) -> Result<Found, LockstepError> {
    let mut position = 0;
    let mut changed = false;
    while Instant::now() < deadline {
        let edits = edits(&found.case.design);
        let candidates: Vec<Case> = edits
            .iter()
            .skip(position)
            .take(BATCH)
            .map(|edit| found.with_design(edit::sweep(&applied(&found.case.design, *edit))))
            .collect();
        if candidates.is_empty() {
            if !std::mem::take(&mut changed) {
                break;
            }
            position = 0;
            continue;
        }
        let failures = check(&candidates)?;
        let failed = failures.into_iter().enumerate().find_map(|(i, failure)| Some((i, failure.filter(|f| f.is_like(&found.failure))?)));
        match failed {
            Some((i, failure)) => {
                // The next change has moved to this place.
                position += i;
                changed = true;
                found = Found { case: candidates[i].clone(), failure, ..found };
            }
            None => position += BATCH,
        }
    }
    Ok(found)
}

/// Changes that are worth trying, the far-reaching ones first. Each makes something less, so no sequence of them is endless.
fn edits(design: &Design) -> Vec<Edit> {
    let mut edits = Vec::new();
    let has_words = |module: &ModuleDef| {
        let named = module.info.iter().any(|info| info.name.is_some() || info.location.is_some() || !info.states.is_empty());
        named || !module.parameters.is_empty()
    };
    edits.extend(design.modules.iter().any(has_words).then_some(Edit::Anonymous));
    edits.extend(design.modules.iter().any(|module| module.domains.len() > 1).then_some(Edit::OneDomain));
    edits.extend((0..design.top_module().outputs.len()).map(Edit::DropOutput));
    for (m, module) in design.modules.iter().enumerate().rev() {
        for (i, memory) in module.memories.iter().enumerate() {
            for (port, write) in memory.writes.iter().enumerate() {
                edits.push(Edit::DropWrite(m, i, port));
                edits.extend(write.mask.is_some().then_some(Edit::DropMask(m, i, port)));
            }
            edits.extend((!memory.initial.is_empty()).then_some(Edit::DropInitial(m, i)));
        }
        for id in (0..module.cells.len() as u32).rev().map(CellId) {
            match module.cell(id) {
                Cell::Input(_) => continue,
                Cell::Const(value) => {
                    edits.extend((!value.is_zero()).then_some(Edit::Zero(m, id)));
                    continue;
                }
                Cell::Register { initial, reset, .. } if *reset || !initial.is_zero() => edits.push(Edit::PlainRegister(m, id)),
                _ => {}
            }
            edits.extend(module.info[id.index()].name.is_some().then_some(Edit::Unname(m, id)));
            edits.extend(first_like(module, id).map(|_| Edit::Bypass(m, id)));
            edits.push(Edit::Zero(m, id));
            edits.extend((m == design.top().index()).then_some(Edit::Free(id)));
        }
    }
    edits
}

fn applied(design: &Design, edit: Edit) -> Design {
    let mut design = design.clone();
    let top = design.top().index();
    match edit {
        Edit::Anonymous => {
            design = design.without_locations();
            for module in &mut design.modules {
                module.parameters.clear();
                module.info.iter_mut().for_each(|info| (info.name, info.states) = (None, Box::default()));
            }
        }
        Edit::OneDomain => design.modules.iter_mut().for_each(use_one_domain),
        Edit::DropOutput(port) => drop(design.modules[top].outputs.remove(port)),
        Edit::Unname(m, id) => design.modules[m].info[id.index()].name = None,
        Edit::Bypass(m, id) => {
            let module = &mut design.modules[m];
            if let Some(operand) = first_like(module, id) {
                replace(module, id, operand);
            }
        }
        Edit::Zero(m, id) => {
            let width = design.modules[m].ty(id).width();
            turn_into(&mut design.modules[m], id, Cell::Const(Value::zero(width)));
        }
        Edit::Free(id) => {
            let module = &mut design.modules[top];
            let input = Cell::Input(module.inputs.len() as u32);
            turn_into(module, id, input);
            let name = (0..).map(|i| format!("free_{i}")).find(|name| module.find_signal(name).is_none()).unwrap_or_default();
            module.inputs.push(InputPort { name: name.into(), cell: id });
        }
        Edit::PlainRegister(m, id) => {
            if let Cell::Register { initial, reset, .. } = &mut design.modules[m].cells[id.index()] {
                (*initial, *reset) = (Value::zero(initial.width()), false);
            }
        }
        Edit::DropWrite(m, memory, port) => drop(design.modules[m].memories[memory].writes.remove(port)),
        Edit::DropMask(m, memory, port) => design.modules[m].memories[memory].writes[port].mask = None,
        Edit::DropInitial(m, memory) => design.modules[m].memories[memory].initial.clear(),
    }
    design
}

/// The first operand that could stand for the cell itself.
fn first_like(module: &ModuleDef, id: CellId) -> Option<CellId> {
    let mut like = None;
    module.cell(id).for_each_operand(|operand| {
        if operand != id && module.ty(operand) == module.ty(id) {
            like = like.or(Some(operand));
        }
    });
    like
}

fn replace(module: &mut ModuleDef, from: CellId, to: CellId) {
    // An output port of the cell's name must not show another cell that has it.
    module.info[from.index()].name = None;
    edit::substitute(module, from, to);
}

fn turn_into(module: &mut ModuleDef, id: CellId, cell: Cell) {
    module.cells[id.index()] = cell;
    let info = &mut module.info[id.index()];
    (info.name, info.states) = (None, Box::default());
}

fn use_one_domain(module: &mut ModuleDef) {
    let first = DomainId(0);
    module.domains.truncate(1);
    module.memories.iter_mut().for_each(|memory| memory.write_domain = first);
    module.instances.iter_mut().for_each(|instance| instance.domains = vec![first]);
    for cell in &mut module.cells {
        if let Cell::Register { domain, .. } | Cell::MemoryReadRegistered { domain, .. } = cell {
            *domain = first;
        }
    }
}
