//! Components: a parameter struct that describes one module, instances of it, and elaboration.

use std::any::TypeId;
use std::fmt::{Debug, Write};
use std::panic::Location;
use std::rc::Rc;

use smallvec::SmallVec;

use super::arena::{Arena, Built, PortLeaf, in_fresh_arena, with};
use super::bundle::{Bundle, Leaf, join};
use super::diagnostic::{Diagnostic, Diagnostics, Note, Place};
use super::finish;
use super::module::{Module, Wire, drive_under, undriven_wire};
use super::remedy::conversion;
use super::signal::Signal;
use crate::design::{Cell, CellId, Design, DomainId, InputPort, Instance, InstanceId, ModuleId, Name, StreamDirection};
use crate::types::Type;

/// How deep components may nest: a guard against one that instantiates itself.
const MAX_DEPTH: usize = 256;

/// How many characters of a component's parameters stand in its module: a comment that people read.
const MAX_PARAMETERS: usize = 1000;

/// A parameter struct that describes one module.
///
/// Components of equal type and equal `Debug` text are one module, elaborated once: `Debug` (derived) must show every
/// parameter that the description depends on.
pub trait Component: Debug + 'static {
    /// The record of inputs, declared with [`bundle!`](crate::bundle).
    type In: Bundle;
    /// The record of outputs.
    type Out: Bundle;

    /// The module's name, where the type's own name (in snake case, numbered when parameters differ) does not do.
    /// Two different bodies under one stated name are an error.
    fn name(&self) -> Option<String> {
        None
    }

    /// Declares the inputs, with [`port`] and [`Stream::port`](super::stream::Stream::port).
    fn inputs(&self) -> Self::In;

    /// Describes the module: from its inputs to its outputs.
    fn build(&self, m: Module, i: Self::In) -> Self::Out;
}

/// Declares an input of type `ty` inside [`Component::inputs`].
#[track_caller]
pub fn port(ty: Type) -> Signal {
    let at = Location::caller();
    with(|arena| {
        let index = arena.current().module.inputs.len() as u32;
        let signal = arena.push(Cell::Input(index), ty, at);
        // The record names it, once it is complete.
        arena.current().module.inputs.push(InputPort { name: Name::default(), cell: signal.cell });
        signal
    })
}

/// Declares an answer inside [`Component::inputs`]: an output of the component within its record of inputs, such as `ready`.
#[track_caller]
pub fn back(ty: Type) -> Wire {
    let at = Location::caller();
    with(|arena| {
        let wire = undriven_wire(arena, ty, at);
        arena.current().add_answer(wire);
        Wire(wire)
    })
}

/// Elaborates `component` as the top module.
///
/// # Errors
/// Every mistake in the description, each with its place. Warnings alone do not fail, and are not given here: see
/// [`elaborate_with_warnings`].
#[track_caller]
pub fn elaborate<C: Component>(component: &C) -> Result<Design, Diagnostics> {
    elaborate_with_warnings(component).map(|(design, _)| design)
}

/// Elaborates `component` as the top module and also gives the warnings: results that nothing reads.
///
/// # Errors
/// Every mistake in the description, each with its place, warnings among them.
#[track_caller]
pub fn elaborate_with_warnings<C: Component>(component: &C) -> Result<(Design, Vec<Diagnostic>), Diagnostics> {
    let at = Location::caller();
    let ((), arena) = in_fresh_arena(|| {
        let name = component.name().unwrap_or_else(|| type_name::<C>());
        let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| build(component, name, at)));
        if let Err(panic) = built
            && !panic.is::<TooDeep>()
        {
            std::panic::resume_unwind(panic);
        }
    });
    if arena.failed() { Err(Diagnostics(arena.diagnostics)) } else { Ok((arena.definitions.design, arena.diagnostics)) }
}

