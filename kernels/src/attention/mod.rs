//! Scaled dot-product attention as a graph of streaming units: o = softmax(q·kᵀ/√D)·v in fixed point.
//!
//! After "Implementing and optimizing the scaled dot-product attention on streaming dataflow", arXiv 2404.16629: four orders of the
//! same arithmetic, of which the last holds nothing that grows with the number of keys. Exponents are of base 2, since the queries
//! come scaled by log₂(e)/√D.

pub mod exponential;
pub mod formats;
pub mod golden;
pub mod mask;
pub mod parameters;
pub mod prepare;
pub mod reference;
