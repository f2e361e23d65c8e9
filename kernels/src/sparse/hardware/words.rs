//! The words of a [`Sparsifier`]'s streams, made and read on the host.

use systole_hdl::{Type, Value};

use super::{Sparsifier, SparsifierForm};
use crate::common::pack::{pack, unpack};

/// A nonzero that was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Its group, counted from 0 since reset, modulo 2³².
    pub group: u64,
    /// Its lane.
    pub lane: usize,
    /// Its position in the group.
    pub position: usize,
}

impl Sparsifier {
    /// The words of `up` for one group of all lanes: raw numbers `[m, lanes]` in row-major order, with m from 1 to M. In the parallel form a
    /// group of fewer than M has zeros at its end.
    pub fn group_words(&self, elements: &[i64], exact: bool) -> Vec<Value> {
        let word = |elements: &[i64], flags: &[bool]| {
            let flags: Vec<i64> = flags.iter().copied().map(i64::from).collect();
            pack(elements, self.element).concat(&pack(&flags, Type::BIT))
        };
        match self.form {
            SparsifierForm::Streaming => {
                let lanes = self.lanes as usize;
                let last = elements.len().div_ceil(lanes);
                (1..).zip(elements.chunks(lanes)).map(|(count, lanes)| word(lanes, &[count == last, exact])).collect()
            }
            SparsifierForm::Parallel => {
                let mut whole = elements.to_vec();
                whole.resize(self.elements() as usize, 0);
                vec![word(&whole, &[exact])]
            }
        }
    }

    /// Values and indices of a word of `pairs`, `[N, lanes]` in row-major order.
    pub fn read_pairs(&self, word: &Value) -> Vec<(i64, i64)> {
        let (value, index) = (self.element, Type::index(self.m));
        let pair = |number: u32| {
            let pair = word.slice(number * self.pair().width(), self.pair().width());
            let part = |low: u32, ty: Type| unpack(&pair.slice(low, ty.width()), ty)[0];
            (part(0, value), part(value.width(), index))
        };
        (0..self.pairs()).map(pair).collect()
    }

    /// What a word of `refusals` says.
    pub fn read_refusal(&self, word: &Value) -> Refusal {
        let (position, lane) = (Type::index(self.m).width(), Type::index(self.lanes).width());
        let part = |low: u32, width: u32| word.slice(low, width).to_u64().expect("the parts of a refusal have at most 32 bits");
        Refusal {
            group: part(position + lane, word.width() - position - lane),
            lane: part(position, lane) as usize,
            position: part(0, position) as usize,
        }
    }
}
