//! Every part of the library, under every stall.

use proptest::prelude::*;
use systole_hdl::design::StreamDirection;
use systole_hdl::library::{
    Deserializer, Fifo, RoundRobinArbiter, Serializer, SkidBuffer, counter, fork, join, loop_counter, pipeline_stage,
};
use systole_hdl::prelude::*;
use systole_sim::StallPattern;

use super::Bench;
use super::protocol::{border, is_cut_from_side_to_side};
use super::streams::{StreamBench, gaps, stalls, words};

const ALWAYS: StallPattern = StallPattern::Always;

bundle! { struct UpIn { up: Stream } }
bundle! { struct DownOut { down: Stream } }

/// A pipeline stage that adds three.
#[derive(Debug)]
struct Stage;

impl Component for Stage {
    type In = UpIn;
    type Out = DownOut;

    fn inputs(&self) -> UpIn {
        UpIn { up: Stream::port(Type::u(8)) }
    }

    fn build(&self, m: Module, i: UpIn) -> DownOut {
        DownOut { down: pipeline_stage(m, "stage", i.up, |word| word + 3) }
    }
}

/// Words that pass through a part with one stream in and one out.
fn passed(component: &impl Component, sent: &[u64], source: StallPattern, sink: StallPattern) -> Vec<u64> {
    StreamBench::new(component, &[("up", sent, source)], &[("down", sink)]).words().remove(0)
}

fn bytes() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..256u64, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn skid_buffer_loses_nothing_under_any_stall(sent in bytes(), source in stalls(), sink in stalls()) {
        prop_assert_eq!(passed(&SkidBuffer { ty: Type::u(8) }, &sent, source, sink), sent);
    }

    #[test]
    fn pipeline_stage_applies_its_function_once_to_every_word(sent in bytes(), source in stalls(), sink in stalls()) {
        let expected: Vec<u64> = sent.iter().map(|word| (word + 3) % 256).collect();
        prop_assert_eq!(passed(&Stage, &sent, source, sink), expected);
    }

    #[test]
    fn fifo_keeps_every_word_in_order(depth in 1..9u32, sent in bytes(), source in stalls(), sink in stalls()) {
        prop_assert_eq!(passed(&Fifo { ty: Type::u(8), depth }, &sent, source, sink), sent);
    }

    #[test]
    fn fifo_level_is_what_entered_and_has_not_left(depth in 1..9u32, sent in bytes(), source in stalls(), sink in stalls()) {
        let mut bench = StreamBench::new(&Fifo { ty: Type::u(8), depth }, &[("up", &sent, source)], &[("down", sink)]);
        let level = bench.sim.output("level").unwrap();
        for _ in 0..60 {
            let inside = bench.sim.sent(bench.sources[0]) - bench.sim.received(bench.sinks[0]).len() as u64;
            prop_assert_eq!(bench.sim.get_u64(level).unwrap(), inside);
            prop_assert!(inside <= u64::from(depth));
            bench.sim.step(1).unwrap();
        }
    }

    #[test]
    fn fork_gives_every_copy_each_word_once(sent in bytes(), source in stalls(), sinks in prop::collection::vec(stalls(), 1..5)) {
        let names: Vec<String> = (0..sinks.len()).map(|copy| format!("down_{copy}")).collect();
        let outputs: Vec<_> = names.iter().map(String::as_str).zip(sinks.iter().copied()).collect();
        let mut bench = StreamBench::new(&Forked { copies: sinks.len() }, &[("up", &sent, source)], &outputs);
        for received in bench.words() {
            prop_assert_eq!(&received, &sent);
        }
    }

    #[test]
    fn join_pairs_words_in_order(pairs in prop::collection::vec((0..256u64, 0..16u64), 0..40), a in stalls(), b in stalls(), sink in stalls()) {
        let (left, right): (Vec<u64>, Vec<u64>) = pairs.iter().copied().unzip();
        let mut bench = StreamBench::new(&Joined, &[("a", &left, a), ("b", &right, b)], &[("down", sink)]);
        let expected: Vec<u64> = pairs.iter().map(|(a, b)| a << 4 | b).collect();
        prop_assert_eq!(&bench.words()[0], &expected);
    }

    #[test]
    fn serializer_sends_the_least_significant_lane_first(lanes in 1..6u32, sent in prop::collection::vec(any::<u64>(), 0..12), source in stalls(), sink in stalls()) {
        let sent: Vec<u64> = sent.iter().map(|word| word % (1 << (4 * lanes))).collect();
        let expected: Vec<u64> = sent.iter().flat_map(|word| (0..lanes).map(move |lane| word >> (4 * lane) & 15)).collect();
        prop_assert_eq!(passed(&Serializer { lane: Type::u(4), lanes }, &sent, source, sink), expected);
    }

    #[test]
    fn deserializer_gathers_whole_words(lanes in 1..6usize, sent in prop::collection::vec(0..16u64, 0..40), source in stalls(), sink in stalls()) {
        let word = |lanes: &[u64]| lanes.iter().rev().fold(0, |word, lane| word << 4 | lane);
        let expected: Vec<u64> = sent.chunks_exact(lanes).map(word).collect();
        let part = Deserializer { lane: Type::u(4), lanes: lanes as u32 };
        prop_assert_eq!(passed(&part, &sent, source, sink), expected);
    }
}

