//! Interrupts: Ctrl-C, and what a terminal or a system that shuts down sends (SIGINT, SIGHUP, SIGTERM), all alike.
//!
//! The first interrupt ends the program at once: outside tools are stopped with all that they started, everything unfinished is removed, and
//! the exit code is [`INTERRUPTED`]. A simulation is stopped [in order](in_order) instead, so that its waveform and record are completed; if
//! that takes longer than [`GRACE`], or with a second interrupt, they are given up and the program ends as above. Where others use the
//! processors, the wait lasts until the program has had that time, at most [`LONGEST_GRACE`].

use std::io::{IsTerminal, stderr};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use systole_sim::files;
use systole_verilog::tools;

use crate::failure::{Failure, INTERRUPTED, message_with_help};
use crate::output::print_error;

/// How long an interrupted simulation may take to complete its files. With what has to be removed then, an interrupt takes 0.2 s at most.
const GRACE: Duration = Duration::from_millis(130);

/// How long it may wait for a processor and the disk meanwhile.
const LONGEST_GRACE: Duration = Duration::from_secs(1);

/// How often the wait looks at the clock.
const TICK: Duration = Duration::from_millis(10);

/// How long a message may wait for a reader that does not read.
const PATIENCE: Duration = Duration::from_millis(40);

static ASKED_TO_STOP: AtomicBool = AtomicBool::new(false);
/// One of the following.
static ENDING: AtomicU8 = AtomicU8::new(AT_ONCE);
/// Nothing is worth completing.
const AT_ONCE: u8 = 0;
/// A simulation is made ready, whose files will be worth completing.
const READY: u8 = 1;
/// It has begun.
const IN_ORDER: u8 = 2;

/// Whether the user has interrupted the program.
pub fn asked_to_stop() -> bool {
    ASKED_TO_STOP.load(Ordering::Relaxed)
}

/// A simulation that looks at [`stops_here`] in each cycle and completes its files.
#[must_use]
pub struct InOrder(());

/// From the first cycle of the simulation on, and as long as the result lives, an interrupt leaves time to end in order.
pub fn in_order() -> InOrder {
    ENDING.store(READY, Ordering::SeqCst);
    InOrder(())
}

/// Whether a simulation is to stop, in each of its cycles.
pub fn stops_here() -> bool {
    if ENDING.load(Ordering::Relaxed) == READY {
        ENDING.store(IN_ORDER, Ordering::SeqCst);
    }
    asked_to_stop()
}

impl Drop for InOrder {
    fn drop(&mut self) {
        ENDING.store(AT_ONCE, Ordering::SeqCst);
    }
}

/// Catches interrupts from now on, in a thread of its own. Also has writing beyond the limit on the size of files (`ulimit -f`) fail like
/// writing on a full disk, where the system would end the program.
#[cfg(unix)]
pub fn catch_interrupts() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let hangup = if ignores_hangup() { None } else { Some(SIGHUP) };
    let caught = [SIGINT, SIGTERM, SIGXFSZ].into_iter().chain(hangup);
    let started = Signals::new(caught).and_then(|mut signals| {
        thread::Builder::new()
            .name("interrupts".into())
            .spawn(move || signals.forever().filter(|&signal| signal != SIGXFSZ).for_each(|_| interrupted()))
    });
    if let Err(error) = started {
        print_error(&format!("note: an interrupt will leave unfinished files: {error}\n"));
    }
}

/// Interrupts end the program as the system has it; leftovers are swept later.
#[cfg(not(unix))]
pub fn catch_interrupts() {}

/// Whether the program was started to outlive its terminal, as by `nohup`.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // Signal number 1 is the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(unix)]
fn interrupted() {
    let first = !ASKED_TO_STOP.swap(true, Ordering::SeqCst);
    if !first || ENDING.load(Ordering::SeqCst) != IN_ORDER {
        end_now();
    }
    // The next interrupt is still heard.
    thread::spawn(|| {
        let (began, used_before) = (Instant::now(), processor_time());
        let is_over = || {
            let used = processor_time().saturating_sub(used_before);
            began.elapsed() >= LONGEST_GRACE || began.elapsed() >= GRACE && used + TICK >= GRACE
        };
        while !is_over() {
            thread::sleep(TICK);
        }
        end_now();
    });
}

/// What all threads have had of the processors.
#[cfg(unix)]
fn processor_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Ends the program from another thread than its main one, with nothing left behind.
fn end_now() -> ! {
    tools::end_all();
    files::give_up();
    let (told, is_told) = channel();
    // Whoever holds the standard error may wait for a reader for ever.
    thread::spawn(move || {
        let help = "files appear whole or not at all: nothing unfinished is left";
        let failure = Failure::Interrupted(message_with_help("interrupted", help));
        let clear = if stderr().is_terminal() { "\r\u{1b}[K" } else { "" };
        print_error(&format!("{clear}{:?}\n", failure.report()));
        let _ = told.send(());
    });
    let _ = is_told.recv_timeout(PATIENCE);
    process::exit(INTERRUPTED.into());
}
