//! The hardware of the matrix kernels: one array, dense or with groups of activations for sparse weights.
//!
//! ```text
//! job ──► sequencer ──pass──► control ◄── what is available, what has room
//!                               │
//! streamed operand ──► buffer ──┴──► array ──► output columns ──► output banks ──► c
//! stationary operand ► buffer ───────►           ▲
//! bias ──────────────► buffer ───────────────────┘
//! ```
//!
//! Buffers are queues of words in one memory per lane; a read travels from lane to lane as a wave, which skews the operands. A pass
//! starts when its operands are buffered and its outputs have room, so nothing in the array ever stalls.

mod array;
mod control;
mod group;
mod operand_buffer;
mod output_buffer;
mod output_column;
mod processing_element;
mod sequencer;
mod top;
mod training_array;

pub use group::Group;
use output_column::OutputColumn;
pub use processing_element::{OutputStationaryPe, StationaryPe};
pub use top::{Gemm, GemmIn, GemmOut};
pub use training_array::{TrainingArray, TrainingArrayIn, TrainingArrayOut};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::{Design, Diagnostics, Type, elaborate};

use crate::sparse::hardware::{Sparsifier, SparsifierForm};

/// Which operand stays in the array while the others pass.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dataflow {
    /// Each processing element holds an element of B.
    WeightStationary,
    /// Each processing element collects an element of C.
    OutputStationary,
    /// Each processing element holds an element of A.
    InputStationary,
}

impl Dataflow {
    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Dataflow::WeightStationary => "weight-stationary",
            Dataflow::OutputStationary => "output-stationary",
            Dataflow::InputStationary => "input-stationary",
        }
    }
}

/// How weights come to an array with groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WeightSupply {
    /// Those that are kept, with their indices.
    #[default]
    Compressed,
    /// All, one of each column a cycle, so that a group of M takes M cycles; hardware keeps N of them.
    Streaming,
    /// All, a group of each column a cycle; hardware keeps N of them.
    Parallel,
}

impl WeightSupply {
    /// The form of the sparsifier in front of the array, if there is one.
    pub fn sparsifier(self) -> Option<SparsifierForm> {
        match self {
            WeightSupply::Compressed => None,
            WeightSupply::Streaming => Some(SparsifierForm::Streaming),
            WeightSupply::Parallel => Some(SparsifierForm::Parallel),
        }
    }
}

/// Everything that fixes the hardware.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HardwareParameters {
    /// Rows of the array, R.
    pub rows: u32,
    /// Columns of the array, C.
    pub columns: u32,
    /// Which operand is stationary.
    pub dataflow: Dataflow,
    /// How rows share elements of A, and B picks from them; dense if inputs are stationary.
    pub group: Group,
    /// What stream `b` carries; compressed weights if there are no groups.
    pub weights: WeightSupply,
    /// Whether the next stationary tile is loaded (or the last output tile drained) while the array computes.
    pub overlap_load: bool,
    /// Depth of a streaming tile buffer in words, T.
    pub buffer_rows: u32,
    /// Type of an element of A.
    pub a: Type,
    /// Type of an element of B; of A's kind, signed or not as it likes.
    pub b: Type,
    /// Type of an accumulator; with the fraction bits of a product.
    pub accumulator: Type,
    /// Type of an output element. The accumulator's type stands for the accumulator itself: no requantization, and `job` has
    /// neither a multiplier nor a shift.
    pub output: Type,
    /// Width of the requantization's unsigned multiplier.
    pub multiplier_bits: u32,
    /// Width of the requantization's right shift.
    pub shift_bits: u32,
}

/// Output words for the stages between the array and the output stream.
const BANK_MARGIN: u32 = 18;

impl HardwareParameters {
    /// Width of a tile count in a job.
    pub const COUNT_BITS: u32 = 16;

    /// Whether outputs are requantized.
    pub fn requantizes(&self) -> bool {
        self.output != self.accumulator
    }

    /// Groups in a word of stream `a`: one for each row if outputs are stationary, otherwise as many as a stationary tile can touch.
    pub fn a_groups(&self) -> u32 {
        match self.dataflow {
            Dataflow::WeightStationary => self.group.touched_by(self.rows),
            Dataflow::OutputStationary => self.rows,
            Dataflow::InputStationary => self.columns,
        }
    }

    /// Lanes of a word of stream `a`: the elements of group 0, then those of group 1, and so on.
    pub fn a_lanes(&self) -> u32 {
        self.a_groups() * self.group.elements
    }

    /// Lanes of a word of stream `b`.
    pub fn b_lanes(&self) -> u32 {
        if self.dataflow == Dataflow::InputStationary { self.rows } else { self.columns }
    }

    /// Type of a lane of B on its way into the array: an element with its index.
    pub fn b_lane(&self) -> Type {
        self.group.weight(self.b)
    }

    /// What stands between stream `b` and the array if the stream carries all weights.
    pub fn sparsifier(&self) -> Option<Sparsifier> {
        let Group { slots, elements } = self.group;
        let form = self.weights.sparsifier()?;
        Some(Sparsifier { n: slots, m: elements, lanes: self.columns, element: self.b, form })
    }

