//! Batches: streams, memories, time, and what is refused.

use systole_hdl::library::fifo;
use systole_hdl::prelude::*;
use systole_sim::simulator::Batch;
use systole_sim::{Options, SimError, Simulator, SinkHandle, SourceHandle, StallPattern};

/// A FIFO, and a table whose word at `address` is shown.
#[derive(Clone, Debug)]
struct Unit;
bundle! { struct UnitIn { a: Stream, address: Signal } }
bundle! { struct UnitOut { b: Stream, word: Signal } }

impl Component for Unit {
    type In = UnitIn;
    type Out = UnitOut;

    fn inputs(&self) -> UnitIn {
        UnitIn { a: Stream::port(Type::u(70)), address: port(Type::u(3)) }
    }

    fn build(&self, m: Module, i: UnitIn) -> UnitOut {
        let table = m.memory("table", 8, Type::u(9));
        UnitOut { b: fifo(m, "queue", i.a, 3), word: table.read(i.address) }
    }
}

fn batch(stimuli: usize) -> Result<Batch, SimError> {
    Batch::new(&elaborate(&Unit).unwrap(), stimuli, Options::default())
}

fn random(seed: u64) -> StallPattern {
    StallPattern::Random { probability: 0.6, seed }
}

#[test]
fn streams_of_each_stimulus_run_as_they_would_alone() {
    let mut batch = batch(5).unwrap();
    let words = |number: u64| (0..40 + number).map(move |i| i * 7 + number);
    let drivers: Vec<(SourceHandle, SinkHandle)> = (0..5)
        .map(|number| {
            let mut stimulus = batch.stimulus(number).unwrap();
            let seed = number as u64;
            let (source, sink) = (stimulus.source("a", random(seed)).unwrap(), stimulus.sink("b", random(seed + 50)).unwrap());
            batch.simulator().push_all(source, words(seed)).unwrap();
            (source, sink)
        })
        .collect();
    let all_there = |sim: &mut Simulator| (40..).zip(&drivers).all(|(count, (_, sink))| sim.received(*sink).len() == count);
    batch.simulator().run_until(all_there, 10_000).unwrap();
    for (number, &(source, sink)) in (0..).zip(&drivers) {
        let mut alone = Simulator::new(&elaborate(&Unit).unwrap(), Options::default()).unwrap();
        let (own_source, own_sink) = (alone.source("a", random(number)).unwrap(), alone.sink("b", random(number + 50)).unwrap());
        alone.push_all(own_source, words(number)).unwrap();
        alone.run_until_received(own_sink, 40 + number as usize, 10_000).unwrap();
        assert_eq!(batch.simulator().received(sink), alone.received(own_sink), "stimulus {number}");
        assert_eq!(batch.simulator().sent(source), 40 + number);
    }
    let counts = batch.simulator().stream_counts();
    assert!(counts.iter().any(|count| count.path.ends_with("stimulus_4_a") && count.transfers == 44), "{counts:?}");
}

#[test]
fn memories_are_loaded_and_read_stimulus_by_stimulus() {
    let mut batch = batch(3).unwrap();
    let (table, address, word) = (batch.memory("table").unwrap(), batch.input("address").unwrap(), batch.output("word").unwrap());
    for number in 0..3u64 {
        let mut stimulus = batch.stimulus(number as usize).unwrap();
        stimulus.load(table, 2, [100 + number, 200 + number]).unwrap();
        stimulus.set(address, 2 + number % 2).unwrap();
    }
    let mut shown = |number: usize| batch.stimulus(number).unwrap().get_u64(word).unwrap();
    assert_eq!([shown(0), shown(1), shown(2)], [100, 201, 102]);
    assert_eq!(batch.stimulus(1).unwrap().read_word(table, 3).unwrap().to_u64(), Some(201));
    assert_eq!(batch.stimulus(1).unwrap().read_word(table, 4).unwrap().to_u64(), Some(0));
}

#[test]
fn a_run_ends_when_the_condition_has_held_for_every_stimulus() {
    let mut batch = batch(4).unwrap();
    let level = batch.signal("b_valid").unwrap();
    for number in 0..4 {
        let pattern = StallPattern::Bursts { on: 1, off: 3 * number as u32 };
        let source = batch.stimulus(number).unwrap().source("a", pattern).unwrap();
        batch.simulator().push(source, 1u64).unwrap();
    }
    let mut asked = [0; 4];
    let cycles = batch.run_until(
        |stimulus| {
            asked[stimulus.number()] += 1;
            stimulus.get_u64(level) == Ok(1)
        },
        1000,
    );
    assert_eq!(cycles.unwrap() + 1, asked.into_iter().max().unwrap());
    assert!(batch.run_until(|_| false, 10).is_err());
}

#[test]
fn what_a_batch_does_not_have_is_refused_in_the_designs_own_words() {
    assert_eq!(batch(0).err(), Some(SimError::NoStimuli));
    for too_many in [usize::MAX, 1 << 26] {
        let message = batch(too_many).err().unwrap().to_string();
        assert!(message.contains("more than"), "{message}");
    }
    let mut batch = batch(2).unwrap();
    assert_eq!(batch.stimulus(2).err().unwrap().to_string(), "the batch has stimuli 0 to 1, not 2");
    assert_eq!(batch.input("adress").unwrap_err().to_string(), "the top module `unit` has no input port `adress`; did you mean `address`?");
    assert!(matches!(batch.output("address"), Err(SimError::NoPort { .. })));
    assert!(batch.signal("no.such").is_err() && batch.memory("queue").is_err());
    let address = batch.input("address").unwrap();
    let message = batch.stimulus(1).unwrap().set(address, 8u64).unwrap_err().to_string();
    assert!(message.contains("stimulus_1_address"), "{message}");
}
