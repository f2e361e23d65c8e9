//! Symmetric quantization of a whole tensor to integers or fixed point.

use ndarray::ArrayD;
use systole_hdl::Type;

use super::saturation::Saturation;
use super::tensor::Tensor;
use crate::report::Quantization;

/// A quantized tensor: real value = raw number · `scale`.
#[derive(Clone, PartialEq, Debug)]
pub struct Quantized {
    /// The raw numbers, in units of the last place.
    pub raw: ArrayD<i64>,
    /// Their hardware type.
    pub ty: Type,
    /// Real value of one unit in the last place.
    pub scale: f64,
    /// Elements that were beyond the type's range.
    pub saturation: Saturation,
}

impl Quantized {
    /// The report's entry for this tensor under a name.
    pub fn report(&self, tensor: impl Into<String>) -> Quantization {
        Quantization { tensor: tensor.into(), format: self.ty.to_string(), scale: self.scale, saturated: self.saturation.count }
    }
}

/// Least and greatest raw number of a numeric type; of at most 64 bits if signed and 63 if unsigned.
pub fn raw_range(ty: Type) -> (i64, i64) {
    let width = ty.width();
    if ty.is_signed() { (i64::MIN >> (64 - width), i64::MAX >> (64 - width)) } else { (0, i64::MAX >> (63 - width)) }
}

/// Whether the type has a binary point of its own, so that its scale is not a matter of choice.
pub fn is_fixed_point(ty: Type) -> bool {
    matches!(ty, Type::Fixed { .. } | Type::UFixed { .. })
}

/// Quantizes to `ty`, rounding half to even and saturating; `unit` is the real value of a stored 1.
///
/// Fixed point has the scale 2⁻ᶠʳᵃᶜ. For an integer type the scale is such that the largest absolute value becomes the
/// largest number (127 for `s8`, so −128 does not occur); a tensor of integers keeps its numbers, with `unit`
/// as the scale. A tensor of zeros has scale 1.
pub fn quantize(tensor: &Tensor, unit: f64, ty: Type) -> Quantized {
    let greatest = tensor.values.iter().fold(0.0, |most: f64, value| most.max(value.abs())) * unit;
    let scale = match (is_fixed_point(ty), tensor.integer) {
        (true, _) => (-f64::from(ty.frac())).exp2(),
        (false, true) => unit,
        (false, false) if greatest == 0.0 => 1.0,
        (false, false) => greatest / raw_range(ty).1 as f64,
    };
    quantize_with_scale(tensor, unit, ty, scale)
}

/// Quantizes to `ty` with a given scale, rounding half to even and saturating; `unit` is the real value of a stored 1.
pub fn quantize_with_scale(tensor: &Tensor, unit: f64, ty: Type, scale: f64) -> Quantized {
    let mut saturation = Saturation::default();
    let raw = tensor.values.mapv(|value| saturation.within((value * unit / scale).round_ties_even(), ty));
    Quantized { raw, ty, scale, saturation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tensor(values: &[f64], integer: bool) -> Tensor {
        Tensor { values: ArrayD::from_shape_vec(vec![values.len()], values.to_vec()).unwrap(), integer }
    }

    #[test]
    fn raw_ranges_are_those_of_the_types() {
        assert_eq!(raw_range(Type::s(8)), (-128, 127));
        assert_eq!(raw_range(Type::u(8)), (0, 255));
        assert_eq!(raw_range(Type::s(64)), (i64::MIN, i64::MAX));
        assert_eq!(raw_range(Type::u(63)), (0, i64::MAX));
        assert_eq!(raw_range(Type::q(4, 4)), (-128, 127));
        assert_eq!(raw_range(Type::u(1)), (0, 1));
    }

    #[test]
    fn fixed_point_rounds_half_to_even_and_saturates() {
        let quantized = quantize(&tensor(&[0.5 / 16.0, 1.5 / 16.0, -0.5 / 16.0, 100.0, -100.0], false), 1.0, Type::q(4, 4));
        assert_eq!(quantized.raw.as_slice().unwrap(), [0, 2, 0, 127, -128]);
        assert_eq!((quantized.scale, quantized.saturation.count), (0.0625, 2));
    }

    #[test]
    fn integers_stay_as_they_are() {
        let quantized = quantize(&tensor(&[0.0, 16.0, -3.0, 200.0], true), 1.0, Type::s(8));
        assert_eq!(quantized.raw.as_slice().unwrap(), [0, 16, -3, 127]);
        assert_eq!((quantized.scale, quantized.saturation.count), (1.0, 1));
    }

    #[test]
    fn integers_with_a_unit_keep_their_numbers_and_have_the_unit_as_scale() {
        let pixels = tensor(&[0.0, 16.0], true);
        let quantized = quantize(&pixels, 0.0625, Type::s(8));
        assert_eq!((quantized.raw.as_slice().unwrap(), quantized.scale), ([0, 16].as_slice(), 0.0625));
        assert_eq!(quantize(&pixels, 0.0625, Type::q(4, 4)).raw.as_slice().unwrap(), [0, 16]);
    }

    #[test]
    fn a_tensor_of_zeros_has_a_usable_scale() {
        assert_eq!(quantize(&tensor(&[0.0], false), 1.0, Type::s(8)).scale, 1.0);
    }

    proptest! {
        #[test]
        fn quantization_is_off_by_at_most_half_a_step(values in prop::collection::vec(-1e3f64..1e3, 1..20), width in 2u32..=16) {
            let quantized = quantize(&tensor(&values, false), 1.0, Type::s(width));
            prop_assert_eq!(quantized.saturation.count, 0);
            for (value, raw) in values.iter().zip(&quantized.raw) {
                prop_assert!((value - *raw as f64 * quantized.scale).abs() <= quantized.scale * (0.5 + 1e-9));
            }
        }
    }
}
