//! The configuration of a sparsification, and what of it the hardware supports.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::Type;
use systole_sim::StallPattern;

use crate::common::source::TensorSource;
use crate::kernel::{ConfigError, KernelParameters};
use crate::sparse::hardware::{ELEMENT_BITS, Sparsifier, SparsifierForm, TransposableSelector, is_element};
use crate::sparse::pattern::Pattern;
use crate::sparse::transposable::BLOCK;

/// Groups side by side.
const LANES: RangeInclusive<u32> = 1..=64;
/// N and M of a transposable mask.
const TRANSPOSABLE: (usize, usize) = (2, BLOCK);

/// What the weights must be like.
pub const WEIGHTS: &str = "two dimensions: inputs and outputs";

/// The pruning of one weight matrix.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seed of random data and random stalls.
    #[serde(default = "crate::common::random::first_seed")]
    pub seed: u64,
    /// How the hardware works on a group.
    #[serde(default)]
    pub method: Method,
    /// N:M, at most N nonzeros among each M consecutive weights along the inputs: M is 2, 4, 8, 16 or 32. A transposable mask is 2:4.
    #[serde(default = "two_of_four")]
    #[schemars(with = "String", default = "two_of_four")]
    pub pattern: Pattern,
    /// Columns of the matrix that are worked on side by side, 1 to 64. A block of a transposable mask has 4.
    #[serde(default = "four_lanes")]
    pub lanes: u32,
    /// Number format of the weights: a number of 2 to 24 bits, such as `s8` or `q2.6`. Left out: `s8`, to which real numbers are scaled; the
    /// first of s8, u8, s16, u16, s24 and u24 that holds a tensor of integers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, s8 if real"))]
    pub format: Option<Type>,
    /// Whether a group with more than N nonzeros is refused, instead of losing the smallest. Weights that are quantized to 0 are none.
    #[serde(default)]
    pub exact: bool,
    /// The weights, `[inputs, outputs]`.
    pub weights: TensorSource,
    /// When the far ends of the streams are active.
    #[serde(default)]
    pub stalls: StreamStalls,
}

fn two_of_four() -> Pattern {
    Pattern::new(2, 4).expect("2:4 is a pattern")
}

fn four_lanes() -> u32 {
    4
}

/// The format of real weights, unless another is stated.
pub(super) const USUAL: Type = Type::s(8);

/// How the hardware works on a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A weight of each column a cycle, inserted into a sorted list: M cycles a group.
    #[default]
    Streaming,
    /// A group of each column a cycle, its weights compared with one another.
    Parallel,
    /// A 4×4 block a cycle: the best mask with two weights in each row and column.
    Transposable,
}

/// When the far ends of the streams are active, `"always"` unless stated: a source then offers a word, a sink then is ready. `"never"`,
/// `{ random = { probability = 0.7 } }` and `{ bursts = { on = 5, off = 9 } }` stall them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamStalls {
    /// Of the source of the weights.
    pub weights: StallPattern,
    /// Of the sink of the pairs, or of the masks.
    pub pairs: StallPattern,
}

/// What is elaborated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hardware {
    /// Weights to pairs of value and index.
    Sparsifier(Sparsifier),
    /// Blocks to masks.
    Selector(TransposableSelector),
}

impl KernelParameters for Parameters {
    const NAME: &'static str = "sparsify";
    const SUMMARY: &'static str = "N:M pruning of a weight matrix by magnitude, along its inputs or 2:4 along both axes";

    fn validate(&self) -> Result<(), ConfigError> {
        if !LANES.contains(&self.lanes) {
            let nearest = self.lanes.clamp(*LANES.start(), *LANES.end());
            let remedy = format!("{} to {}; nearest: {nearest}", LANES.start(), LANES.end());
            return Err(ConfigError::new("lanes", format!("{} columns side by side are not supported", self.lanes)).with_remedy(remedy));
        }
        if self.method == Method::Transposable {
            self.validate_transposable()?;
        }
        if let Some(format) = self.format.filter(|&format| !is_element(format)) {
            return Err(ConfigError::new("format", format!("{format} is not supported for weights")).with_remedy(format!(
                "a number of {} to {} bits, such as s8 or q2.6",
                ELEMENT_BITS.start(),
                ELEMENT_BITS.end()
            )));
        }
        self.weights.validate_axes("weights", 2, WEIGHTS)?;
        for (stream, pattern) in [("weights", self.stalls.weights), ("pairs", self.stalls.pairs)] {
            pattern.check().map_err(|error| ConfigError::new(format!("stalls.{stream}"), error.to_string()))?;
        }
        Ok(())
    }
}

impl Parameters {
    /// The hardware that these parameters describe, for weights of this format.
    pub fn hardware(&self, format: Type) -> Hardware {
        let form = match self.method {
            Method::Streaming => SparsifierForm::Streaming,
            Method::Parallel => SparsifierForm::Parallel,
            Method::Transposable => return Hardware::Selector(TransposableSelector { element: format }),
        };
        let (n, m) = (self.pattern.n() as u32, self.pattern.m() as u32);
        Hardware::Sparsifier(Sparsifier { n, m, lanes: self.lanes, element: format, form })
    }

    fn validate_transposable(&self) -> Result<(), ConfigError> {
        let (n, m) = TRANSPOSABLE;
        if (self.pattern.n(), self.pattern.m()) != TRANSPOSABLE {
            return Err(ConfigError::new("pattern", format!("a transposable mask is {n}:{m}, not {}", self.pattern))
                .with_remedy(format!("set it to \"{n}:{m}\", or choose `method` streaming or parallel")));
        }
        if self.lanes as usize != BLOCK {
            return Err(ConfigError::new("lanes", format!("a block of a transposable mask has {BLOCK} columns, not {}", self.lanes))
                .with_remedy(format!("set it to {BLOCK}, or leave it out")));
        }
        if self.exact {
            return Err(ConfigError::new("exact", "the selector of transposable masks refuses no block")
                .with_remedy("set it to false, or choose `method` streaming or parallel"));
        }
        Ok(())
    }
}
