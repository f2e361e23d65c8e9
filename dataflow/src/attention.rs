//! Streaming attention as four graphs (arXiv 2404.16629): the example of this crate.
//!
//! R rows of N scores come in, one score a cycle, and the N value vectors, again for each row; out comes a vector for each row,
//! o = Σ exp(S_j) v_j / Σ exp(S_j). Three of the variants hold a whole row somewhere; the last one holds none of it. Their units, where `=` is
//! a FIFO that holds a row:
//!
//! ```text
//! naive        scores ─► exp ─► fork ═══════════════════════► divide ─► weighted-sum ─► out
//!                                  └─► sum ─► repeat-sum ───────┘            └── values
//! stable       scores ─► fork ══════════════════════► exp ─► fork, and on as naive
//!                           └─► max ─► repeat-max ─────┘
//! deferred     scores ─► fork, and on as stable to exp ─► fork ─► weighted-sum ─► divide ─► out
//!                                                            └──► sum ──────────────┘
//! memory-free  scores ─► running-max ─► fork ─► weighted-sum ─► divide ─► out
//!                                          └──► sum ──────────────┘
//! ```
//!
//! With initiation interval and latency 1, FIFOs of depth 2 and long ones of N + 2:
//!
//! | variant | cycles | first output | FIFOs that hold a row |
//! |---|---|---|---|
//! | naive | (R + 1) N + 5 | 2 N + 5 | 1, of N + 2 |
//! | stable | (R + 2) N + 7 | 3 N + 7 | 2, of N + 2 |
//! | deferred | (R + 1) N + 6 | 2 N + 6 | 1, of N + 2 |
//! | memory-free | R N + 4 | N + 4 | none |
//!
//! A long FIFO of N costs two cycles more for each row after the first; one of N - 1 is a deadlock.

use std::sync::Arc;

use crate::expression::{Expression, field, input, next, state};
use crate::graph::{ChannelId, Depth, Graph};

/// Ways to compute attention over a stream of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Exponents of the scores as they are; each is divided by the row's sum.
    Naive,
    /// The row's maximum is subtracted first.
    Stable,
    /// As stable, but the division comes after the sums: once a row.
    Deferred,
    /// A running maximum; sums are scaled whenever it changes.
    MemoryFree,
}

/// A graph of attention.
pub struct Attention {
    /// The graph, whose one sink takes the rows' results, each of `head_dim` fields.
    pub graph: Graph,
    /// The FIFOs that have to hold a row.
    pub long: Vec<ChannelId>,
}

/// What attention is computed of.
#[derive(Clone, Debug)]
pub struct Operands {
    /// Scores, `[rows, keys]`.
    pub scores: Arc<[f64]>,
    /// Values, `[keys, head_dim]`.
    pub values: Arc<[f64]>,
    /// N.
    pub keys: usize,
    /// Numbers of a value vector.
    pub head_dim: usize,
}

/// The graph of a variant with long FIFOs of the depth `long`, and others of depth 2.
pub fn attention(variant: Variant, operands: &Operands, long: Depth) -> Attention {
    let mut g = Graph::new();
    let keys = operands.keys as u64;
    let rows = operands.scores.len().checked_div(operands.keys).unwrap_or(0);
    let scores = g.source("scores", 1, operands.scores.clone(), 1);
    let values = g.source("values", operands.head_dim, operands.values.clone(), rows as u64);
    let mut held = Vec::new();
    let result = match variant {
        Variant::Naive => {
            let exponents = g.map("exp", scores, [input(0).exp()]);
            let weights = normalized(&mut g, exponents, keys, &mut held);
            weighted_sum(&mut g, weights, values, operands)
        }
        Variant::Stable => {
            let exponents = shifted_exponents(&mut g, scores, keys, &mut held);
            let weights = normalized(&mut g, exponents, keys, &mut held);
            weighted_sum(&mut g, weights, values, operands)
        }
        Variant::Deferred => {
            let exponents = shifted_exponents(&mut g, scores, keys, &mut held);
            let [to_sum, to_values] = g.fork("exponents", exponents);
            let sum = sum(&mut g, to_sum, keys);
            let weighted = weighted_sum(&mut g, to_values, values, operands);
            divided(&mut g, weighted, sum, operands)
        }
        Variant::MemoryFree => {
            // Of each score: by how much to scale the sums so far, and its own exponent.
            let steps = g.scan(
                "running-max",
                &[scores],
                keys,
                &[f64::NEG_INFINITY],
                [state(0).max(input(0))],
                [(state(0) - next(0)).exp(), (input(0) - next(0)).exp()],
            );
            let [to_sum, to_values] = g.fork("steps", steps);
            let scaled = |word: usize, new: Expression| state(word) * field(0, 0) + new;
            let sum = g.reduce("sum", &[to_sum], keys, &[0.0], [scaled(0, field(0, 1))], [next(0)]);
            let step: Vec<_> = (0..operands.head_dim).map(|d| scaled(d, field(0, 1) * field(1, d))).collect();
            let weighted = reduce_vector(&mut g, &[to_values, values], operands, step);
            divided(&mut g, weighted, sum, operands)
        }
    };
    g.sink("out", result);
    held.iter().for_each(|&channel| g.set_depth(channel, long));
    Attention { graph: g, long: held }
}

/// exp(S_j - max S), the scores waiting for the maximum.
fn shifted_exponents(g: &mut Graph, scores: ChannelId, keys: u64, held: &mut Vec<ChannelId>) -> ChannelId {
    let [wait, to_max] = g.fork("scores-fork", scores);
    let maximum = g.reduce("max", &[to_max], keys, &[f64::NEG_INFINITY], [state(0).max(input(0))], [next(0)]);
    let maxima = g.repeat("repeat-max", maximum, keys);
    held.push(wait);
    g.zip("exp", &[wait, maxima], [(input(0) - input(1)).exp()])
}

/// e_j / Σ e, the exponents waiting for the sum.
fn normalized(g: &mut Graph, exponents: ChannelId, keys: u64, held: &mut Vec<ChannelId>) -> ChannelId {
    let [wait, to_sum] = g.fork("exponents", exponents);
    let sum = sum(g, to_sum, keys);
    let sums = g.repeat("repeat-sum", sum, keys);
    held.push(wait);
    g.zip("divide", &[wait, sums], [input(0) / input(1)])
}

fn sum(g: &mut Graph, elements: ChannelId, keys: u64) -> ChannelId {
    g.reduce("sum", &[elements], keys, &[0.0], [state(0) + input(0)], [next(0)])
}

fn weighted_sum(g: &mut Graph, weights: ChannelId, values: ChannelId, operands: &Operands) -> ChannelId {
    let step: Vec<_> = (0..operands.head_dim).map(|d| state(d) + input(0) * field(1, d)).collect();
    reduce_vector(g, &[weights, values], operands, step)
}

fn reduce_vector(g: &mut Graph, inputs: &[ChannelId], operands: &Operands, step: Vec<Expression>) -> ChannelId {
    let output: Vec<_> = (0..operands.head_dim).map(next).collect();
    g.reduce("weighted-sum", inputs, operands.keys as u64, &vec![0.0; operands.head_dim], step, output)
}

fn divided(g: &mut Graph, weighted: ChannelId, sum: ChannelId, operands: &Operands) -> ChannelId {
    let output: Vec<_> = (0..operands.head_dim).map(|d| field(0, d) / field(1, 0)).collect();
    g.zip("divide", &[weighted, sum], output)
}
