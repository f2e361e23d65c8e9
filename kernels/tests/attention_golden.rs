//! The golden model of attention at its edges, and against double precision.

use ndarray::{Array2, ArrayView2, Axis, array, s};
use proptest::prelude::*;
use systole_hdl::Type;
use systole_kernels::attention::formats::Formats;
use systole_kernels::attention::golden::{Attended, Golden, Saturations};
use systole_kernels::attention::mask::{Mask, SinkWindow, Slot};
use systole_kernels::attention::parameters::{ExponentialParameters, Variant};
use systole_kernels::attention::zero_rows::ZeroRows;

const LINEAR: ExponentialParameters = ExponentialParameters { table_bits: 6, degree: 1 };

/// Formats for scores from products of one by the factor of a query, with enough room for naive weights.
fn formats(variant: Variant) -> Formats {
    let weight = if variant == Variant::Naive { Type::uq(8, 16) } else { Type::uq(1, 16) };
    Formats {
        query: Type::q(9, 4),
        key: Type::q(2, 4),
        value: Type::q(4, 8),
        score: Type::q(8, 8),
        weight,
        sum_fraction: Some(20),
        output: Type::q(4, 8),
    }
}

fn golden(variant: Variant) -> Golden {
    Golden::new(variant, formats(variant), LINEAR)
}

/// Attention of one query whose scores with the keys are `scores`, in units of the query's last place, to scalar values.
fn attend(variant: Variant, scores: &[i64], values: &[i64]) -> Attended {
    let q = array![[1 << 4]];
    // A product of a query of 1 and a key: the key carries the score.
    let formats = Formats { key: Type::q(9, 4), ..formats(variant) };
    let column = |numbers: &[i64]| Array2::from_shape_vec((numbers.len(), 1), numbers.to_vec()).unwrap();
    Golden::new(variant, formats, LINEAR).attend(q.view(), column(scores).view(), column(values).view(), Mask::None)
}

fn result(variant: Variant, scores: &[i64], values: &[i64]) -> i64 {
    attend(variant, scores, values).outputs[[0, 0]]
}

const SAFE: [Variant; 3] = [Variant::Stable, Variant::Deferred, Variant::MemoryFree];

#[test]
fn equal_scores_give_the_mean() {
    for variant in Variant::ALL {
        assert_eq!(result(variant, &[3, 3, 3, 3], &[100, 200, -40, 20]), 70, "{variant:?}");
        assert_eq!(result(variant, &[0, 0], &[-10, -20]), -15, "{variant:?}");
    }
}

#[test]
fn a_single_key_gives_its_value() {
    for variant in Variant::ALL {
        for score in [-64, 0, 32] {
            assert_eq!(result(variant, &[score], &[-777]), -777, "{variant:?} {score}");
        }
    }
}

#[test]
fn a_dominating_score_gives_its_value_wherever_it_stands() {
    for variant in SAFE {
        for place in 0..4 {
            let mut scores = [-320, -300, -310, -350];
            scores[place] = 1600;
            let values = [11, -222, 333, -444];
            assert_eq!(result(variant, &scores, &values), values[place], "{variant:?} {place}");
        }
    }
}

#[test]
fn scores_at_both_ends_of_their_format_are_told_apart() {
    // The least and the greatest score, 2^-256 apart; a key of 255 with a query of 1 exceeds the score format.
    for variant in SAFE {
        let attended = attend(variant, &[-(255 << 4), 255 << 4, -(255 << 4)], &[500, 7, 900]);
        assert_eq!(attended.outputs, array![[7]], "{variant:?}");
        let Saturations { scores, weights, outputs } = attended.saturations;
        assert_eq!((scores.of, scores.count, weights.count, outputs.count), (3, 3, 0, 0));
    }
}

#[test]
fn scores_at_the_least_of_their_format_still_count() {
    for variant in SAFE {
        assert_eq!(result(variant, &[-(128 << 4), -(128 << 4)], &[40, 60]), 50, "{variant:?}");
    }
}

#[test]
fn naive_weights_that_all_vanish_give_zeros_and_are_counted() {
    let attended = attend(Variant::Naive, &[-(100 << 4), -(90 << 4)], &[10, 20]);
    assert_eq!((attended.outputs, attended.zero_rows), (array![[0]], ZeroRows { weights: 1, ..ZeroRows::default() }));
}

#[test]
fn where_all_naive_weights_of_a_row_vanish_neither_a_masked_key_nor_an_empty_slot_counts() {
    let formats = Formats { key: Type::q(9, 4), ..formats(Variant::Naive) };
    let golden = Golden::new(Variant::Naive, formats, LINEAR);
    let (q, k, v) = (array![[16], [16]], array![[-1600], [-1600]], array![[10], [20]]);
    for mask in [Mask::Causal, Mask::SinkWindow(SinkWindow { sinks: 0, window: 2 })] {
        let attended = golden.attend(q.view(), k.view(), v.view(), mask);
        assert_eq!((attended.outputs, attended.zero_rows.weights), (array![[0], [0]], 2), "{mask:?}");
    }
}

