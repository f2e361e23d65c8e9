//! The beat that starts a product: what stream `job` carries.

use systole_hdl::Value;

use super::golden::Requantize;
use super::hardware::HardwareParameters;
use super::schedule::Schedule;

/// The job of one product, packed as [`HardwareParameters::job_fields`] lays it out.
pub fn job(hardware: &HardwareParameters, schedule: &Schedule, requantize: Option<Requantize>, relu: bool) -> Value {
    let streamed = schedule.streamed();
    let field = |name: &str| match name {
        "outer_tiles" => schedule.outer.count as u64,
        "lane_tiles" => schedule.lanes.count as u64,
        "reduction_tiles" => schedule.reduction.count as u64,
        "full_length" => streamed.full as u64,
        "last_length" => streamed.last as u64,
        "full_groups" => schedule.groups(streamed.full) as u64,
        "last_groups" => schedule.groups(streamed.last) as u64,
        "last_rows" => schedule.outer.last as u64,
        "multiplier" => requantize.map_or(0, |requantize| requantize.multiplier),
        "shift" => requantize.map_or(0, |requantize| u64::from(requantize.shift)),
        "relu" => u64::from(relu),
        name => unreachable!("job field `{name}` has a value above"),
    };
    hardware.job_fields().into_iter().fold(Value::zero(0), |beat, (name, ty)| beat.concat(&Value::from_u64(ty.width(), field(name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::compression::Compression;
    use crate::systolic::hardware::{Dataflow, Group};
    use crate::systolic::parameters::{ArrayParameters, Formats};
    use crate::systolic::schedule::Shape;
    use systole_hdl::Type;

    fn fields(dataflow: Dataflow, output: Type) -> Vec<(&'static str, u64)> {
        let hardware = HardwareParameters {
            columns: 8,
            buffer_rows: 64,
            output,
            ..ArrayParameters::default().hardware(dataflow, &Formats::default(), Group::DENSE)
        };
        let schedule = Schedule::new(&hardware, Shape { m: 100, k: 130, n: 20 }, Compression::dense(Group::DENSE));
        let beat = job(&hardware, &schedule, Some(Requantize { multiplier: 40_000, shift: 20 }), true);
        let mut low = 0;
        let mut read = |ty: Type| {
            low += ty.width();
            beat.slice(low - ty.width(), ty.width()).to_u64().unwrap()
        };
        let fields = hardware.job_fields().into_iter().map(|(name, ty)| (name, read(ty))).collect();
        assert_eq!(low, beat.width());
        fields
    }

    #[test]
    fn a_job_states_the_tiling_and_the_output_stage() {
        let expected = [
            ("outer_tiles", 2),
            ("lane_tiles", 3),
            ("reduction_tiles", 9),
            ("full_length", 50),
            ("last_length", 50),
            ("multiplier", 40_000),
            ("shift", 20),
            ("relu", 1),
        ];
        assert_eq!(fields(Dataflow::WeightStationary, Type::s(8)), expected);
    }

    #[test]
    fn a_job_for_a_stationary_output_also_states_the_rows_of_the_last_tile() {
        let expected = [
            ("outer_tiles", 7),
            ("lane_tiles", 3),
            ("reduction_tiles", 3),
            ("full_length", 44),
            ("last_length", 42),
            ("last_rows", 4),
            ("relu", 1),
        ];
        assert_eq!(fields(Dataflow::OutputStationary, Type::s(32)), expected);
    }
}
