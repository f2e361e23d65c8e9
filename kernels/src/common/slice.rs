//! Parts of tensors: an index of leading axes, and ranges of the rows and columns that remain.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::kernel::ConfigError;

/// A range of an axis as a configuration writes it: `"8..16"`, without its end; `"8.."` and `"..16"` go to the ends of the axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    from: Option<usize>,
    end: Option<usize>,
}

/// One index of the outermost axis, or several, one each of the leading axes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Index {
    /// Of the outermost axis.
    Outermost(usize),
    /// Of the leading axes, outermost first.
    Leading(Vec<usize>),
}

/// The part of a tensor that a configuration takes: first the index, then rows and columns of what remains, all of the tensor as it is
/// stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Slice {
    /// Of the leading axes, which go away; outermost first.
    pub index: Vec<usize>,
    /// Of the first axis that remains.
    pub rows: Option<Span>,
    /// Of the second axis that remains.
    pub columns: Option<Span>,
}

/// A box in a tensor: what a [`Slice`] takes of one of known shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// A range of each axis of the stored tensor, outermost first; one element of an axis that goes away.
    pub ranges: Vec<Range<usize>>,
    /// Leading axes that go away.
    pub dropped: usize,
}

impl Window {
    /// Lengths of the axes that remain.
    pub fn shape(&self) -> Vec<usize> {
        self.ranges[self.dropped..].iter().map(ExactSizeIterator::len).collect()
    }
}

impl Slice {
    /// Whether it takes everything.
    pub fn is_whole(&self) -> bool {
        *self == Slice::default()
    }

    /// What it takes of a tensor of this shape; `key` is the tensor's place in the configuration.
    ///
    /// # Errors
    /// At `index`, `rows` or `columns`, if the tensor has no such axis, or the axis is shorter.
    pub fn window(&self, shape: &[usize], key: &str) -> Result<Window, ConfigError> {
        let dropped = self.index.len();
        let of_index = |message: String, remedy: String| Err(ConfigError::new(format!("{key}.index"), message).with_remedy(remedy));
        if dropped > shape.len() {
            return of_index(
                format!("{dropped} indices for a tensor of shape {shape:?}"),
                format!("at most {}, one for each leading axis", shape.len()),
            );
        }
        let mut ranges: Vec<Range<usize>> = Vec::with_capacity(shape.len());
        for (axis, (&index, &length)) in self.index.iter().zip(shape).enumerate() {
            if index >= length {
                let range = if length == 0 { "the axis has no elements".into() } else { format!("0 to {}", length - 1) };
                return of_index(format!("{index} is beyond axis {axis} of a tensor of shape {shape:?}"), range);
            }
            ranges.push(index..index + 1);
        }
        let mut rest = shape[dropped..].iter().copied();
        for (part, span) in [("rows", self.rows), ("columns", self.columns)] {
            let at = |message: String, remedy: String| ConfigError::new(format!("{key}.{part}"), message).with_remedy(remedy);
            let indexed = if dropped > 0 { " behind the index" } else { "" };
            match (span, rest.next()) {
                (span, Some(length)) => {
                    let range = span.unwrap_or_default().within(length);
                    let shown = span.unwrap_or_default();
                    ranges.push(range.ok_or_else(|| {
                        at(
                            format!("{shown} goes beyond the {length} {part}{indexed} of a tensor of shape {shape:?}"),
                            format!("0..{length}"),
                        )
                    })?);
                }
                (Some(_), None) => {
                    let remedy = "leave it out, or a shorter `index`; rows are the first axis that an index leaves, columns the second";
                    return Err(at(format!("a tensor of shape {shape:?} has no {part}{indexed}"), remedy.into()));
                }
                (None, None) => {}
            }
        }
        ranges.extend(rest.map(|length| 0..length));
        Ok(Window { ranges, dropped })
    }
}

