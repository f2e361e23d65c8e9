//! Dense matrix product on a systolic array: C = A·B + bias, requantized, with ReLU; a chain of such layers.
//!
//! Dataflows after H. T. Kung, "Why systolic architectures?", Computer 15(1), 1982, and the taxonomy of Chen et al., "Eyeriss",
//! ISCA 2016.

pub mod golden;
pub mod hardware;
pub mod model;
pub mod parameters;
pub mod prepare;
pub mod schedule;
