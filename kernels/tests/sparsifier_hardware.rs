//! The sparsifier and the selector of transposable masks against what sorting and exhaustive search on the host give.

#[macro_use]
mod engines;

use std::cmp::Reverse;

use proptest::prelude::*;
use systole_hdl::prelude::*;
use systole_kernels::common::pack::{pack, unpack};
use systole_kernels::common::quantize::raw_range;
use systole_kernels::sparse::hardware::{Sparsifier, SparsifierForm, TransposableSelector};
use systole_sim::{EngineKind, Options, Received, Simulator, StallPattern};

on_each_engine! {
    the_streaming_form_keeps_the_largest_and_refuses_the_first_excess_under_any_stall,
    the_parallel_form_keeps_the_largest_and_refuses_the_first_excess_under_any_stall,
    the_streaming_form_takes_a_word_every_cycle,
    the_streaming_form_takes_a_group_of_one_every_cycle,
    the_streaming_form_takes_all_but_the_last_of_a_group_while_the_one_before_waits,
    the_parallel_form_takes_a_group_every_cycle,
    a_third_nonzero_in_a_group_of_two_to_four_is_refused_with_group_lane_and_position,
    the_most_negative_number_is_the_largest_and_ties_go_to_the_lowest_index,
    a_group_of_n_elements_passes_whole_and_a_shorter_one_leaves_slots_of_zeros,
    the_selected_mask_is_the_best_of_all_with_two_ones_in_each_row_and_column,
    the_selector_takes_a_block_every_cycle,
}

const FORMS: [SparsifierForm; 2] = [SparsifierForm::Streaming, SparsifierForm::Parallel];

/// A group of all lanes: of each position the elements of the lanes, and whether they may not be a nonzero beyond the N-th.
type Group = Vec<(Vec<i64>, bool)>;

/// A refused element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Refusal {
    group: u64,
    lane: u64,
    position: u64,
}

/// When the far ends of `up`, `pairs` and `refusals` are active.
#[derive(Clone, Copy, Debug)]
struct Stalls {
    up: StallPattern,
    pairs: StallPattern,
    refusals: StallPattern,
}

const NO_STALLS: Stalls = Stalls { up: StallPattern::Always, pairs: StallPattern::Always, refusals: StallPattern::Always };

/// The words of `up` for some groups. In the streaming form the last of M elements need not say that it is the last, and every other
/// group does not.
fn words(sparsifier: &Sparsifier, groups: &[Group]) -> Vec<Value> {
    let with_flags = |elements: &[i64], flags: &[bool]| {
        let bits = elements.iter().flat_map(|&element| (0..sparsifier.element.width()).map(move |bit| element >> bit & 1));
        pack(&bits.chain(flags.iter().map(|&flag| i64::from(flag))).collect::<Vec<_>>(), Type::BIT)
    };
    match sparsifier.form {
        SparsifierForm::Streaming => {
            let of_group = |(number, group): (usize, &Group)| -> Vec<Value> {
                let ends =
                    |position: usize| position + 1 == group.len() && (group.len() < sparsifier.m as usize || number.is_multiple_of(2));
                group.iter().enumerate().map(|(position, (elements, exact))| with_flags(elements, &[ends(position), *exact])).collect()
            };
            groups.iter().enumerate().flat_map(of_group).collect()
        }
        SparsifierForm::Parallel => {
            let elements = |group: &Group| group.iter().flat_map(|(elements, _)| elements.clone()).collect::<Vec<_>>();
            groups.iter().map(|group| with_flags(&elements(group), &[group[0].1])).collect()
        }
    }
}

/// The pairs (value, index) of a group, slot by slot and in each slot lane by lane.
fn sorted_pairs(sparsifier: &Sparsifier, group: &Group) -> Vec<(i64, i64)> {
    let lane = |lane: usize| {
        let mut pairs: Vec<(i64, i64)> = group.iter().zip(0..).map(|((elements, _), index)| (elements[lane], index)).collect();
        pairs.sort_by_key(|&(value, index)| (Reverse(i128::from(value).abs()), index));
        pairs.resize(pairs.len().max(sparsifier.n as usize), (0, 0));
        pairs
    };
    let lanes: Vec<_> = (0..sparsifier.lanes as usize).map(lane).collect();
    (0..sparsifier.n as usize).flat_map(|slot| lanes.iter().map(move |pairs| pairs[slot])).collect()
}

