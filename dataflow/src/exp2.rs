//! 2 to the power of a number in fixed point: range reduction to a fraction, a table or a polynomial by segments, a shift.
//!
//! With x = i + f, i the floor and f in [0, 1): 2^x = 2^f · 2^i. [0, 1) is cut into 2^`table_bits` segments. The mantissa 2^f, in [1, 2], has two
//! fraction bits more than the result; the shift by i rounds to the result's fraction, halves up.
//!
//! - `degree` 0: the entry of a table of 2^`table_bits` + 1 that is nearest to f.
//! - `degree` 1 to 3: a polynomial in the place within the segment; it meets 2^f at both ends of the segment and at the Chebyshev–Lobatto
//!   points between.
//!
//! 2^0 is exactly 1 in all of them, so that a sum that is scaled by 2^0 again and again stays what it is.

use systole_hdl::Type;

use crate::steps::{Refusal, StepId, Steps, numeric, range};

/// How 2 to the power of a number is computed. See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exp2 {
    /// Type of the result: unsigned, of at most 48 bits. Results beyond it saturate.
    pub ty: Type,
    /// The logarithm of the number of segments, 0 to [`MOST_TABLE_BITS`].
    pub table_bits: u32,
    /// Degree of the polynomial, 0 to [`MOST_DEGREE`].
    pub degree: u32,
}

/// The largest table has 2 to the power of this many segments.
pub const MOST_TABLE_BITS: u32 = 16;
/// The highest degree of the polynomials.
pub const MOST_DEGREE: u32 = 3;
/// The widest result: a mantissa and its shift need some bits more.
const MOST_WIDTH: u32 = 48;
/// Fraction bits of the mantissa beyond those of the result.
const GUARD_BITS: u32 = 2;

impl Exp2 {
    /// The steps that compute it.
    pub(crate) fn expand(&self, steps: &mut Steps, x: StepId) -> Result<StepId, Refusal> {
        if self.ty.is_signed() || !self.ty.is_number() || self.ty.width() > MOST_WIDTH {
            return Err(format!("powers of 2 as {}; their type must be unsigned, of at most {MOST_WIDTH} bits", self.ty));
        }
        if self.table_bits > MOST_TABLE_BITS || self.degree > MOST_DEGREE {
            let (bits, degree) = (self.table_bits, self.degree);
            return Err(format!("powers of 2 by {bits} table bits and degree {degree}; the most are {MOST_TABLE_BITS} and {MOST_DEGREE}"));
        }
        let floor = steps.floor(x, 0)?;
        steps.set_name(floor, "exponent");
        let frac = steps.ty(x).frac();
        let mantissa = match frac {
            0 => self.one(steps)?,
            _ => {
                let fraction = steps.wrap(x, Type::uq(0, frac))?;
                steps.set_name(fraction, "fraction");
                if self.degree == 0 { self.nearest(steps, fraction)? } else { self.polynomial(steps, fraction)? }
            }
        };
        steps.set_name(mantissa, "mantissa");
        self.shifted(steps, mantissa, floor)
    }

    fn fraction_bits(&self) -> u32 {
        self.ty.frac() + GUARD_BITS
    }

    /// 1 to 2, both included.
    fn mantissa_type(&self) -> Type {
        numeric(false, 2, self.fraction_bits())
    }

    fn one(&self, steps: &mut Steps) -> Result<StepId, Refusal> {
        steps.constant(1.0, self.mantissa_type())
    }

    /// The nearest entry of a table.
    fn nearest(&self, steps: &mut Steps, fraction: StepId) -> Result<StepId, Refusal> {
        let frac = steps.ty(fraction).frac();
        let bits = self.table_bits.min(frac);
        let scaled = steps.scale(fraction, bits as i32)?;
        let index = if bits < frac {
            let half = steps.constant(0.5, Type::uq(0, 1))?;
            let up = steps.add(scaled, half)?;
            steps.floor(up, 0)?
        } else {
            scaled
        };
        steps.set_name(index, "entry");
        steps.lookup(&self.entries(bits).into(), self.mantissa_type(), index)
    }

    /// 2^f at both ends of all segments.
    fn entries(&self, bits: u32) -> Vec<i64> {
        let segments = f64::from(1u32 << bits);
        (0..=1u32 << bits).map(|h| self.unit(f64::from(h) / segments)).collect()
    }

    /// 2^f in units of the mantissa's last place.
    fn unit(&self, f: f64) -> i64 {
        (f.exp2() * f64::from(self.fraction_bits()).exp2()).round_ties_even() as i64
    }

