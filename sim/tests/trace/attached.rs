//! A trace attached to a simulator.

use systole_sim::trace::{Trace, TraceOptions};
use systole_sim::{Engine, Reference, Simulator};

use crate::designs::mixed;
use crate::run::{FORMATS, signals};
use crate::waves::Waves;

/// A simulator of [`mixed`] with both clocks running, and the trace on its engine.
fn simulator(options: &TraceOptions, path: &std::path::Path) -> (Simulator, Trace) {
    let mut engine = Reference::new(&mixed()).unwrap();
    let trace = Trace::create(path, &mut engine as &mut dyn Engine, options).unwrap();
    (Simulator::with_engine(Box::new(engine), &systole_sim::Options::default()).unwrap(), trace)
}

#[test]
fn a_trace_shows_what_peek_shows() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attached");
        let (mut simulator, trace) = simulator(&TraceOptions { format, ..TraceOptions::default() }, &path);
        let trace = simulator.attach(trace);
        let paths: Vec<String> = signals(simulator.hierarchy()).into_iter().map(|(path, ..)| path).collect();
        let (west, clear) = (simulator.input("west").unwrap(), simulator.input("clear").unwrap());
        let mut peeked = Vec::new();
        for cycle in 0..40i64 {
            simulator.set(west, cycle * 5 % 100 - 50).unwrap();
            simulator.set(clear, cycle % 7 == 0).unwrap();
            peeked.push(paths.iter().map(|path| simulator.peek(path).unwrap()).collect::<Vec<_>>());
            simulator.step(1).unwrap();
        }
        simulator.detach(trace).unwrap();
        let waves = Waves::read(&path);
        for (time, values) in (0..).step_by(10).zip(&peeked) {
            for (path, value) in paths.iter().zip(values) {
                assert_eq!(waves.at(path, time), Some(value.into()), "{format:?}: {path} at {time}");
            }
        }
    }
}

#[test]
fn a_simulator_that_is_dropped_completes_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attached");
    let (mut simulator, trace) = simulator(&TraceOptions::default(), &path);
    simulator.attach(trace);
    simulator.step(12).unwrap();
    drop(simulator);
    assert_eq!(Waves::read(&path).times().last(), Some(&120));
}
