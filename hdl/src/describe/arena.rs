//! The arena that exists only while a description is being elaborated: a stack of modules under construction.
//!
//! **Invariant.** A signal is stamped with the serial number of the module that made it. Serials are never reused in the
//! process, so a handle from another module, or from an earlier elaboration, is always recognised.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use smol_str::format_smolstr;

use super::definitions::Definitions;
use super::diagnostic::{Diagnostic, Note, Place, Severity};
use super::signal::Signal;
use crate::design::{Cell, CellId, CellInfo, Domain, DomainId, Memory, ModuleDef, ModuleId, Name, SourceLocation};
use crate::types::{MAX_WIDTH, Type};
use crate::value::Value;

thread_local! {
    static ARENA: RefCell<Option<Arena>> = const { RefCell::new(None) };
}

static SERIAL: AtomicU32 = AtomicU32::new(1);

/// State of one elaboration.
pub(crate) struct Arena {
    pub definitions: Definitions,
    /// Modules under construction, the innermost last.
    pub open: Vec<OpenModule>,
    /// Finished components by type and `Debug` text.
    pub built: FxHashMap<TypeId, FxHashMap<String, Built>>,
    /// Room for the `Debug` text of the component at hand.
    pub component_text: String,
    pub diagnostics: Vec<Diagnostic>,
    files: FxHashMap<&'static str, u32>,
    /// The place located last, and what that gave: the calls of a loop stand at one place.
    located: Option<(Place, SourceLocation)>,
    /// Finished modules by serial, for messages about strayed signals.
    finished: FxHashMap<u32, Finished>,
}

/// What is kept of a module's description when it is complete.
struct Finished {
    module: ModuleId,
    places: Vec<Place>,
}

/// A component that has been elaborated, ready to be instantiated again.
#[derive(Clone)]
pub(crate) struct Built {
    pub module: ModuleId,
    /// The record of outputs with the child's own handles: the shape that an instance's outputs take.
    pub outputs: std::rc::Rc<dyn Any>,
    /// Leaves of the record of inputs, in order.
    pub input_leaves: std::rc::Rc<[PortLeaf]>,
    /// Leaves of the record of outputs, in order.
    pub output_leaves: std::rc::Rc<[PortLeaf]>,
}

/// A leaf of a component's record of inputs or outputs.
#[derive(Clone, Debug)]
pub(crate) struct PortLeaf {
    pub name: Name,
    pub ty: Type,
    /// True for what runs against the record's direction, such as a stream's `ready`.
    pub reverse: bool,
    pub place: Place,
    /// Stands for a mistake already reported inside the component: what follows from it outside is not.
    pub poisoned: bool,
}

/// A module under construction.
pub(crate) struct OpenModule {
    pub serial: u32,
    /// Name of the instance that caused it: a step of the instance path.
    pub instance: String,
    /// Where that instance was made.
    pub instantiated: Place,
    pub module: ModuleDef,
    /// Where each cell was made, parallel to its cells.
    pub places: Vec<Place>,
    /// What drives each wire and register.
    pub drives: FxHashMap<CellId, Vec<Drive>>,
    /// Wires and registers in order of creation: what must be driven.
    pub targets: Vec<CellId>,
    /// Wires that answer a stream, driven by its consumer.
    pub answers: FxHashSet<CellId>,
    /// The parameters have been refused: what follows from that is not reported.
    pub refused: bool,
    /// Cells that stand for a mistake already reported.
    pub poisoned: FxHashSet<CellId>,
    /// Names taken by users, with the place.
    pub names: FxHashMap<Name, Place>,
    /// Conditions under which statements stand now, outermost first.
    pub guards: Vec<Guard>,
    pub next_block: u32,
    shared: FxHashMap<(Cell, Type), CellId>,
}

/// A condition around a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Guard {
    /// The `when` it belongs to: its branches share the number.
    pub block: u32,
    pub condition: CellId,
    /// True in the `when` branch, false in the `otherwise` branch.
    pub holds: bool,
}

