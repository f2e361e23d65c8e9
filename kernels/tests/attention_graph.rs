//! The graphs of attention: the table of the paper, the cycle model, and hardware that agrees with both.

#[path = "../../dataflow/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use proptest::prelude::*;
use systole_dataflow::{Depth, Record, Run, RunError, Values};
use systole_hdl::Type;
use systole_kernels::attention::exponential::Exponential;
use systole_kernels::attention::graph::{AttentionGraph, Layout};
use systole_kernels::attention::mask::{Mask, SinkWindow};
use systole_kernels::attention::parameters::{ExponentialParameters, FifoParameters, Latencies, Parallelism, Variant};
use systole_kernels::attention::prepare::Shape;
use systole_sim::EngineKind;

/// Every unit with latency 1, one row at a time, a divider for each element.
fn ideal(variant: Variant, rows: usize, keys: usize, head_dimension: usize) -> Layout {
    Layout::ideal(variant, Shape { rows, keys, head_dimension })
}

/// Small numbers without much order.
fn numbers(count: usize, ty: Type) -> Arc<[i64]> {
    let unit = 1i64 << ty.frac();
    (0..count as i64).map(|i| (i * 7919 % 401 - 200) * unit / 100).collect()
}

fn of_scores(layout: &Layout) -> AttentionGraph {
    let Shape { rows, keys, head_dimension } = layout.shape;
    let (scores, values) = (numbers(rows * keys, layout.formats.score), numbers(keys * head_dimension, layout.formats.value));
    layout.graph_of_scores(scores, values)
}

#[test]
fn totals_and_first_outputs_are_those_of_the_paper() {
    for keys in [8, 64, 256, 512, 65536] {
        for rows in [1, 2, 16] {
            let (n, r) = (keys as u64, rows as u64);
            let expected = [
                (Variant::Naive, (r + 1) * n + 5, 2 * n + 5),
                (Variant::Stable, (r + 2) * n + 7, 3 * n + 7),
                (Variant::Deferred, (r + 1) * n + 6, 2 * n + 6),
                (Variant::MemoryFree, r * n + 4, n + 4),
            ];
            for (variant, total, first) in expected {
                let layout = ideal(variant, rows, keys, 1);
                let graph = of_scores(&layout).graph;
                let run = graph.run_timing().unwrap();
                let taken = run.traffic(graph.unit(run.outputs[0].unit).inputs[0]).left.unwrap();
                assert_eq!((run.cycles, taken.0 + 1), (total, first), "{variant:?} N {keys} R {rows}");
                assert_eq!(layout.model_of_scores().unwrap().cycles(), total, "{variant:?} N {keys} R {rows}");
            }
        }
    }
}

#[test]
fn long_fifos_hold_the_row_and_two_more_or_cost_two_cycles_a_row_or_deadlock() {
    for (variant, keys, rows) in [(Variant::Naive, 256, 16), (Variant::Stable, 64, 5), (Variant::Deferred, 512, 3)] {
        let layout = ideal(variant, rows, keys, 1);
        let AttentionGraph { mut graph, long } = of_scores(&layout);
        let full_rate = graph.run_timing().unwrap().cycles;
        let least = systole_dataflow::least_depths(&graph).unwrap();
        long.iter().for_each(|fifo| assert!(least.contains(&(*fifo, keys + 2)), "{variant:?}: {least:?}"));

        // The first row costs nothing: it meets empty FIFOs.
        long.iter().for_each(|&fifo| graph.set_depth(fifo, Depth::Words(keys)));
        assert_eq!(graph.run_timing().unwrap().cycles, full_rate + 2 * (rows as u64 - 1), "{variant:?}");

        long.iter().for_each(|&fifo| graph.set_depth(fifo, Depth::Words(keys - 1)));
        let Err(RunError::Deadlock(deadlock)) = graph.run_timing() else { panic!("{variant:?} does not deadlock") };
        assert!(deadlock.short.iter().all(|short| long.contains(&short.channel) && short.least == Some(keys)), "{deadlock}");
    }
}

