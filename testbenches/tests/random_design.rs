//! Random designs are valid, varied, and shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use proptest::strategy::{Strategy, ValueTree};
use systole_hdl::design::Collision;
use systole_hdl::{Cell, Design, ModuleDef, Type};
use systole_testbenches::random_design::{MAX_FLAT_CELLS, MAX_WIDTH, random_design, seeded_runner};

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

/// What a module has, by name.
fn features(module: &ModuleDef, design: &Design, found: &mut BTreeMap<String, usize>) {
    let mut note = |feature: String| *found.entry(feature).or_default() += 1;
    for (cell, info) in module.cells.iter().zip(&module.info) {
        let debug = format!("{cell:?}");
        note(debug.split(['(', ' ']).next().unwrap_or_default().to_string());
        note(format!("family {:?}", discriminant(&info.ty)));
        note(format!("width {}", [1, 8, 31, 33, 62, 65, 126, 129, 200].into_iter().find(|&w| info.ty.width() <= w).unwrap_or(u32::MAX)));
        note(format!("named {}", info.name.is_some()));
        match cell {
            Cell::Register { reset, initial, .. } => {
                note(format!("register with reset {reset}, initially zero {}", initial.is_zero()));
                note(format!("states {}", !info.states.is_empty()));
            }
            Cell::MemoryReadRegistered { collision, memory, domain, .. } => {
                let memory = &module.memories[memory.index()];
                let own = if memory.write_domain == *domain { "the" } else { "another" };
                note(format!("{collision:?} read in {own} domain, write ports {}", memory.writes.len().min(2)));
            }
            _ => {}
        }
        if let Cell::Mul(a, _) | Cell::ShiftRight(a, _) | Cell::Extend(a) = cell {
            note(format!("signed operand {}, result {}", module.ty(*a).is_signed(), info.ty.is_signed()));
        }
    }
    for memory in &module.memories {
        note(format!("initial words {}", memory.initial.len().min(1)));
        note(format!("power of two words {}", memory.depth.is_power_of_two()));
        for port in &memory.writes {
            note(format!("mask {}", port.mask.is_some()));
            let reach = module.ty(port.address).width();
            note(format!("address may exceed {}", reach >= 32 || 1 << reach > memory.depth));
        }
    }
    for instance in &module.instances {
        let first = module.instances.iter().position(|other| other.module == instance.module);
        note(format!("shared definition {}", first.is_some_and(|first| module.instances[first].name != instance.name)));
        note(format!("domains of instances {}", instance.domains.len()));
        let _ = design.module(instance.module);
    }
    note(format!("domains {}", module.domains.len()));
}

#[test]
fn random_designs_have_every_kind_of_part() {
    let mut found = BTreeMap::new();
    for design in designs(400) {
        design.modules.iter().for_each(|module| features(module, &design, &mut found));
    }
    for cell in [
        "Const",
        "Input",
        "Wire",
        "Not",
        "And",
        "Or",
        "Xor",
        "ReduceAnd",
        "ReduceOr",
        "ReduceXor",
        "Add",
        "Sub",
        "Mul",
        "Equal",
        "Less",
        "ShiftLeft",
        "ShiftRight",
        "Mux",
        "Select",
        "Concat",
        "Slice",
        "Extend",
        "Register",
        "MemoryRead",
        "MemoryReadRegistered",
        "InstanceOutput",
    ] {
        assert!(found.get(cell).is_some_and(|&count| count >= 50), "{cell}: {found:#?}");
    }
    println!("{found:#?}");
}
