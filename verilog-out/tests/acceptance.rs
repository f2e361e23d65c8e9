//! The text passes every tool's strictest reading, whatever the design holds.

mod support;

use support::{random, verilog};
use systole_verilog::tools::{Target, Tool, check, check_design, compile, lint, present_for_test, synthesize};

/// The designs for one tool: enough to hold every kind of cell many times.
fn designs(count: u64) -> impl Iterator<Item = (u64, systole_hdl::Design)> {
    (0..count).map(|seed| (seed, random::design(seed)))
}

#[test]
fn random_designs_are_valid_and_hold_every_kind_of_cell() {
    let mut kinds = std::collections::BTreeSet::new();
    for (seed, design) in designs(60) {
        assert_eq!(design.validate(), Ok(()), "seed {seed}");
        for cell in design.modules.iter().flat_map(|module| &module.cells) {
            kinds.insert(format!("{cell:?}").split(['(', ' ']).next().unwrap_or_default().to_string());
        }
    }
    assert_eq!(kinds.len(), 26, "{kinds:?}");
}

#[test]
fn the_same_design_gives_the_same_text() {
    for (seed, design) in designs(60) {
        assert_eq!(verilog(&design), verilog(&random::design(seed)), "seed {seed}");
    }
}

#[test]
fn verilator_lints_random_designs_without_a_word() {
    if !present_for_test(&[Tool::Verilator]) {
        return;
    }
    for (seed, design) in designs(40) {
        let (output, directory) = (verilog(&design), tempfile::tempdir().unwrap());
        let files = output.write_files(directory.path()).unwrap();
        lint(directory.path(), &files, &output.top().name).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", output.text()));
    }
}

#[test]
fn icarus_compiles_random_designs_without_a_word() {
    if !present_for_test(&[Tool::Iverilog]) {
        return;
    }
    for (seed, design) in designs(40) {
        let (output, directory) = (verilog(&design), tempfile::tempdir().unwrap());
        let files = output.write_files(directory.path()).unwrap();
        compile(directory.path(), &files, &output.top().name).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", output.text()));
    }
}

#[test]
fn yosys_finds_nothing_undriven_or_doubly_driven_in_random_designs() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    for (seed, design) in designs(3) {
        let (output, directory) = (verilog(&design), tempfile::tempdir().unwrap());
        let files = output.write_files(directory.path()).unwrap();
        check(directory.path(), &files, &output.top().name).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", output.text()));
    }
}

#[test]
fn a_memory_of_a_million_words_is_checked_within_seconds() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    let design = support::parse(
        r#"  input "address" = %0
  input "data" = %1
  output "word" = %2
  memory "words" : bits8 depth 1048576
    write address %0 data %1 enable %3
  %0 : u20 = input 0
  %1 : bits8 = input 1
  %2 : bits8 = read_registered "words" address %0 enable %3 read_first
  %3 : bit = const 0x1"#,
    );
    let (output, directory) = (verilog(&design), tempfile::tempdir().unwrap());
    let files = output.write_files(directory.path()).unwrap();
    check_design(&design, directory.path(), &files).unwrap_or_else(|error| panic!("{error}\n{}", output.text()));
}

#[test]
fn a_signed_multiplier_becomes_one_multiplier_block() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    let design = support::parse(
        r#"  input "a" = %0
  input "b" = %1
  output "product" = %2
  %0 : s8 = input 0
  %1 : s8 = input 1
  %2 : s16 = mul %0 %1"#,
    );
    let (output, directory) = (verilog(&design), tempfile::tempdir().unwrap());
    let files = output.write_files(directory.path()).unwrap();
    for target in [Target::Ice40, Target::Ecp5, Target::Xilinx] {
        let resources = synthesize(directory.path(), &files, "dut", target).unwrap();
        assert_eq!((resources.dsp, resources.lut), (1, 0), "{}: {:?}", target.name(), resources.by_type);
    }
    for target in [Target::Generic, Target::XilinxLut] {
        let resources = synthesize(directory.path(), &files, "dut", target).unwrap();
        assert!(resources.dsp == 0 && resources.lut > 50 && resources.ff == 0, "{}: {:?}", target.name(), resources.by_type);
    }
}

#[test]
fn a_registered_read_without_a_wish_for_collisions_becomes_block_memory() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    let design = support::parse(
        r#"  input "read" = %0
  input "write" = %1
  input "data" = %2
  input "enable" = %3
  output "word" = %4
  memory "words" : bits16 depth 1024
    write address %1 data %2 enable %3
  %0 : u10 = input 0
  %1 : u10 = input 1
  %2 : bits16 = input 2
  %3 : bit = input 3
  %4 : bits16 = read_registered "words" address %0 enable %3 undefined"#,
    );
    let (output, directory) = (verilog(&design), tempfile::tempdir().unwrap());
    let files = output.write_files(directory.path()).unwrap();
    for target in [Target::Ice40, Target::Ecp5, Target::Xilinx] {
        let resources = synthesize(directory.path(), &files, "dut", target).unwrap();
        // iCE40 needs one flip-flop and a LUT a bit, because its memories cannot start with a zero at the output.
        assert!(resources.bram > 0 && resources.ff <= 1 && resources.lut <= 16, "{}: {:?}", target.name(), resources.by_type);
    }
}
