//! The whole accelerator.

use systole_hdl::library::{Serializer, WidthIn};
use systole_hdl::prelude::*;

use super::array::{OutputStationaryArray, OutputStationaryArrayIn, StationaryArray, StationaryArrayIn};
use super::control::{Observed, OutputStationaryControl, OutputStationaryControlIn, StationaryControl, StationaryControlIn};
use super::group::{Group, GroupNetwork, NetworkIn};
use super::operand_buffer::{BufferIn, BufferOut, OperandBuffer};
use super::output_buffer::{OutputBuffer, OutputBufferIn, OutputBufferOut};
use super::output_column::{OutputColumn, RowTags};
use super::processing_element::{OutputStationaryPe, StationaryPe};
use super::sequencer::{Sequencer, SequencerIn, SequencerOut};
use super::{Dataflow, HardwareParameters};
use crate::sparse::hardware::SparsifierIn;

/// The systolic GEMM accelerator: streams of operands in, a stream of outputs out, one job after the other.
#[derive(Clone, Debug)]
pub struct Gemm {
    /// Its parameters.
    pub hardware: HardwareParameters,
}

bundle! {
    /// The streams into a [`Gemm`]; what a word of each holds is told by [`HardwareParameters`] and the schedule.
    pub struct GemmIn { job: Stream, a: Stream, b: Stream, bias: Stream }
}
bundle! {
    /// The streams out of a [`Gemm`].
    pub struct GemmOut {
        c: Stream,
        /// Groups of weights with more nonzeros than they may have, as a [`Sparsifier`](crate::sparse::hardware::Sparsifier) names them. Only
        /// if there is one.
        refusals: Option<Stream>,
    }
}

impl Component for Gemm {
    type In = GemmIn;
    type Out = GemmOut;

    fn name(&self) -> Option<String> {
        let name = if self.hardware.group == Group::DENSE { "gemm" } else { "sparse_gemm" };
        Some(name.into())
    }

    fn inputs(&self) -> GemmIn {
        let h = &self.hardware;
        GemmIn {
            job: Stream::port(h.job_type()),
            a: Stream::port(Type::Bits(h.a_lanes() * h.a.width())),
            b: Stream::port(h.b_word()),
            bias: Stream::port(Type::Bits(h.bias_lanes() * h.accumulator.width())),
        }
    }

    fn build(&self, m: Module, i: GemmIn) -> GemmOut {
        let feedback = Feedback {
            take: m.wire("take", Type::BIT),
            idle: m.wire("idle", Type::BIT),
            completes: m.wire("completes", Type::BIT),
            leaves: m.wire("leaves", Type::BIT),
        };
        let sequencer = Sequencer { hardware: self.hardware.clone() };
        let input = SequencerIn { job: i.job, idle: *feedback.idle, take: *feedback.take };
        let sequence = m.instance("sequencer", &sequencer, input);
        let (b, refusals) = self.kept_weights(m, i.b);
        let output = match self.hardware.dataflow {
            Dataflow::OutputStationary => self.keep_outputs(m, i.a, b, i.bias, sequence, &feedback),
            Dataflow::WeightStationary => self.keep_operand(m, i.a, b, i.bias, sequence, &feedback),
            Dataflow::InputStationary => self.keep_operand(m, b, i.a, i.bias, sequence, &feedback),
        };
        feedback.completes.drive(output.completes);
        feedback.leaves.drive(output.c.fires());
        GemmOut { c: output.c, refusals }
    }
}

/// What the control learns from parts that come after it.
struct Feedback {
    take: Wire,
    idle: Wire,
    completes: Wire,
    leaves: Wire,
}

impl Feedback {
    fn observed(&self, streamed: Vec<Signal>, bias: Signal) -> Observed {
        Observed { streamed, bias, completes: *self.completes, leaves: *self.leaves }
    }
}

impl Gemm {
    /// The words of B, slot by slot, from a stream that carries these or all weights; and what a sparsifier refuses.
    fn kept_weights(&self, m: Module, b: Stream) -> (Stream, Option<Stream>) {
        let h = &self.hardware;
        let Some(sparsifier) = h.sparsifier() else { return (b, None) };
        let kept = m.instance("sparsifier", &sparsifier, SparsifierIn { up: b });
        let slots = Serializer { lane: Type::Bits(h.b_lanes() * h.b_lane().width()), lanes: h.group.slots };
        (m.instance("slots", &slots, WidthIn { up: kept.pairs }).down, Some(kept.refusals))
    }

