//! Number formats of attention: those that are chosen, those that follow from them, and which go together.

use systole_hdl::Type;
use systole_hdl::types::bits_for;

use super::parameters::Variant;
use crate::kernel::ConfigError;

/// The widest query, key, value, weight or output, in bits.
pub(super) const WIDEST_OPERAND: u32 = 24;
/// The widest score, in bits.
pub(super) const WIDEST_SCORE: u32 = 32;
/// The most fraction bits of sums.
pub(super) const MOST_SUM_FRACTION: u32 = 40;
/// Fraction bits of sums beyond those of a weight, unless stated.
const DEFAULT_SUM_GUARD: u32 = 4;
/// The widest product, sum or dividend, in bits: what fits a signed 64-bit number without its sign.
pub const WIDEST_INTERMEDIATE: u32 = 63;

/// Number formats of the hardware.
///
/// The default is what [`FormatParameters`](super::format_choice::FormatParameters) chooses for heads of common sizes. On real heads, one with
/// scores from −64 to 60 among them, no result is off by more than a thousandth of the largest value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Formats {
    /// Queries, already scaled by log₂(e)/√D: signed fixed point.
    pub query: Type,
    /// Keys: signed fixed point.
    pub key: Type,
    /// Values: signed fixed point.
    pub value: Type,
    /// Scores, exponents of 2: signed fixed point.
    pub score: Type,
    /// Powers of two of scores: unsigned fixed point. One bit before the point is enough unless the variant is naive.
    pub weight: Type,
    /// Fraction bits of sums of weights and values, and of the quotients of weights; 4 more than a weight has if `None`.
    pub sum_fraction: Option<u32>,
    /// Results: signed fixed point.
    pub output: Type,
}

impl Default for Formats {
    fn default() -> Formats {
        Formats {
            query: Type::q(3, 13),
            key: Type::q(5, 11),
            value: Type::q(4, 12),
            score: Type::q(8, 12),
            weight: Type::uq(1, 15),
            sum_fraction: None,
            output: Type::q(4, 12),
        }
    }
}

impl Formats {
    /// S: fraction bits of the sums.
    pub fn sum_fraction(&self) -> u32 {
        self.sum_fraction.unwrap_or(self.weight.frac() + DEFAULT_SUM_GUARD)
    }

    /// A weight divided by the sum of its row, in the variants that divide first.
    pub fn quotient(&self) -> Type {
        Type::uq(1, self.sum_fraction())
    }

    /// The exact product of a query and a key of D elements.
    pub fn dot_product(&self, head_dimension: usize) -> Type {
        let (query, key) = (self.query, self.key);
        Type::q(query.int() + key.int() + ceil_log2(head_dimension), query.frac() + key.frac())
    }

    /// r: the sum of a row's weights, exact but in the memory-free variant; `slots` are the keys streamed for a row.
    pub fn weight_sum(&self, variant: Variant, slots: usize) -> Type {
        let fraction = if variant == Variant::MemoryFree { self.sum_fraction() } else { self.weight.frac() };
        Type::uq(self.weight.int() + ceil_log2(slots) + 1, fraction)
    }

    /// l: the sum of a row's weighted values; `slots` are the keys streamed for a row.
    pub fn value_sum(&self, variant: Variant, slots: usize) -> Type {
        let factor = if variant.divides_first() { self.quotient() } else { self.weight };
        Type::q(factor.int() + self.value.int() + ceil_log2(slots) + 1, self.sum_fraction())
    }

    /// Checks each format by itself and those that depend on one another.
    pub(super) fn validate(&self, variant: Variant) -> Result<(), ConfigError> {
        let signed = |ty| matches!(ty, Type::Fixed { .. });
        let operands = [
            ("formats.query", self.query, WIDEST_OPERAND, "q3.13"),
            ("formats.key", self.key, WIDEST_OPERAND, "q5.11"),
            ("formats.value", self.value, WIDEST_OPERAND, "q4.12"),
            ("formats.score", self.score, WIDEST_SCORE, "q8.12"),
            ("formats.output", self.output, WIDEST_OPERAND, "q4.12"),
        ];
        for (key, ty, widest, example) in operands {
            if !signed(ty) || ty.int() == 0 || !(2..=widest).contains(&ty.width()) {
                return Err(ConfigError::new(key, format!("{ty} is not supported here"))
                    .with_remedy(format!("signed fixed point of 2 to {widest} bits, such as {example}")));
            }
        }
        let weight = self.weight;
        if !matches!(weight, Type::UFixed { .. }) || weight.int() == 0 || weight.frac() == 0 || weight.width() > WIDEST_OPERAND {
            return Err(ConfigError::new("formats.weight", format!("{weight} is not supported as a weight")).with_remedy(format!(
                "unsigned fixed point of 2 to {WIDEST_OPERAND} bits with at least one before and one after the point, such as uq1.15"
            )));
        }
        let exact = self.query.frac() + self.key.frac();
        if self.score.frac() > exact {
            let message = format!("{} has more fraction bits than a product of a query and a key, {exact}", self.score);
            let nearest = Type::q(self.score.int(), exact);
            return Err(ConfigError::new("formats.score", message).with_remedy(format!("at most {exact}, such as {nearest}")));
        }
        self.validate_sum_fraction(variant)?;
        self.validate_widths(variant, 1, 1)
    }

