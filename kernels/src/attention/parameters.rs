//! The configuration of an attention run, and what of it the hardware supports.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_sim::StallPattern;

use super::format_choice::{Extents, FormatParameters};
use super::key_mask::KeyMask;
use super::mask::{Mask, SinkWindow};
use crate::common::source::TensorSource;
use crate::kernel::{ConfigError, KernelParameters};

/// Rows of queries that share the stream of keys and values.
const ROWS_IN_PARALLEL: RangeInclusive<u32> = 1..=16;
/// log₂ of the number of segments of the exponential.
const TABLE_BITS: RangeInclusive<u32> = 0..=12;
/// Degrees of its polynomials.
const DEGREES: RangeInclusive<u32> = 0..=3;
/// Words of a FIFO.
const DEPTHS: RangeInclusive<u32> = 1..=1 << 16;
/// Cycles of a unit.
const LATENCIES: RangeInclusive<u32> = 1..=64;
/// The most tokens of a sink-and-window memory.
const LARGEST_WINDOW: u32 = 1 << 16;

/// Scaled dot-product attention, o = softmax(q·kᵀ/√D)·v, of one or more heads, one after the other.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seed of random data and random stalls.
    #[serde(default = "crate::common::random::first_seed")]
    pub seed: u64,
    /// The order of the arithmetic, and with it what has to be held of a row.
    #[serde(default)]
    pub variant: Variant,
    /// Whether the elements of a value vector are worked on at once or one after the other.
    #[serde(default)]
    pub head_dimension: Parallelism,
    /// P: rows of queries that share the stream of keys and values, 1 to 16. Where they do not divide the number of rows, the last
    /// ones are filled up with zeros whose results are dropped.
    #[serde(default = "one")]
    pub rows_in_parallel: u32,
    /// With the head dimension in parallel and the division after the sums: one divider for all elements or one for each.
    #[serde(default = "series")]
    pub division: Parallelism,
    /// Which keys a row of queries attends to.
    #[serde(default = "no_mask")]
    #[schemars(default = "no_mask")]
    pub mask: Mask,
    /// Number formats of the hardware.
    #[serde(default)]
    pub formats: FormatParameters,
    /// The exponential.
    #[serde(default)]
    pub exp: ExponentialParameters,
    /// Depths of the FIFOs between units.
    #[serde(default)]
    pub fifos: FifoParameters,
    /// Cycles of the units.
    #[serde(default)]
    pub latency: Latencies,
    /// Lengths of the batch's entries, in order, instead of a `length` in each head: as many as divide the number of heads, which are those of
    /// the first entry, then those of the second, and so on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lengths: Vec<usize>,
    /// The heads in order, all of one D. Where R or N differ, the hardware is that of the greatest.
    pub heads: Vec<Head>,
    /// When the far ends of the streams are active.
    #[serde(default)]
    pub stalls: StreamStalls,
}

fn one() -> u32 {
    1
}

fn series() -> Parallelism {
    Parallelism::Series
}

fn no_mask() -> Mask {
    Mask::None
}

/// Ways to compute attention over a stream of scores s and values v (arXiv 2404.16629).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// o = Σ (2^s / Σ 2^s) v, without regard for overflow: weights need as many bits before the point as scores have range.
    Naive,
    /// The row's maximum is subtracted from its scores first.
    Stable,
    /// As stable, but divided once, after the sums.
    Deferred,
    /// With a running maximum; sums are scaled as it grows, and nothing of a row is held. Where scores rise over thousands of keys, the
    /// errors of the scaling factors add up: `examples/attention_formats.rs` says how far.
    #[default]
    MemoryFree,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 4] = [Variant::Naive, Variant::Stable, Variant::Deferred, Variant::MemoryFree];

    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Naive => "naive",
            Variant::Stable => "stable",
            Variant::Deferred => "deferred",
            Variant::MemoryFree => "memory-free",
        }
    }

    /// Whether each weight is divided by the sum of its row, rather than the sum of weighted values.
    pub fn divides_first(self) -> bool {
        matches!(self, Variant::Naive | Variant::Stable)
    }
}

/// Whether the elements of a vector are worked on at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Parallelism {
    /// All in one cycle, with a unit for each.
    #[default]
    Parallel,
    /// One a cycle, with one unit for all.
    Series,
}

