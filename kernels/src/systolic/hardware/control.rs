//! What starts passes and counts them through the array: no stall ever stops the array itself, because a pass starts only when all
//! its operands are buffered and its outputs have room.

use systole_hdl::prelude::*;

use super::sequencer::Pass;
use super::{Dataflow, HardwareParameters};

bundle! {
    /// What any control observes.
    pub struct Observed {
        /// Words of streamed operands available: one count per streamed buffer, A first.
        streamed: Vec<Signal>,
        /// Words of bias available.
        bias: Signal,
        /// One bit: an output word is complete in its bank.
        completes: Signal,
        /// One bit: an output word leaves.
        leaves: Signal,
    }
}

bundle! {
    /// The course of a pass, row by row.
    pub struct Course {
        /// One bit: the pass is taken from the sequencer; its first row starts.
        take: Signal,
        /// One bit: a row starts.
        issue: Signal,
        /// One bit: it is the pass's last.
        last_row: Signal,
        /// One bit: the row's pass is the first along K.
        first_k: Signal,
        /// One bit: the row's pass is the last along K.
        last_k: Signal,
        /// The slot at which the row's tile begins, if tiles begin within groups.
        phase: Option<Signal>,
        /// Output words that the row's pass finishes.
        rows: Signal,
        /// One bit: nothing is on its way.
        idle: Signal,
    }
}

impl HardwareParameters {
    pub(super) fn observed_ports(&self) -> Observed {
        let depths = if self.dataflow == Dataflow::OutputStationary {
            vec![self.group_words(), self.buffer_words()]
        } else {
            vec![self.buffer_words()]
        };
        Observed {
            streamed: depths.into_iter().map(|depth| port(Type::count(depth))).collect(),
            bias: port(Type::count(self.bias_words())),
            completes: port(Type::BIT),
            leaves: port(Type::BIT),
        }
    }

    pub(super) fn pass_ports(&self) -> Pass {
        let length = Type::count(self.buffer_rows);
        let rows = if self.dataflow == Dataflow::OutputStationary { Type::count(self.rows) } else { length };
        let bit = || port(Type::BIT);
        Pass {
            valid: bit(),
            length: port(length),
            groups: self.shows_repeatedly().then(|| port(length)),
            phase: self.phase_bits().map(|bits| port(Type::u(bits))),
            rows: port(rows),
            first_k: bit(),
            last_k: bit(),
        }
    }

    /// Whether a word of A is shown for several slots: they follow each other in time if outputs are stationary.
    pub(super) fn shows_repeatedly(&self) -> bool {
        self.dataflow == Dataflow::OutputStationary && self.group.slots > 1
    }

    /// Bits of the phase of a stationary tile, if tiles begin within groups.
    pub(super) fn phase_bits(&self) -> Option<u32> {
        if self.dataflow == Dataflow::WeightStationary { self.group.phase_bits(self.rows) } else { None }
    }

    /// Runs passes: the next one starts when the last one has issued all its rows and `may_start` holds, its operands are there
    /// and its outputs have room. `bias_needed` are the words of bias that the pass on offer needs.
    fn run_passes(&self, m: Module, pass: &Pass, observed: &Observed, may_start: Signal, bias_needed: Signal) -> Course {
        let count = Type::count(self.buffer_words().max(self.bank_words()));
        let left = m.reg("rows_left", pass.length.ty());
        let running = left.differs(0).named("running");

        // Room in the output banks is promised to a pass as a whole when it starts. Counted is what is left, which needs no addition before
        // the comparison.
        let room_left = m.reg("room_left", count).resets_to(self.bank_words());
        // Output words on their way through the array and the columns.
        let pending = m.reg("pending", count);
        let rows = pass.rows.to(count);
        let room = rows.le(*room_left) | !pass.last_k;
        let operands = observed.streamed.iter().enumerate().fold(pass.valid, |all, (index, available)| {
            let needed = pass.groups.filter(|_| index == 0).unwrap_or(pass.length);
            all & available.to(count).ge(needed.to(count))
        });
        let take = (operands & room & observed.bias.ge(bias_needed) & may_start & !running).named("take");
        let issue = (take | running).named("issue");
        m.when(take, || left.next(pass.length - 1)).or_when(running, || left.next(left - 1));

        let promise = take & pass.last_k;
        let more = promise.mux(rows, 0);
        room_left.next(room_left - more + bit_as(observed.leaves, count));
        pending.next(pending + more - bit_as(observed.completes, count));

        let during = |name: &str, value: Signal| {
            let kept = m.reg(name, value.ty()).without_reset();
            m.when(take, || kept.next(value));
            take.mux(value, *kept)
        };
        let last_row = (running & left.equals(1)) | (take & pass.length.equals(1));
        Course {
            take,
            issue,
            last_row,
            first_k: issue & during("first_k", pass.first_k),
            last_k: issue & during("last_k", pass.last_k),
            phase: pass.phase.map(|phase| during("phase", phase)),
            rows: during("rows", pass.rows),
            idle: pending.equals(0),
        }
    }
}

