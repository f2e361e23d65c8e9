//! The types of signals: run-time values, not const generics, so that widths can come from a configuration file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The widest signal that elaboration accepts, in bits. A guard against a slip such as `Type::u(depth)` for
/// `Type::u(address_bits)`, not a limit of the netlist.
pub const MAX_WIDTH: u32 = 1 << 16;

/// What a signal's bits mean. The width is at least 1.
///
/// Written `bit`, `bits8`, `u8`, `s8`, `uq0.16` and `q8.8` in configurations, messages and the netlist text form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// `n` bits without a numeric meaning: no arithmetic, no order.
    Bits(u32),
    /// Unsigned integer of `n` bits, 0 to 2ⁿ−1.
    UInt(u32),
    /// Two's complement integer of `n` bits, −2ⁿ⁻¹ to 2ⁿ⁻¹−1.
    SInt(u32),
    /// Unsigned fixed point, `int` bits before the binary point and `frac` after it: the value is the raw integer · 2⁻ᶠʳᵃᶜ.
    UFixed {
        /// Bits before the binary point.
        int: u32,
        /// Bits after the binary point.
        frac: u32,
    },
    /// Two's complement fixed point; `int` counts the sign bit, so `q8.8` is 16 bits wide and spans −128 to 128−2⁻⁸.
    Fixed {
        /// Bits before the binary point, the sign included.
        int: u32,
        /// Bits after the binary point.
        frac: u32,
    },
}

impl Type {
    /// A single bit: conditions, valid, ready.
    pub const BIT: Type = Type::Bits(1);

    /// Unsigned integer of `width` bits.
    pub const fn u(width: u32) -> Type {
        Type::UInt(width)
    }

    /// Two's complement integer of `width` bits.
    pub const fn s(width: u32) -> Type {
        Type::SInt(width)
    }

    /// Signed fixed point of `int + frac` bits.
    pub const fn q(int: u32, frac: u32) -> Type {
        Type::Fixed { int, frac }
    }

    /// Unsigned fixed point of `int + frac` bits.
    pub const fn uq(int: u32, frac: u32) -> Type {
        Type::UFixed { int, frac }
    }

    /// The unsigned integer that counts `0..states`: an index or an address. One bit for one state.
    pub const fn index(states: u32) -> Type {
        Type::UInt(bits_for(states.saturating_sub(1) as u64))
    }

    /// The unsigned integer that holds every value of `0..=max`: a count or a fill level.
    pub const fn count(max: u32) -> Type {
        Type::UInt(bits_for(max as u64))
    }

    /// Bits in a value of this type; at most `u32::MAX`, which no signal has.
    pub const fn width(self) -> u32 {
        match self {
            Type::Bits(n) | Type::UInt(n) | Type::SInt(n) => n,
            Type::UFixed { int, frac } | Type::Fixed { int, frac } => int.saturating_add(frac),
        }
    }

    /// Whether the most significant bit is a sign.
    pub const fn is_signed(self) -> bool {
        matches!(self, Type::SInt(_) | Type::Fixed { .. })
    }

    /// Whether the type has arithmetic and an order: everything but `Bits`.
    pub const fn is_number(self) -> bool {
        !matches!(self, Type::Bits(_))
    }

    /// Bits after the binary point; 0 for integers and bits.
    pub const fn frac(self) -> u32 {
        match self {
            Type::UFixed { frac, .. } | Type::Fixed { frac, .. } => frac,
            _ => 0,
        }
    }

    /// Bits before the binary point, a sign included.
    pub const fn int(self) -> u32 {
        self.width() - self.frac()
    }

    /// The same family (bits, integer or fixed point, signed or not) with other sizes; `frac` counts for fixed point only.
    pub const fn resized(self, int: u32, frac: u32) -> Type {
        match self {
            Type::Bits(_) => Type::Bits(int),
            Type::UInt(_) => Type::UInt(int),
            Type::SInt(_) => Type::SInt(int),
            Type::UFixed { .. } => Type::UFixed { int, frac },
            Type::Fixed { .. } => Type::Fixed { int, frac },
        }
    }

