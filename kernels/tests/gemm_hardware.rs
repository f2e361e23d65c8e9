//! The GEMM hardware against the golden model and the cycle model, on the shipped configurations and on random ones.

#[macro_use]
mod engines;
mod files;
mod runs;

use std::ops::ControlFlow;

use proptest::prelude::*;
use runs::{assert_exact_and_as_modelled, run, run_configured};
use systole_kernels::kernel::{RunContext, RunError};
use systole_kernels::registry::configure;
use systole_sim::{EngineKind, Options, Simulator};

on_each_engine! {
    the_digits_network_is_exact_and_as_accurate_as_in_floating_point_on_every_array,
    a_stream_that_never_moves_is_an_explained_deadlock,
    the_cycle_limit_and_the_host_can_stop_a_run,
    the_fixed_point_configuration_runs_exactly,
    stalls_on_every_stream_change_no_value,
    wide_outputs_are_half_a_unit_off_at_most_and_saturate_nothing,
    a_stated_scale_of_wide_outputs_is_kept,
    any_shape_on_any_array_is_exact_and_takes_the_modelled_cycles,
    no_stall_pattern_changes_a_value,
    the_chosen_dataflow_is_the_fastest_in_simulation,
}

/// A whole configuration of one layer with random operands over their full ranges.
fn config(array: &str, formats: &str, [m, k, n]: [usize; 3], rest: &str) -> toml::Table {
    format!(
        "kernel = 'gemm'\n[array]\n{array}\n[formats]\n{formats}\n[[layers]]\na = {{ random = 'full-range', shape = [{m}, {k}] }}\n\
         b = {{ random = 'full-range', shape = [{k}, {n}] }}\nbias = {{ random = 'gaussian', shape = [{n}], scale = 100.0 }}\n{rest}"
    )
    .parse()
    .unwrap()
}

fn the_digits_network_is_exact_and_as_accurate_as_in_floating_point_on_every_array(engine: EngineKind) {
    for dataflow in ["weight-stationary", "output-stationary", "input-stationary"] {
        let mut table = files::config("digits.toml");
        table["array"].as_table_mut().unwrap().insert("dataflow".into(), dataflow.into());
        let outcome = run(table, engine);
        assert_exact_and_as_modelled(&outcome);
        let task = outcome.numerics.task.value().unwrap();
        assert!((task.value - task.reference).abs() <= 0.005 && task.samples == 360, "{task:?}");
        assert_eq!(outcome.parts.iter().map(|part| part.cycles.total).sum::<u64>(), outcome.cycles.total);
    }
}

fn a_stream_that_never_moves_is_an_explained_deadlock(engine: EngineKind) {
    let mut table = files::config("gemm-stalls.toml");
    table["stalls"].as_table_mut().unwrap().insert("b".into(), "never".into());
    let (_, configured) = configure(table).unwrap();
    match run_configured(&*configured, Vec::new(), engine) {
        Err(RunError::Deadlock { stopped, reason, remedy }) => {
            let explanation = stopped.to_string();
            assert!(explanation.contains("`gemm.b` is not valid: its source is never active"), "{explanation}");
            assert_eq!(reason, "stream `b` never moves: its `stalls.b` says so");
            assert_eq!(remedy, "let `stalls.b` be active at times");
        }
        other => panic!("a deadlock was expected, not {other:?}"),
    }
}

fn the_cycle_limit_and_the_host_can_stop_a_run(engine: EngineKind) {
    let (_, configured) = configure(files::config("gemm-fixed.toml")).unwrap();
    let prepared = configured.prepare(Vec::new()).unwrap();
    let design = configured.design(&[]).unwrap();
    let stop = |cycle_limit, flow| {
        let mut simulator = Simulator::new(&design, Options { engine, ..Options::default() }).unwrap();
        prepared.run(&mut RunContext { simulator: &mut simulator, cycle_limit, progress: &mut |_| flow })
    };
    assert!(matches!(stop(50, ControlFlow::Continue(())), Err(RunError::CycleLimit { limit: 50 })));
    assert!(matches!(stop(10_000, ControlFlow::Break(())), Err(RunError::Interrupted { .. })));
}

fn the_fixed_point_configuration_runs_exactly(engine: EngineKind) {
    assert_exact_and_as_modelled(&run(files::config("gemm-fixed.toml"), engine));
}

fn stalls_on_every_stream_change_no_value(engine: EngineKind) {
    let outcome = run(files::config("gemm-stalls.toml"), engine);
    assert!(outcome.numerics.bit_exact);
    assert!(outcome.cycles.model.value().is_none());
    assert!(outcome.streams.iter().any(|stream| stream.path.ends_with('c') && stream.stalled > 0), "{:?}", outcome.streams);
}

/// A product of full-range operands, without bias, whose outputs are of this format.
fn wide(formats: &str, rest: &str) -> toml::Table {
    let array = "rows = 4\ncolumns = 4\nbuffer_rows = 32";
    let mut table = config(array, formats, [6, 20, 5], rest);
    table["layers"][0].as_table_mut().unwrap().remove("bias");
    table
}

