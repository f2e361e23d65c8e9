//! The attention hardware against the golden model and the cycle model, on the shipped configurations and on random ones.

#[macro_use]
mod engines;
mod files;
mod runs;

use ndarray::{ArrayD, Axis};
use proptest::prelude::*;
use runs::{assert_exact_and_as_modelled, run, run_configured};
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::RunError;
use systole_kernels::registry::configure;
use systole_sim::EngineKind;

on_each_engine! {
    heads_of_minilm_are_exact_and_close_to_floating_point,
    every_variant_is_exact_in_the_modelled_cycles_at_every_length,
    a_long_fifo_that_is_too_short_is_an_explained_deadlock,
    the_edges_of_the_numbers_are_exact,
    naive_weights_that_vanish_give_zeros_with_a_warning,
    a_stalling_sink_makes_one_part_of_short_heads,
    any_layout_is_exact_and_takes_the_modelled_cycles,
    no_stall_pattern_changes_a_value,
    padded_real_heads_give_the_unpadded_results,
    any_masks_and_lengths_are_exact_in_the_modelled_cycles_and_under_stalls,
}

/// A configuration with one or more heads of random tensors.
fn config(settings: &str, heads: usize, [rows, keys, dimension]: [usize; 3], rest: &str) -> toml::Table {
    format!("kernel = 'attention'\n{settings}\n{}{rest}", head_of([rows, keys, dimension]).repeat(heads)).parse().unwrap()
}

/// A head of random tensors.
fn head_of([rows, keys, dimension]: [usize; 3]) -> String {
    format!(
        "[[heads]]\nq = {{ random = 'gaussian', shape = [{rows}, {dimension}] }}\nk = {{ random = 'gaussian', shape = [{keys}, {dimension}] }}\n\
         v = {{ random = 'gaussian', shape = [{keys}, {dimension}] }}\n"
    )
}

/// One of the shipped configurations with fewer queries: the first head only.
fn heads_of_minilm_are_exact_and_close_to_floating_point(engine: EngineKind) {
    for name in ["attention.toml", "attention-causal.toml", "attention-window.toml"] {
        let mut table = files::config(name);
        table["heads"].as_array_mut().unwrap().truncate(1);
        let outcome = run(table, engine);
        assert_exact_and_as_modelled(&outcome);
        let numerics = &outcome.numerics;
        let share = numerics.max_abs_error.value().unwrap() / numerics.reference_max_abs.value().unwrap();
        assert!(share < 5e-3, "{name}: {share}");
    }
}

fn every_variant_is_exact_in_the_modelled_cycles_at_every_length(engine: EngineKind) {
    let lengths: &[usize] = if engine == EngineKind::Reference { &[1, 8, 64] } else { &[1, 8, 64, 256] };
    for variant in ["naive", "stable", "deferred", "memory-free"] {
        for &keys in lengths {
            let latency = "[latency]\nscore = 1\nexp = 1\ndivide = 1\n";
            let settings = format!("variant = '{variant}'\n{latency}[formats]\nweight = 'uq4.12'\nsum_fraction = 16\n");
            assert_exact_and_as_modelled(&run(config(&settings, 1, [3, keys, 4], ""), engine));
        }
    }
}

fn a_long_fifo_that_is_too_short_is_an_explained_deadlock(engine: EngineKind) {
    let short = |long: usize| {
        let (_, configured) = configure(config(&format!("variant = 'deferred'\nfifos = {{ long = {long} }}"), 1, [2, 16, 3], "")).unwrap();
        run_configured(&*configured, Vec::new(), engine)
    };
    assert!(short(16).unwrap().numerics.bit_exact);
    let Err(RunError::Deadlock { stopped, reason, remedy }) = short(15) else { panic!("no deadlock") };
    assert!(stopped.to_string().contains("scores_fork_0_fifo"), "{stopped}");
    assert!(reason.ends_with("\n`scores-fork.0` has depth 15, and needs 16"), "{reason}");
    assert_eq!(remedy, "`fifos.long` of 18 gives full rate");
}

