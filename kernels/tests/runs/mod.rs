//! Running a configuration as the command line does.

use std::ops::ControlFlow;

use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::{Configured, RunContext, RunError};
use systole_kernels::registry::configure;
use systole_kernels::report::Outcome;
use systole_sim::{EngineKind, Options, Simulator};

use crate::files;

/// What a configuration with its tensors from files gives.
pub fn run(config: toml::Table, engine: EngineKind) -> Outcome {
    let (_, configured) = configure(config).unwrap();
    let requests = configured.tensors();
    let tensors = requests.iter().map(|request| files::tensor(&request.file, request.tensor.as_ref().unwrap())).collect();
    run_configured(&*configured, tensors, engine).unwrap()
}

/// What a configuration with these tensors gives.
pub fn run_configured(configured: &dyn Configured, tensors: Vec<Tensor>, engine: EngineKind) -> Result<Outcome, RunError> {
    let design = configured.design(&tensors).unwrap();
    let mut simulator = Simulator::new(&design, Options { engine, ..Options::default() }).unwrap();
    let prepared = configured.prepare(tensors).unwrap();
    prepared.run(&mut RunContext { simulator: &mut simulator, cycle_limit: 10_000_000, progress: &mut |_| ControlFlow::Continue(()) })
}

/// Asserts that every result is the golden model's, in the modelled number of cycles.
#[track_caller]
pub fn assert_exact_and_as_modelled(outcome: &Outcome) {
    let numerics = &outcome.numerics;
    assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
    assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
}
