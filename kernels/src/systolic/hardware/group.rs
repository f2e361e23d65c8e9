//! Groups of activations: what lets an array skip the zeros of N:M-sparse weights.

use systole_hdl::prelude::*;

use crate::sparse::pattern::Pattern;
use crate::systolic::parameters::as_signed;

/// Rows of the array that see the same activations, and how many these are.
///
/// N rows share a group of M elements of A; each processing element picks the one that its weight's index names. A dense array is the
/// group of one row and one element, without index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Group {
    /// Weights of an output that a group can serve, N: 1 to `elements`.
    pub slots: u32,
    /// Elements of A in a group, M: 1, 2, 4, 8, 16 or 32.
    pub elements: u32,
}

impl Group {
    /// No choice: one element for one weight.
    pub const DENSE: Group = Group { slots: 1, elements: 1 };

    /// Bits of an index.
    pub fn index_bits(self) -> u32 {
        self.elements.ilog2()
    }

    /// Groups that `rows` consecutive slots can touch: counted from the slot at which a tile begins, which moves by `rows` from tile
    /// to tile and so need not begin a group.
    pub fn touched_by(self, rows: u32) -> u32 {
        let latest_phase = self.slots - gcd(self.slots, rows);
        (latest_phase + rows - 1) / self.slots + 1
    }

    /// Bits of a tile's phase, the slot of its first group at which it begins; `None` if all tiles begin a group.
    pub fn phase_bits(self, rows: u32) -> Option<u32> {
        (!rows.is_multiple_of(self.slots)).then(|| Type::index(self.slots).width())
    }

    /// Type of a group of elements.
    pub fn activations(self, element: Type) -> Type {
        if self.elements == 1 { element } else { Type::Bits(self.elements * element.width()) }
    }

    /// The elements of a group.
    pub(super) fn split(self, activations: Signal, element: Type) -> Vec<Signal> {
        if self.elements == 1 { vec![activations] } else { activations.lanes(element, self.elements) }
    }

    /// Type of a weight on its way: the value in the low bits, the index above.
    pub fn weight(self, value: Type) -> Type {
        if self.elements == 1 { value } else { Type::Bits(value.width() + self.index_bits()) }
    }

    /// The activation that a weight's index picks, and the weight's value.
    pub(super) fn pick(self, activations: &[Signal], weight: Signal, value: Type) -> (Signal, Signal) {
        match activations {
            [activation] => (*activation, weight),
            activations => {
                let index = weight.bits(value.width()..weight.ty().width()).reinterpret(Type::u(self.index_bits())).named("index");
                (index.select(activations).named("picked"), weight.bits(0..value.width()).reinterpret(value).named("value"))
            }
        }
    }
}

/// The exact product of an activation and a weight; where one is unsigned and the other signed, a signed one.
pub(super) fn product(activation: Signal, weight: Signal) -> Signal {
    if activation.ty().is_signed() == weight.ty().is_signed() {
        return activation * weight;
    }
    let [activation, weight] = [activation, weight].map(|operand| operand.to(as_signed(operand.ty())));
    activation * weight
}

impl From<Pattern> for Group {
    /// N rows that share M elements.
    fn from(pattern: Pattern) -> Group {
        let size = |number: usize| u32::try_from(number).expect("groups have at most 32 elements");
        Group { slots: size(pattern.n()), elements: size(pattern.m()) }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Leads each row of the array to its group: N rows further down the array take the same one, each a cycle later.
///
/// The last row takes a tile's first slot, as the first word of a stationary tile goes deepest. Where N divides the rows, a row always
/// has the same lane of the buffer. Otherwise tiles begin at different slots of a group, and a row has one of two lanes.
#[derive(Clone, Debug)]
pub struct GroupNetwork {
    /// Rows of the array.
    pub rows: u32,
    /// What they share.
    pub group: Group,
    /// Type of an element.
    pub element: Type,
}

bundle! {
    /// What enters a [`GroupNetwork`].
    pub struct NetworkIn {
        /// The groups in the order in which the wave meets them, so the last first, each at its [station](GroupNetwork::stations).
        groups: Vec<Signal>,
        /// Beside each row: the slot at which its tile begins.
        phases: Vec<Option<Signal>>,
    }
}
bundle! {
    /// The elements at each row's west edge.
    pub struct NetworkOut { rows: Vec<Vec<Signal>> }
}

impl GroupNetwork {
    /// The rows at which the groups enter, in the order of the wave.
    pub fn stations(&self) -> Vec<u32> {
        (0..self.group.touched_by(self.rows)).rev().map(|group| self.rows.saturating_sub((group + 1) * self.group.slots)).collect()
    }
}

impl Component for GroupNetwork {
    type In = NetworkIn;
    type Out = NetworkOut;

    fn inputs(&self) -> NetworkIn {
        let phase = self.group.phase_bits(self.rows).map(Type::u);
        NetworkIn {
            groups: self.stations().iter().map(|_| port(self.group.activations(self.element))).collect(),
            phases: (0..self.rows).map(|_| phase.map(port)).collect(),
        }
    }

    fn build(&self, m: Module, i: NetworkIn) -> NetworkOut {
        let stations: Vec<u32> = self.stations().into_iter().rev().collect();
        let mut passing: Vec<Signal> = i.groups.into_iter().rev().collect();
        let slots = self.group.slots;
        let mut at_row = |row: u32, group: u32| {
            let lane = group as usize;
            if row > stations[lane] {
                passing[lane] = m.delay(&format!("group_{group}_at_{row}"), passing[lane]);
            }
            passing[lane]
        };
        let rows = (0..self.rows).map(|row| {
            let slot = self.rows - 1 - row;
            let (group, within) = (slot / slots, slot % slots);
            let near = at_row(row, group);
            let activations = match i.phases[row as usize] {
                Some(phase) if within > 0 && (group + 1) < stations.len() as u32 => {
                    phase.ge(slots - within).mux(at_row(row, group + 1), near).named(&format!("group_for_{row}"))
                }
                _ => near,
            };
            self.group.split(activations, self.element)
        });
        NetworkOut { rows: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_groups_are_touched_as_the_worst_tile_does() {
        for slots in 1..=32 {
            for rows in 1..40 {
                let touched = |tile: u32| (tile * rows % slots + rows - 1) / slots + 1;
                let group = Group { slots, elements: 32 };
                assert_eq!(group.touched_by(rows), (0..slots).map(touched).max().unwrap(), "{slots} slots, {rows} rows");
            }
        }
    }
}
