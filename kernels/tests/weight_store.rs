//! The weight store against the matrix itself, in both directions.

#[macro_use]
mod engines;

use ndarray::Array2;
use proptest::prelude::*;
use systole_hdl::{Type, elaborate};
use systole_kernels::common::pack::{pack, unpack};
use systole_kernels::sparse::hardware::weight_store::{Reading, WeightStore};
use systole_sim::{EngineKind, Options, Received, Simulator, SinkHandle, SourceHandle, StallPattern};

on_each_engine! {
    jobs_send_the_matrix_and_its_transpose_in_the_stated_cycles,
    no_stall_pattern_changes_a_word_and_new_weights_replace_all_old_ones,
    weights_that_no_job_releases_stay,
    groups_that_padding_completes_end_and_one_cut_short_does_not,
}

/// A store with a driver on each of its streams.
struct Bench {
    store: WeightStore,
    simulator: Simulator,
    w: SourceHandle,
    job: SourceHandle,
    b: SinkHandle,
}

/// A word of stream `b`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Word {
    elements: Vec<i64>,
    ends: bool,
    exact: bool,
}

impl Bench {
    fn new(store: &WeightStore, engine: EngineKind, [w, job, b]: [StallPattern; 3]) -> Bench {
        let design = elaborate(store).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let mut simulator = Simulator::new(&design, Options { engine, ..Options::default() }).unwrap();
        let (w, job) = (simulator.source("w", w).unwrap(), simulator.source("job", job).unwrap());
        let b = simulator.sink("b", b).unwrap();
        Bench { store: store.clone(), simulator, w, job, b }
    }

    fn push_weights(&mut self, matrix: &Array2<i64>) {
        let words = self.store.fill_words(matrix.view()).map(|word| pack(&word, self.store.element));
        self.simulator.push_all(self.w, words).unwrap();
    }

    fn push_jobs(&mut self, readings: &[Reading]) {
        let jobs = readings.iter().map(|&reading| self.store.job(reading).unwrap());
        self.simulator.push_all(self.job, jobs).unwrap();
    }

    /// Runs until nothing has moved for long.
    fn run(&mut self) -> Vec<Received> {
        self.simulator.run_until_quiet(200, 1_000_000).unwrap_or_else(|error| panic!("{error}"));
        self.simulator.take_received(self.b)
    }

    fn words(&self, received: &[Received]) -> Vec<Word> {
        let width = self.store.banks * self.store.element.width();
        let word = |Received { value, .. }: &Received| Word {
            elements: unpack(&value.slice(0, width), self.store.element),
            ends: value.bit(width),
            exact: value.bit(width + 1),
        };
        received.iter().map(word).collect()
    }
}

/// The words of a reading, from the matrix that the store was given.
fn expected(store: &WeightStore, matrix: &Array2<i64>, reading: &Reading) -> Vec<Word> {
    let matrix = if reading.transposed { matrix.t() } else { matrix.view() };
    let lanes = store.banks as usize;
    let mut words = Vec::new();
    for _ in 0..reading.repeats {
        for tile in 0..reading.lane_tiles as usize {
            for row in 0..(reading.rows + reading.padding) as usize {
                let element = |lane: usize| {
                    let stored = row < reading.rows as usize;
                    matrix.get([row, tile * lanes + lane]).copied().filter(|_| stored).unwrap_or(0)
                };
                let ends = (row + 1) % reading.group as usize == 0;
                words.push(Word { elements: (0..lanes).map(element).collect(), ends, exact: false });
            }
        }
    }
    words
}

fn stores() -> impl Strategy<Value = WeightStore> {
    let elements = prop::sample::select(vec![Type::s(8), Type::s(3), Type::u(4), Type::q(4, 8)]);
    (1u32..=9, 1u32..=4, 1u32..=4, elements).prop_map(|(banks, input_tiles, output_tiles, element)| WeightStore {
        banks,
        input_tiles,
        output_tiles,
        element,
    })
}

/// A matrix that fills the store or lacks up to a tile of it, along either axis.
fn matrices(store: &WeightStore) -> impl Strategy<Value = Array2<i64>> + use<> {
    let [banks, inputs, outputs] = [store.banks, store.input_tiles * store.banks, store.output_tiles * store.banks].map(|n| n as usize);
    let element = store.element;
    let states = 1i64 << element.width();
    let least = if element.is_signed() { -states / 2 } else { 0 };
    (inputs - banks + 1..=inputs, outputs - banks + 1..=outputs).prop_flat_map(move |(inputs, outputs)| {
        prop::collection::vec(least..least + states, inputs * outputs)
            .prop_map(move |elements| Array2::from_shape_vec((inputs, outputs), elements).unwrap())
    })
}

