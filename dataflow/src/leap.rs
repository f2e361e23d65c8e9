//! Leaps: many repetitions of the same firings at once.
//!
//! # Why a leap changes nothing
//!
//! A *window* is a span of cycles that were stepped one by one. Whether a node fires in a cycle is decided by a few tests
//! ([`Node::fires`](crate::node::Node::fires)), one after the other up to the first that fails, and by nothing else:
//!
//! 1. its initiation interval has passed;
//! 2. it has firings left (a source; others always have);
//! 3. its phase is one in which it takes, and if so, there is an element at each input;
//! 4. its phase is one in which it gives, and if so, there is room at each output.
//!
//! Say that the window is repeated `m` times, firing for firing. Then it is known, before it is done, what each test would look at: what is
//! held by a channel differs, at the same place of the k-th repetition, by k times the *change* over the window, and so do phases and
//! numbers of firings. If in spite of that no test of any repetition comes out differently than at the same place of the window, then the clock,
//! stepping on from the end of the window, would do just these repetitions: it decides the first firing of them as the window did, hence
//! the second, and so on. So `m` is taken as large as the tests allow, each on its own:
//!
//! - *Numbers* (2; elements and room of 3 and 4). The test is `number > 0`. While stepping, [`Seen`] notes the least positive number
//!   and whether there was a zero. If numbers grow there must have been no zero; if they fall by c, the least one, n, stays positive for
//!   (n - 1) / c repetitions.
//! - *Phases* (3, 4). Either the window has whole periods of the node's firings: each repetition then sees the phases of the window. Or the
//!   window and all repetitions lie within phases that take and give alike.
//! - *Timers* (1). A node that fires has to wait at the end of the window as long as at its beginning: each repetition then finds its timers like
//!   the window did. Of a node that does not fire, the timer must have run out before the window, or run on until after the repetitions.
//! - *Pipelines*. An element cannot be taken before it has arrived at the end. Arrivals have to repeat as the firings do:
//!   [`Delay::repetitions`](crate::delay::Delay::repetitions) tells for how long they will.
//!
//! Cycles in which nothing can happen are not stepped: from a cycle in which nothing fires the clock goes to the next timer or arrival. In between
//! no test can change, in a repetition neither, since timers and arrivals are repeated.
//!
//! Where a window begins and ends is a guess, which may be wrong: a bad window allows few repetitions or none.

use crate::timing::Clock;

/// Steps of the longest window.
const LONGEST: usize = 64;

/// A leap replaces at least as many steps. Shorter ones would save little, and tear windows apart that are repeated as a whole.
const WORTHWHILE: u64 = LONGEST as u64;

/// More cycles than this are not counted; so no sum overflows.
pub(crate) const MOST_CYCLES_OF_A_RUN: u64 = 1 << 62;

/// What the tests `number > 0` of a window have seen.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    least_positive: u64,
    zero: bool,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { least_positive: u64::MAX, zero: false }
    }
}

impl Seen {
    /// Does the test.
    pub(crate) fn is_positive(&mut self, number: u64) -> bool {
        match number {
            0 => self.zero = true,
            _ => self.least_positive = self.least_positive.min(number),
        }
        number > 0
    }

    /// In how many repetitions all tests come out the same, if each of them changes the numbers by `change`.
    pub(crate) fn repetitions(self, change: i64) -> u64 {
        match change {
            0 => u64::MAX,
            1.. if self.zero => 0,
            1.. => u64::MAX,
            _ => (self.least_positive - 1) / change.unsigned_abs(),
        }
    }
}

/// By how much a number has changed.
pub(crate) fn shift(now: u64, before: u64) -> i64 {
    now.wrapping_sub(before).cast_signed()
}

/// Repeats the last `count` of the cycles `times` times, each time `span` later.
pub(crate) fn extend_repeated(cycles: &mut Vec<u64>, count: usize, span: u64, times: u64) {
    if count == 0 {
        return;
    }
    let last = cycles.split_off(cycles.len() - count);
    cycles.reserve(count * (times as usize + 1));
    cycles.extend((0..=times).flat_map(|time| last.iter().map(move |cycle| cycle + time * span)));
}

/// The steps of late, and the window that is open.
pub(crate) struct History {
    /// Of each step: which nodes fired, and how long after the step before, as a hash. In a circle.
    steps: [u64; 2 * LONGEST],
    length: usize,
    window: Option<Window>,
}

struct Window {
    /// Its first cycle.
    start: u64,
    steps: u64,
    steps_left: u64,
}

impl History {
    pub(crate) fn new() -> History {
        History { steps: [0; 2 * LONGEST], length: 0, window: None }
    }

    /// The step before the last `back` ones.
    fn step(&self, back: usize) -> u64 {
        self.steps[(self.length - 1 - back) % self.steps.len()]
    }

    /// The least number of steps that were the same as those before them.
    fn repeating(&self) -> Option<usize> {
        let longest = (self.length / 2).min(LONGEST);
        (1..=longest).find(|&count| (0..count).all(|back| self.step(back) == self.step(back + count)))
    }
}

impl Clock {
    /// Notes a step by its hash, the clock being set to the next cycle; leaps if a window has come to its end that can be repeated.
    pub(crate) fn leap(&mut self, step: u64) {
        let at = self.history.length % self.history.steps.len();
        self.history.steps[at] = step;
        self.history.length += 1;
        if let Some(window) = &mut self.history.window {
            window.steps_left -= 1;
            if window.steps_left > 0 {
                return;
            }
            let (span, steps) = (self.cycle - window.start, window.steps);
            self.history.window = None;
            let times = self.repetitions(span);
            if times.saturating_mul(steps) >= WORTHWHILE {
                self.repeat(span, times);
                self.history.length = 0;
                return;
            }
        }
        if let Some(steps) = self.history.repeating() {
            self.history.window = Some(Window { start: self.cycle, steps: steps as u64, steps_left: steps as u64 });
            self.nodes.iter_mut().for_each(|node| node.mark(self.cycle));
            self.links.iter_mut().for_each(|link| link.mark());
        }
    }

    /// How often the window that ends now and took `span` cycles can be repeated.
    fn repetitions(&self, span: u64) -> u64 {
        let of_nodes = self.nodes.iter().map(|node| node.repetitions(self.cycle, span));
        let of_links = self.links.iter().map(|link| link.repetitions(self.cycle, span));
        of_nodes.chain(of_links).fold((MOST_CYCLES_OF_A_RUN - self.cycle) / span, u64::min)
    }

    /// Repeats the window that ends now.
    fn repeat(&mut self, span: u64, times: u64) {
        self.nodes.iter_mut().for_each(|node| node.repeat(span, times));
        self.links.iter_mut().for_each(|link| link.repeat(span, times));
        self.cycle += span * times;
    }
}
