//! Where things stand in a drawing: columns of units, gaps between them, and lanes.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::Range;

use crate::graph::{Channel, ChannelId};

/// A channel with both ends, and the lane in which it runs.
pub(super) struct Wire<'a> {
    pub(super) id: ChannelId,
    pub(super) channel: &'a Channel,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) lane: i64,
}

/// The column of each unit: one more than the last of those that it takes from. Sources stand as far right as they can.
pub(super) fn columns(units: usize, wires: &[Wire]) -> Vec<usize> {
    let mut column = vec![0; units];
    // Producers come before consumers.
    for unit in 0..units {
        column[unit] = wires.iter().filter(|wire| wire.to == unit).map(|wire| column[wire.from] + 1).max().unwrap_or(0);
    }
    for unit in 0..units {
        let is_source = wires.iter().all(|wire| wire.to != unit);
        let nearest = wires.iter().filter(|wire| wire.from == unit).map(|wire| column[wire.to]).min();
        if let (true, Some(nearest)) = (is_source, nearest) {
            column[unit] = nearest - 1;
        }
    }
    column
}

/// The lane of each unit, and that of each wire; lanes count from above. The longest path has lane 0.
pub(super) fn lanes(column: &[usize], wires: &[Wire]) -> (Vec<i64>, Vec<i64>) {
    let mut lanes = Lanes::default();
    let is_source = |unit: usize| wires.iter().all(|wire| wire.to != unit);
    let mut of_unit: Vec<Option<i64>> = vec![None; column.len()];
    let mut path = (0..column.len()).max_by_key(|&unit| (column[unit], Reverse(unit)));
    while let Some(unit) = path {
        of_unit[unit] = Some(lanes.take(|_| place_of(column[unit]), nearby(0, 1)));
        // A source that is no more than a neighbour has not come along the longest path.
        let before = wires.iter().filter(|wire| wire.to == unit && column[wire.from] + 1 == column[unit]).map(|wire| wire.from);
        path = before.min_by_key(|&unit| is_source(unit));
    }
    for unit in (0..column.len()).filter(|&unit| !is_source(unit)) {
        if of_unit[unit].is_none() {
            let near = wires.iter().filter(|wire| wire.to == unit).find_map(|wire| of_unit[wire.from]).unwrap_or(0);
            of_unit[unit] = Some(lanes.take(|_| place_of(column[unit]), nearby(near, 1)));
        }
    }

    let mut of_wire = vec![0; wires.len()];
    let mut order: Vec<usize> = (0..wires.len()).collect();
    // Short wires are to be straight; sources stand where their wires find room.
    order.sort_by_key(|&wire| (of_unit[wires[wire].from].is_none(), column[wires[wire].to] - column[wires[wire].from]));
    for index in order {
        let wire = &wires[index];
        let gaps = 2 * column[wire.from] + 1..2 * column[wire.to];
        let to = of_unit[wire.to].unwrap_or(0);
        of_wire[index] = match of_unit[wire.from] {
            Some(from) => {
                let forks = wires.iter().filter(|other| other.from == wire.from).count() > 1;
                let ends = if forks { [to, from] } else { [from, to] };
                // Where it turns, another unit beside it would seem to be its end.
                let places = |lane| gaps.start - usize::from(lane != from)..gaps.end + usize::from(lane != to);
                lanes.take(places, ends.into_iter().chain(nearby(ends[0], -1)))
            }
            None => {
                let lane = lanes.take(|lane| gaps.start - 1..gaps.end + usize::from(lane != to), nearby(to, 1));
                of_unit[wire.from] = Some(lane);
                lane
            }
        };
    }
    // What neither takes nor gives has found no place yet.
    let alone = of_unit.into_iter().zip(column);
    let of_unit = alone.map(|(lane, &column)| lane.unwrap_or_else(|| lanes.take(|_| place_of(column), nearby(0, 1)))).collect();
    (of_unit, of_wire)
}

/// What is taken of each lane. Even places are columns of units, odd ones the gaps behind them.
#[derive(Default)]
struct Lanes(HashSet<(usize, i64)>);

impl Lanes {
    /// Takes the first lane of endlessly many in which the places that are needed of it are free.
    fn take(&mut self, places: impl Fn(i64) -> Range<usize>, candidates: impl IntoIterator<Item = i64>) -> i64 {
        let free = |&lane: &i64| places(lane).all(|place| !self.0.contains(&(place, lane)));
        let lane = candidates.into_iter().find(free).expect("there are lanes without end");
        self.0.extend(places(lane).map(|place| (place, lane)));
        lane
    }
}

fn place_of(column: usize) -> Range<usize> {
    2 * column..2 * column + 1
}

/// A lane, and then those farther and farther from it, each time first the one in this direction.
fn nearby(lane: i64, first: i64) -> impl Iterator<Item = i64> {
    std::iter::once(lane).chain((1..).flat_map(move |distance| [lane + first * distance, lane - first * distance]))
}
