//! How far a run is, with an estimate of the time left; on a terminal only.

use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use systole_kernels::kernel::Progress;
use systole_sim::Simulator;

use super::grouped;
use crate::interrupt::{asked_to_stop, stops_here};

/// A progress line on standard error, which indicatif leaves out where that is no terminal.
pub struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// A line, or none if `quiet`.
    pub fn new(quiet: bool) -> ProgressLine {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg} cycles  {eta} left").expect("the template is well formed");
        ProgressLine(ProgressBar::with_draw_target(None, target).with_style(style))
    }

    /// A line for work of unknown length: the step at hand, and the time since it began.
    pub fn of_steps() -> ProgressLine {
        let style = ProgressStyle::with_template("{spinner} {elapsed}  {wide_msg}").expect("the template is well formed");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        ProgressLine(bar)
    }

    /// Shows the step at hand.
    pub fn step(&self, step: &str) {
        self.0.set_message(step.to_string());
    }

    /// Has the simulator count its cycles here, and stop in the cycle in which the user interrupts it.
    pub fn watch(&self, simulator: &mut Simulator) {
        const SHOWN: u64 = 1024;
        let line = self.0.clone();
        simulator.on_progress(1, move |progress| {
            if progress.cycle.is_multiple_of(SHOWN) && !line.is_hidden() {
                line.set_message(grouped(progress.cycle));
            }
            if stops_here() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    /// Shows the present state. Breaks once the user has interrupted the run.
    pub fn follow(&self, progress: Progress) -> ControlFlow<()> {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
        self.0.set_message(grouped(progress.cycles));
        if asked_to_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
