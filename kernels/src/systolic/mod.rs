//! The systolic array that the matrix kernels share: its hardware, the order in which operands enter it, its cycle model and its golden model.
//!
//! Dataflows after H. T. Kung, "Why systolic architectures?", Computer 15(1), 1982, and the taxonomy of Chen et al., "Eyeriss",
//! ISCA 2016.

mod advice;
pub mod choice;
pub mod compression;
pub mod format_choice;
pub mod golden;
pub mod hardware;
pub mod job;
pub mod model;
pub mod parameters;
pub mod prepare;
pub mod product;
pub mod run;
pub mod schedule;
mod supply;
