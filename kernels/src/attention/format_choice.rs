//! The formats that a configuration leaves out, chosen from the heads at hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::Type;

use super::formats::{Formats, WIDEST_OPERAND, WIDEST_SCORE};
use super::parameters::Variant;
use crate::common::fitting::{Extent, signed_fixed_point};
use crate::report::Setting;

/// By how much a bound on computed numbers is widened for the rounding of what they are computed from.
const MARGIN: f64 = 1.0 + 1.0 / 64.0;

/// Number formats, written like `q4.12` and `uq1.15`. Those left out are chosen from the tensors of all heads: the width is fixed, and the
/// point stands as far left as it can without a number saturating.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FormatParameters {
    /// Queries, already scaled by log₂(e)/√D: signed fixed point.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, 16 bits"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Type>,
    /// Keys: signed fixed point.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, 16 bits"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Type>,
    /// Values: signed fixed point.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, 16 bits"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Type>,
    /// Scores, exponents of 2: signed fixed point.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, 20 bits"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Type>,
    /// Powers of two of scores: unsigned fixed point. One bit before the point is enough unless the variant is naive.
    #[schemars(with = "Option<String>", extend("x-default" = "uq1.15; from the data if naive"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Type>,
    /// Fraction bits of sums of weights and values, and of the quotients of weights; 4 more than a weight has if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_fraction: Option<u32>,
    /// Results: signed fixed point. No result is larger than the largest value.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, 16 bits"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Type>,
}

/// All formats stated.
impl From<Formats> for FormatParameters {
    fn from(formats: Formats) -> FormatParameters {
        let Formats { query, key, value, score, weight, sum_fraction, output } = formats;
        FormatParameters {
            query: Some(query),
            key: Some(key),
            value: Some(value),
            score: Some(score),
            weight: Some(weight),
            sum_fraction,
            output: Some(output),
        }
    }
}

/// How large the numbers of all heads are, unquantized.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Extents {
    /// Queries, scaled by log₂(e)/√D.
    pub query: Extent,
    /// Keys.
    pub key: Extent,
    /// Values.
    pub value: Extent,
    /// Scores of every query with every key, masked or not.
    pub score: Extent,
}

impl Extents {
    /// Of heads of common sizes: those for which [`Formats::default`] is chosen.
    pub const COMMON: Extents = {
        const fn up_to(size: f64) -> Extent {
            Extent { least: -size, greatest: size }
        }
        Extents { query: up_to(3.5), key: up_to(15.0), value: up_to(7.5), score: up_to(100.0) }
    };

    /// Of the heads of both.
    pub fn and(self, other: Extents) -> Extents {
        Extents {
            query: self.query.and(other.query),
            key: self.key.and(other.key),
            value: self.value.and(other.value),
            score: self.score.and(other.score),
        }
    }
}

impl FormatParameters {
    /// All formats, those left out for numbers of these sizes, with the default widths.
    pub fn choose(&self, variant: Variant, extents: &Extents) -> Formats {
        self.choose_with_widths(variant, extents, &Formats::default())
    }

    /// The same, those left out with the widths of `widths`.
    fn choose_with_widths(&self, variant: Variant, extents: &Extents, widths: &Formats) -> Formats {
        let operand = |extent: Extent, of: Type, most_fraction: u32| signed_fixed_point(extent, of.width(), WIDEST_OPERAND, most_fraction);
        let any = u32::MAX;
        let query = self.query.unwrap_or_else(|| operand(extents.query, widths.query, any));
        let key = self.key.unwrap_or_else(|| operand(extents.key, widths.key, any));
        let value = self.value.unwrap_or_else(|| operand(extents.value, widths.value, any));
        let score_extent = extents.score.scaled(MARGIN);
        // A score is rounded, never made finer than the product that it is.
        let exact = query.frac() + key.frac();
        let score = self.score.unwrap_or_else(|| signed_fixed_point(score_extent, widths.score.width(), WIDEST_SCORE, exact));
        let weight = self.weight.unwrap_or_else(|| match variant {
            Variant::Naive => naive_weight(score_extent.greatest, widths.weight),
            _ => widths.weight,
        });
        let partly = Formats { query, key, value, score, weight, sum_fraction: self.sum_fraction, output: widths.output };
        let output = self.output.unwrap_or_else(|| operand(extents.value.scaled(MARGIN), widths.output, partly.sum_fraction()));
        Formats { output, ..partly }
    }

