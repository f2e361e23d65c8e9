//! The streaming form: each element is inserted into a list of the largest so far, one a cycle.

use systole_hdl::prelude::*;

use super::refusal::{Refusals, RefusalsIn};
use super::{LaneGroup, Sparsifier, SparsifierOut, magnitude};

/// The form's whole [`Sparsifier`]. Elements enter while a finished list waits to be taken; only the last of the next group has to wait
/// with it.
pub(super) fn build(sparsifier: &Sparsifier, m: Module, up: Stream) -> SparsifierOut {
    let group = sparsifier.group();
    let width = sparsifier.elements() * sparsifier.element.width();
    let elements = up.data.bits(0..width).lanes(sparsifier.element, sparsifier.lanes);
    let exact = up.data.bit(width + 1).named("exact");

    let position = m.reg("position", group.index());
    let ends = (up.data.bit(width) | position.equals(group.m - 1)).named("ends");
    let enters = up.fires().named("enters");
    m.when(enters, || position.next(ends.mux(0, position + 1)));
    let filled = pack(&(0..group.n).map(|slot| position.gt(slot)).collect::<Vec<_>>()).named("filled");

    let lanes: Vec<SortedListOut> = elements
        .into_iter()
        .enumerate()
        .map(|(lane, element)| {
            let input = SortedListIn { element, position: *position, filled, exact, enters, ends };
            m.instance(&format!("lane_{lane}"), &SortedList { group }, input)
        })
        .collect();

    let full = m.reg("full", Type::BIT);
    let slots = 0..group.n as usize;
    let pairs: Vec<Signal> = slots.flat_map(|slot| lanes.iter().map(move |lane| lane.pairs[slot])).collect();
    let pairs = m.stream("pairs", pack(&pairs), *full);
    up.ready.drive(!full | *pairs.ready | !ends);
    let group_ends = (enters & ends).named("group_ends");
    m.when(group_ends, || full.next(true)).or_when(*pairs.ready, || full.next(false));

    let refusals = Refusals { m: group.m, lanes: sparsifier.lanes };
    let input = RefusalsIn {
        group_ends,
        excess: lanes.iter().map(|lane| lane.excess).collect(),
        positions: lanes.iter().map(|lane| lane.excess_position).collect(),
    };
    SparsifierOut { pairs, refusals: m.instance("refusal", &refusals, input).refusals }
}

/// One lane: the list of the N largest elements of the group so far, sorted, and the finished list of the group before.
///
/// A new element goes behind all that are at least as large, so that of equal ones the earlier stays ahead.
#[derive(Clone, Debug)]
pub struct SortedList {
    /// The lane's group.
    pub group: LaneGroup,
}

bundle! {
    /// What enters a [`SortedList`].
    pub struct SortedListIn {
        /// The element on offer.
        element: Signal,
        /// Its position in the group.
        position: Signal,
        /// A bit for each slot: an earlier element of the group is in it.
        filled: Signal,
        /// One bit: it may not be a nonzero beyond the N-th.
        exact: Signal,
        /// One bit: the element is taken.
        enters: Signal,
        /// One bit: it is the last of its group.
        ends: Signal,
    }
}
bundle! {
    /// What leaves a [`SortedList`].
    pub struct SortedListOut {
        /// The finished list, from the cycle after the group's last element on.
        pairs: Vec<Signal>,
        /// One bit: the group, up to the element on offer, has a nonzero that is refused.
        excess: Signal,
        /// The position of the first.
        excess_position: Signal,
    }
}

/// A slot's content, or what could go into it.
#[derive(Clone, Copy)]
struct Entry {
    value: Signal,
    index: Signal,
    magnitude: Signal,
}

impl Entry {
    fn choose(condition: Signal, then: Entry, otherwise: Entry) -> Entry {
        Entry {
            value: condition.mux(then.value, otherwise.value),
            index: condition.mux(then.index, otherwise.index),
            magnitude: condition.mux(then.magnitude, otherwise.magnitude),
        }
    }
}

