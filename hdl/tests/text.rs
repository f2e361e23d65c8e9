//! The text form reads back exactly, and answers any other text with located errors.

mod text_designs;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use systole_hdl::Design;
use text_designs::{cases, valid_design};

fn messages(text: &str) -> String {
    let errors = Design::parse(text).expect_err("the text is wrong");
    errors.iter().map(|error| format!("{error}\n")).collect()
}

/// A module with these lines in it.
fn module(lines: &str) -> String {
    format!("systole netlist 1\nmodule \"m\" {{\n  domain \"\"\n{lines}\n}}\n")
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    assert_eq!(messages(text).trim_end(), expected, "for\n{text}");
}

fn change(text: &mut Vec<u8>, (kind, at, byte): (u8, prop::sample::Index, u8)) {
    if text.is_empty() {
        return;
    }
    let at = at.index(text.len());
    let line = |text: &[u8]| {
        let start = text[..at].iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        start..text[at..].iter().position(|&b| b == b'\n').map_or(text.len(), |i| at + i + 1)
    };
    match kind % 7 {
        0 => text.truncate(at),
        1 => text[at] = byte,
        2 => drop(text.remove(at)),
        3 => text.insert(at, byte),
        4 => drop(text.drain(line(text))),
        5 => {
            let copy = text[line(text)].to_vec();
            text.splice(at..at, copy);
        }
        // A digit: another signal, width, count or number, often a huge one.
        _ => text.splice(at..at, std::iter::repeat_n(b'0' + byte % 10, byte as usize % 12)).for_each(drop),
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_valid_design_reads_back_exactly(design in valid_design()) {
        prop_assert_eq!(design.validate(), Ok(()));
        prop_assert_eq!(Design::parse(&design.to_text()), Ok(design));
    }

    #[test]
    fn a_damaged_text_gives_a_valid_design_or_located_errors(
        design in valid_design(),
        changes in prop::collection::vec((any::<u8>(), any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut text = design.to_text().into_bytes();
        changes.into_iter().for_each(|c| change(&mut text, c));
        let text = String::from_utf8_lossy(&text);
        match Design::parse(&text) {
            Ok(design) => prop_assert_eq!(Design::parse(&design.to_text()), Ok(design)),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    let line = text.split('\n').nth(error.line as usize - 1);
                    let length = line.expect("the line exists").chars().count();
                    prop_assert!((1..=length + 1).contains(&(error.column as usize)), "{}", error);
                }
            }
        }
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = Design::parse(&text);
        let _ = Design::parse(&module(&text));
    }
}

#[test]
fn the_random_designs_hold_every_kind_of_cell() {
    let mut runner = TestRunner::deterministic();
    let texts: String = (0..200).map(|_| valid_design().new_tree(&mut runner).expect("it generates").current().to_text()).collect();
    let keywords = "const input wire not and or xor reduce_and reduce_or reduce_xor add sub mul equal less shift_left shift_right mux select \
                    concat slice extend register read read_registered output_of";
    for keyword in keywords.split(' ') {
        assert!(texts.contains(&format!(" = {keyword} ")), "{keyword}");
    }
}

#[test]
fn the_example_of_the_book_is_a_design_in_the_printed_form() {
    let chapter = include_str!("../../docs/book/src/netlist.md");
    let blocks: Vec<&str> = chapter.split("```netlist\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let design = Design::parse(block).unwrap_or_else(|errors| panic!("{errors:#?}"));
        assert_eq!(design.to_text(), block);
    }
}

#[test]
fn comments_blank_lines_and_spaces_are_free() {
    let text = "# a case\r\n\n systole  netlist 1 # one\r\n\nmodule\"m\"{\r\n\tdomain \"\"\n%0:u8=const 0x00fF#c\n  }\n\n";
    let design = Design::parse(text).expect("it reads");
    let cell = "%0 : u8 = const 0xff";
    assert_eq!(design.to_text(), format!("systole netlist 1\n\nmodule \"m\" {{\n  domain \"\"\n  {cell}\n}}\n"));
}

#[test]
fn an_invalid_design_can_be_printed_too() {
    use systole_hdl::design::*;
    let mut module = ModuleDef { name: "m".to_string(), ..ModuleDef::default() };
    let location = None;
    module.instances.push(Instance { name: "u".into(), module: ModuleId(7), inputs: vec![], domains: vec![DomainId(3)], location });
    module.cells = vec![
        Cell::InstanceOutput { instance: InstanceId(4), port: 1 },
        Cell::InstanceOutput { instance: InstanceId(0), port: 1 },
        Cell::MemoryRead { memory: MemoryId(5), address: CellId(9) },
    ];
    let text = Design { modules: vec![module], files: vec![] }.to_text();
    insta::assert_snapshot!(text, @r#"
    systole netlist 1

    module "m" {
      instance "u" of module7 inputs domains domain3
      %0 = output_of instance4 port1
      %1 = output_of "u" port1
      %2 = read memory5 address %9
    }
    "#);
}

#[test]
fn what_is_no_netlist_is_refused_once() {
    let remedy = "a netlist begins with `systole netlist 1`";
    refuses("", &format!("1:1: expected `systole`, found the end of the line; {remedy}"));
    refuses("\n\n  module m;\nendmodule\n", &format!("3:3: expected `systole`, found `module`; {remedy}"));
    refuses("systole netlist 2", "1:1: version 2 of the netlist; this reader knows 1");
    refuses("systole netlist 1\n", "2:1: the design has no module; it needs at least the top");
}

#[test]
fn a_message_says_what_was_expected_and_what_was_found() {
    refuses(&module("  %0 : u8 = const"), "4:18: expected a pattern such as `0x1f`, found the end of the line");
    refuses(&module("  %0 : u8 = const 12"), "4:19: expected a pattern such as `0x1f`, found `12`");
    refuses(&module("  %0 : u8 = const 0x1ff"), "4:19: `0x1ff` needs 9 bits, but u8 has 8");
    refuses(&module("  %0 u8 = const 0x1"), "4:6: expected `:` and a type, or a name in quotes, found `u8`");
    refuses(&module("  %0 : u8 = plus %0 %0"), "4:13: expected what the cell computes, such as `add`, found `plus`");
    refuses(&module("  %0 : u8 = not %0 %1"), "4:20: expected `@` a source location or the end of the line, found `%1`");
    refuses(&module("  %1 : u8 = const 0x0"), "4:3: expected %0: cells are numbered in order");
    refuses(&module("  level \"é\" %0 capacity 5000000000"), "4:25: `5000000000` is beyond 4294967295");
    refuses(&module("  domain \"a\\q\""), r#"4:12: unknown escape: only \" \\ \n \t and \u{hexadecimal} are possible"#);
    refuses(&module("  domain \"a"), "4:10: expected the name of the domain in quotes, found text without a closing quote");
    refuses(&module("  domain ä"), "4:10: expected the name of the domain in quotes, found the character 'ä'");
    refuses(&module("  initial 0x0"), "4:11: initial words stand below their `memory` line");
    refuses(
        &module("  %0 : u0 = const 0x0"),
        "4:8: `u0` is not a type: write `bit` for one bit and `bits8` for several, or `u8`, `s8`, `uq0.16` or `q8.8`, with a width of 1 to 65536 bits",
    );
    refuses(&module("  %0 : u8 = read \"rom\" address %0"), "4:18: \"rom\" is not the name of a memory of this module");
    refuses(&module("  instance \"u\" of \"m\" inputs"), "4:19: \"m\" is not the name of a module before this one");
}

#[test]
fn one_slip_is_reported_once_and_does_not_hide_the_next() {
    let lines = [
        "  memory \"ram\" : u8 depth",
        "    initial 0x100 oops",
        "  instance \"u\" of \"nothing\" inputs",
        "  %0 : u8 = read \"ram\" address %0",
        "  %1 : u8 = output_of \"u\" \"sum\"",
        "  %2 : u8 = add %0",
        "  %3 : u8 = add %0 %1",
        "  %3 : u8 = add %0 %1",
    ];
    insta::assert_snapshot!(messages(&module(&lines.join("\n"))), @r#"
    4:26: expected the number of words, found the end of the line
    6:19: "nothing" is not the name of a module before this one
    9:19: expected a signal such as `%0`, found the end of the line
    11:3: expected %4: cells are numbered in order
    "#);
}

#[test]
fn braces_that_do_not_match_are_reported_where_it_shows() {
    let text = "systole netlist 1\n}\nmodule \"a\" {\n  domain \"\"\nmodule \"b\" {\n  domain \"\"\n}\ndomain \"\"\ndomain \"x\"\nmodule \"c\" {\n";
    insta::assert_snapshot!(messages(text), @r#"
    2:1: `}` closes nothing: no module is open
    5:1: expected `}` before this: module `a` is still open
    8:1: expected `file` or `module`, found `domain`
    11:1: the text ends before `}` of module `c`
    "#);
}

#[test]
fn a_broken_rule_is_reported_at_its_line() {
    let lines =
        "  input \"a\" = %0\n  output \"y\" = %2\n  %0 : u8 = input 0\n  %1 : u9 = const 0x0\n  %2 : u8 = add %0 %1\n  %3 : u8 = not %3";
    insta::assert_snapshot!(messages(&module(lines)), @r#"
    8:3: module `m`, cell %2: its second operand %1 has 9 bits, not 8
    9:3: module `m`, cell %3: part of a combinational loop: %3 -> %3
    "#);
}

#[test]
fn huge_numbers_cost_nothing() {
    let zeros = "0".repeat(1 << 20);
    let ones = "f".repeat(1 << 20);
    assert!(Design::parse(&module("  memory \"m\" : u65536 depth 4294967295")).is_ok());
    assert!(Design::parse(&module(&format!("  %0 : u8 = const 0x{zeros}"))).is_ok());
    refuses(&module(&format!("  %0 : u8 = const 0x{ones}")), "4:19: `0xffffffffffffffffffffffffffffff…` needs 4194304 bits, but u8 has 8");
    assert!(Design::parse(&module("  %4294967295 : u65536 = select %4294967295 of %4294967295")).is_err());
}
