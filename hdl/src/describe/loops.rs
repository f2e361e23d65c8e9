//! Combinational loops, told line by line: through instances too, down to the line that closes the loop.

use super::arena::{Arena, what};
use super::diagnostic::{Note, Place};
use super::signal::Signal;
use crate::analysis::{PortPaths, for_each_combinational_operand};
use crate::design::{Cell, CellId, ModuleId};

/// The most lines of a loop that a message shows; of a longer one, its beginning and its end.
const MAX_NOTES: usize = 40;

/// The combinational paths of the innermost module. A loop is reported with its whole path.
pub(crate) fn check(arena: &mut Arena) -> PortPaths {
    let module = arena.open.last().expect("a module is being closed");
    let found = match PortPaths::of(&module.module, &arena.definitions.paths) {
        Ok(paths) => return paths,
        Err(found) => found,
    };
    let serial = module.serial;
    let mut notes = Vec::new();
    let mut before = *found.cells.last().expect("a loop has a cell");
    for &cell in &found.cells {
        let signal = Signal::new(cell, serial);
        let place = arena.place(signal);
        if let Cell::InstanceOutput { instance, port } = *arena.current().module.cell(cell) {
            let instance_of = &arena.current().module.instances[instance.index()];
            let (child, name) = (instance_of.module, instance_of.name.to_string());
            let inputs = instance_of.inputs.clone();
            through_instance(arena, child, &name, &inputs, before, port, place, &mut notes);
        }
        notes.push(Note { message: format!("through {}", arena.describe(signal)), at: place });
        before = cell;
    }
    let at = arena.place(Signal::new(found.cells[0], serial));
    let help = "put a register on the path".to_string();
    arena.error(at, "a combinational loop: the value depends on itself within a cycle", shortened(notes), Some(help));
    PortPaths::default()
}

/// Adds the lines of the way through an instance of `child`, from the input that the parent's cell `from` feeds to output `port`.
#[expect(clippy::too_many_arguments, reason = "the ways down the hierarchy need all of them")]
fn through_instance(
    arena: &Arena,
    child: ModuleId,
    path: &str,
    inputs: &[CellId],
    from: CellId,
    port: u32,
    instantiated: Place,
    notes: &mut Vec<Note>,
) {
    let paths = &arena.definitions.paths[child.index()];
    let fed = |input: &u32| inputs.get(*input as usize) == Some(&from);
    let Some(input) = paths.inputs_of(port).find(fed) else { return };
    let module = arena.definitions.module(child);
    let places = arena.places_of(child);
    let mut before = None;
    for cell in way(arena, child, input, port) {
        let place = places.map_or(instantiated, |places| places[cell.index()]);
        if let (Cell::InstanceOutput { instance, port }, Some(before)) = (module.cell(cell), before) {
            let inner = &module.instances[instance.index()];
            through_instance(arena, inner.module, &format!("{path}.{}", inner.name), &inner.inputs, before, *port, place, notes);
        }
        // A module that was adopted with a finished design has lines, but no places of this program.
        let info = &module.info[cell.index()];
        let line = info.location.filter(|_| places.is_none());
        let line = line.map(|line| format!(", {}:{}", arena.definitions.design.files[line.file as usize], line.line));
        notes.push(Note { message: format!("through {} in `{path}`{}", what(info), line.unwrap_or_default()), at: place });
        before = Some(cell);
    }
}

/// A way within a finished module from an input port to an output port that follows it, in the direction of data.
fn way(arena: &Arena, module: ModuleId, input: u32, output: u32) -> Vec<CellId> {
    let (definition, children) = (arena.definitions.module(module), &arena.definitions.paths);
    let (start, end) = (definition.inputs[input as usize].cell, definition.outputs[output as usize].value);
    // Against the flow of data, breadth first: the shortest way is the easiest to read.
    let mut next: Vec<Option<CellId>> = vec![None; definition.cells.len()];
    next[end.index()] = Some(end);
    let mut reached = vec![end];
    let mut position = 0;
    while let Some(&cell) = reached.get(position) {
        position += 1;
        for_each_combinational_operand(definition, children, cell, |operand| {
            if next[operand.index()].is_none() {
                next[operand.index()] = Some(cell);
                reached.push(operand);
            }
        });
    }
    let follow = |cell: &CellId| next[cell.index()].filter(|_| *cell != end);
    if next[start.index()].is_none() { vec![] } else { std::iter::successors(Some(start), follow).collect() }
}

/// The notes, or the first and the last of them with a note on those between.
fn shortened(mut notes: Vec<Note>) -> Vec<Note> {
    if notes.len() > MAX_NOTES {
        let (kept, left_out) = (MAX_NOTES / 2, notes.len() - MAX_NOTES + 1);
        let between = Note { message: format!("… {left_out} more lines …"), at: notes[kept].at };
        notes.splice(kept..kept + left_out, [between]);
    }
    notes
}
