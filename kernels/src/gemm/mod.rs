//! Dense matrix product on a systolic array: C = A·B + bias, requantized, with ReLU.

pub mod golden;
pub mod hardware;
pub mod model;
pub mod schedule;