    /// Of the formats in use, which is better with how many bits before the point: what warnings recommend.
    pub fn mending(variant: Variant, extents: &Extents, in_use: &Formats) -> Formats {
        let sum_fraction = in_use.sum_fraction;
        FormatParameters { sum_fraction, ..FormatParameters::default() }.choose_with_widths(variant, extents, in_use)
    }

    /// The keys left to the data, with what was chosen for them.
    pub fn chosen(&self, variant: Variant, formats: &Formats) -> Vec<Setting> {
        let all = [
            ("query", self.query, formats.query),
            ("key", self.key, formats.key),
            ("value", self.value, formats.value),
            ("score", self.score, formats.score),
            ("weight", self.weight, formats.weight),
            ("output", self.output, formats.output),
        ];
        let left_out = all.into_iter().filter(|(name, stated, _)| stated.is_none() && (*name != "weight" || variant == Variant::Naive));
        left_out.map(|(name, _, chosen)| Setting::format(&format!("formats.{name}"), chosen)).collect()
    }
}

/// Weights 2ˢ for scores s of at most `greatest`: as many bits before the point as that takes, and the fraction of `like` as far as there is
/// room.
fn naive_weight(greatest: f64, like: Type) -> Type {
    // Never more bits than there are, whatever the scores.
    let int = (greatest.floor().clamp(0.0, f64::from(WIDEST_OPERAND)) as u32 + 1).clamp(like.int(), WIDEST_OPERAND - 1);
    Type::uq(int, like.frac().clamp(1, WIDEST_OPERAND - int))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_formats_are_those_for_common_heads() {
        for variant in [Variant::Stable, Variant::Deferred, Variant::MemoryFree] {
            assert_eq!(FormatParameters::default().choose(variant, &Extents::COMMON), Formats::default());
        }
    }

    #[test]
    fn stated_formats_stay_and_the_others_follow_the_data_and_them() {
        let extents = Extents { query: Extent { least: -6.5, greatest: 1.0 }, ..Extents::COMMON };
        let stated = FormatParameters { key: Some(Type::q(12, 4)), value: Some(Type::q(2, 2)), ..FormatParameters::default() };
        let formats = stated.choose(Variant::MemoryFree, &extents);
        assert_eq!((formats.query, formats.key, formats.value), (Type::q(4, 12), Type::q(12, 4), Type::q(2, 2)));
        let coarse = FormatParameters { query: Some(Type::q(4, 2)), ..stated };
        assert_eq!(coarse.choose(Variant::MemoryFree, &extents).score, Type::q(8, 6), "no finer than the product");
        let chosen = coarse.chosen(Variant::Stable, &coarse.choose(Variant::Stable, &extents));
        let settings: Vec<String> = chosen.iter().map(ToString::to_string).collect();
        assert_eq!(settings, ["formats.score = \"q8.6\"", "formats.output = \"q4.12\""]);
    }

    #[test]
    fn naive_weights_have_room_for_the_greatest_score() {
        let weights = [-3.0, 0.5, 1.0, 8.2, 12.0, 500.0].map(|greatest| naive_weight(greatest, Type::uq(1, 15)).to_string());
        assert_eq!(weights, ["uq1.15", "uq1.15", "uq2.15", "uq9.15", "uq13.11", "uq23.1"]);
    }

    #[test]
    fn a_remedy_keeps_the_width_of_what_it_replaces() {
        let in_use = Formats { query: Type::q(2, 10), output: Type::q(2, 20), ..Formats::default() };
        let mended = FormatParameters::mending(Variant::MemoryFree, &Extents::COMMON, &in_use);
        assert_eq!((mended.query, mended.output), (Type::q(3, 9), Type::q(4, 18)));
    }
}