/// One query against keys that bring these scores, in powers of two, and values of these sizes.
fn the_edges_of_the_numbers_are_exact(engine: EngineKind) {
    let dominating = [&[-120.0; 7][..], &[120.0]].concat();
    let cases: [(&str, Vec<f64>); 8] = [
        ("equal scores", vec![3.0; 9]),
        ("one key", vec![-7.25]),
        ("a dominating score that comes last", dominating.clone()),
        ("a dominating score that comes first", dominating.into_iter().rev().collect()),
        ("a maximum that rises with each key", (0..20).map(|i| f64::from(i) / 8.0).collect()),
        ("scores at the least of their format", vec![-128.0; 5]),
        ("scores at both ends of their format", vec![-128.0, 127.9, -128.0, 127.9]),
        ("scores beyond their format", vec![-200.0, 200.0, 0.0]),
    ];
    for variant in ["naive", "stable", "deferred", "memory-free"] {
        for mask in ["'none'", "'causal'"] {
            for (what, scores) in &cases {
                let keys = scores.len();
                let formats = "[formats]\nquery = 'q2.12'\nkey = 'q9.8'\nscore = 'q8.12'\nweight = 'uq4.12'\nsum_fraction = 16";
                let head = "[[heads]]\nq = { file = 'q.npy' }\nk = { file = 'k.npy' }\nv = { file = 'v.npy' }";
                let text = format!("kernel = 'attention'\nvariant = '{variant}'\nmask = {mask}\n{formats}\n{head}");
                let (_, configured) = configure(text.parse().unwrap()).unwrap();
                let column =
                    |numbers: Vec<f64>| Tensor { values: ArrayD::from_shape_vec(vec![numbers.len(), 1], numbers).unwrap(), integer: false };
                // Scaled by the base-2 logarithm of e, the queries are 1.
                let queries = column(vec![std::f64::consts::LN_2; keys]);
                let values = column((0..keys).map(|i| (i as f64 * 1.7).sin() * 7.9).collect());
                let outcome = run_configured(&*configured, vec![queries, column(scores.clone()), values], engine).unwrap();
                assert!(outcome.numerics.bit_exact, "{variant} {mask} {what}: {:?}", outcome.numerics.first_mismatch);
            }
        }
    }
}

/// A row whose naive weights all round to zero has the result 0, which the report counts.
fn naive_weights_that_vanish_give_zeros_with_a_warning(engine: EngineKind) {
    for dimension in ["parallel", "series"] {
        let head = "[[heads]]\nq = { file = 'q.npy' }\nk = { file = 'k.npy' }\nv = { file = 'v.npy' }";
        let formats = "[formats]\nquery = 'q8.12'\nscore = 'q12.12'\nweight = 'uq1.15'";
        let text = format!("kernel = 'attention'\nvariant = 'naive'\nhead_dimension = '{dimension}'\n{formats}\n{head}");
        let (_, configured) = configure(text.parse().unwrap()).unwrap();
        let column =
            |numbers: &[f64]| Tensor { values: ArrayD::from_shape_vec(vec![numbers.len(), 1], numbers.to_vec()).unwrap(), integer: false };
        // Two queries, of which the second has a score of 0.
        let outcome = run_configured(&*configured, vec![column(&[-40.0, 0.0]), column(&[1.0]), column(&[1.0])], engine).unwrap();
        assert_exact_and_as_modelled(&outcome);
        let zeros: Vec<String> = outcome.warnings.iter().map(ToString::to_string).filter(|line| line.contains("heads[0].weight")).collect();
        let expected =
            "heads[0].weight: 1 of 2 rows have weights that all round to zero in uq1.15, and their results are 0; set variant = \"stable\"";
        assert_eq!(zeros, [expected]);
    }
}