fn wide_outputs_are_half_a_unit_off_at_most_and_saturate_nothing(engine: EngineKind) {
    for (operands, accumulator, output) in [
        ("s8", "s32", "s8"),
        ("s8", "s24", "s17"),
        ("s16", "s40", "s16"),
        ("s24", "s56", "s24"),
        ("s24", "s52", "s40"),
        ("u16", "u37", "u32"),
    ] {
        let outcome =
            run(wide(&format!("a = '{operands}'\nb = '{operands}'\naccumulator = '{accumulator}'\noutput = '{output}'"), ""), engine);
        assert_exact_and_as_modelled(&outcome);
        let c = outcome.numerics.quantization.last().unwrap();
        let error = *outcome.numerics.max_abs_error.value().unwrap();
        assert!(c.saturated == 0 && error <= 0.5 * c.scale * (1.0 + 1e-3), "{output}: {c:?}, off by {} units", error / c.scale);
    }
}

fn a_stated_scale_of_wide_outputs_is_kept(engine: EngineKind) {
    let formats = "a = 's24'\nb = 's24'\naccumulator = 's52'\noutput = 's24'";
    let chosen = run(wide(formats, ""), engine).numerics.quantization.last().unwrap().scale;
    // Odd, so that the multiplier has to round it, and large enough for all results.
    let stated = chosen * 1.000_123;
    let outcome = run(wide(formats, &format!("output_scale = {stated:e}")), engine);
    let c = outcome.numerics.quantization.last().unwrap();
    assert!((c.scale / stated - 1.0).abs() <= 2f64.powi(-32) && c.saturated == 0, "{c:?} for {stated}");
}

fn arrays() -> impl Strategy<Value = String> {
    let dataflows = prop::sample::select(vec!["weight-stationary", "output-stationary", "input-stationary"]);
    let sizes = prop::sample::select(vec![(8u32, 4u32), (5, 7), (1, 1), (3, 2), (2, 6), (40, 2)]);
    (dataflows, sizes, any::<bool>(), 0u32..20).prop_map(|(dataflow, (rows, columns), overlap, extra)| {
        let depth = rows + columns + 16 + extra;
        format!("rows = {rows}\ncolumns = {columns}\ndataflow = '{dataflow}'\noverlap_load = {overlap}\nbuffer_rows = {depth}")
    })
}

fn formats() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "a = 's4'\nb = 's4'\naccumulator = 's16'\noutput = 's4'",
        "a = 's16'\nb = 's16'\naccumulator = 's40'\noutput = 's16'",
        "a = 's4'\nb = 's16'\naccumulator = 's32'\noutput = 'accumulator'",
        "a = 's24'\nb = 's24'\naccumulator = 's56'\noutput = 's24'",
        "a = 'u8'\nb = 'u4'\naccumulator = 'u24'\noutput = 'u8'",
        "a = 'u8'\nb = 's8'\noutput = 'u8'",
        "a = 's4'\nb = 'u5'\naccumulator = 's24'\noutput = 'accumulator'",
        "a = 'uq4.4'\nb = 'q2.6'\naccumulator = 'q22.10'\noutput = 'uq4.4'",
        "a = 'q4.4'\nb = 'q2.6'\naccumulator = 'q22.10'\noutput = 'q8.4'",
    ])
}

fn any_shape_on_any_array_is_exact_and_takes_the_modelled_cycles(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(48), |(array in arrays(), formats in formats(), shape in prop::array::uniform3(1usize..60), seed in 0u64..1000, relu in any::<bool>())| {
        let mut table = config(&array, formats, shape, &format!("relu = {relu}"));
        table.insert("seed".into(), (seed as i64).into());
        if formats.contains("accumulator = 'u") {
            table["layers"][0].as_table_mut().unwrap().remove("bias");
        }
        let outcome = run(table, engine);
        let numerics = &outcome.numerics;
        prop_assert!(numerics.bit_exact, "{} mismatches, first {:?}", numerics.mismatches, numerics.first_mismatch);
        prop_assert_eq!(Some(&outcome.cycles.total), outcome.cycles.model.value());
    });
}

fn no_stall_pattern_changes_a_value(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(48), |(array in arrays(), shape in prop::array::uniform3(1usize..40), seed in 0u64..1000, probabilities in prop::array::uniform4(0.1f64..1.0), on in 1u32..9, off in 0u32..9, bursting in 0usize..4)| {
        let patterns: Vec<String> = ["a", "b", "bias", "c"].iter().zip(probabilities).enumerate().map(|(index, (stream, probability))| {
            if index == bursting {
                format!("{stream} = {{ bursts = {{ on = {on}, off = {off} }} }}")
            } else {
                format!("{stream} = {{ random = {{ probability = {probability} }} }}")
            }
        }).collect();
        let mut table = config(&array, "", shape, &format!("[stalls]\n{}", patterns.join("\n")));
        table.insert("seed".into(), (seed as i64).into());
        let outcome = run(table, engine);
        prop_assert!(outcome.numerics.bit_exact, "{:?}", outcome.numerics.first_mismatch);
    });
}

fn the_chosen_dataflow_is_the_fastest_in_simulation(engine: EngineKind) {
    let sizes = prop::sample::select(vec![(8u32, 4u32), (5, 7), (3, 2), (2, 6), (40, 2)]);
    proptest!(ProptestConfig::with_cases(16), |((rows, columns) in sizes, overlap in any::<bool>(), shape in prop::array::uniform3(1usize..60))| {
        let cycles = |dataflow: &str| {
            let array = format!("rows = {rows}\ncolumns = {columns}\ndataflow = '{dataflow}'\noverlap_load = {overlap}\nbuffer_rows = 64");
            run(config(&array, "", shape, ""), engine).cycles.total
        };
        let each = ["weight-stationary", "output-stationary", "input-stationary"].map(cycles);
        prop_assert_eq!(Some(cycles("fastest")), each.into_iter().min());
    });
}
