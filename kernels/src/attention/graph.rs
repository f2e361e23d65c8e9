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
//! With the head dimension in parallel a query, a key, a value is one element of D fields a lane; in series it is D elements, a weight is
//! repeated for each of them, and the weighted sums are a memory of D words a lane.

use std::sync::Arc;

use systole_dataflow::{ChannelId, Depth, Exp2, Expression, Fold, Graph, Room, Type, Word, dot, field, index, next, number, state};
use systole_hdl::types::bits_for;

use super::formats::Formats;
use super::mask::{Mask, SinkWindow};
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
}

impl Layout {
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

    fn masked(&self) -> bool {
        self.mask != Mask::None
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
        let mut b = Builder { g: Graph::new(), l: self, long: Vec::new() };
        let (lanes, width) = (self.rows_in_parallel, self.width());
        let q = b.g.source_raw("q", vec![self.formats.query; lanes * width], operands.q.clone(), 1);
        let k = b.g.source_raw("k", vec![self.formats.key; width], operands.k.clone(), 1);
        let v = b.g.source_raw("v", vec![self.formats.value; width], operands.v.clone(), 1);
        let (k, v) = match self.mask {
            Mask::SinkWindow(shape) => (b.window("k", k, shape), b.window("v", v, shape)),
            Mask::None | Mask::Causal => (k, v),
        };
        let scores = b.scores(q, k);
        let scores = if self.masked() { b.mask(scores) } else { scores };
        b.attention(scores, v)
    }

    /// The graph from scores, `[rows, slots]` in units of their last place, one row a pass: without the units that make them.
    pub fn graph_of_scores(&self, scores: impl Into<Arc<[i64]>>, values: impl Into<Arc<[i64]>>) -> AttentionGraph {
        let mut b = Builder { g: Graph::new(), l: self, long: Vec::new() };
        let scores = b.g.source_raw("scores", [self.formats.score], scores, 1);
        let passes = (self.passes() * self.heads) as u64;
        let v = b.g.source_raw("v", vec![self.formats.value; self.width()], values, passes);
        b.attention(scores, v)
    }
}

struct Builder<'a> {
    g: Graph,
    l: &'a Layout,
    long: Vec<ChannelId>,
}

