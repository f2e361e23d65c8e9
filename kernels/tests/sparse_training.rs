//! Training steps on the array with its weights beside it, against the golden model and the cycle model.

#[macro_use]
mod engines;
mod files;
mod runs;

use proptest::prelude::*;
use runs::{assert_exact_and_as_modelled, run};
use systole_kernels::kernel::KernelParameters;
use systole_kernels::report::{NamedTable, Outcome};
use systole_kernels::sparse_training::parameters::Parameters;
use systole_sim::EngineKind;

on_each_engine! {
    a_step_of_any_layer_is_exact_and_takes_the_modelled_cycles,
    the_two_sides_of_a_product_may_have_different_formats,
    no_stall_pattern_changes_a_value,
    short_passes_wait_for_the_sparsifier_and_the_report_says_so,
}

fn config(array: &str, pattern: &str, [samples, inputs, outputs]: [usize; 3], rest: &str) -> toml::Table {
    format!(
        "kernel = 'sparse-training'\npattern = '{pattern}'\nx = {{ random = 'full-range', shape = [{samples}, {inputs}] }}\n\
         w = {{ random = 'full-range', shape = [{inputs}, {outputs}] }}\ndy = {{ random = 'full-range', shape = [{samples}, {outputs}] }}\n\
         [array]\n{array}\n{rest}"
    )
    .parse()
    .unwrap()
}

/// The cell of a row, by the row's first cell, under a heading.
fn cell(table: &NamedTable, row: &str, column: &str) -> String {
    let column = table.columns().iter().position(|heading| heading == column).unwrap();
    table.rows().iter().find(|cells| cells[0] == row).unwrap()[column].clone()
}

fn number(table: &NamedTable, row: &str, column: &str) -> f64 {
    cell(table, row, column).replace(' ', "").parse().unwrap()
}

/// Every row's cycles are what is needed and what comes on top.
fn assert_adds_up(outcome: &Outcome) {
    // Of an array that sizes divide, every product needs M·K·N/(R·C) cycles, or N/M of that.
    for row in outcome.tables[1].rows() {
        assert!(!row[3].starts_with('-'), "there is no negative padding: {row:?}");
        let numbers: Vec<f64> = row[1..].iter().map(|cell| cell.replace(' ', "").parse().unwrap()).collect();
        let terms: f64 = numbers[1..].iter().sum();
        assert!((numbers[0] - terms).abs() < 0.2, "{row:?}");
    }
}

#[test]
fn the_real_layer_steps_as_fast_as_its_multiply_accumulates_allow_but_for_filling_the_array() {
    for (pattern, bound) in [("2:4", 1.5), ("2:8", 2.0), ("1:8", 2.4)] {
        let mut table = files::config("sparse-training.toml");
        table.insert("pattern".into(), pattern.into());
        let outcome = run(table, EngineKind::Compiled);
        assert_exact_and_as_modelled(&outcome);
        assert_adds_up(&outcome);
        let [against_dense, ..] = &outcome.tables[..] else { panic!("the step is compared with a dense one") };
        assert_eq!(cell(against_dense, "the step", "bound of the multiply-accumulates"), format!("{bound:.3}"));
        let (n, m) = pattern.split_once(':').unwrap();
        let dense = 128.0 * 384.0 * 384.0 / 256.0;
        let share = n.parse::<f64>().unwrap() / m.parse::<f64>().unwrap();
        let needed = ["X * W_F", "dY * W_B^T", "X^T * dY"].map(|product| number(&outcome.tables[1], product, "needed"));
        assert_eq!(needed, [dense * share, dense * share, dense], "{pattern}");
        let speed_up = number(against_dense, "the step", "speed-up");
        assert!((0.98 * bound..bound).contains(&speed_up), "{pattern}: {speed_up} of {bound}");
        // The weights are 384 × 384; no other memory has room for them.
        let holds =
            |words: u64| outcome.memory.items().iter().filter(|item| item.words >= words).map(|item| item.words).collect::<Vec<_>>();
        assert_eq!(holds(384 * 384 / 8), [384 * 384], "{pattern}");
    }
}

/// Patterns, and arrays for them.
fn arrays() -> impl Strategy<Value = (String, String)> {
    let patterns =
        prop::sample::select(vec![(1u32, 2u32), (2, 4), (1, 4), (3, 4), (4, 4), (2, 8), (1, 8), (5, 8), (2, 16), (1, 32), (7, 32)]);
    (patterns, 1u32..4, 1u32..6, any::<bool>(), any::<bool>()).prop_map(|((n, m), multiple, columns, output_stationary, overlap)| {
        let rows = n * multiple;
        let dataflow = if output_stationary { "output-stationary" } else { "weight-stationary" };
        let depth = (rows + columns + 16).max(32);
        let array = format!("rows = {rows}\ncolumns = {columns}\ndataflow = '{dataflow}'\noverlap_load = {overlap}\nbuffer_rows = {depth}");
        (array, format!("{n}:{m}"))
    })
}

fn a_step_of_any_layer_is_exact_and_takes_the_modelled_cycles(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(40), |((array, pattern) in arrays(), shape in prop::array::uniform3(1usize..50), seed in 0i64..1000)| {
        let mut table = config(&array, &pattern, shape, "");
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
        for part in &outcome.parts {
            prop_assert_eq!(Some(&part.cycles.total), part.cycles.model.value(), "{}: {:?}", part.name, part.cycles.formula);
        }
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
        assert_adds_up(&outcome);
    });
}