impl Module {
    /// An instance of `component`, fed by `inputs`; gives its outputs. Each of them is called `name_output` in waveforms.
    #[track_caller]
    pub fn instance<C: Component>(self, name: &str, component: &C, inputs: C::In) -> C::Out {
        let at = Location::caller();
        with(|arena| {
            self.check(arena, at);
            arena.claim_name(name, at);
        });
        let built = built(component, name, at);
        let given = given(&inputs, &built, at);
        let mut connection = with(|arena| connect(arena, self, name, &built, &given, at));
        let mut outputs = built.outputs.downcast_ref::<C::Out>().expect("a component's key holds its type, and so its outputs").clone();
        let mut leaves = built.output_leaves.iter();
        outputs.replace(&mut |handle| {
            let leaf = leaves.next().expect("a record of outputs has the leaves that it was built with");
            with(|arena| connection.outer(arena, leaf, handle))
        });
        with(|arena| connection.finish(arena));
        outputs
    }
}

/// The module of a component: the one made before for equal parameters, or a new one.
fn built<C: Component>(component: &C, instance: &str, at: Place) -> Built {
    // An array asks for the same component again and again: its text goes where the last one's was.
    let mut text = with(|arena| std::mem::take(&mut arena.component_text));
    text.clear();
    write!(text, "{component:?}").expect("a string takes any text");
    let known = with(|arena| arena.built.get(&TypeId::of::<C>()).and_then(|of_type| of_type.get(&text)).cloned());
    if let Some(built) = known {
        with(|arena| arena.component_text = text);
        return built;
    }
    let built = build(component, instance.to_string(), at);
    with(|arena| arena.built.entry(TypeId::of::<C>()).or_default().insert(text, built.clone()));
    built
}

fn build<C: Component>(component: &C, instance: String, at: Place) -> Built {
    let too_deep = with(|arena| {
        let deep = arena.open.len() >= MAX_DEPTH;
        arena.open_module(instance, at, parameters(component));
        if deep {
            let help = "a component whose `build` instantiates itself needs parameters that shrink to an end".to_string();
            arena.error(at, format!("components nest deeper than {MAX_DEPTH}"), vec![], Some(help));
        }
        deep
    });
    if too_deep {
        // Nothing sensible can be built, and going on would never end: leave through the panic that elaboration turns back.
        std::panic::resume_unwind(Box::new(TooDeep));
    }
    let module = with(|arena| Module { serial: arena.current().serial, domain: DomainId(0) });
    let inputs = component.inputs();
    let input_leaves: Rc<[PortLeaf]> = with(|arena| name_inputs(arena, &inputs)).into();
    let mut streams = Vec::new();
    inputs.visit_streams("", &mut |name, stream| streams.push((name.to_string(), stream, StreamDirection::Input)));
    let outputs = component.build(module, inputs);
    outputs.visit_streams("", &mut |name, stream| streams.push((name.to_string(), stream, StreamDirection::Output)));
    let mut output_leaves = Vec::new();
    outputs.visit("", &mut |leaf, handle| output_leaves.push((Name::new(leaf), handle)));
    let (module, output_leaves) = with(|arena| {
        let output_leaves = finish::declare_outputs(arena, &input_leaves, &output_leaves, at);
        finish::probe_streams(arena, streams);
        (finish::close(arena, component.name(), &type_name::<C>(), at), output_leaves)
    });
    Built { module, outputs: Rc::new(outputs), input_leaves, output_leaves: output_leaves.into() }
}

/// Unwinds an elaboration that nests without end; its error has been reported.
struct TooDeep;

fn parameters<C: Component>(component: &C) -> String {
    let text = format!("{component:?}");
    // `Name { a: 1 }` becomes `a: 1`; a unit struct has none.
    let record = text.split_once(" { ").and_then(|(name, rest)| rest.strip_suffix(" }").filter(|_| !name.contains('(')));
    let tuple = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let parameters = record.or(tuple).unwrap_or_default();
    match parameters.char_indices().nth(MAX_PARAMETERS) {
        Some((end, _)) => format!("{} ...", &parameters[..end]),
        None => parameters.to_string(),
    }
}

