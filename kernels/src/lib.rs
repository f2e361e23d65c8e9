//! The kernels: parameters, golden model, hardware, run.

pub mod attention;
pub mod common;
pub mod gemm;
pub mod kernel;
pub mod registry;
pub mod report;
pub mod sparse;
pub mod sparse_gemm;
pub mod sparse_training;
pub mod sparsify;
pub mod systolic;
