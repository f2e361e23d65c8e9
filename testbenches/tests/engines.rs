//! The compiled engine against the reference engine, on random designs: every signal in every cycle.

use std::collections::BTreeMap;
use std::path::Path;

use systole_hdl::analysis::PortPaths;
use systole_hdl::design::ModuleId;
use systole_hdl::{Cell, Design, ModuleDef};
use systole_sim::compiled::InstructionSet;
use systole_testbenches::engines::{self, Plan};
use systole_testbenches::lockstep::{Case, Cycle, random_stimulus};
use systole_testbenches::random_design::CELL_KINDS;
use systole_testbenches::replay;

#[test]
fn both_engines_agree_on_every_signal_in_every_cycle() {
    let plan = Plan { count: 200, seed: 1, cycles: 30, set: InstructionSet::of_this_processor(), limit: None };
    let summary = engines::run(&plan, |_| {}).expect("no files are needed");
    let failures: Vec<String> =
        summary.failures.iter().map(|found| replay::to_text(&found.case, &format!("seed {}: {}", found.seed, found.failure))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(summary.designs, 200);
}

#[test]
fn every_case_that_once_failed_agrees_on_both_engines() {
    let paths = replay::list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("replays")).expect("the folder is there");
    assert!(!paths.is_empty());
    for path in paths {
        let case = replay::read(&path).unwrap_or_else(|error| panic!("{error}"));
        for set in [InstructionSet::of_this_processor(), InstructionSet::PORTABLE] {
            assert_eq!(engines::check(&case, set), None, "{}", path.display());
        }
    }
}

/// How many instances each module has in the whole tree.
fn instances(design: &Design) -> Vec<u64> {
    let mut count = vec![0u64; design.modules.len()];
    count[design.top().index()] = 1;
    for (index, module) in design.modules.iter().enumerate().rev() {
        for instance in &module.instances {
            count[instance.module.index()] += count[index];
        }
    }
    count
}

/// Whether some output of an instance goes into another one of the same definition, whose same output follows it within the cycle.
fn ripples(module: &ModuleDef, paths: &[PortPaths]) -> bool {
    module.instances.iter().any(|instance| {
        (0..).zip(&instance.inputs).any(|(input, &from)| match *module.cell(from) {
            Cell::InstanceOutput { instance: other, port } => {
                module.instances[other.index()].module == instance.module && paths[instance.module.index()].follows(port, input)
            }
            _ => false,
        })
    })
}

/// Counts what a case has that an engine with lanes may get wrong, each once.
fn features(case: &Case, found: &mut BTreeMap<String, usize>) {
    let design = &case.design;
    let counts = instances(design);
    let paths = PortPaths::of_design(design).expect("the design is valid");
    let mut here: Vec<String> = Vec::new();
    for (index, (module, &count)) in design.modules.iter().zip(&counts).enumerate() {
        let several =
            |module: &ModuleDef| module.instances.len() >= 2 && module.instances.iter().all(|i| i.module == module.instances[0].module);
        if count > 0 && several(module) {
            here.push("array".into());
            let inner = design.module(module.instances[0].module);
            here.extend(several(inner).then(|| "array of arrays".into()));
            let first = &module.instances[0].domains;
            here.extend(module.instances.iter().any(|i| i.domains != *first).then(|| "copies in different domains".into()));
        }
        here.extend((count > 0 && ripples(module, &paths)).then(|| "ripple".into()));
        if count < 4 || ModuleId(index as u32) == design.top() {
            continue;
        }
        here.extend((count >= 17).then(|| "more than a chunk of lanes".into()));
        here.extend((module.domains.len() > 1).then(|| "lanes of several domains".into()));
        for (cell, info) in module.cells.iter().zip(&module.info) {
            let (kind, wide) = (format!("{cell:?}"), if info.ty.width() > 64 { " wider than 64 bits" } else { "" });
            let kind = kind.split(['(', ' ']).next().unwrap_or_default();
            here.push(format!("lanes of {kind}{wide}"));
            if let Cell::MemoryReadRegistered { collision, memory, .. } = cell {
                here.push(format!("lanes of {collision:?} reads"));
                let several = module.memories[memory.index()].writes.len() > 1;
                here.extend(several.then(|| format!("lanes of {collision:?} reads of several write ports")));
            }
        }
        for memory in &module.memories {
            here.push("lanes of memories".into());
            here.extend((memory.writes.len() > 1).then(|| "lanes of several write ports".into()));
            here.extend((memory.ty.width() > 64).then(|| "lanes of wide memories".into()));
            here.extend(memory.writes.iter().any(|port| port.mask.is_some()).then(|| "lanes of masked writes".into()));
        }
    }
    let cycles = random_stimulus(design, case.stimulus);
    here.extend(cycles[8..].iter().any(|cycle| !cycle.resets.is_empty()).then(|| "late resets".into()));
    let one = |cycle: &Cycle| cycle.edges.iter().count() == 1;
    let several = design.top_module().domains.len() > 1;
    here.extend((several && cycles.iter().any(one)).then(|| "edges apart".into()));
    here.extend((several && cycles.iter().any(|c| c.resets.iter().count() == 1)).then(|| "resets apart".into()));
    here.sort_unstable();
    here.dedup();
    here.into_iter().for_each(|feature| *found.entry(feature).or_default() += 1);
}

#[test]
fn the_engines_agree_with_portable_kernels_too() {
    let plan = Plan { count: 40, seed: 1001, cycles: 30, set: InstructionSet::PORTABLE, limit: None };
    let summary = engines::run(&plan, |_| {}).expect("no files are needed");
    assert_eq!((summary.designs, summary.failures.len()), (40, 0), "{:?}", summary.failures.first());
}

#[test]
fn the_first_200_cases_have_every_kind_of_array() {
    let mut found = BTreeMap::new();
    (1..=200).for_each(|seed| features(&engines::case(seed, 30), &mut found));
    let always_narrow = ["ReduceAnd", "ReduceOr", "ReduceXor", "Equal", "Less"];
    let wide = CELL_KINDS.iter().filter(|kind| !always_narrow.contains(kind)).map(|kind| format!("lanes of {kind} wider than 64 bits"));
    let collisions = ["ReadFirst", "WriteFirst", "Undefined"];
    let reads = collisions
        .iter()
        .flat_map(|collision| [format!("lanes of {collision} reads"), format!("lanes of {collision} reads of several write ports")]);
    let rest = [
        "array",
        "array of arrays",
        "copies in different domains",
        "ripple",
        "more than a chunk of lanes",
        "lanes of several domains",
        "lanes of memories",
        "lanes of several write ports",
        "lanes of wide memories",
        "lanes of masked writes",
        "late resets",
        "edges apart",
        "resets apart",
    ];
    let features = CELL_KINDS.iter().map(|kind| format!("lanes of {kind}")).chain(wide).chain(reads).chain(rest.map(String::from));
    let rare: Vec<String> = features.filter(|feature| found.get(feature).is_none_or(|&count| count < 5)).collect();
    assert!(rare.is_empty(), "fewer than 5 cases have {rare:?}: {found:#?}");
}
