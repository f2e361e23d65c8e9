//! What happens when a module's description is complete: outputs get ports, statements become multiplexers, and the whole
//! is checked.

use rustc_hash::FxHashSet;

use super::arena::{Arena, Drive, PortLeaf};
use super::bundle::Leaf;
use super::diagnostic::{Note, Place, Severity};
use super::loops;
use super::signal::Signal;
use super::stream::Stream;
use crate::design::{Cell, CellId, DomainId, InputPort, ModuleDef, ModuleId, Name, OutputPort, StreamDirection, StreamProbe};

/// Gives the innermost module its output ports: first the answers within the record of inputs, then the record of outputs,
/// whose own answers (a stream's `ready`) become further inputs. Gives the leaves of the record of outputs.
pub(crate) fn declare_outputs(arena: &mut Arena, inputs: &[PortLeaf], outputs: &[(Name, Leaf)], at: Place) -> Vec<PortLeaf> {
    for leaf in inputs.iter().filter(|leaf| leaf.reverse) {
        let module = arena.current();
        let value = module.module.info.iter().position(|info| info.name.as_deref() == Some(&leaf.name));
        if let Some(value) = value {
            module.module.outputs.push(OutputPort { name: leaf.name.clone(), value: CellId(value as u32) });
        }
    }
    let mut leaves = Vec::with_capacity(outputs.len());
    let mut declared = FxHashSet::with_capacity_and_hasher(outputs.len(), Default::default());
    for (name, leaf) in outputs {
        let (handle, reverse) = match *leaf {
            Leaf::Forward(signal) => (arena.own(signal, at), false),
            Leaf::Reverse(wire) => (arena.own(*wire, at), true),
        };
        if reverse {
            answer_from_outside(arena, name, handle, at);
        } else {
            claim_output(arena, name, handle, declared.insert(name.as_str()));
            arena.current().module.outputs.push(OutputPort { name: name.clone(), value: handle.cell });
        }
        let (ty, place, poisoned) = (arena.ty(handle), arena.place(handle), arena.is_poisoned(handle) || arena.current().refused);
        leaves.push(PortLeaf { name: name.clone(), ty, reverse, place, poisoned });
    }
    leaves
}

/// An output port may share its name only with the very signal that it shows.
fn claim_output(arena: &mut Arena, name: &str, signal: Signal, is_first: bool) {
    let place = arena.place(signal);
    let shows_namesake = arena.current().module.info[signal.cell.index()].name.as_deref() == Some(name);
    let is_port = matches!(arena.current().module.cell(signal.cell), Cell::Input(_));
    match arena.current().names.get(name).copied() {
        Some(other) if !shows_namesake || is_port || !is_first => {
            let message = format!("output `{name}` has the name of another port or signal");
            let note = Note { message: format!("the other `{name}` is here"), at: other };
            let help = "inputs, outputs and named signals of a module share one name space: rename one".to_string();
            arena.error(place, message, vec![note], Some(help));
        }
        Some(_) => {}
        None => arena.claim_name(name, place),
    }
}

/// The wire of an output stream's `ready` is driven by a new input port.
fn answer_from_outside(arena: &mut Arena, name: &str, wire: Signal, at: Place) {
    let (ty, place) = (arena.ty(wire), arena.place(wire));
    if let Some(first) = arena.current().drives.get(&wire.cell).and_then(|d| d.first()).map(|d| d.place) {
        let notes = vec![Note { message: "it is driven here".into(), at: first }];
        let message = format!("`{name}` of an output stream is driven inside the module");
        arena.error(place, message, notes, Some("whoever consumes the stream drives its `ready`: leave it open here".into()));
        return;
    }
    if arena.current().module.info[wire.cell.index()].name.as_deref() != Some(name) {
        arena.claim_name(name, place);
    } else {
        // The port takes over the name of the wire that it drives.
        arena.current().module.info[wire.cell.index()].name = None;
    }
    let index = arena.current().module.inputs.len() as u32;
    let input = arena.push(Cell::Input(index), ty, place);
    arena.current().set_name(input.cell, name);
    arena.current().module.inputs.push(InputPort { name: name.into(), cell: input.cell });
    let drive = Drive { guards: Default::default(), value: input.cell, place: at };
    arena.current().drives.insert(wire.cell, vec![drive]);
}

