//! Clocks are no signals in a design: each is traced to the clock input of the module that it comes from.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::dependencies::Read;
use crate::diagnostic::Problem;
use crate::signals::{Role, SignalId, Signals};

/// What each clock of a module is fed by. A clock input of the module is fed by nothing.
#[derive(Default)]
pub(crate) struct Clocks {
    /// What the code assigns to each clock, without what is assigned twice, in order: rust-hdl's simulator obeys the last.
    assigned: FxHashMap<SignalId, Vec<Read>>,
    /// The clock inputs that children's clock outputs pass on.
    passed: FxHashMap<SignalId, SignalId>,
    /// Clocks that are fed by what is no clock, which has been reported.
    faulty: FxHashSet<SignalId>,
}

impl Clocks {
    /// Notes that `clock` is fed by what is no clock.
    pub fn spoil(&mut self, clock: SignalId) {
        self.faulty.insert(clock);
    }

    pub fn is_faulty(&self, clock: SignalId) -> bool {
        self.faulty.contains(&clock)
    }

    /// Notes that the code feeds `clock` from `source`.
    pub fn assign(&mut self, signals: &Signals, clock: SignalId, source: SignalId) {
        // A local clock is what it was assigned last.
        let is_own = signals.get(source).is_own() && signals.get(source).role == Role::Clock;
        let present = self.assigned.get(&source).and_then(|sources| sources.last()).filter(|_| is_own);
        let read = present.copied().unwrap_or(Read { signal: source, is_early: is_own });
        let sources = self.assigned.entry(clock).or_default();
        sources.retain(|other| other.signal != read.signal);
        sources.push(read);
    }

    /// Notes that a child passes the clock `input` on as `output`.
    pub fn pass(&mut self, output: SignalId, input: SignalId) {
        self.passed.insert(output, input);
    }

    /// What the code feeds each clock from: of several sources the last.
    pub fn assigned(&self) -> impl Iterator<Item = (SignalId, Read)> + '_ {
        self.assigned.iter().filter_map(|(&clock, sources)| Some((clock, *sources.last()?)))
    }

    /// Whether nothing feeds a clock.
    pub fn is_open(&self, clock: SignalId) -> bool {
        !self.assigned.contains_key(&clock) && !self.passed.contains_key(&clock) && !self.is_faulty(clock)
    }

    /// The signal at the start of the chain that feeds `clock`, if the chain has one.
    pub fn origin(&self, clock: SignalId) -> Option<SignalId> {
        let last = |sources: &Vec<Read>| sources.last().map(|read| read.signal);
        let source = |clock| self.assigned.get(&clock).and_then(last).or_else(|| self.passed.get(&clock).copied());
        let mut origin = clock;
        // A chain is at most as long as there are links; a longer walk runs in a circle.
        for _ in 0..=self.assigned.len() + self.passed.len() {
            match source(origin) {
                Some(source) => origin = source,
                None => return Some(origin),
            }
        }
        None
    }

    /// The clocks that are fed from two clocks. Two names of one clock are one.
    pub fn conflicts(&self, signals: &Signals) -> Vec<Problem> {
        let mut clocks: Vec<_> = self.assigned.keys().copied().collect();
        clocks.sort_unstable();
        let conflict = |clock: SignalId| {
            let sources = &self.assigned[&clock];
            let last = sources.last()?.signal;
            let other = sources.iter().map(|read| read.signal).find(|&source| self.origin(source) != self.origin(last))?;
            let reason = format!("it is fed by `{}` and by `{}`", signals.get(other).name, signals.get(last).name);
            Some(Problem::new(format!("clock `{}`", signals.get(clock).name), reason, "feed it from one clock"))
        };
        clocks.into_iter().filter_map(conflict).collect()
    }
}
