//! Deadlocks are found and explained; what is none is not taken for one.

use std::ops::ControlFlow;

use systole_hdl::library::{fifo, fork, join};
use systole_hdl::prelude::*;
use systole_sim::{Options, RunError, Simulator, StallPattern};

/// The stream goes two ways: straight into a FIFO, and through a unit that takes `group` words before it gives `group`
/// copies of their sum. Both meet again, so the FIFO must hold `group` words.
#[derive(Clone, Debug)]
struct Rejoin {
    group: u32,
    depth: u32,
    /// A counter that nothing reads beside it, so that the circuit is never at rest.
    clock: bool,
}
bundle! { struct RejoinIn { a: Stream } }
bundle! { struct RejoinOut { b: Stream, time: Signal } }

impl Component for Rejoin {
    type In = RejoinIn;
    type Out = RejoinOut;

    fn inputs(&self) -> RejoinIn {
        RejoinIn { a: Stream::port(Type::u(8)) }
    }

    fn build(&self, m: Module, i: RejoinIn) -> RejoinOut {
        let ways = fork(m, "way", i.a, 2);
        let straight = fifo(m, "long", ways[0], self.depth);
        let taken = fifo(m, "short", ways[1], 2);
        let sums = m.instance("sum", &GroupSum { group: self.group }, SumIn { up: taken }).down;
        let both = join(m, "both", straight, sums);
        let time = m.reg("time", Type::u(32));
        time.next(if self.clock { time + 1 } else { *time });
        RejoinOut { b: both, time: *time }
    }
}

#[derive(Clone, Debug)]
struct GroupSum {
    group: u32,
}
bundle! { struct SumIn { up: Stream } }
bundle! { struct SumOut { down: Stream } }

impl Component for GroupSum {
    type In = SumIn;
    type Out = SumOut;

    fn inputs(&self) -> SumIn {
        SumIn { up: Stream::port(Type::u(8)) }
    }

    fn build(&self, m: Module, i: SumIn) -> SumOut {
        let giving = m.reg("giving", Type::BIT);
        let (count, sum) = (m.reg("count", Type::count(self.group)), m.reg("sum", Type::u(8)));
        i.up.ready.drive(!*giving);
        let down = m.stream("down", *sum, *giving);
        let moves = i.up.fires() | down.fires();
        let last = count.equals(self.group - 1);
        m.when(i.up.fires(), || sum.next(giving.mux(*sum, sum + i.up.data)));
        m.when(moves & last, || {
            count.next(0);
            giving.next(!*giving);
        })
        .or_when(moves, || count.next(count + 1));
        SumOut { down }
    }
}

fn rejoin(depth: u32, clock: bool, options: Options) -> Simulator {
    Simulator::new(&elaborate(&Rejoin { group: 8, depth, clock }).unwrap(), options).unwrap()
}

fn run(sim: &mut Simulator, pattern: StallPattern) -> Result<u64, RunError> {
    let source = sim.source("a", pattern).unwrap();
    let sink = sim.sink("b", pattern).unwrap();
    sim.push_all(source, 0..16u8).unwrap();
    sim.run_until_received(sink, 16, 10_000)
}

fn explanation(result: Result<u64, RunError>) -> systole_sim::Explanation {
    match result {
        Err(RunError::Deadlock(explanation)) => *explanation,
        other => panic!("no deadlock: {other:?}"),
    }
}

#[test]
fn a_fifo_that_is_deep_enough_runs_to_the_end() {
    for pattern in [StallPattern::Always, StallPattern::Random { probability: 0.3, seed: 1 }, StallPattern::Bursts { on: 1, off: 100 }] {
        run(&mut rejoin(8, false, Options::default()), pattern).unwrap();
    }
}