/// Lets the simulator count the streams at the module's border. One that was made inside, and counted there, moves to the
/// border under the port's name.
pub(crate) fn probe_streams(arena: &mut Arena, streams: Vec<(String, Stream, StreamDirection)>) {
    let open = arena.current();
    for (name, stream, direction) in streams {
        let handles = [stream.data, stream.valid, *stream.ready];
        if handles.iter().any(|s| s.module != open.serial) {
            continue;
        }
        let [data, valid, wire] = handles.map(|s| s.cell);
        let inside = |s: &StreamProbe| s.direction == StreamDirection::Internal && (s.valid, s.ready) == (valid, wire);
        let shown = open.module.streams.iter().position(inside);
        let domain = shown.map_or(DomainId(0), |shown| open.module.streams.remove(shown).domain);
        let ready = match direction {
            // The answer comes in through a port, which drives the wire.
            StreamDirection::Output => open.drives.get(&wire).and_then(|drives| drives.first()).map_or(wire, |drive| drive.value),
            _ => wire,
        };
        open.module.streams.push(StreamProbe { name, data, valid, ready, domain, direction });
    }
}

/// Completes and checks the innermost module and adds it to the design, unless an equal one is there.
pub(crate) fn close(arena: &mut Arena, stated_name: Option<String>, type_name: &str, at: Place) -> ModuleId {
    gather_statements(arena);
    warn_of_unread(arena);
    let wish = stated_name.clone().unwrap_or_else(|| type_name.to_string());
    arena.current().module.name = wish.clone();
    let paths = loops::check(arena);
    let namesake = arena.definitions.find(&wish);
    let open = &arena.open.last().expect("a module is being closed").module;
    let (name, equal) = arena.definitions.place_among_namesakes(&wish, open);
    if let (Some(namesake), None, true) = (namesake, equal, stated_name.is_some()) {
        let notes = vec![Note { message: "the other one was instantiated here".into(), at: arena.definitions.place(namesake) }];
        let help = "let `name` return a name that tells the parameters apart, or none".to_string();
        arena.error(at, format!("two different modules are named `{wish}`"), notes, Some(help));
    }
    if let Some(equal) = equal {
        arena.close_module(equal);
        return equal;
    }
    let module = arena.close_module(arena.definitions.next_id());
    arena.definitions.add(ModuleDef { name, ..module }, paths, at)
}

/// Turns the statements about each wire and register into one value.
fn gather_statements(arena: &mut Arena) {
    let targets = arena.current().targets.clone();
    for target in targets {
        let drives = arena.current().drives.remove(&target).unwrap_or_default();
        let is_register = arena.current().module.cell(target).is_sequential();
        let base = is_register.then_some(target);
        let mut gap = None;
        let value = gather(arena, &drives, 0, base, &mut gap);
        let value = match value {
            Some(value) if !drives.is_empty() => value,
            _ => {
                report_undriven(arena, target, is_register, gap);
                let ty = arena.current().module.ty(target);
                let place = arena.current().places[target.index()];
                arena.poison(ty, place).cell
            }
        };
        match &mut arena.current().module.cells[target.index()] {
            Cell::Register { next, .. } => *next = value,
            Cell::Wire(source) => *source = value,
            _ => unreachable!("only wires and registers are driven"),
        }
    }
}

