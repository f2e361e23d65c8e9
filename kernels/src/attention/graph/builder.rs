//! The units of a graph of attention, from the scores on and before them.

use systole_dataflow::{ChannelId, Depth, Exp2, Expression, Fold, Graph, Room, Type, Word, dot, field, index, next, number, state, whole};
use systole_hdl::types::bits_for;

use super::{AttentionGraph, Layout};
use crate::attention::mask::{Mask, SinkWindow};
use crate::attention::parameters::{ExponentialParameters, FifoParameters, Parallelism, Variant};

/// A graph that is being built.
pub(super) struct Builder<'a> {
    pub(super) graph: Graph,
    layout: &'a Layout,
    /// The FIFOs that have to hold a row, so far.
    long: Vec<ChannelId>,
}

impl Builder<'_> {
    pub(super) fn new(layout: &Layout) -> Builder<'_> {
        Builder { graph: Graph::new(), layout, long: Vec::new() }
    }

    fn lanes(&self) -> usize {
        self.layout.rows_in_parallel
    }

    fn slots(&self) -> u64 {
        self.layout.slots() as u64
    }

    fn elements(&self) -> u64 {
        self.layout.elements() as u64
    }

    fn each_lane(&self, of: impl FnMut(usize) -> Expression) -> Vec<Expression> {
        (0..self.lanes()).map(of).collect()
    }

    /// The score of each lane, of every key in turn.
    pub(super) fn scores(&mut self, q: ChannelId, k: ChannelId) -> ChannelId {
        let (slots, elements, width) = (self.slots(), self.elements(), self.layout.width());
        let formats = &self.layout.formats;
        let again = self.graph.repeat_vector("q-again", q, slots, elements);
        let product = |lane: usize| dot((0..width).map(|d| field(0, lane * width + d)), (0..width).map(|d| field(1, d)));
        let scores = match self.layout.head_dimension {
            Parallelism::Parallel => {
                let scores = self.each_lane(|lane| product(lane).fit(formats.score));
                self.graph.zip("score", &[again, k], scores)
            }
            Parallelism::Series => {
                let sum = formats.dot_product(self.layout.shape.head_dimension);
                let step = self.each_lane(|lane| (state(lane) + product(lane)).wrap(sum));
                let output = self.each_lane(|lane| next(lane).fit(formats.score));
                self.graph.reduce("score", &[again, k], elements, Fold::new(vec![Word::zero(sum); self.lanes()], step, output))
            }
        };
        self.graph.set_latency(self.graph.producer(scores), self.layout.latency.score.into());
        scores
    }

    /// Adds to the scores of each lane whether the key counts: the number of the key, or of the slot, is at most that of the row's own token.
    pub(super) fn mask(&mut self, scores: ChannelId) -> ChannelId {
        let (slots, passes) = (self.slots(), self.layout.passes() as u64);
        let shape = self.layout.shape;
        let first_token = match self.layout.mask {
            Mask::Causal => shape.keys.saturating_sub(shape.rows),
            Mask::None | Mask::SinkWindow(_) => 0,
        };
        let slot = unsigned(slots - 1);
        let row = unsigned(passes * self.lanes() as u64);
        let last = || state(0).equals(whole(slots - 1));
        let step =
            [last().mux(whole(0), state(0) + whole(1)).wrap(slot), last().mux(state(1) + whole(self.lanes() as u64), state(1)).wrap(row)];
        let keep = |lane: usize| !(state(1) + whole((lane + first_token) as u64)).lt(state(0));
        let output = [self.each_lane(input_lane), self.each_lane(keep)].concat();
        self.graph.scan("mask", &[scores], slots * passes, Fold::new([Word::zero(slot), Word::zero(row)], step, output))
    }

    /// Adds to the scores of each lane whether the key counts, which a stream says.
    pub(super) fn listed_mask(&mut self, scores: ChannelId, mask: ChannelId) -> ChannelId {
        let output = [self.each_lane(input_lane), self.each_lane(|lane| field(1, lane))].concat();
        self.graph.zip("with-mask", &[scores, mask], output)
    }

    /// What is attended to of a sequence of tokens: all slots of a memory of the first ones and the latest, for each token anew. The token
    /// itself is put into its slot when the slot's turn comes.
    pub(super) fn window(&mut self, name: &str, tokens: ChannelId, SinkWindow { sinks, .. }: SinkWindow) -> ChannelId {
        let (slots, elements, count) = (self.slots(), self.elements(), self.layout.shape.keys as u64);
        let width = self.layout.width();
        let again = self.graph.repeat_vector(&format!("{name}-again"), tokens, slots, elements);
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
        let marked = self.graph.scan(&format!("{name}-slot"), &[again], count * slots * elements, Fold::new(counters, step, output));
        let ty = self.graph.channel(tokens).fields[0];
        let kept = (0..width).map(|d| field(0, width).mux(field(0, d), state(d)));
        let memory = Fold::new(vec![Word::zero(ty); width], kept, (0..width).map(next));
        self.graph.mem_scan(&format!("{name}-memory"), &[marked], count, slots * elements, memory)
    }

    pub(super) fn attention(mut self, scores: ChannelId, v: ChannelId) -> AttentionGraph {
        let result = match self.layout.variant {
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
                let [to_sum, to_values] = self.graph.fork("exponents", exponents);
                let sum = self.sum(to_sum);
                let weighted = self.weighted_sum(to_values, v);
                self.divided(weighted, sum)
            }
            Variant::MemoryFree => {
                let steps = self.running_max(scores);
                let [to_sum, to_values] = self.graph.fork("steps", steps);
                let sum = self.scaled_sum(to_sum);
                let weighted = self.scaled_weighted_sum(to_values, v);
                self.divided(weighted, sum)
            }
        };
        self.graph.sink("output", result);
        let FifoParameters { depth, long, registered_full } = self.layout.fifos;
        self.graph.set_room(if registered_full { Room::NextCycle } else { Room::SameCycle });
        let fifos: Vec<ChannelId> = self.graph.fifos().map(|(id, _)| id).collect();
        fifos.into_iter().for_each(|fifo| self.graph.set_depth(fifo, Depth::Words(depth as usize)));
        let long = long.map_or_else(|| self.layout.long_fifo(), |long| long as usize);
        self.long.iter().for_each(|&fifo| self.graph.set_depth(fifo, Depth::Words(long)));
        AttentionGraph { graph: self.graph, long: self.long }
    }

    fn power(&self, exponent: Expression) -> Expression {
        let ExponentialParameters { table_bits, degree } = self.layout.exp;
        exponent.exp2(Exp2 { ty: self.layout.formats.weight, table_bits, degree })
    }

    /// Of a lane: `kept` if its key counts, else `otherwise`. Input 0 brings the scores, and behind them which keys count.
    fn if_kept(&self, lane: usize, kept: Expression, otherwise: Expression) -> Expression {
        if self.layout.masked() { field(0, self.lanes() + lane).mux(kept, otherwise) } else { kept }
    }

    /// A lane's power of 2, or the weight 0.
    fn weight(&self, lane: usize, exponent: Expression) -> Expression {
        self.if_kept(lane, self.power(exponent), number(0.0, self.layout.formats.weight))
    }

    /// 2^S of the scores as they are.
    fn exponents(&mut self, scores: ChannelId) -> ChannelId {
        let exponents = self.each_lane(|lane| self.weight(lane, input_lane(lane)));
        let exponents = self.graph.map("exp", scores, exponents);
        self.graph.set_latency(self.graph.producer(exponents), self.layout.latency.exp.into());
        exponents
    }

    /// A step of a maximum of scores.
    fn max_step(&self) -> Vec<Expression> {
        self.each_lane(|lane| self.if_kept(lane, state(lane).max(input_lane(lane)), state(lane)))
    }

    /// 2^(S − max S), the scores waiting for the maximum.
    fn shifted_exponents(&mut self, scores: ChannelId) -> ChannelId {
        let [wait, to_max] = self.graph.fork("scores-fork", scores);
        let least = vec![Word::least(self.layout.formats.score); self.lanes()];
        let max = Fold::new(least, self.max_step(), self.each_lane(next));
        let max = self.graph.reduce("max", &[to_max], self.slots(), max);
        let maxima = self.graph.repeat("max-again", max, self.slots());
        self.long.push(wait);
        let exponents = self.each_lane(|lane| self.weight(lane, input_lane(lane) - field(1, lane)));
        let exponents = self.graph.zip("exp", &[wait, maxima], exponents);
        self.graph.set_latency(self.graph.producer(exponents), self.layout.latency.exp.into());
        exponents
    }

    /// Of each score: by how much to scale the sums so far, of all lanes, and its own power of 2, of all lanes.
    fn running_max(&mut self, scores: ChannelId) -> ChannelId {
        let scales = self.each_lane(|lane| self.power(state(lane) - next(lane)));
        let weights = self.each_lane(|lane| self.weight(lane, input_lane(lane) - next(lane)));
        let least = vec![Word::least(self.layout.formats.score); self.lanes()];
        let fold = Fold::new(least, self.max_step(), [scales, weights].concat());
        let steps = self.graph.scan("running-max", &[scores], self.slots(), fold);
        self.graph.set_latency(self.graph.producer(steps), self.layout.latency.exp.into());
        steps
    }

    fn sum(&mut self, weights: ChannelId) -> ChannelId {
        let ty = self.layout.weight_sum();
        let step = self.each_lane(|lane| (state(lane) + input_lane(lane)).wrap(ty));
        self.reduce_weights(weights, step)
    }

    fn scaled_sum(&mut self, steps: ChannelId) -> ChannelId {
        let (ty, fraction) = (self.layout.weight_sum(), self.layout.formats.sum_fraction());
        let lanes = self.lanes();
        let step = self.each_lane(|lane| ((state(lane) * field(0, lane)).round(fraction) + field(0, lanes + lane)).wrap(ty));
        self.reduce_weights(steps, step)
    }

    fn reduce_weights(&mut self, weights: ChannelId, step: Vec<Expression>) -> ChannelId {
        let fold = Fold::new(vec![Word::zero(self.layout.weight_sum()); self.lanes()], step, self.each_lane(next));
        self.graph.reduce("sum", &[weights], self.slots(), fold)
    }

    /// e / Σ e, the weights waiting for their sum.
    fn normalized(&mut self, exponents: ChannelId) -> ChannelId {
        let [wait, to_sum] = self.graph.fork("exponents", exponents);
        let sum = self.sum(to_sum);
        let sums = self.graph.repeat("sum-again", sum, self.slots());
        self.long.push(wait);
        let quotient = self.layout.formats.quotient();
        let quotients = self.each_lane(|lane| self.quotient(input_lane(lane), field(1, lane), quotient));
        let quotients = self.graph.zip("divide", &[wait, sums], quotients);
        self.graph.set_latency(self.graph.producer(quotients), self.layout.latency.divide.into());
        quotients
    }

    /// Σ w·v, where each element of `weights` has a weight a lane.
    fn weighted_sum(&mut self, weights: ChannelId, v: ChannelId) -> ChannelId {
        let (sum, fraction) = (self.layout.value_sum(), self.layout.formats.sum_fraction());
        let step = move |lane: usize, word: usize, d: usize| (state(word) + (field(0, lane) * field(1, d)).round(fraction)).wrap(sum);
        self.reduce_values(weights, v, step)
    }

    /// l·Δ + e·v, where each element of `steps` has Δ of all lanes and e of all lanes.
    fn scaled_weighted_sum(&mut self, steps: ChannelId, v: ChannelId) -> ChannelId {
        let (sum, fraction) = (self.layout.value_sum(), self.layout.formats.sum_fraction());
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
        let (slots, elements, width) = (self.slots(), self.elements(), self.layout.width());
        let words = self.lanes() * width;
        let step = (0..words).map(|word| step(word / width, word, word % width));
        let (divides_first, output) = (self.layout.variant.divides_first(), self.layout.formats.output);
        let output = (0..words).map(|word| if divides_first { next(word).fit(output) } else { next(word) });
        let fold = Fold::new(vec![Word::zero(self.layout.value_sum()); words], step, output);
        match self.layout.head_dimension {
            Parallelism::Parallel => self.graph.reduce("weighted-sum", &[weights, v], slots, fold),
            Parallelism::Series => {
                let again = self.graph.repeat("weights-again", weights, elements);
                self.graph.mem_reduce("weighted-sum", &[again, v], slots, elements, fold)
            }
        }
    }

    /// The share of a sum of weights: 0 where the sum is, if it can be. It can where weights are not relative to the greatest, which has the
    /// weight 1.
    fn quotient(&self, dividend: Expression, sum: Expression, ty: Type) -> Expression {
        let quotient = dividend.divide(sum.clone(), ty);
        if self.layout.sums_can_vanish() { sum.equals(whole(0)).mux(number(0.0, ty), quotient) } else { quotient }
    }

    /// Sums of weighted values by sums of weights.
    fn divided(&mut self, weighted: ChannelId, sum: ChannelId) -> ChannelId {
        let (lanes, width, output) = (self.lanes(), self.layout.width(), self.layout.formats.output);
        let quotients = match (self.layout.head_dimension, self.layout.division) {
            (Parallelism::Series, _) => {
                let sums = self.graph.repeat("sum-again", sum, self.elements());
                let quotients = self.each_lane(|lane| self.quotient(input_lane(lane), field(1, lane), output));
                self.graph.zip("divide", &[weighted, sums], quotients)
            }
            (Parallelism::Parallel, Parallelism::Parallel) => {
                let quotients: Vec<_> =
                    (0..lanes * width).map(|word| self.quotient(field(0, word), field(1, word / width), output)).collect();
                self.graph.zip("divide", &[weighted, sum], quotients)
            }
            (Parallelism::Parallel, Parallelism::Series) => {
                let words = lanes * width;
                let dividend = index().select((0..words).map(|word| field(0, word)).collect::<Vec<_>>());
                let divisor = index().select((0..words).map(|word| field(1, word / width)).collect::<Vec<_>>());
                let quotient = self.quotient(dividend, divisor, output);
                self.graph.flatmap("divide", &[weighted, sum], words as u64, [quotient])
            }
        };
        self.graph.set_latency(self.graph.producer(quotients), self.layout.latency.divide.into());
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
