//! `systole trace`: a waveform from a record.

use std::path::PathBuf;

use systole_sim::record::Recording;
use systole_sim::trace::TraceOptions;

use crate::arguments::{TraceFormat, TraceRecordArguments};
use crate::failure::Failure;
use crate::output::print;

/// Renders the chosen cycles of a record.
pub fn trace(arguments: &TraceRecordArguments) -> Result<(), Failure> {
    let refused =
        |error: systole_sim::record::RecordError| Failure::input(error.to_string(), "`systole trace --help` explains the options");
    let recording = Recording::read(&arguments.record).map_err(refused)?;
    let path = arguments.out.clone().unwrap_or_else(|| default_path(arguments));
    recording.render(&path, &options(arguments)).map_err(refused)?;
    let (first, last) = recording.cycles();
    print(&format!("trace: {} (the record has cycles {first} to {last})\n", path.display()))
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
        scope: arguments.trace_scope.clone(),
        depth: arguments.trace_depth,
        from: arguments.trace_from,
        to: arguments.trace_to,
        reals: arguments.trace_reals,
    }
}
