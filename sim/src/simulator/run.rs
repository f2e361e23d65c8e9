//! Time: single steps, reset, runs with an aim, and who looks on.

use std::any::Any;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use systole_hdl::Value;
use systole_hdl::design::MemoryId;

use super::{RunError, Simulator, SinkHandle};
use crate::deadlock::{self, Aim, Certainty, Situation};
use crate::engine::DomainSet;
use crate::hierarchy::NodeId;
use crate::observer::{Observer, ObserverError};
use crate::streams::StallPattern;

/// An observer at work, to have it back from [`Simulator::detach`].
#[derive(Debug)]
pub struct Attached<O> {
    index: usize,
    observer: PhantomData<O>,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The current cycle.
    pub cycle: u64,
    /// The cycle in which the run began.
    pub began: u64,
    /// The most cycles the run may take.
    pub limit: u64,
}

type ProgressCallback = Box<dyn FnMut(Progress) -> ControlFlow<()> + Send>;

/// Observers and the progress callback.
#[derive(Default)]
pub(super) struct Attachments {
    observers: Vec<Option<Box<dyn Observer>>>,
    progress: Option<(u64, ProgressCallback)>,
}

/// When to suspect a deadlock.
pub(super) struct Watch {
    window: Option<u64>,
    derived_window: u64,
    drivers: usize,
    /// The first cycle since which nothing has been transferred or changed from outside.
    quiet_since: u64,
    /// Not to be looked into before this cycle.
    next_look: u64,
}

/// Cycles without a transfer before a first look, so that looking costs nothing in a healthy run.
const FIRST_LOOK: u64 = 64;

impl Watch {
    pub fn new(window: Option<u64>, largest_memory: u32) -> Watch {
        // A circuit may well work through its largest memory several times between two transfers.
        let derived_window = 10_000 + 16 * u64::from(largest_memory);
        Watch { window, derived_window, drivers: 0, quiet_since: 0, next_look: FIRST_LOOK }
    }

    pub fn has_driver(&mut self, pattern: StallPattern) {
        self.drivers += 1;
        self.derived_window = self.derived_window.saturating_add(pattern.patience());
    }

    pub fn something_moved(&mut self, cycle: u64) {
        self.quiet_since = cycle;
        self.next_look = cycle + FIRST_LOOK.min(self.window.unwrap_or(FIRST_LOOK));
    }

    fn window(&self) -> u64 {
        self.window.unwrap_or(self.derived_window)
    }
}

impl Simulator {
    /// Runs `cycles` cycles.
    ///
    /// # Errors
    /// If an observer gives up, engines in lockstep differ, or [`Simulator::on_progress`] stops it.
    pub fn step(&mut self, cycles: u64) -> Result<(), RunError> {
        let idle = self.sources.is_empty() && self.sinks.is_empty() && self.counters.is_none() && self.attachments.is_empty();
        if let (true, Some(domains)) = (idle, self.clocks.uniform()) {
            self.settle();
            self.engine.advance(domains, cycles);
            self.cycle += cycles;
            return self.check_engine();
        }
        let began = self.cycle;
        for _ in 0..cycles {
            self.end_cycle()?;
            self.report_progress(began, cycles)?;
        }
        Ok(())
    }

    /// Holds the reset of all domains at 1 until each has had an edge (one cycle, if all clocks tick every cycle), then at 0.
    /// Time goes on; memories keep their content; stream drivers hold still and nothing is counted meanwhile.
    ///
    /// # Errors
    /// If an observer gives up, or engines in lockstep differ.
    pub fn reset(&mut self) -> Result<(), RunError> {
        self.hold_reset(true);
        let result = (0..self.clocks.longest_period()).try_for_each(|_| self.end_cycle());
        self.hold_reset(false);
        result
    }

    fn hold_reset(&mut self, asserted: bool) {
        for domain in self.clocks.all().iter() {
            self.engine.set_reset(domain, asserted);
        }
        self.touched();
    }

