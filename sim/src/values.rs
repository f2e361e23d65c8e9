//! Numbers into bit patterns: what `set`, `push` and `load` accept.

use num_bigint::BigInt;
use systole_hdl::{Type, Value};
use thiserror::Error;

/// What can be given as the value of a signal. Numbers mean the number of the signal's type; for fixed point they count units
/// of the last place. A `bool` is 0 or 1. A [`Value`] is a bit pattern and must have the signal's width.
pub trait IntoValue {
    /// The pattern of the number in `ty`.
    ///
    /// # Errors
    /// If the number or pattern does not fit; nothing is cut off.
    fn into_value(self, ty: Type) -> Result<Value, DoesNotFit>;
}

/// A value that its signal's type cannot hold.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{value} does not fit {ty}, which takes {}", accepted(*ty))]
pub struct DoesNotFit {
    /// The value as text.
    pub value: String,
    /// The signal's type.
    pub ty: Type,
}

/// The numbers a type takes, as text.
fn accepted(ty: Type) -> String {
    let units = if ty.frac() > 0 { format!(" in units of 2^-{}", ty.frac()) } else { String::new() };
    match (ty.is_signed(), ty.width()) {
        (false, width @ ..=63) => format!("0 to {}{units}", (1u64 << width) - 1),
        (true, width @ ..=64) => format!("{} to {}{units}", -(1i128 << (width - 1)), (1i128 << (width - 1)) - 1),
        (false, width) => format!("0 to 2^{width}-1{units}, or a pattern of {width} bits"),
        (true, width) => format!("-2^{0} to 2^{0}-1{units}, or a pattern of {width} bits", width - 1),
    }
}

fn from_number(number: i128, ty: Type) -> Result<Value, DoesNotFit> {
    let fits = match (ty.is_signed(), ty.width()) {
        (false, width) => number >= 0 && (width >= 127 || number >> width == 0),
        (true, width) => width >= 128 || matches!(number >> (width - 1), 0 | -1),
    };
    if !fits {
        return Err(DoesNotFit { value: number.to_string(), ty });
    }
    let sign = if number < 0 { u64::MAX } else { 0 };
    Ok(Value::from_limbs(ty.width(), [number as u64, (number >> 64) as u64].into_iter().chain(std::iter::repeat(sign))))
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl IntoValue for $integer {
            fn into_value(self, ty: Type) -> Result<Value, DoesNotFit> {
                from_number(self.into(), ty)
            }
        }
    )*};
}

integers! { bool u8 u16 u32 u64 i8 i16 i32 i64 i128 }

impl IntoValue for usize {
    fn into_value(self, ty: Type) -> Result<Value, DoesNotFit> {
        from_number(self as i128, ty)
    }
}

impl IntoValue for BigInt {
    fn into_value(self, ty: Type) -> Result<Value, DoesNotFit> {
        (&self).into_value(ty)
    }
}

impl IntoValue for &BigInt {
    fn into_value(self, ty: Type) -> Result<Value, DoesNotFit> {
        let value = Value::from_bigint(ty.width(), self);
        if value.to_number(ty) == *self { Ok(value) } else { Err(DoesNotFit { value: self.to_string(), ty }) }
    }
}

impl IntoValue for Value {
    fn into_value(self, ty: Type) -> Result<Value, DoesNotFit> {
        if self.width() == ty.width() { Ok(self) } else { Err(DoesNotFit { value: self.to_string(), ty }) }
    }
}

impl IntoValue for &Value {
    fn into_value(self, ty: Type) -> Result<Value, DoesNotFit> {
        self.clone().into_value(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_out_of_range_is_refused_with_the_range() {
        let refused = |number: i64, ty: Type| number.into_value(ty).unwrap_err().to_string();
        assert_eq!(refused(128, Type::s(8)), "128 does not fit s8, which takes -128 to 127");
        assert_eq!(refused(-1, Type::u(8)), "-1 does not fit u8, which takes 0 to 255");
        assert_eq!(refused(2, Type::BIT), "2 does not fit bit, which takes 0 to 1");
        assert_eq!(refused(200, Type::q(4, 4)), "200 does not fit q4.4, which takes -128 to 127 in units of 2^-4");
        assert_eq!(refused(-1, Type::u(70)), "-1 does not fit u70, which takes 0 to 2^70-1, or a pattern of 70 bits");
    }

    #[test]
    fn a_pattern_must_have_the_width() {
        assert!(Value::zero(8).into_value(Type::u(9)).is_err());
        assert_eq!(Value::ones(9).into_value(Type::s(9)), Ok(Value::ones(9)));
    }

    proptest! {
        #[test]
        fn a_number_is_taken_exactly_if_the_type_holds_it(number in any::<i64>(), squeeze in 0u32..63, width in 1u32..140, signed in any::<bool>()) {
            let number = number >> squeeze;
            let ty = if signed { Type::s(width) } else { Type::u(width) };
            let big = BigInt::from(number);
            let holds = Value::from_bigint(width, &big).to_number(ty) == big;
            prop_assert_eq!(number.into_value(ty).is_ok(), holds);
            prop_assert_eq!(number.into_value(ty), big.clone().into_value(ty));
            if let Ok(value) = number.into_value(ty) {
                prop_assert_eq!(value.to_number(ty), big);
            }
        }
    }
}
