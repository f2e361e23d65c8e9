//! `run`: what it writes, and how it ends.

use std::fs;

use serde_json::Value;

use crate::support::{Desk, SMALL, names};

fn report(desk: &Desk, folder: &str) -> Value {
    serde_json::from_slice(&fs::read(desk.path(folder).join("report.json")).unwrap()).unwrap()
}

/// Asserts the exit code and gives standard output and standard error.
fn ends(desk: &Desk, arguments: &[&str], code: i32) -> (String, String) {
    let output = desk.systole(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

#[test]
fn a_run_is_bit_exact_and_its_report_has_every_key() {
    let desk = Desk::with(SMALL);
    let (stdout, _) = ends(&desk, &["run", "config.toml"], 0);
    assert!(stdout.contains("bit exact") && stdout.contains("yes") && stdout.contains("report.json"), "{stdout}");
    assert_eq!(names(&desk.path("out/config")), ["outputs.safetensors", "report.json"]);
    let report = report(&desk, "out/config");
    let keys = "schema kernel config seed version \
         design/modules design/instances design/register_bits design/memory_bits design/multipliers \
         cycles/total cycles/first_output cycles/model \
         throughput/ops throughput/ops_per_cycle throughput/peak_ops_per_cycle throughput/utilization \
         memory/intermediate_words memory/items/0/name memory/items/0/kind memory/items/0/words memory/items/0/bits_per_word \
         memory/fifo_high_water tables figures cycles/formula \
         streams/0/path streams/0/transfers streams/0/stalled streams/0/starved \
         numerics/bit_exact numerics/mismatches numerics/first_mismatch numerics/max_abs_error numerics/rms_error \
         numerics/reference_max_abs numerics/quantization/0/scale numerics/task/not_measured \
         parts/0/name parts/0/shape parts/0/cycles/total parts/0/throughput/ops parts/0/numerics/bit_exact \
         simulator/engine simulator/elaborate_ms simulator/compile_ms simulator/cycles simulator/cycles_per_second \
         synthesis/not_measured";
    for key in keys.split_whitespace() {
        assert!(report.pointer(&format!("/{key}")).is_some(), "`{key}` is not in {report:#}");
    }
    assert_eq!(report["numerics"]["bit_exact"], true);
    assert_eq!(report["throughput"]["ops"], 2 * 6 * 7 * 5);
    assert_eq!(report["cycles"]["total"], report["cycles"]["model"]);
    assert_eq!(report["config"]["array"]["rows"], 4);
}

#[test]
fn a_report_repeats_but_for_the_times() {
    let desk = Desk::with(SMALL);
    let run = |folder| {
        ends(&desk, &["run", "config.toml", "--out", folder], 0);
        let mut report = report(&desk, folder);
        report.as_object_mut().unwrap().remove("simulator");
        report
    };
    assert_eq!(run("first"), run("second"));
}

#[test]
fn the_report_names_the_engine_that_ran_and_all_agree() {
    let desk = Desk::with(SMALL);
    let configuration = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/gemm-stalls.toml");
    let run = |folder: &str, options: &[&str]| {
        ends(&desk, &[&["run", configuration, "--out", folder], options].concat(), 0);
        let mut report = report(&desk, folder);
        let simulator = report.as_object_mut().unwrap().remove("simulator").unwrap();
        (simulator["engine"].as_str().unwrap().to_string(), report)
    };
    let (compiled, expected) = run("compiled", &[]);
    let (reference, interpreted) = run("reference", &["--engine", "reference"]);
    let (both, verified) = run("both", &["--verify-engine", "--trace", "fst"]);
    assert_eq!([compiled, reference, both], ["compiled", "reference", "reference and compiled"]);
    assert_eq!(interpreted, expected);
    assert_eq!(verified, expected);
    let (_, message) = ends(&desk, &["run", "config.toml", "--verify-engine", "--engine", "compiled"], 2);
    assert!(message.contains("--verify-engine"), "{message}");
}

#[test]
fn overrides_and_seed_reach_the_run_and_the_report() {
    let desk = Desk::with(SMALL);
    let options = ["--set", "array.rows=2", "--set", "layers[0].relu=true", "--seed", "77", "--out", "result"];
    ends(&desk, &[&["run", "config.toml"], options.as_slice()].concat(), 0);
    let report = report(&desk, "result");
    assert_eq!(report["config"]["array"]["rows"], 2);
    assert_eq!(report["config"]["layers"][0]["relu"], true);
    assert_eq!(report["seed"], 77);
}

#[test]
fn intermediate_words_are_the_sum_of_the_memories_listed() {
    let desk = Desk::with(SMALL);
    ends(&desk, &["run", "config.toml"], 0);
    let memory = &report(&desk, "out/config")["memory"];
    let words = memory["items"].as_array().unwrap().iter().map(|item| item["words"].as_u64().unwrap());
    assert!(words.len() > 1, "{memory:#}");
    assert_eq!(words.sum::<u64>(), memory["intermediate_words"]);
}

#[test]
fn pictures_of_an_earlier_run_go_away_and_no_file_outside_the_folder_does() {
    let desk = Desk::with(SMALL);
    fs::create_dir(desk.path("result")).unwrap();
    let earlier = r#"{ "figures": [{ "file": "graph.svg" }, { "file": "../outside.svg" }, { "file": ".." }, {}] }"#;
    desk.write("result/report.json", earlier.as_bytes());
    for file in ["result/graph.svg", "result/mine.svg", "outside.svg"] {
        desk.write(file, b"<svg/>");
    }
    ends(&desk, &["run", "config.toml", "--out", "result"], 0);
    assert_eq!(names(&desk.path("result")), ["mine.svg", "outputs.safetensors", "report.json"]);
    assert!(desk.path("outside.svg").exists());
}

#[test]
fn quiet_prints_nothing() {
    let desk = Desk::with(SMALL);
    assert_eq!(ends(&desk, &["run", "config.toml", "--quiet"], 0), (String::new(), String::new()));
}

#[test]
fn tensors_are_found_from_the_folder_of_the_configuration() {
    let desk = Desk::with(SMALL);
    fs::create_dir(desk.path("below")).unwrap();
    let bytes: Vec<u8> = (0..42).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::I8, vec![7, 6], &bytes).unwrap();
    desk.write("below/a.safetensors", &safetensors::serialize([("x", view)], None).unwrap());
    let source = r#"{ file = "a.safetensors", tensor = "x", transpose = true }"#;
    desk.write("below/config.toml", SMALL.replace(r#"{ random = "gaussian", shape = [6, 7] }"#, source).as_bytes());
    ends(&desk, &["run", "below/config.toml"], 0);
}

#[test]
fn a_trace_is_written_in_either_format() {
    let desk = Desk::with(SMALL);
    for (format, start) in [("vcd", b"$".as_slice()), ("fst", b"\0".as_slice())] {
        let (stdout, _) = ends(&desk, &["run", "config.toml", "--trace", format, "--out", format], 0);
        let name = format!("trace.{format}");
        assert!(stdout.contains(&name), "{stdout}");
        assert_eq!(names(&desk.path(format)), ["outputs.safetensors", "report.json", &name]);
        assert!(fs::read(desk.path(format).join(name)).unwrap().starts_with(start));
    }
}

#[test]
fn a_window_and_a_scope_make_a_trace_smaller() {
    let desk = Desk::with(SMALL);
    let size = |name: &str, options: &[&str]| {
        ends(&desk, &[&["run", "config.toml", "--trace", "vcd", "--out", name], options].concat(), 0);
        fs::metadata(desk.path(name).join("trace.vcd")).unwrap().len()
    };
    let whole = size("whole", &[]);
    assert!(size("window", &["--trace-from", "5", "--trace-to", "9"]) < whole);
    assert!(size("depth", &["--trace-depth", "1"]) < whole);
}

#[test]
fn a_record_gives_the_trace_of_the_run_afterwards() {
    let desk = Desk::with(SMALL);
    for format in ["vcd", "fst"] {
        let window = ["--trace", format, "--trace-from", "7", "--trace-to", "30", "--trace-scope", "gemm.array"];
        let (stdout, _) = ends(&desk, &[&["run", "config.toml", "--record"], window.as_slice()].concat(), 0);
        assert!(stdout.contains("record.systole"), "{stdout}");
        let name = format!("trace.{format}");
        assert_eq!(names(&desk.path("out/config")), ["outputs.safetensors", "record.systole", "report.json", &name]);
        let traced = fs::read(desk.path("out/config").join(&name)).unwrap();
        fs::remove_file(desk.path("out/config").join(&name)).unwrap();
        ends(&desk, &[&["trace", "out/config/record.systole"], window.as_slice()].concat(), 0);
        ends(&desk, &[&["trace", "out/config/record.systole", "--out", "other"], window.as_slice()].concat(), 0);
        assert!(traced == fs::read(desk.path("out/config").join(&name)).unwrap(), "{format}");
        assert!(traced == fs::read(desk.path("other")).unwrap(), "{format}");
    }
}

#[test]
fn a_record_that_cannot_be_drawn_is_refused_with_the_reason_and_leaves_no_file() {
    let desk = Desk::with(SMALL);
    ends(&desk, &["run", "config.toml", "--record"], 0);
    let whole = fs::read(desk.path("out/config/record.systole")).unwrap();
    desk.write("whole", &whole);
    desk.write("cut", &whole[..whole.len() / 2]);
    desk.write("spoilt", &[&whole[..200], b"!!!!", &whole[204..]].concat());
    desk.write("other", b"kernel = 5");
    desk.write("later", &[b"systole record 9\n".as_slice(), &whole[17..]].concat());
    let refusals = [
        (vec!["trace", "cut"], "has no whole cycle"),
        (vec!["trace", "spoilt"], "is damaged"),
        (vec!["trace", "other"], "is not a record"),
        (vec!["trace", "later"], "has format 9"),
        (vec!["trace", "missing"], "cannot read"),
        (vec!["trace", "whole", "--trace-from", "1000000"], "which are 0 to"),
        (vec!["trace", "whole", "--trace-from", "9", "--trace-to", "5"], "before it begins"),
        (vec!["trace", "whole", "--trace-scope", "nowhere"], "selects no signal"),
        (vec!["trace", "whole", "--out", "nowhere/x"], "cannot create"),
    ];
    for (arguments, reason) in refusals {
        let before = desk.holds();
        let (_, stderr) = ends(&desk, &arguments, 2);
        assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
        assert_eq!(desk.holds(), before);
    }
}

#[test]
fn a_trace_that_selects_nothing_is_refused_and_leaves_no_folder() {
    let desk = Desk::with(SMALL);
    for options in [&["--trace-scope", "nowhere.*"], &["--trace-scope", "["]] {
        let (_, stderr) = ends(&desk, &[&["run", "config.toml", "--out", "result", "--trace", "vcd"], options.as_slice()].concat(), 2);
        assert!(stderr.contains(options[1]), "{stderr}");
        assert!(!desk.path("result").exists());
    }
    ends(&desk, &["run", "config.toml", "--trace", "vcd", "--trace-from", "9", "--trace-to", "5"], 2);
}

#[test]
fn the_cycle_limit_ends_a_run_with_4_and_a_whole_trace() {
    let desk = Desk::with(SMALL);
    let (_, stderr) = ends(&desk, &["run", "config.toml", "--cycle-limit", "20", "--trace", "vcd", "--out", "result"], 4);
    assert!(stderr.contains("20 cycles") && stderr.contains("--cycle-limit"), "{stderr}");
    assert!(stderr.contains("trace.vcd"), "{stderr}");
    assert_eq!(names(&desk.path("result")), ["trace.vcd"]);
}

#[test]
fn a_deadlock_is_explained_and_ends_with_4() {
    let desk = Desk::with(&format!("{SMALL}\n[stalls]\nc = \"never\"\n"));
    let (_, stderr) = ends(&desk, &["run", "config.toml", "--trace", "vcd", "--out", "result"], 4);
    assert!(
        stderr.contains("stream `c` never moves") && stderr.contains("`stalls.c`"),
        "the stream at fault and its key are named: {stderr}"
    );
    assert_eq!(names(&desk.path("result")), ["trace.vcd"]);
}

/// Every key of the report but those of the configuration, which the kernel's schema defines.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                found.push(key.clone());
                if key != "config" {
                    keys(value, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn the_book_defines_every_key_of_the_report() {
    let desk = Desk::with(SMALL);
    ends(&desk, &["run", "config.toml", "--out", "result"], 0);
    let chapter = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/book/src/report.md")).unwrap();
    let mut found = Vec::new();
    keys(&report(&desk, "result"), &mut found);
    assert!(found.len() > 40, "{found:?}");
    for key in found {
        let defined = [format!("`{key}`"), format!(".{key}`"), format!("`{key}["), format!("`{key}."), format!("\"{key}\"")];
        assert!(defined.iter().any(|form| chapter.contains(form)), "the book does not define `{key}`");
    }
}
