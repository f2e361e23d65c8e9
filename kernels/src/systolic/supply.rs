//! When weights are there: what an array waits for if they pass a sparsifier first.
//!
//! The closed forms of [`Model`](super::model::Model) hold where a word of weights comes in every cycle. A streaming sparsifier gives N words
//! for each M that it takes, and works ahead as far as the buffer of weights has room. Then the start of every pass follows from the
//! starts before it.

use std::collections::VecDeque;

use super::hardware::{Dataflow, HardwareParameters, WeightSupply};
use super::schedule::Schedule;

/// Cycles that a parallel sparsifier takes before its first word; after it gives one in each cycle. Stated here and not taken from the hardware:
/// a model that takes its numbers from what it predicts would agree with any mistake.
const PARALLEL_LATENCY: u64 = 2;

/// How much later the last pass starts than with compressed weights.
pub(super) fn wait(hardware: &HardwareParameters, schedule: &Schedule) -> u64 {
    match hardware.weights {
        WeightSupply::Compressed => 0,
        supply => last_start(hardware, schedule, supply) - last_start(hardware, schedule, WeightSupply::Compressed),
    }
}

/// The cycle in which the last pass starts, where streams offer their first words in cycle 0.
fn last_start(hardware: &HardwareParameters, schedule: &Schedule, supply: WeightSupply) -> u64 {
    let (rows, columns) = (u64::from(hardware.rows), u64::from(hardware.columns));
    let output_stationary = hardware.dataflow == Dataflow::OutputStationary;
    let mut arrivals = Arrivals::new(hardware, schedule, supply);
    // Of the pass before: when it started, its length, and the rows of the tile that it ended, if it ended one.
    let mut before: Option<(u64, u64, Option<u64>)> = None;
    for pass in schedule.passes() {
        let length = schedule.streamed_length(pass) as u64;
        let words = if output_stationary { length } else { rows };
        let all_there = arrivals.after(words);
        let (read, start) = if output_stationary {
            let earliest = before.map_or(0, |(start, length, ended)| match (ended, hardware.overlap_load) {
                (None, _) => start + length,
                (Some(_), true) => start + length.max(rows),
                (Some(drained), false) => start + length + rows + columns - 2 + drained,
            });
            (earliest.max(all_there), earliest.max(all_there))
        } else if hardware.overlap_load {
            // The tile is loaded from the start of the pass before, which leaves room for it.
            let load = before.map_or(0, |(start, ..)| start).max(all_there);
            (load, before.map_or(length, |(start, length, _)| start + length).max(load + rows))
        } else {
            let load = before.map_or(0, |(start, length, _)| start + length + rows + columns - 2).max(all_there);
            (load, if before.is_none() { length.max(load + rows) } else { load + rows })
        };
        arrivals.read(words, read);
        before = Some((start, length, schedule.ended_rows(pass).map(|rows| rows as u64)));
    }
    before.map_or(0, |(start, ..)| start)
}

/// The cycles in which words of weights enter their buffer and leave it.
struct Arrivals {
    supply: WeightSupply,
    /// Words of a group, and of those it is chosen from.
    slots: u64,
    elements: u64,
    /// The first cycle in which the sparsifier can have a word.
    first: u64,
    /// Words that the buffer holds.
    depth: u64,
    /// Cycles from a word's read until its place is free.
    held: u64,
    /// Words that entered, and when the last did.
    entered: u64,
    last_entered: u64,
    /// Words that were read, and when those were whose places the next words take.
    read: u64,
    last_reads: VecDeque<u64>,
    /// When the last word of the group before was taken by the sparsifier.
    finished: Option<u64>,
}

impl Arrivals {
    fn new(hardware: &HardwareParameters, schedule: &Schedule, supply: WeightSupply) -> Arrivals {
        let depth = if hardware.dataflow == Dataflow::OutputStationary { hardware.buffer_words() } else { hardware.stationary_words() };
        Arrivals {
            supply,
            slots: hardware.group.slots.into(),
            elements: schedule.compression().elements_of_group() as u64,
            first: schedule.weights_from(),
            depth: depth.into(),
            held: u64::from(hardware.columns) + 1,
            entered: 0,
            last_entered: 0,
            read: 0,
            last_reads: VecDeque::new(),
            finished: None,
        }
    }

    /// The first cycle in which the next `words` words are all there.
    fn after(&mut self, words: u64) -> u64 {
        while self.entered < self.read + words {
            self.last_entered = self.next();
            self.entered += 1;
        }
        self.last_entered + 1
    }

    /// The next `words` words are read from cycle `first` on.
    fn read(&mut self, words: u64, first: u64) {
        self.last_reads.extend(first..first + words);
        self.read += words;
    }

    /// When the next word enters: after the one before, once its group is chosen and the buffer has room.
    fn next(&mut self) -> u64 {
        let follows = if self.entered == 0 { 0 } else { self.last_entered + 1 };
        let takes_a_place = self.entered >= self.depth;
        let room = self.last_reads.pop_front_if(|_| takes_a_place).map_or(0, |read| read + self.held);
        let chosen = match self.supply {
            WeightSupply::Compressed => 0,
            WeightSupply::Parallel => self.first + PARALLEL_LATENCY,
            WeightSupply::Streaming if !self.entered.is_multiple_of(self.slots) => 0,
            WeightSupply::Streaming => {
                // The last element of a group waits until the group before has left.
                let earliest = self.finished.map_or(self.first + self.elements - 1, |before| before + self.elements);
                let finished = earliest.max(follows.saturating_sub(1));
                self.finished = Some(finished);
                finished + 1
            }
        };
        follows.max(room).max(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::compression::Compression;
    use crate::systolic::hardware::Group;
    use crate::systolic::model::Model;
    use crate::systolic::parameters::{ArrayParameters, Formats};
    use crate::systolic::schedule::Shape;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn with_a_word_in_every_cycle_passes_start_as_the_closed_forms_say(
            dataflow in prop::sample::select(vec![Dataflow::WeightStationary, Dataflow::OutputStationary]),
            overlap_load in any::<bool>(), rows in 1u32..20, columns in 1u32..20, m in 1usize..300, k in 1usize..300, n in 1usize..50,
        ) {
            let hardware = HardwareParameters { rows, columns, overlap_load, buffer_rows: 64, ..ArrayParameters::default().hardware(dataflow, &Formats::default(), Group::DENSE) };
            let schedule = Schedule::new(&hardware, Shape { m, k, n }, Compression::dense(Group::DENSE));
            let model = Model::of(&hardware, &schedule);
            let last = schedule.passes().map(|pass| schedule.streamed_length(pass) as u64).last().unwrap();
            let drained = if dataflow == Dataflow::OutputStationary { schedule.outer.last as u64 } else { 0 };
            let crossed = u64::from(rows + columns - 2);
            let start = last_start(&hardware, &schedule, WeightSupply::Compressed);
            prop_assert_eq!(start + last + crossed + drained + model.pipeline, model.cycles());
        }
    }
}
