//! Memories: stated depth, word type, initial content, and for each read port its relation to writes.

use std::panic::Location;

use num_bigint::Sign;

use super::arena::{Arena, with};
use super::diagnostic::{Note, Place};
use super::literal::{Given, Like, Operand, range};
use super::module::{Module, condition_in_force};
use super::signal::Signal;
use crate::design::{self, Cell, Collision, MemoryId, Name, WritePort};
use crate::types::Type;
use crate::value::Value;

/// A memory of the module being described.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    id: u32,
    module: Module,
    ty: Type,
    /// Where it was made.
    made: Place,
    /// Its type has been refused: what follows from that is not reported again.
    refused: bool,
}

impl Module {
    /// A memory of `depth` words, all zero at the start. Its write ports act in this handle's clock domain.
    #[track_caller]
    pub fn memory(self, name: &str, depth: u32, ty: Type) -> Memory {
        let at = Location::caller();
        with(|arena| {
            self.check(arena, at);
            arena.claim_name(name, at);
            let refused = !arena.check_width(ty, at);
            if depth == 0 {
                arena.error(at, format!("memory `{name}` has no words"), vec![], Some("the depth is at least 1".into()));
            }
            let location = Some(arena.location(at));
            let memories = &mut arena.current().module.memories;
            let id = memories.len() as u32;
            memories.push(design::Memory {
                name: name.into(),
                depth: depth.max(1),
                ty: if refused { Type::BIT } else { ty },
                initial: Vec::new(),
                writes: Vec::new(),
                write_domain: self.domain,
                location,
            });
            let module = Module { serial: arena.current().serial, ..self };
            Memory { id, module, ty, made: at, refused }
        })
    }
}

impl Memory {
    /// The first words' content at the start, as raw integers (fixed point in units of the last place). Reset does not restore it.
    #[track_caller]
    pub fn initial(self, words: &[i64]) -> Memory {
        let at = Location::caller();
        with(|arena| {
            let Some(ty) = self.check(arena, at) else { return };
            let (name, depth) = (self.name(arena), arena.current().memory(self.id).depth);
            let note = self.origin(arena);
            if words.len() > depth as usize {
                let message = format!("{} initial words for memory `{name}` of {depth}", words.len());
                arena.error(at, message, vec![note.clone()], Some("give at most as many words as the memory has".into()));
            }
            let (least, greatest) = range(ty);
            if let Some(word) = words.iter().find(|&&w| least > w.into() || greatest < w.into()) {
                let message = format!("the initial word {word} does not fit memory `{name}` of {ty}");
                arena.error(at, message, vec![note], Some(format!("{ty} spans {least} to {greatest} in units of its last place")));
            }
            let words = words.iter().take(depth as usize).map(|&w| Value::from_i64(ty.width(), w)).collect();
            arena.current().memory(self.id).initial = words;
        });
        self
    }

    /// The word at `address` in this cycle, without a register. Reads zero beyond the depth.
    #[track_caller]
    pub fn read(self, address: impl Operand) -> Signal {
        let at = Location::caller();
        with(|arena| {
            let Some(ty) = self.check(arena, at) else { return arena.poison(self.ty, at) };
            let address = self.address(arena, address, at);
            if arena.is_poisoned(address) {
                return arena.poison(ty, at);
            }
            arena.push(Cell::MemoryRead { memory: MemoryId(self.id), address: address.cell }, ty, at)
        })
    }

    /// The word at `address`, taken at a clock edge at which `enable` (and every [`Module::when`] around) is 1, and held
    /// otherwise: what block RAM does. `collision` says what a write to the same word at the same edge gives.
    #[track_caller]
    pub fn read_registered(self, address: impl Operand, enable: impl Operand, collision: Collision) -> Signal {
        let at = Location::caller();
        with(|arena| {
            let Some(ty) = self.check(arena, at) else { return arena.poison(self.ty, at) };
            let address = self.address(arena, address, at);
            let enable = self.enable(arena, enable, at);
            if arena.is_poisoned(address) || arena.is_poisoned(enable) {
                return arena.poison(ty, at);
            }
            let (memory, domain) = (MemoryId(self.id), self.module.domain);
            if collision == Collision::WriteFirst && domain != arena.current().memory(self.id).write_domain {
                let message = format!("a write-first read of memory `{}` in another clock domain than its writes", self.name(arena));
                let note = self.origin(arena);
                arena.error(at, message, vec![note], Some("use `ReadFirst` or `Undefined` across domains".into()));
            }
            let (address, enable) = (address.cell, enable.cell);
            arena.push(Cell::MemoryReadRegistered { memory, address, enable, collision, domain }, ty, at)
        })
    }

    /// The same memory, for read ports in the clock domain of `module`.
    pub fn in_domain_of(self, module: Module) -> Memory {
        Memory { module, ..self }
    }

    /// Writes `data` at each edge at which `enable` (and every [`Module::when`] around) is 1. Does nothing beyond the depth;
    /// of two ports that write one word, the later statement wins.
    #[track_caller]
    pub fn write(self, address: impl Operand, data: impl Operand, enable: impl Operand) {
        let at = Location::caller();
        with(|arena| self.add_write(arena, address, data, None, enable, at));
    }