#[test]
fn with_a_registered_full_flag_short_fifos_need_two_and_long_ones_one_more() {
    let layout = Layout { fifos: FifoParameters { registered_full: true, ..FifoParameters::default() }, ..ideal(Variant::Naive, 4, 64, 1) };
    let graph = of_scores(&layout).graph;
    let least = systole_dataflow::least_depths(&graph).unwrap();
    let depths: Vec<usize> = least.iter().map(|(_, depth)| *depth).collect();
    // What comes once a row does with one place.
    assert_eq!(depths.iter().max(), Some(&67));
    assert!(depths.iter().filter(|depth| **depth > 2).count() == 1 && depths.contains(&2), "{depths:?}");
    assert_eq!(layout.long_fifo(), 67);
}

#[test]
fn the_memory_free_variant_holds_as_much_for_any_number_of_keys_and_naive_grows_by_exactly_that_number() {
    let layout = ideal(Variant::MemoryFree, 1, 64, 32);
    let words = |variant, keys| systole_kernels::attention::figures::words_over_keys(&layout, variant, &[keys])[0].1;
    let constant = words(Variant::MemoryFree, 64);
    let naive = words(Variant::Naive, 64);
    for keys in [1024, 16384] {
        assert_eq!(words(Variant::MemoryFree, keys), constant);
        assert_eq!(words(Variant::Naive, keys), naive + keys as u64 - 64);
        assert_eq!(words(Variant::Deferred, keys) - words(Variant::Deferred, 64), keys as u64 - 64);
        assert_eq!(words(Variant::Stable, keys) - words(Variant::Stable, 64), 2 * (keys as u64 - 64));
    }
}

#[test]
fn in_series_each_score_takes_as_many_cycles_as_a_head_has_elements() {
    // The authors' own program takes 1050632 cycles for naive too, and 1048587 for memory-free.
    for (variant, cycles) in [(Variant::MemoryFree, 1_048_586), (Variant::Naive, 1_050_632)] {
        let layout = Layout { head_dimension: Parallelism::Series, division: Parallelism::Series, ..ideal(variant, 512, 512, 4) };
        let run = layout.graph(&layout.zeros()).graph.run_timing().unwrap();
        assert_eq!(run.cycles, cycles, "{variant:?}");
        assert_eq!(layout.model().unwrap().cycles(), cycles, "{variant:?}");
    }
}