/// A value given to a wire or register, with the conditions around it.
#[derive(Clone, Debug)]
pub(crate) struct Drive {
    pub guards: SmallVec<[Guard; 2]>,
    pub value: CellId,
    pub place: Place,
}

/// Runs `f` on the arena of the elaboration in progress.
///
/// # Panics
/// Outside `elaborate`, at the user's line: a handle means nothing there.
#[track_caller]
pub(crate) fn with<R>(f: impl FnOnce(&mut Arena) -> R) -> R {
    match ARENA.with_borrow_mut(|arena| arena.as_mut().map(f)) {
        Some(result) => result,
        None => panic!("{}: signals exist only while `elaborate` runs; keep the `Design` it returns, not its signals", Location::caller()),
    }
}

/// Puts a fresh arena in place while `f` runs and takes it out again, also when `f` panics.
pub(crate) fn in_fresh_arena<R>(f: impl FnOnce() -> R) -> (R, Arena) {
    struct Restore(Option<Arena>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ARENA.set(self.0.take());
        }
    }
    let restore = Restore(ARENA.replace(Some(Arena::new())));
    let result = f();
    let arena = ARENA.take().expect("the arena stays in place while elaboration runs");
    drop(restore);
    (result, arena)
}

impl Arena {
    fn new() -> Arena {
        Arena {
            definitions: Definitions::default(),
            open: Vec::new(),
            built: FxHashMap::default(),
            component_text: String::new(),
            diagnostics: Vec::new(),
            files: FxHashMap::default(),
            located: None,
            finished: FxHashMap::default(),
        }
    }

    /// Starts a module; the arena's innermost from now on.
    pub fn open_module(&mut self, instance: String, instantiated: Place, parameters: String) -> u32 {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        self.open.push(OpenModule {
            serial,
            instance,
            instantiated,
            module: ModuleDef { parameters, domains: vec![Domain { name: String::new() }], ..ModuleDef::default() },
            places: Vec::new(),
            drives: FxHashMap::default(),
            targets: Vec::new(),
            answers: FxHashSet::default(),
            refused: false,
            poisoned: FxHashSet::default(),
            names: FxHashMap::default(),
            guards: Vec::new(),
            next_block: 0,
            shared: FxHashMap::default(),
        });
        serial
    }

    /// Ends the innermost module, which adds `id` to the design unless an equal one is there under that id.
    pub fn close_module(&mut self, id: ModuleId) -> ModuleDef {
        let open = self.open.pop().expect("a module is closed once, by the call that opened it");
        self.finished.insert(open.serial, Finished { module: id, places: open.places });
        let mut module = open.module;
        module.cells.shrink_to_fit();
        module.info.shrink_to_fit();
        module.instances.shrink_to_fit();
        module.outputs.shrink_to_fit();
        module
    }

    /// The innermost module.
    pub fn current(&mut self) -> &mut OpenModule {
        self.open.last_mut().expect("an elaboration always has an open module")
    }

    /// Path of the instance under construction; of a very long one its ends.
    pub fn instance_path(&self) -> String {
        let path = |open: &[OpenModule]| open.iter().map(|m| m.instance.as_str()).collect::<Vec<_>>().join(".");
        match self.open.len() {
            0..=16 => path(&self.open),
            length => format!("{}.({} more).{}", path(&self.open[..4]), length - 8, path(&self.open[length - 4..])),
        }
    }

