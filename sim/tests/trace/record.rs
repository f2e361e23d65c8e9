//! A record, rendered afterwards, is the trace that would have been written.

use std::path::Path;

use systole_sim::record::{Record, RecordError, Recording};
use systole_sim::trace::{Trace, TraceFormat, TraceOptions};
use systole_sim::{Clock, Compiled, Engine, EngineKind, Options, Simulator};

use crate::designs::mixed;
use crate::run::FORMATS;

const CYCLES: u64 = 120;

/// Simulates [`mixed`] with a slow second clock, resets, inputs that rest now and then and words loaded on the way; `attach`
/// gets the simulator before the first cycle.
fn simulate(engine: Box<dyn Engine>, attach: impl FnOnce(&mut Simulator)) {
    let clocks = [("slow".to_string(), Clock { period: 3, phase: 1 })].into();
    let mut simulator = Simulator::with_engine(engine, &Options { clocks, ..Options::default() }).unwrap();
    let words = simulator.memory("words").unwrap();
    let [west, clear, seed] = ["west", "clear", "seed"].map(|name| simulator.input(name).unwrap());
    // Before the first cycle that is seen.
    simulator.load(words, 1, [200u64, 201]).unwrap();
    simulator.set(west, 3).unwrap();
    simulator.step(5).unwrap();
    attach(&mut simulator);
    let mut cycle = 0u64;
    while simulator.cycle() < CYCLES {
        cycle += 1;
        if cycle.is_multiple_of(4) {
            simulator.set(west, (cycle * 37 % 200) as i64 - 100).unwrap();
            simulator.set(seed, num_bigint::BigInt::from(cycle) << (cycle % 90)).unwrap();
        }
        simulator.set(clear, cycle.is_multiple_of(7)).unwrap();
        if cycle.is_multiple_of(11) {
            simulator.load(words, (cycle % 3) as u32, [cycle, cycle + 1]).unwrap();
        }
        if cycle == 50 {
            simulator.reset().unwrap();
        }
        simulator.step(1).unwrap();
    }
}

fn compiled() -> Box<Compiled> {
    Box::new(Compiled::new(&mixed()).unwrap())
}

fn record(path: &Path, every: usize) {
    let mut engine = compiled();
    let mut record = Record::create(path, &mut *engine).unwrap();
    record.set_checkpoint_growth(every);
    simulate(engine, |simulator| {
        simulator.attach(record);
    });
}

#[test]
fn a_rendered_window_is_byte_for_byte_the_trace_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for growth in [0, 150, usize::MAX] {
        record(&file("record"), growth);
        let recording = Recording::read(file("record")).unwrap();
        assert_eq!(recording.cycles(), (5, CYCLES - 1));
        for format in FORMATS {
            for (from, to) in [(0, None), (5, Some(5)), (6, Some(60)), (33, Some(33)), (49, Some(52)), (51, None), (CYCLES - 1, Some(900))]
            {
                let options = TraceOptions { format, from, to, reals: true, ..TraceOptions::default() };
                let mut engine = compiled();
                let trace = Trace::create(file("trace"), &mut *engine, &options).unwrap();
                simulate(engine, |simulator| {
                    simulator.attach(trace);
                });
                recording.render(file("rendered"), &options).unwrap();
                let [trace, rendered] = ["trace", "rendered"].map(|name| std::fs::read(file(name)).unwrap());
                assert!(trace == rendered, "{format:?}, cycles {from} to {to:?}, checkpoints after {growth} bytes");
            }
        }
    }
}

#[test]
fn all_engines_write_the_same_record() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = [EngineKind::Reference, EngineKind::Compiled, EngineKind::Lockstep].map(|kind| {
        let path = folder.path().join("record");
        let mut engine = kind.make(&mixed()).unwrap();
        let record = Record::create(&path, &mut *engine).unwrap();
        simulate(engine, |simulator| {
            simulator.attach(record);
        });
        std::fs::read(path).unwrap()
    });
    assert!(bytes[0] == bytes[1] && bytes[0] == bytes[2]);
}

#[test]
fn a_record_that_is_cut_or_spoilt_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    record(&path, 100);
    let whole = std::fs::read(&path).unwrap();
    for end in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..end]).unwrap();
        let refused = Recording::read(&path).unwrap_err();
        let expected = if end < 17 {
            matches!(refused, RecordError::NotARecord { .. } | RecordError::Version { .. })
        } else {
            matches!(refused, RecordError::Cut { .. })
        };
        assert!(expected, "{end} of {} bytes: {refused}", whole.len());
    }
    for at in (17..whole.len()).step_by(5) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x24;
        std::fs::write(&path, &spoilt).unwrap();
        assert!(Recording::read(&path).is_err(), "byte {at} of {}", whole.len());
    }
    std::fs::write(&path, [b"systole record 2\n".as_slice(), &whole[17..]].concat()).unwrap();
    let message = Recording::read(&path).unwrap_err().to_string();
    assert!(message.contains("has format 2, and this program reads format 1"), "{message}");
}

#[test]
fn a_window_without_recorded_cycles_is_refused_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    record(&file("record"), 100);
    let recording = Recording::read(file("record")).unwrap();
    for (from, to) in [(CYCLES, None), (0, Some(4))] {
        let options = TraceOptions { format: TraceFormat::Vcd, from, to, ..TraceOptions::default() };
        let message = recording.render(file("rendered"), &options).unwrap_err().to_string();
        assert!(message.contains("which are 5 to 119"), "{message}");
    }
    assert!(!file("rendered").exists());
}
