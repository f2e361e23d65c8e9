//! Ready/valid streams.
//!
//! A transfer is a cycle with `valid` and `ready` both 1. `valid` never waits for `ready`, and while a stream is stalled
//! (`valid` without `ready`) its data hold. Whoever consumes a stream drives its `ready`.

use std::panic::Location;

use super::arena::with;
use super::bundle::{Bundle, Leaf, join};
use super::component::{back, port};
use super::module::{Module, Wire};
use super::signal::Signal;
use crate::design::{LevelProbe, StreamDirection, StreamProbe};
use crate::types::Type;

/// A stream of words: `data` and `valid` from the producer, `ready` from the consumer.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// What is transferred.
    pub data: Signal,
    /// One bit: the producer offers `data`.
    pub valid: Signal,
    /// One bit, driven by the consumer: it takes `data` at the end of a cycle in which it is offered.
    pub ready: Wire,
}

impl Stream {
    /// Declares a stream of words of type `ty` in a record of inputs.
    #[track_caller]
    pub fn port(ty: Type) -> Stream {
        Stream { data: port(ty), valid: port(Type::BIT), ready: back(Type::BIT) }
    }

    /// One bit: a transfer happens in this cycle.
    #[track_caller]
    pub fn fires(self) -> Signal {
        self.valid & *self.ready
    }

    /// The same stream with each word replaced by a function of it, combinationally.
    pub fn map(self, f: impl FnOnce(Signal) -> Signal) -> Stream {
        Stream { data: f(self.data), ..self }
    }
}

impl Module {
    /// A stream made here: the producer's `data` and `valid`; its `ready` wire is for the consumer to drive.
    /// Counted by the simulator under `name`.
    #[track_caller]
    pub fn stream(self, name: &str, data: Signal, valid: Signal) -> Stream {
        let at = Location::caller();
        let stream = Stream { data, valid, ready: self.wire(&join(name, "ready"), Type::BIT) };
        with(|arena| {
            let [data, valid, ready] = [data, valid, *stream.ready].map(|s| arena.own(s, at));
            if arena.ty(valid) != Type::BIT && !arena.is_poisoned(valid) {
                let (message, note) = (format!("{} is no `valid` of a stream", arena.describe(valid)), arena.origin(valid));
                return arena.error(at, message, vec![note], Some("`valid` is one bit: compare, or use `.any()`".into()));
            }
            arena.current().answers.insert(ready.cell);
            let [data, valid, ready] = [data, valid, ready].map(|s| s.cell);
            let probe =
                StreamProbe { name: name.to_string(), data, valid, ready, domain: self.domain, direction: StreamDirection::Internal };
            arena.current().module.streams.push(probe);
        });
        stream
    }

    /// Lets the simulator report the high-water mark of a fill level of at most `capacity`, an unsigned signal.
    #[track_caller]
    pub fn probe_level(self, name: &str, level: Signal, capacity: u32) {
        let at = Location::caller();
        with(|arena| {
            let level = arena.own(level, at);
            if arena.ty(level).is_signed() {
                let (message, note) = (format!("{} cannot be a fill level", arena.describe(level)), arena.origin(level));
                arena.error(at, message, vec![note], Some("a fill level is unsigned: `.reinterpret(Type::u(..))`".into()));
            }
            let levels = &mut arena.current().module.levels;
            if levels.iter().any(|l| l.name == name) {
                let help = "give each fill level of a module a name of its own".to_string();
                return arena.error(at, format!("two fill levels are named `{name}`"), vec![], Some(help));
            }
            levels.push(LevelProbe { name: name.to_string(), level: level.cell, capacity });
        });
    }
}

impl Bundle for Stream {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf)) {
        self.data.visit(&join(path, "data"), visit);
        self.valid.visit(&join(path, "valid"), visit);
        self.ready.visit(&join(path, "ready"), visit);
    }

    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf) {
        self.data.replace(replace);
        self.valid.replace(replace);
        self.ready.replace(replace);
    }

    fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, Stream)) {
        visit(path, *self);
    }
}
