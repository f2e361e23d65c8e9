//! Sources, sinks and counters.

use proptest::prelude::*;
use systole_hdl::library::fifo;
use systole_hdl::prelude::*;
use systole_sim::{HighWater, Options, SimError, Simulator, StallPattern, StreamCount};

/// Two FIFOs one after the other.
#[derive(Clone, Debug)]
struct Chain {
    ty: Type,
    depths: [u32; 2],
}
bundle! { struct ChainIn { a: Stream } }
bundle! { struct ChainOut { b: Stream } }

impl Component for Chain {
    type In = ChainIn;
    type Out = ChainOut;

    fn inputs(&self) -> ChainIn {
        ChainIn { a: Stream::port(self.ty) }
    }

    fn build(&self, m: Module, i: ChainIn) -> ChainOut {
        let between = fifo(m, "first", i.a, self.depths[0]);
        ChainOut { b: fifo(m, "second", between, self.depths[1]) }
    }
}

fn chain(ty: Type, depths: [u32; 2]) -> Simulator {
    Simulator::new(&elaborate(&Chain { ty, depths }).unwrap(), Options::default()).unwrap()
}

fn pattern() -> impl Strategy<Value = StallPattern> {
    prop_oneof![
        Just(StallPattern::Always),
        (0.1f64..1.0, any::<u64>()).prop_map(|(probability, seed)| StallPattern::Random { probability, seed }),
        (1u32..5, 0u32..5).prop_map(|(on, off)| StallPattern::Bursts { on, off }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_word_arrives_once_and_in_order_under_any_stalls(
        wide in any::<bool>(), depths in [1u32..5, 1u32..5], words in prop::collection::vec(any::<u8>(), 0..60), sends in pattern(), takes in pattern(),
    ) {
        let ty = if wide { Type::u(130) } else { Type::u(8) };
        let mut sim = chain(ty, depths);
        let (source, sink) = (sim.source("a", sends).unwrap(), sim.sink("b", takes).unwrap());
        sim.push_all(source, words.iter().copied()).unwrap();
        sim.run_until_received(sink, words.len(), 100_000).unwrap();
        let received: Vec<u64> = sim.received(sink).iter().map(|word| word.value.to_u64().unwrap()).collect();
        prop_assert_eq!(received, words.iter().copied().map(u64::from).collect::<Vec<_>>());
        prop_assert!(sim.received(sink).is_sorted_by(|a, b| a.cycle < b.cycle));
        prop_assert_eq!((sim.pending(source), sim.sent(source)), (0, words.len() as u64));
        for count in sim.stream_counts() {
            prop_assert_eq!(count.transfers, words.len() as u64, "{}", count.path);
            prop_assert!(count.transfers + count.stalled + count.starved <= sim.cycle());
        }
    }

    #[test]
    fn an_offered_word_stays_until_it_is_taken(sends in pattern(), takes in pattern()) {
        let mut sim = chain(Type::u(8), [1, 1]);
        let (source, _) = (sim.source("a", sends).unwrap(), sim.sink("b", takes).unwrap());
        sim.push_all(source, 1..=20u8).unwrap();
        let [valid, ready, data] = ["a_valid", "a_ready", "a_data"].map(|name| sim.signal(name).unwrap());
        let mut stalled_word = None;
        for _ in 0..100 {
            let [valid, ready, data] = [valid, ready, data].map(|signal| sim.get_u64(signal).unwrap());
            if let Some(word) = stalled_word {
                prop_assert_eq!((valid, data), (1, word));
            }
            stalled_word = (valid == 1 && ready == 0).then_some(data);
            sim.step(1).unwrap();
        }
    }
}

#[test]
fn each_cycle_of_a_stream_is_counted_as_what_it_was() {
    let mut sim = chain(Type::u(8), [2, 3]);
    let source = sim.source("a", StallPattern::Always).unwrap();
    sim.push_all(source, 1..=10u8).unwrap();
    // Nothing takes the words: five fill the FIFOs, one a cycle; then the sixth stalls.
    sim.step(9).unwrap();
    let count = |path: &str, transfers, stalled, starved| StreamCount { path: path.to_string(), transfers, stalled, starved };
    let counts: Vec<StreamCount> = sim.stream_counts();
    assert_eq!(counts, [count("chain.a", 5, 4, 0), count("chain.b", 0, 7, 0), count("chain.first.down", 3, 5, 1)]);
    let mark = |path: &str, high_water, capacity| HighWater { path: path.to_string(), high_water, capacity };
    assert_eq!(sim.high_water_marks(), [mark("chain.first", 2, 2), mark("chain.second", 3, 3)]);
    sim.clear_counts();
    assert_eq!(sim.stream_counts()[0], count("chain.a", 0, 0, 0));
}

#[test]
fn nothing_is_sent_taken_or_counted_in_reset() {
    let mut sim = chain(Type::u(8), [2, 2]);
    let (source, sink) = (sim.source("a", StallPattern::Always).unwrap(), sim.sink("b", StallPattern::Always).unwrap());
    sim.push_all(source, 1..=3u8).unwrap();
    sim.reset().unwrap();
    assert_eq!((sim.pending(source), sim.received(sink).len()), (3, 0));
    assert!(sim.stream_counts().iter().all(|count| (count.transfers, count.stalled, count.starved) == (0, 0, 0)));
    sim.run_until_received(sink, 3, 100).unwrap();
    assert_eq!(sim.sent_between(source), Some((1, 3)));
    assert_eq!(sim.received(sink)[0].cycle, 3);
}

#[test]
fn words_may_be_pushed_while_running() {
    let mut sim = chain(Type::u(8), [2, 2]);
    let (source, sink) = (sim.source("a", StallPattern::Always).unwrap(), sim.sink("b", StallPattern::Always).unwrap());
    for word in 0..5u8 {
        sim.push(source, word).unwrap();
        sim.step(3).unwrap();
    }
    assert_eq!(sim.take_received(sink).iter().map(|word| word.cycle).collect::<Vec<_>>(), [2, 5, 8, 11, 14]);
    assert!(sim.received(sink).is_empty());
}

#[test]
fn a_run_ends_when_all_is_sent_and_quiet() {
    let mut sim = chain(Type::u(8), [2, 2]);
    let (source, sink) = (sim.source("a", StallPattern::Always).unwrap(), sim.sink("b", StallPattern::Always).unwrap());
    sim.push_all(source, 0..7u8).unwrap();
    sim.run_until_quiet(80, 1000).unwrap();
    assert_eq!(sim.received(sink).len(), 7);
}

#[test]
fn a_driver_on_the_wrong_stream_is_refused() {
    let mut sim = chain(Type::u(8), [2, 2]);
    let error = |result: Result<(), SimError>| result.unwrap_err().to_string();
    let always = StallPattern::Always;
    assert_eq!(error(sim.source("b", always).map(drop)), "stream `b` runs output: it needs a sink");
    assert_eq!(
        error(sim.source("c", always).map(drop)),
        "the top module has no input stream `c`, nor ports `c_data`, `c_valid` and `c_ready`"
    );
    let never = StallPattern::Random { probability: 2.0, seed: 0 };
    assert_eq!(error(sim.source("a", never).map(drop)), "stream `a`: the probability of being active must be 0 to 1, not 2");
    let source = sim.source("a", always).unwrap();
    assert_eq!(error(sim.source("a", always).map(drop)), "stream `a` has a driver already");
    assert_eq!(error(sim.push(source, 256)), "`a`: 256 does not fit u8, which takes 0 to 255");
    let valid = sim.input("a_valid").unwrap();
    assert_eq!(error(sim.set(valid, true)), "input `a_valid` is driven by the driver of stream `a`");
}
