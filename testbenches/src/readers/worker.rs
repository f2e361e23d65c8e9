//! A campaign: workers that read, and the one who watches them.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::{Checker, Kind, Verdict, mutated};

/// The longest that a file may take.
pub const LONGEST: Duration = Duration::from_secs(10);
/// The most memory that a worker may have, in bytes, files and program included.
pub const MOST_MEMORY: u64 = 1 << 30;

/// When a campaign ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// The kind of file.
    pub kind: Kind,
    /// Equal seeds give equal files.
    pub seed: u64,
    /// The first file's number.
    pub from: u64,
    /// After this many files.
    pub count: u64,
    /// After this time, if it is over sooner.
    pub time: Option<Duration>,
}

/// What came of a campaign.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Files read.
    pub files: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// What was at fault, with the number of its file.
    pub faults: Vec<(u64, String)>,
}

/// The worker: reads files and says of each that it begins, then what became of it. Ends at the first fault but those it can tell itself.
///
/// # Errors
/// If the real files cannot be had, the limit cannot be set, or nobody listens.
pub fn work(plan: &Plan) -> Result<()> {
    let checker = Checker::new(plan.kind)?;
    limit_memory()?;
    // The watcher is told; nobody else needs the text.
    std::panic::set_hook(Box::new(|_| ()));
    let mut out = std::io::stdout().lock();
    for number in plan.from..plan.from.saturating_add(plan.count) {
        writeln!(out, "at {number}")?;
        out.flush()?;
        let bytes = mutated(&checker.seeds, plan.seed, number);
        let verdict = catch_unwind(AssertUnwindSafe(|| checker.check(&bytes))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Verdict::Fault(format!("panic: {}", text.unwrap_or_default()))
        });
        match verdict {
            Verdict::Accepted => writeln!(out, "accepted")?,
            Verdict::Refused => writeln!(out, "refused")?,
            Verdict::Fault(fault) => writeln!(out, "fault {}", fault.replace('\n', " "))?,
        }
    }
    writeln!(out, "end")?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn limit_memory() -> Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    setrlimit(Resource::RLIMIT_DATA, MOST_MEMORY, MOST_MEMORY).context("the memory cannot be limited")
}

/// Other systems do not count what is used, but what is reserved.
#[cfg(not(target_os = "linux"))]
fn limit_memory() -> Result<()> {
    Ok(())
}

/// Has workers read files until the plan is fulfilled. `worker` makes the command that calls [`work`] with a plan.
///
/// # Errors
/// If a worker cannot be started or fails without a file.
pub fn watch(plan: &Plan, worker: impl Fn(&Plan) -> Command) -> Result<Summary> {
    let begun = Instant::now();
    let mut summary = Summary::default();
    let end = plan.from.saturating_add(plan.count);
    let mut next = plan.from;
    while next < end && plan.time.is_none_or(|time| begun.elapsed() < time) {
        let plan = Plan { from: next, count: end - next, time: plan.time.map(|time| time.saturating_sub(begun.elapsed())), ..*plan };
        let (child, lines) = start(worker(&plan))?;
        next = follow(&plan, child, &lines, &mut summary)?;
    }
    Ok(summary)
}

fn start(mut command: Command) -> Result<(Child, Receiver<String>)> {
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().context("a worker cannot be started")?;
    let out = child.stdout.take().context("a worker has no output")?;
    let (sender, lines) = channel();
    thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    Ok((child, lines))
}

/// Follows one worker; gives the number of the file after the last that it has read.
fn follow(plan: &Plan, mut child: Child, lines: &Receiver<String>, summary: &mut Summary) -> Result<u64> {
    let begun = Instant::now();
    let mut reading: Option<u64> = None;
    let mut done = plan.from;
    let ended = loop {
        match lines.recv_timeout(LONGEST) {
            Ok(line) => {
                match (line.split_once(' ').unwrap_or((&line, "")), reading) {
                    (("at", number), _) => reading = Some(number.parse().context("a worker's line has no number")?),
                    (("end", _), _) => break None,
                    ((verdict, fault), Some(number)) => {
                        summary.files += 1;
                        summary.accepted += u64::from(verdict == "accepted");
                        if verdict == "fault" {
                            summary.faults.push((number, fault.to_string()));
                        }
                        (reading, done) = (None, number + 1);
                    }
                    _ => return Err(anyhow!("a worker says `{line}` of no file")),
                }
                if plan.time.is_some_and(|time| begun.elapsed() >= time) && reading.is_none() {
                    break None;
                }
            }
            Err(RecvTimeoutError::Timeout) => break Some(format!("takes more than {} s", LONGEST.as_secs())),
            Err(RecvTimeoutError::Disconnected) => break Some(format!("ends the program, which may have {} MiB", MOST_MEMORY >> 20)),
        }
    };
    let _ = child.kill();
    let status = child.wait().context("a worker cannot be waited for")?;
    match (ended, reading) {
        (None, _) => Ok(done),
        (Some(fault), Some(number)) => {
            summary.files += 1;
            summary.faults.push((number, format!("{fault} ({status})")));
            Ok(number + 1)
        }
        (Some(fault), None) => Err(anyhow!("a worker {fault} before it reads a file ({status})")),
    }
}

/// Writes the file of a fault into a folder; gives its path.
///
/// # Errors
/// If the file cannot be made again or not be written.
pub fn keep(plan: &Plan, number: u64, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("{}-{}-{number}.{}", plan.kind.name(), plan.seed, plan.kind.extension()));
    fs::write(&path, mutated(&Checker::new(plan.kind)?.seeds, plan.seed, number))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The command that has this very program work.
///
/// # Errors
/// If the program does not know where it is.
pub fn this_program() -> Result<PathBuf> {
    env::current_exe().context("the program does not know where it is")
}
