//! The module being described: registers, wires, conditions.

use std::ops::Deref;
use std::panic::Location;

use smallvec::SmallVec;

use super::arena::{Arena, Drive, Guard, with};
use super::diagnostic::{Note, Place};
use super::literal::Operand;
use super::remedy::conversion;
use super::signal::Signal;
use crate::design::{Cell, CellId, DomainId};
use crate::types::{MAX_WIDTH, Type};
use crate::value::Value;

/// A `Copy` handle to the module being described, in one of its clock domains.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    pub(crate) serial: u32,
    pub(crate) domain: DomainId,
}

/// A register: takes its next value at each clock edge, keeps its value where none is given, starts at and resets to zero
/// unless told otherwise. Dereferences to its value as a [`Signal`].
#[derive(Clone, Copy, Debug)]
pub struct Reg(pub(crate) Signal);

/// A signal that is driven after it is made: what closes a loop through a register or answers a stream.
#[derive(Clone, Copy, Debug)]
pub struct Wire(pub(crate) Signal);

macro_rules! value_of {
    ($($T:ty),*) => {$(
        impl Deref for $T {
            type Target = Signal;

            fn deref(&self) -> &Signal {
                &self.0
            }
        }

        impl From<$T> for Signal {
            fn from(handle: $T) -> Signal {
                handle.0
            }
        }
    )*};
}
value_of!(Reg, Wire);

impl Reg {
    /// Gives the next value; under [`Module::when`] only where the condition holds. A later statement overrides an earlier one.
    #[track_caller]
    pub fn next(self, value: impl Operand) {
        drive(self.0, value, Location::caller());
    }

    /// Sets the value at the start and on reset.
    #[track_caller]
    pub fn resets_to(self, value: impl Operand) -> Reg {
        let at = Location::caller();
        with(|arena| {
            let target = arena.own(self.0, at);
            let ty = arena.ty(target);
            let like = arena.like(target);
            let value = arena.operand(value, like, at);
            if arena.is_poisoned(target) || arena.is_poisoned(value) {
                return;
            }
            let constant = match arena.current().module.cell(value.cell) {
                Cell::Const(constant) if constant.width() == ty.width() => Some(constant.clone()),
                _ => None,
            };
            match (constant, &mut arena.current().module.cells[target.cell.index()]) {
                (Some(constant), Cell::Register { initial, .. }) => *initial = constant,
                _ => {
                    let message = format!("{} is not a reset value of {}", arena.describe(value), arena.describe(target));
                    arena.error(at, message, vec![], Some(format!("a reset value is a literal of {ty}")));
                }
            }
        });
        self
    }

    /// Makes the register ignore reset; it still starts with its initial value.
    #[track_caller]
    pub fn without_reset(self) -> Reg {
        let at = Location::caller();
        with(|arena| {
            let target = arena.own(self.0, at);
            if let Cell::Register { reset, .. } = &mut arena.current().module.cells[target.cell.index()] {
                *reset = false;
            }
        });
        self
    }
}

impl Wire {
    /// Gives the value; under [`Module::when`] only where the condition holds. Every path must give one.
    #[track_caller]
    pub fn drive(self, value: impl Operand) {
        drive(self.0, value, Location::caller());
    }
}

#[track_caller]
fn drive(target: Signal, value: impl Operand, at: Place) {
    with(|arena| {
        let target = arena.own(target, at);
        let like = arena.like(target);
        let value = arena.operand(value, like, at);
        let guards: SmallVec<[Guard; 2]> = arena.current().guards.iter().copied().collect();
        drive_under(arena, guards, target, value, at);
    });
}

/// Notes that `value` drives `target` under `guards`; both are of the innermost module.
pub(crate) fn drive_under(arena: &mut Arena, guards: SmallVec<[Guard; 2]>, target: Signal, value: Signal, at: Place) {
    if arena.is_poisoned(target) {
        return;
    }
    let (ty, given) = (arena.ty(target), arena.ty(value));
    let mut value = value;
    if given != ty {
        if !arena.is_poisoned(value) {
            let notes = vec![arena.origin(target), arena.origin(value)];
            let message = format!("{} cannot take {}", arena.describe(target), arena.describe(value));
            arena.error(at, message, notes, Some(conversion(given, ty)));
        }
        value = arena.poison(ty, at);
    }
    let drives = arena.current().drives.entry(target.cell).or_default();
    // A statement that acts wherever an earlier one does leaves that one without effect.
    let hidden = drives.iter().find(|d| d.guards.starts_with(&guards)).map(|d| d.place);
    drives.push(Drive { guards, value: value.cell, place: at });
    if let Some(first) = hidden {
        let note = Note { message: "it was driven here first".into(), at: first };
        let message = format!("{} is driven twice", arena.describe(target));
        let help = match arena.current().answers.contains(&target.cell) {
            true => "a stream has one consumer; `library::fork` copies it for several",
            false => "put the default first and exceptions under `when`, or choose with `mux`",
        };
        arena.error(at, message, vec![note], Some(help.to_string()));
    }
}

impl Module {
    /// A register that starts at and resets to zero.
    #[track_caller]
    pub fn reg(self, name: &str, ty: Type) -> Reg {
        let at = Location::caller();
        with(|arena| {
            self.check(arena, at);
            let initial = Value::zero(ty.width().min(MAX_WIDTH));
            // The register feeds itself until its statements are gathered.
            let next = CellId(arena.current().module.cells.len() as u32);
            let signal = arena.push(Cell::Register { next, initial, reset: true, domain: self.domain }, ty, at);
            target(arena, signal, name, at);
            Reg(signal)
        })
    }