    /// Runs until `done` holds in a settled cycle; returns how many cycles that took.
    ///
    /// # Errors
    /// If it does not hold within `limit` cycles; if nothing moves any more while a source has words left or a stream is
    /// stalled; if an observer gives up; if engines in lockstep differ.
    pub fn run_until(&mut self, mut done: impl FnMut(&mut Simulator) -> bool, limit: u64) -> Result<u64, RunError> {
        self.run(&mut done, Aim::Condition, limit)
    }

    /// Runs until a sink has taken `count` words in all; returns how many cycles that took.
    ///
    /// # Errors
    /// If it has not within `limit` cycles; if nothing moves any more; if an observer gives up; if engines in
    /// lockstep differ.
    pub fn run_until_received(&mut self, sink: SinkHandle, count: usize, limit: u64) -> Result<u64, RunError> {
        self.run(&mut |sim| sim.sinks[sink.0].received.len() >= count, Aim::Received(sink.0), limit)
    }

    /// Runs until every source's words have been taken and nothing has been transferred anywhere for `quiet` cycles; returns
    /// how many cycles that took, the quiet ones included.
    ///
    /// # Errors
    /// As [`Simulator::run_until`].
    pub fn run_until_quiet(&mut self, quiet: u64, limit: u64) -> Result<u64, RunError> {
        let mut done = |sim: &mut Simulator| {
            let all_taken = sim.sources.iter().all(|source| source.pending() == 0);
            all_taken && sim.cycle - sim.watch.quiet_since >= quiet
        };
        self.run(&mut done, Aim::AllSent, limit)
    }

    fn run(&mut self, done: &mut dyn FnMut(&mut Simulator) -> bool, aim: Aim, limit: u64) -> Result<u64, RunError> {
        let began = self.cycle;
        self.watch.something_moved(began);
        loop {
            self.settle();
            let is_done = done(self);
            self.check_engine()?;
            if is_done {
                return Ok(self.cycle - began);
            }
            if self.cycle - began >= limit {
                return Err(RunError::CycleLimit { limit, cycle: self.cycle });
            }
            self.look_for_deadlock(aim)?;
            self.end_cycle()?;
            self.report_progress(began, limit)?;
        }
    }

    /// An engine that checks itself has found no difference yet.
    fn check_engine(&self) -> Result<(), RunError> {
        self.engine.difference().map_or(Ok(()), |difference| Err(RunError::EnginesDiffer(Box::new(difference.clone()))))
    }

    /// Lets everything settle, looks at the cycle and ends it.
    fn end_cycle(&mut self) -> Result<(), RunError> {
        self.settle();
        self.check_engine()?;
        let edges = self.clocks.edges(self.cycle);
        for observer in self.attachments.observers.iter_mut().flatten() {
            observer.observe(self.cycle, &*self.engine, edges).map_err(|error| RunError::Observer { cycle: self.cycle, error })?;
        }
        let mut moved = false;
        if let Some(counters) = &mut self.counters {
            let in_reset = |domain| self.engine.reset(domain);
            let counted = edges.iter().filter(|&domain| !in_reset(domain)).fold(DomainSet::EMPTY, DomainSet::with);
            moved |= counters.count(&*self.engine, counted);
        }
        for source in &mut self.sources {
            moved |= source.end_cycle(&*self.engine, edges, self.cycle);
        }
        for sink in &mut self.sinks {
            moved |= sink.end_cycle(&*self.engine, edges, self.cycle);
        }
        self.engine.edge(edges);
        self.cycle += 1;
        self.unsettled = true;
        if moved {
            self.watch.something_moved(self.cycle);
        }
        Ok(())
    }

    fn look_for_deadlock(&mut self, aim: Aim) -> Result<(), RunError> {
        let quiet = self.cycle - self.watch.quiet_since;
        if self.watch.drivers == 0 || self.cycle < self.watch.next_look {
            return Ok(());
        }
        // Ever more rarely, but not past the end of the window.
        self.watch.next_look = (self.cycle + quiet / 2 + 1).min(self.watch.quiet_since + self.watch.window().max(quiet + 1));
        let all_clocks = self.clocks.all();
        if all_clocks.iter().any(|domain| self.engine.reset(domain)) {
            return Ok(());
        }
        self.show_willing();
        let explanation = self.explain_if_stuck(quiet, all_clocks, aim);
        self.unsettled = true;
        self.settle();
        explanation.map_or(Ok(()), |explanation| Err(RunError::Deadlock(Box::new(explanation))))
    }