/// With a sink that lets words wait, the time between the last words of two heads says nothing of the work of one.
fn a_stalling_sink_makes_one_part_of_short_heads(engine: EngineKind) {
    let stalls = "[stalls]\noutput = { bursts = { on = 8, off = 30 } }";
    let outcome = run(config("division = 'parallel'", 4, [1, 16, 8], stalls), engine);
    assert!(outcome.numerics.bit_exact);
    assert_eq!(outcome.parts.len(), 1);
    assert_eq!(outcome.parts[0].cycles.total, outcome.cycles.total);
}

fn settings() -> impl Strategy<Value = (String, bool)> {
    let variants = prop::sample::select(vec!["naive", "stable", "deferred", "memory-free"]);
    let parallel = prop::sample::select(vec!["parallel", "series"]);
    (variants, parallel, any::<bool>(), 1u32..4, 0u32..3, (0u32..3, 1u32..6), any::<bool>(), (1u32..5, 1u32..6, 1u32..20), (0u32..7, 0u32..4)).prop_map(
        |(variant, dimension, divisions, lanes, mask, (sinks, window), registered, (score, exp, divide), (table_bits, degree))| {
            let windowed = mask == 2;
            let mask = ["'none'".into(), "'causal'".into(), format!("{{ sinks = {sinks}, window = {window} }}")][mask as usize].clone();
            let lanes = if windowed { 1 } else { lanes };
            let can_divide_at_once = dimension == "parallel" && !matches!(variant, "naive" | "stable");
            let division = if can_divide_at_once && divisions { "parallel" } else { "series" };
            let settings = format!(
                "variant = '{variant}'\nhead_dimension = '{dimension}'\ndivision = '{division}'\nrows_in_parallel = {lanes}\nmask = {mask}\n\
                 fifos = {{ registered_full = {registered} }}\nlatency = {{ score = {score}, exp = {exp}, divide = {divide} }}\n\
                 exp = {{ table_bits = {table_bits}, degree = {degree} }}"
            );
            (settings, windowed)
        },
    )
}

fn cases(engine: EngineKind) -> ProptestConfig {
    ProptestConfig::with_cases(if engine == EngineKind::Reference { 24 } else { 48 })
}

fn any_layout_is_exact_and_takes_the_modelled_cycles(engine: EngineKind) {
    proptest!(cases(engine), |((settings, windowed) in settings(), rows in 1usize..9, more in 0usize..9, dimension in 1usize..5, heads in 1usize..3, seed in 0i64..1000)| {
        let keys = if windowed { rows } else { rows + more };
        let mut table = config(&settings, heads, [rows, keys, dimension], "");
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        let numerics = &outcome.numerics;
        prop_assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
    });
}

