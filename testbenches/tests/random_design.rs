//! Random designs are valid, varied, and shrink.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use systole_hdl::{Cell, Design, ModuleDef};
use systole_testbenches::random_design::{CELL_KINDS, MAX_FLAT_CELLS, MAX_WIDTH, random_design, seeded_runner};

fn designs(count: u64) -> impl Iterator<Item = Design> {
    (0..count).map(|seed| random_design().new_tree(&mut seeded_runner(seed)).expect("nothing is filtered").current())
}

#[test]
fn every_random_design_is_valid_of_bounded_size_and_reads_back_from_its_text() {
    for (seed, design) in designs(300).enumerate() {
        assert_eq!(design.validate(), Ok(()), "seed {seed}:\n{design}");
        assert!(design.statistics().cells < 2 * MAX_FLAT_CELLS as u64, "seed {seed}: {:?}", design.statistics());
        let widest = design.modules.iter().flat_map(|module| &module.info).map(|info| info.ty.width()).max();
        assert!(widest.is_none_or(|width| width <= MAX_WIDTH), "seed {seed}");
        assert_eq!(Design::parse(&design.to_text()).as_ref(), Ok(&design), "seed {seed}");
    }
}

#[test]
fn equal_seeds_give_equal_designs_and_others_differ() {
    assert!(designs(5).eq(designs(5)));
    assert_eq!(designs(20).map(|design| design.to_text()).collect::<BTreeSet<_>>().len(), 20);
}

/// Counts what a module has, by name.
fn features(module: &ModuleDef, found: &mut BTreeMap<String, usize>) {
    let mut note = |feature: String| *found.entry(feature).or_default() += 1;
    note(format!("{} domains", module.domains.len()));
    for ((cell, info), id) in module.cells.iter().zip(&module.info).zip(module.cell_ids()) {
        let debug = format!("{cell:?}");
        note(debug.split(['(', ' ']).next().unwrap_or_default().to_string());
        note(format!(
            "type {}",
            info.ty.to_string().replace("bit", "bits").replace("bitss", "bits").trim_end_matches(|c: char| !c.is_alphabetic())
        ));
        let width = [1, 8, 31, 33, 62, 65, 126, 129, MAX_WIDTH].into_iter().find(|&limit| info.ty.width() <= limit);
        note(format!("width {}", width.unwrap_or(u32::MAX)));
        info.name.iter().for_each(|_| note("named cell".to_string()));
        if !info.states.is_empty() {
            note("state names".to_string());
        }
        let mut is_early = false;
        cell.for_each_operand(|operand| is_early |= operand > id && !cell.is_sequential());
        if is_early {
            note("cell before its operand".to_string());
        }
        match cell {
            Cell::Register { reset, .. } => note(format!("register with{} reset", if *reset { "" } else { "out" })),
            Cell::MemoryReadRegistered { collision, memory, domain, .. } => {
                let memory = &module.memories[memory.index()];
                note(format!("{collision:?} read"));
                note(format!("{collision:?} read among {} write ports", memory.writes.len()));
                if memory.write_domain != *domain {
                    note(format!("{collision:?} read in a foreign domain"));
                }
            }
            _ => {}
        }
    }
    for memory in &module.memories {
        note(format!("memory of {} words", memory.depth));
        if !memory.initial.is_empty() {
            note("memory with initial words".to_string());
        }
        for port in &memory.writes {
            port.mask.iter().for_each(|_| note("masked write".to_string()));
            let width = module.ty(port.address).width();
            if width >= 32 || 1 << width > memory.depth {
                note("address beyond the depth".to_string());
            }
        }
    }
    for (i, instance) in module.instances.iter().enumerate() {
        if module.instances[..i].iter().any(|other| other.module == instance.module) {
            note("instance of a shared definition".to_string());
        }
        if instance.domains.len() == 2 {
            note("instance of two domains".to_string());
        }
        for input in &instance.inputs {
            match module.cell(*input) {
                Cell::InstanceOutput { instance, .. } if instance.index() == i => note("instance output fed back".to_string()),
                Cell::InstanceOutput { instance, .. } if instance.index() + 1 == i => {
                    note("instance output into the next instance".to_string())
                }
                _ => {}
            }
        }
    }
}

#[test]
fn random_designs_have_every_kind_of_part() {
    let mut found = BTreeMap::new();
    for design in designs(400) {
        design.modules.iter().for_each(|module| features(module, &mut found));
    }
    let parts = [
        "type bits",
        "type u",
        "type s",
        "type uq",
        "type q",
        "width 1",
        "width 8",
        "width 31",
        "width 33",
        "width 62",
        "width 65",
        "width 126",
        "width 129",
        "width 200",
        "named cell",
        "cell before its operand",
        "state names",
        "register with reset",
        "register without reset",
        "ReadFirst read",
        "WriteFirst read",
        "Undefined read",
        "ReadFirst read in a foreign domain",
        "Undefined read in a foreign domain",
        "WriteFirst read among 2 write ports",
        "memory with initial words",
        "memory of 3 words",
        "masked write",
        "address beyond the depth",
        "instance of a shared definition",
        "instance of two domains",
        "2 domains",
        "3 domains",
        "instance output fed back",
        "instance output into the next instance",
    ];
    for part in CELL_KINDS.iter().chain(&parts) {
        assert!(found.get(*part).is_some_and(|&count| count >= 20), "{part}: {found:#?}");
    }
}