    /// The stationary operand waits in the array, the other streams by.
    fn keep_operand(
        &self,
        m: Module,
        streamed: Stream,
        stationary: Stream,
        bias: Stream,
        sequence: SequencerOut,
        feedback: &Feedback,
    ) -> OutputBufferOut {
        let h = &self.hardware;
        let (streamed_type, value) = if h.dataflow == Dataflow::WeightStationary { (h.a, h.b) } else { (h.b, h.a) };
        let stationary_type = h.group.weight(value);
        let (issue, load) = (m.wire("issue", Type::BIT), m.wire("load", Type::BIT));
        let phase_bits = h.phase_bits();
        let tags = m.wire("row_tags", Type::Bits(3 + phase_bits.unwrap_or(0)));
        // The tile's first word goes to the last row, so the streamed lanes are turned too.
        let network = GroupNetwork { rows: h.rows, group: h.group, element: streamed_type };
        let streamed_buffer = OperandBuffer {
            stations: network.stations(),
            tags: tags.ty().width(),
            last_lane_first: true,
            registered: true,
            ..OperandBuffer::by_row(h.rows, h.group.activations(streamed_type), h.buffer_words())
        };
        let input = BufferIn { up: streamed, claim: *issue, read: *issue, fetch: None, tags: Some(*tags) };
        let streamed = m.instance("streamed_buffer", &streamed_buffer, input);
        let tag = |row: usize, range: std::ops::Range<u32>| {
            streamed.waves[row].tags.map_or_else(|| constant(Type::Bits(range.end - range.start), 0), |tags| tags.bits(range.clone()))
        };
        let rows = || 0..h.rows as usize;
        let phases = rows().map(|row| phase_bits.map(|bits| tag(row, 3..3 + bits).reinterpret(Type::u(bits)))).collect();
        let activations = if h.group == Group::DENSE {
            streamed.elements.iter().map(|&element| vec![element]).collect()
        } else {
            m.instance("group_network", &network, NetworkIn { groups: streamed.elements.clone(), phases }).rows
        };
        let stationary_buffer =
            OperandBuffer { registered: true, ..OperandBuffer::by_row(h.columns, stationary_type, h.stationary_words()) };
        let input = BufferIn { up: stationary, claim: *load, read: *load, fetch: None, tags: None };
        let stationary = m.instance("stationary_buffer", &stationary_buffer, input);
        let (claim_bias, read_bias) = (m.wire("claim_bias", Type::BIT), m.wire("read_bias", Type::BIT));
        let bias = self.bias_buffer(m, bias, *claim_bias, *read_bias);

        let control = m.instance(
            "control",
            &StationaryControl { hardware: h.clone() },
            StationaryControlIn {
                pass: sequence.pass,
                observed: feedback.observed(vec![streamed.available], bias.available),
                stationary: stationary.available,
            },
        );
        let course = control.course;
        feedback.take.drive(course.take);
        feedback.idle.drive(course.idle);
        issue.drive(course.issue);
        load.drive(control.load);
        claim_bias.drive(control.claim_bias);
        let flags = pack(&[course.take, course.first_k, course.last_k]);
        tags.drive(course.phase.map_or(flags, |phase| pack(&[flags, phase.as_bits()])));

        let pe = StationaryPe {
            streamed: streamed_type,
            group: h.group,
            stationary: value,
            accumulator: h.accumulator,
            double_buffered: h.overlap_load,
        };
        let swap = rows().map(|row| h.overlap_load.then(|| tag(row, 0..1).bit(0))).collect();
        let input = StationaryArrayIn { streamed: activations, swap, shift: control.shift, stationary: stationary.elements };
        let sums = m.instance("array", &StationaryArray { rows: h.rows, columns: h.columns, pe }, input).sums;

        // The sum of a row leaves column 0 a cycle after the row's wave has left the last lane.
        let last_row = h.rows as usize - 1;
        let last_tags = tag(last_row, 0..3);
        let tags = RowTags {
            valid: m.delay("sum_valid", streamed.waves[last_row].valid),
            first_row: m.delay("sum_first_row", last_tags.bit(0)),
            first_k: m.delay("sum_first_k", last_tags.bit(1)),
            last_k: m.delay("sum_last_k", last_tags.bit(2)),
        };
        let bias_row = if h.dataflow == Dataflow::WeightStationary { tags.first_row } else { tags.valid };
        read_bias.drive(tags.valid & tags.first_k & bias_row);
        let column = self.output_column(h.buffer_rows);
        let input = OutputBufferIn { sums, tags, biases: bias.elements, scaling: sequence.scaling };
        m.instance("output_buffer", &OutputBuffer { columns: h.columns, column }, input)
    }

