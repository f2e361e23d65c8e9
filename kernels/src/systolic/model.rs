//! The closed-form cycle model: what the hardware takes when no stream stalls it.
//!
//! With R rows, C columns and passes p of streamed length L(p), for weight- and input-stationary arrays:
//!
//! - load not overlapped: Σₚ (R + L(p) + R + C − 2);
//! - load overlapped: R once, then max(L(p), R) per pass, the last pass taking L + R + C − 2.
//!
//! For an output-stationary array, with tiles of K streamed in passes of which the last has length L and with D rows of C drained
//! from the last tile (R unless M ends there):
//!
//! - drain not overlapped: K + R + C − 2 + R per tile, the last tile taking K + R + C − 2 + D;
//! - drain overlapped: K − L + max(L, R) per tile, which is max(K, R) if K is streamed in one pass; the last tile as above.
//!
//! For compressed B, K is everywhere the number of slots that B has along K: of N:M-sparse weights K·N/M if M divides K.
//!
//! Before that stands the time in which the first tile is buffered, behind it the pipeline from a column's sum to the output stream.

use super::hardware::{Dataflow, HardwareParameters};
use super::schedule::Schedule;

/// Cycles from the one in which the streams offer their first words to the transfer of the last output word, both included.
pub fn cycles(hardware: &HardwareParameters, schedule: &Schedule) -> u64 {
    let first_tile = schedule.passes().next().map_or(0, |pass| schedule.streamed_length(pass) as u64);
    let rows = u64::from(hardware.rows);
    let (buffering, pipeline) = match hardware.dataflow {
        // A streamed tile comes in while a stationary tile of R words comes in and is then loaded, which the array's cycles count.
        Dataflow::WeightStationary | Dataflow::InputStationary => (first_tile.max(2 * rows) - rows, hardware.output_latency()),
        // The last row of sums is drained a cycle earlier than a pass through a further row would take.
        Dataflow::OutputStationary => (first_tile, hardware.output_latency() - 1),
    };
    buffering + array_cycles(hardware, schedule) + pipeline
}

/// Cycles of the array alone: the formulas above.
pub fn array_cycles(hardware: &HardwareParameters, schedule: &Schedule) -> u64 {
    let (rows, columns) = (u64::from(hardware.rows), u64::from(hardware.columns));
    let fill = rows + columns - 2;
    let tiles = (schedule.outer.count * schedule.lanes.count) as u64;
    let depth = schedule.slots() as u64;
    let lengths = || schedule.passes().map(|pass| schedule.streamed_length(pass) as u64);
    match (hardware.dataflow, hardware.overlap_load) {
        (Dataflow::OutputStationary, overlap) => {
            let last_length = schedule.reduction.last as u64;
            let tile = if overlap { depth - last_length + last_length.max(rows) } else { depth + fill + rows };
            (tiles - 1) * tile + depth + fill + schedule.outer.last as u64
        }
        (_, false) => lengths().map(|length| rows + length + fill).sum(),
        (_, true) => {
            let last = lengths().last().unwrap_or(0);
            rows + lengths().map(|length| length.max(rows)).sum::<u64>() - last.max(rows) + last + fill
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::compression::Compression;
    use crate::systolic::hardware::Group;
    use crate::systolic::schedule::Shape;
    use proptest::prelude::*;
    use systole_hdl::Type;

    fn hardware(dataflow: Dataflow, overlap_load: bool, rows: u32, columns: u32) -> HardwareParameters {
        HardwareParameters {
            rows,
            columns,
            dataflow,
            overlap_load,
            group: Group::DENSE,
            buffer_rows: 256,
            a: Type::s(8),
            b: Type::s(8),
            accumulator: Type::s(32),
            output: Type::s(8),
            multiplier_bits: 16,
            shift_bits: 6,
        }
    }

    fn array(dataflow: Dataflow, overlap_load: bool, m: usize, k: usize, n: usize) -> u64 {
        let hardware = hardware(dataflow, overlap_load, 16, 16);
        array_cycles(&hardware, &Schedule::new(&hardware, Shape { m, k, n }, Compression::dense(Group::DENSE)))
    }

    #[test]
    fn a_dense_layer_on_16_by_16_takes_the_planned_cycles() {
        // passes · (R + M + R + C − 2) with 16 passes of 64 rows.
        assert_eq!(array(Dataflow::WeightStationary, false, 64, 256, 16), 16 * (16 + 64 + 30));
        assert_eq!(array(Dataflow::WeightStationary, true, 64, 256, 16), 16 + 16 * 64 + 30);
        assert_eq!(array(Dataflow::InputStationary, true, 16, 256, 64), 16 + 16 * 64 + 30);
        assert_eq!(array(Dataflow::OutputStationary, false, 32, 100, 16), 2 * (100 + 30 + 16));
        assert_eq!(array(Dataflow::OutputStationary, true, 32, 100, 16), 100 + 100 + 30 + 16);
    }

    proptest! {
        #[test]
        fn no_array_is_predicted_to_beat_its_peak(
            dataflow in prop::sample::select(vec![Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary]),
            overlap in any::<bool>(), rows in 1u32..20, columns in 1u32..20, m in 1usize..600, k in 1usize..600, n in 1usize..50,
        ) {
            let hardware = hardware(dataflow, overlap, rows, columns);
            let cycles = array_cycles(&hardware, &Schedule::new(&hardware, Shape { m, k, n }, Compression::dense(Group::DENSE)));
            let peak = u64::from(rows * columns);
            prop_assert!(cycles * peak >= (m * k * n) as u64);
        }
    }
}