/// One to three readings, and the whole matrix in both directions, which releases the weights.
fn readings(store: &WeightStore) -> impl Strategy<Value = Vec<Reading>> + use<> {
    let WeightStore { banks, input_tiles, output_tiles, .. } = *store;
    let reading = any::<bool>().prop_flat_map(move |transposed| {
        let (lanes, along) = if transposed { (input_tiles, output_tiles) } else { (output_tiles, input_tiles) };
        (1u32..4, 1..=lanes, 0..=along * banks, 0u32..8, 1u32..=8).prop_map(move |(repeats, lane_tiles, rows, padding, group)| {
            let releases = false;
            let padding = if rows == 0 { padding.max(1) } else { padding };
            Reading { transposed, repeats, lane_tiles, rows, padding, group, releases }
        })
    });
    let rest = [whole(store, false), Reading { releases: true, ..whole(store, true) }];
    prop::collection::vec(reading, 1..4).prop_map(move |readings| [readings, rest.to_vec()].concat())
}

/// A matrix and what is read of it.
#[derive(Clone, Debug)]
struct Round {
    matrix: Array2<i64>,
    readings: Vec<Reading>,
}

/// One to three rounds, and their store.
fn rounds() -> impl Strategy<Value = (Vec<Round>, WeightStore)> {
    stores().prop_flat_map(|store| {
        let round = (matrices(&store), readings(&store)).prop_map(|(matrix, readings)| Round { matrix, readings });
        (prop::collection::vec(round, 1..4), Just(store))
    })
}

/// The whole matrix that fills a store, in one direction.
fn whole(store: &WeightStore, transposed: bool) -> Reading {
    let (lane_tiles, along) = if transposed { (store.input_tiles, store.output_tiles) } else { (store.output_tiles, store.input_tiles) };
    Reading { transposed, repeats: 1, lane_tiles, rows: along * store.banks, padding: 0, group: 1, releases: false }
}

/// A way to stall, never for good.
fn stalls() -> impl Strategy<Value = StallPattern> {
    prop_oneof![
        Just(StallPattern::Always),
        (0.1..1.0, any::<u64>()).prop_map(|(probability, seed)| StallPattern::Random { probability, seed }),
        (1..5u32, 0..5u32).prop_map(|(on, off)| StallPattern::Bursts { on, off }),
    ]
}

const NO_STALLS: [StallPattern; 3] = [StallPattern::Always; 3];

/// Offers all weights and all jobs of some rounds at once; gives what is received, and the words that are due.
fn run_rounds(bench: &mut Bench, rounds: &[Round]) -> (Vec<Received>, Vec<Word>) {
    let mut due = Vec::new();
    for Round { matrix, readings } in rounds {
        bench.push_weights(matrix);
        bench.push_jobs(readings);
        due.extend(readings.iter().flat_map(|reading| expected(&bench.store, matrix, reading)));
    }
    (bench.run(), due)
}

fn jobs_send_the_matrix_and_its_transpose_in_the_stated_cycles(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(64), |((rounds, store) in rounds())| {
        let mut bench = Bench::new(&store, engine, NO_STALLS);
        let (received, due) = run_rounds(&mut bench, &rounds);
        prop_assert_eq!(bench.words(&received), due);

        // The cycle in which the round's first word of weights comes.
        let mut filling = 0;
        let mut received = received.iter();
        for Round { readings, .. } in &rounds {
            let first_job = filling + store.words();
            let words: u64 = readings.iter().map(Reading::words).sum();
            for word in 1..=words {
                prop_assert_eq!(received.next().unwrap().cycle, first_job + word + WeightStore::LATENCY);
            }
            filling = first_job + words + 1;
        }
    });
}

fn no_stall_pattern_changes_a_word_and_new_weights_replace_all_old_ones(engine: EngineKind) {
    proptest!(ProptestConfig::with_cases(64), |((rounds, store) in rounds(), patterns in prop::array::uniform3(stalls()))| {
        let mut bench = Bench::new(&store, engine, patterns);
        let (received, due) = run_rounds(&mut bench, &rounds);
        prop_assert_eq!(bench.words(&received), due);
    });
}

fn weights_that_no_job_releases_stay(engine: EngineKind) {
    let store = WeightStore { banks: 3, input_tiles: 2, output_tiles: 1, element: Type::s(8) };
    let matrix = |first: i64| Array2::from_shape_fn((6, 3), |(row, column)| first + 3 * row as i64 + column as i64);
    let (old, new) = (matrix(0), matrix(50));
    let mut bench = Bench::new(&store, engine, NO_STALLS);
    bench.push_weights(&old);
    bench.push_weights(&new);
    let forward = whole(&store, false);
    for releases in [false, false, true] {
        bench.simulator.step(50).unwrap();
        assert_eq!(bench.simulator.sent(bench.w), store.words());
        bench.push_jobs(&[Reading { releases, ..forward }]);
    }
    bench.push_jobs(&[forward]);
    let received = bench.run();
    let [old, new] = [&old, &new].map(|matrix| expected(&store, matrix, &forward));
    assert_eq!(bench.words(&received), [old.clone(), old.clone(), old, new].concat());
}