    /// Both operands stream by, sums stay.
    fn keep_outputs(&self, m: Module, a: Stream, b: Stream, bias: Stream, sequence: SequencerOut, feedback: &Feedback) -> OutputBufferOut {
        let h = &self.hardware;
        let issue = m.wire("issue", Type::BIT);
        let tags = m.wire("row_tags", Type::Bits(2));
        // Sums leave from the bottom, so row 0 of a tile is in the last row of the array.
        let a_buffer = OperandBuffer {
            tags: 2,
            repeats: h.shows_repeatedly(),
            last_lane_first: true,
            registered: true,
            ..OperandBuffer::by_row(h.rows, h.group.activations(h.a), h.group_words())
        };
        let fetch = h.shows_repeatedly().then(|| m.wire("fetch", Type::BIT));
        let claim_a = fetch.as_ref().map_or(*issue, |fetch| *issue & **fetch);
        let input = BufferIn { up: a, claim: claim_a, read: *issue, fetch: fetch.as_ref().map(|fetch| **fetch), tags: Some(*tags) };
        let a = m.instance("a_buffer", &a_buffer, input);
        let b_buffer = OperandBuffer { registered: true, ..OperandBuffer::by_row(h.columns, h.b_lane(), h.buffer_words()) };
        let b = m.instance("b_buffer", &b_buffer, BufferIn { up: b, claim: *issue, read: *issue, fetch: None, tags: None });
        let (claim_bias, read_bias) = (m.wire("claim_bias", Type::BIT), m.wire("read_bias", Type::BIT));
        let bias = self.bias_buffer(m, bias, *claim_bias, *read_bias);

        let row_tag = |row: usize, bit: u32| a.waves[row].tags.map_or_else(|| constant(Type::BIT, false), |tags| tags.bit(bit));
        let last_row = h.rows as usize - 1;
        let control = m.instance(
            "control",
            &OutputStationaryControl { hardware: h.clone() },
            OutputStationaryControlIn {
                pass: sequence.pass,
                observed: feedback.observed(vec![a.available, b.available], bias.available),
                tile_ends: a.waves[last_row].valid & row_tag(last_row, 1),
            },
        );
        let course = control.course;
        feedback.take.drive(course.take);
        feedback.idle.drive(course.idle);
        issue.drive(course.issue);
        claim_bias.drive(control.claim_bias);
        if let (Some(fetch), Some(first_slot)) = (fetch, control.fetch) {
            fetch.drive(first_slot);
        }
        tags.drive(pack(&[course.take & course.first_k, course.last_row & course.last_k]));

        let pe = OutputStationaryPe { a: h.a, group: h.group, b: h.b, accumulator: h.accumulator, double_buffered: h.overlap_load };
        let rows = || 0..h.rows as usize;
        let input = OutputStationaryArrayIn {
            first: rows().map(|row| row_tag(row, 0)).collect(),
            last: rows().map(|row| h.overlap_load.then(|| row_tag(row, 1))).collect(),
            a: a.elements.iter().map(|&activations| h.group.split(activations, h.a)).collect(),
            shift: control.shift,
            b: b.elements,
        };
        let sums = m.instance("array", &OutputStationaryArray { rows: h.rows, columns: h.columns, pe }, input).sums;

        read_bias.drive(control.first_drained);
        let tags = RowTags {
            valid: control.drains,
            first_row: control.first_drained,
            first_k: constant(Type::BIT, true),
            last_k: constant(Type::BIT, true),
        };
        let column = self.output_column(0);
        let input = OutputBufferIn { sums, tags, biases: bias.elements, scaling: sequence.scaling };
        m.instance("output_buffer", &OutputBuffer { columns: h.columns, column }, input)
    }

    fn bias_buffer(&self, m: Module, up: Stream, claim: Signal, read: Signal) -> BufferOut {
        let h = &self.hardware;
        let buffer = OperandBuffer::by_row(h.bias_lanes(), h.accumulator, h.bias_words());
        m.instance("bias_buffer", &buffer, BufferIn { up, claim, read, fetch: None, tags: None })
    }

    fn output_column(&self, partial_sums: u32) -> OutputColumn {
        let h = &self.hardware;
        OutputColumn {
            accumulator: h.accumulator,
            output: h.output,
            partial_sums,
            bank_words: h.bank_words(),
            bias_per_column: h.dataflow != Dataflow::InputStationary,
            multiplier_bits: h.multiplier_bits,
            shift_bits: h.shift_bits,
        }
    }
}
