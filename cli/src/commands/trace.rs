//! `systole trace`: a waveform from a record.

use std::path::{Path, PathBuf};

use systole_sim::record::{Record, Recording};
use systole_sim::trace::TraceOptions;

use crate::arguments::{TraceFormat, TraceRecordArguments};
use crate::failure::Failure;
use crate::output::{print, print_error};

/// Renders the chosen cycles of a record.
pub fn trace(arguments: &TraceRecordArguments) -> Result<(), Failure> {
    let refused =
        |error: systole_sim::record::RecordError| Failure::input(error.to_string(), "`systole trace --help` explains the options");
    let recording = Recording::read(&arguments.record).map_err(|error| match left_by_a_killed_run(&arguments.record) {
        Some(partial) => Failure::input(error.to_string(), format!("a run that was killed left {}: give that", partial.display())),
        None => refused(error),
    })?;
    let path = arguments.out.clone().unwrap_or_else(|| default_path(arguments));
    recording.render(&path, &options(arguments)).map_err(refused)?;
    let (first, last) = recording.cycles();
    if !recording.is_whole() {
        let record = arguments.record.display();
        print_error(&format!(
            "note: {record} ends without its end mark, as a run that was killed leaves it: complete up to cycle {last}\n"
        ));
    }
    print(&format!("trace: {} (the record has cycles {first} to {last})\n", path.display()))
}

/// What stands beside a record that is not there, if a killed run left it.
fn left_by_a_killed_run(record: &Path) -> Option<PathBuf> {
    let partial = Record::partial_path(record);
    (!record.exists() && partial.exists()).then_some(partial)
}

/// Beside the record.
fn default_path(arguments: &TraceRecordArguments) -> PathBuf {
    arguments.record.with_file_name(match arguments.trace {
        TraceFormat::Vcd => "trace.vcd",
        TraceFormat::Fst => "trace.fst",
    })
}

fn options(arguments: &TraceRecordArguments) -> TraceOptions {
    TraceOptions {
        format: arguments.trace.into(),
        scopes: arguments.trace_scope.clone(),
        memories: arguments.trace_memories.clone(),
        memory_words: arguments.trace_memory_words,
        depth: arguments.trace_depth,
        from: arguments.trace_from,
        to: arguments.trace_to,
        reals: arguments.trace_reals,
    }
}