    /// A wire, to be driven later.
    #[track_caller]
    pub fn wire(self, name: &str, ty: Type) -> Wire {
        let at = Location::caller();
        with(|arena| {
            self.check(arena, at);
            let wire = undriven_wire(arena, ty, at);
            target(arena, wire, name, at);
            Wire(wire)
        })
    }

    /// The value of the previous cycle: a register fed every cycle.
    #[track_caller]
    pub fn delay(self, name: &str, value: impl Into<Signal>) -> Signal {
        let at = Location::caller();
        let value = value.into();
        let ty = with(|arena| {
            let value = arena.own(value, at);
            arena.ty(value)
        });
        let reg = self.reg(name, ty);
        drive(reg.0, value, at);
        *reg
    }

    /// The value of `cycles` cycles ago, through that many registers `name_1`, `name_2`, …
    #[track_caller]
    pub fn delay_by(self, name: &str, value: Signal, cycles: u32) -> Signal {
        (1..=cycles).fold(value, |value, stage| self.delay(&format!("{name}_{stage}"), value))
    }

    /// The same module in another clock domain, whose ports are `<name>_clock` and `<name>_reset`. A child instance gets the
    /// handle's domain as its default and shares the others by name.
    #[track_caller]
    pub fn in_domain(self, name: &str) -> Module {
        let at = Location::caller();
        with(|arena| {
            self.check(arena, at);
            Module { serial: self.serial, domain: arena.domain(name) }
        })
    }

    /// Reports `problem` and `remedy` unless a condition on the component's parameters holds, such as "at least one lane".
    /// The description goes on, but what follows from the refused parameters in this module is not reported.
    #[track_caller]
    pub fn require(self, holds: bool, problem: &str, remedy: &str) {
        let at = Location::caller();
        if !holds {
            with(|arena| {
                let instantiated = arena.current().instantiated;
                let note = Note { message: format!("`{}` is instantiated here", arena.current().instance), at: instantiated };
                arena.error(at, problem, vec![note], Some(remedy.to_string()));
                arena.current().refused = true;
            });
        }
    }

    /// Statements inside `then` act only where `condition` is 1.
    #[track_caller]
    pub fn when<R>(self, condition: impl Into<Signal>, then: impl FnOnce() -> R) -> Otherwise {
        let at = Location::caller();
        with(|arena| self.check(arena, at));
        Otherwise { refused: SmallVec::new() }.branch(condition.into(), then, at)
    }

    pub(crate) fn check(self, arena: &mut Arena, at: Place) {
        if self.serial != arena.current().serial {
            let here = arena.current().instance.clone();
            let help = format!("use the handle that `build` of `{here}` received");
            arena.error(at, "a module's handle is used inside another module", vec![], Some(help));
        }
    }
}

/// The branches that follow a [`Module::when`].
pub struct Otherwise {
    /// Conditions of the branches before, which did not hold.
    refused: SmallVec<[Guard; 2]>,
}

impl Otherwise {
    /// Statements inside act where no earlier condition held and this one does.
    #[track_caller]
    pub fn or_when<R>(self, condition: impl Into<Signal>, then: impl FnOnce() -> R) -> Otherwise {
        self.branch(condition.into(), then, Location::caller())
    }

    /// Statements inside act where no condition before held.
    #[track_caller]
    pub fn otherwise<R>(self, then: impl FnOnce() -> R) {
        within(&self.refused, then);
    }

    #[track_caller]
    fn branch<R>(mut self, condition: Signal, then: impl FnOnce() -> R, at: Place) -> Otherwise {
        let guard = with(|arena| {
            let mut condition = arena.own(condition, at);
            if arena.ty(condition) != Type::BIT && !arena.is_poisoned(condition) {
                let (message, note) = (format!("{} is not a condition", arena.describe(condition)), arena.origin(condition));
                arena.error(at, message, vec![note], Some("a condition is one bit: compare, or use `.any()`".into()));
                condition = arena.poison(Type::BIT, at);
            }
            let block = arena.current().next_block;
            arena.current().next_block += 1;
            Guard { block, condition: condition.cell, holds: true }
        });
        let mut guards = self.refused.clone();
        guards.push(guard);
        within(&guards, then);
        self.refused.push(Guard { holds: false, ..guard });
        self
    }
}

/// Runs `f` with further conditions in force.
#[track_caller]
fn within<R>(guards: &[Guard], f: impl FnOnce() -> R) {
    let depth = with(|arena| {
        let depth = arena.current().guards.len();
        arena.current().guards.extend_from_slice(guards);
        depth
    });
    f();
    with(|arena| arena.current().guards.truncate(depth));
}

/// A wire without a driver yet: it stands for itself until its statements are gathered.
pub(crate) fn undriven_wire(arena: &mut Arena, ty: Type, at: Place) -> Signal {
    let itself = CellId(arena.current().module.cells.len() as u32);
    arena.push(Cell::Wire(itself), ty, at)
}

/// Names a wire or register and notes that it must be driven.
pub(crate) fn target(arena: &mut Arena, signal: Signal, name: &str, at: Place) {
    arena.claim_name(name, at);
    arena.current().set_name(signal.cell, name);
    arena.current().targets.push(signal.cell);
}

/// The conjunction of the conditions in force, or `None` where there are none: what enables memory ports.
pub(crate) fn condition_in_force(arena: &mut Arena, at: Place) -> Option<Signal> {
    let guards = arena.current().guards.clone();
    let serial = arena.current().serial;
    guards.into_iter().fold(None, |all: Option<Signal>, guard| {
        let condition = Signal::new(guard.condition, serial);
        let holds = if guard.holds { condition } else { arena.push(Cell::Not(condition.cell), Type::BIT, at) };
        Some(match all {
            Some(all) => arena.push(Cell::And(all.cell, holds.cell), Type::BIT, at),
            None => holds,
        })
    })
}
