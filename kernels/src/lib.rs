//! The kernels: parameters, golden model, hardware, run.
