//! The formats that a configuration leaves out, chosen from the operands at hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::Type;

use super::parameters::{Formats, OutputFormat, WIDEST_ACCUMULATOR, WIDEST_OPERAND};
use super::product::Product;
use crate::common::fitting::{Extent, integer, signed_fixed_point};
use crate::common::load::Loader;
use crate::common::quantize::{is_fixed_point, raw_range};
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;
use crate::report::Setting;

/// The format of an operand and of an output, unless the data ask for another.
const USUAL: Type = Type::s(8);
/// Bits of an accumulator, unless the operands ask for more.
const ACCUMULATOR_BITS: u32 = 32;

/// Number formats: `s8`, `u8` and the like for integers, `q4.4` for fixed point; all of one kind. One operand may be unsigned and the other
/// signed; accumulators are then signed. What is left out is chosen from the tensors.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FormatParameters {
    /// Elements of A. Left out: `s8`, to which real numbers are scaled; the first of s8, u8, s16, u16, s24 and u24 that holds a tensor of
    /// integers.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, s8 if real"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Type>,
    /// Elements of B, likewise.
    #[schemars(with = "Option<String>", extend("x-default" = "from the data, s8 if real"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Type>,
    /// Accumulators, checked against the length of the reduction. Left out: 32 bits, or as many as that takes.
    #[schemars(with = "Option<String>", extend("x-default" = "s32, or wider for the longest reduction"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accumulator: Option<Type>,
    /// Elements of the output: a format to requantize to, or `accumulator`. Left out: that of A in a chain of layers, else `s8` for integers
    /// (`u8` if both operands are unsigned) and `accumulator` for fixed point.
    #[schemars(with = "Option<String>", extend("x-default" = "s8; that of A in a chain"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputFormat>,
}

/// All formats stated.
impl From<Formats> for FormatParameters {
    fn from(Formats { a, b, accumulator, output }: Formats) -> FormatParameters {
        FormatParameters { a: Some(a), b: Some(b), accumulator: Some(accumulator), output: Some(output) }
    }
}

/// What is to be said of the tensors that are one operand.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OperandData {
    /// The numbers of those that are stored as integers, in units of a stored 1; `None` if none is.
    pub integers: Option<Extent>,
    /// The real values of all.
    pub values: Extent,
}

impl OperandData {
    /// Of no tensor.
    pub const NONE: OperandData = OperandData { integers: None, values: Extent::ZERO };

    /// With one tensor more, whose stored 1 is `unit`.
    pub fn with(self, tensor: &Tensor, unit: f64) -> OperandData {
        let extent = Extent::of(&tensor.values);
        let integers = if tensor.integer { Some(self.integers.unwrap_or(Extent::ZERO).and(extent)) } else { self.integers };
        OperandData { integers, values: self.values.and(extent.scaled(unit)) }
    }

    fn format(&self, fixed_point: bool) -> Type {
        match self.integers {
            _ if fixed_point => signed_fixed_point(self.values, USUAL.width(), WIDEST_OPERAND, u32::MAX),
            Some(extent) => integer(extent),
            None => USUAL,
        }
    }
}

/// What formats are chosen for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Demands {
    /// Every operand A that is a tensor of the configuration.
    pub a: OperandData,
    /// Every operand B.
    pub b: OperandData,
    /// Products of the longest reduction; 0 if it is not known.
    pub products: usize,
    /// Whether an output is the next product's operand A.
    pub chain: bool,
    /// Whether sums leave as they are, unless stated otherwise.
    pub whole_sums: bool,
}

impl Demands {
    /// Of real numbers, in a chain or not.
    pub fn common(chain: bool) -> Demands {
        Demands { a: OperandData::NONE, b: OperandData::NONE, products: 0, chain, whole_sums: false }
    }
}

impl FormatParameters {
    /// Whether all formats are stated, so that they do not depend on the tensors.
    pub fn is_complete(&self) -> bool {
        self.a.is_some() && self.b.is_some() && self.accumulator.is_some() && self.output.is_some()
    }

    /// All formats: those left out as the data ask for.
    pub fn choose(&self, demands: &Demands) -> Formats {
        let output_type = match self.output {
            Some(OutputFormat::Requantized(ty)) => Some(ty),
            _ => None,
        };
        let mut stated = [self.a, self.b, self.accumulator, output_type].into_iter().flatten();
        let fixed_point = stated.next().is_some_and(is_fixed_point);
        // In a chain, A is also what a stated output is.
        let a = self.a.or(output_type.filter(|_| demands.chain)).unwrap_or_else(|| demands.a.format(fixed_point));
        let b = self.b.unwrap_or_else(|| demands.b.format(fixed_point));
        let accumulator = self.accumulator.unwrap_or_else(|| accumulator(a, b, demands.products));
        let output = self.output.unwrap_or(match (demands.chain, fixed_point, demands.whole_sums) {
            (true, ..) => OutputFormat::Requantized(a),
            (_, true, _) | (.., true) => OutputFormat::Accumulator,
            _ if accumulator.is_signed() => OutputFormat::Requantized(USUAL),
            _ => OutputFormat::Requantized(Type::u(USUAL.width())),
        });
        Formats { a, b, accumulator, output }
    }

