//! The kernel `sparsify` from text to report: shipped configurations and random ones against the golden model and the cycle model, and
//! what is refused.

#[macro_use]
mod engines;
mod files;
mod runs;

use ndarray::ArrayD;
use proptest::prelude::*;
use runs::{assert_exact_and_as_modelled, run, run_configured};
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::RunError;
use systole_kernels::registry::configure;
use systole_kernels::report::Outcome;
use systole_sim::EngineKind;

on_each_engine! {
    the_real_projection_is_pruned_exactly_at_full_rate,
    any_matrix_is_pruned_exactly_in_the_modelled_cycles,
    no_stall_pattern_changes_a_value,
    a_group_with_too_many_nonzeros_ends_an_exact_run_with_its_place_and_a_remedy,
    a_matrix_that_keeps_to_the_pattern_passes_an_exact_run_whole,
}

/// A whole configuration with random weights over their full range.
fn config(method: &str, pattern: &str, format: &str, [inputs, outputs]: [usize; 2], rest: &str) -> toml::Table {
    format!(
        "kernel = 'sparsify'\nmethod = '{method}'\npattern = '{pattern}'\nformat = '{format}'\n\
         weights = {{ random = 'full-range', shape = [{inputs}, {outputs}] }}\n{rest}"
    )
    .parse()
    .unwrap()
}

/// The cells of the only row of the only table, from the third on: cycles a group, and the kept shares of the L1 norm.
fn measures(outcome: &Outcome) -> [&str; 3] {
    let [row] = outcome.tables[0].rows() else { panic!("one row") };
    [&row[2], &row[3], &row[4]]
}

fn the_real_projection_is_pruned_exactly_at_full_rate(engine: EngineKind) {
    for (name, cycles, measured) in [
        ("sparsify.toml", 384 * 384 / 4 + 1, ["4.000", "74.71 %", "74.70 %"]),
        ("sparsify-parallel.toml", 384 * 384 / 16 + 2, ["1.000", "48.79 %", "48.79 %"]),
        ("transposable.toml", 384 * 384 / 16 + 4, ["1.000", "70.26 %", "70.25 %"]),
    ] {
        let outcome = run(files::config(name), engine);
        assert_exact_and_as_modelled(&outcome);
        assert_eq!((outcome.cycles.total, measures(&outcome)), (cycles, measured), "{name}");
    }
}

/// Configurations of every method, of sizes that groups and lanes rarely divide.
fn configs() -> impl Strategy<Value = toml::Table> {
    let sparsifiers = (prop::sample::select(vec!["streaming", "parallel"]), prop::sample::select(vec![2usize, 4, 8, 16, 32]), 1u32..=5)
        .prop_flat_map(|(method, m, lanes)| (1..=m, Just((method, m, lanes))))
        .prop_map(|(n, (method, m, lanes))| (method, format!("{n}:{m}"), lanes));
    let methods = prop_oneof![3 => sparsifiers, 1 => Just(("transposable", "2:4".to_string(), 4))];
    let formats = prop::sample::select(vec!["s8", "u8", "s3", "q4.4", "uq2.6", "s24", "u24"]);
    (methods, formats, prop::array::uniform2(1usize..40), 0i64..1000).prop_map(|((method, pattern, lanes), format, shape, seed)| {
        config(method, &pattern, format, shape, &format!("lanes = {lanes}\nseed = {seed}"))
    })
}

fn cases(engine: EngineKind) -> ProptestConfig {
    ProptestConfig::with_cases(if engine == EngineKind::Reference { 24 } else { 64 })
}

fn any_matrix_is_pruned_exactly_in_the_modelled_cycles(engine: EngineKind) {
    proptest!(cases(engine), |(table in configs())| {
        let outcome = run(table, engine);
        let numerics = &outcome.numerics;
        prop_assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
        // Random integers and fixed-point numbers over the full range are quantized to themselves: only their pruning could go wrong.
        prop_assert_eq!(numerics.max_abs_error.value(), Some(&0.0));
    });
}

fn no_stall_pattern_changes_a_value(engine: EngineKind) {
    proptest!(cases(engine), |(mut table in configs(), weights in 0.1f64..1.0, pairs in 0.1f64..1.0)| {
        let stalls = format!("weights = {{ random = {{ probability = {weights} }} }}\npairs = {{ random = {{ probability = {pairs} }} }}");
        table.insert("stalls".into(), toml::Value::Table(stalls.parse().unwrap()));
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
        prop_assert!(outcome.cycles.model.value().is_none());
    });
}

/// How an exact run of some weights ends.
fn exact_run(method: &str, weights: &ndarray::Array2<f64>, engine: EngineKind) -> Result<Outcome, RunError> {
    let source = "weights = { file = 'weights.npy' }";
    let text = format!("kernel = 'sparsify'\nmethod = '{method}'\npattern = '2:4'\nlanes = 2\nexact = true\n{source}");
    let (_, configured) = configure(text.parse().unwrap()).unwrap();
    let tensor = systole_kernels::common::tensor::Tensor { values: weights.clone().into_dyn(), integer: true };
    run_configured(&*configured, vec![tensor], engine)
}

