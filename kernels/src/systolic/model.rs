//! The cycle model: what the hardware takes when no stream stalls it, in closed form unless weights pass a sparsifier.
//!
//! With R rows, C columns and passes p of streamed length L(p), for weight- and input-stationary arrays:
//!
//! - load not overlapped: Σₚ (R + L(p) + R + C − 2);
//! - load overlapped: R once, then max(L(p), R) per pass, the last pass taking L + R + C − 2.
//!
//! For an output-stationary array, with tiles of K streamed in passes of which the last has length L and with D rows of C drained
//! from a tile (R unless M ends there):
//!
//! - drain not overlapped: K + R + C − 2 + D per tile;
//! - drain overlapped: K − L + max(L, R) per tile, which is max(K, R) if K is streamed in one pass; the last tile as above.
//!
//! For compressed B, K is everywhere the number of slots that B has along K: of N:M-sparse weights K·N/M if M divides K.
//!
//! Weights that pass a sparsifier first can come later than that. How much later, [`Model::sparsify`], follows from a recurrence over the starts
//! of passes.
//!
//! Before that stands the time in which the first tile is buffered, behind it the pipeline from a column's sum to the output stream.

use super::hardware::{Dataflow, HardwareParameters};
use super::schedule::Schedule;
use super::supply;
use crate::report::grouped;

/// What the cycles of a product are spent on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Model {
    /// Passes through the array.
    pub passes: u64,
    /// The first tile comes in.
    pub buffering: u64,
    /// Rows of operands enter the array.
    pub streaming: u64,
    /// The array waits for a stationary tile to be loaded, or for sums to be drained.
    pub load: u64,
    /// The array waits longer for weights than it would if they came compressed.
    pub sparsify: u64,
    /// Operands and sums cross the array while no row enters.
    pub fill: u64,
    /// The last sums pass the output stage.
    pub pipeline: u64,
}

impl Model {
    /// The model of a product.
    pub fn of(hardware: &HardwareParameters, schedule: &Schedule) -> Model {
        let (rows, columns) = (u64::from(hardware.rows), u64::from(hardware.columns));
        let fill = rows + columns - 2;
        let lengths = || schedule.passes().map(|pass| schedule.streamed_length(pass) as u64);
        let passes = lengths().count() as u64;
        let (first, last) = (lengths().next().unwrap_or(0), lengths().last().unwrap_or(0));
        let streaming = lengths().sum();
        let tiles = (schedule.outer.count * schedule.lanes.count) as u64;
        let (load, fill) = match (hardware.dataflow, hardware.overlap_load) {
            (Dataflow::OutputStationary, true) => {
                let last_length = schedule.reduction.last as u64;
                ((tiles - 1) * rows.saturating_sub(last_length) + schedule.outer.last as u64, fill)
            }
            (Dataflow::OutputStationary, false) => ((schedule.lanes.count * schedule.shape().m) as u64, tiles * fill),
            (_, true) => (rows + lengths().map(|length| rows.saturating_sub(length)).sum::<u64>() - rows.saturating_sub(last), fill),
            (_, false) => (passes * rows, passes * fill),
        };
        let (buffering, pipeline) = match hardware.dataflow {
            // A streamed tile comes in while a stationary tile of R words comes in and is then loaded, which `load` counts.
            Dataflow::WeightStationary | Dataflow::InputStationary => (first.max(2 * rows) - rows, hardware.output_latency()),
            // The last row of sums is drained a cycle earlier than a pass through a further row would take.
            Dataflow::OutputStationary => (first, hardware.output_latency() - 1),
        };
        Model { passes, buffering, streaming, load, sparsify: supply::wait(hardware, schedule), fill, pipeline }
    }

    /// Cycles from the one in which the streams offer their first words to the transfer of the last output word, both included.
    pub fn cycles(&self) -> u64 {
        self.buffering + self.array_cycles() + self.pipeline
    }

    /// Cycles of the array alone: the formulas above, and what it waits for a sparsifier.
    pub fn array_cycles(&self) -> u64 {
        self.streaming + self.load + self.sparsify + self.fill
    }