/// What is refused of each group, if anything.
fn refusals(sparsifier: &Sparsifier, groups: &[Group]) -> Vec<Refusal> {
    let of_lane = |group: &Group, lane: usize| {
        let nonzeros = group.iter().enumerate().filter(|(_, (elements, _))| elements[lane] != 0);
        nonzeros.skip(sparsifier.n as usize).find(|(_, (_, exact))| *exact).map(|(position, _)| position as u64)
    };
    let of_group = |(number, group): (u64, &Group)| {
        (0..sparsifier.lanes)
            .find_map(|lane| of_lane(group, lane as usize).map(|position| Refusal { group: number, lane: lane.into(), position }))
    };
    (0..).zip(groups).filter_map(of_group).collect()
}

fn read_refusal(sparsifier: &Sparsifier, word: &Value) -> Refusal {
    let (position, lane) = (sparsifier.m.ilog2(), Type::index(sparsifier.lanes).width());
    let part = |low, width| word.slice(low, width).to_u64().unwrap();
    Refusal { position: part(0, position), lane: part(position, lane), group: part(position + lane, 32) }
}

fn read_pairs(sparsifier: &Sparsifier, word: &Value) -> Vec<(i64, i64)> {
    let (value, index) = (sparsifier.element, Type::index(sparsifier.m));
    let pair = |number: u32| {
        let low = number * (value.width() + index.width());
        let part = |low: u32, ty: Type| unpack(&word.slice(low, ty.width()), ty)[0];
        (part(low, value), part(low + value.width(), index))
    };
    (0..sparsifier.pairs()).map(pair).collect()
}

/// What leaves the sparsifier: words of pairs and refusals.
fn run(sparsifier: &Sparsifier, groups: &[Group], stalls: Stalls, engine: EngineKind) -> (Vec<Received>, Vec<Refusal>) {
    let mut simulator = Simulator::new(&elaborate(sparsifier).unwrap(), Options { engine, ..Options::default() }).unwrap();
    simulator.reset().unwrap();
    let up = simulator.source("up", stalls.up).unwrap();
    let pairs = simulator.sink("pairs", stalls.pairs).unwrap();
    let refusals = simulator.sink("refusals", stalls.refusals).unwrap();
    simulator.push_all(up, words(sparsifier, groups)).unwrap();
    simulator.run_until_quiet(200, 1_000_000).unwrap();
    let refusals = simulator.take_received(refusals).iter().map(|word| read_refusal(sparsifier, &word.value)).collect();
    (simulator.take_received(pairs), refusals)
}

/// Like [`run`], without stalls and with the pairs taken apart.
fn run_freely(sparsifier: &Sparsifier, groups: &[Group], engine: EngineKind) -> (Vec<Vec<(i64, i64)>>, Vec<Refusal>) {
    let (pairs, refusals) = run(sparsifier, groups, NO_STALLS, engine);
    (pairs.iter().map(|word| read_pairs(sparsifier, &word.value)).collect(), refusals)
}

fn elements() -> impl Strategy<Value = Type> {
    prop::sample::select(vec![Type::s(8), Type::u(8), Type::s(2), Type::u(2), Type::q(4, 4), Type::uq(0, 7), Type::s(24), Type::u(24)])
}

/// Raw numbers of a type, with many ties, zeros and extremes.
fn numbers(ty: Type) -> impl Strategy<Value = i64> + Clone {
    let (least, greatest) = raw_range(ty);
    let small = least.max(-2)..=greatest.min(2);
    let extremes = prop::sample::select(vec![least, least + 1, greatest]);
    prop_oneof![2 => least..=greatest, 3 => small, 2 => Just(0), 3 => extremes]
}

