//! A counter that wraps.

use crate::prelude::*;

/// What [`counter`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The count, 0 to `states` − 1.
    pub value: Signal,
    /// One bit: the count is at its last state.
    pub last: Signal,
}

/// Counts 0, 1, … `states` − 1, 0, … by one in each cycle with `advance`. `states` is at least 1.
#[track_caller]
pub fn counter(m: Module, name: &str, states: u32, advance: Signal) -> Counter {
    m.require(states >= 1, "a counter without a state", "`states` is at least 1");
    let count = m.reg(name, Type::index(states));
    let last = count.equals(states.saturating_sub(1));
    m.when(advance, || count.next(last.mux(0, count + 1)));
    Counter { value: *count, last }
}

/// Makes a fill level count: up by one, down by one, or neither when both happen.
#[track_caller]
pub fn up_down(m: Module, level: Reg, up: Signal, down: Signal) {
    m.when(up & !down, || level.next(level + 1)).or_when(down & !up, || level.next(level - 1));
}
