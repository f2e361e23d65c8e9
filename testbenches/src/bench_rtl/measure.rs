//! Time, and what is measured in it.

use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// What ran, and how long it took.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Clock cycles of the design.
    pub cycles: u64,
    /// Processor time.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
}

impl Sample {
    /// Cycles in each second of processor time.
    pub fn per_cpu_second(&self) -> f64 {
        self.cycles as f64 / self.cpu.as_secs_f64()
    }

    /// Cycles in each second on the wall.
    pub fn per_wall_second(&self) -> f64 {
        self.cycles as f64 / self.wall.as_secs_f64()
    }
}

/// Something that runs a design, ready to be measured again and again.
pub trait Contender {
    /// Runs the design for about so many seconds of processor time.
    ///
    /// # Errors
    /// If an outside program fails.
    fn measure(&mut self, seconds: f64) -> Result<Sample>;
}

/// Whose processor time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cpu {
    /// This thread's.
    Thread,
    /// All threads' of this process.
    Process,
    /// That of all ended children of this process.
    Children,
}

impl Cpu {
    /// The processor time used so far.
    pub fn now(self) -> Duration {
        let clock = |id| clock_gettime(id).map(Duration::from).expect("the system has clocks of processor time");
        match self {
            Cpu::Thread => clock(ClockId::CLOCK_THREAD_CPUTIME_ID),
            Cpu::Process => clock(ClockId::CLOCK_PROCESS_CPUTIME_ID),
            Cpu::Children => {
                let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts what children use");
                let seconds = |time: nix::sys::time::TimeVal| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
                seconds(usage.user_time()) + seconds(usage.system_time())
            }
        }
    }
}

/// Runs `cycles(n)` with growing `n` until `seconds` of processor time have passed.
///
/// # Errors
/// The first that `cycles` has.
pub fn sample(cpu: Cpu, seconds: f64, mut cycles: impl FnMut(u64) -> Result<()>) -> Result<Sample> {
    let (wall, start) = (Instant::now(), cpu.now());
    let (mut done, mut batch) = (0, 64);
    loop {
        cycles(batch)?;
        done += batch;
        let used = cpu.now() - start;
        if used.as_secs_f64() >= seconds {
            return Ok(Sample { cycles: done, cpu: used, wall: wall.elapsed() });
        }
        // A look at the clock for each hundredth of the time.
        if used.as_secs_f64() * (batch as f64) < seconds * 0.01 * done as f64 {
            batch *= 2;
        }
    }
}

/// The middle one of several numbers, which are not empty.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
