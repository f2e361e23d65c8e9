//! Advice on the array's buffers, from the cycle model.

use super::hardware::{Dataflow, HardwareParameters};
use super::model::Model;
use super::parameters::DEEPEST_BUFFER;
use super::schedule::Schedule;
use crate::report::{Setting, Warning, grouped};

/// The least share of the cycles whose saving is worth a note.
const WORTH_A_NOTE: f64 = 0.01;

/// A note if deeper streaming buffers, which would split no tile of these products, save at least a hundredth of their cycles.
pub fn deeper_buffers(hardware: &HardwareParameters, schedules: &[Schedule]) -> Option<Warning> {
    let longest = schedules.iter().map(|schedule| schedule.unsplit_length()).max()?;
    let depth = u32::try_from(longest).unwrap_or(u32::MAX).min(DEEPEST_BUFFER);
    if depth <= hardware.buffer_rows {
        return None;
    }
    let deeper = HardwareParameters { buffer_rows: depth, ..hardware.clone() };
    let cycles = |hardware: &HardwareParameters, schedule: &Schedule| Model::of(hardware, schedule).cycles();
    let now: u64 = schedules.iter().map(|schedule| cycles(hardware, schedule)).sum();
    let then: u64 = schedules.iter().map(|schedule| cycles(&deeper, &schedule.on(&deeper))).sum();
    let saved = now.saturating_sub(then);
    if (saved as f64) < WORTH_A_NOTE * now as f64 {
        return None;
    }
    let axis = match hardware.dataflow {
        Dataflow::WeightStationary => "rows of A",
        Dataflow::InputStationary => "columns of B",
        Dataflow::OutputStationary => "slots along K",
    };
    let advice = format!(
        "tiles of at most {} words split the {} {axis}; {} words would save {} of {} cycles ({:.1} %) by the model",
        grouped(hardware.buffer_rows.into()),
        grouped(longest as u64),
        grouped(depth.into()),
        grouped(saved),
        grouped(now),
        100.0 * saved as f64 / now as f64,
    );
    Some(Warning::note("array.buffer_rows", advice, saved).with_remedy(Setting::new("array.buffer_rows", depth.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::compression::Compression;
    use crate::systolic::hardware::Group;
    use crate::systolic::parameters::{ArrayParameters, Formats};
    use crate::systolic::schedule::Shape;

    fn note(overlap_load: bool, dataflow: Dataflow, buffer_rows: u32, shapes: &[[usize; 3]]) -> Option<Warning> {
        let array = ArrayParameters { overlap_load, buffer_rows, ..ArrayParameters::default() };
        let hardware = array.hardware(dataflow, &Formats::default(), Group::DENSE);
        let schedules: Vec<Schedule> =
            shapes.iter().map(|&[m, k, n]| Schedule::new(&hardware, Shape { m, k, n }, Compression::dense(Group::DENSE))).collect();
        deeper_buffers(&hardware, &schedules)
    }

    #[test]
    fn a_load_for_each_half_of_384_rows_is_saved_by_a_buffer_for_all_of_them() {
        // 24 · 24 stationary tiles: 2 passes of 16 + 192 + 30 cycles for each, or one of 16 + 384 + 30, before which 192 words more come in.
        let note = note(false, Dataflow::WeightStationary, 256, &[[384, 384, 384]]).unwrap();
        assert_eq!(note.count(), 576 * (2 * 238 - 430) - 192);
        assert_eq!(note.remedy().map(ToString::to_string).as_deref(), Some("array.buffer_rows = 384"));
        assert_eq!(
            note.happened(),
            "tiles of at most 256 words split the 384 rows of A; 384 words would save 26 304 of 274 362 cycles (9.6 %) by the model"
        );
    }

    #[test]
    fn nothing_is_said_where_no_tile_is_split_or_a_split_costs_nothing() {
        assert_eq!(note(false, Dataflow::WeightStationary, 256, &[[256, 384, 384], [100, 16, 16]]), None);
        // An overlapped load is hidden behind either half.
        assert_eq!(note(true, Dataflow::WeightStationary, 256, &[[384, 384, 384]]), None);
        assert_eq!(note(true, Dataflow::OutputStationary, 256, &[[64, 400, 64]]), None);
    }
}