    /// The same for the tensors of these products, of which `tensors` are those that come from files; the longest reduction has `products`.
    ///
    /// # Errors
    /// If a tensor is missing, empty, or has elements that are not finite.
    pub fn choose_for<'a>(
        &self,
        products: impl Iterator<Item = Product<'a>>,
        tensors: &[Tensor],
        seed: u64,
        demands: Demands,
    ) -> Result<Formats, ConfigError> {
        if self.is_complete() {
            return Ok(self.choose(&demands));
        }
        let mut loader = Loader::new(tensors.to_vec(), seed);
        let mut demands = demands;
        // Random numbers over the full range of a format that is left out are those of the usual one.
        let usual = self.choose(&demands);
        for product in products {
            let mut take = |part: &str, source, ty| loader.take(source, &product.key_of(part), ty);
            if let Some(source) = product.a {
                demands.a = demands.a.with(&take("a", source, usual.a)?, source.scale);
            }
            let b = take("b", product.b, usual.b)?;
            demands.products = demands.products.max(b.shape().first().copied().unwrap_or(0));
            demands.b = demands.b.with(&b, product.b.scale);
            if let Some(source) = product.bias {
                take("bias", source, usual.accumulator)?;
            }
        }
        Ok(self.choose(&demands))
    }

    /// The keys left to the data, with what was chosen for them.
    pub fn chosen(&self, formats: &Formats) -> Vec<Setting> {
        let Formats { a, b, accumulator, output } = formats;
        let all = [
            ("formats.a", self.a.is_none(), a.to_string()),
            ("formats.b", self.b.is_none(), b.to_string()),
            ("formats.accumulator", self.accumulator.is_none(), accumulator.to_string()),
            ("formats.output", self.output.is_none(), output.to_string()),
        ];
        all.into_iter().filter(|(_, left_out, _)| *left_out).map(|(key, _, chosen)| Setting::format(key, chosen)).collect()
    }
}

/// The accumulator for so many products of these operands: of 32 bits, or as many as the products can fill, with a bit for a bias.
fn accumulator(a: Type, b: Type, products: usize) -> Type {
    if [a, b].into_iter().any(|ty| !ty.is_number() || ty.width() > WIDEST_OPERAND) {
        // They are refused themselves.
        return Type::s(ACCUMULATOR_BITS);
    }
    let product = super::parameters::product(a, b);
    let [a, b] = [a, b].map(|ty| raw_range(ty).0.unsigned_abs().max(raw_range(ty).1.unsigned_abs()));
    let most = u128::from(a) * u128::from(b) * products as u128;
    let sign = u32::from(product.is_signed());
    // Of −2ⁿ and 2ⁿ − 1 the greater counts: a product of two least numbers is 2ⁿ.
    let filled = 128 - most.leading_zeros() + sign;
    let width = if filled <= ACCUMULATOR_BITS { ACCUMULATOR_BITS } else { filled + 1 };
    let width = width.max(product.width()).min(WIDEST_ACCUMULATOR);
    product.resized(width.saturating_sub(product.frac()), product.frac())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(stated: &FormatParameters, demands: Demands) -> String {
        let Formats { a, b, accumulator, output } = stated.choose(&demands);
        format!("{a} {b} {accumulator} {output}")
    }

    fn integers(least: f64, greatest: f64) -> OperandData {
        OperandData { integers: Some(Extent { least, greatest }), values: Extent { least, greatest } }
    }

    #[test]
    fn real_operands_have_the_usual_formats() {
        assert_eq!(chosen(&FormatParameters::default(), Demands::common(false)), "s8 s8 s32 s8");
        let whole_sums = Demands { whole_sums: true, ..Demands::common(false) };
        assert_eq!(chosen(&FormatParameters::default(), whole_sums), "s8 s8 s32 accumulator");
    }

    #[test]
    fn integers_have_formats_that_hold_them_and_chains_keep_those_of_a() {
        let pixels = Demands { a: integers(0.0, 255.0), ..Demands::common(false) };
        assert_eq!(chosen(&FormatParameters::default(), pixels), "u8 s8 s32 s8");
        assert_eq!(chosen(&FormatParameters::default(), Demands { chain: true, ..pixels }), "u8 s8 s32 u8");
        assert_eq!(chosen(&FormatParameters::default(), Demands { b: integers(0.0, 200.0), ..pixels }), "u8 u8 u32 u8");
        let long = Demands { a: integers(-1e4, 1e4), b: integers(-1e4, 1e4), products: 1000, ..pixels };
        assert_eq!(chosen(&FormatParameters::default(), long), "s16 s16 s42 s8");
    }

    #[test]
    fn one_stated_fixed_point_format_makes_all_so() {
        let stated = FormatParameters { a: Some(Type::q(4, 4)), ..FormatParameters::default() };
        let data = OperandData { integers: None, values: Extent { least: -1.5, greatest: 0.0 } };
        assert_eq!(chosen(&stated, Demands { b: data, ..Demands::common(false) }), "q4.4 q2.6 q22.10 accumulator");
    }

    #[test]
    fn a_stated_output_of_a_chain_is_its_operand_too() {
        let stated = FormatParameters { output: Some(OutputFormat::Requantized(Type::s(16))), ..FormatParameters::default() };
        assert_eq!(chosen(&stated, Demands::common(true)), "s16 s8 s32 s16");
    }
}