#[test]
fn stages_and_buffers_run_at_full_rate_with_one_cycle_of_latency() {
    let sent: Vec<u64> = (0..20).collect();
    let check = |mut bench: StreamBench, name: &str| {
        let received = bench.run().remove(0);
        assert_eq!((received[0].cycle, received.len()), (1, 20), "{name}");
        assert!(gaps(&received).iter().all(|&gap| gap == 1), "{name}");
    };
    check(StreamBench::new(&SkidBuffer { ty: Type::u(8) }, &[("up", &sent, ALWAYS)], &[("down", ALWAYS)]), "skid buffer");
    check(StreamBench::new(&Stage, &[("up", &sent, ALWAYS)], &[("down", ALWAYS)]), "pipeline stage");
    for depth in 2..6 {
        check(StreamBench::new(&Fifo { ty: Type::u(8), depth }, &[("up", &sent, ALWAYS)], &[("down", ALWAYS)]), "FIFO");
    }
}

#[test]
fn a_fifo_of_one_word_moves_a_word_every_other_cycle() {
    let sent: Vec<u64> = (0..10).collect();
    let mut bench = StreamBench::new(&Fifo { ty: Type::u(8), depth: 1 }, &[("up", &sent, ALWAYS)], &[("down", ALWAYS)]);
    assert!(gaps(&bench.run()[0]).iter().all(|&gap| gap == 2));
}

#[test]
fn fifo_holds_exactly_its_depth() {
    let sent: Vec<u64> = (0..20).collect();
    for depth in 1..12u32 {
        let mut bench = StreamBench::new(&Fifo { ty: Type::u(8), depth }, &[("up", &sent, ALWAYS)], &[("down", StallPattern::Never)]);
        bench.sim.step(40).unwrap();
        assert_eq!(bench.sim.sent(bench.sources[0]), u64::from(depth));
        let marks = bench.sim.high_water_marks();
        assert_eq!((marks[0].high_water, marks[0].capacity), (u64::from(depth), depth));
    }
}

#[test]
fn skid_buffer_and_fifo_cut_every_path_from_side_to_side() {
    assert!(is_cut_from_side_to_side(&elaborate(&SkidBuffer { ty: Type::u(8) }).unwrap()));
    assert!(is_cut_from_side_to_side(&elaborate(&Fifo { ty: Type::u(8), depth: 3 }).unwrap()));
    assert!(!is_cut_from_side_to_side(&elaborate(&Stage).unwrap()), "a pipeline stage lets `ready` through");
}

/// Copies of a stream.
#[derive(Debug)]
struct Forked {
    copies: usize,
}
bundle! { struct ForkedOut { down: Vec<Stream> } }

impl Component for Forked {
    type In = UpIn;
    type Out = ForkedOut;

    fn inputs(&self) -> UpIn {
        UpIn { up: Stream::port(Type::u(8)) }
    }

