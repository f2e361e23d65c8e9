//! The program that lets signals follow: only those that somebody outside wants to see, and what they need.

use rustc_hash::FxHashMap;

use super::build::{Builder, Parts};
use super::graph::Mode;
use super::layout::VectorId;
use super::program::Program;

/// What has its value once the settle program has run.
#[derive(Default)]
pub(super) struct Settled {
    /// By vector.
    pub vectors: Vec<bool>,
    /// Links that have been moved, and where to.
    pub links: FxHashMap<u32, usize>,
}

/// Makes the program for the vectors that are `kept`.
pub(super) fn settle_program(mut parts: Parts, kept: &[bool]) -> (Program, Settled) {
    let mut needed = vec![false; kept.len()];
    mark_needed(&mut parts, (0..kept.len() as u32).filter(|&vector| kept[vector as usize]), &mut needed);
    let mut builder = Builder::new(parts);
    let mut vectors: Vec<bool> = builder.parts.graph.modes.iter().map(|mode| *mode == Mode::Source).collect();
    for &unit in &builder.parts.graph.order {
        let vector = unit.vector();
        if needed[vector as usize] && !builder.is_absorbed(vector) {
            builder.unit(unit);
            vectors[vector as usize] = true;
        }
    }
    let (program, links) = builder.finish();
    (program, Settled { vectors, links })
}

/// Marks combinational vectors and all that they are computed from.
pub(super) fn mark_needed(parts: &mut Parts, wanted: impl IntoIterator<Item = VectorId>, needed: &mut [bool]) {
    let mut waiting: Vec<VectorId> = wanted.into_iter().collect();
    while let Some(vector) = waiting.pop() {
        if !needed[vector as usize] && parts.graph.modes[vector as usize] != Mode::Source {
            needed[vector as usize] = true;
            waiting.extend(parts.graph.operands(parts.hierarchy, parts.layout, parts.links, vector));
        }
    }
}