#[test]
fn quotients_that_all_round_to_zero_give_zeros_and_are_counted() {
    for variant in [Variant::Naive, Variant::Stable] {
        let formats = Formats { sum_fraction: Some(2), output: Type::q(6, 2), ..formats(variant) };
        let (q, k, v) = (array![[16]], Array2::zeros((5, 1)), Array2::from_elem((5, 1), 300));
        let attended = Golden::new(variant, formats, LINEAR).attend(q.view(), k.view(), v.view(), Mask::None);
        assert_eq!((attended.outputs, attended.zero_rows), (array![[0]], ZeroRows { quotients: 1, ..ZeroRows::default() }), "{variant:?}");
    }
}

#[test]
fn naive_weights_saturate_and_the_counts_say_so() {
    let attended = attend(Variant::Naive, &[100 << 4, 90 << 4], &[10, 20]);
    assert_eq!((attended.outputs, attended.saturations.weights.count), (array![[15]], 2));
}

#[test]
fn a_maximum_that_comes_last_scales_all_that_came_before() {
    // Scores one apart: weights of 1/4, 1/2 and 1, whichever the order.
    for variant in SAFE {
        assert_eq!(result(variant, &[0, 16, 32], &[700, 1400, 350]), (175 + 700 + 350) * 4 / 7, "{variant:?}");
        assert_eq!(result(variant, &[32, 16, 0], &[350, 1400, 700]), (175 + 700 + 350) * 4 / 7, "{variant:?}");
    }
}

/// Attention of one query to scalar values with scores that are whole numbers and two fraction bits everywhere else, so that every
/// power, product and rounding can be followed by hand. Powers of 0, −1, −2 and −3 are 4, 2, 1 and (rounded up) 1 quarters.
fn in_quarters(variant: Variant, scores: &[i64], values: &[i64]) -> i64 {
    let weight = if variant == Variant::Naive { Type::uq(4, 2) } else { Type::uq(1, 2) };
    let formats = Formats {
        query: Type::q(8, 0),
        key: Type::q(8, 0),
        value: Type::q(4, 2),
        score: Type::q(8, 0),
        weight,
        sum_fraction: Some(2),
        output: Type::q(4, 2),
    };
    let column = |numbers: &[i64]| Array2::from_shape_vec((numbers.len(), 1), numbers.to_vec()).unwrap();
    let golden = Golden::new(variant, formats, LINEAR);
    golden.attend(array![[1]].view(), column(scores).view(), column(values).view(), Mask::None).outputs[[0, 0]]
}

#[test]
fn examples_worked_by_hand() {
    // e = 1, 4; r = 5; p = ⌊4/5⌋, ⌊16/5⌋ = 0, 3; l = 0 + ~(−9/4) = −2.
    assert_eq!(in_quarters(Variant::Stable, &[0, 3], &[5, -3]), -2);
    // e = 4, 32; r = 36; p = ⌊16/36⌋, ⌊128/36⌋ = 0, 3, and on as before.
    assert_eq!(in_quarters(Variant::Naive, &[0, 3], &[5, -3]), -2);
    // l = ~(1·5/4) + ~(4·−3/4) = 1 − 3 = −2; o = −2·4/5 = −1.6, towards zero.
    assert_eq!(in_quarters(Variant::Deferred, &[0, 3], &[5, -3]), -1);
    // Δ = 1 at the second key: r = ~(4·1/4) + 4 = 5; l = ~(5·1/4) − 3 = −2.
    assert_eq!(in_quarters(Variant::MemoryFree, &[0, 3], &[5, -3]), -1);
}

#[test]
fn products_that_are_halves_are_rounded_to_even() {
    // e = 4, 2; r = 6; l = ~(2·±5/4) = ~±2.5 = ±2; o = ±8/6.
    for variant in [Variant::Deferred, Variant::MemoryFree] {
        assert_eq!([5, -5].map(|value| in_quarters(variant, &[0, -1], &[0, value])), [1, -1], "{variant:?}");
    }
    // 7: ~3.5 = 4; o = 16/6.
    assert_eq!(in_quarters(Variant::Deferred, &[0, -1], &[0, 7]), 2);
    // Scaled by Δ = 2 at the second key: r = 2 + 4; l = ~(±5·2/4) = ±2.
    assert_eq!([5, -5].map(|value| in_quarters(Variant::MemoryFree, &[0, 1], &[value, 0])), [1, -1]);
    // Scores of halves: a key of half a unit with a query of 1, 3 and 5.
    let formats = Formats { query: Type::q(4, 0), key: Type::q(4, 1), score: Type::q(8, 0), ..formats(Variant::Naive) };
    let golden = Golden::new(Variant::Naive, formats, LINEAR);
    for (query, power) in [(1, 1), (3, 4), (5, 4)] {
        // Weights 1 and 2^s, values 0 and 1: 2^s / (1 + 2^s) in units of 2⁻⁸.
        let outputs = golden.attend(array![[query]].view(), array![[0], [1]].view(), array![[0], [256]].view(), Mask::None).outputs;
        let exact = 256.0 * f64::from(power) / f64::from(1 + power);
        assert!((outputs[[0, 0]] as f64 - exact).abs() <= 1.0, "{query}: {outputs}");
    }
}

