//! No name in a design keeps Verilator, a C++ compiler, Icarus Verilog or Yosys from taking its Verilog.

mod support;

use std::fmt::Write as _;

use support::verilog;
use systole_hdl::Design;
use systole_verilog::reserved_words;
use systole_verilog::tools::{Tool, build, compile, lint, present_for_test};

/// Names that are no words of a list, but look like something that a tool makes or reads.
const FORGED: &[&str] = &[
    "VL_IN8",
    "VL_UNUSED",
    "VlWide",
    "VlUnpacked",
    "Verilated",
    "VerilatedModel",
    "VerilatedContext",
    "Vtop",
    "Vtop__Syms",
    "Vtop___024root",
    "Vtop_main",
    "__Vdly__data",
    "__VactContinue",
    "__PVT__data",
    "data__DOT__word",
    "data",
    "word",
    "__DOT__",
    "a__b",
    "a___b",
    "__",
    "_",
    "top",
    "TOP",
    "root",
    "$root",
    "$unit",
    "unit",
    "a.b",
    "a[0]",
    "a b",
    "A_B",
    "a_b",
    "Data",
    "DATA",
    "vpiModule",
    "PRIu64",
    "SYS_read",
    "EN",
    "VALID",
    "9",
    "",
    "größe",
    "`define",
    "//",
    "(* keep *)",
];

/// Names of modules, the top's last.
const MODULES: [&str; 5] = ["main", "erilated", "NULL", "Main", "top"];

/// A design with every name of `names` as a port of its top, and of a child that stands twice; and each of `some` as a register of
/// the second child, a memory of the third, and an instance in the fourth.
fn design(names: &[&str], some: &[&str]) -> Design {
    let mut text = String::from("systole netlist 1\n");
    let ports = |text: &mut String| {
        names.iter().enumerate().for_each(|(i, name)| writeln!(text, "  input {name:?} = %{i}").unwrap());
    };
    let cells = |text: &mut String| {
        names.iter().enumerate().for_each(|(i, name)| writeln!(text, "  %{i} {name:?} : bit = input {i}").unwrap());
    };
    let count = names.len();
    let module = |text: &mut String, i: usize| writeln!(text, "module {:?} {{\n  domain \"\"", MODULES[i]).unwrap();

    let all = (0..count).map(|i| format!(" %{i}")).collect::<String>();
    module(&mut text, 0);
    ports(&mut text);
    writeln!(text, "  output \"out\" = %{}", count + 1).unwrap();
    cells(&mut text);
    writeln!(text, "  %{count} : bits{count} = concat{all}\n  %{} : bit = reduce_xor %{count}\n}}", count + 1).unwrap();

    let few = some.len();
    module(&mut text, 1);
    writeln!(text, "  input \"in\" = %0\n  output \"out\" = %{}\n  %0 \"in\" : bit = input 0", few + 1).unwrap();
    for (i, name) in some.iter().enumerate() {
        writeln!(text, "  %{} {name:?} : bit = register %{i} initial 0x0 reset", i + 1).unwrap();
    }
    writeln!(text, "  %{} : bit = not %{few}\n}}", few + 1).unwrap();

    module(&mut text, 2);
    writeln!(text, "  input \"in\" = %0\n  output \"out\" = %{}", 2 * few + 1).unwrap();
    some.iter().for_each(|name| writeln!(text, "  memory {name:?} : bit depth 2\n    write address %0 data %0 enable %0").unwrap());
    writeln!(text, "  %0 \"in\" : bit = input 0").unwrap();
    some.iter().enumerate().for_each(|(i, name)| writeln!(text, "  %{} : bit = read {name:?} address %0", i + 1).unwrap());
    let mut last = 1;
    for i in 1..few {
        writeln!(text, "  %{} : bit = xor %{last} %{}", few + i, i + 1).unwrap();
        last = few + i;
    }
    writeln!(text, "  %{} : bit = not %{last}\n  %{} : bit = wire %{}\n}}", 2 * few, 2 * few + 1, 2 * few).unwrap();

    module(&mut text, 3);
    writeln!(text, "  input \"in\" = %0\n  output \"out\" = %{few}").unwrap();
    some.iter().enumerate().for_each(|(i, name)| writeln!(text, "  instance {name:?} of \"inverter\" inputs %{i}").unwrap());
    writeln!(text, "  %0 \"in\" : bit = input 0").unwrap();
    some.iter().enumerate().for_each(|(i, name)| writeln!(text, "  %{} : bit = output_of {name:?} \"out\"", i + 1).unwrap());
    text += "}\n";

    let children =
        [("first", 0, all.as_str()), ("second", 0, all.as_str()), ("third", 1, " %0"), ("fourth", 2, " %0"), ("fifth", 3, " %0")];
    module(&mut text, 4);
    ports(&mut text);
    (0..5).for_each(|i| writeln!(text, "  output \"out {i}\" = %{}", count + i).unwrap());
    children.iter().for_each(|(name, child, inputs)| {
        writeln!(text, "  instance {:?} of {:?} inputs{inputs}", format!("child {name}"), MODULES[*child]).unwrap();
    });
    cells(&mut text);
    for (i, (name, ..)) in children.iter().enumerate() {
        writeln!(text, "  %{} : bit = output_of {:?} \"out\"", count + i, format!("child {name}")).unwrap();
    }
    text += "}\n";

    let inverter = "module \"inverter\" {\n  domain \"\"\n  input \"in\" = %0\n  output \"out\" = %1\n  %0 \"in\" : bit = input 0\n  \
                    %1 : bit = not %0\n}\n";
    let text = text.replacen("module", &format!("{inverter}module"), 1);
    Design::parse(&text).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// Every reserved word that is no macro of a few hundred alike, and every forged name.
fn names() -> Vec<&'static str> {
    let mut alike = 0;
    let one_of_many = |word: &&str| {
        !word.starts_with(|c: char| c.is_ascii_uppercase()) || ["NULL", "EOF", "NAN"].contains(word) || {
            alike += 1;
            alike % 30 == 0
        }
    };
    reserved_words().filter(one_of_many).chain(FORGED.iter().copied().filter(|name| reserved_words().all(|word| word != *name))).collect()
}