fn groups_that_padding_completes_end_and_one_cut_short_does_not(engine: EngineKind) {
    let store = WeightStore { banks: 2, input_tiles: 3, output_tiles: 2, element: Type::s(8) };
    let matrix = Array2::from_elem((6, 4), -1);
    let ends = |reading: Reading| -> String {
        let mut bench = Bench::new(&store, engine, NO_STALLS);
        bench.push_weights(&matrix);
        bench.push_jobs(&[reading]);
        let received = bench.run();
        bench.words(&received).iter().map(|word| if word.ends { '|' } else { '.' }).collect()
    };
    let reading = Reading { transposed: false, repeats: 2, lane_tiles: 2, rows: 5, padding: 3, group: 4, releases: false };
    assert_eq!(ends(reading), "...|...|".repeat(4));
    assert_eq!(ends(Reading { padding: 1, ..reading }), "...|..".repeat(4));
    assert_eq!(ends(Reading { group: 1, ..reading }), "|".repeat(32));
    assert_eq!(ends(Reading { group: 32, ..reading }), ".".repeat(32));
}

#[test]
fn the_matrix_is_stored_once_in_banks_of_equal_size() {
    let store = WeightStore { banks: 6, input_tiles: 3, output_tiles: 2, element: Type::s(8) };
    let design = elaborate(&store).unwrap();
    let memories: Vec<(u64, u32)> = design
        .modules
        .iter()
        .zip(design.instance_counts())
        .flat_map(|(module, count)| module.memories.iter().map(move |memory| (count, memory.depth)))
        .collect();
    assert_eq!(memories, [(6, 3 * 2 * 6)]);
    assert_eq!(design.statistics().memory_bits, 18 * 12 * 8);
}

#[test]
fn a_store_for_any_number_of_columns_elaborates_and_no_other() {
    let elaborated = |banks, input_tiles| {
        let design = elaborate(&WeightStore { banks, input_tiles, output_tiles: 2, element: Type::s(8) });
        design
            .inspect(|design| design.validate().unwrap())
            .map_err(|diagnostics| diagnostics.0.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>().join("; "))
    };
    for banks in [1, 2, 16, 100, 255, 256] {
        elaborated(banks, 1).unwrap_or_else(|message| panic!("{banks}: {message}"));
    }
    for banks in [0, 257] {
        assert_eq!(elaborated(banks, 1).unwrap_err(), "a weight store of no or too many banks");
    }
    assert_eq!(elaborated(4, 0).unwrap_err(), "a weight store without a tile");
    assert_eq!(elaborated(256, 1 << 20).unwrap_err(), "a weight store of too many tiles");
}

#[test]
fn a_reading_beyond_the_store_is_refused_with_the_range_it_takes() {
    let store = WeightStore { banks: 4, input_tiles: 3, output_tiles: 2, element: Type::s(8) };
    let forward = whole(&store, false);
    let refused = |reading| store.job(reading).unwrap_err().to_string();
    assert!(store.job(forward).is_ok() && store.job(whole(&store, true)).is_ok());
    assert_eq!(refused(Reading { transposed: true, ..forward }), "`rows` of a reading is 12; this store takes 0 to 8");
    assert_eq!(refused(Reading { lane_tiles: 3, ..forward }), "`lane_tiles` of a reading is 3; this store takes 1 to 2");
    assert_eq!(refused(Reading { repeats: 0, ..forward }), "`repeats` of a reading is 0; this store takes 1 to 65535");
    assert_eq!(refused(Reading { rows: 0, ..forward }), "`padding` of a reading is 0; this store takes 1 to 65535");
    assert_eq!(refused(Reading { group: 33, ..forward }), "`group` of a reading is 33; this store takes 1 to 32");
}

#[test]
fn a_matrix_is_sent_by_rows_with_zeros_where_it_is_smaller_than_the_store() {
    let store = WeightStore { banks: 2, input_tiles: 1, output_tiles: 2, element: Type::s(8) };
    let words: Vec<Vec<i64>> = store.fill_words(ndarray::array![[1, 2, 3]].view()).collect();
    assert_eq!(words, [[1, 2], [3, 0], [0, 0], [0, 0]]);
    assert_eq!(words.len() as u64, store.words());
}