    /// Sets every driver that is ever active to active and settles: if nothing moves now, it is the circuit's doing.
    fn show_willing(&mut self) {
        for source in &self.sources {
            source.present(&mut *self.engine, source.will_offer());
        }
        for sink in &self.sinks {
            sink.present(&mut *self.engine, sink.pattern().is_ever_active());
        }
        self.engine.settle();
    }

    fn explain_if_stuck(&self, quiet: u64, all_clocks: DomainSet, aim: Aim) -> Option<deadlock::Explanation> {
        let engine = &*self.engine;
        let ports = || self.sources.iter().map(|source| &source.ports).chain(self.sinks.iter().map(|sink| &sink.ports));
        let border_moves = ports().any(|ports| ports.transfers(engine));
        let certainty = if !border_moves && engine.is_at_rest(all_clocks) {
            Certainty::AtRest
        } else if quiet >= self.watch.window() {
            Certainty::Quiet { cycles: quiet }
        } else {
            return None;
        };
        let situation = Situation {
            engine,
            since: self.watch.quiet_since,
            found: self.cycle,
            certainty,
            sources: &self.sources,
            sinks: &self.sinks,
            aim,
        };
        deadlock::explain(&situation)
    }

    /// Has an observer look at every cycle from now on.
    pub fn attach<O: Observer>(&mut self, observer: O) -> Attached<O> {
        self.attachments.observers.push(Some(Box::new(observer)));
        Attached { index: self.attachments.observers.len() - 1, observer: PhantomData }
    }

    /// An observer at work.
    ///
    /// # Panics
    /// If the handle is another simulator's.
    pub fn observer<O: Observer>(&self, attached: &Attached<O>) -> &O {
        let observer: Option<&dyn Any> = self.attachments.observers[attached.index].as_deref().map(|observer| observer as &dyn Any);
        observer.and_then(<dyn Any>::downcast_ref).expect("the handle stands for an observer of this type on this simulator")
    }

    /// Finishes an observer and gives it back.
    ///
    /// # Errors
    /// If the observer cannot finish its work.
    ///
    /// # Panics
    /// If the handle is another simulator's.
    pub fn detach<O: Observer>(&mut self, attached: Attached<O>) -> Result<O, ObserverError> {
        self.settle();
        let observer = self.attachments.observers.get_mut(attached.index).and_then(Option::take);
        let mut observer = observer.expect("the handle stands for an observer on this simulator");
        observer.finish(&*self.engine)?;
        let observer: Box<dyn Any> = observer;
        Ok(*observer.downcast().expect("the handle has the observer's type"))
    }

    /// Calls `callback` every `every` cycles of runs and steps; a break stops them in the cycle where they stand.
    pub fn on_progress(&mut self, every: u64, callback: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static) {
        self.attachments.progress = Some((every.max(1), Box::new(callback)));
    }

    fn report_progress(&mut self, began: u64, limit: u64) -> Result<(), RunError> {
        if let Some((every, callback)) = &mut self.attachments.progress
            && (self.cycle - began).is_multiple_of(*every)
            && callback(Progress { cycle: self.cycle, began, limit }).is_break()
        {
            return Err(RunError::Interrupted { cycle: self.cycle });
        }
        Ok(())
    }
}

impl Attachments {
    /// Tells observers of words put into a memory.
    pub fn memory_written(&mut self, place: (NodeId, MemoryId), first: u32, words: &[Value]) {
        self.observers.iter_mut().flatten().for_each(|observer| observer.memory_written(place, first, words));
    }

    fn is_empty(&self) -> bool {
        self.progress.is_none() && self.observers.iter().all(Option::is_none)
    }
}

/// Observers that are still attached finish their work, so that a file is complete after an error too. Errors have nowhere to
/// go here: detach an observer to see them.
impl Drop for Simulator {
    fn drop(&mut self) {
        for observer in self.attachments.observers.iter_mut().flatten() {
            let _ = observer.finish(&*self.engine);
        }
    }
}
