//! Multiply-shift requantization: a wide sum back to a narrow type, as integer inference does it.

use crate::prelude::*;

/// The formats of a requantization: `output = saturate(round_half_even(input · multiplier / 2^shift))`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requantize {
    /// The sum's type, a number. Its raw integer is scaled; binary points play no part.
    pub input: Type,
    /// Bits of the unsigned multiplier.
    pub multiplier_bits: u32,
    /// Bits of the unsigned shift amount.
    pub shift_bits: u32,
    /// The result's type, a number.
    pub output: Type,
}

impl Requantize {
    /// Type of the product of sum and multiplier.
    pub fn product(&self) -> Type {
        Type::s(self.signed_input().width() + self.multiplier_bits + 1)
    }

    /// The sum as a signed integer: an unsigned one needs a bit more.
    fn signed_input(&self) -> Type {
        Type::s(self.input.width() + u32::from(!self.input.is_signed()))
    }
}

/// The first half: the exact product of a sum and the unsigned multiplier, of type [`Requantize::product`]. A register after
/// it makes a good pipeline.
#[track_caller]
pub fn requantize_product(formats: &Requantize, sum: Signal, multiplier: Signal) -> Signal {
    let (width, signed) = (formats.input.width(), formats.input.is_signed());
    let integer = sum.reinterpret(if signed { Type::s(width) } else { Type::u(width) });
    integer.to(formats.signed_input()) * multiplier.to(Type::s(formats.multiplier_bits + 1))
}

/// The second half: shifts a product of [`requantize_product`] right by `shift`, rounding half to even, and saturates. Exact for
/// every shift, also beyond the product's width.
#[track_caller]
pub fn requantize(formats: &Requantize, product: Signal, shift: Signal) -> Signal {
    // Adding half of the last place less one, and one more if the result would be odd, makes the floor round half to even.
    let wide = widen(product, 1);
    let ty = wide.ty();
    let last_place = constant(ty, 1) << shift;
    let odd = product.bit_at(shift);
    let half = (last_place >> 1u32) - 1 + odd.reinterpret(Type::u(1)).to(Type::s(2)).to(ty);
    let rounded = (wide + shift.any().mux(half, 0)) >> shift;
    // A shift past the product leaves less than half of the last place.
    let width = product.ty().width();
    let longest = shift.ty().width().min(31);
    let rounded = if (1u64 << longest) < u64::from(width) { rounded } else { shift.lt(width - 1).mux(rounded, 0) };
    let width = formats.output.width();
    let output = if formats.output.is_signed() { Type::s(width) } else { Type::u(width) };
    rounded.saturate(output).reinterpret(formats.output)
}