/// `MacPe` becomes `mac_pe`.
fn type_name<C>() -> String {
    let path = std::any::type_name::<C>();
    let base = path.split('<').next().unwrap_or(path).rsplit("::").next().unwrap_or(path);
    let letters: Vec<char> = base.chars().collect();
    let mut name = String::new();
    for (i, c) in letters.iter().enumerate() {
        // A word begins at a capital that follows a small letter, or that ends a row of capitals: `PEArray`.
        let small = |i: usize| letters.get(i).is_some_and(|c| !c.is_uppercase());
        if c.is_uppercase() && i > 0 && !name.ends_with('_') && (small(i - 1) || small(i + 1) && i + 1 < letters.len()) {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Names the input ports after the record's fields, puts them in the fields' order, and lists the record's leaves.
fn name_inputs<B: Bundle>(arena: &mut Arena, inputs: &B) -> Vec<PortLeaf> {
    let mut leaves = Vec::new();
    let mut ports = Vec::new();
    inputs.visit("", &mut |name, leaf| {
        let (handle, reverse) = match leaf {
            Leaf::Forward(signal) => (signal, false),
            Leaf::Reverse(wire) => (*wire, true),
        };
        let place = arena.place(handle);
        arena.claim_name(name, place);
        let ty = arena.ty(handle);
        let module = arena.current();
        let declared = matches!(module.module.cell(handle.cell), Cell::Input(_) | Cell::Wire(_));
        if !declared || module.module.info[handle.cell.index()].name.is_some() {
            let help = "each field of the inputs is a `port(..)`, `back(..)` or `Stream::port(..)` of its own".to_string();
            return arena.error(place, format!("input `{name}` is not a port of its own"), vec![], Some(help));
        }
        module.set_name(handle.cell, name);
        if !reverse {
            module.module.cells[handle.cell.index()] = Cell::Input(ports.len() as u32);
            ports.push(InputPort { name: name.into(), cell: handle.cell });
        }
        let poisoned = arena.is_poisoned(handle);
        leaves.push(PortLeaf { name: name.into(), ty, reverse, place, poisoned });
    });
    // A port that no field holds could never be fed.
    let declared = std::mem::take(&mut arena.current().module.inputs);
    for stray in declared.into_iter().filter(|d| ports.iter().all(|p| p.cell != d.cell)) {
        let place = arena.current().places[stray.cell.index()];
        arena.error(place, "a port is declared but is no field of the inputs", vec![], Some("return it in the record of inputs".into()));
    }
    arena.current().module.inputs = ports;
    leaves
}

/// An instance being connected. The child's ports are met in the order in which `finish::declare_outputs` numbers them: outputs
/// within the record of inputs first, then the record of outputs; inputs likewise.
struct Connection<'a> {
    id: InstanceId,
    name: &'a str,
    inputs: Vec<CellId>,
    next_output: u32,
    place: Place,
}

/// What a record of inputs gives for each leaf that the component declares. One of other leaves (vectors of other lengths) is
/// reported, and gives what has the names.
fn given<B: Bundle>(inputs: &B, built: &Built, at: Place) -> SmallVec<[Option<Leaf>; 4]> {
    let leaves = &built.input_leaves;
    let mut given = SmallVec::with_capacity(leaves.len());
    let mut as_declared = true;
    inputs.visit("", &mut |name, handle| {
        as_declared &= leaves.get(given.len()).is_some_and(|leaf| leaf.name == name);
        given.push(Some(handle));
    });
    if as_declared && given.len() == leaves.len() {
        return given;
    }
    let mut named = Vec::new();
    inputs.visit("", &mut |name, handle| named.push((name.to_string(), handle)));
    with(|arena| report_shape(arena, built, &named, at));
    leaves.iter().map(|leaf| named.iter().find(|(name, _)| *name == leaf.name).map(|(_, handle)| *handle)).collect()
}

fn connect<'a>(arena: &mut Arena, parent: Module, name: &'a str, built: &Built, given: &[Option<Leaf>], at: Place) -> Connection<'a> {
    let child = arena.definitions.module(built.module);
    let input_count = child.inputs.len();
    let shared_domains: Vec<String> = child.domains.iter().skip(1).map(|d| d.name.clone()).collect();
    let mut domains = vec![parent.domain];
    domains.extend(shared_domains.iter().map(|name| arena.domain(name)));
    let location = Some(arena.location(at));
    let instances = &mut arena.current().module.instances;
    let id = InstanceId(instances.len() as u32);
    instances.push(Instance { name: name.into(), module: built.module, inputs: Vec::new(), domains, location });
    let mut connection = Connection { id, name, inputs: Vec::with_capacity(input_count), next_output: 0, place: at };
    for (leaf, &handle) in built.input_leaves.iter().zip(given) {
        match (leaf.reverse, handle) {
            (false, Some(Leaf::Forward(signal))) => {
                let signal = checked_input(arena, leaf, signal, built.module, at);
                connection.inputs.push(signal.cell);
            }
            (false, _) => {
                let poison = arena.poison(leaf.ty, at);
                connection.inputs.push(poison.cell);
            }
            (true, handle) => {
                let answer = connection.output(arena, leaf);
                if let Some(Leaf::Reverse(wire)) = handle {
                    let wire = arena.own(*wire, at);
                    drive_under(arena, SmallVec::new(), wire, answer, at);
                }
            }
        }
    }
    connection
}

