//! Words of memories in a trace.

use std::sync::Arc;

use systole_hdl::Design;
use systole_sim::record::{Record, Recording};
use systole_sim::trace::{Trace, TraceError, TraceFormat, TraceOptions};
use systole_sim::{Engine, EngineKind, Options, Simulator};

use crate::designs::mixed;
use crate::run::FORMATS;
use crate::waves::{Seen, Waves};

/// Cycles simulated, with words loaded on the way.
const CYCLES: u64 = 30;

fn options(format: TraceFormat, memories: &[&str]) -> TraceOptions {
    TraceOptions { format, memories: memories.iter().map(ToString::to_string).collect(), ..TraceOptions::default() }
}

/// Simulates with what `attach` brings; gives the words of `top.words` in each cycle.
fn simulate(design: &Arc<Design>, kind: EngineKind, create: impl FnOnce(&mut dyn Engine) -> (Trace, Record)) -> Vec<Vec<u64>> {
    let mut engine = kind.make(design).unwrap();
    let (trace, record) = create(&mut *engine);
    let mut simulator = Simulator::with_engine(engine, &Options::default()).unwrap();
    let words = simulator.memory("words").unwrap();
    simulator.attach(trace);
    simulator.attach(record);
    let depth = design.top_module().memories[0].depth;
    let cycles = (0..CYCLES).map(|cycle| {
        if cycle % 4 == 1 {
            simulator.load(words, (cycle % 3) as u32, [cycle, 2 * cycle]).unwrap();
        }
        let now = (0..depth).map(|address| simulator.read_word(words, address).unwrap().limbs()[0]).collect();
        simulator.step(1).unwrap();
        now
    });
    cycles.collect()
}

#[test]
fn words_appear_with_their_values_in_both_formats_on_both_engines_and_from_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let design = mixed();
    for format in FORMATS {
        let mut written = Vec::new();
        for kind in [EngineKind::Reference, EngineKind::Compiled] {
            let options = options(format, &["top.words"]);
            let values = simulate(&design, kind, |engine| {
                (Trace::create(file("trace"), engine, &options).unwrap(), Record::create(file("record"), engine).unwrap())
            });
            let waves = Waves::read(&file("trace"));
            for (cycle, words) in values.iter().enumerate() {
                for (address, word) in words.iter().enumerate() {
                    let seen = waves.at(&format!("top.words.[{address}]"), 10 * cycle as u64);
                    assert_eq!(seen, Some(Seen::Bits(format!("{word:08b}"))), "{format:?}, word {address} in cycle {cycle}");
                }
            }
            Recording::read(file("record")).unwrap().render(file("rendered"), &options).unwrap();
            written.push(std::fs::read(file("trace")).unwrap());
            if kind == EngineKind::Compiled {
                assert!(std::fs::read(file("rendered")).unwrap() == written[1], "{format:?}");
            }
        }
    }
}

#[test]
fn a_pattern_that_matches_no_memory_is_refused_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = EngineKind::Reference.make(&mixed()).unwrap();
    let mut refusal =
        |memories: &[&str]| Trace::create(folder.path().join("t"), &mut *engine, &options(TraceFormat::Fst, memories)).unwrap_err();
    let message = refusal(&["top.word"]).to_string();
    assert!(message.starts_with("the pattern `top.word` selects no memory; the nearest are: top.words"), "{message}");
    assert!(matches!(refusal(&["top", "top.[w"]), TraceError::Pattern { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
