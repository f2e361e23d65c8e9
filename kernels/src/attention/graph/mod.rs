//! Attention as a graph of streaming units (arXiv 2404.16629), from queries, keys and values to results.
//!
//! A *pass* works on P rows of queries at once, one in each *lane*, and streams all keys and values once, or the slots of a sink-and-window
//! memory. The units, where `=` is a FIFO that holds a row:
//!
//! ```text
//! scores       q ─► q-again ─► score (─► mask) ─► ..       k ─► score
//! naive        scores ─► exp ─► exponents ═════════════════════════════► divide ─► weighted-sum ─► output
//!                                  └──────► sum ─► sum-again ──────────────┘             └── v
//! stable       scores ─► scores-fork ══════════════════════► exp ─► exponents, and on as naive
//!                             └──────► max ─► max-again ──────┘
//! deferred     .. exp ─► exponents ─► weighted-sum ─► divide ─► output
//!                            └──────► sum ────────────────┘
//! memory-free  scores ─► running-max ─► steps ─► weighted-sum ─► divide ─► output
//!                                          └───► sum ────────────────┘
//! ```
//!
//! The unit `mask` adds to each score whether its key counts: from counters of rows and slots, or, where heads have lengths or masks of their
//! own, from a fourth source, `mask`, of a bit a lane.
//!
//! With the head dimension in parallel a query, a key, a value is one element of D fields a lane; in series it is D elements, a weight is
//! repeated for each of them, and the weighted sums are a memory of D words a lane.

mod builder;

use std::sync::Arc;

use systole_dataflow::{ChannelId, Graph, Type};

use self::builder::Builder;
use super::formats::Formats;
use super::mask::Mask;
use super::parameters::{ExponentialParameters, FifoParameters, Latencies, Parallelism, Variant};
use super::prepare::Shape;

/// Everything that the graph depends on, but for the numbers that come in.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// The order of the arithmetic.
    pub variant: Variant,
    /// Whether the elements of a vector are worked on at once.
    pub head_dimension: Parallelism,
    /// Whether a division after the sums has a divider for each element.
    pub division: Parallelism,
    /// P.
    pub rows_in_parallel: usize,
    /// Which keys a row attends to.
    pub mask: Mask,
    /// Whether the stream `mask` says which ones, `mask` among the reasons; else counters do.
    pub key_mask: bool,
    /// Number formats.
    pub formats: Formats,
    /// The exponential.
    pub exp: ExponentialParameters,
    /// Depths of the FIFOs.
    pub fifos: FifoParameters,
    /// Cycles of the units.
    pub latency: Latencies,
    /// Sizes of a head.
    pub shape: Shape,
    /// Heads, one after the other.
    pub heads: usize,
}

/// A graph of attention.
#[derive(Clone, Debug)]
pub struct AttentionGraph {
    /// The graph, with the sources `q`, `k`, `v` (or `scores` and `v`) and the sink `output`.
    pub graph: Graph,
    /// The FIFOs that have to hold a row.
    pub long: Vec<ChannelId>,
}

/// Raw numbers for the sources, in the order in which they come; empty where only times are asked for.
#[derive(Clone, Debug, Default)]
pub struct Operands {
    /// Queries: of each pass, in parallel P vectors; in series D times P numbers.
    pub q: Arc<[i64]>,
    /// Keys.
    pub k: Arc<[i64]>,
    /// Values.
    pub v: Arc<[i64]>,
    /// For each slot of each pass a bit a lane, if there is such a stream: whether the lane's row attends to the key.
    pub mask: Arc<[i64]>,
}

impl Layout {
    /// The layout of the paper's table: one head, one row at a time, every unit with latency 1, a divider for each element, the default
    /// formats.
    pub fn ideal(variant: Variant, shape: Shape) -> Layout {
        Layout {
            variant,
            head_dimension: Parallelism::Parallel,
            division: Parallelism::Parallel,
            rows_in_parallel: 1,
            mask: Mask::None,
            key_mask: false,
            formats: Formats::default(),
            exp: ExponentialParameters::default(),
            fifos: FifoParameters::default(),
            latency: Latencies { score: 1, exp: 1, divide: 1 },
            shape,
            heads: 1,
        }
    }

    /// Passes over the keys for a head: R / P, rounded up.
    pub fn passes(&self) -> usize {
        self.shape.rows.div_ceil(self.rows_in_parallel)
    }

    /// Keys and values that are streamed in a pass.
    pub fn slots(&self) -> usize {
        self.mask.slots(self.shape.keys)
    }

    /// Elements in which a vector comes: 1, or D in series.
    pub fn elements(&self) -> usize {
        match self.head_dimension {
            Parallelism::Parallel => 1,
            Parallelism::Series => self.shape.head_dimension,
        }
    }

    /// Numbers of a vector in an element: D, or 1 in series.
    fn width(&self) -> usize {
        self.shape.head_dimension / self.elements()
    }

    /// Whether keys and values come from a memory of sinks and a window.
    pub fn windows(&self) -> bool {
        matches!(self.mask, Mask::SinkWindow(_))
    }

    /// Whether the weights of a row can all be zero.
    fn sums_can_vanish(&self) -> bool {
        self.variant == Variant::Naive || self.key_mask
    }

    /// Whether weights can be masked.
    pub(super) fn masked(&self) -> bool {
        self.mask != Mask::None || self.key_mask
    }

    /// r, the sum of weights.
    fn weight_sum(&self) -> Type {
        self.formats.weight_sum(self.variant, self.slots())
    }

    /// l, the sum of weighted values.
    fn value_sum(&self) -> Type {
        self.formats.value_sum(self.variant, self.slots())
    }

    /// The graph from queries, keys and values.
    pub fn graph(&self, operands: &Operands) -> AttentionGraph {
        let mut builder = Builder::new(self);
        let (lanes, width) = (self.rows_in_parallel, self.width());
        let q = builder.graph.source_raw("q", vec![self.formats.query; lanes * width], operands.q.clone(), 1);
        let k = builder.graph.source_raw("k", vec![self.formats.key; width], operands.k.clone(), 1);
        let v = builder.graph.source_raw("v", vec![self.formats.value; width], operands.v.clone(), 1);
        let (k, v) = match self.mask {
            Mask::SinkWindow(shape) => (builder.window("k", k, shape), builder.window("v", v, shape)),
            Mask::None | Mask::Causal => (k, v),
        };
        let scores = builder.scores(q, k);
        let scores = if self.key_mask {
            let mask = builder.graph.source_raw("mask", vec![Type::BIT; lanes], operands.mask.clone(), 1);
            builder.listed_mask(scores, mask)
        } else if self.masked() {
            builder.mask(scores)
        } else {
            scores
        };
        builder.attention(scores, v)
    }

    /// The graph from scores, `[rows, slots]` in units of their last place, one row a pass: without the units that make them.
    pub fn graph_of_scores(&self, scores: impl Into<Arc<[i64]>>, values: impl Into<Arc<[i64]>>) -> AttentionGraph {
        let mut builder = Builder::new(self);
        let scores = builder.graph.source_raw("scores", [self.formats.score], scores, 1);
        let passes = (self.passes() * self.heads) as u64;
        let v = builder.graph.source_raw("v", vec![self.formats.value; self.width()], values, passes);
        builder.attention(scores, v)
    }
}