/// Reports a record of other leaves than the component declares.
fn report_shape(arena: &mut Arena, built: &Built, given: &[(String, Leaf)], at: Place) {
    let (child, leaves) = (&arena.definitions.module(built.module).name, &built.input_leaves);
    let missing = leaves.iter().find(|leaf| given.iter().all(|(name, _)| *name != leaf.name));
    let surplus = given.iter().find(|(name, _)| leaves.iter().all(|leaf| leaf.name != *name));
    let (message, declared) = match (missing, surplus) {
        (Some(leaf), _) => (format!("`{child}` has an input `{}` that is not given", leaf.name), Some(leaf)),
        (None, Some((name, _))) => (format!("`{child}` has no input `{name}`"), leaves.last()),
        (None, None) => return,
    };
    let note = |leaf: &PortLeaf| Note { message: format!("its input `{}` is declared here", leaf.name), at: leaf.place };
    arena.error(
        at,
        message,
        declared.map(note).into_iter().collect(),
        Some("vectors must have the lengths that the component's `inputs` declares".into()),
    );
}

fn checked_input(arena: &mut Arena, leaf: &PortLeaf, signal: Signal, child: ModuleId, at: Place) -> Signal {
    let signal = arena.own(signal, at);
    let ty = arena.ty(signal);
    if arena.is_poisoned(signal) || leaf.poisoned || ty == leaf.ty {
        return signal;
    }
    let port = Note { message: format!("`{}` is declared here", leaf.name), at: leaf.place };
    let notes = vec![port, arena.origin(signal)];
    let given = arena.describe(signal);
    let message = format!("input `{}` of `{}` is {}, connected to {given}", leaf.name, arena.definitions.module(child).name, leaf.ty);
    arena.error(at, message, notes, Some(conversion(ty, leaf.ty)));
    arena.poison(leaf.ty, at)
}

impl Connection<'_> {
    /// The parent's handle for the child's next output port, which shows `leaf`.
    fn output(&mut self, arena: &mut Arena, leaf: &PortLeaf) -> Signal {
        let signal = arena.push(Cell::InstanceOutput { instance: self.id, port: self.next_output }, leaf.ty, self.place);
        self.next_output += 1;
        self.name(arena, leaf, signal)
    }

    /// The parent's handle in the place of `inner`, a leaf of the child's outputs.
    fn outer(&mut self, arena: &mut Arena, leaf: &PortLeaf, inner: Leaf) -> Leaf {
        match inner {
            Leaf::Forward(_) => Leaf::Forward(self.output(arena, leaf)),
            Leaf::Reverse(_) => {
                let wire = undriven_wire(arena, leaf.ty, self.place);
                let wire = self.name(arena, leaf, wire);
                arena.current().add_answer(wire);
                self.inputs.push(wire.cell);
                Leaf::Reverse(Wire(wire))
            }
        }
    }

    /// Calls the parent's handle for `leaf` after the instance and the port.
    fn name(&self, arena: &mut Arena, leaf: &PortLeaf, signal: Signal) -> Signal {
        let open = arena.current();
        let name = open.free_name(join(self.name, &leaf.name), self.place);
        open.set_name(signal.cell, name);
        if leaf.poisoned {
            open.poisoned.insert(signal.cell);
        }
        signal
    }

    fn finish(self, arena: &mut Arena) {
        arena.current().module.instances[self.id.index()].inputs = self.inputs;
    }
}
