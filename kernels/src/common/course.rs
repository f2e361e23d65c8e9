//! The course of a run: how many cycles it may take, how many words are to come, and the host that looks on.

use systole_sim::{Simulator, SinkHandle};

use crate::kernel::{Progress, RunContext, RunError};

/// Parts into which words that are waited for are divided for showing progress.
const STEPS: usize = 100;

/// Cycles without a transfer after which hardware is taken to be done.
const QUIET: u64 = 64;

/// A run from its first cycle to its last output word. Every phase of it, also one without output, counts for the host's limit.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// The cycle in which it began.
    pub began: u64,
    limit: u64,
    words: u64,
}

impl Course {
    /// Begins in the current cycle; `words` output words are to come in all.
    pub fn begin(context: &RunContext<'_>, words: u64) -> Course {
        Course { began: context.simulator.cycle(), limit: context.cycle_limit, words }
    }

    fn cycles_left(&self, simulator: &Simulator) -> u64 {
        self.limit.saturating_sub(simulator.cycle() - self.began)
    }

    /// The host's own limit, where the simulator knows what was left of it.
    fn explained(&self, stopped: systole_sim::RunError) -> RunError {
        match stopped {
            systole_sim::RunError::CycleLimit { .. } => RunError::CycleLimit { limit: self.limit },
            stopped => stopped.into(),
        }
    }

    /// Runs `cycles` cycles.
    ///
    /// # Errors
    /// If the simulation stops, or they are more than the run may take.
    pub fn pass(&self, context: &mut RunContext<'_>, cycles: u64) -> Result<(), RunError> {
        let left = self.cycles_left(context.simulator);
        context.simulator.step(cycles.min(left)).map_err(|stopped| self.explained(stopped))?;
        if cycles > left { Err(RunError::CycleLimit { limit: self.limit }) } else { Ok(()) }
    }

    /// Runs until `sink` has taken `words` words; `before` words of the run came earlier, of other parts of the work. Shows the host how far
    /// the run is, and gives `check` a look at the simulation as often, and also when it stops: its error goes before that of the simulation.
    ///
    /// # Errors
    /// If the simulation stops, `check` fails, or the host asks to stop.
    pub fn receive(
        &self,
        context: &mut RunContext<'_>,
        sink: SinkHandle,
        (words, before): (usize, u64),
        mut check: impl FnMut(&Simulator) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        for received in (0..words).step_by(words.div_ceil(STEPS).max(1)).skip(1).chain([words]) {
            let simulator = &mut *context.simulator;
            let stopped = simulator.run_until_received(sink, received, self.cycles_left(simulator));
            check(simulator)?;
            stopped.map_err(|stopped| self.explained(stopped))?;
            let progress = Progress { done: before + received as u64, total: self.words, cycles: simulator.cycle() };
            if (context.progress)(progress).is_break() {
                return Err(RunError::Interrupted { cycle: simulator.cycle() });
            }
        }
        Ok(())
    }

    /// Checks after the last output that the hardware has taken everything and gives nothing more on `sink`, the driver of `stream`. The cycles
    /// that this takes are not part of the run: the limit leaves room for them.
    ///
    /// # Errors
    /// If more words come, or the simulation stops.
    pub fn expect_silence(&self, simulator: &mut Simulator, sink: SinkHandle, stream: &str) -> Result<(), RunError> {
        let limit = self.cycles_left(simulator).max(2 * QUIET);
        simulator.run_until_quiet(QUIET, limit).map_err(|stopped| self.explained(stopped))?;
        match simulator.received(sink).len() as u64 {
            0 => Ok(()),
            words => Err(RunError::Surplus { stream: stream.to_string(), words }),
        }
    }
}