/// Registers of a slot.
struct Slot {
    value: Reg,
    index: Reg,
    /// Kept for signed elements only: that of an unsigned one is the element.
    magnitude: Option<Reg>,
}

impl Slot {
    fn new(m: Module, slot: u32, group: LaneGroup) -> Slot {
        let register = |name: &str, ty: Type| m.reg(&format!("{name}_{slot}"), ty).without_reset();
        Slot {
            value: register("value", group.element),
            index: register("index", group.index()),
            magnitude: group.element.is_signed().then(|| register("magnitude", Type::u(group.element.width()))),
        }
    }

    fn entry(&self) -> Entry {
        Entry { value: *self.value, index: *self.index, magnitude: self.magnitude.map_or_else(|| magnitude(*self.value), |kept| *kept) }
    }

    fn next(&self, entry: Entry) {
        self.value.next(entry.value);
        self.index.next(entry.index);
        if let Some(magnitude) = self.magnitude {
            magnitude.next(entry.magnitude);
        }
    }
}

impl Component for SortedList {
    type In = SortedListIn;
    type Out = SortedListOut;

    fn inputs(&self) -> SortedListIn {
        let bit = || port(Type::BIT);
        SortedListIn {
            element: port(self.group.element),
            position: port(self.group.index()),
            filled: port(Type::Bits(self.group.n)),
            exact: bit(),
            enters: bit(),
            ends: bit(),
        }
    }

    fn build(&self, m: Module, i: SortedListIn) -> SortedListOut {
        let new = Entry { value: i.element, index: i.position, magnitude: magnitude(i.element).named("magnitude") };
        let slots: Vec<Slot> = (0..self.group.n).map(|slot| Slot::new(m, slot, self.group)).collect();
        let list: Vec<Entry> = slots.iter().map(Slot::entry).collect();
        // Once a slot's entry makes room, those behind it do too, as they are no larger.
        let gives_way: Vec<Signal> =
            (0..).zip(&list).map(|(slot, entry)| !i.filled.bit(slot) | new.magnitude.gt(entry.magnitude)).collect();
        let inserted = (0..list.len()).map(|slot| {
            let comes = match slot {
                0 => new,
                _ => Entry::choose(gives_way[slot - 1], list[slot - 1], new),
            };
            Entry::choose(gives_way[slot], comes, list[slot])
        });
        let inserted: Vec<Entry> = inserted.collect();

        let finished: Vec<Reg> = (0..list.len()).map(|slot| m.reg(&format!("pair_{slot}"), self.group.pair()).without_reset()).collect();
        m.when(i.enters, || slots.iter().zip(&inserted).for_each(|(slot, &entry)| slot.next(entry)));
        m.when(i.enters & i.ends, || {
            for (slot, (finished, entry)) in (0..).zip(finished.iter().zip(&inserted)) {
                let pair = pack(&[entry.value, entry.index]);
                // The group has an element for this slot if the slots before it were filled already.
                finished.next(if slot == 0 { pair } else { i.filled.bit(slot - 1).mux(pair, constant(self.group.pair(), 0)) });
            }
        });

        // The list is sorted: if its last entry is a nonzero, then there were N already.
        let last = self.group.n - 1;
        let has_n_nonzeros = i.filled.bit(last) & list[last as usize].magnitude.any();
        let exceeds = (i.exact & new.magnitude.any() & has_n_nonzeros).named("exceeds");
        let exceeded = m.reg("exceeded", Type::BIT);
        let first_position = m.reg("first_excess", self.group.index()).without_reset();
        let excess = exceeded | exceeds;
        let excess_position = exceeded.mux(*first_position, i.position);
        m.when(i.enters, || {
            exceeded.next(excess & !i.ends);
            first_position.next(excess_position);
        });
        SortedListOut { pairs: finished.iter().map(|pair| **pair).collect(), excess, excess_position }
    }
}
