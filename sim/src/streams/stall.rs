//! When a stream driver is active.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// In which cycles (of its stream's domain) a source offers a word or a sink is ready.
///
/// In configurations: `"always"`, `"never"`, `{ random = { probability = 0.5, seed = 1 } }`, `{ bursts = { on = 4, off = 2 } }`.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StallPattern {
    /// In every cycle.
    #[default]
    Always,
    /// In no cycle.
    Never,
    /// In each cycle with a probability, independently and reproducibly.
    Random {
        /// Probability of being active, 0 to 1.
        probability: f64,
        /// Equal seeds give equal patterns.
        #[serde(default)]
        seed: u64,
    },
    /// `on` active cycles, then `off` inactive ones, and so on.
    Bursts {
        /// Active cycles, at least 1.
        on: u32,
        /// Inactive cycles.
        off: u32,
    },
}

/// A stall pattern that cannot be followed.
#[derive(Clone, Copy, PartialEq, Debug, Error)]
pub enum StallPatternError {
    /// Not a probability.
    #[error("the probability of being active must be 0 to 1, not {probability}")]
    Probability {
        /// What was given.
        probability: f64,
    },
    /// Bursts of no cycles.
    #[error("a burst must have at least 1 active cycle: for none at all use `never`")]
    EmptyBurst,
}

impl StallPattern {
    /// # Errors
    /// If the probability is not one or a burst is empty.
    pub fn check(self) -> Result<(), StallPatternError> {
        match self {
            StallPattern::Random { probability, .. } if !(0.0..=1.0).contains(&probability) => {
                Err(StallPatternError::Probability { probability })
            }
            StallPattern::Bursts { on: 0, .. } => Err(StallPatternError::EmptyBurst),
            _ => Ok(()),
        }
    }

    /// Whether any cycle can be active.
    pub(crate) fn is_ever_active(self) -> bool {
        match self {
            StallPattern::Always | StallPattern::Bursts { .. } => true,
            StallPattern::Never => false,
            StallPattern::Random { probability, .. } => probability > 0.0,
        }
    }

    /// A number of cycles within which an active one is all but certain.
    pub(crate) fn patience(self) -> u64 {
        match self {
            StallPattern::Always | StallPattern::Never => 1,
            StallPattern::Random { probability, .. } => (64.0 / probability.max(1e-9)) as u64,
            StallPattern::Bursts { off, .. } => u64::from(off) + 1,
        }
    }
}

/// A stall pattern as it unfolds.
#[derive(Debug)]
pub(crate) struct Stalls {
    pattern: StallPattern,
    random: ChaCha8Rng,
    cycle: u64,
    active: bool,
}

impl Stalls {
    /// Begins in the pattern's first cycle.
    pub fn new(pattern: StallPattern) -> Result<Stalls, StallPatternError> {
        pattern.check()?;
        let seed = if let StallPattern::Random { seed, .. } = pattern { seed } else { 0 };
        let mut stalls = Stalls { pattern, random: ChaCha8Rng::seed_from_u64(seed), cycle: 0, active: false };
        stalls.decide();
        Ok(stalls)
    }

    /// Whether this cycle is active.
    pub fn active(&self) -> bool {
        self.active
    }

    pub fn pattern(&self) -> StallPattern {
        self.pattern
    }

    /// Goes on to the next cycle.
    pub fn advance(&mut self) {
        self.cycle += 1;
        self.decide();
    }

    fn decide(&mut self) {
        self.active = match self.pattern {
            StallPattern::Always => true,
            StallPattern::Never => false,
            // 53 random bits make a number in 0..1 that is below 1.0 always and below 0.0 never.
            StallPattern::Random { probability, .. } => ((self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64) < probability,
            StallPattern::Bursts { on, off } => self.cycle % (u64::from(on) + u64::from(off)) < u64::from(on),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(pattern: StallPattern, cycles: usize) -> Vec<bool> {
        let mut stalls = Stalls::new(pattern).unwrap();
        (0..cycles).map(|_| (stalls.active(), stalls.advance()).0).collect()
    }

    #[test]
    fn bursts_alternate_from_the_first_cycle() {
        assert_eq!(first(StallPattern::Bursts { on: 2, off: 1 }, 7), [true, true, false, true, true, false, true]);
    }

    #[test]
    fn a_random_pattern_is_active_as_often_as_asked_and_repeats_with_its_seed() {
        let pattern = StallPattern::Random { probability: 0.25, seed: 7 };
        let active = first(pattern, 10_000).into_iter().filter(|&active| active).count();
        assert!((2300..2700).contains(&active), "{active}");
        assert_eq!(first(pattern, 100), first(pattern, 100));
        assert!(first(StallPattern::Random { probability: 1.0, seed: 7 }, 1000).iter().all(|&active| active));
        assert!(!first(StallPattern::Random { probability: 0.0, seed: 7 }, 1000).iter().any(|&active| active));
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        assert!(StallPattern::Random { probability: 1.5, seed: 0 }.check().is_err());
        assert!(StallPattern::Random { probability: f64::NAN, seed: 0 }.check().is_err());
        assert!(StallPattern::Bursts { on: 0, off: 1 }.check().is_err());
    }
}
