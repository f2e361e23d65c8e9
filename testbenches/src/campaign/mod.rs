//! Campaigns of random designs in lockstep: many seeds, and a failing one made small.

mod reduce;

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

/// How long a failing case may shrink, as a recipe and as a netlist.
const SHRINK_LIMIT: Duration = Duration::from_secs(90);

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
    /// Of one design in so many, Verilator also builds a model; 0 for none.
    pub builds_every: u64,
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

/// Answers each case with its failure, if it has one.
pub type Check<'a> = &'a dyn Fn(&[Case]) -> Result<Vec<Option<Failure>>, LockstepError>;

/// Answers with a design's failure, if it has one.
type CheckDesign = fn(&Design) -> Result<Option<Failure>, LockstepError>;

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many designs ran.
    pub designs: u64,
    /// How many of them went through the other tools too.
    pub other_tools: u64,
    /// Of how many a model was built.
    pub builds: u64,
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
        total.builds += batch.builds;
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
        let is_one_of = |every: u64| every > 0 && seed.is_multiple_of(every);
        let (with_other_tools, with_build) = (is_one_of(plan.other_tools_every), is_one_of(plan.builds_every));
        summary.builds += u64::from(with_build);
        summary.other_tools += u64::from(with_other_tools);
        if let Some(failure) = outcome {
            summary.failures.push(shrink(seed, case, failure, &lockstep::check)?);
            continue;
        }
        let alone: [(bool, CheckDesign); 2] = [(with_other_tools, lockstep::check_with_other_tools), (with_build, lockstep::check_build)];
        for (_, check) in alone.into_iter().filter(|(wanted, _)| *wanted) {
            if let Some(failure) = check(&case.design)? {
                let check = |cases: &[Case]| cases.iter().map(|case| check(&case.design)).collect();
                summary.failures.push(shrink(seed, case, failure, &check)?);
                break;
            }
        }
    }
    Ok(summary)
}

/// The smallest case found that still fails in `check` as `case`, the one of `seed`, does: first a smaller recipe, then a smaller netlist. A case that
/// fails only in its batch stays as it is.
///
/// # Errors
/// If a tool is missing or files cannot be written.
pub fn shrink(seed: u64, case: &Case, failure: Failure, check: Check) -> Result<Found, LockstepError> {
    let found = Found { seed, case: case.clone(), failure };
    let found = shrink_recipe(found, check, Instant::now() + SHRINK_LIMIT)?;
    shrink_netlist(found, check)
}

/// The smallest case found by changing the netlist alone that still fails in `check` as before.
///
/// # Errors
/// If a tool is missing or files cannot be written.
pub fn shrink_netlist(found: Found, check: Check) -> Result<Found, LockstepError> {
    reduce::shrink_netlist(found, check, Instant::now() + SHRINK_LIMIT)
}

fn shrink_recipe(mut found: Found, check: Check, deadline: Instant) -> Result<Found, LockstepError> {
    let mut known: HashMap<String, bool> = HashMap::new();
    let mut tree = tree(found.seed);
    // Starts with the case itself, which must fail alone.
    loop {
        let case = found.with_design(tree.current());
        let text = case.design.to_text();
        let fails = match known.get(&text) {
            Some(&fails) => fails,
            None => {
                let failure = check(std::slice::from_ref(&case))?.into_iter().flatten().find(|failure| failure.is_like(&found.failure));
                known.insert(text, failure.is_some());
                failure.map(|failure| found = Found { case, failure, ..found.clone() }).is_some()
            }
        };
        let moved = if fails { tree.simplify() } else { tree.complicate() };
        if !moved || Instant::now() > deadline {
            return Ok(found);
        }
    }
}

impl Found {
    /// Another design with the stimulus of this case, as far as it matters.
    fn with_design(&self, design: Design) -> Case {
        let mut stimulus = self.case.stimulus;
        if let Failure::Differs { cycle, .. } = self.failure {
            stimulus.cycles = cycle as u32 + 1;
        }
        Case { design, stimulus }
    }
}
