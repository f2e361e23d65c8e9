//! Hardware for sparse weights: pruning, and a store for training.
//!
//! [`Sparsifier`] keeps the N largest of each group of M, element by element ([`streaming`]) or a group at a time ([`parallel`]), and
//! tells of groups that have more than N nonzeros where none may be dropped ([`refusal`]). [`TransposableSelector`] chooses the masks
//! that are 2:4 along both axes. [`words`] makes and reads the streams' words. [`weight_store`] keeps dense weights once on the chip, and
//! sends them as they are to the forward product and transposed to the backward one.

pub mod parallel;
pub mod refusal;
pub mod streaming;
pub mod transposable;
mod weight_sequence;
pub mod weight_store;
pub mod words;

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::prelude::*;

pub use self::transposable::{TransposableSelector, TransposableSelectorIn, TransposableSelectorOut};
pub use self::words::Refusal;
use super::pattern::GROUP_SIZES;

/// Widths of elements, in bits.
pub const ELEMENT_BITS: RangeInclusive<u32> = 2..=24;

/// How a [`Sparsifier`] takes its groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SparsifierForm {
    /// An element of each lane a cycle, inserted into a sorted list: a group of M takes M cycles.
    Streaming,
    /// A whole group of each lane a cycle, ranked by comparing every element with every other.
    Parallel,
}

/// Keeps of each group of M elements the N of largest magnitude, as pairs of value and index, the largest first; of equal magnitudes the
/// lowest index comes first. `lanes` groups stand side by side and keep step.
///
/// Magnitudes are those of raw numbers, which is the same order for fixed point; that of the most negative number is right.
///
/// # A word of `up`
/// In the [streaming](SparsifierForm::Streaming) form, from the least significant bit: an element of each lane, lane 0 first; a bit
/// `ends`, set in the last word of a group; a bit `exact`. A group ends with `ends` or with its M-th word. One that ends early has its N
/// largest kept too: N elements pass a group of N unchanged but for their order. Of fewer than N, the slots left over hold value 0 and index 0.
///
/// In the [parallel](SparsifierForm::Parallel) form a word is M · `lanes` elements, that of position p and lane l at number
/// p · `lanes` + l, and above them a bit `exact`.
///
/// # A word of `pairs`
/// N · `lanes` pairs, that of slot s and lane l at number s · `lanes` + l. A [pair](Sparsifier::pair) has the value in its low bits and
/// the index, of log₂ M bits, above. There is one word for each group of all lanes.
///
/// # A word of `refusals`
/// A nonzero beyond the N-th of its group and lane that comes with `exact` is refused. The word names the first of its group and lane,
/// from the least significant bit: its position in the group (log₂ M bits), its lane ([`Type::index`] of `lanes`), and the group, counted
/// from 0 since reset, modulo 2³². It is offered when the group ends, and stays until it is taken; of several lanes the lowest is
/// named, and later groups are not while it stands. `pairs` flows on regardless.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sparsifier {
    /// Elements kept of each group, 1 to M.
    pub n: u32,
    /// Elements of a group, M: 2, 4, 8, 16 or 32.
    pub m: u32,
    /// Groups side by side, at least 1.
    pub lanes: u32,
    /// An element: a number of 2 to 24 bits.
    pub element: Type,
    /// How groups come.
    pub form: SparsifierForm,
}

bundle! {
    /// The stream into a [`Sparsifier`].
    pub struct SparsifierIn { up: Stream }
}
bundle! {
    /// The streams out of a [`Sparsifier`].
    pub struct SparsifierOut { pairs: Stream, refusals: Stream }
}

impl Sparsifier {
    /// Elements in a word of `up`.
    pub fn elements(&self) -> u32 {
        match self.form {
            SparsifierForm::Streaming => self.lanes,
            SparsifierForm::Parallel => self.m.saturating_mul(self.lanes),
        }
    }

    /// A word of `up`.
    pub fn up(&self) -> Type {
        let flags = match self.form {
            SparsifierForm::Streaming => 2,
            SparsifierForm::Parallel => 1,
        };
        Type::Bits(self.elements().saturating_mul(self.element.width()).saturating_add(flags))
    }

    /// A value and its index.
    pub fn pair(&self) -> Type {
        self.group().pair()
    }

    /// Pairs in a word of `pairs`.
    pub fn pairs(&self) -> u32 {
        self.n.saturating_mul(self.lanes)
    }