    fn build(&self, m: Module, i: UpIn) -> ForkedOut {
        ForkedOut { down: fork(m, "copy", i.up, self.copies) }
    }
}

/// Pairs of words.
#[derive(Debug)]
struct Joined;
bundle! { struct JoinedIn { a: Stream, b: Stream } }

impl Component for Joined {
    type In = JoinedIn;
    type Out = DownOut;

    fn inputs(&self) -> JoinedIn {
        JoinedIn { a: Stream::port(Type::u(8)), b: Stream::port(Type::u(4)) }
    }

    fn build(&self, m: Module, i: JoinedIn) -> DownOut {
        DownOut { down: join(m, "pair", i.a, i.b) }
    }
}

#[test]
fn fork_and_join_run_at_full_rate() {
    let sent: Vec<u64> = (0..16).collect();
    let mut forked =
        StreamBench::new(&Forked { copies: 3 }, &[("up", &sent, ALWAYS)], &[("down_0", ALWAYS), ("down_1", ALWAYS), ("down_2", ALWAYS)]);
    let mut joined = StreamBench::new(&Joined, &[("a", &sent, ALWAYS), ("b", &sent, ALWAYS)], &[("down", ALWAYS)]);
    for received in forked.run().into_iter().chain(joined.run()) {
        assert_eq!(received.len(), 16);
        assert!(gaps(&received).iter().all(|&gap| gap == 1));
    }
}

#[test]
fn width_adapters_run_at_full_rate() {
    let words: Vec<u64> = (0..8).collect();
    let mut serial = StreamBench::new(&Serializer { lane: Type::u(4), lanes: 3 }, &[("up", &words, ALWAYS)], &[("down", ALWAYS)]);
    assert!(gaps(&serial.run()[0]).iter().all(|&gap| gap == 1), "a lane in every cycle");
    let lanes: Vec<u64> = (0..24).map(|lane| lane % 16).collect();
    let mut parallel = StreamBench::new(&Deserializer { lane: Type::u(4), lanes: 3 }, &[("up", &lanes, ALWAYS)], &[("down", ALWAYS)]);
    assert!(gaps(&parallel.run()[0]).iter().all(|&gap| gap == 3), "a word in every three cycles");
}

/// The input number that an arbiter's word carries in its upper bits.
fn tagged(input: usize, count: usize) -> Vec<u64> {
    (0..count as u64).map(|word| (input as u64) << 5 | word).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arbiter_loses_nothing_keeps_order_and_makes_nobody_wait_longer_than_a_round(
        inputs in prop::collection::vec((0..20usize, stalls()), 1..6), sink in stalls(),
    ) {
        let names: Vec<String> = (0..inputs.len()).map(|input| format!("up_{input}")).collect();
        let sent: Vec<Vec<u64>> = inputs.iter().enumerate().map(|(input, (count, _))| tagged(input, *count)).collect();
        let sources: Vec<_> = names.iter().zip(&sent).zip(&inputs).map(|((name, words), (_, stalls))| (name.as_str(), words.as_slice(), *stalls)).collect();
        let arbiter = RoundRobinArbiter { ty: Type::u(8), inputs: inputs.len() as u32 };
        let mut bench = StreamBench::new(&arbiter, &sources, &[("down", sink)]);

        let valid: Vec<_> = names.iter().map(|name| bench.sim.input(&format!("{name}_valid")).unwrap()).collect();
        let from = bench.sim.output("from").unwrap();
        // How many words of others have passed since an input has been offering its word.
        let mut passed = vec![0; inputs.len()];
        let mut received = 0;
        for _ in 0..10_000 {
            if received == sent.iter().map(Vec::len).sum::<usize>() {
                break;
            }
            let offers: Vec<bool> = valid.iter().map(|&port| bench.sim.get_u64(port).unwrap() == 1).collect();
            let served = bench.sim.get_u64(from).unwrap() as usize;
            bench.sim.step(1).unwrap();
            let words = bench.sim.received(bench.sinks[0]);
            if words.len() == received {
                continue;
            }
            prop_assert_eq!(words[received].value.to_u64().unwrap() >> 5, served as u64, "`from` names the input served");
            received += 1;
            for (input, passed) in passed.iter_mut().enumerate() {
                *passed = if input == served || !offers[input] { 0 } else { *passed + 1 };
                prop_assert!(*passed < inputs.len(), "input {} waited for {} words of others", input, passed);
            }
        }
        let all = words(bench.sim.received(bench.sinks[0]));
        for (input, sent) in sent.iter().enumerate() {
            let mine: Vec<u64> = all.iter().copied().filter(|word| word >> 5 == input as u64).collect();
            prop_assert_eq!(&mine, sent);
        }
    }
}

