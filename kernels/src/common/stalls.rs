//! How a configuration describes stalls at the far ends of streams.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::ConfigError;

/// When the far end of a stream holds transfers up: a source without data, or a sink that is not ready.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stalls {
    /// Never.
    #[default]
    Never,
    /// In each cycle with a probability, drawn from the configuration's seed.
    Random {
        /// From 0 (never) to below 1.
        probability: f64,
    },
    /// After `run` cycles without a stall, for `pause` cycles, again and again.
    Bursts {
        /// Cycles without a stall, at least 1.
        run: u32,
        /// Cycles stalled.
        pause: u32,
    },
}

impl Stalls {
    /// Whether it stalls at all.
    pub fn is_never(self) -> bool {
        match self {
            Stalls::Never => true,
            Stalls::Random { probability } => probability == 0.0,
            Stalls::Bursts { pause, .. } => pause == 0,
        }
    }

    /// Checks the numbers; `key` is this pattern's own place in the configuration.
    ///
    /// # Errors
    /// If the stream would be stalled for good.
    pub fn validate(self, key: &str) -> Result<(), ConfigError> {
        match self {
            Stalls::Random { probability } if !(0.0..1.0).contains(&probability) => Err(ConfigError::new(
                format!("{key}.random.probability"),
                format!("{probability} is not a probability of stalling that lets data through"),
            )
            .with_remedy("from 0 to below 1, such as 0.25")),
            Stalls::Bursts { run: 0, .. } => {
                Err(ConfigError::new(format!("{key}.bursts.run"), "without a cycle in between the stream would never move")
                    .with_remedy("at least 1"))
            }
            _ => Ok(()),
        }
    }
}
