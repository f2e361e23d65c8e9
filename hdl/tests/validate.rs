//! Every rule of the netlist is checked, by name, and checking survives any design.

mod text_designs;

use proptest::prelude::*;
use systole_hdl::design::*;
use systole_hdl::{Type, Value};
use text_designs::{cases, valid_design};

const CHILD: &str = r#"systole netlist 1
file 0 "pe.rs"
module "child" {
  domain ""
  input "a" = %0
  input "b" = %1
  output "follows a" = %2
  output "stored b" = %3
  %0 : u8 = input 0
  %1 : u8 = input 1
  %2 : u8 = not %0
  %3 : u8 = register %1 initial 0x0
}
module "top" {
  domain ""
  domain "mem"
  input "x" = %0
  input "go" = %1
  output "y" = %4
  memory "ram" : u8 depth 4 in "mem"
    initial 0x1 0x2
    write address %0 data %0 enable %1 mask %1
  instance "u" of "child" inputs %0 %2
  %0 "x" : u8 = input 0
  %1 : bit = input 1
  %2 : u8 = output_of "u" "follows a"
  %3 : u8 = output_of "u" "stored b"
  %4 : u8 = register %3 initial 0x0 states "idle" "run" @0:1:1
  %5 : u8 = read_registered "ram" address %0 enable %1 write_first in "mem"
  %6 : bits24 = concat %2 %3 %4
  %7 : u4 = slice %6 from 20
  %8 : u8 = select %7 of %2 %3
  %9 : u16 = mul %2 %3
  %10 : bit = less %2 %3
  %11 : u16 = extend %8
  %12 : u8 = mux %10 %2 %3
  %13 : u8 = const 0x7
  stream "s" input data %0 valid %1 ready %14
  level "l" %7 capacity 9
  %14 : bit = equal %2 %3
  output "ready" = %14
}
"#;