#[test]
fn arbiter_serves_in_turn_at_full_rate() {
    let sent: Vec<Vec<u64>> = (0..3).map(|input| tagged(input, 4)).collect();
    let sources = [("up_0", sent[0].as_slice(), ALWAYS), ("up_1", &sent[1], ALWAYS), ("up_2", &sent[2], ALWAYS)];
    let mut bench = StreamBench::new(&RoundRobinArbiter { ty: Type::u(8), inputs: 3 }, &sources, &[("down", ALWAYS)]);
    let received = bench.run().remove(0);
    assert!(gaps(&received).iter().all(|&gap| gap == 1));
    let turns: Vec<u64> = words(&received).iter().map(|word| word >> 5).collect();
    assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
}

/// A counter with its ports.
#[derive(Debug)]
struct Counts {
    states: u32,
}
bundle! { struct CountsIn { advance: Signal } }
bundle! { struct CountsOut { value: Signal, last: Signal } }

impl Component for Counts {
    type In = CountsIn;
    type Out = CountsOut;

    fn inputs(&self) -> CountsIn {
        CountsIn { advance: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: CountsIn) -> CountsOut {
        let counter = counter(m, "count", self.states, i.advance);
        CountsOut { value: counter.value, last: counter.last }
    }
}

#[test]
fn counter_goes_round_its_states_and_waits_when_told() {
    for states in 1..10u32 {
        let mut bench = Bench::new(&Counts { states });
        let mut count = 0;
        for cycle in 0..40u32 {
            let advance = cycle % 3 != 1;
            bench.set("advance", u32::from(advance));
            assert_eq!(bench.get("value"), count.into());
            assert_eq!(bench.get("last"), u32::from(count == states - 1).into());
            bench.step();
            count = if advance { (count + 1) % states } else { count };
        }
    }
}

/// A loop with its ports, which `advance` steps.
#[derive(Debug)]
struct Loops;
bundle! { struct LoopsIn { rounds: Signal, advance: Signal } }
bundle! { struct LoopsOut { round: Signal, first: Signal, last: Signal } }

impl Component for Loops {
    type In = LoopsIn;
    type Out = LoopsOut;

    fn inputs(&self) -> LoopsIn {
        LoopsIn { rounds: port(Type::u(4)), advance: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: LoopsIn) -> LoopsOut {
        let count = loop_counter(m, "round", i.rounds);
        m.when(i.advance, || count.step());
        LoopsOut { round: *count.round, first: count.first, last: count.last }
    }
}

#[test]
fn loop_counter_goes_round_as_often_as_told_from_loop_to_loop() {
    let mut bench = Bench::new(&Loops);
    for rounds in [1u32, 3, 15, 2, 1, 4] {
        bench.set("rounds", rounds);
        for round in 0..rounds {
            for advance in [0u32, 1] {
                bench.set("advance", advance);
                assert_eq!(bench.get("round"), round.into());
                assert_eq!(bench.get("first"), u32::from(round == 0).into());
                assert_eq!(bench.get("last"), u32::from(round == rounds - 1).into());
                bench.step();
            }
        }
    }
}

#[test]
fn every_part_shows_its_streams_at_the_border() {
    let design = elaborate(&RoundRobinArbiter { ty: Type::u(8), inputs: 3 }).unwrap();
    assert_eq!(border(&design, StreamDirection::Input).len(), 3);
    assert_eq!(border(&design, StreamDirection::Output).len(), 1);
    assert!(border(&design, StreamDirection::Internal).is_empty());
}
