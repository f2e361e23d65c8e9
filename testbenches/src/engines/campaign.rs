//! Many random designs on both engines, and a failing one made small.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use systole_sim::compiled::InstructionSet;

use super::{case, first_difference, in_array};
use crate::campaign::{self, Found};
use crate::lockstep::{Case, Failure, LockstepError};

/// What a campaign does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many designs.
    pub count: u64,
    /// Seed of the first; the next ones follow.
    pub seed: u64,
    /// Cycles of stimulus for each.
    pub cycles: u32,
    /// What the compiled engine's kernels are compiled for.
    pub set: InstructionSet,
    /// No design is begun after so long.
    pub limit: Option<Duration>,
}

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many designs ran.
    pub designs: u64,
    /// Instances of all designs, tops included.
    pub instances: u64,
    /// Cells of all instances.
    pub cells: u64,
    /// What failed, in order of the seeds; the first few are made small.
    pub failures: Vec<Found>,
}

/// The most failures that are made small: they are mostly of one cause.
const MOST_SHRUNK: usize = 3;

/// Runs a campaign on all cores. `progress` is called with the number of designs done so far, from any thread.
///
/// # Errors
/// If shrinking a failing case fails for want of files; it needs none.
pub fn run(plan: &Plan, progress: impl Fn(u64) + Sync) -> Result<Summary, LockstepError> {
    let (done, start) = (AtomicU64::new(0), Instant::now());
    let outcomes: Vec<(u64, u64, u64, Option<Failure>)> = (plan.seed..plan.seed.saturating_add(plan.count))
        .into_par_iter()
        .filter(|_| plan.limit.is_none_or(|limit| start.elapsed() < limit))
        .map(|seed| {
            let case = case(seed, plan.cycles);
            let (sizes, failure) = (case.design.statistics(), check(&case, plan.set));
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            (seed, sizes.instances, sizes.cells, failure)
        })
        .collect();
    let mut summary = Summary { designs: outcomes.len() as u64, ..Summary::default() };
    for (seed, instances, cells, failure) in outcomes {
        summary.instances += instances;
        summary.cells += cells;
        if let Some(failure) = failure {
            let shrink = summary.failures.len() < MOST_SHRUNK;
            summary.failures.push(if shrink {
                shrunk(seed, plan, failure)?
            } else {
                Found { seed, case: case(seed, plan.cycles), failure }
            });
        }
    }
    Ok(summary)
}

/// How a case fails, if it does: a difference, a panic, or a refusal by one of the engines.
pub fn check(case: &Case, set: InstructionSet) -> Option<Failure> {
    let broken = |part, message| Some(Failure::Broken { part, message });
    match catch_unwind(AssertUnwindSafe(|| first_difference(case, set))) {
        Ok(Ok(None)) => None,
        Ok(Ok(Some(difference))) => broken("the agreement of both engines", difference.to_string()),
        Ok(Err(error)) => broken("making an engine", error.to_string()),
        Err(panic) => broken("an engine", text(&*panic)),
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", words.unwrap_or("no message"))
}

/// First the design that is copied becomes smaller, within its array; then the array as it is.
fn shrunk(seed: u64, plan: &Plan, failure: Failure) -> Result<Found, LockstepError> {
    let in_array = |case: &Case| Case { design: in_array(&case.design, seed), stimulus: case.stimulus };
    let check_in_array = |cases: &[Case]| Ok(cases.iter().map(|case| check(&in_array(case), plan.set)).collect());
    let found = campaign::shrink(seed, &campaign::case(seed, plan.cycles), failure, &check_in_array)?;
    campaign::shrink_netlist(Found { case: in_array(&found.case), ..found }, &|cases| {
        Ok(cases.iter().map(|case| check(case, plan.set)).collect())
    })
}