fn bit_as(bit: Signal, ty: Type) -> Signal {
    bit.reinterpret(Type::u(1)).to(ty)
}

/// Waits: set to `cycles`, at most `most`, by `start`, counts down to zero; gives whether it is at zero.
fn wait(m: Module, name: &str, most: u32, cycles: Signal, start: Signal) -> Signal {
    let left = m.reg(name, Type::count(most));
    m.when(start, || left.next(cycles)).or_when(left.differs(0), || left.next(left - 1));
    left.equals(0)
}

/// Control of an array that keeps an operand: loads stationary tiles and streams the other operand past them.
#[derive(Clone, Debug)]
pub struct StationaryControl {
    /// Of the whole hardware.
    pub hardware: HardwareParameters,
}

bundle! {
    /// What enters a [`StationaryControl`].
    pub struct StationaryControlIn {
        pass: Pass,
        observed: Observed,
        /// Words of the stationary operand available.
        stationary: Signal,
    }
}
bundle! {
    /// What leaves a [`StationaryControl`].
    pub struct StationaryControlOut {
        course: Course,
        /// One bit: a word of the stationary tile starts its way into the array.
        load: Signal,
        /// One bit per row of the array, at its west edge: shift the column here.
        shift: Vec<Signal>,
        /// One bit: words of bias are promised.
        claim_bias: Signal,
    }
}

impl Component for StationaryControl {
    type In = StationaryControlIn;
    type Out = StationaryControlOut;

    fn inputs(&self) -> StationaryControlIn {
        StationaryControlIn {
            pass: self.hardware.pass_ports(),
            observed: self.hardware.observed_ports(),
            stationary: port(Type::count(self.hardware.stationary_words())),
        }
    }

    fn build(&self, m: Module, i: StationaryControlIn) -> StationaryControlOut {
        let rows = self.hardware.rows;
        // A stationary tile stands ready in the array.
        let loaded = m.reg("loaded", Type::BIT);
        let per_row = self.hardware.dataflow == Dataflow::InputStationary;
        let bias_type = i.observed.bias.ty();
        let words = if per_row { i.pass.length.to(bias_type) } else { constant(bias_type, 1) };
        let bias_needed = i.pass.first_k.mux(words, 0);
        let course = self.hardware.run_passes(m, &i.pass, &i.observed, *loaded, bias_needed);

        // Loading: the first word of a tile goes deepest, so row r shifts from the tile's word r on.
        let begins = m.wire("load_begins", Type::BIT);
        let word = m.reg("load_word", Type::index(rows));
        let load = (*begins | word.differs(0)).named("load");
        let ends = load & word.equals(rows - 1);
        m.when(load, || word.next(ends.mux(0, word + 1)));
        m.when(course.take, || loaded.next(false));
        m.when(ends, || loaded.next(true));
        let there = i.stationary.ge(rows) & word.equals(0);
        if self.hardware.overlap_load {
            begins.drive(there & (!loaded | course.take));
        } else {
            // The array is empty when the last sum of the pass before has left its last column.
            let crossing = rows + self.hardware.columns - 2;
            let settled = wait(m, "settle", crossing, constant(Type::count(crossing), crossing), course.last_row);
            begins.drive(there & i.pass.valid & !loaded & !course.issue & settled);
        }
        let shift = (0..rows).map(|row| m.delay_by(&format!("shift_{row}"), load & word.ge(row), 2)).collect();

        let claim_bias = course.first_k & if per_row { course.issue } else { course.take };
        StationaryControlOut { course, load, shift, claim_bias }
    }
}

