//! The four graphs of streaming attention: their cycles to the last one, their FIFOs, their deadlocks and their values.

use systole_dataflow::attention::{Operands, Variant, attention};
use systole_dataflow::depths::{family_depths, least_depths};
use systole_dataflow::{Depth, Growth, Room, Run, RunError};

const ALL: [Variant; 4] = [Variant::Naive, Variant::Stable, Variant::Deferred, Variant::MemoryFree];
const ROWS: u64 = 16;

/// Scores and values from -2 to 2, without a pattern.
fn operands(keys: u64, rows: u64, head_dim: usize) -> Operands {
    let mut seed = 1_u64;
    let mut numbers = |count: usize| -> Vec<f64> {
        let mut number = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as f64 / (1_u64 << 29) as f64 - 2.0
        };
        (0..count).map(|_| number()).collect()
    };
    let scores = numbers((rows * keys) as usize).into();
    Operands { scores, values: numbers(keys as usize * head_dim).into(), keys: keys as usize, head_dim }
}

fn softmax_attention(operands: &Operands) -> Vec<f64> {
    let mut result = Vec::new();
    for row in operands.scores.chunks(operands.keys) {
        let largest = row.iter().copied().fold(f64::MIN, f64::max);
        let exponents: Vec<f64> = row.iter().map(|score| (score - largest).exp()).collect();
        let sum: f64 = exponents.iter().sum();
        for d in 0..operands.head_dim {
            let weighted: f64 = exponents.iter().zip(operands.values.chunks(operands.head_dim)).map(|(e, v)| e * v[d]).sum();
            result.push(weighted / sum);
        }
    }
    result
}

fn timing(variant: Variant, keys: u64, long: Depth) -> Result<Run, RunError> {
    attention(variant, &operands(keys, ROWS, 1), long).graph.run_timing()
}

fn expected_cycles(variant: Variant, n: u64, r: u64) -> (u64, u64) {
    match variant {
        Variant::Naive => ((r + 1) * n + 5, 2 * n + 5),
        Variant::Stable => ((r + 2) * n + 7, 3 * n + 7),
        Variant::Deferred => ((r + 1) * n + 6, 2 * n + 6),
        Variant::MemoryFree => (r * n + 4, n + 4),
    }
}

#[test]
fn cycles_and_first_outputs_are_those_of_the_closed_forms() {
    for n in [64, 256, 512] {
        for variant in ALL {
            let run = timing(variant, n, Depth::Words(n as usize + 2)).unwrap();
            let first = run.outputs[0].cycles[0] + 1;
            assert_eq!((run.cycles, first), expected_cycles(variant, n, ROWS), "{variant:?} with {n} keys");
            assert_eq!(run.outputs[0].cycles.len() as u64, ROWS);
        }
    }
    let cycles = ALL.map(|variant| timing(variant, 512, Depth::Words(514)).unwrap().cycles);
    assert_eq!(cycles, [8709, 9223, 8710, 8196]);
}

#[test]
fn unbounded_fifos_are_no_faster() {
    for variant in ALL {
        let a = attention(variant, &operands(64, ROWS, 1), Depth::Unbounded);
        let run = a.graph.run_timing().unwrap();
        assert_eq!(run.cycles, expected_cycles(variant, 64, ROWS).0);
        for channel in a.long {
            assert_eq!(run.traffic(channel).high_water, 66, "{variant:?}");
        }
    }
}

#[test]
fn a_long_fifo_of_n_costs_two_cycles_for_each_further_row() {
    for n in [64, 256, 512] {
        for variant in [Variant::Naive, Variant::Stable, Variant::Deferred] {
            let (full_rate, first) = expected_cycles(variant, n, ROWS);
            let run = timing(variant, n, Depth::Words(n as usize)).unwrap();
            assert_eq!(run.outputs[0].cycles[0] + 1, first, "{variant:?} with {n} keys");
            assert_eq!(run.cycles, full_rate + 2 * (ROWS - 1), "{variant:?} with {n} keys");
            let run = timing(variant, n, Depth::Words(n as usize + 1)).unwrap();
            assert_eq!(run.cycles, full_rate + (ROWS - 1), "{variant:?} with {n} keys");
        }
    }
}

