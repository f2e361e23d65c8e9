//! Running circuits of streams: sources and sinks with random stalls, the protocol watched throughout.

use proptest::prelude::*;
use systole_hdl::prelude::*;
use systole_sim::{Options, Received, Simulator, SinkHandle, SourceHandle, StallPattern};

use super::protocol::{ProtocolChecker, check_that_no_offer_waits_for_an_answer};

/// A way to stall, never for good.
pub fn stalls() -> impl Strategy<Value = StallPattern> {
    prop_oneof![
        Just(StallPattern::Always),
        (0.1..1.0, any::<u64>()).prop_map(|(probability, seed)| StallPattern::Random { probability, seed }),
        (1..5u32, 0..5u32).prop_map(|(on, off)| StallPattern::Bursts { on, off }),
    ]
}

/// A circuit between sources and sinks.
pub struct StreamBench {
    pub sim: Simulator,
    pub sources: Vec<SourceHandle>,
    pub sinks: Vec<SinkHandle>,
}

impl StreamBench {
    /// Puts words into each input stream and a sink on each output stream.
    pub fn new(component: &impl Component, inputs: &[(&str, &[u64], StallPattern)], outputs: &[(&str, StallPattern)]) -> StreamBench {
        let design = elaborate(component).unwrap_or_else(|errors| panic!("{errors}"));
        check_that_no_offer_waits_for_an_answer(&design);
        let mut sim = Simulator::new(&design, Options::default()).unwrap();
        sim.attach(ProtocolChecker::default());
        let mut sources = Vec::new();
        for (name, words, pattern) in inputs {
            let source = sim.source(name, *pattern).unwrap();
            sim.push_all(source, words.iter().copied()).unwrap();
            sources.push(source);
        }
        let sinks = outputs.iter().map(|(name, pattern)| sim.sink(name, *pattern).unwrap()).collect();
        StreamBench { sim, sources, sinks }
    }

    /// Runs until nothing has moved for long, and gives what each sink took.
    pub fn run(&mut self) -> Vec<Vec<Received>> {
        self.sim.run_until_quiet(200, 100_000).unwrap_or_else(|error| panic!("{error}"));
        self.sinks.iter().map(|&sink| self.sim.take_received(sink)).collect()
    }

    /// The words that each sink takes.
    pub fn words(&mut self) -> Vec<Vec<u64>> {
        self.run().iter().map(|received| words(received)).collect()
    }
}

/// The words among what was received.
pub fn words(received: &[Received]) -> Vec<u64> {
    received.iter().map(|word| word.value.to_u64().expect("words of the tests fit 64 bits")).collect()
}

/// The cycles between one word and the next; of a stream at full rate all 1.
pub fn gaps(received: &[Received]) -> Vec<u64> {
    received.windows(2).map(|pair| pair[1].cycle - pair[0].cycle).collect()
}