    /// Like [`Memory::write`], but only the parts whose `mask` bit is 1: bit *i* stands for the *i*-th equal part of the word from
    /// its least significant end.
    #[track_caller]
    pub fn write_masked(self, address: impl Operand, data: impl Operand, mask: Signal, enable: impl Operand) {
        let at = Location::caller();
        with(|arena| self.add_write(arena, address, data, Some(mask), enable, at));
    }

    fn add_write(
        self,
        arena: &mut Arena,
        address: impl Operand,
        data: impl Operand,
        mask: Option<Signal>,
        enable: impl Operand,
        at: Place,
    ) {
        let Some(ty) = self.check(arena, at) else { return };
        let address = self.address(arena, address, at);
        let like = Like::stated(ty, self.origin(arena));
        let data = arena.operand(data, like, at);
        let enable = self.enable(arena, enable, at);
        let mask = mask.map(|mask| arena.own(mask, at));
        if [Some(address), Some(data), Some(enable), mask].into_iter().flatten().any(|s| arena.is_poisoned(s)) {
            return;
        }
        let given = arena.ty(data);
        if given != ty {
            let (what, notes) = (arena.describe(data), vec![self.origin(arena), arena.origin(data)]);
            let message = format!("memory `{}` holds {ty} and is written with {what}", self.name(arena));
            return arena.error(at, message, notes, Some(super::remedy::conversion(given, ty)));
        }
        if let Some(mask) = mask {
            let parts = arena.ty(mask).width();
            if ty.width() % parts != 0 {
                let (message, notes) =
                    (format!("a mask of {parts} bits for words of {} bits", ty.width()), vec![self.origin(arena), arena.origin(mask)]);
                let help = "a mask has one bit for each equal part of the word, so its width divides the word's".to_string();
                return arena.error(at, message, notes, Some(help));
            }
        }
        let write_domain = arena.current().memory(self.id).write_domain;
        if self.module.domain != write_domain {
            let message = format!("memory `{}` is written in another clock domain than it was made in", self.name(arena));
            let note = self.origin(arena);
            return arena.error(at, message, vec![note], Some("all write ports of a memory act in the domain that made it".into()));
        }
        let port = WritePort { address: address.cell, data: data.cell, enable: enable.cell, mask: mask.map(|m| m.cell) };
        arena.current().memory(self.id).writes.push(port);
    }

    fn address(self, arena: &mut Arena, address: impl Operand, at: Place) -> Signal {
        let depth = arena.current().memory(self.id).depth;
        let address = address.operand();
        if let Given::Integer(number) = &address
            && (number.sign() == Sign::Minus || *number >= depth.into())
        {
            let (message, note) =
                (format!("address {number} of memory `{}`, which has {depth} words", self.name(arena)), self.origin(arena));
            arena.error(at, message, vec![note], Some(format!("addresses are 0 to {}", depth - 1)));
            return arena.poison(Type::BIT, at);
        }
        let address = arena.given(address, Type::index(depth).into(), at);
        if arena.ty(address).is_signed() && !arena.is_poisoned(address) {
            let (message, note) = (format!("{} cannot be an address", arena.describe(address)), arena.origin(address));
            arena.error(at, message, vec![note], Some("an address is unsigned: `.reinterpret(Type::u(..))`".into()));
            return arena.poison(Type::BIT, at);
        }
        address
    }

    fn enable(self, arena: &mut Arena, enable: impl Operand, at: Place) -> Signal {
        let enable = arena.operand(enable, Type::BIT, at);
        if arena.ty(enable) != Type::BIT && !arena.is_poisoned(enable) {
            let (message, note) = (format!("{} is not an enable", arena.describe(enable)), arena.origin(enable));
            arena.error(at, message, vec![note], Some("an enable is one bit: compare, or use `.any()`".into()));
            return arena.poison(Type::BIT, at);
        }
        match condition_in_force(arena, at) {
            Some(condition) => arena.push(Cell::And(condition.cell, enable.cell), Type::BIT, at),
            None => enable,
        }
    }

    /// A note that says where the memory was made.
    fn origin(self, arena: &mut Arena) -> Note {
        Note { message: format!("`{}` was made here", self.name(arena)), at: self.made }
    }

    fn name(self, arena: &mut Arena) -> Name {
        arena.current().memory(self.id).name.clone()
    }

    /// The word type, or nothing (and a report) where the memory belongs to another module.
    fn check(self, arena: &mut Arena, at: Place) -> Option<Type> {
        if self.refused {
            return None;
        }
        if self.module.serial == arena.current().serial {
            return Some(self.ty);
        }
        let home = arena.open.iter().find(|m| m.serial == self.module.serial);
        let notes = home
            .map(|m| Note { message: format!("it belongs to `{}` and was made here", m.instance), at: self.made })
            .into_iter()
            .collect();
        let help = "a memory is used in its own module; pass addresses and words through ports".to_string();
        arena.error(at, "a memory of another module is used here", notes, Some(help));
        None
    }
}
