//! Multiply-shift requantization: a wide sum back to a narrow type, as integer inference does it.
//!
//! Three steps, each with a result that a register can hold: the [product](requantize_product), the product
//! [shifted](requantize_shift), and the [rounded and saturated](requantize_round) output. A pipeline with a register after each is as
//! fast as its slowest step; without registers they make one combinational function.

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

bundle! {
    /// A product shifted right, and as much of the bits shifted out as rounding needs.
    pub struct ShiftedProduct {
        /// The product over 2^shift, rounded down; of type [`Requantize::product`].
        floor: Signal,
        /// One bit: the highest bit shifted out, so at least half of the last place was.
        guard: Signal,
        /// One bit: any lower bit shifted out is one.
        sticky: Signal,
    }
}

/// The first step: the exact product of a sum and the unsigned multiplier, of type [`Requantize::product`].
#[track_caller]
pub fn requantize_product(formats: &Requantize, sum: Signal, multiplier: Signal) -> Signal {
    let (width, signed) = (formats.input.width(), formats.input.is_signed());
    let integer = sum.reinterpret(if signed { Type::s(width) } else { Type::u(width) });
    integer.to(formats.signed_input()) * multiplier.to(Type::s(formats.multiplier_bits + 1))
}

/// The second step: shifts a product of [`requantize_product`] right by `shift`. Exact for every shift, also beyond the product's width.
#[track_caller]
pub fn requantize_shift(product: Signal, shift: Signal) -> ShiftedProduct {
    // A bit below the product's last place receives the last bit shifted out; each stage adds to `sticky` the bits that leave there.
    let mut shifted = widen(product, 1) << 1u32;
    let width = shifted.ty().width();
    let mut sticky = constant(Type::BIT, false);
    for stage in (0..shift.ty().width()).rev() {
        let places = 1u32.checked_shl(stage).unwrap_or(width).min(width);
        let active = shift.bit(stage);
        sticky = sticky | (active & shifted.bits(0..places).any());
        // A shift by the whole width leaves copies of the sign, as one by a place less does.
        shifted = active.mux(shifted >> places.min(width - 1), shifted);
    }
    ShiftedProduct { floor: (shifted >> 1u32).wrap(product.ty()), guard: shifted.bit(0), sticky }
}

/// The third step: rounds half to even, and saturates.
#[track_caller]
pub fn requantize_round(formats: &Requantize, shifted: ShiftedProduct) -> Signal {
    let ShiftedProduct { floor, guard, sticky } = shifted;
    let up = guard & (sticky | floor.bit(0));
    let width = formats.output.width();
    let output = if formats.output.is_signed() { Type::s(width) } else { Type::u(width) };
    // Saturation to more than the output's range changes no result, and leaves a short adder.
    let near = if floor.ty().width() > width + 2 { saturate_signed(floor, width + 2) } else { floor };
    near.add_wide(up.reinterpret(Type::u(1)).to(near.ty())).saturate(output).reinterpret(formats.output)
}

/// A signed integer saturated to one of fewer bits: out of range unless all higher bits equal the sign, which is seen without a
/// carry chain.
fn saturate_signed(wide: Signal, width: u32) -> Signal {
    let (bits, top) = (wide.as_bits(), wide.ty().width() - 1);
    let (negative, higher) = (bits.bit(top), bits.bits(width - 1..top));
    let beyond = negative.mux(!higher.all(), higher.any());
    let ty = Type::s(width);
    let (least, greatest) = (Value::zero(width).with_bit(width - 1), Value::ones(width - 1).concat(&Value::zero(1)));
    let bound = negative.mux(constant(ty, least), constant(ty, greatest));
    beyond.mux(bound, bits.bits(0..width).reinterpret(ty))
}

/// The second and the third step in one: a product of [`requantize_product`] becomes an output.
#[track_caller]
pub fn requantize(formats: &Requantize, product: Signal, shift: Signal) -> Signal {
    requantize_round(formats, requantize_shift(product, shift))
}