impl Span {
    /// The range of an axis of this length, if it lies within.
    fn within(self, length: usize) -> Option<Range<usize>> {
        let range = self.from.unwrap_or(0)..self.end.unwrap_or(length);
        (range.start <= range.end && range.end <= length).then_some(range)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        const FORM: &str = "write it like \"8..16\", which has 8 elements; \"8..\" and \"..16\" go to the ends of the axis";
        let number = |text: &str| match text.trim() {
            "" => Some(None),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
            _ => None,
        };
        let parts = text.split_once("..").and_then(|(from, end)| Some((number(from)?, number(end)?)));
        match parts {
            Some((from, Some(end))) if from.unwrap_or(0) >= end => Err(format!("the range \"{text}\" has no elements; {FORM}")),
            Some((from, end)) => Ok(Span { from, end }),
            None => Err(format!("\"{text}\" is no range; {FORM}")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |end: Option<usize>| end.map(|end| end.to_string()).unwrap_or_default();
        write!(f, "{}..{}", shown(self.from), shown(self.end))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Index {
    /// The indices, outermost first.
    pub fn leading(&self) -> Vec<usize> {
        match self {
            Index::Outermost(index) => vec![*index],
            Index::Leading(indices) => indices.clone(),
        }
    }
}

/// Takes the two forms apart itself: a message of its own says what is accepted.
impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Index, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = Index;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an index of the outermost axis, counted from 0, or a list of indices of the leading axes")
            }

            fn visit_i64<E: de::Error>(self, index: i64) -> Result<Index, E> {
                let index = usize::try_from(index).map_err(|_| E::invalid_value(de::Unexpected::Signed(index), &self))?;
                Ok(Index::Outermost(index))
            }

            fn visit_u64<E: de::Error>(self, index: u64) -> Result<Index, E> {
                let index = usize::try_from(index).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(index), &self))?;
                Ok(Index::Outermost(index))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Index, A::Error> {
                let mut indices = Vec::new();
                while let Some(index) = list.next_element()? {
                    indices.push(index);
                }
                Ok(Index::Leading(indices))
            }
        }

        deserializer.deserialize_any(Forms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(index: &[usize], rows: Option<&str>, columns: Option<&str>) -> Slice {
        let span = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        Slice { index: index.into(), rows: span(rows), columns: span(columns) }
    }

    #[test]
    fn an_index_drops_axes_and_ranges_cut_the_next_two() {
        let window = slice(&[2], Some("1..3"), Some("..5")).window(&[4, 6, 8, 7], "a").unwrap();
        assert_eq!((window.ranges.clone(), window.dropped), (vec![2..3, 1..3, 0..5, 0..7], 1));
        assert_eq!(window.shape(), [2, 5, 7]);
        let window = slice(&[], None, Some("6..")).window(&[4, 8], "a").unwrap();
        assert_eq!(window.shape(), [4, 2]);
        assert!(slice(&[], None, None).is_whole());
        assert_eq!(slice(&[0, 3], Some("2.."), None).window(&[1, 4, 6], "a").unwrap().shape(), [4]);
    }

    #[test]
    fn what_lies_beyond_a_tensor_is_refused_at_its_key_with_what_would_do() {
        let refusal = |slice: Slice| slice.window(&[4, 6], "layers[0].a").expect_err("refused").to_string();
        for (slice, parts) in [
            (slice(&[4], None, None), ["`layers[0].a.index`", "beyond axis 0 of a tensor of shape [4, 6]", "0 to 3"]),
            (slice(&[1, 2, 3], None, None), ["`layers[0].a.index`", "3 indices", "at most 2"]),
            (slice(&[], Some("2..5"), None), ["`layers[0].a.rows`", "2..5 goes beyond the 4 rows", "0..4"]),
            (slice(&[], Some("5.."), None), ["`layers[0].a.rows`", "5..", "0..4"]),
            (slice(&[], None, Some("..7")), ["`layers[0].a.columns`", "6 columns", "0..6"]),
            (slice(&[1], None, Some("..2")), ["`layers[0].a.columns`", "no columns behind the index", "leave it out"]),
        ] {
            let message = refusal(slice);
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
    }

    #[test]
    fn ranges_read_back_as_they_are_written() {
        for text in ["8..16", "8..", "..16", ".."] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["", "8", "8..8", "9..8", "-1..3", "1...3", "+1..3", "a..b", "..0"] {
            let message = text.parse::<Span>().expect_err(text);
            assert!(message.contains("write it like \"8..16\""), "{message}");
        }
    }

    #[test]
    fn an_index_is_a_number_or_a_list() {
        let read = |text: &str| format!("index = {text}").parse::<toml::Table>().unwrap()["index"].clone().try_into::<Index>();
        assert_eq!(read("3").unwrap().leading(), [3]);
        assert_eq!(read("[3, 0]").unwrap().leading(), [3, 0]);
        assert!(read("-1").unwrap_err().to_string().contains("counted from 0"));
        assert!(read("'3'").unwrap_err().to_string().contains("list of indices"));
    }
}
