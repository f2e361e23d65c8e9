//! Campaigns of random designs in lockstep: many seeds, and a failing one made small.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use rayon::prelude::*;
use systole_hdl::Design;

use crate::lockstep::{self, Case, Failure, LockstepError, StimulusPlan};
use crate::random_design::{random_design, seeded_runner};

/// How many designs share a run of Icarus.
const BATCH: u64 = 16;

/// How long a failing case may shrink.
const SHRINK_LIMIT: Duration = Duration::from_secs(180);

/// What a campaign does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many designs.
    pub count: u64,
    /// Seed of the first; the next ones follow.
    pub seed: u64,
    /// Cycles of stimulus for each.
    pub cycles: u32,
    /// One design in so many also goes through Verilator's lint and Yosys; 0 for none.
    pub other_tools_every: u64,
}

/// A failing case that is as small as it became.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed of the design that failed first.
    pub seed: u64,
    /// The small case.
    pub case: Case,
    /// How it fails.
    pub failure: Failure,
}

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many designs ran.
    pub designs: u64,
    /// How many of them went through the other tools too.
    pub other_tools: u64,
    /// Instances of all designs, tops included.
    pub instances: u64,
    /// Cells of all instances.
    pub cells: u64,
    /// What failed, in order of the seeds.
    pub failures: Vec<Found>,
}

/// Runs a campaign on all cores. `progress` is called with the number of designs done so far, from any thread.
///
/// # Errors
/// If a tool is missing or files cannot be written.
pub fn run(plan: &Plan, progress: impl Fn(u64) + Sync) -> Result<Summary, LockstepError> {
    let done = AtomicU64::new(0);
    let starts: Vec<u64> = (0..plan.count).step_by(BATCH as usize).collect();
    let batches: Vec<Summary> = starts
        .into_par_iter()
        .map(|start| {
            let batch = batch(plan, start, BATCH.min(plan.count - start))?;
            progress(done.fetch_add(batch.designs, Ordering::Relaxed) + batch.designs);
            Ok(batch)
        })
        .collect::<Result<_, LockstepError>>()?;
    let mut total = Summary::default();
    for batch in batches {
        total.designs += batch.designs;
        total.other_tools += batch.other_tools;
        total.instances += batch.instances;
        total.cells += batch.cells;
        total.failures.extend(batch.failures);
    }
    Ok(total)
}

/// The case of a seed.
pub fn case(seed: u64, cycles: u32) -> Case {
    Case { design: tree(seed).current(), stimulus: StimulusPlan { seed, cycles } }
}

fn tree(seed: u64) -> impl ValueTree<Value = Design> {
    random_design().new_tree(&mut seeded_runner(seed)).expect("the strategy filters nothing out")
}

fn batch(plan: &Plan, start: u64, count: u64) -> Result<Summary, LockstepError> {
    let seeds: Vec<u64> = (start..start + count).map(|i| plan.seed.wrapping_add(i)).collect();
    let cases: Vec<Case> = seeds.iter().map(|&seed| case(seed, plan.cycles)).collect();
    let mut summary = Summary { designs: count, ..Summary::default() };
    for ((case, &seed), outcome) in cases.iter().zip(&seeds).zip(lockstep::check(&cases)?) {
        let sizes = case.design.statistics();
        summary.instances += sizes.instances;
        summary.cells += sizes.cells;
        let with_other_tools = plan.other_tools_every > 0 && seed.is_multiple_of(plan.other_tools_every);
        summary.other_tools += u64::from(with_other_tools);
        if let Some(failure) = outcome {
            summary
                .failures
                .push(shrink(seed, case, failure, |case| Ok(lockstep::check(std::slice::from_ref(case))?.into_iter().next().flatten()))?);
        } else if with_other_tools && let Some(failure) = lockstep::check_with_other_tools(&case.design)? {
            summary.failures.push(shrink(seed, case, failure, |case| lockstep::check_with_other_tools(&case.design))?);
        }
    }
    Ok(summary)
}

/// The smallest case found that fails as the one of `seed` does. A case that fails only in its batch stays as it is.
fn shrink(
    seed: u64,
    case: &Case,
    failure: Failure,
    check: impl Fn(&Case) -> Result<Option<Failure>, LockstepError>,
) -> Result<Found, LockstepError> {
    let mut found = Found { seed, case: case.clone(), failure };
    let deadline = Instant::now() + SHRINK_LIMIT;
    let mut known: HashMap<String, bool> = HashMap::new();
    let mut tree = tree(seed);
    // Starts with the case itself: it must fail alone.
    loop {
        let mut stimulus = found.case.stimulus;
        if let Failure::Differs { cycle, .. } = found.failure {
            stimulus.cycles = cycle as u32 + 1;
        }
        let case = Case { design: tree.current(), stimulus };
        let text = case.design.to_text();
        let fails = match known.get(&text) {
            Some(&fails) => fails,
            None => {
                let failure = check(&case)?.filter(|failure| failure.is_like(&found.failure));
                let fails = failure.is_some();
                if let Some(failure) = failure {
                    found = Found { seed, case, failure };
                }
                known.insert(text, fails);
                fails
            }
        };
        let moved = if fails { tree.simplify() } else { tree.complicate() };
        if !moved || Instant::now() > deadline {
            return Ok(found);
        }
    }
}
