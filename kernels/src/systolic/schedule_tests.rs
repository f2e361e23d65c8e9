use super::*;
use crate::systolic::golden;
use crate::systolic::parameters::{ArrayParameters, Formats};
use ndarray::Array1;
use proptest::prelude::*;
use systole_hdl::Type;

const VALUE_BITS: u32 = 8;

fn hardware(dataflow: Dataflow, group: Group, rows: u32, columns: u32, buffer_rows: u32) -> HardwareParameters {
    HardwareParameters {
        rows,
        columns,
        buffer_rows,
        output: Type::s(32),
        ..ArrayParameters::default().hardware(dataflow, &Formats::default(), group)
    }
}

/// An array that only counts words and multiplies: what the hardware does with the streams, without its timing.
fn emulate(schedule: Schedule, [a, b, bias]: [&mut dyn Iterator<Item = Vec<i64>>; 3]) -> Vec<Vec<i64>> {
    let take = |stream: &mut dyn Iterator<Item = Vec<i64>>, count: usize| -> Vec<Vec<i64>> { stream.take(count).collect() };
    let (slots, elements) = (schedule.group.slots as usize, schedule.group.elements as usize);
    let product = |word: &[i64], group: usize, weight: i64| match elements {
        1 => word[group] * weight,
        _ => word[group * elements..][(weight >> VALUE_BITS) as usize] * (weight << (64 - VALUE_BITS) >> (64 - VALUE_BITS)),
    };
    let mut outputs = Vec::new();
    for outer in 0..schedule.outer.count {
        for _ in 0..schedule.lanes.count {
            let rows = schedule.outer.length(outer);
            let mut sums: Vec<Vec<i64>> = match schedule.dataflow {
                Dataflow::InputStationary => take(bias, rows).into_iter().map(|word| vec![word[0]; schedule.columns]).collect(),
                _ => vec![take(bias, 1).remove(0); rows],
            };
            for reduction in 0..schedule.reduction.count {
                match schedule.dataflow {
                    Dataflow::OutputStationary => {
                        let mut column = Vec::new();
                        for slot in 0..schedule.reduction.length(reduction) {
                            if slot % slots == 0 {
                                column = take(a, 1).remove(0);
                            }
                            let weights = take(b, 1).remove(0);
                            assert_eq!((column.len(), weights.len()), (schedule.rows * elements, schedule.columns));
                            for (row, sums) in sums.iter_mut().enumerate() {
                                sums.iter_mut().zip(&weights).for_each(|(sum, &weight)| *sum += product(&column, row, weight));
                            }
                        }
                    }
                    Dataflow::WeightStationary => {
                        let (weights, words) = (take(b, schedule.rows), take(a, rows));
                        let phase = reduction * schedule.rows % slots;
                        for (sums, word) in sums.iter_mut().zip(&words) {
                            for (slot, weights) in weights.iter().enumerate() {
                                let group = (phase + slot) / slots;
                                sums.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += product(word, group, weight));
                            }
                        }
                    }
                    Dataflow::InputStationary => {
                        let (stationary, words) = (take(a, schedule.rows), take(b, rows));
                        for (sums, word) in sums.iter_mut().zip(&words) {
                            for (element, stationary) in word.iter().zip(&stationary) {
                                sums.iter_mut().zip(stationary).for_each(|(sum, other)| *sum += element * other);
                            }
                        }
                    }
                }
            }
            outputs.extend(sums);
        }
    }
    outputs
}

/// Arrays with groups, and compressions that they serve; inputs are stationary only without groups.
fn products() -> impl Strategy<Value = (Dataflow, Group, Compression)> {
    let groups = (1u32..6, prop::sample::select(vec![1u32, 2, 4, 8])).prop_filter("N is at most M", |(slots, elements)| slots <= elements);
    let patterns = (1usize..9, prop::sample::select(vec![2usize, 4, 8]));
    (dataflows(), groups, patterns).prop_map(|(dataflow, (slots, elements), (n, m))| {
        let group = if dataflow == Dataflow::InputStationary { Group::DENSE } else { Group { slots, elements } };
        let compression = Compression::new(n, m, group).filter(|_| n <= m);
        (dataflow, group, compression.unwrap_or(Compression::dense(group)))
    })
}

fn dataflows() -> impl Strategy<Value = Dataflow> {
    prop::sample::select(vec![Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary])
}

