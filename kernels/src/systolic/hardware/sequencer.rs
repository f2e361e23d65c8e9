//! From a job to its passes: the loop nest over tiles.

use systole_hdl::prelude::*;

use super::output_column::Scaling;
use super::{Dataflow, HardwareParameters};

/// Reads a job and lists its passes: outermost the outer tiles, then the lane tiles, innermost the tiles along K. Takes the next
/// job when all outputs of the last one are finished.
#[derive(Clone, Debug)]
pub struct Sequencer {
    /// Of the whole hardware.
    pub hardware: HardwareParameters,
}

bundle! {
    /// What enters a [`Sequencer`].
    pub struct SequencerIn {
        /// See [`HardwareParameters::job_fields`].
        job: Stream,
        /// One bit: nothing is on its way through the array and the output columns.
        idle: Signal,
        /// One bit: the pass is taken.
        take: Signal,
    }
}
bundle! {
    /// One pass of a streaming tile through the array.
    pub struct Pass {
        /// One bit: there is a pass.
        valid: Signal,
        /// Words of the streaming tile.
        length: Signal,
        /// Words of A that go with them, if groups are shown several times.
        groups: Option<Signal>,
        /// The slot of its first group at which the tile begins, if tiles begin within groups.
        phase: Option<Signal>,
        /// Output words that it finishes, if it is the last along K.
        rows: Signal,
        /// One bit: the first along K.
        first_k: Signal,
        /// One bit: the last along K.
        last_k: Signal,
    }
}
bundle! {
    /// What leaves a [`Sequencer`].
    pub struct SequencerOut {
        pass: Pass,
        scaling: Scaling,
    }
}

/// The rounds of one of a job's loops. Whether a round is the first or the last are registers: what a pass needs depends on them, and
/// whether it starts on that, all in a cycle.
struct Rounds {
    /// Rounds of the loop, while the job runs.
    count: Signal,
    /// Rounds after this one.
    left: Reg,
    first: Reg,
    last: Reg,
}

impl Rounds {
    fn new(m: Module, name: &str, count: Signal) -> Rounds {
        let register = |what: &str, ty: Type| m.reg(&format!("{name}_{what}"), ty);
        Rounds { count, left: register("left", count.ty()), first: register("first", Type::BIT), last: register("last", Type::BIT) }
    }

    /// The first of `count` rounds is next.
    fn start(&self, count: Signal) {
        self.left.next(count - 1);
        self.first.next(true);
        self.last.next(count.equals(1));
    }

    /// The next round, or after the last one the first again.
    fn step(&self, m: Module) {
        m.when(*self.last, || self.start(self.count)).otherwise(|| {
            self.left.next(self.left - 1);
            self.first.next(false);
            self.last.next(self.left.equals(1));
        });
    }
}

impl Component for Sequencer {
    type In = SequencerIn;
    type Out = SequencerOut;

    fn inputs(&self) -> SequencerIn {
        SequencerIn { job: Stream::port(self.hardware.job_type()), idle: port(Type::BIT), take: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: SequencerIn) -> SequencerOut {
        let busy = m.reg("busy", Type::BIT);
        i.job.ready.drive(!busy & i.idle);
        let starts = i.job.fires().named("starts");

        // The job's fields, kept while it runs.
        let mut low = 0;
        let fields: Vec<(&str, Signal, Signal)> = self
            .hardware
            .job_fields()
            .into_iter()
            .map(|(name, ty)| {
                let kept = m.reg(name, ty).without_reset();
                let offered = i.job.data.bits(low..low + ty.width()).reinterpret(ty);
                m.when(starts, || kept.next(offered));
                low += ty.width();
                (name, offered, *kept)
            })
            .collect();
        let field = |name: &str| fields.iter().find(|(field, _, _)| *field == name).map(|(_, _, kept)| *kept);
        let count = |name: &str| field(name).unwrap_or_else(|| constant(Type::u(HardwareParameters::COUNT_BITS), 1));

        let rounds = |name: &str, tiles: &str| Rounds::new(m, name, count(tiles));
        let (k, lane, outer) = (rounds("k", "reduction_tiles"), rounds("lane", "lane_tiles"), rounds("outer", "outer_tiles"));
        m.when(starts, || {
            for (rounds, tiles) in [(&k, "reduction_tiles"), (&lane, "lane_tiles"), (&outer, "outer_tiles")] {
                if let Some((_, offered, _)) = fields.iter().find(|(field, _, _)| *field == tiles) {
                    rounds.start(*offered);
                }
            }
        });
        m.when(i.take, || {
            k.step(m);
            m.when(*k.last, || {
                lane.step(m);
                m.when(*lane.last, || outer.step(m));
            });
        });
        let ends = i.take & *k.last & *lane.last & *outer.last;
        m.when(starts, || busy.next(true)).or_when(ends, || busy.next(false));

        let output_stationary = self.hardware.dataflow == Dataflow::OutputStationary;
        let streamed = if output_stationary { &k } else { &outer };
        let length = streamed.last.mux(count("last_length"), count("full_length"));
        let rows = match field("last_rows") {
            Some(last_rows) => outer.last.mux(last_rows, constant(last_rows.ty(), self.hardware.rows)),
            None => length,
        };
        let groups = field("full_groups").zip(field("last_groups")).map(|(full, last)| streamed.last.mux(last, full));
        let phase = self.hardware.phase_bits().map(|bits| {
            let (slots, step) = (self.hardware.group.slots, self.hardware.rows % self.hardware.group.slots);
            let phase = m.reg("phase", Type::u(bits));
            let moved = phase.add_wide(step);
            let next = moved.ge(slots).mux(moved - slots, moved).wrap(phase.ty());
            m.when(i.take, || phase.next(k.last.mux(0, next)));
            *phase
        });
        let pass = Pass { valid: *busy, length, groups, phase, rows, first_k: *k.first, last_k: *k.last };
        let relu = field("relu").unwrap_or_else(|| constant(Type::BIT, false));
        SequencerOut { pass, scaling: Scaling { multiplier: field("multiplier"), shift: field("shift"), relu } }
    }
}
