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

/// Bytes of a chunk's header, and of the first line.
const HEADER: usize = 48;
const LINE: usize = 17;

/// First byte of each chunk of a whole record, and its end.
fn chunks(record: &[u8]) -> Vec<usize> {
    let mut starts = vec![LINE];
    while let Some(length) = record.get(starts[starts.len() - 1]..).and_then(|rest| rest.first_chunk()) {
        starts.push(starts[starts.len() - 1] + HEADER + u32::from_le_bytes(*length) as usize);
    }
    starts
}

/// A record with several checkpoints and chunks, and the values of its whole waveform as text.
fn a_record(folder: &Path) -> (Vec<u8>, String) {
    record(&folder.join("record"), 100);
    let whole = std::fs::read(folder.join("record")).unwrap();
    let vcd = waveform(folder, &whole).unwrap().1;
    (whole, vcd)
}

/// What reading these bytes gives: whether they are a whole record, and its waveform.
fn waveform(folder: &Path, bytes: &[u8]) -> Result<(bool, String), RecordError> {
    let path = folder.join("bytes");
    std::fs::write(&path, bytes).unwrap();
    let recording = Recording::read(&path)?;
    recording.render(folder.join("vcd"), &TraceOptions { format: TraceFormat::Vcd, ..TraceOptions::default() })?;
    Ok((recording.is_whole(), std::fs::read_to_string(folder.join("vcd")).unwrap()))
}

/// Whether a waveform is the beginning of another; the last line, where it ends, aside.
fn begins(whole: &str, part: &str) -> bool {
    whole.starts_with(part.trim_end().rsplit_once('\n').unwrap().0)
}

#[test]
fn a_record_that_is_cut_is_complete_up_to_its_last_whole_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, vcd) = a_record(folder.path());
    let starts = chunks(&whole);
    assert_eq!(starts.last(), Some(&whole.len()));
    let mut last = None;
    for end in (0..whole.len()).step_by(29).chain(starts.iter().copied()) {
        match waveform(folder.path(), &whole[..end]) {
            Ok((complete, part)) => {
                assert_eq!(complete, end == whole.len());
                assert!(begins(&vcd, &part), "{end} of {} bytes", whole.len());
                last = last.max(Some(part.len()));
            }
            Err(RecordError::NotARecord { .. } | RecordError::Version { .. }) => assert!(end < LINE),
            Err(RecordError::NoCycles { .. }) => assert!(end < starts[3]),
            Err(other) => panic!("{end} of {} bytes: {other}", whole.len()),
        }
    }
    assert_eq!(last, Some(vcd.len()));
    // As a file system may leave it after a loss of power.
    let zeros = [&whole[..chunks(&whole)[7]], &[0; 5000]].concat();
    assert!(waveform(folder.path(), &zeros).is_ok_and(|(complete, part)| !complete && begins(&vcd, &part)));
}

#[test]
fn a_record_with_parts_missing_exchanged_repeated_or_added_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _) = a_record(folder.path());
    let starts = chunks(&whole);
    let chunk = |index: usize| &whole[starts[index]..starts[index + 1]];
    let count = starts.len() - 1;
    let built = |order: &[usize]| order.iter().fold(whole[..LINE].to_vec(), |file, &index| [&file, chunk(index)].concat());
    let all: Vec<usize> = (0..count).collect();
    assert_eq!(built(&all), whole);
    let refused = |bytes: &[u8], place: usize| {
        let message = waveform(folder.path(), bytes).unwrap_err().to_string();
        assert!(message.contains(&format!("is damaged in chunk {place} at byte {}", starts[place])), "{message}");
    };
    for index in 0..count - 1 {
        let mut order = all.clone();
        order.remove(index);
        refused(&built(&order), index);
        order.insert(index, index + 1);
        order[index + 1] = index;
        refused(&built(&order), index);
        order = all.clone();
        order.insert(index, index);
        refused(&built(&order), index + 1);
    }
    for more in [b"x".as_slice(), &[0; 100], chunk(2), chunk(count - 1), &whole] {
        refused(&[&whole, more].concat(), count - 1);
    }
    // A chunk of another run of the same design, at its own place.
    let other = folder.path().join("other");
    let mut engine = compiled();
    let mut second = Record::create(&other, &mut *engine).unwrap();
    second.set_checkpoint_growth(100);
    simulate(engine, |simulator| {
        let west = simulator.input("west").unwrap();
        simulator.set(west, 77).unwrap();
        simulator.attach(second);
    });
    let other = std::fs::read(other).unwrap();
    let theirs = &other[chunks(&other)[6]..chunks(&other)[7]];
    assert_ne!(theirs, chunk(6));
    refused(&[&whole[..starts[6]], theirs, &whole[starts[7]..]].concat(), 6);
}

#[test]
fn no_mutation_of_a_record_gives_another_waveform() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, vcd) = a_record(folder.path());
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |end: usize| {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (random >> 33) as usize % end
    };
    let mut accepted = 0;
    for _ in 0..2000 {
        let mut bytes = whole.clone();
        for _ in 0..=below(3) {
            let (at, length) = (below(bytes.len()), below(60));
            let range = at..(at + length).min(bytes.len());
            match below(6) {
                0 => bytes[at] ^= 1 << below(8),
                1 => bytes[range].iter_mut().for_each(|byte| *byte = below(256) as u8),
                2 => drop(bytes.drain(range)),
                3 => {
                    let copied = bytes[range].to_vec();
                    let to = below(bytes.len());
                    bytes.splice(to..to, copied);
                }
                4 => bytes.truncate(at.max(1)),
                _ => bytes[range].fill(0),
            }
        }
        let path = folder.path().join("bytes");
        std::fs::write(&path, &bytes).unwrap();
        // Rendering takes long: only what reading accepts comes to it.
        if bytes != whole && Recording::read(&path).is_ok() {
            let (complete, part) = waveform(folder.path(), &bytes).unwrap();
            assert!(!complete && begins(&vcd, &part));
            accepted += 1;
        }
    }
    assert!(accepted > 10, "{accepted}: no mutation was a cut");
}

#[test]
fn a_record_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _) = a_record(folder.path());
    let message = waveform(folder.path(), &[b"systole record 1\n".as_slice(), &whole[LINE..]].concat()).unwrap_err().to_string();
    assert!(message.contains("has format 1, and this program reads format 2"), "{message}");
}

#[test]
fn a_record_grows_under_its_partial_name_and_a_process_that_dies_leaves_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let (path, partial) = (folder.path().join("record"), folder.path().join("record.partial"));
    std::fs::write(&partial, b"left by an earlier run").unwrap();
    let mut engine = compiled();
    let record = Record::create(&path, &mut *engine).unwrap();
    assert!(matches!(Record::create(&path, &mut *compiled()), Err(RecordError::Create { .. })));
    let mut simulator = Simulator::with_engine(engine, &Options::default()).unwrap();
    let attached = simulator.attach(record);
    let cycles = 3 * systole_sim::record::CHUNK_CYCLES;
    simulator.step(cycles + 10).unwrap();
    let killed = folder.path().join("killed");
    let left = (0..1000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        std::fs::copy(&partial, &killed).unwrap();
        Recording::read(&killed).ok().filter(|recording| recording.cycles() == (0, cycles - 1))
    });
    assert!(left.is_some_and(|recording| !recording.is_whole()));
    simulator.detach(attached).unwrap().finish().unwrap();
    assert!(path.exists() && !partial.exists());
    let recording = Recording::read(&path).unwrap();
    assert_eq!((recording.cycles(), recording.is_whole()), ((0, cycles + 9), true));
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