    /// The type of a full product: widths (and fraction bits) add up. `None` unless both are numbers of one
    /// signedness; an integer times a fixed-point number is fixed point.
    pub fn product(self, other: Type) -> Option<Type> {
        if !self.is_number() || !other.is_number() || self.is_signed() != other.is_signed() {
            return None;
        }
        let (int, frac) = (self.int() + other.int(), self.frac() + other.frac());
        let fixed = matches!(self, Type::Fixed { .. } | Type::UFixed { .. }) || matches!(other, Type::Fixed { .. } | Type::UFixed { .. });
        Some(match (fixed, self.is_signed()) {
            (true, true) => Type::q(int, frac),
            (true, false) => Type::uq(int, frac),
            (false, true) => Type::s(int),
            (false, false) => Type::u(int),
        })
    }
}

/// Bits needed to write `value`; at least 1.
pub const fn bits_for(value: u64) -> u32 {
    let bits = 64 - value.leading_zeros();
    if bits == 0 { 1 } else { bits }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bits(1) => write!(f, "bit"),
            Type::Bits(n) => write!(f, "bits{n}"),
            Type::UInt(n) => write!(f, "u{n}"),
            Type::SInt(n) => write!(f, "s{n}"),
            Type::UFixed { int, frac } => write!(f, "uq{int}.{frac}"),
            Type::Fixed { int, frac } => write!(f, "q{int}.{frac}"),
        }
    }
}

/// As it is displayed: a component's `Debug` text is the parameter line of its module, which people read.
impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a piece of text is not a [`Type`].
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "`{text}` is not a type: write `bit` for one bit and `bits8` for several, or `u8`, `s8`, `uq0.16` or `q8.8`, with a width of 1 to {MAX_WIDTH} bits"
)]
pub struct ParseTypeError {
    /// The text as given.
    pub text: String,
}

impl FromStr for Type {
    type Err = ParseTypeError;

    fn from_str(text: &str) -> Result<Type, ParseTypeError> {
        parse(text).ok_or_else(|| ParseTypeError { text: text.to_string() })
    }
}

fn parse(text: &str) -> Option<Type> {
    let number = |digits: &str| -> Option<u32> {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let canonical = plain && (digits == "0" || !digits.starts_with('0'));
        if canonical { digits.parse().ok() } else { None }
    };
    let fixed = |digits: &str| -> Option<(u32, u32)> {
        let (int, frac) = digits.split_once('.')?;
        Some((number(int)?, number(frac)?))
    };
    let ty = if text == "bit" {
        Type::BIT
    } else if let Some(digits) = text.strip_prefix("bits") {
        Type::Bits(number(digits).filter(|&n| n > 1)?)
    } else if let Some(digits) = text.strip_prefix("uq") {
        let (int, frac) = fixed(digits)?;
        Type::UFixed { int, frac }
    } else if let Some(digits) = text.strip_prefix('q') {
        let (int, frac) = fixed(digits)?;
        Type::Fixed { int, frac }
    } else if let Some(digits) = text.strip_prefix('u') {
        Type::UInt(number(digits)?)
    } else {
        Type::SInt(number(text.strip_prefix('s')?)?)
    };
    let width = u64::from(ty.int_unchecked()) + u64::from(ty.frac());
    (1..=u64::from(MAX_WIDTH)).contains(&width).then_some(ty)
}

impl Type {
    /// Integer bits without subtracting: safe for sizes that were just parsed and may be absurd.
    fn int_unchecked(self) -> u32 {
        match self {
            Type::Bits(n) | Type::UInt(n) | Type::SInt(n) => n,
            Type::UFixed { int, .. } | Type::Fixed { int, .. } => int,
        }
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Type, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_reads_back_as_it_was_written() {
        for text in ["bit", "bits2", "u1", "u8", "s200", "q8.8", "uq0.16", "q1.0"] {
            assert_eq!(text.parse::<Type>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_type_is_refused() {
        for text in ["", "bits", "bits1", "bits0", "u0", "s", "q8", "q0.0", "u08", "int8", "u+8", "u99999999999", "q4294967295.9"] {
            assert!(text.parse::<Type>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_index_type_reaches_its_last_state_and_no_further() {
        assert_eq!(Type::index(1), Type::u(1));
        assert_eq!(Type::index(2), Type::u(1));
        assert_eq!(Type::index(3), Type::u(2));
        assert_eq!(Type::index(256), Type::u(8));
        assert_eq!(Type::index(257), Type::u(9));
        assert_eq!(Type::count(256), Type::u(9));
    }
}