/// The design of all names: as ports, where most tools have had trouble, and a part of them everywhere.
fn suspicious() -> Design {
    let names = names();
    let own = |name: &&str| FORGED.contains(name) || ["semaphore", "process", "name", "threads", "int", "errno", "std"].contains(name);
    let some: Vec<&str> = names.iter().copied().enumerate().filter(|(i, name)| i % 12 == 0 || own(name)).map(|(_, name)| name).collect();
    design(&names, &some)
}

#[test]
fn every_suspicious_name_lints_and_builds() {
    if !present_for_test(&[Tool::Verilator]) {
        return;
    }
    let (output, directory, model) = (verilog(&suspicious()), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = output.write_files(directory.path()).unwrap();
    lint(directory.path(), &files, &output.top().name).unwrap_or_else(|error| panic!("{error}"));
    build(directory.path(), &files, &output.top().name, model.path()).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn icarus_takes_every_reserved_word() {
    if !present_for_test(&[Tool::Iverilog]) {
        return;
    }
    let (output, directory) = (verilog(&suspicious()), tempfile::tempdir().unwrap());
    let files = output.write_files(directory.path()).unwrap();
    compile(directory.path(), &files, &output.top().name).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_name_that_cannot_be_built_is_noticed() {
    if !present_for_test(&[Tool::Verilator]) {
        return;
    }
    let (directory, model) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(directory.path().join("top.v"), "module top(input name, output y);\n  assign y = ~name;\nendmodule\n").unwrap();
    let files = ["top.v".to_string()];
    lint(directory.path(), &files, "top").unwrap_or_else(|error| panic!("{error}"));
    let error = build(directory.path(), &files, "top", model.path()).unwrap_err();
    assert!(error.to_string().contains("name"), "{error}");
}
