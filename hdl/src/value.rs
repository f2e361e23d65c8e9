//! Bit patterns of any width: constants, reset values, memory contents, and what goes in and out of a simulation.

use std::fmt;

use num_bigint::{BigInt, BigUint, Sign};
use smallvec::{SmallVec, smallvec};

use crate::types::Type;

/// A pattern of `width` bits. Whether it is signed or has a binary point is the business of a [`Type`].
///
/// Kept in 64-bit limbs, least significant first; bits above the width are zero.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Value {
    width: u32,
    limbs: SmallVec<[u64; 2]>,
}

impl Value {
    /// All bits zero.
    pub fn zero(width: u32) -> Value {
        Value { width, limbs: smallvec![0; limbs_for(width)] }
    }

    /// All bits one.
    pub fn ones(width: u32) -> Value {
        Value::from_limbs(width, std::iter::repeat(u64::MAX))
    }

    /// The low `width` bits of `bits`, zero-extended.
    pub fn from_u64(width: u32, bits: u64) -> Value {
        Value::from_limbs(width, [bits])
    }

    /// The low `width` bits of `number` in two's complement, sign-extended.
    pub fn from_i64(width: u32, number: i64) -> Value {
        let fill = if number < 0 { u64::MAX } else { 0 };
        Value::from_limbs(width, std::iter::once(number as u64).chain(std::iter::repeat(fill)))
    }

    /// The low `width` bits of `number` in two's complement.
    pub fn from_bigint(width: u32, number: &BigInt) -> Value {
        let modulus = BigInt::from(1) << width;
        let wrapped: BigInt = ((number % &modulus) + &modulus) % &modulus;
        let (_, digits) = wrapped.to_u64_digits();
        Value::from_limbs(width, digits)
    }

    /// The first limbs of `limbs`, least significant first; missing ones are zero, surplus bits are cut off.
    pub fn from_limbs(width: u32, limbs: impl IntoIterator<Item = u64>) -> Value {
        let mut value = Value { width, limbs: limbs.into_iter().take(limbs_for(width)).collect() };
        value.limbs.resize(limbs_for(width), 0);
        if let (Some(last), rest @ 1..) = (value.limbs.last_mut(), width % 64) {
            *last &= (1 << rest) - 1;
        }
        value
    }

    /// Number of bits.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The bits in 64-bit limbs, least significant first.
    pub fn limbs(&self) -> &[u64] {
        &self.limbs
    }

    /// Bit `index`, counted from the least significant; false above the width.
    pub fn bit(&self, index: u32) -> bool {
        index < self.width && self.limbs[(index / 64) as usize] >> (index % 64) & 1 == 1
    }

    /// The pattern with bit `index` set; `index` is below the width.
    pub fn with_bit(mut self, index: u32) -> Value {
        debug_assert!(index < self.width);
        self.limbs[(index / 64) as usize] |= 1 << (index % 64);
        self
    }

    /// Whether every bit is zero.
    pub fn is_zero(&self) -> bool {
        self.limbs.iter().all(|&limb| limb == 0)
    }

    /// The pattern as an unsigned number, where it fits 64 bits.
    pub fn to_u64(&self) -> Option<u64> {
        self.limbs.iter().skip(1).all(|&limb| limb == 0).then(|| self.limbs.first().copied().unwrap_or(0))
    }

    /// The pattern as a two's complement number, where it fits 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        i64::try_from(self.to_bigint()).ok()
    }

    /// The pattern as an unsigned number.
    pub fn to_biguint(&self) -> BigUint {
        let digits = self.limbs.iter().flat_map(|&limb| [limb as u32, (limb >> 32) as u32]).collect();
        BigUint::new(digits)
    }

    /// The pattern as a two's complement number.
    pub fn to_bigint(&self) -> BigInt {
        let unsigned = BigInt::from_biguint(Sign::Plus, self.to_biguint());
        if self.width > 0 && self.bit(self.width - 1) { unsigned - (BigInt::from(1) << self.width) } else { unsigned }
    }

    /// The number that the pattern stands for in `ty`, as an integer: fixed point in units of its last place.
    pub fn to_number(&self, ty: Type) -> BigInt {
        if ty.is_signed() { self.to_bigint() } else { BigInt::from_biguint(Sign::Plus, self.to_biguint()) }
    }

    /// `bits[low .. low + width]`; positions above the width read as zero.
    pub fn slice(&self, low: u32, width: u32) -> Value {
        let (skip, shift) = ((low / 64) as usize, low % 64);
        let limb = |i: usize| self.limbs.get(i).copied().unwrap_or(0);
        Value::from_limbs(
            width,
            (0..limbs_for(width)).map(|i| {
                let (here, above) = (limb(skip + i), limb(skip + i + 1));
                if shift == 0 { here } else { here >> shift | above << (64 - shift) }
            }),
        )
    }

    /// `high` placed above `self`.
    pub fn concat(&self, high: &Value) -> Value {
        let width = self.width + high.width;
        let shifted = high.to_biguint() << self.width;
        Value::from_limbs(width, (self.to_biguint() | shifted).to_u64_digits())
    }
}

fn limbs_for(width: u32) -> usize {
    width.div_ceil(64) as usize
}

/// Hexadecimal without a prefix and without leading zeros: the netlist text form's digits.
impl fmt::LowerHex for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.to_biguint(), f)
    }
}

/// `16'h1f`: width and hexadecimal digits.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'h{:x}", self.width, self)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bits_above_the_width_are_cut_off() {
        assert_eq!(Value::from_i64(5, -1), Value::ones(5));
        assert_eq!(Value::from_i64(100, -1), Value::ones(100));
        assert_eq!(Value::from_u64(4, 0x1f).to_u64(), Some(15));
    }

    proptest! {
        #[test]
        fn numbers_wrap_to_the_width(number in any::<i64>(), width in 1u32..200) {
            let value = Value::from_bigint(width, &BigInt::from(number));
            prop_assert_eq!(&value, &Value::from_i64(width, number));
            if width >= 64 { prop_assert_eq!(value.to_i64(), Some(number)); }
        }

        #[test]
        fn a_value_is_the_concatenation_of_its_slices(limbs in prop::collection::vec(any::<u64>(), 4), width in 2u32..256, cut in 1u32..255) {
            let value = Value::from_limbs(width, limbs);
            let cut = cut.min(width - 1);
            prop_assert_eq!(value.slice(0, cut).concat(&value.slice(cut, width - cut)), value);
        }
    }
}