fn a_group_with_too_many_nonzeros_ends_an_exact_run_with_its_place_and_a_remedy(engine: EngineKind) {
    let mut weights = ndarray::Array2::zeros((20, 5));
    for place in [[12, 3], [13, 3], [15, 3], [16, 3], [17, 3], [18, 3], [0, 4], [1, 4], [2, 4]] {
        weights[place] = 1.0;
    }
    for method in ["streaming", "parallel"] {
        match exact_run(method, &weights, engine) {
            Err(RunError::Refused { reason, remedy }) => {
                assert_eq!(reason, "output 3, group 3: the weight at position 3 is nonzero number 3 of 2:4", "{method}");
                assert!(remedy.contains("prune the tensor to 2:4") && remedy.contains("larger N"), "{remedy}");
            }
            other => panic!("{method}: a refusal was expected, not {other:?}"),
        }
    }
}

fn a_matrix_that_keeps_to_the_pattern_passes_an_exact_run_whole(engine: EngineKind) {
    let weights = ndarray::Array2::from_shape_fn((18, 5), |(input, output)| if input % 4 < 2 { (input + output) as f64 } else { 0.0 });
    for method in ["streaming", "parallel"] {
        let outcome = exact_run(method, &weights, engine).unwrap();
        assert_exact_and_as_modelled(&outcome);
        assert_eq!(measures(&outcome)[1], "100.00 %", "{method}");
    }
}

#[test]
fn wrong_keys_and_values_are_refused_with_a_remedy() {
    let refusal = |text: &str| {
        let weights = if text.contains("weights") { "" } else { "weights = { random = 'gaussian', shape = [8, 8] }" };
        let text = format!("kernel = 'sparsify'\n{weights}\n{text}");
        let error = match configure(text.parse().unwrap()) {
            Ok((_, configured)) => configured.prepare(Vec::new()).err().expect("the configuration is refused"),
            Err(error) => error,
        };
        error.to_string()
    };
    let messages = [
        refusal("patern = '2:4'"),
        refusal("pattern = '2:6'"),
        refusal("pattern = '5:4'"),
        refusal("pattern = '2-4'"),
        refusal("method = 'serial'"),
        refusal("lanes = 0"),
        refusal("lanes = 65"),
        refusal("format = 'bits8'"),
        refusal("format = 's25'"),
        refusal("format = 'int8'"),
        refusal("method = 'transposable'\npattern = '2:8'"),
        refusal("method = 'transposable'\nlanes = 8"),
        refusal("method = 'transposable'\nexact = true"),
        refusal("weights = { random = 'gaussian' }"),
        refusal("weights = { random = 'gaussian', shape = [4, 4, 4] }"),
        refusal("weights = { random = 'gaussian', shape = [4, 4], scale = 1e200 }"),
        refusal("[stalls]\nweights = { random = { probability = 2.0 } }"),
        refusal("[stalls]\nmasks = 'always'"),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn a_configuration_reads_back_as_it_was_written_with_its_defaults() {
    let (_, configured) = configure(config("parallel", "1:8", "q2.6", [4, 4], "")).unwrap();
    let mut written = toml::Table::try_from(configured.config()).unwrap();
    written.insert("kernel".into(), "sparsify".into());
    let (_, again) = configure(written).unwrap();
    assert_eq!(again.config(), configured.config());
}

#[test]
fn weights_that_saturate_are_warned_of_and_integers_get_a_format_that_holds_them() {
    let gaussian = |format: &str| {
        let text = toml::to_string(&config("parallel", "1:8", format, [16, 8], "")).unwrap();
        run(text.replace("full-range", "gaussian").parse().unwrap(), EngineKind::Compiled)
    };
    let outcome = gaussian("q1.7");
    let [warning] = &outcome.warnings[..] else { panic!("{:?}", outcome.warnings) };
    assert_eq!((warning.subject(), warning.count()), ("weights", outcome.numerics.quantization[0].saturated));
    let format = warning.remedy().unwrap().value().trim_matches('"').to_string();
    assert!(gaussian(&format).warnings.is_empty(), "{format}");

    let text = "kernel = 'sparsify'\nweights = { file = 'w.npy' }";
    let (_, configured) = configure(text.parse().unwrap()).unwrap();
    let weights = Tensor { values: ArrayD::from_shape_fn(vec![8, 8], |at| (at[0] * 8 + at[1]) as f64 * 4.0), integer: true };
    let outcome = run_configured(&*configured, vec![weights], EngineKind::Compiled).unwrap();
    assert_eq!(outcome.chosen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["format = \"u8\""]);
    assert!(outcome.numerics.bit_exact && outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}