/// Control of an array that keeps sums: streams both operands and drains finished tiles.
#[derive(Clone, Debug)]
pub struct OutputStationaryControl {
    /// Of the whole hardware.
    pub hardware: HardwareParameters,
}

bundle! {
    /// What enters an [`OutputStationaryControl`].
    pub struct OutputStationaryControlIn {
        pass: Pass,
        observed: Observed,
        /// One bit: the last operands of a tile have reached the last row.
        tile_ends: Signal,
    }
}
bundle! {
    /// What leaves an [`OutputStationaryControl`].
    pub struct OutputStationaryControlOut {
        course: Course,
        /// One bit per row of the array, at its west edge: shift the column here.
        shift: Vec<Signal>,
        /// One bit: a row of sums leaves column 0 and belongs to C.
        drains: Signal,
        /// One bit: it is the tile's first.
        first_drained: Signal,
        /// One bit: a word of bias is promised.
        claim_bias: Signal,
        /// One bit, beside a row that starts: it is the first slot of a group. Only if groups are shown several times.
        fetch: Option<Signal>,
    }
}

impl Component for OutputStationaryControl {
    type In = OutputStationaryControlIn;
    type Out = OutputStationaryControlOut;

    fn inputs(&self) -> OutputStationaryControlIn {
        OutputStationaryControlIn { pass: self.hardware.pass_ports(), observed: self.hardware.observed_ports(), tile_ends: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: OutputStationaryControlIn) -> OutputStationaryControlOut {
        let (rows, columns) = (self.hardware.rows, self.hardware.columns);
        let may_start = m.wire("may_start", Type::BIT);
        let bias_needed = i.pass.last_k.mux(constant(i.observed.bias.ty(), 1), 0);
        let course = self.hardware.run_passes(m, &i.pass, &i.observed, *may_start, bias_needed);
        let tile_issued = (course.last_row & course.last_k).named("tile_issued");
        may_start.drive(if self.hardware.overlap_load {
            // Tiles end at least R cycles apart, so that one has drained before the next does.
            wait(m, "spacing", rows - 1, constant(Type::count(rows - 1), rows - 1), course.take & i.pass.last_k)
        } else {
            // The last operands cross the array, and the tile's rows leave it.
            let most = 2 * rows + columns - 2;
            let ty = Type::count(most);
            wait(m, "settle", most, course.rows.to(ty) + constant(ty, rows + columns - 2), tile_issued)
        });

        // Rows leave from the bottom, where row 0 of the tile is.
        let tile_rows = m.reg("tile_rows", course.rows.ty()).without_reset();
        // Kept a cycle later than the tile is issued: the next one may be issued a cycle before this one's end is seen.
        let issued_rows = m.delay("issued_rows", course.rows);
        m.when(m.delay("tile_issued_q", tile_issued), || tile_rows.next(issued_rows));
        let draining = m.reg("draining", Type::BIT);
        let drained_rows = m.reg("drained_rows", course.rows.ty()).without_reset();
        let row = m.reg("drain_row", course.rows.ty());
        let last_row = row.equals(drained_rows - 1);
        m.when(i.tile_ends, || {
            row.next(0);
            draining.next(true);
            drained_rows.next(*tile_rows);
        })
        .or_when(*draining, || {
            row.next(row + 1);
            m.when(last_row, || draining.next(false));
        });
        let fetch = self.hardware.shows_repeatedly().then(|| {
            // A pass that ends within a group ends the group.
            let slot = m.reg("slot", Type::index(self.hardware.group.slots));
            let last = course.last_row | slot.equals(self.hardware.group.slots - 1);
            m.when(course.issue, || slot.next(last.mux(0, slot + 1)));
            slot.equals(0)
        });
        let shift = (0..rows).map(|r| if r == 0 { constant(Type::BIT, false) } else { draining & row.lt(r) }).collect();
        OutputStationaryControlOut {
            shift,
            drains: *draining,
            first_drained: draining & row.equals(0),
            claim_bias: course.take & course.last_k,
            fetch,
            course,
        }
    }
}
