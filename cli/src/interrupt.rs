//! Ctrl-C: the first one asks a run to stop in order, the second ends the program at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::INTERRUPTED;

static ASKED_TO_STOP: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt only sets [`asked_to_stop`]. Without this, it ends the program as usual.
pub fn catch_interrupts() {
    let handler = || {
        if ASKED_TO_STOP.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!("note: an interrupt will not complete the waveform: {error}");
    }
}

/// Whether the user has interrupted the run.
pub fn asked_to_stop() -> bool {
    ASKED_TO_STOP.load(Ordering::Relaxed)
}
