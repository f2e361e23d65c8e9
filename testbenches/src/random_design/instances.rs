//! Instances of earlier modules: alone, or several equal ones in a row.
//!
//! An output may be used as soon as the inputs that it follows within the cycle are connected. So inputs are connected one by
//! one, and the later ones may use outputs of the same instance; inputs that no output follows wait for the whole module.

use systole_hdl::design::{Instance, InstanceId, ModuleId};
use systole_hdl::{Cell, CellId, ModuleDef};

use super::build::{Growing, Late, choose, derived};
use super::recipe::{Pick, Step};

/// The most instances in a row.
const MAX_COPIES: usize = 4;

/// Adds the instances of a step, or nothing if there is no earlier module or no room.
pub(super) fn add(growing: &mut Growing, step: &Step) {
    let [which, copies, connection, domain] = step.picks;
    let modules = &growing.earlier.design.modules;
    if modules.is_empty() {
        return;
    }
    // Counted from the newest: a chain of modules is more than one module many times.
    let module = ModuleId((modules.len() - 1 - choose(which, modules.len())) as u32);
    let copies = if copies % 4 == 3 { 2 + usize::from(copies / 4) % (MAX_COPIES - 1) } else { 1 };
    let mut neighbour = Vec::new();
    for copy in 0..copies {
        let inside = growing.earlier.flat_cells[module.index()] + 4 * modules[module.index()].inputs.len();
        if growing.has_room(inside) {
            growing.flat_cells += inside;
            neighbour = add_one(growing, step, module, derived(connection, copy), domain, &neighbour);
        }
    }
}

/// Adds an instance that prefers what its `neighbour` puts out, and returns its own outputs.
fn add_one(growing: &mut Growing, step: &Step, module: ModuleId, connection: Pick, domain: Pick, neighbour: &[CellId]) -> Vec<CellId> {
    let earlier = growing.earlier;
    let (child, paths) = (earlier.design.module(module), &earlier.paths[module.index()]);
    if growing.module.cells.is_empty() && !child.inputs.is_empty() {
        growing.push(Cell::Const(step.pattern.value(step.shape.width)), step.shape.ty(), None);
    }
    let id = InstanceId(growing.module.instances.len() as u32);
    let name = growing.names.claim(step.label.unwrap_or(step.shape.width as u16));
    let domains = (0..child.domains.len()).map(|i| growing.domain(derived(domain, i))).collect();
    // Every input is connected below or at the end.
    let inputs = vec![CellId(0); child.inputs.len()];
    growing.module.instances.push(Instance { name: name.into(), module, inputs, domains, location: None });

    let is_followed = |input: usize| (0..child.outputs.len()).any(|output| paths.follows(output as u32, input as u32));
    let mut connected: Vec<bool> = (0..child.inputs.len()).map(|input| !is_followed(input)).collect();
    let mut shown = vec![false; child.outputs.len()];
    let mut outputs = Vec::new();
    show_outputs(growing, id, child, &connected, &mut shown, &mut outputs, connection);
    for input in 0..child.inputs.len() {
        let pick = derived(connection, input);
        let ty = child.ty(child.inputs[input].cell);
        let preferred = if feeds_back(pick) { &outputs } else { neighbour };
        let from_beside = preferred.iter().copied().find(|&cell| growing.module.ty(cell) == ty).filter(|_| !pick.is_multiple_of(4));
        if !connected[input] {
            let value = from_beside.unwrap_or_else(|| growing.of_type(pick, ty));
            growing.module.instances[id.index()].inputs[input] = value;
            connected[input] = true;
            show_outputs(growing, id, child, &connected, &mut shown, &mut outputs, connection);
        } else if let Some(value) = from_beside {
            growing.module.instances[id.index()].inputs[input] = value;
        } else {
            growing.late.push(Late::Input { instance: id, port: input, pick });
        }
    }
    outputs
}

/// Adds cells for the outputs that follow only inputs that are `connected`.
fn show_outputs(
    growing: &mut Growing,
    instance: InstanceId,
    child: &ModuleDef,
    connected: &[bool],
    shown: &mut [bool],
    outputs: &mut Vec<CellId>,
    connection: Pick,
) {
    let module = growing.module.instances[instance.index()].module;
    let paths = &growing.earlier.paths[module.index()];
    for (port, output) in child.outputs.iter().enumerate() {
        if shown[port] || !paths.inputs_of(port as u32).all(|input| connected[input as usize]) {
            continue;
        }
        shown[port] = true;
        let pick = derived(connection, 100 + port);
        // Some outputs stay open, and some are shown twice.
        let cells = [1, 1, 1, 1, 1, 1, 2, 0][usize::from(pick % 8)];
        for copy in 0..cells {
            let label = (pick % 3 == 1).then_some(pick / 8 + copy);
            let cell = Cell::InstanceOutput { instance, port: port as u32 };
            outputs.push(growing.push(cell, child.ty(output.value), label));
        }
    }
}

/// Connects an input that no output of its instance follows.
pub(super) fn connect_input(growing: &mut Growing, instance: InstanceId, port: usize, pick: Pick) {
    let child = growing.earlier.design.module(growing.module.instances[instance.index()].module);
    let ty = child.ty(child.inputs[port].cell);
    let is_own = |id: &CellId| matches!(growing.module.cell(*id), Cell::InstanceOutput { instance: of, .. } if *of == instance);
    let own = growing.module.cell_ids().filter(is_own).find(|&id| growing.module.ty(id) == ty).filter(|_| feeds_back(pick));
    let value = own.unwrap_or_else(|| growing.of_type(pick, ty));
    growing.module.instances[instance.index()].inputs[port] = value;
}

/// Whether an input prefers an output of its own instance.
fn feeds_back(pick: Pick) -> bool {
    pick % 4 == 1
}
