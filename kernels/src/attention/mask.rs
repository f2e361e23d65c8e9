//! Which keys a query attends to, and in which order the hardware streams them.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Which keys each row of queries attends to: `"none"`, `"causal"` or `{ sinks = 4, window = 28 }`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mask {
    /// All keys.
    None,
    /// The row's own key and those before it: row i of R attends to the keys up to i + N − R, of N.
    Causal,
    /// The first keys and the latest ones.
    #[serde(untagged)]
    SinkWindow(SinkWindow),
}

/// The first keys of a sequence and a window of the latest (Λ-shaped, as in AccLLM, arXiv 2505.03745): the key and value memory
/// holds sinks + window tokens, however long the sequence is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkWindow {
    /// S: keys 0 to S − 1 are always attended to; may be 0.
    pub sinks: u32,
    /// W: the latest keys that are, the row's own among them; at least 1.
    pub window: u32,
}

/// One place in the stream of keys and values of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// This key, attended to.
    Kept(usize),
    /// This key, of weight 0.
    Masked(usize),
    /// No key yet: of weight 0, and its value counts as zeros.
    Empty,
}

impl Mask {
    /// Whether query `row` of `rows` attends to `key` of `keys`.
    pub fn keeps(self, row: usize, key: usize, rows: usize, keys: usize) -> bool {
        let token = token(row, rows, keys);
        match self {
            Mask::None => true,
            Mask::Causal => key <= token,
            Mask::SinkWindow(SinkWindow { sinks, window }) => key <= token && (key < sinks as usize || key + window as usize > token),
        }
    }

    /// Keys and values that are streamed for each row.
    pub fn slots(self, keys: usize) -> usize {
        match self {
            Mask::None | Mask::Causal => keys,
            Mask::SinkWindow(SinkWindow { sinks, window }) => sinks as usize + window as usize,
        }
    }

    /// What is streamed for query `row` of `rows`, in order. All keys in their order, masked ones included; but for sinks and a
    /// window the contents of the memory of S + W tokens: slot a < S holds key a, and slot S + b the newest key t with
    /// (t − S) mod W = b.
    pub fn stream(self, row: usize, rows: usize, keys: usize) -> Vec<Slot> {
        let token = token(row, rows, keys);
        let SinkWindow { sinks, window } = match self {
            Mask::SinkWindow(shape) => shape,
            Mask::None | Mask::Causal => {
                let slot = |key| if self.keeps(row, key, rows, keys) { Slot::Kept(key) } else { Slot::Masked(key) };
                return (0..keys).map(slot).collect();
            }
        };
        let (sinks, window) = (sinks as usize, window as usize);
        let mut slots = vec![Slot::Empty; sinks + window];
        for key in 0..keys.min(token + 1) {
            let slot = if key < sinks { key } else { sinks + (key - sinks) % window };
            slots[slot] = Slot::Kept(key);
        }
        slots
    }
}

/// The key that is a query's own token: queries are the last tokens, or where there are more of them than keys, the first and some beyond.
fn token(row: usize, rows: usize, keys: usize) -> usize {
    row + keys.saturating_sub(rows)
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mask, D::Error> {
        deserializer.deserialize_any(MaskVisitor)
    }
}

/// By hand, since a derived untagged enum does not say what is wrong.
struct MaskVisitor;

impl<'de> Visitor<'de> for MaskVisitor {
    type Value = Mask;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"none\", \"causal\" or {{ sinks = 4, window = 28 }}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Mask, E> {
        match text {
            "none" => Ok(Mask::None),
            "causal" => Ok(Mask::Causal),
            other => Err(E::unknown_variant(other, &["none", "causal", "{ sinks = 4, window = 28 }"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mask, A::Error> {
        SinkWindow::deserialize(MapAccessDeserializer::new(map)).map(Mask::SinkWindow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(mask: Mask, row: usize, rows: usize, keys: usize) -> Vec<usize> {
        let slots = mask.stream(row, rows, keys).into_iter();
        slots.filter_map(|slot| if let Slot::Kept(key) = slot { Some(key) } else { None }).collect()
    }

    #[test]
    fn a_causal_row_sees_its_own_key_and_all_before() {
        assert_eq!(kept(Mask::Causal, 1, 2, 5), [0, 1, 2, 3, 4]);
        assert_eq!(kept(Mask::Causal, 0, 2, 5), [0, 1, 2, 3]);
        assert_eq!(Mask::Causal.stream(0, 2, 3), [Slot::Kept(0), Slot::Kept(1), Slot::Masked(2)]);
    }

    #[test]
    fn a_window_fills_and_then_overwrites_its_oldest_slot() {
        let mask = Mask::SinkWindow(SinkWindow { sinks: 2, window: 3 });
        use Slot::{Empty, Kept};
        assert_eq!(mask.stream(0, 9, 9), [Kept(0), Empty, Empty, Empty, Empty]);
        assert_eq!(mask.stream(3, 9, 9), [Kept(0), Kept(1), Kept(2), Kept(3), Empty]);
        assert_eq!(mask.stream(4, 9, 9), [Kept(0), Kept(1), Kept(2), Kept(3), Kept(4)]);
        assert_eq!(mask.stream(6, 9, 9), [Kept(0), Kept(1), Kept(5), Kept(6), Kept(4)]);
    }

    fn masks() -> impl Strategy<Value = Mask> {
        let windows = (0u32..5, 1u32..6).prop_map(|(sinks, window)| Mask::SinkWindow(SinkWindow { sinks, window }));
        prop_oneof![Just(Mask::None), Just(Mask::Causal), windows]
    }

    proptest! {
        #[test]
        fn the_slots_hold_exactly_the_kept_keys_each_once(mask in masks(), tokens in 1usize..30, row in 0usize..30) {
            prop_assume!(row < tokens);
            prop_assert_eq!(mask.stream(row, tokens, tokens).len(), mask.slots(tokens));
            let mut streamed = kept(mask, row, tokens, tokens);
            streamed.sort_unstable();
            let wanted: Vec<usize> = (0..tokens).filter(|&key| mask.keeps(row, key, tokens, tokens)).collect();
            prop_assert_eq!(streamed, wanted);
        }
    }
}
