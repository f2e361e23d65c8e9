//! Outside programs while they run: what they say, and how they are stopped with all that they have started.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Programs at work, by process number; each leads a process group of its own.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a program to its end, and gives `listen` every line of its error output as it comes; it answers whether the line is to be kept. The
/// program reads nothing.
pub(super) fn output(command: &mut Command, listen: &mut dyn FnMut(&str) -> bool) -> io::Result<Output> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Between its start and its entry nobody may look for what runs.
    let mut entered = running();
    let mut child = command.spawn()?;
    let number = child.id();
    entered.insert(number);
    drop(entered);
    let stdout = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut text)).map(|_| text)
    });
    let mut stderr = Vec::new();
    let told = child.stderr.take().map_or(Ok(()), |told| follow(BufReader::new(told), &mut stderr, listen));
    let status = child.wait();
    running().remove(&number);
    let stdout = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    told?;
    Ok(Output { status: status?, stdout: stdout?, stderr })
}

fn follow(mut lines: impl BufRead, kept: &mut Vec<u8>, listen: &mut dyn FnMut(&str) -> bool) -> io::Result<()> {
    loop {
        let start = kept.len();
        if lines.read_until(b'\n', kept)? == 0 {
            return Ok(());
        }
        if !listen(String::from_utf8_lossy(&kept[start..]).trim_end()) {
            kept.truncate(start);
        }
    }
}

/// Stops every outside program that runs, with all that it has started. The process has to end now: no further program is started.
pub fn end_all() {
    let running = running();
    #[cfg(unix)]
    for &number in running.iter() {
        let group = i32::try_from(number).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // One that has just ended is no failure.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
    std::mem::forget(running);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_heard_line_by_line_and_kept_if_wanted() {
        let mut lines = Vec::new();
        let script = "echo result; echo one >&2; echo two >&2; exit 3";
        let mut listen = |line: &str| {
            lines.push(line.to_string());
            line != "one"
        };
        let output = output(Command::new("sh").args(["-c", script]), &mut listen).unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!((output.status.code(), output.stdout, output.stderr), (Some(3), b"result\n".to_vec(), b"two\n".to_vec()));
    }

    #[test]
    fn a_program_that_reads_finds_nothing() {
        assert_eq!(output(&mut Command::new("cat"), &mut |_| true).unwrap().stdout, b"");
    }
}