    /// The sum in words and numbers.
    pub fn formula(&self) -> String {
        let Model { passes, buffering, streaming, load, sparsify, fill, pipeline } = *self;
        let terms = [
            (buffering, "buffering".to_string()),
            (streaming, format!("streaming in {} passes", grouped(passes))),
            (load, "load and drain".to_string()),
            (sparsify, "sparsify".to_string()),
            (fill, "crossing the array".to_string()),
            (pipeline, "output stage".to_string()),
        ];
        let terms: Vec<String> =
            terms.into_iter().filter(|(cycles, _)| *cycles > 0).map(|(cycles, what)| format!("{} {what}", grouped(cycles))).collect();
        format!("{} = {}", terms.join(" + "), grouped(self.cycles()))
    }
}

impl std::iter::Sum for Model {
    fn sum<I: Iterator<Item = Model>>(models: I) -> Model {
        models.fold(Model::default(), |sum, model| Model {
            passes: sum.passes + model.passes,
            buffering: sum.buffering + model.buffering,
            streaming: sum.streaming + model.streaming,
            load: sum.load + model.load,
            sparsify: sum.sparsify + model.sparsify,
            fill: sum.fill + model.fill,
            pipeline: sum.pipeline + model.pipeline,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::compression::Compression;
    use crate::systolic::hardware::Group;
    use crate::systolic::parameters::{ArrayParameters, Formats};
    use crate::systolic::schedule::Shape;
    use proptest::prelude::*;

    fn hardware(dataflow: Dataflow, group: Group, overlap_load: bool, rows: u32, columns: u32) -> HardwareParameters {
        HardwareParameters { rows, columns, overlap_load, ..ArrayParameters::default().hardware(dataflow, &Formats::default(), group) }
    }

    fn array(dataflow: Dataflow, overlap_load: bool, m: usize, k: usize, n: usize) -> u64 {
        let hardware = hardware(dataflow, Group::DENSE, overlap_load, 16, 16);
        Model::of(&hardware, &Schedule::new(&hardware, Shape { m, k, n }, Compression::dense(Group::DENSE))).array_cycles()
    }

    #[test]
    fn a_dense_layer_on_16_by_16_takes_the_planned_cycles() {
        // passes · (R + M + R + C − 2) with 16 passes of 64 rows.
        assert_eq!(array(Dataflow::WeightStationary, false, 64, 256, 16), 16 * (16 + 64 + 30));
        assert_eq!(array(Dataflow::WeightStationary, true, 64, 256, 16), 16 + 16 * 64 + 30);
        assert_eq!(array(Dataflow::InputStationary, true, 16, 256, 64), 16 + 16 * 64 + 30);
        assert_eq!(array(Dataflow::OutputStationary, false, 32, 100, 16), 2 * (100 + 30 + 16));
        assert_eq!(array(Dataflow::OutputStationary, false, 18, 100, 16), (100 + 30 + 16) + (100 + 30 + 2));
        assert_eq!(array(Dataflow::OutputStationary, true, 32, 100, 16), 100 + 100 + 30 + 16);
    }

    #[test]
    fn sparse_weights_take_the_planned_share_of_the_dense_cycles_on_the_same_array() {
        for (n, m, planned) in [(2, 4, 880), (1, 4, 440), (2, 8, 440), (1, 8, 220), (1, 16, 110)] {
            let group = Group { slots: n, elements: m };
            let hardware = hardware(Dataflow::WeightStationary, group, false, 16, 16);
            let cycles =
                |compression| Model::of(&hardware, &Schedule::new(&hardware, Shape { m: 64, k: 256, n: 16 }, compression)).array_cycles();
            assert_eq!(cycles(Compression::new(n as usize, m as usize, group).unwrap()), planned, "{n}:{m}");
            assert_eq!(cycles(Compression::dense(group)), 1760, "dense on the array for {n}:{m}");
        }
    }

    proptest! {
        #[test]
        fn no_array_is_predicted_to_beat_its_peak(
            dataflow in prop::sample::select(vec![Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary]),
            overlap in any::<bool>(), rows in 1u32..20, columns in 1u32..20, m in 1usize..600, k in 1usize..600, n in 1usize..50,
        ) {
            let hardware = hardware(dataflow, Group::DENSE, overlap, rows, columns);
            let schedule = Schedule::new(&hardware, Shape { m, k, n }, Compression::dense(Group::DENSE));
            let cycles = Model::of(&hardware, &schedule).array_cycles();
            let peak = u64::from(rows * columns);
            prop_assert!(cycles * peak >= (m * k * n) as u64);
        }
    }
}