#[test]
fn a_long_fifo_of_n_less_1_is_a_deadlock_that_is_explained() {
    for n in [64, 256, 512] {
        for variant in [Variant::Naive, Variant::Stable, Variant::Deferred] {
            let a = attention(variant, &operands(n, ROWS, 1), Depth::Words(n as usize - 1));
            let Err(RunError::Deadlock(deadlock)) = a.graph.run() else { panic!("{variant:?} with {n} keys runs") };
            let short: Vec<_> = deadlock.short.iter().map(|fifo| (fifo.channel, fifo.depth, fifo.least)).collect();
            let expected: Vec<_> = a.long.iter().map(|&channel| (channel, n as usize - 1, Some(n as usize))).collect();
            assert_eq!(short, expected, "{variant:?} with {n} keys: {deadlock}");
        }
    }
}

#[test]
fn the_explanation_of_a_deadlock_goes_round_from_the_fork_to_the_fork() {
    let error = timing(Variant::Naive, 64, Depth::Words(63)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "deadlock after 65 cycles: `exponents` waits for room in `exponents.0`, full with 63, `divide` waits for an element of \
         `repeat-sum`, `repeat-sum` waits for an element of `sum`, `sum` waits for an element of `exponents.1`; `exponents.0` has \
         depth 63, and needs 64"
    );
}

#[test]
fn least_depths_are_1_with_room_in_the_same_cycle_but_for_the_long_fifos() {
    for variant in ALL {
        let needs = family_depths(&[8, 16, 64], |n| attention(variant, &operands(n, 4, 1), Depth::Unbounded).graph).unwrap();
        let long = attention(variant, &operands(8, 4, 1), Depth::Unbounded);
        for (need, (channel, _)) in needs.iter().zip(long.graph.fifos()) {
            let expected = match long.long.contains(&channel) {
                true => Growth::Linear { slope: (1, 1), offset: (2, 1) },
                false => Growth::Constant(1),
            };
            assert_eq!(need.growth, expected, "{variant:?}: {need}");
        }
    }
}

#[test]
fn with_a_registered_full_flag_full_rate_takes_depth_2_and_a_long_fifo_of_n_plus_3() {
    for variant in ALL {
        let needs = family_depths(&[8, 16, 64], |n| {
            let mut graph = attention(variant, &operands(n, 4, 1), Depth::Unbounded).graph;
            graph.set_room(Room::NextCycle);
            graph
        })
        .unwrap();
        for need in &needs {
            match need.growth {
                Growth::Linear { .. } => assert_eq!(need.growth.to_string(), "N + 3", "{variant:?}: {need}"),
                // A reduction gives seldom: its place is free again long before the next.
                _ => assert!(matches!(need.growth, Growth::Constant(1 | 2)), "{variant:?}: {need}"),
            }
        }
        let linear = needs.iter().filter(|need| matches!(need.growth, Growth::Linear { .. })).count();
        assert_eq!(linear, attention(variant, &operands(8, 4, 1), Depth::Unbounded).long.len());
    }
}

#[test]
fn each_stage_more_from_the_reduction_to_the_join_is_one_more_in_depth_and_in_cycles() {
    for stages in 0..5 {
        for unit_name in ["sum", "repeat-sum"] {
            let mut a = attention(Variant::Naive, &operands(64, ROWS, 1), Depth::Unbounded);
            let unit = a.graph.units().find(|(_, unit)| unit.name == unit_name).unwrap().0;
            a.graph.set_latency(unit, 1 + stages);
            let run = a.graph.run_timing().unwrap();
            assert_eq!(run.cycles, expected_cycles(Variant::Naive, 64, ROWS).0 + stages);
            let depths = least_depths(&a.graph).unwrap();
            assert!(depths.contains(&(a.long[0], 66 + stages as usize)), "{unit_name} with {stages} stages: {depths:?}");
        }
    }
}

#[test]
fn values_are_those_of_softmax_attention() {
    for n in [64, 256, 512] {
        let operands = operands(n, ROWS, 4);
        let expected = softmax_attention(&operands);
        for variant in ALL {
            let run = attention(variant, &operands, Depth::Words(n as usize + 2)).graph.run().unwrap();
            let values = &run.outputs[0].values;
            assert_eq!(values.len(), expected.len());
            let error = values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-9, "{variant:?} with {n} keys: {error}");
        }
    }
}