impl Builder<'_> {
    fn lanes(&self) -> usize {
        self.l.rows_in_parallel
    }

    fn slots(&self) -> u64 {
        self.l.slots() as u64
    }

    fn elements(&self) -> u64 {
        self.l.elements() as u64
    }

    fn each_lane(&self, of: impl FnMut(usize) -> Expression) -> Vec<Expression> {
        (0..self.lanes()).map(of).collect()
    }

    /// The score of each lane, of every key in turn.
    fn scores(&mut self, q: ChannelId, k: ChannelId) -> ChannelId {
        let (slots, elements, width) = (self.slots(), self.elements(), self.l.width());
        let formats = &self.l.formats;
        let again = self.g.repeat_vector("q-again", q, slots, elements);
        let product = |lane: usize| dot((0..width).map(|d| field(0, lane * width + d)), (0..width).map(|d| field(1, d)));
        let scores = match self.l.head_dimension {
            Parallelism::Parallel => {
                let scores = self.each_lane(|lane| product(lane).fit(formats.score));
                self.g.zip("score", &[again, k], scores)
            }
            Parallelism::Series => {
                let sum = formats.dot_product(self.l.shape.head_dimension);
                let step = self.each_lane(|lane| (state(lane) + product(lane)).wrap(sum));
                let output = self.each_lane(|lane| next(lane).fit(formats.score));
                self.g.reduce("score", &[again, k], elements, Fold::new(vec![Word::zero(sum); self.lanes()], step, output))
            }
        };
        self.g.set_latency(self.g.producer(scores), self.l.latency.score.into());
        scores
    }

    /// Adds to the scores of each lane whether the key counts: the number of the key, or of the slot, is at most that of the row's own token.
    fn mask(&mut self, scores: ChannelId) -> ChannelId {
        let (slots, passes) = (self.slots(), self.l.passes() as u64);
        let shape = self.l.shape;
        let first_token = match self.l.mask {
            Mask::Causal => shape.keys - shape.rows,
            Mask::None | Mask::SinkWindow(_) => 0,
        };
        let slot = unsigned(slots - 1);
        let row = unsigned(passes * self.lanes() as u64);
        let last = || state(0).equals(whole(slots - 1));
        let step =
            [last().mux(whole(0), state(0) + whole(1)).wrap(slot), last().mux(state(1) + whole(self.lanes() as u64), state(1)).wrap(row)];
        let keep = |lane: usize| !(state(1) + whole((lane + first_token) as u64)).lt(state(0));
        let output = [self.each_lane(input_lane), self.each_lane(keep)].concat();
        self.g.scan("mask", &[scores], slots * passes, Fold::new([Word::zero(slot), Word::zero(row)], step, output))
    }

    /// What is attended to of a sequence of tokens: all slots of a memory of the first ones and the latest, for each token anew. The token
    /// itself is put into its slot when the slot's turn comes.
    fn window(&mut self, name: &str, tokens: ChannelId, SinkWindow { sinks, .. }: SinkWindow) -> ChannelId {
        let (slots, elements, count) = (self.slots(), self.elements(), self.l.shape.keys as u64);
        let width = self.l.width();
        let again = self.g.repeat_vector(&format!("{name}-again"), tokens, slots, elements);
        // Counters: of the element in its vector, of the slot, and of the slot that is the token's own.
        let (element, slot) = (unsigned(elements - 1), unsigned(slots - 1));
        let last_element = || state(0).equals(whole(elements - 1));
        let last_slot = || last_element() & state(1).equals(whole(slots - 1));
        let following = state(2).equals(whole(slots - 1)).mux(whole(sinks.into()), state(2) + whole(1));
        let step = [
            last_element().mux(whole(0), state(0) + whole(1)).wrap(element),
            last_slot().mux(whole(0), last_element().mux(state(1) + whole(1), state(1))).wrap(slot),
            last_slot().mux(following, state(2)).wrap(slot),
        ];
        let own = state(1).equals(state(2));
        let output = (0..width).map(|d| field(0, d)).chain([own]);
        let counters = [Word::zero(element), Word::zero(slot), Word::zero(slot)];
        let marked = self.g.scan(&format!("{name}-slot"), &[again], count * slots * elements, Fold::new(counters, step, output));
        let ty = self.g.channel(tokens).fields[0];
        let kept = (0..width).map(|d| field(0, width).mux(field(0, d), state(d)));
        let memory = Fold::new(vec![Word::zero(ty); width], kept, (0..width).map(next));
        self.g.mem_scan(&format!("{name}-memory"), &[marked], count, slots * elements, memory)
    }

    fn attention(mut self, scores: ChannelId, v: ChannelId) -> AttentionGraph {
        let result = match self.l.variant {
            Variant::Naive => {
                let exponents = self.exponents(scores);
                let weights = self.normalized(exponents);
                self.weighted_sum(weights, v)
            }
            Variant::Stable => {
                let exponents = self.shifted_exponents(scores);
                let weights = self.normalized(exponents);
                self.weighted_sum(weights, v)
            }
            Variant::Deferred => {
                let exponents = self.shifted_exponents(scores);
                let [to_sum, to_values] = self.g.fork("exponents", exponents);
                let sum = self.sum(to_sum);
                let weighted = self.weighted_sum(to_values, v);
                self.divided(weighted, sum)
            }
            Variant::MemoryFree => {
                let steps = self.running_max(scores);
                let [to_sum, to_values] = self.g.fork("steps", steps);
                let sum = self.scaled_sum(to_sum);
                let weighted = self.scaled_weighted_sum(to_values, v);
                self.divided(weighted, sum)
            }
        };
        self.g.sink("output", result);
        let FifoParameters { depth, long, registered_full } = self.l.fifos;
        self.g.set_room(if registered_full { Room::NextCycle } else { Room::SameCycle });
        let fifos: Vec<ChannelId> = self.g.fifos().map(|(id, _)| id).collect();
        fifos.into_iter().for_each(|fifo| self.g.set_depth(fifo, Depth::Words(depth as usize)));
        let long = long.map_or_else(|| self.l.long_fifo(), |long| long as usize);
        self.long.iter().for_each(|&fifo| self.g.set_depth(fifo, Depth::Words(long)));
        AttentionGraph { graph: self.g, long: self.long }
    }

    fn power(&self, exponent: Expression) -> Expression {
        let ExponentialParameters { table_bits, degree } = self.l.exp;
        exponent.exp2(Exp2 { ty: self.l.formats.weight, table_bits, degree })
    }

    /// Of a lane: `kept` if its key counts, else `otherwise`. Input 0 brings the scores, and behind them which keys count.
    fn if_kept(&self, lane: usize, kept: Expression, otherwise: Expression) -> Expression {
        if self.l.masked() { field(0, self.lanes() + lane).mux(kept, otherwise) } else { kept }
    }

    /// A lane's power of 2, or the weight 0.
    fn weight(&self, lane: usize, exponent: Expression) -> Expression {
        self.if_kept(lane, self.power(exponent), number(0.0, self.l.formats.weight))
    }

    /// 2^S of the scores as they are.
    fn exponents(&mut self, scores: ChannelId) -> ChannelId {
        let exponents = self.each_lane(|lane| self.weight(lane, input_lane(lane)));
        let exponents = self.g.map("exp", scores, exponents);
        self.g.set_latency(self.g.producer(exponents), self.l.latency.exp.into());
        exponents
    }

    /// A step of a maximum of scores.
    fn max_step(&self) -> Vec<Expression> {
        self.each_lane(|lane| self.if_kept(lane, state(lane).max(input_lane(lane)), state(lane)))
    }

    /// 2^(S − max S), the scores waiting for the maximum.
    fn shifted_exponents(&mut self, scores: ChannelId) -> ChannelId {
        let [wait, to_max] = self.g.fork("scores-fork", scores);
        let least = vec![Word::least(self.l.formats.score); self.lanes()];
        let max = Fold::new(least, self.max_step(), self.each_lane(next));
        let max = self.g.reduce("max", &[to_max], self.slots(), max);
        let maxima = self.g.repeat("max-again", max, self.slots());
        self.long.push(wait);
        let exponents = self.each_lane(|lane| self.weight(lane, input_lane(lane) - field(1, lane)));
        let exponents = self.g.zip("exp", &[wait, maxima], exponents);
        self.g.set_latency(self.g.producer(exponents), self.l.latency.exp.into());
        exponents
    }

    /// Of each score: by how much to scale the sums so far, of all lanes, and its own power of 2, of all lanes.
    fn running_max(&mut self, scores: ChannelId) -> ChannelId {
        let scales = self.each_lane(|lane| self.power(state(lane) - next(lane)));
        let weights = self.each_lane(|lane| self.weight(lane, input_lane(lane) - next(lane)));
        let least = vec![Word::least(self.l.formats.score); self.lanes()];
        let fold = Fold::new(least, self.max_step(), [scales, weights].concat());
        let steps = self.g.scan("running-max", &[scores], self.slots(), fold);
        self.g.set_latency(self.g.producer(steps), self.l.latency.exp.into());
        steps
    }

    fn sum(&mut self, weights: ChannelId) -> ChannelId {
        let ty = self.l.weight_sum();
        let step = self.each_lane(|lane| (state(lane) + input_lane(lane)).wrap(ty));
        self.reduce_weights(weights, step)
    }

    fn scaled_sum(&mut self, steps: ChannelId) -> ChannelId {
        let (ty, fraction) = (self.l.weight_sum(), self.l.formats.sum_fraction());
        let lanes = self.lanes();
        let step = self.each_lane(|lane| ((state(lane) * field(0, lane)).round(fraction) + field(0, lanes + lane)).wrap(ty));
        self.reduce_weights(steps, step)
    }

    fn reduce_weights(&mut self, weights: ChannelId, step: Vec<Expression>) -> ChannelId {
        let fold = Fold::new(vec![Word::zero(self.l.weight_sum()); self.lanes()], step, self.each_lane(next));
        self.g.reduce("sum", &[weights], self.slots(), fold)
    }

    /// e / Σ e, the weights waiting for their sum.
    fn normalized(&mut self, exponents: ChannelId) -> ChannelId {
        let [wait, to_sum] = self.g.fork("exponents", exponents);
        let sum = self.sum(to_sum);
        let sums = self.g.repeat("sum-again", sum, self.slots());
        self.long.push(wait);
        let quotient = self.l.formats.quotient();
        let quotients = self.each_lane(|lane| input_lane(lane).divide(field(1, lane), quotient));
        let quotients = self.g.zip("divide", &[wait, sums], quotients);
        self.g.set_latency(self.g.producer(quotients), self.l.latency.divide.into());
        quotients
    }

    /// Σ w·v, where each element of `weights` has a weight a lane.
    fn weighted_sum(&mut self, weights: ChannelId, v: ChannelId) -> ChannelId {
        let (sum, fraction) = (self.l.value_sum(), self.l.formats.sum_fraction());
        let step = move |lane: usize, word: usize, d: usize| (state(word) + (field(0, lane) * field(1, d)).round(fraction)).wrap(sum);
        self.reduce_values(weights, v, step)
    }

    /// l·Δ + e·v, where each element of `steps` has Δ of all lanes and e of all lanes.
    fn scaled_weighted_sum(&mut self, steps: ChannelId, v: ChannelId) -> ChannelId {
        let (sum, fraction) = (self.l.value_sum(), self.l.formats.sum_fraction());
        let lanes = self.lanes();
        let step = move |lane: usize, word: usize, d: usize| {
            let scaled = (state(word) * field(0, lane)).round(fraction);
            let new = (field(0, lanes + lane) * field(1, d)).round(fraction);
            (scaled + new).wrap(sum)
        };
        self.reduce_values(steps, v, step)
    }

    /// A reduction with a word for each lane and each number of a value's element: lane by lane.
    fn reduce_values(&mut self, weights: ChannelId, v: ChannelId, step: impl Fn(usize, usize, usize) -> Expression) -> ChannelId {
        let (slots, elements, width) = (self.slots(), self.elements(), self.l.width());
        let words = self.lanes() * width;
        let step = (0..words).map(|word| step(word / width, word, word % width));
        let (divides_first, output) = (self.l.variant.divides_first(), self.l.formats.output);
        let output = (0..words).map(|word| if divides_first { next(word).fit(output) } else { next(word) });
        let fold = Fold::new(vec![Word::zero(self.l.value_sum()); words], step, output);
        match self.l.head_dimension {
            Parallelism::Parallel => self.g.reduce("weighted-sum", &[weights, v], slots, fold),
            Parallelism::Series => {
                let again = self.g.repeat("weights-again", weights, elements);
                self.g.mem_reduce("weighted-sum", &[again, v], slots, elements, fold)
            }
        }
    }

    /// Sums of weighted values by sums of weights.
    fn divided(&mut self, weighted: ChannelId, sum: ChannelId) -> ChannelId {
        let (lanes, width, output) = (self.lanes(), self.l.width(), self.l.formats.output);
        let quotients = match (self.l.head_dimension, self.l.division) {
            (Parallelism::Series, _) => {
                let sums = self.g.repeat("sum-again", sum, self.elements());
                let quotients = self.each_lane(|lane| input_lane(lane).divide(field(1, lane), output));
                self.g.zip("divide", &[weighted, sums], quotients)
            }
            (Parallelism::Parallel, Parallelism::Parallel) => {
                let quotient = |word: usize| field(0, word).divide(field(1, word / width), output);
                self.g.zip("divide", &[weighted, sum], (0..lanes * width).map(quotient).collect::<Vec<_>>())
            }
            (Parallelism::Parallel, Parallelism::Series) => {
                let words = lanes * width;
                let dividend = index().select((0..words).map(|word| field(0, word)).collect::<Vec<_>>());
                let divisor = index().select((0..words).map(|word| field(1, word / width)).collect::<Vec<_>>());
                self.g.flatmap("divide", &[weighted, sum], words as u64, [dividend.divide(divisor, output)])
            }
        };
        self.g.set_latency(self.g.producer(quotients), self.l.latency.divide.into());
        quotients
    }
}

/// The score or weight of a lane, of input 0.
fn input_lane(lane: usize) -> Expression {
    field(0, lane)
}

/// The least type of whole numbers up to this one.
fn unsigned(greatest: u64) -> Type {
    Type::u(bits_for(greatest))
}

fn whole(value: u64) -> Expression {
    number(value as f64, unsigned(value))
}
