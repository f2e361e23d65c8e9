//! How far a run is, with an estimate of the time left; on a terminal only.

use std::ops::ControlFlow;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use systole_kernels::kernel::Progress;

use super::grouped;
use crate::interrupt::asked_to_stop;

/// A progress line on standard error, which indicatif leaves out where that is no terminal.
pub struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// A line, or none if `quiet`.
    pub fn new(quiet: bool) -> ProgressLine {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg} cycles  {eta} left").expect("the template is well formed");
        ProgressLine(ProgressBar::with_draw_target(None, target).with_style(style))
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