#[test]
fn a_shallow_fifo_is_named_with_the_circle_that_waits_for_it() {
    let found = explanation(run(&mut rejoin(4, false, Options::default()), StallPattern::Always));
    insta::assert_snapshot!(found, @"
    deadlock: nothing has been transferred since cycle 6 (seen in cycle 70: no register or memory can change any more)
      `rejoin.a` has 12 words left to send
    these wait for each other in a circle:
      `rejoin.a` is not ready: it waits for `rejoin.way_0` to be ready
      `rejoin.way_0` is not ready: it waits for `rejoin.long.down` to be ready
      `rejoin.long.down` is not ready: it waits for `rejoin.sum.down` to be valid
      `rejoin.sum.down` is not valid: it waits for `rejoin.short.down` to be valid
      `rejoin.short.down` is not valid: it waits for `rejoin.way_1` to be valid
      `rejoin.way_1` is not valid: it waits for `rejoin.a` to be ready
      FIFO `rejoin.long` is full with 4 words
    remedy: make `rejoin.long` deeper than 4; it is too shallow for the words that must wait in it
    ");
    assert_eq!(found.full.iter().filter(|fifo| fifo.too_shallow).map(|fifo| fifo.path.as_str()).collect::<Vec<_>>(), ["rejoin.long"]);
}

#[test]
fn a_deadlock_is_found_under_any_stalls_with_the_same_explanation() {
    let always = explanation(run(&mut rejoin(4, false, Options::default()), StallPattern::Always));
    for pattern in [StallPattern::Random { probability: 0.3, seed: 1 }, StallPattern::Bursts { on: 1, off: 30 }] {
        let found = explanation(run(&mut rejoin(4, false, Options::default()), pattern));
        assert_eq!((found.waits, found.full), (always.waits.clone(), always.full.clone()));
    }
}

#[test]
fn a_circuit_that_still_counts_something_is_given_the_window() {
    let options = Options { deadlock_window: Some(300), ..Options::default() };
    let found = explanation(run(&mut rejoin(4, true, options), StallPattern::Always));
    assert_eq!(found.certainty, systole_sim::deadlock::Certainty::Quiet { cycles: found.found - found.since });
    assert!((300..400).contains(&(found.found - found.since)), "{} to {}", found.since, found.found);
    assert!(found.circular);
}

#[test]
fn counting_need_not_be_on_to_find_a_deadlock() {
    let options = Options { count_streams: false, ..Options::default() };
    assert!(explanation(run(&mut rejoin(4, false, options), StallPattern::Always)).circular);
}

#[test]
fn expecting_more_than_was_pushed_is_explained() {
    let mut sim = rejoin(8, false, Options::default());
    let source = sim.source("a", StallPattern::Always).unwrap();
    let sink = sim.sink("b", StallPattern::Always).unwrap();
    sim.push_all(source, 0..12u8).unwrap();
    insta::assert_snapshot!(explanation(sim.run_until_received(sink, 16, 5000)), @"
    deadlock: nothing has been transferred since cycle 21 (seen in cycle 85: no register or memory can change any more)
    each waits for the next:
      `rejoin.b` is not valid: it waits for `rejoin.sum.down` to be valid
      `rejoin.sum.down` is not valid: it waits for `rejoin.short.down` to be valid
      `rejoin.short.down` is not valid: it waits for `rejoin.way_1` to be valid
      `rejoin.way_1` is not valid: it waits for `rejoin.a` to be valid
      `rejoin.a` is not valid: its source has no word left
    remedy: push more words, or expect fewer
    ");
}

#[test]
fn a_sink_that_is_never_ready_is_explained() {
    let mut sim = rejoin(8, false, Options::default());
    let source = sim.source("a", StallPattern::Always).unwrap();
    let sink = sim.sink("b", StallPattern::Never).unwrap();
    sim.push_all(source, 0..16u8).unwrap();
    insta::assert_snapshot!(explanation(sim.run_until_received(sink, 16, 5000)), @"
    deadlock: nothing has been transferred since cycle 9 (seen in cycle 73: no register or memory can change any more)
      `rejoin.a` has 8 words left to send
    each waits for the next:
      `rejoin.b` is not ready: its sink is never active
      FIFO `rejoin.long` is full with 8 words
    remedy: put a source or sink there, or give it a stall pattern that is active at times
    ");
}

#[test]
fn a_callback_stops_a_run_and_a_step_in_the_cycle_where_they_stand() {
    let stopping_at = |last: u64| {
        let mut sim = rejoin(8, false, Options::default());
        sim.on_progress(1, move |progress| if progress.cycle == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        sim
    };
    let mut sim = stopping_at(37);
    assert!(matches!(sim.run_until(|_| false, 500), Err(RunError::Interrupted { cycle: 37 })));
    assert_eq!(sim.run_until(|sim| sim.cycle() == 60, 500).unwrap(), 23);
    assert!(matches!(stopping_at(37).step(100), Err(RunError::Interrupted { cycle: 37 })));
}

#[test]
fn waiting_for_a_time_with_all_work_done_is_no_deadlock() {
    let mut sim = rejoin(8, false, Options::default());
    let source = sim.source("a", StallPattern::Always).unwrap();
    sim.sink("b", StallPattern::Always).unwrap();
    sim.push_all(source, 0..8u8).unwrap();
    assert_eq!(sim.run_until(|sim| sim.cycle() == 2000, 3000).unwrap(), 2000);
    assert!(matches!(sim.run_until(|_| false, 500), Err(RunError::CycleLimit { limit: 500, cycle: 2500 })));
}

/// Passes its stream on while `go` is 1.
#[derive(Clone, Debug)]
struct Gate;
bundle! { struct GateIn { a: Stream, go: Signal } }
bundle! { struct GateOut { b: Stream } }

impl Component for Gate {
    type In = GateIn;
    type Out = GateOut;

    fn inputs(&self) -> GateIn {
        GateIn { a: Stream::port(Type::u(8)), go: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: GateIn) -> GateOut {
        let b = m.stream("passed", i.a.data, i.a.valid & i.go);
        i.a.ready.drive(*b.ready & i.go);
        GateOut { b }
    }
}

#[test]
fn an_input_that_holds_everything_up_is_named_and_the_run_goes_on_once_it_is_set() {
    let mut sim = Simulator::new(&elaborate(&Gate).unwrap(), Options::default()).unwrap();
    let source = sim.source("a", StallPattern::Always).unwrap();
    let sink = sim.sink("b", StallPattern::Always).unwrap();
    sim.push(source, 1).unwrap();
    insta::assert_snapshot!(explanation(sim.run_until_received(sink, 1, 5000)), @"
    deadlock: nothing has been transferred since cycle 0 (seen in cycle 64: no register or memory can change any more)
      `gate.a` has 1 word left to send
    each waits for the next:
      `gate.b` is not valid: it depends on `gate.go`, set from outside
    remedy: set `gate.go` so that the circuit goes on
    ");
    let go = sim.input("go").unwrap();
    sim.set(go, true).unwrap();
    assert_eq!(sim.run_until_received(sink, 1, 5000).unwrap(), 1);
}
