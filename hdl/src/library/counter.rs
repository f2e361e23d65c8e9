//! Counters that wrap.

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

/// What [`loop_counter`] gives.
#[derive(Clone, Copy, Debug)]
pub struct LoopCounter {
    /// The round, 0 to `rounds` − 1. A statement after [`LoopCounter::step`] can send it elsewhere.
    pub round: Reg,
    /// One bit: it is the first round.
    pub first: Signal,
    /// One bit: it is the last round.
    pub last: Signal,
}

/// The counter of a loop whose number of rounds is only known while the circuit runs: an unsigned signal of at least 1 that holds
/// still during the loop.
#[track_caller]
pub fn loop_counter(m: Module, name: &str, rounds: Signal) -> LoopCounter {
    let round = m.reg(name, rounds.ty());
    LoopCounter { round, first: round.equals(0), last: round.equals(rounds - 1) }
}

impl LoopCounter {
    /// On to the next round, or from the last to the first: a statement, on which the conditions around it act.
    #[track_caller]
    pub fn step(&self) {
        self.round.next(self.last.mux(0, self.round + 1));
    }
}

/// Makes a fill level count: up by one, down by one, or neither when both happen.
#[track_caller]
pub fn up_down(m: Module, level: Reg, up: Signal, down: Signal) {
    m.when(up & !down, || level.next(level + 1)).or_when(down & !up, || level.next(level - 1));
}
