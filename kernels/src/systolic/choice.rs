//! Which dataflow suits which product: chosen from the cycle model, before there is any hardware.

use super::compression::Compression;
use super::hardware::{Dataflow, Group, HardwareParameters, WeightSupply};
use super::model::Model;
use super::schedule::{Schedule, Shape};
use crate::report::{NamedTable, grouped};

/// A product as far as its cycles depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    /// Its sizes.
    pub shape: Shape,
    /// How B lies along K.
    pub compression: Compression,
}

impl Work {
    /// Cycles on this hardware without stalls.
    pub fn cycles(&self, hardware: &HardwareParameters) -> u64 {
        Model::of(hardware, &Schedule::new(hardware, self.shape, self.compression)).cycles()
    }
}

/// The same hardware with every dataflow that it can have: stationary inputs have no groups, a buffer for stationary outputs holds at
/// least a group, and a sparsifier fills stationary weights by whole groups.
pub fn alternatives(hardware: &HardwareParameters) -> impl Iterator<Item = HardwareParameters> {
    let dataflows = [Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary];
    let possible = |dataflow: &Dataflow| match dataflow {
        Dataflow::WeightStationary => hardware.weights == WeightSupply::Compressed || hardware.rows.is_multiple_of(hardware.group.slots),
        Dataflow::OutputStationary => hardware.buffer_rows >= hardware.group.slots,
        Dataflow::InputStationary => hardware.group == Group::DENSE,
    };
    dataflows.into_iter().filter(possible).map(|dataflow| HardwareParameters { dataflow, ..hardware.clone() })
}

/// The alternative that takes the fewest cycles for all the work, of equal ones the first.
pub fn fastest(hardware: &HardwareParameters, work: &[Work]) -> HardwareParameters {
    let cycles = |hardware: &HardwareParameters| work.iter().map(|work| work.cycles(hardware)).sum::<u64>();
    alternatives(hardware).min_by_key(cycles).unwrap_or_else(|| hardware.clone())
}

/// Cycles of every piece of work under every dataflow, and which is the fastest for it.
pub fn table<'a>(hardware: &HardwareParameters, work: impl Iterator<Item = (&'a str, Work)>) -> NamedTable {
    let alternatives: Vec<HardwareParameters> = alternatives(hardware).collect();
    let of = |work: &Work, dataflow: Dataflow| {
        let cycles = alternatives.iter().find(|hardware| hardware.dataflow == dataflow).map(|hardware| work.cycles(hardware));
        cycles.map_or_else(|| "-".to_string(), grouped)
    };
    let rows = work.map(|(name, work)| {
        let [weights, outputs, inputs] =
            [Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary].map(|dataflow| of(&work, dataflow));
        [name.to_string(), weights, outputs, inputs, fastest(hardware, &[work]).dataflow.name().to_string()]
    });
    let columns = ["part", "weight-stationary", "output-stationary", "input-stationary", "fastest"];
    NamedTable::new("cycles by dataflow, from the cycle model", columns, rows)
}
