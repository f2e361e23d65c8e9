//! Element types of tensor files.

use half::{bf16, f16};
use safetensors::Dtype;

/// The type of a tensor's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element {
    /// OCP 8-bit floating point with 4 exponent bits: no infinities, magnitudes up to 448.
    F8E4m3,
    /// OCP 8-bit floating point with 5 exponent bits: the upper half of a binary16.
    F8E5m2,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// A byte that is 0 or 1.
    Bool,
    /// Unsigned integer of this many bytes: 1, 2, 4 or 8.
    Unsigned(u8),
    /// Two's complement integer of this many bytes: 1, 2, 4 or 8.
    Signed(u8),
}

impl Element {
    /// What a message lists as accepted.
    pub const ACCEPTED: &'static str =
        "F8_E4M3, F8_E5M2, F16, BF16, F32, F64, BOOL, and signed and unsigned integers of 8, 16, 32 and 64 bits";

    /// The element type of a safetensors file, if it is one of ours.
    pub fn of_safetensors(dtype: Dtype) -> Option<Element> {
        Some(match dtype {
            Dtype::F8_E4M3 => Element::F8E4m3,
            Dtype::F8_E5M2 => Element::F8E5m2,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            Dtype::BOOL => Element::Bool,
            Dtype::U8 => Element::Unsigned(1),
            Dtype::U16 => Element::Unsigned(2),
            Dtype::U32 => Element::Unsigned(4),
            Dtype::U64 => Element::Unsigned(8),
            Dtype::I8 => Element::Signed(1),
            Dtype::I16 => Element::Signed(2),
            Dtype::I32 => Element::Signed(4),
            Dtype::I64 => Element::Signed(8),
            _ => return None,
        })
    }

    /// The element type of an npy file from the letters after the byte order, such as `f4`, if it is one of ours.
    pub fn of_npy(descriptor: &str) -> Option<Element> {
        Some(match descriptor {
            "f2" => Element::F16,
            "f4" => Element::F32,
            "f8" => Element::F64,
            "b1" => Element::Bool,
            "u1" => Element::Unsigned(1),
            "u2" => Element::Unsigned(2),
            "u4" => Element::Unsigned(4),
            "u8" => Element::Unsigned(8),
            "i1" => Element::Signed(1),
            "i2" => Element::Signed(2),
            "i4" => Element::Signed(4),
            "i8" => Element::Signed(8),
            _ => return None,
        })
    }

    /// Size in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Element::F8E4m3 | Element::F8E5m2 | Element::Bool => 1,
            Element::F16 | Element::Bf16 => 2,
            Element::F32 => 4,
            Element::F64 => 8,
            Element::Unsigned(bytes) | Element::Signed(bytes) => bytes.into(),
        }
    }

    /// Whether the elements are integers; truth values are 0 and 1.
    pub fn is_integer(self) -> bool {
        matches!(self, Element::Bool | Element::Unsigned(_) | Element::Signed(_))
    }

    /// The value of one element, given as many bytes as it has.
    ///
    /// # Errors
    /// For an integer that a double does not hold exactly (beyond 53 bits), a truth value that is neither 0 nor 1, and what is not finite.
    pub fn decode(self, bytes: &[u8], big_endian: bool) -> Result<f64, Undecodable> {
        let pattern = bytes.iter().enumerate().fold(0u64, |pattern, (position, &byte)| {
            let place = if big_endian { bytes.len() - 1 - position } else { position };
            pattern | u64::from(byte) << (8 * place)
        });
        match self {
            Element::F8E4m3 => finite(e4m3(pattern as u8)),
            Element::F8E5m2 => finite(f16::from_bits((pattern as u16) << 8).to_f64()),
            Element::F16 => finite(f16::from_bits(pattern as u16).to_f64()),
            Element::Bf16 => finite(bf16::from_bits(pattern as u16).to_f64()),
            Element::F32 => finite(f32::from_bits(pattern as u32).into()),
            Element::F64 => finite(f64::from_bits(pattern)),
            Element::Bool if pattern > 1 => {
                Err(Undecodable { message: format!("is the byte {pattern}"), remedy: "truth values are the bytes 0 and 1" })
            }
            Element::Bool => Ok(pattern as f64),
            Element::Unsigned(_) => exactly(i128::from(pattern)),
            Element::Signed(bytes) => {
                let unused = 64 - 8 * u32::from(bytes);
                exactly(i128::from((pattern << unused).cast_signed() >> unused))
            }
        }
    }
}

/// An element that is no number of ours: what it is, as a message goes on after its position, and what would be accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undecodable {
    /// `is NaN`.
    pub message: String,
    /// What every element has to be.
    pub remedy: &'static str,
}

fn finite(value: f64) -> Result<f64, Undecodable> {
    let odd = || Undecodable { message: format!("is {value}"), remedy: "every value has to be finite" };
    if value.is_finite() { Ok(value) } else { Err(odd()) }
}

fn exactly(number: i128) -> Result<f64, Undecodable> {
    let odd = || Undecodable { message: "needs more than 53 bits".into(), remedy: "integers of up to 53 bits are accepted" };
    if number.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS { Ok(number as f64) } else { Err(odd()) }
}

/// The value of an 8-bit number with 4 exponent bits, biased by 7, and 3 fraction bits; the largest pattern of either sign is NaN. After "OCP
/// 8-bit Floating Point Specification (OFP8)", revision 1.0.
fn e4m3(pattern: u8) -> f64 {
    let (exponent, fraction) = (i32::from(pattern >> 3 & 15), f64::from(pattern & 7));
    let magnitude = match (exponent, pattern & 7) {
        (15, 7) => f64::NAN,
        (0, _) => fraction * (-9f64).exp2(),
        _ => (8.0 + fraction) * f64::from(exponent - 10).exp2(),
    };
    if pattern >> 7 == 1 { -magnitude } else { magnitude }
}
