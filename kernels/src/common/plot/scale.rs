//! Axes: where numbers stand on them, and which have ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::report::grouped;

/// Most ticks of an axis.
const TICKS: f64 = 9.0;

/// How an axis is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// Evenly. Begins at 0 where nothing is below.
    Linear,
    /// By powers of two. What is not above 0 is not drawn.
    Log2,
}

/// Places of an axis, and those with ticks.
pub(super) struct Places {
    range: Range<f64>,
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (first, last): (i32, i32)) -> i32 {
        first + (f64::from(last - first) * (place - self.range.start) / (self.range.end - self.range.start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Scale {
    /// Where on the axis a number stands, if it can.
    pub(super) fn place(self, number: f64) -> Option<f64> {
        let place = match self {
            Scale::Linear => number,
            Scale::Log2 => number.log2(),
        };
        place.is_finite().then_some(place)
    }

    /// A range of places that holds all of these, with ticks at round numbers.
    pub(super) fn range(self, places: impl Iterator<Item = f64>) -> Places {
        let (least, most) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), place| (least.min(place), most.max(place)));
        let (least, most) = if least <= most { (least, most) } else { (0.0, 1.0) };
        let least = if self == Scale::Linear { least.min(0.0) } else { least };
        let step = self.step(most - least);
        let first = (least / step).floor();
        let last = (most / step).ceil().max(first + 1.0);
        let ticks: Vec<f64> = (0..=(last - first) as u32).map(|tick| (first + f64::from(tick)) * step).collect();
        Places { range: first * step..last * step, ticks }
    }

    /// From one tick to the next: 1, 2 or 5 times a power of ten, or whole powers of two.
    fn step(self, span: f64) -> f64 {
        let least = span / TICKS;
        match self {
            Scale::Log2 => least.ceil().max(1.0),
            Scale::Linear if least > 0.0 => {
                let ten = 10_f64.powi(least.log10().floor() as i32);
                [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * ten).find(|&step| step >= least).unwrap_or(10.0 * ten)
            }
            Scale::Linear => 1.0,
        }
    }

    /// What is written at a place.
    pub(super) fn label(self, place: f64) -> String {
        let number = match self {
            Scale::Linear => place,
            Scale::Log2 => place.exp2(),
        };
        match number {
            _ if number.fract() == 0.0 && (0.0..1e15).contains(&number) => grouped(number as u64),
            _ if number.abs() < 1e-3 || number.abs() >= 1e15 => format!("{number:.0e}"),
            // Sums of steps such as 0.1 are not quite round.
            _ => format!("{:.4}", number).trim_end_matches('0').to_string(),
        }
    }
}