fn the_two_sides_of_a_product_may_have_different_formats(engine: EngineKind) {
    for formats in [
        "a = 's16'\nb = 's8'\naccumulator = 's40'",
        "a = 's4'\nb = 's16'\naccumulator = 's32'\noutput = 's16'",
        "a = 'u8'\nb = 'u4'\naccumulator = 'u24'",
        "a = 'u8'\nb = 's8'\naccumulator = 's32'",
        "a = 'q4.4'\nb = 'q2.6'\naccumulator = 'q22.10'\noutput = 'q8.4'",
    ] {
        let outcome = run(config("rows = 4\ncolumns = 3", "2:4", [9, 14, 11], &format!("[formats]\n{formats}")), engine);
        assert_exact_and_as_modelled(&outcome);
        if !formats.contains("output") {
            assert!(
                outcome.numerics.quantization.iter().all(|entry| !entry.tensor.ends_with(" c") || entry.format == outcome_format(formats))
            );
        }
    }
}

/// Sums leave as accumulators where no output format is stated.
fn outcome_format(formats: &str) -> &str {
    formats.lines().find_map(|line| line.strip_prefix("accumulator = '")).unwrap().trim_end_matches('\'')
}

fn no_stall_pattern_changes_a_value(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(16), |((array, pattern) in arrays(), shape in prop::array::uniform3(1usize..40), seed in 0i64..1000, probabilities in prop::array::uniform4(0.1f64..1.0))| {
        let stalls = ["a", "b", "bias", "c"].iter().zip(probabilities).map(|(stream, p)| format!("{stream} = {{ random = {{ probability = {p} }} }}\n"));
        let mut table = config(&array, &pattern, shape, &format!("[stalls]\n{}", stalls.collect::<String>()));
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
    });
}

/// 16 samples pass in 16 cycles, but 8 rows of 1:8 weights come from 64 dense ones, in 64 cycles.
fn short_passes_wait_for_the_sparsifier_and_the_report_says_so(engine: EngineKind) {
    let outcome = run(config("rows = 8\ncolumns = 8", "1:8", [16, 128, 128], ""), engine);
    assert_exact_and_as_modelled(&outcome);
    assert_adds_up(&outcome);
    let where_cycles_go = &outcome.tables[1];
    // Of 2 × 16 passes the first loads are told apart; each of the others waits 64 - 16 cycles.
    let passes = 128 / 64 * 128 / 8;
    let waits = number(where_cycles_go, "X * W_F", "sparsify");
    assert!((waits - f64::from(passes * (64 - 16))).abs() < 64.0, "{waits}");
    assert!(number(&outcome.tables[0], "the step", "speed-up") < 1.7);
}

/// The error of a configuration, from reading it or from its shapes.
fn refusal(text: &str) -> String {
    let error = match Parameters::read(text.parse().unwrap()) {
        Ok(parameters) => parameters.shape(&[]).expect_err("the configuration is refused"),
        Err(error) => error,
    };
    error.to_string()
}

#[test]
fn wrong_keys_and_shapes_are_refused_with_a_remedy() {
    let with = |change: &str, [x, w, dy]: [&str; 3]| {
        let source = |shape: &str| format!("{{ random = 'gaussian', shape = {shape} }}");
        refusal(&format!("x = {}\nw = {}\ndy = {}\n{change}", source(x), source(w), source(dy)))
    };
    let sound = ["[4, 6]", "[6, 5]", "[4, 5]"];
    let messages = [
        with("patern = '2:4'", sound),
        with("pattern = '2:5'", sound),
        with("pattern = '3:4'", sound),
        with("[array]\ndataflow = 'input-stationary'", sound),
        with("[array]\ndataflow = 'fastest'", sound),
        with(
            "pattern = '32:32'\n[array]\nrows = 32\ncolumns = 1\ndataflow = 'output-stationary'\nbuffer_rows = 50",
            ["[4]", "[6, 5]", "[4, 5]"],
        ),
        with("", ["[4, 6]", "[5, 6]", "[4, 5]"]),
        with("", ["[4, 6]", "[6, 5]", "[5, 4]"]),
        with("pattern = '1:32'\n[array]\nrows = 256\ncolumns = 1\nbuffer_rows = 300\n[formats]\na = 's16'\naccumulator = 's32'", sound),
        with("pattern = '1:2'\n[array]\ncolumns = 1", ["[4, 8192]", "[8192, 2304]", "[4, 2304]"]),
        with("[formats]\na = 'u8'\nb = 'u1'\naccumulator = 'u16'", sound),
        refusal("x = { random = 'gaussian', shape = [4, 6] }"),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn what_saturates_on_either_side_is_warned_of() {
    let formats = "[formats]\na = 'q2.6'\nb = 'q6.2'\naccumulator = 'q24.8'";
    let text = toml::to_string(&config("rows = 4\ncolumns = 3", "2:4", [9, 14, 11], formats)).unwrap();
    let outcome = run(text.replace("\"full-range\"", "\"gaussian\"\nscale = 4.0").parse().unwrap(), EngineKind::Compiled);
    let saturated = outcome.numerics.quantization.iter().filter(|entry| entry.saturated > 0).count();
    assert!(outcome.warnings.len() >= 2 && saturated >= outcome.warnings.len(), "{:?}", outcome.warnings);
    for subject in ["x", "dy"] {
        let warning = outcome.warnings.iter().find(|warning| warning.subject() == subject);
        let warning = warning.unwrap_or_else(|| panic!("{subject} is not in {:?}", outcome.warnings));
        assert_eq!(warning.remedy().unwrap().key(), "formats.a");
    }
}