/// How powers of two are computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExponentialParameters {
    /// t: the fraction of an exponent falls into one of 2ᵗ segments; 0 to 12.
    pub table_bits: u32,
    /// Degree of the polynomial in a segment, 0 to 3; 0 is the nearest entry of a table.
    pub degree: u32,
}

impl Default for ExponentialParameters {
    fn default() -> ExponentialParameters {
        ExponentialParameters { table_bits: 6, degree: 1 }
    }
}

/// Depths of the FIFOs between units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FifoParameters {
    /// Words of every FIFO that does not have to hold a row, 1 to 65536.
    pub depth: u32,
    /// Words of the FIFOs that have to hold a row, which the memory-free variant does not have; the least at full rate if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long: Option<u32>,
    /// Whether a FIFO announces that it is full a cycle late, from a register.
    pub registered_full: bool,
}

impl Default for FifoParameters {
    fn default() -> FifoParameters {
        FifoParameters { depth: 2, long: None, registered_full: false }
    }
}

/// Cycles from the elements that a unit takes to the one that it gives, 1 to 64: the stages of its pipeline. All other units take one cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Latencies {
    /// Of the product of a query and a key.
    pub score: u32,
    /// Of a power of two.
    pub exp: u32,
    /// Of a division: a quotient has a bit for each bit of its format.
    pub divide: u32,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { score: 4, exp: 4, divide: 16 }
    }
}

/// One head: queries, keys and values as the model has them, unscaled.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Queries, `[R, D]`.
    pub q: TensorSource,
    /// Keys, `[N, D]`.
    pub k: TensorSource,
    /// Values, `[N, D]`.
    pub v: TensorSource,
    /// The keys that are there, 1 to N: those after them are padding. All if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// Keys that are attended to, `[N]`, or `[R, N]` for each query its own: booleans, or integers 0 and 1. Goes together with `length` and with the
    /// mask of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<KeyMask>,
}

/// When the far ends of the streams are active, `"always"` unless stated: a source then offers a word, a sink then is ready. `"never"`,
/// `{ random = { probability = 0.7 } }` and `{ bursts = { on = 5, off = 9 } }` stall them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamStalls {
    /// Of the source of queries.
    pub q: StallPattern,
    /// Of the source of keys.
    pub k: StallPattern,
    /// Of the source of values.
    pub v: StallPattern,
    /// Of the source of masks, where heads have lengths or masks.
    pub mask: StallPattern,
    /// Of the sink of the results.
    pub output: StallPattern,
}

impl StreamStalls {
    /// Each stream's name with its pattern.
    pub fn by_stream(&self) -> [(&'static str, StallPattern); 5] {
        [("q", self.q), ("k", self.k), ("v", self.v), ("output", self.output), ("mask", self.mask)]
    }
}

impl KernelParameters for Parameters {
    const NAME: &'static str = "attention";
    const SUMMARY: &'static str = "scaled dot-product attention as a graph of streaming units, with constant intermediate memory";

    fn validate(&self) -> Result<(), ConfigError> {
        self.validate_parallelism()?;
        self.validate_mask()?;
        // Those left out are then chosen from the tensors, so that they go with those that are stated.
        self.formats.choose(self.variant, &Extents::COMMON).validate(self.variant)?;
        self.validate_sizes()?;
        self.validate_heads()?;
        for (stream, pattern) in self.stalls.by_stream() {
            pattern.check().map_err(|error| ConfigError::new(format!("stalls.{stream}"), error.to_string()))?;
        }
        Ok(())
    }
}

impl Parameters {
    fn validate_parallelism(&self) -> Result<(), ConfigError> {
        within("rows_in_parallel", self.rows_in_parallel, ROWS_IN_PARALLEL)?;
        if self.division == Parallelism::Series {
            return Ok(());
        }
        let message = if self.variant.divides_first() {
            "this variant divides weights, one for each key, so there is one divider"
        } else if self.head_dimension == Parallelism::Series {
            "with the head dimension in series there is one sum to divide at a time"
        } else {
            return Ok(());
        };
        Err(ConfigError::new("division", message).with_remedy("set it to \"series\", or leave it out"))
    }

