//! What tells of groups with more nonzeros than may be.

use systole_hdl::prelude::*;

/// A word of refusals: position in the group (of `m`), lane (of `lanes`) and group, from the least significant bit.
pub(super) fn word(m: u32, lanes: u32) -> Type {
    Type::Bits(Type::index(m).width() + Type::index(lanes).width() + GROUP_COUNT.width())
}

/// Counts groups since reset.
const GROUP_COUNT: Type = Type::u(32);

/// Offers the first refusal, until it is taken; those that come meanwhile are dropped.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// Elements of a group, M.
    pub m: u32,
    /// Groups side by side.
    pub lanes: u32,
}

bundle! {
    /// What enters [`Refusals`].
    pub struct RefusalsIn {
        /// One bit: a group of all lanes is complete.
        group_ends: Signal,
        /// One bit a lane: the group has a nonzero that is refused.
        excess: Vec<Signal>,
        /// The position of the first in each lane.
        positions: Vec<Signal>,
    }
}
bundle! {
    /// What leaves [`Refusals`].
    pub struct RefusalsOut { refusals: Stream }
}

impl Component for Refusals {
    type In = RefusalsIn;
    type Out = RefusalsOut;

    fn inputs(&self) -> RefusalsIn {
        RefusalsIn {
            group_ends: port(Type::BIT),
            excess: (0..self.lanes).map(|_| port(Type::BIT)).collect(),
            positions: (0..self.lanes).map(|_| port(Type::index(self.m))).collect(),
        }
    }

    fn build(&self, m: Module, i: RefusalsIn) -> RefusalsOut {
        let group = m.reg("group", GROUP_COUNT);
        m.when(i.group_ends, || group.next(group + 1));

        let place = |lane: u32, position: Signal| pack(&[position, constant(Type::index(self.lanes), lane)]);
        let places: Vec<Signal> = (0..).zip(&i.positions).map(|(lane, &position)| place(lane, position)).collect();
        // From the highest lane down, so that the lowest has the last word.
        let lanes = i.excess.iter().zip(&places).rev();
        let lowest = lanes.fold(places[0], |lowest, (&excess, &place)| excess.mux(place, lowest));
        let refused = i.group_ends & pack(&i.excess).any();

        let standing = m.reg("standing", Type::BIT);
        let refusal = m.reg("refusal", word(self.m, self.lanes)).without_reset();
        let refusals = m.stream("refusals", *refusal, *standing);
        m.when(refused & (!standing | *refusals.ready), || {
            standing.next(true);
            refusal.next(pack(&[lowest, *group]));
        })
        .or_when(*refusals.ready, || standing.next(false));
        RefusalsOut { refusals }
    }
}
