//! Element types of tensor files.

use half::{bf16, f16};
use safetensors::Dtype;

/// The type of a tensor's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Element {
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Unsigned integer of this many bytes: 1, 2, 4 or 8.
    Unsigned(u8),
    /// Two's complement integer of this many bytes: 1, 2, 4 or 8.
    Signed(u8),
}

impl Element {
    /// What a message lists as accepted.
    pub const ACCEPTED: &'static str = "F16, BF16, F32, F64, and signed and unsigned integers of 8, 16, 32 and 64 bits";

    /// The element type of a safetensors file, if it is one of ours.
    pub fn of_safetensors(dtype: Dtype) -> Option<Element> {
        Some(match dtype {
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
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
            Element::F16 | Element::Bf16 => 2,
            Element::F32 => 4,
            Element::F64 => 8,
            Element::Unsigned(bytes) | Element::Signed(bytes) => bytes.into(),
        }
    }

    /// Whether the elements are integers.
    pub fn is_integer(self) -> bool {
        matches!(self, Element::Unsigned(_) | Element::Signed(_))
    }

    /// The value of one element, given as many bytes as it has. `None` for an integer that a double does not hold exactly
    /// (beyond 53 bits).
    pub fn decode(self, bytes: &[u8], big_endian: bool) -> Option<f64> {
        let pattern = bytes.iter().enumerate().fold(0u64, |pattern, (position, &byte)| {
            let place = if big_endian { bytes.len() - 1 - position } else { position };
            pattern | u64::from(byte) << (8 * place)
        });
        match self {
            Element::F16 => Some(f16::from_bits(pattern as u16).to_f64()),
            Element::Bf16 => Some(bf16::from_bits(pattern as u16).to_f64()),
            Element::F32 => Some(f32::from_bits(pattern as u32).into()),
            Element::F64 => Some(f64::from_bits(pattern)),
            Element::Unsigned(_) => exactly(i128::from(pattern)),
            Element::Signed(bytes) => {
                let unused = 64 - 8 * u32::from(bytes);
                exactly(i128::from((pattern << unused).cast_signed() >> unused))
            }
        }
    }
}

fn exactly(number: i128) -> Option<f64> {
    (number.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS).then_some(number as f64)
}