prop_compose! {
    fn layouts()(
        variant in prop::sample::select(Variant::ALL.to_vec()),
        head_dimension in prop::sample::select(vec![Parallelism::Parallel, Parallelism::Series]),
        division in prop::sample::select(vec![Parallelism::Parallel, Parallelism::Series]),
        lanes in 1usize..4, mask in 0..3, (sinks, window) in (0u32..4, 1u32..8), registered_full in any::<bool>(),
        latency in (1u32..9, 1u32..9, 1u32..25), exp in (0u32..7, 0u32..4),
        (rows, more_keys, dimension, heads) in (1usize..12, 0usize..20, 1usize..7, 1usize..3),
    ) -> Layout {
        let mask = match mask {
            0 => Mask::None,
            1 => Mask::Causal,
            _ => Mask::SinkWindow(SinkWindow { sinks, window }),
        };
        let windowed = matches!(mask, Mask::SinkWindow(_));
        let keys = if windowed { rows } else { rows + more_keys };
        Layout {
            head_dimension,
            division: if head_dimension == Parallelism::Series || variant.divides_first() { Parallelism::Series } else { division },
            rows_in_parallel: if windowed { 1 } else { lanes },
            mask,
            exp: ExponentialParameters { table_bits: exp.0, degree: exp.1 },
            fifos: FifoParameters { registered_full, ..FifoParameters::default() },
            latency: Latencies { score: latency.0, exp: latency.1, divide: latency.2 },
            heads,
            ..ideal(variant, rows, keys, dimension)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_model_is_what_the_graph_takes(layout in layouts()) {
        let run = layout.graph(&layout.zeros()).graph.run_timing().unwrap();
        let model = layout.model().unwrap();
        prop_assert_eq!(run.cycles, model.cycles(), "{}", model.formula());
    }
}

fn exact(graph: &systole_dataflow::Graph) -> Run {
    graph.run_with(Record { values: Values::Exact, transfers: false }).unwrap()
}

#[test]
fn the_abstract_execution_computes_softmax() {
    let layout = ideal(Variant::MemoryFree, 3, 50, 4);
    let graph = of_scores(&layout).graph;
    let real = graph.run_with(Record { values: Values::Real, transfers: false }).unwrap();
    let exact = exact(&graph);
    for (exact, real) in exact.outputs[0].values.iter().zip(&real.outputs[0].values) {
        assert!((exact - real).abs() < 4e-3, "{exact} {real}");
    }
}

/// Hardware and abstract execution agree on every transfer of every channel and on every value; gives the cycles.
fn in_hardware(graph: &systole_dataflow::Graph, context: &str) -> u64 {
    support::lockstep::assert_same(graph, EngineKind::Compiled, context).unwrap_or_else(|| panic!("{context}: a deadlock")).cycles
}

#[test]
fn hardware_takes_the_cycles_of_the_paper_transfer_by_transfer() {
    for keys in [8, 64, 256] {
        for rows in [1, 4] {
            let (n, r) = (keys as u64, rows as u64);
            let totals = [(r + 1) * n + 5, (r + 2) * n + 7, (r + 1) * n + 6, r * n + 4];
            for (variant, total) in Variant::ALL.into_iter().zip(totals) {
                let AttentionGraph { mut graph, long } = of_scores(&ideal(variant, rows, keys, 2));
                let context = format!("{variant:?} N {keys} R {rows}");
                assert_eq!(in_hardware(&graph, &context), total, "{context}");
                if long.is_empty() {
                    continue;
                }
                long.iter().for_each(|&fifo| graph.set_depth(fifo, Depth::Words(keys)));
                assert_eq!(in_hardware(&graph, &context), total + 2 * (r - 1), "{context}, FIFOs of N");
                long.iter().for_each(|&fifo| graph.set_depth(fifo, Depth::Words(keys - 1)));
                let run = support::lockstep::assert_same(&graph, EngineKind::Compiled, &context);
                assert!(run.is_none(), "{context}, FIFOs of N - 1 deadlock");
            }
        }
    }
}

#[test]
fn a_stage_more_from_the_sum_to_the_join_costs_a_word_and_a_cycle() {
    for stages in [1, 5] {
        let layout = ideal(Variant::Naive, 3, 32, 1);
        let AttentionGraph { mut graph, long } = of_scores(&layout);
        let sum = graph.units().find(|(_, unit)| unit.name == "sum").unwrap().0;
        graph.set_latency(sum, 1 + stages);
        long.iter().for_each(|&fifo| graph.set_depth(fifo, Depth::Unbounded));
        let cycles = graph.run_timing().unwrap().cycles;
        assert_eq!(cycles, layout.model_of_scores().unwrap().cycles() + stages);
        let least = systole_dataflow::least_depths(&graph).unwrap();
        assert!(least.contains(&(long[0], 32 + 2 + stages as usize)), "{least:?}");
        graph.set_depth(long[0], Depth::Words(34 + stages as usize));
        assert_eq!(in_hardware(&graph, "a longer sum"), cycles);
    }
}

#[test]
fn powers_of_two_are_those_of_the_golden_model_for_every_exponent() {
    for (score, weight) in [(Type::q(5, 6), Type::uq(1, 9)), (Type::q(4, 7), Type::uq(5, 4)), (Type::q(6, 3), Type::uq(2, 14))] {
        for table_bits in 0..=7 {
            for degree in 0..=3 {
                let golden = Exponential::new(score.frac(), weight, table_bits, degree);
                let greatest = (1i128 << weight.width()) - 1;
                let every: Vec<i64> = (-(1 << (score.width() - 1))..1 << (score.width() - 1)).collect();
                let mut g = systole_dataflow::Graph::new();
                let source = g.source_raw("x", [score], every.clone(), 1);
                let power = systole_dataflow::input(0).exp2(systole_dataflow::Exp2 { ty: weight, table_bits, degree });
                let powers = g.map("power", source, [power]);
                g.sink("out", powers);
                let expected: Vec<i64> = every.iter().map(|&x| golden.exp2(x.into()).min(greatest) as i64).collect();
                assert_eq!(exact(&g).outputs[0].raw, expected, "{score} {weight} {table_bits} table bits, degree {degree}");
            }
        }
    }
}
