//! The reference engine and the exported Verilog agree on random designs, on every case that ever failed, and their comparison
//! notices what is wrong.

use std::path::Path;

use systole_dataflow::Depth;
use systole_hdl::{Design, Type, elaborate};
use systole_kernels::sparse::hardware::weight_store::WeightStore;
use systole_testbenches::campaign::{self, Plan};
use systole_testbenches::lockstep::{self, Case, Failure, StimulusPlan};
use systole_testbenches::replay;

#[path = "../../dataflow/tests/support/random.rs"]
#[allow(dead_code, reason = "the other scale is for the tests of graphs")]
mod random;

use random::{SHORT, random_graph};

/// Whether Icarus is there.
fn tools_are_there() -> bool {
    lockstep::find_tools().inspect_err(|missing| skip_without(missing)).is_ok()
}

/// Where tools are required they must be there; elsewhere a test says that it passes over itself.
fn skip_without(missing: &dyn std::error::Error) {
    assert!(std::env::var_os("SYSTOLE_REQUIRE_TOOLS").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
}

#[test]
fn random_designs_agree_in_every_cycle() {
    if !tools_are_there() {
        return;
    }
    let summary =
        campaign::run(&Plan { count: 48, seed: 1, cycles: 64, other_tools_every: 0, builds_every: 0 }, |_| {}).expect("the tools run");
    let failures: Vec<String> =
        summary.failures.iter().map(|found| replay::to_text(&found.case, &format!("seed {}: {}", found.seed, found.failure))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(summary.designs, 48);
}

#[test]
fn random_graphs_agree_in_every_cycle_and_pass_the_other_tools() {
    if !tools_are_there() {
        return;
    }
    let design = |seed| {
        let mut graph = random_graph(seed, &SHORT);
        let unbounded: Vec<_> = graph.fifos().filter(|(_, fifo)| fifo.depth == Depth::Unbounded).map(|(id, _)| id).collect();
        unbounded.into_iter().for_each(|fifo| graph.set_depth(fifo, Depth::Words(3)));
        elaborate(&graph.hardware("graph").unwrap()).unwrap_or_else(|diagnostics| panic!("seed {seed}: {diagnostics}"))
    };
    let cases: Vec<Case> = (0..12).map(|seed| Case { design: design(seed), stimulus: StimulusPlan { seed, cycles: 200 } }).collect();
    assert_eq!(lockstep::check(&cases).expect("the tools run"), vec![None; cases.len()]);
    for case in &cases[..3] {
        match lockstep::check_with_other_tools(&case.design) {
            Ok(failure) => assert_eq!(failure, None),
            Err(missing) => skip_without(&missing),
        }
    }
}

#[test]
fn weight_stores_agree_in_every_cycle_and_pass_the_other_tools() {
    if !tools_are_there() {
        return;
    }
    let design = |banks, input_tiles, output_tiles, element| {
        elaborate(&WeightStore { banks, input_tiles, output_tiles, element }).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
    };
    let designs = [design(1, 1, 1, Type::s(2)), design(2, 1, 2, Type::u(3)), design(3, 2, 1, Type::s(2)), design(4, 2, 3, Type::s(8))];
    let cases: Vec<Case> = designs.map(|design| Case { design, stimulus: StimulusPlan { seed: 1, cycles: 400 } }).into();
    assert_eq!(lockstep::check(&cases).expect("the tools run"), vec![None; cases.len()]);
    for case in &cases {
        match lockstep::check_with_other_tools(&case.design) {
            Ok(failure) => assert_eq!(failure, None),
            Err(missing) => skip_without(&missing),
        }
    }
    assert!(lockstep::is_small(&cases[2].design), "Yosys checks it too");
}

#[test]
fn every_case_that_once_failed_passes() {
    if !tools_are_there() {
        return;
    }
    let paths = replay::list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("replays")).expect("the folder is there");
    assert!(!paths.is_empty());
    for path in paths {
        let case = replay::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(lockstep::check(std::slice::from_ref(&case)).expect("the tools run"), [None], "{}", path.display());
        for check in [lockstep::check_with_other_tools, lockstep::check_build] {
            match check(&case.design) {
                Ok(failure) => assert_eq!(failure, None, "{}", path.display()),
                Err(missing) => skip_without(&missing),
            }
        }
    }
}

/// A design whose cells `body` compute output `y` from inputs `a` and `b` of 70 and 7 bits.
fn case(body: &str) -> Case {
    let text = format!(
        "systole netlist 1\nmodule \"m\" {{\n domain \"\"\n input \"a\" = %0\n input \"b\" = %1\n output \"y\" = %2\n \
         %0 \"a\" : s70 = input 0\n %1 \"b\" : u7 = input 1\n {body}\n}}\n"
    );
    let design = Design::parse(&text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    Case { design, stimulus: StimulusPlan { seed: 1, cycles: 64 } }
}

/// What lockstep says of `case` when `from` is `to` in its Verilog.
fn altered(case: &Case, from: &str, to: &str) -> Failure {
    let alter = |text: String| {
        assert!(text.contains(from), "nothing to alter: no `{from}` in\n{text}");
        text.replacen(from, to, 1)
    };
    let failures = lockstep::check_altered(std::slice::from_ref(case), alter).expect("the tools run");
    failures.into_iter().flatten().next().unwrap_or_else(|| panic!("`{from}` became `{to}`, and nobody noticed"))
}

#[test]
fn a_fault_planted_in_the_verilog_is_noticed() {
    if !tools_are_there() {
        return;
    }
    let planted = [
        ("%2 : s70 = add %0 %0", " + ", " - "),
        ("%2 : s70 = shift_right %0 %1", ">>>", ">>"),
        ("%2 : bit = less %0 %3\n %3 : s70 = not %0", " < ", " > "),
        ("%2 : s71 = extend %0", "a[69]", "1'b0"),
        ("%2 : u7 = register %1 initial 0x5", "7'd5", "7'd4"),
        ("%2 : u7 = register %1 initial 0x5 reset", "if (reset)", "if (!reset)"),
        ("%2 : u7 = mux %3 %1 %4\n %3 : bit = slice %0 from 3\n %4 : u7 = const 0x7f", "a[3]", "a[4]"),
    ];
    for (body, from, to) in planted {
        let case = case(body);
        assert_eq!(lockstep::check(std::slice::from_ref(&case)).expect("the tools run"), [None], "{body}");
        let failure = altered(&case, from, to);
        assert!(matches!(failure, Failure::Differs { .. }), "{body}: {failure}");
    }
}

#[test]
fn a_fault_in_a_net_that_no_output_shows_is_noticed() {
    if !tools_are_there() {
        return;
    }
    let hidden = case("%2 : u7 = wire %1\n %3 \"hidden\" : s70 = not %0");
    let Failure::Differs { signal, .. } = altered(&hidden, "~a", "a") else { panic!("the values differ") };
    assert!(signal.contains("hidden"), "{signal}");
}

#[test]
fn an_unknown_value_in_the_verilog_is_noticed() {
    if !tools_are_there() {
        return;
    }
    let register = case("%2 : u7 = register %1 initial 0x5");
    let Failure::Differs { cycle: 0, expected, got, .. } = altered(&register, "7'd5", "7'bx") else { panic!("the first value differs") };
    assert_eq!((expected.as_str(), got.as_str()), ("05", "xx"));
}

#[test]
fn verilog_that_does_not_compile_spoils_only_its_own_case() {
    if !tools_are_there() {
        return;
    }
    let cases = [case("%2 : u7 = not %1"), case("%2 : s70 = add %0 %0"), case("%2 : u7 = wire %1")];
    let broken = |text: String| text.replacen(" + ", " +* ", 1);
    let failures = lockstep::check_altered(&cases, broken).expect("the tools run");
    assert!(matches!(failures[..], [None, Some(Failure::Refused { tool: "iverilog", .. }), None]), "{failures:?}");
}

#[test]
fn a_failing_case_shrinks_to_the_cell_at_fault() {
    if !tools_are_there() {
        return;
    }
    // Every subtraction is wrong, and the first design that has one shows it.
    let check = |cases: &[Case]| lockstep::check_altered(cases, |text| text.replace(" - ", " + "));
    let failing = (0..).find_map(|seed| {
        let case = campaign::case(seed, 64);
        let failure = check(std::slice::from_ref(&case)).expect("the tools run").into_iter().flatten().next()?;
        Some((seed, case, failure))
    });
    let (seed, case, failure) = failing.expect("some design subtracts");
    let found = campaign::shrink(seed, &case, failure, &check).expect("the tools run");
    let text = replay::to_text(&found.case, &found.failure.to_string());
    assert_eq!(found.case.design.modules.len(), 1, "{text}");
    assert!(found.case.design.statistics().cells <= 4, "{text}");
    assert!(text.contains("= sub"), "{text}");
}

#[test]
fn a_case_reads_back_from_its_file() {
    let case = campaign::case(3, 17);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("case.netlist");
    std::fs::write(&path, replay::to_text(&case, "two\nlines")).expect("the folder can be written");
    assert_eq!(replay::read(&path).expect("the file holds a case"), case);
    assert_eq!(replay::list(folder.path()).expect("the folder can be read"), [path]);
}

#[test]
fn a_file_without_stimulus_or_netlist_is_refused_with_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let message = |text: &str| {
        let path = folder.path().join("case.netlist");
        std::fs::write(&path, text).expect("the folder can be written");
        replay::read(&path).expect_err("the file holds no case").to_string().replace(&path.display().to_string(), "FILE")
    };
    let wanted = "FILE has no line `# stimulus seed NUMBER cycles NUMBER` before the netlist";
    assert_eq!(message("systole netlist 1\n"), wanted);
    assert_eq!(message("# stimulus seed 1 cycles 0\nsystole netlist 1\n"), wanted);
    assert!(message("# stimulus seed 1 cycles 2\nsystole netlist 1\nnonsense\n").starts_with("FILE:3:1: "));
}
