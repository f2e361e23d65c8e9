//! The sparse GEMM hardware against the golden model and the cycle model, on the shipped configurations and on random ones.

#[macro_use]
mod engines;
mod files;
mod runs;

use ndarray::Array2;
use proptest::prelude::*;
use runs::{assert_exact_and_as_modelled, run, run_configured};
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::RunError;
use systole_kernels::registry::configure;
use systole_kernels::sparse::pattern::Pattern;
use systole_sim::EngineKind;

on_each_engine! {
    the_planned_cycles_are_those_of_the_hardware,
    the_digits_networks_are_exact_and_as_accurate_as_in_floating_point,
    every_pattern_there_is_runs_exactly_on_its_own_groups_under_both_dataflows,
    a_chain_may_end_in_several_patterns,
    a_product_does_not_wait_for_the_drain_of_the_one_before,
    a_sparsifier_without_weights_is_an_explained_deadlock,
    every_pattern_on_its_own_groups_is_exact_and_takes_the_modelled_cycles,
    every_pattern_that_groups_serve_is_exact_and_takes_the_modelled_cycles,
    no_stall_pattern_changes_a_value,
    the_chosen_dataflow_is_the_fastest_in_simulation,
    a_sparsifier_in_front_prunes_exactly_and_takes_the_modelled_cycles,
    no_stall_pattern_changes_what_a_sparsifier_in_front_keeps,
    a_third_nonzero_in_a_group_of_two_to_four_is_refused_by_the_hardware,
}

/// A configuration of one layer with random operands over their full ranges.
fn config(array: &str, group: &str, formats: &str, [m, k, n]: [usize; 3], rest: &str) -> toml::Table {
    format!(
        "kernel = 'sparse-gemm'\n[array]\n{array}\n[sparsity]\ngroup = '{group}'\n[formats]\n{formats}\n[[layers]]\n\
         a = {{ random = 'full-range', shape = [{m}, {k}] }}\nb = {{ random = 'full-range', shape = [{k}, {n}] }}\n{rest}"
    )
    .parse()
    .unwrap()
}

/// K = 256, 64 rows, 16 × 16: of dense weights 1760 cycles in the array, of sparse ones exactly N/M of that.
fn the_planned_cycles_are_those_of_the_hardware(engine: EngineKind) {
    let array = "overlap_load = false\nbuffer_rows = 64";
    let cycles = |group: &str, pattern: &str| {
        let outcome = run(config(array, group, "", [64, 256, 16], &format!("patterns = ['{pattern}']")), engine);
        assert_exact_and_as_modelled(&outcome);
        // The first tile is buffered in 64 cycles, of which 16 are those of the load; an output takes 10 from the array to its stream.
        outcome.cycles.total - (64 - 16) - 10
    };
    for (pattern, planned) in [("2:4", 880), ("1:4", 440), ("2:8", 440), ("1:8", 220), ("1:16", 110)] {
        assert_eq!((cycles(pattern, "dense"), cycles(pattern, pattern)), (1760, planned), "{pattern}");
    }
}

/// What the report says of the pattern 2:4 of 256 × 16 weights, recomputed from its definition.
#[test]
fn the_table_states_the_speed_up_the_storage_and_the_share_of_the_norm() {
    let outcome = run(files::config("sparse-gemm.toml"), EngineKind::Compiled);
    let table = &outcome.tables[1];
    assert_eq!(table.columns()[2..8], ["cycles", "in the array", "dense : these", "weight bytes", "of dense", "kept L1"]);
    let [dense, sparse] = table.rows() else { panic!("two patterns: {table:?}") };
    assert_eq!(dense[2..8], ["1 818", "1 760", "1.00 of 1", "4 096", "1.0000", "100.00 %"]);
    // 128 slots in 16 columns, 10 bits each.
    assert_eq!(sparse[2..7], ["938", "880", "2.00 of 2", "2 560", "0.6250"]);
    let kept: f64 = sparse[7].trim_end_matches(" %").parse().unwrap();
    assert!((kept - 74.4).abs() < 0.3, "{kept}");
    let error = |row: &[String]| row[8].parse::<f64>().unwrap();
    assert!(error(dense) < 0.02 && (0.3..0.45).contains(&error(sparse)), "{dense:?} {sparse:?}");
}