    fn validate_sum_fraction(&self, variant: Variant) -> Result<(), ConfigError> {
        let sum_fraction = self.sum_fraction();
        let (least, most) = (self.least_sum_fraction(variant), MOST_SUM_FRACTION);
        if (least..=most).contains(&sum_fraction) {
            return Ok(());
        }
        let message = format!("sums with {sum_fraction} fraction bits are not supported with these weights and outputs");
        Err(ConfigError::new("formats.sum_fraction", message)
            .with_remedy(format!("{least} to {most}; nearest: {}", sum_fraction.clamp(least, most))))
    }

    /// Sums are at least as fine as results and, where weights are added to them one by one, as weights.
    fn least_sum_fraction(&self, variant: Variant) -> u32 {
        let weight = if variant == Variant::MemoryFree { self.weight.frac() } else { 0 };
        weight.max(self.output.frac())
    }

    /// Checks that every product, sum and dividend of rows of `slots` keys and heads of D elements fits 63 bits.
    ///
    /// # Errors
    /// The widest that does not, and what would.
    pub fn validate_widths(&self, variant: Variant, slots: usize, head_dimension: usize) -> Result<(), ConfigError> {
        let (key, what, width) = self.widest(variant, slots, head_dimension);
        if width <= WIDEST_INTERMEDIATE {
            return Ok(());
        }
        let message = format!("{what} takes {width} bits for N = {slots} and D = {head_dimension}, more than {WIDEST_INTERMEDIATE}");
        let fits = |&fraction: &u32| {
            let formats = Formats { sum_fraction: Some(fraction), ..self.clone() };
            formats.widest(variant, slots, head_dimension).2 <= WIDEST_INTERMEDIATE
        };
        let nearest = (self.least_sum_fraction(variant)..self.sum_fraction()).rev().find(fits);
        Err(match nearest {
            Some(fraction) => ConfigError::new("formats.sum_fraction", message).with_remedy(format!("at most {fraction}")),
            None => {
                let narrower = format!("narrower formats: {} bits less in what it is made of", width - WIDEST_INTERMEDIATE);
                ConfigError::new(key, message).with_remedy(narrower)
            }
        })
    }

    /// The widest product, sum or dividend: the key of a format that it depends on, what it is, and its bits.
    fn widest(&self, variant: Variant, slots: usize, head_dimension: usize) -> (&'static str, &'static str, u32) {
        let (weight, value, sum_fraction) = (self.weight, self.value, self.sum_fraction());
        let (r, l) = (self.weight_sum(variant, slots), self.value_sum(variant, slots));
        let mut widths = vec![
            ("formats.query", "the product of a query and a key", self.dot_product(head_dimension).width()),
            ("formats.weight", "the sum of weights", r.width()),
            ("formats.value", "the sum of weighted values", l.width()),
        ];
        if variant.divides_first() {
            widths.push(("formats.value", "the product of a quotient and a value", self.quotient().width() + value.width()));
            widths.push(("formats.weight", "the dividend of a weight", weight.width() + sum_fraction));
        } else {
            // l / r has S − (fraction of r) fraction bits by itself; either side is shifted until it has those of the output.
            let (have, want) = (sum_fraction, self.output.frac() + r.frac());
            widths.push(("formats.weight", "the product of a weight and a value", weight.width() + value.width()));
            widths.push(("formats.output", "the dividend of a result", l.width() + want.saturating_sub(have)));
            widths.push(("formats.weight", "the divisor of a result", r.width() + have.saturating_sub(want)));
        }
        if variant == Variant::MemoryFree {
            widths.push(("formats.weight", "a scaled sum of weights", r.width() + weight.width()));
            widths.push(("formats.weight", "a scaled sum of values", l.width() + weight.width()));
            // Rounded, the product is narrower again, unless a weight has hardly any fraction; then two more bits hold the new sum.
            widths.push(("formats.sum_fraction", "a new sum of values", l.width() + weight.int() + 3));
        }
        widths.into_iter().max_by_key(|&(_, _, width)| width).expect("the list is not empty")
    }
}

/// Bits by which a sum of `terms` numbers is wider than one of them.
fn ceil_log2(terms: usize) -> u32 {
    if terms <= 1 { 0 } else { bits_for(terms as u64 - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_types_hold_the_sums_of_a_row() {
        let formats = Formats { weight: Type::uq(1, 14), ..Formats::default() };
        assert_eq!(formats.sum_fraction(), 18);
        assert_eq!(formats.dot_product(32), Type::q(13, 24));
        assert_eq!(formats.weight_sum(Variant::Deferred, 128), Type::uq(9, 14));
        assert_eq!(formats.weight_sum(Variant::MemoryFree, 129), Type::uq(10, 18));
        assert_eq!(formats.value_sum(Variant::MemoryFree, 128), Type::q(13, 18));
    }

    #[test]
    fn a_sum_of_so_many_terms_needs_so_many_bits() {
        assert_eq!([0, 1, 2, 3, 4, 5, 128, 129].map(ceil_log2), [0, 0, 1, 2, 2, 3, 7, 8]);
    }

    #[test]
    fn the_default_formats_suit_every_variant_up_to_4096_keys() {
        for variant in Variant::ALL {
            Formats::default().validate(variant).unwrap();
            Formats::default().validate_widths(variant, 4096, 128).unwrap();
        }
    }
}
