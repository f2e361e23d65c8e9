//! Tests and benchmarks across crates and against other tools.