    fn validate_mask(&self) -> Result<(), ConfigError> {
        let Mask::SinkWindow(SinkWindow { sinks, window }) = self.mask else { return Ok(()) };
        if self.rows_in_parallel > 1 {
            return Err(ConfigError::new("rows_in_parallel", "rows with a window each do not share a stream of keys")
                .with_remedy("set it to 1, or leave it out"));
        }
        within("mask.window", window, 1..=LARGEST_WINDOW)?;
        if sinks <= LARGEST_WINDOW - window {
            return Ok(());
        }
        Err(ConfigError::new("mask.sinks", format!("{sinks} sinks and a window of {window} are not supported"))
            .with_remedy(format!("together at most {LARGEST_WINDOW}; with this window, nearest: {}", LARGEST_WINDOW - window)))
    }

    fn validate_sizes(&self) -> Result<(), ConfigError> {
        within("exp.table_bits", self.exp.table_bits, TABLE_BITS)?;
        within("exp.degree", self.exp.degree, DEGREES)?;
        within("fifos.depth", self.fifos.depth, DEPTHS)?;
        if let Some(long) = self.fifos.long {
            if self.variant == Variant::MemoryFree {
                return Err(ConfigError::new("fifos.long", "the memory-free variant has no FIFO that holds a row")
                    .with_remedy("leave it out, or choose another variant"));
            }
            within("fifos.long", long, DEPTHS)?;
        }
        let Latencies { score, exp, divide } = self.latency;
        for (unit, cycles) in [("score", score), ("exp", exp), ("divide", divide)] {
            within(&format!("latency.{unit}"), cycles, LATENCIES)?;
        }
        Ok(())
    }

    fn validate_heads(&self) -> Result<(), ConfigError> {
        if self.heads.is_empty() {
            return Err(ConfigError::new("heads", "there is no head").with_remedy("at least one [[heads]] with `q`, `k` and `v`"));
        }
        self.validate_lengths()?;
        for (index, head) in self.heads.iter().enumerate() {
            for (part, source) in [("q", &head.q), ("k", &head.k), ("v", &head.v)] {
                source.validate_axes(&format!("heads[{index}].{part}"), 2, super::prepare::TOKENS)?;
            }
            if let Some(mask) = &head.mask {
                mask.validate(&format!("heads[{index}].mask"))?;
            }
        }
        Ok(())
    }

    fn validate_lengths(&self) -> Result<(), ConfigError> {
        let zero = |key: String| ConfigError::new(key, "a length is 0").with_remedy("1 to N, the number of keys");
        if let Some(index) = self.heads.iter().position(|head| head.length == Some(0)) {
            return Err(zero(format!("heads[{index}].length")));
        }
        if let Some(entry) = self.lengths.iter().position(|&length| length == 0) {
            return Err(zero(format!("lengths[{entry}]")));
        }
        if self.lengths.is_empty() {
            return Ok(());
        }
        if let Some(index) = self.heads.iter().position(|head| head.length.is_some()) {
            return Err(ConfigError::new(format!("heads[{index}].length"), "`lengths` states the lengths of all heads")
                .with_remedy("leave out one of the two"));
        }
        let (lengths, heads) = (self.lengths.len(), self.heads.len());
        if heads.is_multiple_of(lengths) {
            return Ok(());
        }
        Err(ConfigError::new("lengths", format!("{lengths} lengths for {heads} heads"))
            .with_remedy("one for each entry of the batch, of which each has as many heads"))
    }

    /// The length of a head and the key that states it, if one does.
    pub(super) fn length(&self, index: usize) -> Option<(String, usize)> {
        let of_head = |length| (format!("heads[{index}].length"), length);
        self.heads[index].length.map(of_head).or_else(|| {
            let entry = index * self.lengths.len() / self.heads.len();
            self.lengths.get(entry).map(|&length| (format!("lengths[{entry}]"), length))
        })
    }
}

/// Refuses a number beyond a range.
fn within(key: &str, number: u32, range: RangeInclusive<u32>) -> Result<(), ConfigError> {
    if range.contains(&number) {
        return Ok(());
    }
    let (least, greatest) = (*range.start(), *range.end());
    let nearest = number.clamp(least, greatest);
    Err(ConfigError::new(key, format!("{number} is not supported")).with_remedy(format!("{least} to {greatest}; nearest: {nearest}")))
}