    /// A polynomial in the place within the segment, by Horner's rule.
    fn polynomial(&self, steps: &mut Steps, fraction: StepId) -> Result<StepId, Refusal> {
        let frac = steps.ty(fraction).frac();
        let bits = self.table_bits.min(frac);
        let coefficients = self.coefficients(bits);
        let scaled = steps.scale(fraction, bits as i32)?;
        let segment = match bits {
            0 => None,
            _ => Some(steps.floor(scaled, 0)?),
        };
        segment.into_iter().for_each(|segment| steps.set_name(segment, "segment"));
        let signed = numeric(true, 3, self.fraction_bits());
        let coefficient = |steps: &mut Steps, power: usize| match segment {
            None => steps.integer(coefficients[power][0], signed),
            Some(segment) => {
                let coefficient = steps.lookup(&coefficients[power].clone().into(), signed, segment)?;
                steps.set_name(coefficient, ["c0", "c1", "c2", "c3"][power]);
                Ok(coefficient)
            }
        };
        if bits == frac {
            let value = coefficient(steps, 0)?;
            return steps.wrap(value, self.mantissa_type());
        }
        let rest = steps.wrap(scaled, Type::uq(0, frac - bits))?;
        steps.set_name(rest, "place");
        let mut value = coefficient(steps, self.degree as usize)?;
        for power in (0..self.degree as usize).rev() {
            let product = steps.mul(value, rest)?;
            let product = steps.floor(product, self.fraction_bits())?;
            let sum = coefficient(steps, power)?;
            let sum = steps.add(sum, product)?;
            // Partial sums of these polynomials stay within (-4, 4).
            value = steps.wrap(sum, signed)?;
        }
        steps.wrap(value, self.mantissa_type())
    }

    /// Of each power, the coefficients of all segments, in units of the mantissa's last place.
    fn coefficients(&self, bits: u32) -> Vec<Vec<i64>> {
        let degree = self.degree as usize;
        let segments = 1u32 << bits;
        // The Chebyshev–Lobatto points, written out: they are exact, and a cosine is not.
        let points: &[f64] = match degree {
            1 => &[0.0, 1.0],
            2 => &[0.0, 0.5, 1.0],
            _ => &[0.0, 0.25, 0.75, 1.0],
        };
        let unit = f64::from(self.fraction_bits()).exp2();
        let mut coefficients = vec![Vec::new(); degree + 1];
        for segment in 0..segments {
            let values: Vec<f64> = points.iter().map(|u| ((f64::from(segment) + u) / f64::from(segments)).exp2()).collect();
            for (of_power, coefficient) in coefficients.iter_mut().zip(interpolation(points, &values)) {
                of_power.push((coefficient * unit).round_ties_even() as i64);
            }
        }
        coefficients
    }

    /// The mantissa times 2^`exponent`, rounded to the result's fraction, halves up, and saturated.
    fn shifted(&self, steps: &mut Steps, mantissa: StepId, exponent: StepId) -> Result<StepId, Refusal> {
        // Above the greatest exponent that can matter, the result saturates all the same.
        let top = self.ty.int() as i32;
        let highest = steps.scale(mantissa, top)?;
        let top = steps.constant(f64::from(top), Type::count(self.ty.int().max(1)))?;
        let down = steps.sub(top, exponent)?;
        let zero = steps.constant(0.0, Type::u(1))?;
        let down = steps.max(down, zero)?;
        let width = steps.ty(down).width();
        let down = steps.wrap(down, Type::u(width))?;
        steps.set_name(down, "shift");
        let aligned = numeric(false, steps.ty(highest).int(), self.fraction_bits().max(steps.ty(highest).frac()));
        let highest = steps.align(highest, aligned)?;
        let value = steps.shift_right(highest, down)?;
        let value = steps.floor(value, self.ty.frac() + 1)?;
        steps.set_name(value, "shifted");
        // One bit below the last place: adding it there rounds halves up.
        let last = steps.constant((-f64::from(self.ty.frac() + 1)).exp2(), Type::uq(0, self.ty.frac() + 1))?;
        let up = steps.add(value, last)?;
        let rounded = steps.floor(up, self.ty.frac())?;
        let power = steps.saturate(rounded, self.ty)?;
        steps.set_name(power, "power");
        Ok(power)
    }
}

/// The same in one go, for numbers rather than steps.
pub(crate) struct Power {
    frac: u32,
    /// Fraction bits within a segment.
    rest_bits: u32,
    /// Added to the fraction to find the nearest segment.
    half: i64,
    /// Of each segment, its coefficients, lowest power first.
    coefficients: Vec<i64>,
    degree: usize,
    /// Of the result: integer bits, and the greatest raw number.
    top: u32,
    greatest: i64,
}