#[test]
fn an_empty_slot_of_a_window_weighs_nothing() {
    let (q, k, v) = (array![[0], [0]], array![[16], [16]], array![[100], [300]]);
    let mask = Mask::SinkWindow(SinkWindow { sinks: 3, window: 5 });
    for variant in Variant::ALL {
        assert_eq!(golden(variant).attend(q.view(), k.view(), v.view(), mask).outputs, array![[100], [200]], "{variant:?}");
    }
}

/// Raw queries, keys and values of `rows` and `keys` tokens of two elements.
fn head(rows: usize, keys: usize) -> impl Strategy<Value = [Array2<i64>; 3]> {
    let matrix = |tokens: usize, most: i64| {
        prop::collection::vec(-most..=most, tokens * 2).prop_map(move |raw| Array2::from_shape_vec((tokens, 2), raw).unwrap())
    };
    (matrix(rows, 40), matrix(keys, 31), matrix(keys, 2000)).prop_map(|(q, k, v)| [q, k, v])
}

fn variants() -> impl Strategy<Value = Variant> {
    prop::sample::select(Variant::ALL.to_vec())
}

fn select(array: ArrayView2<i64>, rows: &[usize]) -> Array2<i64> {
    array.select(Axis(0), rows)
}

proptest! {
    #[test]
    fn a_causal_row_is_what_its_keys_alone_give(variant in variants(), [q, k, v] in head(3, 8)) {
        let golden = golden(variant);
        let causal = golden.attend(q.view(), k.view(), v.view(), Mask::Causal).outputs;
        for row in 0..3 {
            let kept = 5 + row + 1;
            let alone = golden.attend(q.slice(s![row..=row, ..]), k.slice(s![..kept, ..]), v.slice(s![..kept, ..]), Mask::None);
            prop_assert_eq!(causal.row(row), alone.outputs.row(0));
        }
    }

    #[test]
    fn a_window_over_the_whole_sequence_is_causal(variant in variants(), [q, k, v] in head(7, 7), sinks in 0u32..8) {
        let golden = golden(variant);
        let mask = Mask::SinkWindow(SinkWindow { sinks, window: 7 });
        prop_assert_eq!(
            golden.attend(q.view(), k.view(), v.view(), mask).outputs,
            golden.attend(q.view(), k.view(), v.view(), Mask::Causal).outputs
        );
    }

    #[test]
    fn a_windowed_row_is_what_the_keys_in_its_slots_give_in_that_order(
        variant in variants(), [q, k, v] in head(9, 9), sinks in 0u32..3, window in 1u32..5,
    ) {
        let golden = golden(variant);
        let mask = Mask::SinkWindow(SinkWindow { sinks, window });
        let windowed = golden.attend(q.view(), k.view(), v.view(), mask).outputs;
        for row in 0..9 {
            let keys = mask.stream(row, 9, 9).into_iter();
            let keys: Vec<usize> = keys.filter_map(|slot| if let Slot::Kept(key) = slot { Some(key) } else { None }).collect();
            let (k, v) = (select(k.view(), &keys), select(v.view(), &keys));
            let alone = golden.attend(q.slice(s![row..=row, ..]), k.view(), v.view(), Mask::None);
            prop_assert_eq!(windowed.row(row), alone.outputs.row(0));
        }
    }

    #[test]
    fn without_a_running_maximum_the_order_of_keys_does_not_matter(
        variant in prop::sample::select(vec![Variant::Naive, Variant::Stable, Variant::Deferred]),
        [q, k, v] in head(2, 6), order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let golden = golden(variant);
        let shuffled = golden.attend(q.view(), select(k.view(), &order).view(), select(v.view(), &order).view(), Mask::None);
        prop_assert_eq!(golden.attend(q.view(), k.view(), v.view(), Mask::None).outputs, shuffled.outputs);
    }

    #[test]
    fn a_constant_added_to_all_scores_changes_nothing(
        variant in prop::sample::select(SAFE.to_vec()), scores in prop::collection::vec(-300i64..300, 1..12), added in -200i64..200, seed in any::<i64>(),
    ) {
        let values: Vec<i64> = (1i64..).take(scores.len()).map(|n| (seed.wrapping_mul(n) % 2000).wrapping_add(n)).collect();
        let moved: Vec<i64> = scores.iter().map(|score| score + added).collect();
        prop_assert_eq!(result(variant, &scores, &values), result(variant, &moved, &values));
    }

    #[test]
    fn results_are_means_of_the_values(variant in prop::sample::select(SAFE.to_vec()), [q, k, v] in head(2, 9)) {
        let outputs = golden(variant).attend(q.view(), k.view(), v.view(), Mask::None).outputs;
        for ((_, element), output) in outputs.indexed_iter() {
            let values = v.column(element);
            let (least, greatest) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            prop_assert!((least - 1..=greatest + 1).contains(output), "{output} is not from {least} to {greatest}");
        }
    }
}
