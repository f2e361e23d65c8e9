//! Formats that hold given values, for what a configuration leaves to the data.

use systole_hdl::Type;

use super::quantize::{is_fixed_point, raw_range};

/// The least and the greatest of some values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Extent {
    /// At most every value.
    pub least: f64,
    /// At least every value.
    pub greatest: f64,
}

impl Extent {
    /// That of zero alone.
    pub const ZERO: Extent = Extent { least: 0.0, greatest: 0.0 };

    /// Of these values and zero.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a f64>) -> Extent {
        values.into_iter().fold(Extent::ZERO, |extent, &value| extent.and(Extent { least: value, greatest: value }))
    }

    /// Of what either holds.
    pub fn and(self, other: Extent) -> Extent {
        Extent { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// The largest absolute value.
    pub fn size(self) -> f64 {
        self.greatest.max(-self.least)
    }

    /// Of the values times a positive factor.
    pub fn scaled(self, factor: f64) -> Extent {
        Extent { least: self.least * factor, greatest: self.greatest * factor }
    }
}

/// Signed fixed point of `width` bits that holds the values, rounded, with as many fraction bits as it can have, but at most `most_fraction`; at
/// least one bit stands before the point. Values beyond any format of that width get a wider one, of up to `widest` bits and without a fraction.
pub fn signed_fixed_point(extent: Extent, width: u32, widest: u32, most_fraction: u32) -> Type {
    let fits = |ty: &Type| {
        let unit = (-f64::from(ty.frac())).exp2();
        let end = f64::from(ty.width() - 1).exp2();
        (extent.least / unit).round_ties_even() >= -end && (extent.greatest / unit).round_ties_even() < end
    };
    let of_width = (1..=width).map(|int| Type::q(int, (width - int).min(most_fraction)));
    let wider = (width + 1..=widest).map(|int| Type::q(int, 0));
    of_width.chain(wider).find(fits).unwrap_or(Type::q(widest, 0))
}

/// The first of 8, 16 and 24 bits, signed or else unsigned, that holds the whole numbers; signed 24 bits if none does.
pub fn integer(extent: Extent) -> Type {
    let candidates = [8, 16, 24].into_iter().flat_map(|width| [Type::s(width), Type::u(width)]);
    candidates.into_iter().find(|ty| holds(*ty, extent)).unwrap_or(Type::s(24))
}

/// A format like `ty` that holds the raw numbers, in units of its last place: fixed point gets more bits before the point, for integers see
/// [`integer`]; what is unsigned becomes signed if a number is negative. `None` if that takes more than `widest` bits.
pub fn roomier(ty: Type, raw: Extent, widest: u32) -> Option<Type> {
    if !is_fixed_point(ty) {
        return Some(integer(raw)).filter(|ty| holds(*ty, raw) && ty.width() <= widest);
    }
    let like = if raw.least < 0.0 { Type::q(ty.int(), ty.frac()) } else { ty };
    (ty.int()..=widest.saturating_sub(ty.frac())).map(|int| like.resized(int, ty.frac())).find(|wider| holds(*wider, raw))
}

/// Whether these raw numbers are in the type's range.
fn holds(ty: Type, raw: Extent) -> bool {
    let (least, greatest) = raw_range(ty);
    least as f64 <= raw.least && raw.greatest <= greatest as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(least: f64, greatest: f64) -> String {
        signed_fixed_point(Extent { least, greatest }, 16, 24, 64).to_string()
    }

    #[test]
    fn the_point_stands_as_far_left_as_the_values_allow() {
        assert_eq!(format(0.0, 0.0), "q1.15");
        assert_eq!(format(-4.0, 3.999), "q3.13");
        assert_eq!(format(-4.0, 3.99999), "q4.12", "3.99999 rounds to 4");
        assert_eq!(format(-4.001, 0.0), "q4.12");
        assert_eq!(format(0.0, 30000.0), "q16.0");
        assert_eq!(format(0.0, 40000.0), "q17.0");
        assert_eq!(format(-1e9, 0.0), "q24.0", "the widest is what there is");
    }

    #[test]
    fn fraction_bits_can_be_bounded() {
        assert_eq!(signed_fixed_point(Extent { least: -1.5, greatest: 0.0 }, 20, 32, 6), Type::q(2, 6));
    }

    #[test]
    fn integers_get_the_narrowest_usual_format_that_holds_them() {
        let of = |least, greatest| integer(Extent { least, greatest }).to_string();
        assert_eq!([of(0.0, 127.0), of(0.0, 128.0), of(-1.0, 128.0), of(0.0, 65535.0)], ["s8", "u8", "s16", "u16"]);
        assert_eq!([of(-1.0, 65535.0), of(0.0, 1e9)], ["s24", "s24"]);
    }

    #[test]
    fn a_roomier_format_keeps_its_fraction() {
        let raw = Extent { least: -9.0, greatest: 300.0 };
        assert_eq!(roomier(Type::q(4, 4), raw, 24), Some(Type::q(6, 4)));
        assert_eq!(roomier(Type::q(4, 4), raw, 9), None);
        assert_eq!(roomier(Type::u(8), raw, 24), Some(Type::s(16)));
        assert_eq!(roomier(Type::uq(4, 4), raw, 24), Some(Type::q(6, 4)), "no unsigned number is negative");
    }
}