/// The value that `drives` give, starting from `base`, with the first `depth` conditions of each already decided. `None` where
/// some path gives no value; `gap` is then the place of a condition that leaves it open.
fn gather(arena: &mut Arena, drives: &[Drive], depth: usize, base: Option<CellId>, gap: &mut Option<Place>) -> Option<CellId> {
    let mut value = base;
    let mut rest = drives;
    while let Some(first) = rest.first() {
        let Some(guard) = first.guards.get(depth).copied() else {
            value = Some(first.value);
            rest = &rest[1..];
            continue;
        };
        let same_block = |d: &Drive| d.guards.get(depth).is_some_and(|g| g.block == guard.block);
        let length = rest.iter().take_while(|d| same_block(d)).count();
        let (block, after) = rest.split_at(length);
        let (then, otherwise): (Vec<Drive>, Vec<Drive>) = block.iter().cloned().partition(|d| d.guards[depth].holds);
        let place = first.place;
        let then = gather(arena, &then, depth + 1, value, gap);
        let otherwise = gather(arena, &otherwise, depth + 1, value, gap);
        value = match (then, otherwise) {
            (Some(then), Some(otherwise)) if then == otherwise => Some(then),
            (Some(then), Some(otherwise)) => {
                let ty = arena.current().module.ty(then);
                Some(arena.push(Cell::Mux { condition: guard.condition, then, otherwise }, ty, place).cell)
            }
            _ => {
                gap.get_or_insert(place);
                None
            }
        };
        rest = after;
    }
    value
}

fn report_undriven(arena: &mut Arena, target: CellId, is_register: bool, gap: Option<Place>) {
    let serial = arena.current().serial;
    let signal = Signal::new(target, serial);
    if arena.is_poisoned(signal) {
        return;
    }
    let (what, place) = (arena.describe(signal), arena.place(signal));
    match gap {
        Some(gap) => {
            let note = Note { message: "it is driven here, under a condition".into(), at: gap };
            let help = "a wire has no memory: drive a default before the `when`, or add `.otherwise(..)`".to_string();
            arena.error(place, format!("{what} has no value where no condition holds (a latch)"), vec![note], Some(help));
        }
        None => {
            let help = match (is_register, arena.current().answers.contains(&target)) {
                (true, _) => "give it a next value with `.next(..)`",
                (false, true) => "whoever consumes the stream answers it: give the stream to a component, or drive this with `.drive(..)`",
                (false, false) => "drive it with `.drive(..)`",
            };
            arena.error(place, format!("{what} is never driven"), vec![], Some(help.into()));
        }
    }
}

/// Warns of named results that nothing reads. Not after a mistake, whose expressions read nothing any more.
fn warn_of_unread(arena: &mut Arena) {
    if arena.failed() {
        return;
    }
    let open = arena.current();
    let module = &open.module;
    let mut read = vec![false; module.cells.len()];
    for (i, cell) in module.cells.iter().enumerate() {
        cell.for_each_operand(|operand| read[operand.index()] |= operand.index() != i);
    }
    let writes = module.memories.iter().flat_map(|m| &m.writes);
    writes.for_each(|w| [Some(w.address), Some(w.data), Some(w.enable), w.mask].into_iter().flatten().for_each(|c| read[c.index()] = true));
    module.instances.iter().flat_map(|i| &i.inputs).for_each(|c| read[c.index()] = true);
    module.outputs.iter().for_each(|o| read[o.value.index()] = true);
    module.levels.iter().for_each(|l| read[l.level.index()] = true);
    let unread: Vec<(Name, Place, bool)> = module
        .cell_ids()
        .filter(|id| !read[id.index()] && !matches!(module.cell(*id), Cell::Input(_) | Cell::InstanceOutput { .. }))
        .filter_map(|id| Some((module.info[id.index()].name.clone()?, open.places[id.index()], open.answers.contains(&id))))
        .collect();
    for (name, place, is_answer) in unread {
        let help = match is_answer {
            true => "the producer of a stream holds each word until it is taken: use `.fires()` or `.ready`",
            false => "remove it, or read it",
        };
        arena.report(Severity::Warning, place, format!("nothing reads `{name}`"), vec![], Some(help.to_string()));
    }
}
