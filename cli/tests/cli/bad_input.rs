//! Every mistake in the input is answered with its place, its key and a remedy; exit code 2; and nothing is left behind.

use std::fs;
use std::time::{Duration, Instant};

use assert_cmd::Command;

use crate::support::{Desk, SMALL, systole};

/// Runs the configuration, which has to be refused with a message that holds all of `expected`.
fn refused(desk: &Desk, options: &[&str], expected: &[&str]) {
    let before = desk.holds();
    let arguments = [&["run", "config.toml", "--out", "result"], options].concat();
    let output = desk.systole(&arguments).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in expected {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert_eq!(desk.holds(), before, "the refused run left something behind");
    assert!(output.stdout.is_empty(), "a refused run prints no results");
}

#[test]
fn a_syntax_error_names_file_line_and_column() {
    let desk = Desk::with("kernel = \"gemm\"\n[array\nrows = 4\n");
    refused(&desk, &[], &["config.toml:2:", "not TOML"]);
}

#[test]
fn a_mistyped_key_is_answered_with_the_nearest() {
    let desk = Desk::with(&SMALL.replace("rows", "rowss"));
    refused(&desk, &[], &["config.toml:5:1", "`array.rowss`", "did you mean `rows`?"]);
    let desk = Desk::with(&SMALL.replace("seed", "sead"));
    refused(&desk, &[], &["config.toml:2:1", "`sead`", "did you mean `seed`?"]);
}

#[test]
fn a_mistyped_key_in_a_list_of_tables_is_found_there() {
    let desk = Desk::with(&format!("{SMALL}rellu = true\n"));
    refused(&desk, &[], &["config.toml:12:1", "`layers[0].rellu`", "did you mean `relu`?"]);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_at_its_line() {
    let desk = Desk::with(&SMALL.replace("rows = 4", "rows = \"four\""));
    refused(&desk, &[], &["config.toml:5:1", "`array.rows`", "string \"four\"", "help: accepted: integer", "1 to 256"]);
    let desk = Desk::with(&SMALL.replace("rows = 4", "rows = -4"));
    refused(&desk, &[], &["config.toml:5:1", "`array.rows`", "-4"]);
}

#[test]
fn an_unknown_word_is_answered_with_the_accepted_ones() {
    let desk = Desk::with(&SMALL.replace("weight-stationary", "weight-stationery"));
    refused(&desk, &[], &["config.toml:7:1", "`array.dataflow`", "weight-stationary"]);
}

#[test]
fn an_array_without_rows_is_refused() {
    let desk = Desk::with(&SMALL.replace("rows = 4", "rows = 0"));
    refused(&desk, &[], &["config.toml:5:1", "`array.rows`", "help:"]);
}

#[test]
fn a_reduction_too_long_for_the_accumulator_is_refused_with_the_length_that_fits() {
    let desk = Desk::with(&format!("{SMALL}\n[formats]\na = \"s8\"\nb = \"s8\"\naccumulator = \"s16\"\n"));
    refused(&desk, &[], &["config.toml:", "accumulator", "help:"]);
}

#[test]
fn a_missing_kernel_and_an_unknown_one_are_answered_with_the_known() {
    let desk = Desk::with("seed = 3\n");
    refused(&desk, &[], &["config.toml:1:1", "`kernel`", "gemm"]);
    let desk = Desk::with(&SMALL.replace("\"gemm\"", "\"gem\""));
    refused(&desk, &[], &["config.toml:1:1", "`gem`", "gemm"]);
    let desk = Desk::with(&SMALL.replace("\"gemm\"", "7"));
    refused(&desk, &[], &["config.toml:1:1", "`kernel`"]);
}

#[test]
fn a_bad_override_is_shown_instead_of_the_file() {
    let desk = Desk::with(SMALL);
    refused(&desk, &["--set", "array.rows=0"], &["--set array.rows=0", "`array.rows`", "help:"]);
    refused(&desk, &["--set", "array.rowss=4"], &["--set array.rowss=4", "did you mean `rows`?"]);
    refused(&desk, &["--set", "array.rows"], &["--set array.rows", "a key, `=` and a value"]);
    refused(&desk, &["--set", "layers[3].relu=true"], &["--set layers[3].relu=true", "no entry 3"]);
    refused(&desk, &["--set", "layers.0.relu=maybe"], &["--set layers.0.relu=maybe", "`layers[0].relu`", "\"maybe\"", "accepted: boolean"]);
}

#[test]
fn a_configuration_that_cannot_be_read_says_why() {
    let desk = Desk::with("");
    refused(&desk, &[], &["config.toml", "empty", "help:"]);
    desk.write("config.toml", b"kernel = \"\xff\"");
    refused(&desk, &[], &["config.toml", "UTF-8"]);
    for (path, reason) in [("absent.toml", "there is no such file"), (".", "it is a folder")] {
        let output = desk.systole(&["run", path]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(reason));
    }
}

/// The small configuration with its first operand from a file.
fn with_file(source: &str) -> String {
    SMALL.replace(r#"{ random = "gaussian", shape = [6, 7] }"#, source)
}

/// A safetensors file with one tensor `x` of 32-bit floats.
fn floats(shape: &[usize], value: f32) -> Vec<u8> {
    let bytes = value.to_le_bytes().repeat(shape.iter().product());
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), &bytes).unwrap();
    safetensors::serialize([("x", view)], None).unwrap()
}

#[test]
fn a_missing_tensor_file_is_named_with_the_key_that_asks_for_it() {
    let desk = Desk::with(&with_file(r#"{ file = "absent.safetensors", tensor = "x" }"#));
    refused(&desk, &[], &["config.toml:10:", "`layers[0].a.file`", "absent.safetensors", "help:"]);
}

#[test]
fn a_missing_tensor_is_answered_with_what_the_file_holds() {
    let desk = Desk::with(&with_file(r#"{ file = "a.safetensors", tensor = "y" }"#));
    desk.write("a.safetensors", &floats(&[6, 7], 1.0));
    refused(&desk, &[], &["config.toml:10:", "`layers[0].a.tensor`", "a.safetensors", "the file holds: x"]);
}

#[test]
fn a_tensor_file_that_is_cut_off_is_refused() {
    let desk = Desk::with(&with_file(r#"{ file = "a.safetensors", tensor = "x" }"#));
    let whole = floats(&[6, 7], 1.0);
    desk.write("a.safetensors", &whole[..whole.len() - 5]);
    refused(&desk, &[], &["config.toml:10:", "`layers[0].a.file`", "a.safetensors", "cut off"]);
}

#[test]
fn a_tensor_of_the_wrong_shape_is_refused_with_both_shapes() {
    let desk = Desk::with(&with_file(r#"{ file = "a.safetensors", tensor = "x" }"#));
    desk.write("a.safetensors", &floats(&[6, 8], 1.0));
    refused(&desk, &[], &["config.toml:", "layers[0]", "8", "7"]);
    desk.write("a.safetensors", &floats(&[6, 7, 2], 1.0));
    refused(&desk, &[], &["config.toml:", "`layers[0].a", "[6, 7, 2]"]);
}

#[test]
fn a_tensor_that_is_not_finite_is_refused() {
    let desk = Desk::with(&with_file(r#"{ file = "a.safetensors", tensor = "x" }"#));
    desk.write("a.safetensors", &floats(&[6, 7], f32::NAN));
    refused(&desk, &[], &["config.toml:10:", "`layers[0].a", "NaN", "finite"]);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_refused_before_the_run() {
    let desk = Desk::with(SMALL);
    desk.write("result", b"a file in the way");
    refused(&desk, &[], &["result", "--out"]);
    assert_eq!(fs::read(desk.path("result")).unwrap(), b"a file in the way");
}

#[test]
fn a_command_line_that_cannot_be_read_exits_with_2() {
    for arguments in [
        &["run"] as &[&str],
        &["run", "config.toml", "--trace", "png"],
        &["run", "config.toml", "--trace-depth", "1"],
        &["run", "config.toml", "--trace", "vcd", "--trace-depth", "0"],
        &["run", "config.toml", "--seed", "-1"],
        &["run", "config.toml", "--cycle-limit", "0"],
        &["export", "config.toml"],
        &["synth", "config.toml"],
        &["schema", "gem"],
        &["frobnicate"],
        &[],
    ] {
        let output = systole(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn weights_that_an_exact_sparsifier_refuses_are_bad_input() {
    let text = "kernel = \"sparsify\"\nexact = true\nweights = { random = \"full-range\", shape = [8, 8] }\n";
    for method in ["streaming", "parallel"] {
        let method = format!("method={method}");
        let expected = ["output 0, group 0", "position 2", "help: no report was written; prune the tensor to 2:4", "larger N"];
        refused(&Desk::with(text), &["--set", &method], &expected);
    }
}

/// Every kernel with a tensor whose shape cannot be, of a size that would take long to draw.
#[test]
fn impossible_random_tensors_are_refused_before_they_are_drawn() {
    let attention = "kernel = 'attention'\n[[heads]]\nq = { random = 'gaussian', shape = [3, 4] }\nk = { random = 'gaussian', shape = [5, 4] }\n\
                     v = { random = 'gaussian', shape = [5, 4] }\n";
    let training = "kernel = 'sparse-training'\nx = { random = 'gaussian', shape = [4, 8] }\nw = { random = 'gaussian', shape = [8, 4] }\n\
                    dy = { random = 'gaussian', shape = [4, 4] }\n";
    let sparse =
        "kernel = 'sparse-gemm'\n[[layers]]\na = { random = 'gaussian', shape = [4, 8] }\nb = { random = 'gaussian', shape = [8, 4] }\n";
    let sparsify = "kernel = 'sparsify'\nweights = { random = 'gaussian', shape = [8, 8] }\n";
    for (config, key) in [
        (SMALL, "layers[0].a"),
        (SMALL, "layers[0].b"),
        (sparse, "layers[0].b"),
        (sparsify, "weights"),
        (training, "dy"),
        (attention, "heads[0].k"),
    ] {
        let desk = Desk::with(config);
        let shape = format!("`{key}.shape`");
        let set = |shape: &str| format!("{key}.shape={shape}");
        for (size, reason) in [
            ("[60000000]", "it must have two dimensions"),
            ("[100000000]", "2^26"),
            ("[1000000000]", "2^26"),
            ("[4294967296, 4294967296]", "2^26"),
        ] {
            let begun = Instant::now();
            refused(&desk, &["--set", &set(size)], &[&shape, reason]);
            assert!(begun.elapsed() < Duration::from_secs(5), "{key} {size}: {:?}", begun.elapsed());
        }
    }
    let begun = Instant::now();
    refused(&Desk::with(SMALL), &["--set", "layers[0].a.shape=[8000, 8000]"], &["`layers[0].b`", "B must have 8000 rows"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_slice_that_goes_beyond_a_tensor_is_refused_at_its_key() {
    let desk = Desk::with(&with_file(r#"{ file = "a.safetensors", tensor = "x", rows = "2..8" }"#));
    desk.write("a.safetensors", &floats(&[9, 7], 1.0));
    desk.systole(&["run", "config.toml"]).assert().success();
    refused(&desk, &["--set", "layers[0].a.rows=4..10"], &["--set layers[0].a.rows=4..10", "`layers[0].a.rows`", "9 rows", "help: 0..9"]);
    refused(&desk, &["--set", "layers[0].a.columns=8.."], &["`layers[0].a.columns`", "7 columns", "help: 0..7"]);
    refused(&desk, &["--set", "layers[0].a.index=9"], &["`layers[0].a.index`", "beyond axis 0", "0 to 8"]);
    refused(&desk, &["--set", "layers[0].a.rows=five"], &["`layers[0].a.rows`", "no range", "write it like"]);
    refused(&desk, &["--set", "layers[0].b.rows=0..3"], &["`layers[0].b.rows`", "state its `shape`"]);
}

#[test]
fn a_copied_configuration_finds_its_data_and_says_where() {
    let desk = Desk::with("");
    for folder in ["configs", "data", "elsewhere"] {
        fs::create_dir(desk.path(folder)).unwrap();
    }
    desk.write("data/a.safetensors", &floats(&[6, 7], 1.0));
    for copy in ["configs/mine.toml", "elsewhere/mine.toml", "mine.toml"] {
        desk.write(copy, with_file(r#"{ file = "../data/a.safetensors" }"#).as_bytes());
    }
    let note = "note: `layers[0].a.file`: ../data/a.safetensors is not in the configuration's folder; taken from";
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&mut desk.systole(&["run", "configs/mine.toml"])), (Some(0), String::new()));
    let (code, message) = run(&mut desk.systole(&["run", "mine.toml"]));
    assert_eq!((code, message), (Some(0), format!("{note} data/a.safetensors\n")));
    let mut far = systole(&["run", "mine.toml"]);
    let far = far.current_dir(desk.path("elsewhere"));
    far.env("SYSTOLE_DATA", desk.path("nowhere"));
    fs::remove_file(desk.path("mine.toml")).unwrap();
    fs::rename(desk.path("data"), desk.path("kept")).unwrap();
    let (code, message) = run(far);
    assert_eq!(code, Some(2), "{message}");
    for place in ["there is no such file", "../data/a.safetensors", "looked for", "nowhere/data/a.safetensors", "SYSTOLE_DATA"] {
        assert!(message.contains(place), "{message}");
    }
    fs::create_dir(desk.path("nowhere")).unwrap();
    fs::rename(desk.path("kept"), desk.path("nowhere/data")).unwrap();
    let (code, message) = run(far);
    assert_eq!(code, Some(0), "{message}");
    assert!(message.contains(note) && message.contains("nowhere/data/a.safetensors"), "{message}");
}