    /// Type of a word of stream `b`: lanes with their indices, or all weights as a [`Sparsifier`] takes them.
    pub fn b_word(&self) -> Type {
        self.sparsifier().map_or_else(|| Type::Bits(self.b_lanes() * self.b_lane().width()), |sparsifier| sparsifier.up())
    }

    /// Lanes of a word of stream `bias`, which are accumulators: with stationary inputs a column of the array is a row of C, so that
    /// all lanes share one bias and the stream carries it once per streamed row.
    pub fn bias_lanes(&self) -> u32 {
        if self.dataflow == Dataflow::InputStationary { 1 } else { self.columns }
    }

    /// The fields of a beat of stream `job`, the first in the least significant bits.
    ///
    /// | field | meaning |
    /// |---|---|
    /// | `outer_tiles` | tiles of the outermost loop: streamed rows, or rows of C for a stationary output |
    /// | `lane_tiles` | tiles of the middle loop: lanes of the array's columns |
    /// | `reduction_tiles` | tiles of the innermost loop, along K |
    /// | `full_length`, `last_length` | words of the streaming tile in all but the last tile of its loop, and in the last; the loop is the outermost one, or along K for a stationary output |
    /// | `full_groups`, `last_groups` | words of A that go with them, one for each group. Only for a stationary output and groups of several slots |
    /// | `last_rows` | output words of a tile of the last outermost round; all others have R. Only for a stationary output |
    /// | `multiplier`, `shift` | output = accumulator · multiplier / 2^shift. Only if the output is requantized |
    /// | `relu` | one bit: negative accumulators become 0 before requantization |
    pub fn job_fields(&self) -> Vec<(&'static str, Type)> {
        let count = Type::u(Self::COUNT_BITS);
        let length = Type::count(self.buffer_rows);
        let mut fields = vec![
            ("outer_tiles", count),
            ("lane_tiles", count),
            ("reduction_tiles", count),
            ("full_length", length),
            ("last_length", length),
        ];
        if self.dataflow == Dataflow::OutputStationary {
            if self.group.slots > 1 {
                fields.push(("full_groups", length));
                fields.push(("last_groups", length));
            }
            fields.push(("last_rows", Type::count(self.rows)));
        }
        if self.requantizes() {
            fields.push(("multiplier", Type::u(self.multiplier_bits)));
            fields.push(("shift", Type::u(self.shift_bits)));
        }
        fields.push(("relu", Type::BIT));
        fields
    }

    /// Type of a beat of stream `job`.
    pub fn job_type(&self) -> Type {
        Type::Bits(self.job_fields().iter().map(|(_, ty)| ty.width()).sum())
    }

    /// Depth of a buffer of a streamed operand: two tiles, so that one is filled while the other is used.
    pub fn buffer_words(&self) -> u32 {
        2 * self.buffer_rows
    }

    /// Depth of the output banks: two tiles. If outputs are stationary, also all that is on its way from the start of a tile's pass to the
    /// output stream: about three tiles of R rows while the columns' skew passes, however short the passes are.
    pub fn bank_words(&self) -> u32 {
        match self.dataflow {
            Dataflow::OutputStationary => self.buffer_words().max(3 * self.rows + self.columns + BANK_MARGIN),
            _ => self.buffer_words(),
        }
    }

    /// Depth of the buffer of A for a stationary output, which shows a word for all slots of a group.
    pub fn group_words(&self) -> u32 {
        2 * self.buffer_rows.div_ceil(self.group.slots)
    }

    /// Depth of the buffer of the stationary operand: the tile being loaded, and as much again as the wave through the lanes still
    /// holds of it.
    pub fn stationary_words(&self) -> u32 {
        self.rows + self.rows.max(self.columns) + 4
    }

    /// Depth of the bias buffer: with stationary inputs a word for each streamed row, otherwise one for each output tile that is on its
    /// way through the array.
    pub fn bias_words(&self) -> u32 {
        match self.dataflow {
            Dataflow::InputStationary => self.buffer_words(),
            _ => (self.rows + self.columns).div_ceil(self.rows) + 4,
        }
    }

    /// Cycles from the one in which the last column's sum stands at the south edge, exclusive, to the transfer of its output word,
    /// inclusive, and the four that a word takes from its issue to the first product: what the array's formulas leave out.
    pub fn output_latency(&self) -> u64 {
        5 + u64::from(OutputColumn::latency(self.requantizes()))
    }

    /// Elaborates the accelerator.
    ///
    /// # Errors
    /// Diagnostics, for parameters that do not fit together: an accumulator of the wrong signedness, one that cannot hold a product.
    pub fn design(&self) -> Result<Design, Diagnostics> {
        elaborate(&Gemm { hardware: self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::parameters::{ArrayParameters, Formats};

    #[test]
    fn every_dataflow_elaborates() {
        for dataflow in [Dataflow::WeightStationary, Dataflow::InputStationary, Dataflow::OutputStationary] {
            for overlap_load in [false, true] {
                let hardware = HardwareParameters {
                    rows: 3,
                    columns: 5,
                    overlap_load,
                    buffer_rows: 32,
                    b: Type::s(4),
                    accumulator: Type::s(24),
                    ..ArrayParameters::default().hardware(dataflow, &Formats::default(), Group::DENSE)
                };
                let design = hardware.design().unwrap_or_else(|diagnostics| panic!("{dataflow:?}: {diagnostics}"));
                design.validate().unwrap();
            }
        }
    }
}