fn sparsifiers(form: SparsifierForm) -> impl Strategy<Value = Sparsifier> {
    let shapes = prop::sample::select(vec![2u32, 4, 8, 16, 32]).prop_flat_map(|m| (1..=m, Just(m)));
    (shapes, 1u32..=4, elements()).prop_map(move |((n, m), lanes, element)| Sparsifier { n, m, lanes, element, form })
}

/// Groups for a sparsifier: in the streaming form of any length and with any of their elements exact, in the parallel one whole.
fn groups(sparsifier: &Sparsifier) -> impl Strategy<Value = Vec<Group>> + use<> {
    let &Sparsifier { m, lanes, element, form, .. } = sparsifier;
    let shortest = if form == SparsifierForm::Streaming { 1 } else { m as usize };
    let position = (prop::collection::vec(numbers(element), lanes as usize), any::<bool>());
    let group = prop::collection::vec(position, shortest..=m as usize).prop_map(move |mut group| {
        let of_group = group[0].1;
        group.iter_mut().filter(|_| form == SparsifierForm::Parallel).for_each(|(_, exact)| *exact = of_group);
        group
    });
    prop::collection::vec(group, 1..12)
}

fn patterns() -> impl Strategy<Value = StallPattern> {
    prop_oneof![
        Just(StallPattern::Always),
        (0.1f64..1.0, any::<u64>()).prop_map(|(probability, seed)| StallPattern::Random { probability, seed }),
    ]
}

fn stalls() -> impl Strategy<Value = Stalls> {
    (patterns(), patterns(), patterns()).prop_map(|(up, pairs, refusals)| Stalls { up, pairs, refusals })
}

fn keeps_the_largest_and_refuses_the_first_excess(form: SparsifierForm, engine: EngineKind) {
    let cases = if engine == EngineKind::Compiled { 64 } else { 32 };
    let work = sparsifiers(form).prop_flat_map(|sparsifier| (groups(&sparsifier), Just(sparsifier)));
    proptest!(ProptestConfig::with_cases(cases), |((groups, sparsifier) in work, stalls in stalls())| {
        let (pairs, refused) = run(&sparsifier, &groups, stalls, engine);
        let pairs: Vec<_> = pairs.iter().map(|word| read_pairs(&sparsifier, &word.value)).collect();
        prop_assert_eq!(pairs, groups.iter().map(|group| sorted_pairs(&sparsifier, group)).collect::<Vec<_>>());
        let all = refusals(&sparsifier, &groups);
        prop_assert_eq!(refused.first(), all.first());
        if stalls.refusals == StallPattern::Always {
            prop_assert_eq!(refused, all);
        } else {
            // Those that came while one stood are not told, but what is told is true.
            let mut later = all.iter();
            prop_assert!(refused.iter().all(|refusal| later.any(|known| known == refusal)), "{refused:?} of {all:?}");
        }
    });
}

fn the_streaming_form_keeps_the_largest_and_refuses_the_first_excess_under_any_stall(engine: EngineKind) {
    keeps_the_largest_and_refuses_the_first_excess(SparsifierForm::Streaming, engine);
}

fn the_parallel_form_keeps_the_largest_and_refuses_the_first_excess_under_any_stall(engine: EngineKind) {
    keeps_the_largest_and_refuses_the_first_excess(SparsifierForm::Parallel, engine);
}

/// The cycles in which the pairs of ten whole groups leave, counted from the first cycle after reset.
fn cycles_of_ten_groups(sparsifier: &Sparsifier, engine: EngineKind) -> Vec<u64> {
    let group: Group = (0..i64::from(sparsifier.m)).map(|position| (vec![position; sparsifier.lanes as usize], false)).collect();
    let (pairs, _) = run(sparsifier, &vec![group; 10], NO_STALLS, engine);
    pairs.iter().map(|word| word.cycle).collect()
}

/// Asserts that words leave `first` cycles after the first that can, and then every `step` cycles.
#[track_caller]
fn assert_rate(cycles: &[u64], first: u64, step: u64) {
    // Reset takes the first cycle.
    assert_eq!(cycles, (0..cycles.len() as u64).map(|word| 1 + first + word * step).collect::<Vec<_>>());
}

