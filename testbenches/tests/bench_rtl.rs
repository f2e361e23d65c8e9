//! All that the benchmark compares compute the same, and its rows have the form that is documented.

use std::sync::Arc;

use serde_json::json;
use systole_hdl::Design;
use systole_testbenches::bench_rtl::by_hand::ByHand;
use systole_testbenches::bench_rtl::icarus::Icarus;
use systole_testbenches::bench_rtl::systole::{Kind, checksum_after, engine};
use systole_testbenches::bench_rtl::verilator::{Build, Verilator};
use systole_testbenches::bench_rtl::verilog_source::VerilogSource;
use systole_testbenches::bench_rtl::{DesignName, EngineName, Row, SourceName, Subject, TraceName};
use systole_verilog::tools::{Tool, present_for_test};

const ARRAY: Subject = Subject { design: DesignName::Array, n: 4 };
const GEMM: Subject = Subject { design: DesignName::Gemm, n: 4 };
const CONTROL: Subject = Subject { design: DesignName::Control, n: 0 };

fn design(subject: Subject) -> Arc<Design> {
    Arc::new(subject.elaborate().unwrap())
}

fn compiled(subject: Subject, cycles: u64) -> u32 {
    checksum_after(&mut *engine(Kind::Compiled, &design(subject)).unwrap(), cycles)
}

/// The texts of a subject: exported, and hand-written if there is one.
fn sources(subject: Subject) -> Vec<VerilogSource> {
    let mut sources = vec![VerilogSource::exported(&design(subject)).unwrap()];
    if subject.design == DesignName::Array {
        sources.push(VerilogSource::hand_written_array(subject.n));
    }
    sources
}

#[test]
fn both_engines_compute_the_same() {
    for subject in [ARRAY, GEMM, CONTROL] {
        let reference = checksum_after(&mut *engine(Kind::Reference, &design(subject)).unwrap(), subject.check_cycles());
        assert_eq!(compiled(subject, subject.check_cycles()), reference, "{}", subject.title());
    }
}

#[test]
fn the_loops_written_by_hand_compute_what_the_array_computes() {
    for n in [2, 4, 17] {
        for cycles in [0, 1, 5, 63, 64, 65, 300] {
            let mut array = ByHand::new(n);
            array.run(cycles);
            assert_eq!(array.checksum(), compiled(Subject { n, ..ARRAY }, cycles), "{n}x{n} after {cycles} cycles");
        }
    }
}

#[test]
fn a_checksum_goes_on_changing() {
    for subject in [ARRAY, GEMM, CONTROL] {
        let checksums: Vec<u32> = (1..5).map(|part| compiled(subject, part * subject.check_cycles())).collect();
        let changes = checksums.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, checksums.len() - 1, "{}: {checksums:08x?}", subject.title());
    }
}

#[test]
fn icarus_computes_what_the_engines_compute() {
    if !present_for_test(&[Tool::Iverilog]) || !present_for_test(&[Tool::Vvp]) {
        return;
    }
    for subject in [ARRAY, GEMM, CONTROL] {
        for source in sources(subject) {
            let folder = tempfile::tempdir().unwrap();
            let (mut program, _) = Icarus::compile(&source, folder.path()).unwrap();
            let title = format!("{}, parameters {:?}", subject.title(), source.parameters);
            let cycles = subject.check_cycles();
            assert_eq!(program.checksum_after(cycles).unwrap(), compiled(subject, cycles), "{title}");
        }
    }
}

#[test]
fn verilator_computes_what_the_engines_compute() {
    if !present_for_test(&[Tool::Verilator]) {
        return;
    }
    for source in sources(ARRAY) {
        let folder = tempfile::tempdir().unwrap();
        let (program, _) = Verilator::build(&source, Build { optimize: 0, trace: None }, folder.path()).unwrap();
        assert_eq!(program.checksum_after(300).unwrap(), compiled(ARRAY, 300), "parameters {:?}", source.parameters);
    }
}

#[test]
fn a_row_in_json_has_the_documented_names() {
    let row = Row {
        design: DesignName::Array,
        n: 16,
        engine: EngineName::SystoleReference,
        source: None,
        trace: TraceName::None,
        cycles_per_cpu_second: 2.0,
        min_cycles_per_cpu_second: 1.0,
        max_cycles_per_cpu_second: 3.0,
        cycles_per_second: 1.5,
        ready_ms: Some(0.5),
    };
    let expected = json!({
        "design": "array", "n": 16, "engine": "systole-reference", "trace": "none", "cycles_per_cpu_second": 2.0,
        "min_cycles_per_cpu_second": 1.0, "max_cycles_per_cpu_second": 3.0, "cycles_per_second": 1.5, "ready_ms": 0.5,
    });
    assert_eq!(serde_json::to_value(&row).unwrap(), expected);

    let verilator = Row { engine: EngineName::Verilator, source: Some(SourceName::HandWritten), trace: TraceName::Vcd, ..row.clone() };
    let value = serde_json::to_value(&verilator).unwrap();
    assert_eq!((&value["engine"], &value["source"], &value["trace"]), (&json!("verilator"), &json!("hand-written"), &json!("vcd")));

    let by_hand = Row { engine: EngineName::HandWritten, ready_ms: None, ..row };
    let value = serde_json::to_value(&by_hand).unwrap();
    assert_eq!((&value["engine"], &value["ready_ms"]), (&json!("hand-written"), &json!(null)));
}