    /// Whether a mistake has been reported.
    pub fn failed(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    pub fn error(&mut self, at: Place, message: impl Into<String>, notes: Vec<Note>, help: Option<String>) {
        self.report(Severity::Error, at, message.into(), notes, help);
    }

    pub fn report(&mut self, severity: Severity, at: Place, message: String, notes: Vec<Note>, help: Option<String>) {
        if self.open.last().is_some_and(|open| open.refused) {
            return;
        }
        let instance = self.instance_path();
        self.diagnostics.push(Diagnostic { severity, message, at, instance, notes, help });
    }

    /// A source location for the netlist.
    pub fn location(&mut self, at: Place) -> SourceLocation {
        if let Some((_, location)) = self.located.filter(|(place, _)| std::ptr::eq(*place, at)) {
            return location;
        }
        let known = self.files.get(at.file()).copied();
        let file = known.unwrap_or_else(|| self.file(&at.file().replace('\\', "/")));
        self.files.insert(at.file(), file);
        let location = SourceLocation { file, line: at.line(), column: at.column() };
        self.located = Some((at, location));
        location
    }

    /// The number of a source file in the netlist.
    pub fn file(&mut self, path: &str) -> u32 {
        let files = &mut self.definitions.design.files;
        let known = files.iter().position(|file| file == path);
        known.unwrap_or_else(|| {
            files.push(path.to_string());
            files.len() - 1
        }) as u32
    }

    /// Adds a cell to the innermost module. Unnamed pure cells are shared.
    pub fn push(&mut self, cell: Cell, ty: Type, at: Place) -> Signal {
        if !self.check_width(ty, at) {
            return self.poison(ty, at);
        }
        let pure = !matches!(cell, Cell::Input(_) | Cell::Wire(_) | Cell::InstanceOutput { .. }) && !cell.is_sequential();
        if pure && let Some(&id) = self.current().shared.get(&(cell.clone(), ty)) {
            return Signal::new(id, self.current().serial);
        }
        let location = Some(self.location(at));
        let module = self.current();
        let id = CellId(module.module.cells.len() as u32);
        if pure {
            module.shared.insert((cell.clone(), ty), id);
        }
        module.module.cells.push(cell);
        module.module.info.push(CellInfo { ty, name: None, location, states: Box::default() });
        module.places.push(at);
        Signal::new(id, module.serial)
    }

    /// Whether a signal can have this type; reports why not.
    pub fn check_width(&mut self, ty: Type, at: Place) -> bool {
        match ty.width() {
            1..=MAX_WIDTH => return true,
            0 => self.error(at, format!("`{ty}` has no bits"), vec![], Some("a signal is at least 1 bit wide".into())),
            width => {
                let help = format!("the widest signal is {MAX_WIDTH} bits; split it into lanes or put it into a memory");
                self.error(at, format!("a signal of {width} bits is too wide"), vec![], Some(help));
            }
        }
        false
    }

    /// A constant.
    pub fn constant(&mut self, value: Value, ty: Type, at: Place) -> Signal {
        self.push(Cell::Const(value), ty, at)
    }

    /// A stand-in for a value that could not be made; the mistake has been reported, and what follows from it is not.
    pub fn poison(&mut self, ty: Type, at: Place) -> Signal {
        let ty = if (1..=MAX_WIDTH).contains(&ty.width()) { ty } else { Type::BIT };
        // A wire of its own, so that no sound constant is shared with it.
        let zero = self.push(Cell::Const(Value::zero(ty.width())), ty, at);
        let poison = self.push(Cell::Wire(zero.cell), ty, at);
        self.current().poisoned.insert(poison.cell);
        poison
    }

    pub fn is_poisoned(&mut self, signal: Signal) -> bool {
        self.current().poisoned.contains(&signal.cell)
    }

    pub fn ty(&mut self, signal: Signal) -> Type {
        self.current().module.ty(signal.cell)
    }

    pub fn place(&mut self, signal: Signal) -> Place {
        self.current().places[signal.cell.index()]
    }

    /// The signal itself if it lives in the innermost module; otherwise reports where it comes from and gives a poison value.
    pub fn own(&mut self, signal: Signal, at: Place) -> Signal {
        if signal.module == self.current().serial {
            return signal;
        }
        let here = self.current().instance.clone();
        let parent = self.open.iter().find(|m| m.serial == signal.module);
        let finished = self.finished.get(&signal.module);
        let home = match (parent, finished) {
            (Some(parent), _) => Some((&parent.module, &parent.places, parent.instance.as_str())),
            (None, Some(finished)) => Some(self.definitions.module(finished.module)).map(|m| (m, &finished.places, m.name.as_str())),
            (None, None) => None,
        };
        let help = match (parent, finished) {
            (Some(_), _) => "pass it in through a field of the component's inputs",
            (None, Some(_)) => "return it in a field of that component's outputs and use the instance's result",
            (None, None) => "signals live only while the `elaborate` that made them runs; make it anew here",
        };
        let (message, notes, ty) = match home {
            Some((module, places, name)) => {
                let info = &module.info[signal.cell.index()];
                let what = what(info);
                let note = Note { message: format!("{what} was made here"), at: places[signal.cell.index()] };
                (format!("{what} of `{name}` is used inside `{here}`, outside its module"), vec![note], info.ty)
            }
            None => ("a signal of another design is used here".to_string(), vec![], Type::BIT),
        };
        self.error(at, message, notes, Some(help.to_string()));
        self.poison(ty, at)
    }

    /// `` `name` (type) ``, the number of a constant, or just the type.
    pub fn describe(&mut self, signal: Signal) -> String {
        if let Cell::Const(value) = self.current().module.cell(signal.cell) {
            let value = value.clone();
            let ty = self.ty(signal);
            let number = value.to_number(ty);
            return match ty.frac() {
                0 => format!("the constant {number} ({ty})"),
                frac => format!("the constant {number}·2^-{frac} ({ty})"),
            };
        }
        what(&self.current().module.info[signal.cell.index()])
    }

    /// Where the cells of a finished module were made; none for one that came with a finished design.
    pub fn places_of(&self, module: ModuleId) -> Option<&[Place]> {
        let of_module = self.finished.iter().filter(|(_, finished)| finished.module == module);
        of_module.min_by_key(|(serial, _)| **serial).map(|(_, finished)| finished.places.as_slice())
    }

    /// A note that says where a signal was made.
    pub fn origin(&mut self, signal: Signal) -> Note {
        Note { message: format!("{} was made here", self.describe(signal)), at: self.place(signal) }
    }

    /// Gives a cell a user's name that must be free in the module.
    pub fn claim_name(&mut self, name: &str, at: Place) {
        if name.is_empty() {
            return self.error(at, "a name is empty", vec![], Some("registers, memories, instances and ports need a name".into()));
        }
        if let Some(&first) = self.current().names.get(name) {
            let help = "names stand once in a module; add an index or a prefix, e.g. `format!(\"{name}_{i}\")`".to_string();
            let notes = vec![Note { message: "the first one is here".into(), at: first }];
            self.error(at, format!("the name `{name}` is used twice in this module"), notes, Some(help));
        } else {
            self.current().names.insert(name.into(), at);
        }
    }

    /// The domain of this name in the innermost module, made on first use.
    pub fn domain(&mut self, name: &str) -> DomainId {
        let domains = &mut self.current().module.domains;
        let known = domains.iter().position(|d| d.name == name);
        DomainId(known.unwrap_or_else(|| {
            domains.push(Domain { name: name.to_string() });
            domains.len() - 1
        }) as u32)
    }
}

/// What messages call a signal.
pub(crate) fn what(info: &CellInfo) -> String {
    match &info.name {
        Some(name) => format!("`{name}` ({})", info.ty),
        None => format!("{} {} value", if info.ty.to_string().starts_with('s') { "an" } else { "a" }, info.ty),
    }
}

impl OpenModule {
    /// A name like `wish` that is still free, and takes it.
    pub fn free_name(&mut self, wish: Name, at: Place) -> Name {
        let mut name = wish.clone();
        let mut suffix = 1;
        loop {
            if let Entry::Vacant(free) = self.names.entry(name.clone()) {
                free.insert(at);
                return name;
            }
            name = format_smolstr!("{wish}_{suffix}");
            suffix += 1;
        }
    }

    /// Notes that `wire` answers a stream and must be driven.
    pub fn add_answer(&mut self, wire: Signal) {
        self.targets.push(wire.cell);
        self.answers.insert(wire.cell);
    }

    pub fn set_name(&mut self, cell: CellId, name: impl Into<Name>) {
        self.module.info[cell.index()].name = Some(name.into());
    }

    pub fn memory(&mut self, index: u32) -> &mut Memory {
        &mut self.module.memories[index as usize]
    }
}