fn the_streaming_form_takes_a_word_every_cycle(engine: EngineKind) {
    for (n, m) in [(1, 2), (2, 4), (4, 4), (2, 8), (1, 16), (16, 32)] {
        let sparsifier = Sparsifier { n, m, lanes: 3, element: Type::s(8), form: SparsifierForm::Streaming };
        let (last, latency) = (u64::from(m) - 1, u64::from(sparsifier.latency()));
        assert_rate(&cycles_of_ten_groups(&sparsifier, engine), last + latency, m.into());
    }
}

fn the_streaming_form_takes_a_group_of_one_every_cycle(engine: EngineKind) {
    let sparsifier = Sparsifier { n: 2, m: 4, lanes: 1, element: Type::s(8), form: SparsifierForm::Streaming };
    let (pairs, _) = run(&sparsifier, &vec![vec![(vec![5], false)]; 10], NO_STALLS, engine);
    assert_rate(&pairs.iter().map(|word| word.cycle).collect::<Vec<_>>(), 1, 1);
}

fn the_streaming_form_takes_all_but_the_last_of_a_group_while_the_one_before_waits(engine: EngineKind) {
    let sparsifier = Sparsifier { n: 2, m: 8, lanes: 1, element: Type::s(8), form: SparsifierForm::Streaming };
    let groups = vec![vec![(vec![1], false); 8]; 3];
    let mut simulator = Simulator::new(&elaborate(&sparsifier).unwrap(), Options { engine, ..Options::default() }).unwrap();
    simulator.reset().unwrap();
    let up = simulator.source("up", StallPattern::Always).unwrap();
    simulator.sink("pairs", StallPattern::Never).unwrap();
    simulator.sink("refusals", StallPattern::Always).unwrap();
    simulator.push_all(up, words(&sparsifier, &groups)).unwrap();
    let stuck = simulator.run_until_quiet(200, 1000).unwrap_err();
    assert!(matches!(stuck, systole_sim::RunError::Deadlock(_)), "{stuck}");
    let taken = simulator.stream_counts().into_iter().find(|count| count.path == "sparsifier.up").unwrap().transfers;
    assert_eq!(taken, 8 + 7);
}

fn the_parallel_form_takes_a_group_every_cycle(engine: EngineKind) {
    for (n, m) in [(1, 2), (2, 4), (4, 4), (2, 8), (1, 16)] {
        let sparsifier = Sparsifier { n, m, lanes: 3, element: Type::s(8), form: SparsifierForm::Parallel };
        assert_rate(&cycles_of_ten_groups(&sparsifier, engine), sparsifier.latency().into(), 1);
    }
}

fn a_third_nonzero_in_a_group_of_two_to_four_is_refused_with_group_lane_and_position(engine: EngineKind) {
    let group = |lanes: [[i64; 4]; 3], exact: bool| -> Group { (0..4).map(|at| (lanes.map(|lane| lane[at]).to_vec(), exact)).collect() };
    let two = [0, 7, 0, -8];
    let groups = [
        group([[1, 2, 3, 4]; 3], false),
        group([two; 3], true),
        group([two, [0, 9, 1, 1], [1, 1, 1, 1]], true),
        group([two, two, [1, 0, -1, 1]], true),
    ];
    for form in FORMS {
        let sparsifier = Sparsifier { n: 2, m: 4, lanes: 3, element: Type::s(8), form };
        let (pairs, refusals) = run_freely(&sparsifier, &groups, engine);
        assert_eq!(refusals, [Refusal { group: 2, lane: 1, position: 3 }, Refusal { group: 3, lane: 2, position: 3 }], "{form:?}");
        assert_eq!(pairs[2], [(-8, 3), (9, 1), (1, 0), (7, 1), (1, 2), (1, 1)], "{form:?}: pairs flow on");
        let (_, refusals) = run(&sparsifier, &groups, Stalls { refusals: StallPattern::Never, ..NO_STALLS }, engine);
        assert_eq!(refusals, [], "{form:?}");
    }
}