    /// A word of `refusals`.
    pub fn refusal(&self) -> Type {
        refusal::word(self.m, self.lanes)
    }

    /// Cycles from the transfer of a group's last word, exclusive, to the first in which its pairs can be transferred, inclusive.
    pub fn latency(&self) -> u32 {
        match self.form {
            SparsifierForm::Streaming => 1,
            SparsifierForm::Parallel => 2,
        }
    }

    fn has_group_size(&self) -> bool {
        GROUP_SIZES.contains(&(self.m as usize))
    }

    fn keeps_some(&self) -> bool {
        (1..=self.m).contains(&self.n)
    }

    fn group(&self) -> LaneGroup {
        LaneGroup { n: self.n, m: self.m, element: self.element }
    }
}

impl Component for Sparsifier {
    type In = SparsifierIn;
    type Out = SparsifierOut;

    fn inputs(&self) -> SparsifierIn {
        SparsifierIn { up: Stream::port(self.up()) }
    }

    fn build(&self, m: Module, i: SparsifierIn) -> SparsifierOut {
        m.require(self.has_group_size(), "no group size of the sparsifier", "`m` is 2, 4, 8, 16 or 32");
        m.require(self.keeps_some(), "as many elements cannot be kept", "`n` is from 1 to `m`");
        m.require(self.lanes >= 1, "a sparsifier without lanes", "`lanes` is at least 1");
        require_element(m, self.element);
        if !(self.has_group_size() && self.keeps_some() && self.lanes >= 1 && is_element(self.element)) {
            return SparsifierOut { pairs: no_words(m, "pairs", i.up), refusals: no_words(m, "refusals", i.up) };
        }
        match self.form {
            SparsifierForm::Streaming => streaming::build(self, m, i.up),
            SparsifierForm::Parallel => parallel::build(self, m, i.up),
        }
    }
}

/// What the parts of a [`Sparsifier`] know of a group in one lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneGroup {
    /// Elements kept.
    pub n: u32,
    /// Elements there are.
    pub m: u32,
    /// An element.
    pub element: Type,
}

impl LaneGroup {
    /// A position in the group.
    pub fn index(&self) -> Type {
        Type::index(self.m)
    }

    /// A value and its index.
    pub fn pair(&self) -> Type {
        Type::Bits(self.element.width().saturating_add(self.index().width()))
    }
}

/// Whether elements may have this type.
pub fn is_element(ty: Type) -> bool {
    ty.is_number() && ELEMENT_BITS.contains(&ty.width())
}

fn require_element(m: Module, element: Type) {
    m.require(is_element(element), "elements of this type have no magnitude here", "`element` is a number of 2 to 24 bits");
}

/// An output of a component whose parameters describe none, and have been reported.
fn no_words(m: Module, name: &str, up: Stream) -> Stream {
    m.stream(name, up.data, constant(Type::BIT, false))
}

/// The absolute value of a raw number, unsigned and as wide: it has room for that of the most negative number.
#[track_caller]
fn magnitude(element: Signal) -> Signal {
    let width = element.ty().width();
    if !element.ty().is_signed() {
        return element.reinterpret(Type::u(width));
    }
    let raw = element.reinterpret(Type::s(width));
    element.bit(width - 1).mux(-raw, raw).reinterpret(Type::u(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(sparsifier: &Sparsifier) -> Vec<String> {
        let diagnostics = elaborate(sparsifier).unwrap_err();
        diagnostics.0.into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn parameters_that_describe_no_sparsifier_are_refused() {
        for form in [SparsifierForm::Streaming, SparsifierForm::Parallel] {
            let sound = Sparsifier { n: 2, m: 4, lanes: 2, element: Type::s(8), form };
            assert!(elaborate(&sound).is_ok());
            assert_eq!(problems(&Sparsifier { m: 6, ..sound }), ["no group size of the sparsifier"]);
            assert_eq!(problems(&Sparsifier { n: 5, ..sound }), ["as many elements cannot be kept"]);
            assert_eq!(problems(&Sparsifier { n: 0, ..sound }), ["as many elements cannot be kept"]);
            assert_eq!(problems(&Sparsifier { lanes: 0, ..sound }), ["a sparsifier without lanes"]);
            for element in [Type::Bits(8), Type::u(1), Type::u(25)] {
                assert_eq!(problems(&Sparsifier { element, ..sound }), ["elements of this type have no magnitude here"], "{element}");
            }
        }
    }
}