fn no_stall_pattern_changes_a_value(engine: EngineKind) {
    proptest!(cases(engine), |((settings, windowed) in settings(), rows in 1usize..6, dimension in 1usize..4, heads in 1usize..4, seed in 0i64..1000, probabilities in prop::array::uniform4(0.2f64..1.0))| {
        let names = ["q", "k", "v", "output"];
        let patterns: Vec<String> = names.iter().zip(probabilities).map(|(stream, p)| format!("{stream} = {{ random = {{ probability = {p} }} }}")).collect();
        let keys = if windowed { rows } else { rows + 3 };
        let mut table = config(&settings, heads, [rows, keys, dimension], &format!("[stalls]\n{}", patterns.join("\n")));
        table.insert("seed".into(), seed.into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
        prop_assert!(outcome.cycles.model.value().is_none());
    });
}

/// The results of a run, head by head.
fn results(outcome: &systole_kernels::report::Outcome) -> Vec<ArrayD<i64>> {
    outcome.outputs.iter().map(|output| output.raw().clone()).collect()
}

/// Real keys with others behind them that a mask or a length says do not count: the same bits come out.
fn padded_real_heads_give_the_unpadded_results(engine: EngineKind) {
    let file = std::path::Path::new("../data/minilm/attention_s128.safetensors");
    let real = |part: &str| files::tensor(file, &format!("layer3.head8.{part}"));
    let few = |tensor: Tensor| Tensor { values: tensor.values.slice_axis(Axis(0), (..3).into()).to_owned(), ..tensor };
    for variant in ["naive", "stable", "deferred", "memory-free"] {
        let weight = if variant == "naive" { "weight = 'uq8.12'" } else { "" };
        let run = |rest: &str, padding: usize, mask: Option<Tensor>| {
            let text = format!(
                "kernel = 'attention'\nvariant = '{variant}'\n[formats]\nscore = 'q9.12'\n{weight}\n\
                 [[heads]]\nq = {{ file = 'q' }}\nk = {{ file = 'k' }}\nv = {{ file = 'v' }}\n{rest}"
            );
            let (_, configured) = configure(text.parse().unwrap()).unwrap();
            let mut tensors = vec![few(real("q")), padded(real("k"), padding), padded(real("v"), padding)];
            tensors.extend(mask);
            run_configured(&*configured, tensors, engine).unwrap()
        };
        let unpadded = run("", 0, None);
        for padding in [1, 64] {
            let mask = ArrayD::from_shape_fn(vec![128 + padding], |at| f64::from(u8::from(at[0] < 128)));
            let masked = run("mask = { file = 'mask' }", padding, Some(Tensor { values: mask, integer: true }));
            assert_exact_and_as_modelled(&masked);
            assert_eq!(results(&masked), results(&unpadded), "{variant}, {padding} masked keys");
            let shortened = run("length = 128", padding, None);
            assert_eq!(results(&shortened), results(&unpadded), "{variant}, {padding} keys of padding");
            assert_eq!(shortened.cycles.total, unpadded.cycles.total, "what is padding for all heads is not streamed");
        }
    }
}

/// A tensor with rows of large numbers behind it.
fn padded(tensor: Tensor, rows: usize) -> Tensor {
    let garbage = ArrayD::from_shape_fn(vec![rows, tensor.values.shape()[1]], |at| ((at[0] * 31 + at[1] * 7) as f64).sin() * 50.0);
    Tensor { values: ndarray::concatenate(Axis(0), &[tensor.values.view(), garbage.view()]).unwrap(), ..tensor }
}

/// Heads of several sizes, lengths and masks, under every mask of the run.
fn any_masks_and_lengths_are_exact_in_the_modelled_cycles_and_under_stalls(engine: EngineKind) {
    let heads = prop::collection::vec((1usize..6, 0usize..6, 1usize..12, prop::option::of(any::<u16>())), 1..4);
    proptest!(cases(engine), |((settings, windowed) in settings(), heads in heads, dimension in 1usize..4, stalled in any::<bool>(), seed in 0i64..1000)| {
        let head = |&(rows, more, length, mask): &(usize, usize, usize, Option<u16>)| {
            let keys = if windowed { rows } else { rows + more };
            let mask = mask.map_or(String::new(), |bits| format!("mask = {:?}\n", (0..keys).map(|key| bits >> key & 1 == 1).collect::<Vec<_>>()));
            format!("{}length = {}\n{mask}", head_of([rows, keys, dimension]), length.min(keys))
        };
        let stalls = if stalled { "[stalls]\nmask = { random = { probability = 0.6 } }\nk = { random = { probability = 0.7 } }" } else { "" };
        let text = format!("kernel = 'attention'\nseed = {seed}\n{settings}\n{}{stalls}", heads.iter().map(head).collect::<String>());
        let outcome = run(text.parse().unwrap(), engine);
        let numerics = &outcome.numerics;
        prop_assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
        if let Some(model) = outcome.cycles.model.value() {
            prop_assert_eq!(outcome.cycles.total, *model);
        }
        prop_assert!(stalled || outcome.cycles.model.value().is_some());
    });
}