fn the_most_negative_number_is_the_largest_and_ties_go_to_the_lowest_index(engine: EngineKind) {
    let group: Group = [127, -128, -127, 127].map(|element| (vec![element], false)).into();
    for (form, element) in FORMS.into_iter().flat_map(|form| [Type::s(8), Type::q(4, 4)].map(|element| (form, element))) {
        let sparsifier = Sparsifier { n: 4, m: 4, lanes: 1, element, form };
        let (pairs, _) = run_freely(&sparsifier, std::slice::from_ref(&group), engine);
        assert_eq!(pairs, [[(-128, 1), (127, 0), (-127, 2), (127, 3)]], "{form:?} {element}");
    }
}

fn a_group_of_n_elements_passes_whole_and_a_shorter_one_leaves_slots_of_zeros(engine: EngineKind) {
    let sparsifier = Sparsifier { n: 2, m: 8, lanes: 1, element: Type::s(8), form: SparsifierForm::Streaming };
    let group = |elements: &[i64]| -> Group { elements.iter().map(|&element| (vec![element], true)).collect() };
    let groups = [group(&[3, -5]), group(&[9]), group(&[0, 4, 0, 0, 0, 0, 0, 6]), group(&[-1, 1])];
    let (pairs, refusals) = run_freely(&sparsifier, &groups, engine);
    assert_eq!(pairs, [[(-5, 1), (3, 0)], [(9, 0), (0, 0)], [(6, 7), (4, 1)], [(-1, 0), (1, 1)]]);
    assert_eq!(refusals, []);
}

/// The masks of some blocks.
fn masks(element: Type, blocks: &[[i64; 16]], stalls: [StallPattern; 2], engine: EngineKind) -> Vec<Received> {
    let design = elaborate(&TransposableSelector { element }).unwrap();
    let mut simulator = Simulator::new(&design, Options { engine, ..Options::default() }).unwrap();
    simulator.reset().unwrap();
    let source = simulator.source("blocks", stalls[0]).unwrap();
    let sink = simulator.sink("masks", stalls[1]).unwrap();
    simulator.push_all(source, blocks.iter().map(|block| pack(block, element))).unwrap();
    simulator.run_until_quiet(200, 1_000_000).unwrap();
    simulator.take_received(sink)
}

/// Of all masks with two ones in each row and column the lowest of those that keep most.
fn best_mask(block: &[i64; 16], allowed: &[u64]) -> u64 {
    let kept = |mask: u64| (0..16).filter(|place| mask >> place & 1 == 1).map(|place| i128::from(block[place]).abs()).sum::<i128>();
    *allowed.iter().min_by_key(|&&mask| (Reverse(kept(mask)), mask)).unwrap()
}

fn the_selected_mask_is_the_best_of_all_with_two_ones_in_each_row_and_column(engine: EngineKind) {
    let line = |mask: u64, places: [u64; 4]| places.iter().map(|place| mask >> place & 1).sum::<u64>() == 2;
    let rows_and_columns =
        |mask: &u64| (0..4).all(|n| line(*mask, [4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3]) && line(*mask, [n, n + 4, n + 8, n + 12]));
    let allowed: Vec<u64> = (0..1 << 16).filter(rows_and_columns).collect();
    let blocks =
        elements().prop_flat_map(|element| (Just(element), prop::collection::vec(prop::array::uniform16(numbers(element)), 1..40)));
    proptest!(ProptestConfig::with_cases(32), |((element, blocks) in blocks, up in patterns(), down in patterns())| {
        let masks: Vec<u64> = masks(element, &blocks, [up, down], engine).iter().map(|word| word.value.to_u64().unwrap()).collect();
        prop_assert_eq!(masks, blocks.iter().map(|block| best_mask(block, &allowed)).collect::<Vec<_>>());
    });
}

fn the_selector_takes_a_block_every_cycle(engine: EngineKind) {
    let masks = masks(Type::s(8), &[[1; 16]; 20], [StallPattern::Always; 2], engine);
    assert_rate(&masks.iter().map(|word| word.cycle).collect::<Vec<_>>(), TransposableSelector::LATENCY.into(), 1);
}
