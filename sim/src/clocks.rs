//! When the clock domains of the top module have their edges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use systole_hdl::design::{Domain, DomainId};
use thiserror::Error;

use crate::engine::DomainSet;
use crate::hierarchy::nearest;

/// When one domain has its edges: at the end of each cycle (tick) *t* with *t* mod `period` = `phase`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Ticks from edge to edge, at least 1.
    pub period: u32,
    /// The first tick that ends in an edge, below `period`.
    #[serde(default)]
    pub phase: u32,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { period: 1, phase: 0 }
    }
}

/// Clocks that do not suit the design.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ClockError {
    /// A name that is none of the top module's domains.
    #[error("no clock domain `{name}` in the top module; it has {}", quoted(known))]
    UnknownDomain {
        /// The name as given.
        name: String,
        /// The names there are, nearest first if one is near.
        known: Vec<String>,
    },
    /// A period of zero, or a phase that is not below the period.
    #[error("clock domain `{name}` cannot have period {} and phase {}: the period is at least 1, the phase below it", clock.period, clock.phase)]
    BadClock {
        /// The domain.
        name: String,
        /// What was asked for.
        clock: Clock,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The clocks of all domains of the top module.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    clocks: Vec<Clock>,
    all: DomainSet,
    every_tick: bool,
}

impl Clocks {
    /// `given` by domain name (the default domain's is empty); the others tick every cycle.
    pub fn new(domains: &[Domain], given: &BTreeMap<String, Clock>) -> Result<Clocks, ClockError> {
        let mut clocks = vec![Clock::default(); domains.len()];
        for (name, &clock) in given {
            let Some(index) = domains.iter().position(|domain| domain.name == *name) else {
                let mut known = nearest(name, domains.iter().map(|d| d.name.as_str()));
                if known.is_empty() {
                    known = domains.iter().map(|d| d.name.clone()).collect();
                }
                return Err(ClockError::UnknownDomain { name: name.clone(), known });
            };
            if clock.phase >= clock.period {
                return Err(ClockError::BadClock { name: name.clone(), clock });
            }
            clocks[index] = clock;
        }
        let every_tick = clocks.iter().all(|clock| clock.period == 1);
        Ok(Clocks { all: DomainSet::first(clocks.len()), clocks, every_tick })
    }

    /// The domains whose edge ends this tick.
    pub fn edges(&self, tick: u64) -> DomainSet {
        if self.every_tick {
            return self.all;
        }
        let due = |(_, clock): &(u32, &Clock)| tick % u64::from(clock.period) == u64::from(clock.phase);
        (0..).zip(&self.clocks).filter(due).fold(DomainSet::EMPTY, |set, (domain, _)| set.with(DomainId(domain)))
    }

    /// Every domain.
    pub fn all(&self) -> DomainSet {
        self.all
    }

    /// The common domain set of every tick, if all ticks are alike.
    pub fn uniform(&self) -> Option<DomainSet> {
        self.every_tick.then_some(self.all)
    }

    /// The longest period in ticks: within so many every domain has an edge.
    pub fn longest_period(&self) -> u32 {
        self.clocks.iter().map(|clock| clock.period).max().unwrap_or(1)
    }
}
