//! Counting what does not fit a type: how many numbers, and how much it changes them.

use systole_hdl::Type;

use super::fitting::Extent;
use super::quantize::raw_range;
use crate::report::{Setting, Warning, rounded};

/// Numbers brought into the range of a type, and those of them that were beyond it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Saturation {
    /// All numbers.
    pub of: u64,
    /// Those that were beyond the range and became its nearest end.
    pub count: u64,
    /// How far the farthest was beyond, in units of the last place.
    pub by: f64,
    /// The least and the greatest number as they were before, and zero, in units of the last place.
    pub extent: Extent,
}

/// Of no numbers.
impl Default for Saturation {
    fn default() -> Saturation {
        Saturation { of: 0, count: 0, by: 0.0, extent: Extent::ZERO }
    }
}

impl Saturation {
    /// A whole number in units of the last place of `ty`, brought into its range and counted.
    pub fn within(&mut self, number: f64, ty: Type) -> i64 {
        let (least, greatest) = raw_range(ty);
        // The bounds may round up to a power of two that is itself out of range; the clamp after the cast, which saturates, catches that.
        let beyond = (number - greatest as f64).max(least as f64 - number);
        self.count_one(number, beyond);
        (number as i64).clamp(least, greatest)
    }

    /// The same for an exact number.
    pub fn within_exactly(&mut self, number: i128, ty: Type) -> i64 {
        let (least, greatest) = raw_range(ty);
        let within = number.clamp(least.into(), greatest.into());
        self.count_one(number as f64, (number - within).unsigned_abs() as f64);
        within as i64
    }

    fn count_one(&mut self, number: f64, beyond: f64) {
        self.of += 1;
        self.extent = self.extent.and(Extent { least: number, greatest: number });
        if beyond > 0.0 {
            self.count += 1;
            self.by = self.by.max(beyond);
        }
    }

    /// What the report says of it, if anything saturated: of the `things` of `subject`, in the format that is written `format` and has
    /// `unit` as the real value of its last place.
    pub fn warning(&self, subject: &str, things: &str, format: impl ToString, unit: f64, remedy: Option<Setting>) -> Option<Warning> {
        if self.count == 0 {
            return None;
        }
        let warning = Warning::counted(subject, self.count, self.of, things, &format!("saturate in {}", format.to_string()));
        let effect = format!("off by up to {} where the largest is {}", rounded(self.by * unit), rounded(self.extent.size() * unit));
        let warning = warning.with_effect(effect);
        Some(match remedy {
            Some(remedy) => warning.with_remedy(remedy),
            None => warning,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_a_type_are_counted_with_the_largest_change() {
        let mut saturation = Saturation::default();
        let raw = [5.0, 130.0, -140.0, -128.0].map(|number| saturation.within(number, Type::s(8)));
        assert_eq!(raw, [5, 127, -128, -128]);
        assert_eq!(saturation, Saturation { of: 4, count: 2, by: 12.0, extent: Extent { least: -140.0, greatest: 130.0 } });
        assert_eq!(saturation.within_exactly(-1 << 40, Type::s(8)), -128);
        assert_eq!((saturation.count, saturation.by), (3, (1i64 << 40) as f64 - 128.0));
    }

    #[test]
    fn the_warning_speaks_in_real_units() {
        let mut saturation = Saturation::default();
        saturation.within(140.0, Type::s(8));
        let warning = saturation.warning("a", "elements", Type::s(8), 0.5, Some(Setting::new("formats.a", "\"s9\""))).unwrap();
        assert_eq!(
            warning.to_string(),
            "a: 1 of 1 elements saturate in s8, off by up to 6.5 where the largest is 70; set formats.a = \"s9\""
        );
        assert_eq!(Saturation::default().warning("a", "elements", "s8", 1.0, None), None);
    }
}