fn the_digits_networks_are_exact_and_as_accurate_as_in_floating_point(engine: EngineKind) {
    for dataflow in ["weight-stationary", "output-stationary"] {
        let mut table = files::config("sparse-digits.toml");
        table["array"].as_table_mut().unwrap().insert("dataflow".into(), dataflow.into());
        let outcome = run(table, engine);
        assert_exact_and_as_modelled(&outcome);
        let tasks: Vec<_> = outcome.parts.iter().filter_map(|part| part.numerics.task.value()).collect();
        let [sparse, dense] = tasks[..] else { panic!("each network is judged once: {tasks:?}") };
        assert_eq!((sparse.reference, sparse.samples), (351.0 / 360.0, 360), "97.5 % in floating point");
        assert_eq!(dense.reference, 353.0 / 360.0, "98.06 % in floating point");
        for task in [sparse, dense] {
            assert!((task.value - task.reference).abs() <= 0.005, "{task:?}");
        }
    }
}

fn arrays() -> impl Strategy<Value = String> {
    let dataflows = prop::sample::select(vec!["weight-stationary", "output-stationary"]);
    let sizes = prop::sample::select(vec![(8u32, 4u32), (5, 7), (1, 1), (3, 2), (2, 6), (16, 3), (40, 2)]);
    (dataflows, sizes, any::<bool>(), 0u32..20).prop_map(|(dataflow, (rows, columns), overlap, extra)| {
        let depth = (rows + columns + 16).max(32) + extra;
        format!("rows = {rows}\ncolumns = {columns}\ndataflow = '{dataflow}'\noverlap_load = {overlap}\nbuffer_rows = {depth}")
    })
}

fn formats() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "a = 's4'\nb = 's4'\naccumulator = 's16'\noutput = 's4'",
        "a = 's16'\nb = 's16'\naccumulator = 's40'\noutput = 's16'",
        "a = 's4'\nb = 's16'\naccumulator = 's32'\noutput = 'accumulator'",
        "a = 'u8'\nb = 'u4'\naccumulator = 'u24'\noutput = 'u8'",
        "a = 'u8'\nb = 's8'\noutput = 'u8'",
        "a = 's4'\nb = 'u5'\naccumulator = 's24'\noutput = 'accumulator'",
        "a = 'uq4.4'\nb = 'q2.6'\naccumulator = 'q22.10'\noutput = 'uq4.4'",
        "a = 'q4.4'\nb = 'q2.6'\naccumulator = 'q22.10'\noutput = 'q8.4'",
    ])
}

/// N and M of every pattern, every M with the same probability.
fn patterns() -> impl Strategy<Value = (usize, usize)> {
    prop::sample::select(vec![2usize, 4, 8, 16, 32]).prop_flat_map(|m| (1..=m, Just(m)))
}

/// Shapes of which K is also long enough for several tiles of wide groups.
fn shapes() -> impl Strategy<Value = [usize; 3]> {
    (1usize..40, prop_oneof![1usize..60, 60usize..300], 1usize..30).prop_map(|(m, k, n)| [m, k, n])
}

fn every_pattern_there_is_runs_exactly_on_its_own_groups_under_both_dataflows(engine: EngineKind) {
    for pattern in Pattern::all() {
        for dataflow in ["weight-stationary", "output-stationary"] {
            let array = format!("rows = 4\ncolumns = 3\nbuffer_rows = 32\ndataflow = '{dataflow}'");
            let outcome = run(config(&array, &pattern.to_string(), "", [5, 77, 4], ""), engine);
            assert_exact_and_as_modelled(&outcome);
        }
    }
}

