//! The parallel form: every element of a group is compared with every other, which ranks them all at once.

use systole_hdl::library::pipeline_stage;
use systole_hdl::prelude::*;

use super::refusal::{Refusals, RefusalsIn};
use super::{LaneGroup, Sparsifier, SparsifierOut, magnitude};

/// The form's whole [`Sparsifier`]: a stage that ranks, and a stage that puts each element into the slot of its rank.
pub(super) fn build(sparsifier: &Sparsifier, m: Module, up: Stream) -> SparsifierOut {
    let group = sparsifier.group();
    let (lanes, elements) = (sparsifier.lanes as usize, sparsifier.elements());
    let width = elements * sparsifier.element.width();
    let of_lane = |values: &[Signal], lane: usize| -> Vec<Signal> { values.iter().skip(lane).step_by(lanes).copied().collect() };

    let words = up.data.bits(0..width).lanes(sparsifier.element, elements);
    let exact = up.data.bit(width).named("exact");
    let rankings: Vec<RankingOut> = (0..lanes)
        .map(|lane| {
            let input = RankingIn { elements: of_lane(&words, lane), exact };
            m.instance(&format!("ranking_{lane}"), &Ranking { group }, input)
        })
        .collect();
    let refusals = Refusals { m: group.m, lanes: sparsifier.lanes };
    let input = RefusalsIn {
        group_ends: up.fires(),
        excess: rankings.iter().map(|ranking| ranking.excess).collect(),
        positions: rankings.iter().map(|ranking| ranking.excess_position).collect(),
    };
    let refusals = m.instance("refusal", &refusals, input).refusals;

    let ranked = pipeline_stage(m, "ranked", up, |data| {
        let ranks: Vec<Signal> = rankings.iter().flat_map(|ranking| ranking.ranks.iter().copied()).collect();
        pack(&[data.bits(0..width), pack(&ranks)])
    });
    let pairs = pipeline_stage(m, "pairs", ranked, |data| {
        let words = data.bits(0..width).lanes(group.element, elements);
        let ranks = data.bits(width..data.ty().width()).lanes(group.index(), elements);
        let selections: Vec<SelectionOut> = ranks
            .chunks(group.m as usize)
            .enumerate()
            .map(|(lane, ranks)| {
                let input = SelectionIn { elements: of_lane(&words, lane), ranks: ranks.to_vec() };
                m.instance(&format!("selection_{lane}"), &Selection { group }, input)
            })
            .collect();
        let slots = 0..group.n as usize;
        pack(&slots.flat_map(|slot| selections.iter().map(move |selection| selection.pairs[slot])).collect::<Vec<_>>())
    });
    SparsifierOut { pairs, refusals }
}

/// Ranks the elements of a group in one lane; combinational.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The lane's group.
    pub group: LaneGroup,
}

bundle! {
    /// What enters a [`Ranking`].
    pub struct RankingIn {
        /// The elements of the group in order.
        elements: Vec<Signal>,
        /// One bit: there may be no nonzero beyond the N-th.
        exact: Signal,
    }
}
bundle! {
    /// What leaves a [`Ranking`].
    pub struct RankingOut {
        /// How many elements come before each one: all ranks differ.
        ranks: Vec<Signal>,
        /// One bit: there is a nonzero that is refused.
        excess: Signal,
        /// The position of the first.
        excess_position: Signal,
    }
}

impl Component for Ranking {
    type In = RankingIn;
    type Out = RankingOut;

    fn inputs(&self) -> RankingIn {
        RankingIn { elements: (0..self.group.m).map(|_| port(self.group.element)).collect(), exact: port(Type::BIT) }
    }

    fn build(&self, _: Module, i: RankingIn) -> RankingOut {
        let magnitudes: Vec<Signal> = i.elements.iter().map(|&element| magnitude(element)).collect();
        // One comparator for each pair: of equal magnitudes the earlier element comes first.
        let mut before = vec![Vec::new(); magnitudes.len()];
        for later in 1..magnitudes.len() {
            for earlier in 0..later {
                let later_first = magnitudes[later].gt(magnitudes[earlier]);
                before[earlier].push(later_first);
                before[later].push(!later_first);
            }
        }
        let ranks = before.iter().map(|before| ones(before).to(self.group.index())).collect();

        let nonzero: Vec<Signal> = magnitudes.iter().map(|magnitude| magnitude.any()).collect();
        let counts = running_ones(&nonzero, Type::count(self.group.m));
        // The nonzero that makes the count N + 1: no other element is both.
        let exceeds: Vec<Signal> = (1..nonzero.len()).map(|at| nonzero[at] & counts[at - 1].equals(self.group.n)).collect();
        let position = |at: u32| constant(self.group.index(), at);
        let positions = (1..).zip(&exceeds).map(|(at, &exceeds)| only_if(exceeds, position(at)));
        let excess_position = positions.fold(position(0), |all, position| all | position);
        RankingOut { ranks, excess: pack(&exceeds).any() & i.exact, excess_position }
    }
}

/// Puts the N elements of lowest rank in order; combinational.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The lane's group.
    pub group: LaneGroup,
}

bundle! {
    /// What enters a [`Selection`].
    pub struct SelectionIn {
        /// The elements of the group in order.
        elements: Vec<Signal>,
        /// Their ranks, which all differ.
        ranks: Vec<Signal>,
    }
}
bundle! {
    /// What leaves a [`Selection`].
    pub struct SelectionOut {
        /// Slot s holds the element of rank s.
        pairs: Vec<Signal>,
    }
}

impl Component for Selection {
    type In = SelectionIn;
    type Out = SelectionOut;

    fn inputs(&self) -> SelectionIn {
        let all = |ty: Type| (0..self.group.m).map(|_| port(ty)).collect();
        SelectionIn { elements: all(self.group.element), ranks: all(self.group.index()) }
    }

    fn build(&self, _: Module, i: SelectionIn) -> SelectionOut {
        let indexed = (0..).zip(&i.elements).map(|(position, &element)| pack(&[element, constant(self.group.index(), position)]));
        let candidates: Vec<Signal> = indexed.collect();
        let pairs = (0..self.group.n).map(|slot| {
            let ranked = candidates.iter().zip(&i.ranks).map(|(&pair, rank)| only_if(rank.equals(slot), pair));
            ranked.fold(constant(self.group.pair(), 0), |chosen, pair| chosen | pair)
        });
        SelectionOut { pairs: pairs.collect() }
    }
}

/// The bits where a condition holds, else zeros.
fn only_if(condition: Signal, bits: Signal) -> Signal {
    condition.mux(bits, constant(bits.ty(), 0))
}

/// How many of at least one bit are 1, as a count up to their number.
fn ones(bits: &[Signal]) -> Signal {
    let ty = Type::count(bits.len() as u32);
    match bits {
        [bit] => bit.reinterpret(ty),
        _ => {
            let (low, high) = bits.split_at(bits.len() / 2);
            ones(low).to(ty) + ones(high).to(ty)
        }
    }
}

/// How many of the bits up to and including each one are 1, in logarithmic depth (Sklansky's prefix sums).
fn running_ones(bits: &[Signal], ty: Type) -> Vec<Signal> {
    match bits {
        [bit] => vec![bit.reinterpret(Type::u(1)).to(ty)],
        _ => {
            let (low, high) = bits.split_at(bits.len() / 2);
            let mut counts = running_ones(low, ty);
            let below = counts[counts.len() - 1];
            counts.extend(running_ones(high, ty).into_iter().map(|count| count + below));
            counts
        }
    }
}