fn dense(dataflow: Dataflow, rows: u32, columns: u32, buffer_rows: u32, shape: Shape) -> Schedule {
    Schedule::new(&hardware(dataflow, Group::DENSE, rows, columns, buffer_rows), shape, Compression::dense(Group::DENSE))
}

#[test]
fn tiles_are_balanced_and_within_the_buffer() {
    assert_eq!(Tiles::balanced(257, 256), Tiles { count: 2, full: 129, last: 128 });
    assert_eq!(Tiles::balanced(21, 4), Tiles { count: 6, full: 4, last: 1 });
    assert_eq!(Tiles::of(33, 16), Tiles { count: 3, full: 16, last: 1 });
}

#[test]
fn a_weight_stationary_word_of_a_is_a_row_with_zeros_beyond_the_edge() {
    let schedule = dense(Dataflow::WeightStationary, 2, 2, 20, Shape { m: 2, k: 3, n: 1 });
    let a = ndarray::array![[1, 2, 3], [4, 5, 6]];
    let words: Vec<_> = schedule.a_words(a.view()).collect();
    assert_eq!(words, [[1, 2], [4, 5], [3, 0], [6, 0]]);
    let b = ndarray::array![[7], [8], [9]];
    let words: Vec<_> = schedule.b_words(b.view()).collect();
    assert_eq!(words, [[7, 0], [8, 0], [9, 0], [0, 0]]);
}

proptest! {
    #[test]
    fn tiles_cover_their_axis_exactly(length in 1usize..2000, most in 1usize..300) {
        let tiles = Tiles::balanced(length, most);
        prop_assert_eq!((0..tiles.count).map(|i| tiles.length(i)).sum::<usize>(), length);
        prop_assert!(tiles.full <= most && (1..=tiles.full).contains(&tiles.last));
        prop_assert_eq!(tiles.count, length.div_ceil(most));
    }

    #[test]
    fn the_words_of_every_dataflow_and_compression_make_the_product(
        (dataflow, group, compression) in products(), rows in 1u32..7, columns in 1u32..7, depth in 8u32..20,
        m in 1usize..30, k in 1usize..30, n in 1usize..30, seed in any::<i64>(),
    ) {
        let element = |i: usize, j: usize| (seed ^ (i as i64 * 7919 + j as i64 * 104_729)).wrapping_mul(0x9e37_79b9_7f4a_7c15u64 as i64) >> 56;
        let a = Array2::from_shape_fn((m, k), |(i, j)| element(i, j));
        let schedule = Schedule::new(&hardware(dataflow, group, rows, columns, depth), Shape { m, k, n }, compression);
        // Slots point anywhere within their groups, several of them perhaps at one element: the array does not mind.
        let values = Array2::from_shape_fn((schedule.slots(), n), |(slot, j)| element(slot + 1000, j));
        let elements = Array2::from_shape_fn((schedule.slots(), n), |(slot, j)| {
            let range = compression.element(slot, 0)..compression.element(slot, compression.elements_of_group()).min(k);
            range.start + (element(slot + 2000, j) as u8) as usize % range.len()
        });
        let elements = if group == Group::DENSE { Array2::from_shape_fn(elements.dim(), |(slot, _)| slot) } else { elements };
        let mut b = Array2::zeros((k, n));
        for ((slot, column), &element) in elements.indexed_iter() {
            b[[element, column]] += values[[slot, column]];
        }
        let bias = Array1::from_shape_fn(n, |i| element(i, 9999));
        let indexed = schedule.indexed(values.view(), elements.view(), Type::s(VALUE_BITS));
        let (mut a_words, mut b_words, mut bias_words) =
            (schedule.a_words(a.view()), schedule.b_words(indexed.view()), schedule.bias_words(bias.view()));
        let words = emulate(schedule, [&mut a_words, &mut b_words, &mut bias_words]);
        prop_assert!(a_words.next().is_none() && b_words.next().is_none() && bias_words.next().is_none(), "words are left over");
        prop_assert_eq!(words.len(), schedule.output_words());
        prop_assert_eq!(schedule.scatter(words), golden::accumulate(a.view(), b.view(), bias.view()));
    }

    #[test]
    fn tiles_of_whole_groups_end_groups_and_fit_the_buffer(length in 1usize..2000, unit in 1usize..33, most in 33usize..300) {
        let tiles = Tiles::whole(length, most, unit);
        prop_assert_eq!((0..tiles.count).map(|i| tiles.length(i)).sum::<usize>(), length);
        prop_assert!(tiles.full <= most && (tiles.count == 1 || tiles.full.is_multiple_of(unit)));
    }
}