fn a_chain_may_end_in_several_patterns(engine: EngineKind) {
    let last = "[[layers]]\nb = { random = 'full-range', shape = [12, 6] }\npatterns = ['dense', '2:4', '1:2']";
    let outcome = run(config("rows = 4\ncolumns = 4", "2:4", "", [8, 16, 12], last), engine);
    assert_exact_and_as_modelled(&outcome);
    assert_eq!(outcome.parts.len(), 4);
}

fn a_product_does_not_wait_for_the_drain_of_the_one_before(engine: EngineKind) {
    let array = "rows = 64\ncolumns = 1\ndataflow = 'output-stationary'\noverlap_load = false\nbuffer_rows = 81";
    for m in [1, 8, 63, 64, 70] {
        let outcome = run(config(array, "2:4", "", [m, 4, 3], "patterns = ['dense', '2:4', '1:2']"), engine);
        assert_exact_and_as_modelled(&outcome);
    }
}

fn a_sparsifier_without_weights_is_an_explained_deadlock(engine: EngineKind) {
    for stall in ["'never'", "{ random = { probability = 0.0 } }"] {
        let group = "2:4'\nweights = 'streaming";
        let table = config("rows = 4\ncolumns = 3", group, "", [4, 8, 4], &format!("[stalls]\nb = {stall}"));
        let (_, configured) = configure(table).unwrap();
        match run_configured(&*configured, Vec::new(), engine) {
            Err(RunError::Deadlock { reason, .. }) => assert_eq!(reason, "stream `b` never moves: its `stalls.b` says so"),
            other => panic!("a deadlock was expected, not {other:?}"),
        }
    }
}

fn every_pattern_on_its_own_groups_is_exact_and_takes_the_modelled_cycles(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(64), |(array in arrays(), (n, m) in patterns(), formats in formats(), shape in shapes(), seed in 0i64..1000, dense in any::<bool>())| {
        let patterns = if dense { "patterns = ['dense']" } else { "" };
        let mut table = config(&array, &format!("{n}:{m}"), formats, shape, patterns);
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        let numerics = &outcome.numerics;
        prop_assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
    });
}

fn every_pattern_that_groups_serve_is_exact_and_takes_the_modelled_cycles(engine: EngineKind) {
    let served = [
        ("1:32", vec!["2:4", "3:4", "7:8", "1:2", "5:16", "32:32", "1:32"]),
        ("2:8", vec!["1:2", "1:4", "2:4", "4:8", "6:8"]),
        ("4:16", vec!["1:4", "2:4", "2:8", "4:8", "8:16"]),
        ("3:16", vec!["1:4", "3:4", "3:8", "6:8", "1:2"]),
    ];
    proptest!(ProptestConfig::with_cases(24), |(array in arrays(), which in 0usize..4, shape in shapes(), seed in 0i64..1000)| {
        let (group, patterns) = &served[which];
        let mut table = config(&array, group, "", shape, &format!("patterns = {patterns:?}"));
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
    });
}

fn no_stall_pattern_changes_a_value(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(48), |(array in arrays(), (n, m) in patterns(), shape in shapes(), seed in 0i64..1000, probabilities in prop::array::uniform4(0.1f64..1.0))| {
        let stalls = ["a", "b", "bias", "c"].iter().zip(probabilities).map(|(stream, p)| format!("{stream} = {{ random = {{ probability = {p} }} }}\n"));
        let mut table = config(&array, &format!("{n}:{m}"), "", shape, &format!("[stalls]\n{}", stalls.collect::<String>()));
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
        prop_assert!(outcome.cycles.model.value().is_none());
    });
}