impl Exp2 {
    /// Of arguments of this type, in units of the last place, as checked by [`expand`](Exp2::expand).
    pub(crate) fn power(&self, argument: Type) -> Power {
        let frac = argument.frac();
        let bits = self.table_bits.min(frac);
        let rest_bits = frac - bits;
        let is_table = self.degree == 0;
        let of_powers = if is_table { vec![self.entries(bits)] } else { self.coefficients(bits) };
        Power {
            frac,
            rest_bits,
            half: if is_table { (1 << rest_bits) >> 1 } else { 0 },
            coefficients: (0..of_powers[0].len()).flat_map(|segment| of_powers.iter().map(move |words| words[segment])).collect(),
            degree: self.degree as usize,
            top: self.ty.int(),
            greatest: range(self.ty).1,
        }
    }
}

impl Power {
    pub(crate) fn of(&self, x: i64) -> i64 {
        let low = |x: i64, bits: u32| x & ((1 << bits) - 1);
        let fraction = low(x, self.frac);
        let segment = ((fraction + self.half) >> self.rest_bits) as usize;
        let rest = low(fraction, self.rest_bits);
        let coefficients = &self.coefficients[segment * (self.degree + 1)..][..=self.degree];
        let (&highest, lower) = coefficients.split_last().expect("there is a coefficient at least");
        let mantissa = lower.iter().rev().fold(highest, |value, coefficient| coefficient + ((value * rest) >> self.rest_bits));
        let down = (i64::from(self.top) - (x >> self.frac)).clamp(0, 63);
        // Of two guard bits, the one below the last place rounds.
        let value = (mantissa << self.top) >> down >> (GUARD_BITS - 1);
        ((value + 1) >> 1).min(self.greatest)
    }
}

/// The coefficients, lowest power first, of the polynomial of least degree through the points.
fn interpolation(points: &[f64], values: &[f64]) -> Vec<f64> {
    // Newton's divided differences, then expanded from the inside out.
    let mut differences = values.to_vec();
    for order in 1..points.len() {
        for i in (order..points.len()).rev() {
            differences[i] = (differences[i] - differences[i - 1]) / (points[i] - points[i - order]);
        }
    }
    let mut polynomial = vec![0.0; points.len()];
    for i in (0..points.len()).rev() {
        // polynomial · (u − points[i]) + differences[i]
        for power in (0..points.len()).rev() {
            let lower = if power > 0 { polynomial[power - 1] } else { 0.0 };
            polynomial[power] = lower - points[i] * polynomial[power];
        }
        polynomial[0] += differences[i];
    }
    polynomial
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::expression::input;
    use crate::function::Function;
    use crate::graph::Graph;
    use crate::program::Program;
    use crate::steps::Operation;

    /// A unit that computes the steps one after the other.
    fn stepwise(function: &Exp2, argument: Type) -> Program<i64> {
        let mut steps = Steps::default();
        let x = steps.push(Operation::Input { input: 0, field: 0 }, argument).unwrap();
        let power = function.expand(&mut steps, x).unwrap();
        let mut g = Graph::new();
        let source = g.source("in", [argument], [0.0], 1);
        let map = g.map("power", source, [input(0)]);
        let mut unit = g.unit(g.producer(map)).clone();
        unit.function = Arc::new(Function { steps, next: vec![], output: vec![power] });
        Program::new(&unit)
    }

    proptest! {
        #[test]
        fn in_one_go_a_power_is_what_its_steps_compute(
            (signed, int, frac) in (any::<bool>(), 1u32..9, 0u32..21),
            (result_int, result_frac) in (0u32..5, 1u32..21),
            (table_bits, degree) in (0u32..9, 0u32..4),
            any in prop::collection::vec(any::<i64>(), 100),
        ) {
            let argument = numeric(signed, int, frac);
            let function = Exp2 { ty: numeric(false, result_int, result_frac), table_bits, degree };
            let (least, greatest) = range(argument);
            let arguments: Vec<i64> = any.iter().map(|x| x.rem_euclid(greatest - least + 1) + least).chain([least, -1.max(least), 0, greatest]).collect();
            let mut program = stepwise(&function, argument);
            let (_, _, column) = program.inputs()[0];
            program.column(column)[..arguments.len()].copy_from_slice(&arguments);
            let giving = program.fire(arguments.len());
            let power = function.power(argument);
            let powers: Vec<i64> = arguments.iter().map(|&x| power.of(x)).collect();
            prop_assert_eq!(&powers, program.output(0, giving), "of {:?}", arguments);
        }
    }
}
