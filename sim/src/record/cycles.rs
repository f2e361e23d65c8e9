//! Cycles as they stand in a chunk, one after the other.
//!
//! Each begins with a byte of flags: 1 if edges follow, 2 if resets, 4 if inputs, 8 if words put into memories. What does not
//! follow is as in the cycle before; the first cycle after a checkpoint has everything. Edges and resets are 64 bits,
//! little-endian, bit *i* for domain *i*; words are a `postcard` list of [`Words`] and its length before it (32 bits). Of the
//! inputs, a bit for each says which changed (input 0 is the lowest bit of the first byte); their values follow in whole
//! bytes, little-endian, limbs beyond 64 bits.

use serde::{Deserialize, Serialize};

use crate::engine::limbs_for;
use crate::samples::Place;

/// Words put into a memory from outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Words {
    /// The instance.
    pub node: u32,
    /// The memory in it.
    pub memory: u32,
    /// The first address.
    pub first: u32,
    /// The words, limb by limb.
    pub limbs: Vec<u64>,
}

/// What is new in a cycle, beside inputs.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct CycleChange {
    pub edges: Option<u64>,
    pub resets: Option<u64>,
    pub written: Vec<Words>,
}

const EDGES: u8 = 1;
const RESETS: u8 = 2;
/// Changed inputs follow.
pub(super) const INPUTS: u8 = 4;
const WORDS: u8 = 8;

/// Adds a cycle; changed inputs are to be added behind it.
pub(super) fn push_cycle(out: &mut Vec<u8>, change: &CycleChange, inputs: bool) {
    let flag = |there: bool, flag: u8| if there { flag } else { 0 };
    out.push(
        flag(change.edges.is_some(), EDGES)
            | flag(change.resets.is_some(), RESETS)
            | flag(inputs, INPUTS)
            | flag(!change.written.is_empty(), WORDS),
    );
    [change.edges, change.resets].into_iter().flatten().for_each(|domains| out.extend_from_slice(&domains.to_le_bytes()));
    if !change.written.is_empty() {
        let words = postcard::to_stdvec(&change.written).expect("a growing buffer has room");
        out.extend_from_slice(&(words.len() as u32).to_le_bytes());
        out.extend_from_slice(&words);
    }
}

/// Takes a cycle off the front, up to its inputs; the second answer is whether these follow. `None` if there is no sense in it.
pub(super) fn take_cycle(cycles: &mut &[u8]) -> Option<(CycleChange, bool)> {
    let flags = *cycles.split_off_first()?;
    if flags > EDGES | RESETS | INPUTS | WORDS {
        return None;
    }
    let mut domains = |flag: u8| match flags & flag {
        0 => Some(None),
        _ => cycles.split_off(..8).and_then(|bytes| Some(Some(u64::from_le_bytes(bytes.try_into().ok()?)))),
    };
    let (edges, resets) = (domains(EDGES)?, domains(RESETS)?);
    let mut written = Vec::new();
    if flags & WORDS != 0 {
        let length = u32::from_le_bytes(cycles.split_off(..4)?.try_into().ok()?);
        written = postcard::from_bytes(cycles.split_off(..length as usize)?).ok()?;
    }
    Some((CycleChange { edges, resets, written }, flags & INPUTS != 0))
}

/// Which inputs changed, a bit each, and the bytes of their values. Answers whether any did.
pub(super) fn push_inputs(out: &mut Vec<u8>, places: &[Place], now: &[u64], before: &[u64], all: bool) -> bool {
    let mask = out.len();
    out.resize(mask + places.len().div_ceil(8), 0);
    for (index, place) in places.iter().enumerate() {
        if place.width > 64 {
            let limbs = place.byte / 8..(place.byte + place.bytes) / 8;
            if all || now[limbs.clone()] != before[limbs.clone()] {
                out[mask + index / 8] |= 1 << (index % 8);
                now[limbs].iter().for_each(|limb| out.extend_from_slice(&limb.to_le_bytes()));
            }
            continue;
        }
        let of = |sample: &[u64]| sample[place.byte / 8] >> (place.byte % 8 * 8) & u64::MAX >> (64 - place.width);
        let value = of(now);
        if all || value != of(before) {
            out[mask + index / 8] |= 1 << (index % 8);
            // The bytes behind the last are taken back.
            let end = out.len() + place.width.div_ceil(8) as usize;
            out.extend_from_slice(&value.to_le_bytes());
            out.truncate(end);
        }
    }
    out[mask..][..places.len().div_ceil(8)].iter().any(|bits| *bits != 0)
}

/// Takes changed inputs off the front, and gives `set` the port and its limbs; whether they are whole.
pub(super) fn take_inputs(cycles: &mut &[u8], widths: &[u32], mut set: impl FnMut(usize, &[u64])) -> bool {
    let Some(mask) = cycles.split_off(..widths.len().div_ceil(8)) else { return false };
    let mut limbs = Vec::new();
    for (port, &width) in widths.iter().enumerate().filter(|(port, _)| mask[port / 8] >> (port % 8) & 1 == 1) {
        let bytes = if width > 64 { limbs_for(width) * 8 } else { width.div_ceil(8) as usize };
        let Some(bytes) = cycles.split_off(..bytes) else { return false };
        limbs.clear();
        limbs.extend(bytes.chunks(8).map(|limb| limb.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))));
        set(port, &limbs);
    }
    true
}