fn the_chosen_dataflow_is_the_fastest_in_simulation(engine: EngineKind) {
    let sizes = prop::sample::select(vec![(8u32, 4u32), (5, 7), (2, 6), (16, 3), (40, 2)]);
    proptest!(ProptestConfig::with_cases(16), |((rows, columns) in sizes, overlap in any::<bool>(), (n, m) in patterns(), shape in shapes())| {
        let cycles = |dataflow: &str| {
            let array = format!("rows = {rows}\ncolumns = {columns}\ndataflow = '{dataflow}'\noverlap_load = {overlap}\nbuffer_rows = 64");
            run(config(&array, &format!("{n}:{m}"), "", shape, ""), engine).cycles.total
        };
        prop_assert_eq!(cycles("fastest"), cycles("weight-stationary").min(cycles("output-stationary")));
    });
}

/// An array with a sparsifier in front, and its groups: the rows of one that keeps weights are a multiple of N.
fn sparsifying_arrays() -> impl Strategy<Value = (String, String)> {
    let array = (patterns(), 1u32..6, 1u32..6, any::<bool>(), any::<bool>(), prop::sample::select(vec!["streaming", "parallel"]));
    array.prop_map(|((n, m), multiple, columns, output_stationary, overlap, weights)| {
        let rows = if output_stationary { multiple } else { n as u32 * multiple };
        let dataflow = if output_stationary { "output-stationary" } else { "weight-stationary" };
        let depth = (rows + columns + 16).max(32);
        let array = format!("rows = {rows}\ncolumns = {columns}\ndataflow = '{dataflow}'\noverlap_load = {overlap}\nbuffer_rows = {depth}");
        (array, format!("{n}:{m}'\nweights = '{weights}"))
    })
}

fn a_sparsifier_in_front_prunes_exactly_and_takes_the_modelled_cycles(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(64), |((array, group) in sparsifying_arrays(), formats in formats(), shape in shapes(), seed in 0i64..1000, dense in any::<bool>())| {
        let patterns = if dense { "patterns = ['dense']" } else { "" };
        let mut table = config(&array, &group, formats, shape, patterns);
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        let numerics = &outcome.numerics;
        prop_assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value(), "{:?}", outcome.cycles.formula);
    });
}

fn no_stall_pattern_changes_what_a_sparsifier_in_front_keeps(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(32), |((array, group) in sparsifying_arrays(), shape in shapes(), seed in 0i64..1000, probabilities in prop::array::uniform4(0.1f64..1.0))| {
        let stalls = ["a", "b", "bias", "c"].iter().zip(probabilities).map(|(stream, p)| format!("{stream} = {{ random = {{ probability = {p} }} }}\n"));
        let mut table = config(&array, &group, "", shape, &format!("[stalls]\n{}", stalls.collect::<String>()));
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
    });
}

fn a_third_nonzero_in_a_group_of_two_to_four_is_refused_by_the_hardware(engine: EngineKind) {
    for weights in ["streaming", "parallel"] {
        // Two tiles of rows, of columns and along K; the second layer is at fault, in its second tile of columns.
        let layer = "a = { random = 'gaussian', shape = [40, 24] }\nb = { file = '', tensor = '' }\npruning = 'none'\n";
        let text = format!(
            "kernel = 'sparse-gemm'\n[array]\nrows = 4\ncolumns = 3\nbuffer_rows = 32\n[sparsity]\nweights = '{weights}'\n\
             [[layers]]\n{layer}[[layers]]\nname = 'second'\n{layer}"
        );
        let sound = Array2::from_shape_fn((24, 5), |(k, n)| if k % 4 < 2 { (k + n) as f64 } else { 0.0 });
        let mut broken = sound.clone();
        broken[[19, 4]] = 1.0;
        let tensors = [sound, broken].map(|values| Tensor { values: values.into_dyn(), integer: true });
        let (_, configured) = configure(text.parse().unwrap()).unwrap();
        match run_configured(&*configured, tensors.into(), engine) {
            Err(RunError::Refused { reason, .. }) => assert_eq!(
                reason,
                "`layers[1].b`: the hardware refuses the weights of second: output 4, group 4: the element at position 3 is nonzero number 3 of 2:4"
            ),
            other => panic!("{weights}: a refusal was expected, not {other:?}"),
        }
    }
}