fn valid() -> Design {
    Design::parse(CHILD).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// What is said of the design after replacing a piece of its text.
fn edited(from: &str, to: &str) -> String {
    assert!(CHILD.contains(from), "{from}");
    let errors = Design::parse(&CHILD.replacen(from, to, 1)).expect_err("a rule is broken");
    errors.iter().map(|error| error.problem.to_string()).collect::<Vec<_>>().join("\n")
}

/// What is said of the design after a change to its top module that the text form cannot express.
fn changed(change: impl FnOnce(&mut ModuleDef)) -> String {
    let mut design = valid();
    change(design.modules.last_mut().expect("the design has a top"));
    let violations = design.validate().expect_err("a rule is broken");
    violations.iter().map(|violation| violation.to_string()).collect::<Vec<_>>().join("\n")
}

/// Checks the one message that an edit of the top module leads to.
#[track_caller]
fn rule(from: &str, to: &str, expected: &str) {
    assert_eq!(edited(from, to), format!("module `top`, {expected}"));
}

#[test]
fn operands_exist() {
    rule("register %3 initial", "register %99 initial", "cell %4: its next value %99 does not exist");
    rule("output \"y\" = %4", "output \"y\" = %99", "output port `y`: its value %99 does not exist");
    rule("write address %0", "write address %99", "memory `ram`: the address of write port 0 %99 does not exist");
    rule("child\" inputs %0", "child\" inputs %99", "instance `u`: an input %99 does not exist");
    rule("level \"l\" %7", "level \"l\" %99", "level `l`: its signal %99 does not exist");
}

#[test]
fn operands_and_results_have_the_widths_of_the_function() {
    rule("register %3 initial", "register %1 initial", "cell %4: its next value %1 has 1 bit, not 8");
    rule("mux %10 %2", "mux %2 %2", "cell %12: its condition %2 has 8 bits, not 1");
    rule("mux %10 %2", "mux %10 %1", "cell %12: its value for 1 %1 has 1 bit, not 8");
    rule("%9 : u16", "%9 : u15", "cell %9: its result has 15 bits, not 16");
    rule("%14 : bit", "%14 : u2", "cell %14: its result has 2 bits, not 1\nmodule `top`, stream `s`: its ready %14 has 2 bits, not 1");
    rule("%6 : bits24", "%6 : bits25", "cell %6: its result has 25 bits, not 24");
    rule("from 20", "from 21", "cell %7: takes bits 21..25 of an operand that has 24 bits");
    rule("extend %8", "extend %6", "cell %11: extends 24 bits to only 16");
    rule("enable %1 write_first", "enable %0 write_first", "cell %5: its enable %0 has 8 bits, not 1");
    rule("data %0 enable", "data %1 enable", "memory `ram`: the data of write port 0 %1 has 1 bit, not 8");
    let constant = changed(|top| top.cells[13] = Cell::Const(Value::zero(9)));
    assert_eq!(constant, "module `top`, cell %13: the constant has 9 bits, not 8");
    let word = changed(|top| top.memories[0].initial[1] = Value::zero(9));
    assert_eq!(word, "module `top`, memory `ram`: initial word 1 has 9 bits, not 8");
}

#[test]
fn operands_have_the_types_that_the_function_asks_for() {
    rule("less %2 %3", "less %2 %6", "cell %10: compares u8 with bits24; the types must be equal");
    rule(
        "%13 : u8 = const 0x7",
        "%13 : s16 = mul %2 %13",
        "cell %13: multiplies u8 by s16; both must be signed or both unsigned\nmodule `top`, cell %13: its result has 16 bits, not 24\nmodule `top`, cell %13: part of a combinational loop: %13 -> %13",
    );
    let output = "%13 : bits8 = output_of \"u\" \"stored b\"";
    rule("%13 : u8 = const 0x7", output, "cell %13: is bits8, but shows output port `stored b`, which is u8");
}

#[test]
fn nothing_is_selected_or_concatenated_from_nothing() {
    rule("select %7 of %2 %3", "select %7 of", "cell %8: selects among no options; it needs at least one");
    rule("%13 : u8 = const 0x7", "%13 : u8 = concat", "cell %13: concatenates nothing; it needs at least one operand");
}

#[test]
fn names_stand_once() {
    rule("%4 : u8", "%4 \"ram\" : u8", "memory `ram`: cell `ram` has the same name");
    rule("%4 : u8", "%4 \"go\" : u8", "cell `go`: input port `go` has the same name");
    rule("%5 : u8", "%5 \"y\" : u8", "cell `y`: has the name of output port `y`, which shows %4");
    rule(
        "instance \"u\"",
        "instance \"go\" of \"child\" inputs %0 %0\n  instance \"u\"",
        "instance `go`: input port `go` has the same name",
    );
    rule("input \"go\"", "input \"x\"", "input port `x`: input port `x` has the same name");
    rule("output \"y\"", "output \"go\"", "output port `go`: input port `go` has the same name");
    rule(
        "stream \"s\"",
        "stream \"s\" internal data %0 valid %1 ready %1\n  stream \"s\"",
        "stream `s`: an earlier stream has the same name",
    );
    rule("level \"l\"", "level \"l\" %0 capacity 1\n  level \"l\"", "level `l`: an earlier level has the same name");
    assert_eq!(edited("domain \"mem\"", "domain \"mem\"\n  domain \"mem\""), "module `top`: two clock domains are named \"mem\"");
    assert_eq!(edited("module \"top\"", "module \"child\""), "module `child`: an earlier module has the same name");
}

#[test]
fn ports_and_the_cells_that_show_them_agree() {
    rule("%0 \"x\" : u8", "%0 \"z\" : u8", "cell `z`: shows input port `x`, so it must have that name or none");
    rule("%13 : u8 = const 0x7", "%13 : u8 = input 0", "cell %13: the cell of input port `x` is %0");
    rule("%13 : u8 = const 0x7", "%13 : u8 = input 2", "cell %13: input port 2 does not exist");
    rule("input \"go\" = %1", "input \"go\" = %1\n  input \"more\" = %13", "input port `more`: %13 is not the cell of input 2");
}

#[test]
fn memories_have_words_and_room_for_what_they_hold() {
    rule("depth 4", "depth 1", "memory `ram`: 2 initial words for a depth of 1");
    rule("depth 4 in \"mem\"\n    initial 0x1 0x2", "depth 0 in \"mem\"", "memory `ram`: has no words; the depth is at least 1");
    rule("mask %1", "mask %6", "memory `ram`: the mask of write port 0 has 24 bits, which does not divide the word's 8");
    rule("%5 : u8", "%5 : s8", "cell %5: reads s8 from memory `ram`, whose words are u8");
    rule("write_first in \"mem\"", "write_first", "cell %5: a write-first read in domain0 of a memory written in domain1");
    let missing = changed(|top| top.cells[5] = Cell::MemoryRead { memory: MemoryId(3), address: CellId(0) });
    assert_eq!(missing, "module `top`, cell %5: memory3 does not exist");
}

#[test]
fn instances_connect_what_their_module_has() {
    rule("inputs %0 %2", "inputs %0", "instance `u`: connects 1 inputs, but `child` has 2");
    rule("inputs %0 %2", "inputs %0 %1", "instance `u`: input port `b` is u8, but is fed %1, which is bit");
    rule("inputs %0 %2", "inputs %0 %2 domains \"\" \"mem\"", "instance `u`: connects 2 clock domains, but `child` has 1");
    let later = changed(|top| top.instances[0].module = ModuleId(1));
    assert_eq!(later, "module `top`, instance `u`: module1 does not come before this module");
    let port = changed(|top| top.cells[13] = Cell::InstanceOutput { instance: InstanceId(0), port: 2 });
    assert_eq!(port, "module `top`, cell %13: `child` has no output port 2");
    let instance = changed(|top| top.cells[13] = Cell::InstanceOutput { instance: InstanceId(1), port: 0 });
    assert_eq!(instance, "module `top`, cell %13: instance1 does not exist");
}

#[test]
fn there_is_a_module_and_every_module_has_a_domain() {
    assert!(Design::default().validate().is_err());
    let none = Design { modules: vec![ModuleDef { name: "m".to_string(), ..ModuleDef::default() }], files: Vec::new() };
    let violations = none.validate().expect_err("no domain");
    assert_eq!(violations[0].to_string(), "module `m`: no clock domain; it needs at least one");
    let domain = changed(|top| top.streams[0].domain = DomainId(2));
    assert_eq!(domain, "module `top`, stream `s`: domain2 does not exist");
}

#[test]
fn types_have_a_width_within_the_limits() {
    let width = |ty: Type| {
        let mut module = ModuleDef { name: "m".to_string(), domains: vec![Domain { name: String::new() }], ..ModuleDef::default() };
        module.memories =
            vec![Memory { name: "r".into(), depth: 1, ty, initial: vec![], writes: vec![], write_domain: DomainId(0), location: None }];
        Design { modules: vec![module], files: Vec::new() }.validate()
    };
    assert!(width(Type::Bits(0)).is_err());
    assert!(width(Type::Fixed { int: u32::MAX, frac: u32::MAX }).is_err());
    assert!(width(Type::Bits(65537)).is_err());
    assert_eq!(width(Type::Bits(65536)), Ok(()));
}

#[test]
fn streams_and_levels_are_what_they_say() {
    rule(
        "stream \"s\" input data %0",
        "stream \"s\" input data %2",
        "stream `s`: an input stream's data and valid are input ports and its ready is an output port",
    );
    rule(
        "stream \"s\" input",
        "stream \"s\" output",
        "stream `s`: an output stream's data and valid are output ports and its ready is an input port",
    );
    rule("%7 : u4", "%7 : s4", "level `l`: its signal is s4; a fill level is unsigned");
}

#[test]
fn only_registers_have_state_names_and_no_more_than_values() {
    rule("const 0x7", "const 0x7 states \"a\"", "cell %13: has state names, but is not a register");
    rule("%13 : u8 = const 0x7", "%13 : bit = register %1 initial 0x0 states \"a\" \"b\" \"c\"", "cell %13: 3 state names for 1 bit");
}

#[test]
fn locations_are_in_a_file_and_count_from_one() {
    rule("@0:1:1", "@1:1:1", "cell %4: is located in file 1, which does not exist");
    rule("@0:1:1", "@0:0:1", "cell %4: is located at line or column 0; both count from 1");
}

#[test]
fn a_loop_through_an_instance_is_reported_whole_and_at_its_first_cell() {
    rule("inputs %0 %2", "inputs %12 %2", "cell %2: part of a combinational loop: %2 -> %10 -> %12 -> %2");
}

#[test]
fn a_path_back_through_an_instance_without_a_loop_is_no_loop() {
    // Input `b` is fed from output `follows a` already; now `a` is fed from `stored b` too.
    let text = CHILD.replacen("inputs %0 %2", "inputs %3 %2", 1);
    assert!(Design::parse(&text).is_ok());
}

#[test]
fn all_broken_rules_are_reported() {
    let found = changed(|top| {
        top.info.truncate(14);
        top.domains.clear();
        top.memories.clear();
    });
    insta::assert_snapshot!(found, @r"
    module `top`: no clock domain; it needs at least one
    module `top`: 15 cells, but types and names of 14
    module `top`, cell %4: domain0 does not exist
    module `top`, cell %5: domain1 does not exist
    module `top`, cell %5: memory0 does not exist
    module `top`, instance `u`: domain0 does not exist
    module `top`, stream `s`: domain0 does not exist
    ");
}

/// Sets one number somewhere in the design to `to`, or shortens a table.
fn corrupt(design: &mut Design, (kind, at, to): (u8, prop::sample::Index, u32)) {
    let Some(m) = (!design.modules.is_empty()).then(|| at.index(design.modules.len())) else { return };
    let m = &mut design.modules[m];
    let cell = at.index(m.cells.len().max(1));
    match kind % 16 {
        0 => m.cells.truncate(to as usize % (m.cells.len() + 1)),
        1 => m.info.truncate(to as usize % (m.info.len() + 1)),
        2 => m.inputs.truncate(to as usize % (m.inputs.len() + 1)),
        3 => m.outputs.iter_mut().for_each(|port| port.value = CellId(to)),
        4 => m.instances.iter_mut().for_each(|instance| instance.module = ModuleId(to)),
        5 => m.instances.iter_mut().for_each(|instance| instance.inputs.truncate(to as usize % 4)),
        6 => m.instances.iter_mut().for_each(|instance| instance.inputs.push(CellId(to))),
        7 => m.memories.iter_mut().for_each(|memory| memory.ty = Type::Fixed { int: to, frac: u32::MAX }),
        8 => m.memories.iter_mut().flat_map(|memory| &mut memory.writes).for_each(|write| write.mask = Some(CellId(to))),
        9 => m.domains.truncate(to as usize % 2),
        10 => m.info.iter_mut().skip(cell).take(1).for_each(|info| info.ty = Type::Bits(to)),
        11 => m.info.iter_mut().skip(cell).take(1).for_each(|info| info.location = Some(SourceLocation { file: to, line: to, column: to })),
        12 => m.cells.iter_mut().skip(cell).take(1).for_each(|c| *c = Cell::Input(to)),
        13 => m.cells.iter_mut().skip(cell).take(1).for_each(|c| *c = Cell::InstanceOutput { instance: InstanceId(to % 3), port: to / 2 }),
        14 => m.cells.iter_mut().skip(cell).take(1).for_each(|c| *c = Cell::Concat(vec![CellId(to % 50); 3])),
        _ => m.cells.iter_mut().skip(cell).take(1).for_each(|c| *c = Cell::Slice { value: CellId(to % 50), low: to }),
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn validation_survives_any_corruption(
        mut design in valid_design(),
        corruptions in prop::collection::vec((any::<u8>(), any::<prop::sample::Index>(), prop_oneof![0u32..60, any::<u32>()]), 1..5),
    ) {
        corruptions.into_iter().for_each(|c| corrupt(&mut design, c));
        // What passes is so valid that it also reads back; what does not can still be printed.
        let text = design.to_text();
        if design.validate().is_ok() {
            prop_assert_eq!(Design::parse(&text), Ok(design));
        }
    }
}
