//! The self-checking testbench: it passes on the recorded behaviour, fails on any other, and refuses what does not fit.

mod support;

use std::fs;
use std::process::Command;

use support::{Row, parse, recording, replay, verilog};
use systole_hdl::{Design, Value};
use systole_verilog::testbench::{Testbench, TestbenchError, TestbenchOptions, testbench};
use systole_verilog::tools::{Simulator, Tool, ToolError, present_for_test};

/// Counts by 3 while enabled, in 70 bits; the enable also comes out.
fn counter() -> Design {
    parse(
        r#"  input "enable" = %0
  output "count" = %1
  output "enabled" = %0
  %0 : bit = input 0
  %1 "count" : u70 = register %4 initial 0x5 reset
  %2 : u70 = const 0x3
  %3 : u70 = add %1 %2
  %4 : u70 = mux %0 %3 %1"#,
    )
}

const ROWS: &[Row] =
    &[(false, &[1], &[5, 1]), (false, &[0], &[8, 0]), (false, &[1], &[8, 1]), (true, &[1], &[11, 1]), (false, &[0], &[5, 0])];

#[test]
fn it_passes_on_the_recorded_behaviour_in_both_simulators() {
    let design = counter();
    let output = verilog(&design);
    for (simulator, tool) in [(Simulator::Icarus, Tool::Iverilog), (Simulator::Verilator, Tool::Verilator)] {
        if present_for_test(&[tool]) {
            let directory = tempfile::tempdir().unwrap();
            let printed = replay(simulator, &design, &output, &recording(&design, ROWS), directory.path()).unwrap();
            assert!(printed.contains("PASS 5 cycles"), "{printed}");
        }
    }
}

#[test]
fn it_fails_and_names_port_and_cycle_when_a_constant_is_changed() {
    if !present_for_test(&[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    let design = counter();
    let mut output = verilog(&design);
    let planted = output.modules[0].text.replace("70'h3", "70'h4");
    assert_ne!(planted, output.modules[0].text);
    output.modules[0].text = planted;
    let directory = tempfile::tempdir().unwrap();
    let error = replay(Simulator::Icarus, &design, &output, &recording(&design, ROWS), directory.path()).unwrap_err();
    let ToolError::Failed { output, .. } = error else { panic!("{error}") };
    assert!(output.contains("MISMATCH cycle 1, count: expected 000000000000000008, got 000000000000000009"), "{output}");
    assert!(output.contains("FAIL 3 mismatches in 5 cycles"), "{output}");
}

#[test]
fn the_script_passes_and_fails_with_its_exit_code() {
    if !present_for_test(&[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    let design = counter();
    let output = verilog(&design);
    let directory = tempfile::tempdir().unwrap();
    replay(Simulator::Icarus, &design, &output, &recording(&design, ROWS), directory.path()).unwrap();
    let run = |tool: &str| {
        let script = directory.path().join(Testbench::SCRIPT);
        let output = Command::new("sh").arg(script).arg(tool).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run("iverilog"), (Some(0), "iverilog: PASS 5 cycles\n".to_string()));
    let file = directory.path().join("dut_expected.hex");
    let spoiled = fs::read_to_string(&file).unwrap().replacen('5', "6", 1);
    fs::write(&file, spoiled).unwrap();
    let (code, printed) = run("iverilog");
    assert!(code == Some(1) && printed.contains("MISMATCH cycle 0, count"), "{printed}");
}

#[test]
fn it_replays_no_more_cycles_than_asked_for() {
    let design = counter();
    let options = TestbenchOptions { max_cycles: 2, ..TestbenchOptions::default() };
    let testbench = testbench(&design, &verilog(&design), &recording(&design, ROWS), &options).unwrap();
    assert_eq!(testbench.cycles, 2);
    assert!(testbench.data.iter().all(|(_, words)| words.lines().count() == 2));
}

#[test]
fn a_recording_of_another_design_is_refused_with_the_difference() {
    let (design, options) = (counter(), TestbenchOptions::default());
    let output = verilog(&design);
    let good = recording(&design, ROWS);

    let mut renamed = good.clone();
    renamed.inputs[0].port = "other".to_string();
    let mut short = good.clone();
    short.outputs[0].values.pop();
    let mut narrow = good.clone();
    narrow.outputs[0].values[3] = Value::zero(8);
    let empty = recording(&design, &[]);

    let refusal = |recording| testbench(&design, &output, &recording, &options).unwrap_err();
    assert!(matches!(refusal(renamed), TestbenchError::Ports { .. }));
    assert_eq!(refusal(short), TestbenchError::Cycles { trace: "count".to_string(), found: 4, expected: 5 });
    assert_eq!(refusal(narrow), TestbenchError::Width { port: "count".to_string(), cycle: 3, found: 8, expected: 70 });
    assert_eq!(refusal(empty), TestbenchError::Empty);
}
