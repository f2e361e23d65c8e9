//! The parameters that all kernels on the systolic array share: the array, number formats, stalls, the task.

use std::fmt;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use systole_hdl::Type;
use systole_sim::StallPattern;

use super::golden;
use super::hardware::{Dataflow, Group, HardwareParameters, WeightSupply};
use crate::common::quantize::is_fixed_point;
use crate::common::source::TensorSource;
use crate::kernel::ConfigError;
use crate::sparse::hardware::ELEMENT_BITS;

/// Rows or columns of an array.
const SIDES: RangeInclusive<u32> = 1..=256;
/// Words of a streaming tile beyond the array's own rows and columns that its control needs.
const BUFFER_MARGIN: u32 = 16;
/// The deepest streaming buffer, in words.
pub(super) const DEEPEST_BUFFER: u32 = 1 << 16;
/// The widest operand, in bits: leaves an accumulator room for 2¹⁵ products.
pub(super) const WIDEST_OPERAND: u32 = 24;
/// The widest integer that accumulators are scaled to, in bits: a scale is a number in double precision, which has 53.
const WIDEST_SCALED_OUTPUT: u32 = 40;
/// The widest accumulator, in bits.
pub(super) const WIDEST_ACCUMULATOR: u32 = 63;

/// The systolic array and its buffers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ArrayParameters {
    /// Rows of processing elements, 1 to 256.
    pub rows: u32,
    /// Columns of processing elements, 1 to 256.
    pub columns: u32,
    /// Which operand stays in the array while the others pass; `fastest` is what takes the fewest cycles for all layers together, by the
    /// cycle model.
    pub dataflow: DataflowChoice,
    /// Whether the next stationary tile is loaded, or the last output tile drained, while the array computes.
    pub overlap_load: bool,
    /// Words of a streaming tile that are buffered at a time; at least rows + columns + 16, and at least N of N:M-sparse weights if outputs
    /// are stationary.
    pub buffer_rows: u32,
}

impl Default for ArrayParameters {
    fn default() -> ArrayParameters {
        ArrayParameters { rows: 16, columns: 16, dataflow: DataflowChoice::WeightStationary, overlap_load: true, buffer_rows: 256 }
    }
}

/// Which operand stays in the array while the others pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataflowChoice {
    /// Each processing element holds an element of B.
    WeightStationary,
    /// Each processing element collects an element of C.
    OutputStationary,
    /// Each processing element holds an element of A.
    InputStationary,
    /// The one that takes the fewest cycles by the cycle model.
    Fastest,
}

impl DataflowChoice {
    /// The dataflow, where it does not depend on the work.
    pub fn fixed(self) -> Option<Dataflow> {
        match self {
            DataflowChoice::WeightStationary => Some(Dataflow::WeightStationary),
            DataflowChoice::OutputStationary => Some(Dataflow::OutputStationary),
            DataflowChoice::InputStationary => Some(Dataflow::InputStationary),
            DataflowChoice::Fastest => None,
        }
    }
}

/// Number formats of the hardware; all four of one kind.
#[derive(Clone, PartialEq, Debug)]
pub struct Formats {
    /// Elements of A.
    pub a: Type,
    /// Elements of B.
    pub b: Type,
    /// Accumulators; signed if an operand is.
    pub accumulator: Type,
    /// Elements of the output.
    pub output: OutputFormat,
}

/// What is chosen for operands of real numbers.
impl Default for Formats {
    fn default() -> Formats {
        Formats { a: Type::s(8), b: Type::s(8), accumulator: Type::s(32), output: OutputFormat::Requantized(Type::s(8)) }
    }
}

/// What leaves the array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutputFormat {
    /// The accumulators as they are.
    Accumulator,
    /// Accumulators scaled, rounded and saturated to a type.
    Requantized(Type),
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutputFormat::Accumulator => write!(f, "accumulator"),
            OutputFormat::Requantized(ty) => ty.fmt(f),
        }
    }
}

impl Serialize for OutputFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OutputFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OutputFormat, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "accumulator" => Ok(OutputFormat::Accumulator),
            text => text
                .parse()
                .map(OutputFormat::Requantized)
                .map_err(|error| serde::de::Error::custom(format!("{error}; or `accumulator` for the accumulators as they are"))),
        }
    }
}

/// When the far ends of the streams are active, `"always"` unless stated: a source then offers a word, a sink then is ready. `"never"`,
/// `{ random = { probability = 0.7 } }` and `{ bursts = { on = 5, off = 9 } }` stall them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamStalls {
    /// Of the source of operand A.
    pub a: StallPattern,
    /// Of the source of operand B.
    pub b: StallPattern,
    /// Of the source of the bias.
    pub bias: StallPattern,
    /// Of the sink of the results.
    pub c: StallPattern,
}

impl StreamStalls {
    /// Refuses patterns that are none.
    ///
    /// # Errors
    /// The first stream at fault, and why.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.by_stream().into_iter().try_for_each(|(stream, pattern)| {
            pattern.check().map_err(|error| ConfigError::new(format!("stalls.{stream}"), error.to_string()))
        })
    }

    /// Whether no stream is ever stalled from outside.
    pub fn are_none(&self) -> bool {
        self.by_stream().into_iter().all(|(_, pattern)| pattern == StallPattern::Always)
    }

    /// Each stream's name with its pattern.
    pub fn by_stream(&self) -> [(&'static str, StallPattern); 4] {
        [("a", self.a), ("b", self.b), ("bias", self.bias), ("c", self.c)]
    }
}

/// What the result is good for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskParameters {
    /// The right class of each row of the last layer's output, `[M]`: the report then states the accuracy of the largest output.
    pub labels: TensorSource,
}

impl ArrayParameters {
    /// The hardware of this array with this dataflow and these formats, whose rows share activations in these groups.
    pub fn hardware(&self, dataflow: Dataflow, formats: &Formats, group: Group) -> HardwareParameters {
        let &ArrayParameters { rows, columns, dataflow: _, overlap_load, buffer_rows } = self;
        let &Formats { a, b, accumulator, output } = formats;
        let output = match output {
            OutputFormat::Accumulator => accumulator,
            OutputFormat::Requantized(output) => output,
        };
        HardwareParameters {
            rows,
            columns,
            dataflow,
            group,
            weights: WeightSupply::Compressed,
            overlap_load,
            buffer_rows,
            a,
            b,
            accumulator,
            output,
            multiplier_bits: golden::multiplier_bits(output),
            shift_bits: golden::shift_bits(accumulator),
        }
    }

    /// Refuses an array that is not supported.
    ///
    /// # Errors
    /// The first key at fault, why, and the nearest thing that works.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (key, side) in [("array.rows", self.rows), ("array.columns", self.columns)] {
            if !SIDES.contains(&side) {
                let nearest = side.clamp(*SIDES.start(), *SIDES.end());
                return Err(ConfigError::new(key, format!("an array with a side of {side} is not supported")).with_remedy(format!(
                    "{} to {}; nearest: {nearest}",
                    SIDES.start(),
                    SIDES.end()
                )));
            }
        }
        let depths = self.rows + self.columns + BUFFER_MARGIN..=DEEPEST_BUFFER;
        if !depths.contains(&self.buffer_rows) {
            return Err(ConfigError::new(
                "array.buffer_rows",
                format!("a buffer of {} words is not supported by this array", self.buffer_rows),
            )
            .with_remedy(format!("rows + columns + {BUFFER_MARGIN} = {} to {} words", depths.start(), depths.end())));
        }
        Ok(())
    }
}

/// The widest word of a stream, in bits: that of any signal.
const WIDEST_WORD: u64 = 1 << 16;

impl ArrayParameters {
    /// Refuses groups that the array does not serve with weights that come like this. `key` is that of the groups.
    ///
    /// # Errors
    /// The first key at fault, why, and what would work.
    pub fn validate_groups(&self, formats: &Formats, group: Group, weights: WeightSupply, key: &str) -> Result<(), ConfigError> {
        let &ArrayParameters { rows, columns, dataflow, buffer_rows, .. } = self;
        let Group { slots, elements } = group;
        let compressed = weights == WeightSupply::Compressed;
        if dataflow == DataflowChoice::InputStationary {
            return Err(ConfigError::new("array.dataflow", "sparse weights cannot stream past stationary inputs, which they have to pick")
                .with_remedy("\"weight-stationary\" or \"output-stationary\""));
        }
        if dataflow == DataflowChoice::OutputStationary && buffer_rows < slots {
            let message = format!("a buffer of {buffer_rows} words does not hold a group of {slots} slots");
            return Err(ConfigError::new("array.buffer_rows", message).with_remedy(format!("at least {slots} words")));
        }
        if dataflow == DataflowChoice::WeightStationary && !compressed && !rows.is_multiple_of(slots) {
            let message = format!("{rows} rows are no multiple of the {slots} weights that the sparsifier keeps of a group");
            let (below, above) = (rows / slots * slots, rows.next_multiple_of(slots));
            let nearest = if below > 0 && (rows - below <= above - rows || !SIDES.contains(&above)) { below } else { above };
            return Err(ConfigError::new("array.rows", message)
                .with_remedy(format!("nearest: {nearest}; an output-stationary array takes any number of rows")));
        }
        if !compressed && !ELEMENT_BITS.contains(&formats.b.width()) {
            let (least, most) = (ELEMENT_BITS.start(), ELEMENT_BITS.end());
            return Err(ConfigError::new("formats.b", format!("{} has no magnitude for a sparsifier to compare", formats.b))
                .with_remedy(format!("{least} to {most} bits")));
        }
        let hardware = |dataflow: Dataflow| HardwareParameters { weights, ..self.hardware(dataflow, formats, group) };
        for dataflow in dataflow.fixed().map_or(vec![Dataflow::WeightStationary, Dataflow::OutputStationary], |dataflow| vec![dataflow]) {
            let hardware = hardware(dataflow);
            let words = [
                ("a", u64::from(hardware.a_lanes()) * u64::from(hardware.a.width()), "array.rows"),
                ("b", u64::from(hardware.b_word().width()), "array.columns"),
            ];
            if let Some((stream, bits, side)) = words.into_iter().find(|(_, bits, _)| *bits > WIDEST_WORD) {
                let message = format!("a word of stream `{stream}` has {bits} bits: groups of {elements} for {rows} x {columns} elements");
                return Err(
                    ConfigError::new(key, message).with_remedy(format!("at most {WIDEST_WORD} bits: smaller groups, or a smaller {side}"))
                );
            }
        }
        Ok(())
    }
}

impl From<&HardwareParameters> for Formats {
    fn from(hardware: &HardwareParameters) -> Formats {
        let output = if hardware.requantizes() { OutputFormat::Requantized(hardware.output) } else { OutputFormat::Accumulator };
        Formats { a: hardware.a, b: hardware.b, accumulator: hardware.accumulator, output }
    }
}

impl Formats {
    /// Refuses formats that do not go together.
    ///
    /// # Errors
    /// The first key at fault, why, and what would go.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (a, accumulator) = (self.a, self.accumulator);
        for (key, ty) in [("formats.a", a), ("formats.b", self.b)] {
            let least = if ty.is_signed() { 2 } else { 1 };
            if !ty.is_number() || !(least..=WIDEST_OPERAND).contains(&ty.width()) {
                return Err(ConfigError::new(key, format!("{ty} is not supported as an operand"))
                    .with_remedy(format!("a number of {least} to {WIDEST_OPERAND} bits, such as s8 or q4.4")));
            }
        }
        same_kind("formats.b", self.b, (a, false))?;
        let product = product(a, self.b);
        same_kind("formats.accumulator", accumulator, (product, true))?;
        if accumulator.frac() != product.frac() || accumulator.width() < product.width() || accumulator.width() > WIDEST_ACCUMULATOR {
            let suited = product.resized(32.max(product.width()) - product.frac(), product.frac());
            return Err(ConfigError::new(
                "formats.accumulator",
                format!("{accumulator} does not hold the product of {a} and {}, which is {product}", self.b),
            )
            .with_remedy(format!("{product} to {WIDEST_ACCUMULATOR} bits with {} fraction bits, such as {suited}", product.frac())));
        }
        let OutputFormat::Requantized(output) = self.output else { return Ok(()) };
        same_kind("formats.output", output, (a, false))?;
        if output.width() > accumulator.width() || output.frac() > accumulator.frac() || output.is_signed() && output.width() < 2 {
            return Err(ConfigError::new("formats.output", format!("{output} holds more than the accumulator, {accumulator}, or nothing"))
                .with_remedy("a narrower format, or \"accumulator\""));
        }
        if output.width() > WIDEST_SCALED_OUTPUT && self.output_scale_is_free() {
            let message = format!(
                "{output} asks for a scaling more precise than a multiplier of {} bits",
                golden::multiplier_bits(Type::s(WIDEST_SCALED_OUTPUT))
            );
            let most = output.resized(WIDEST_SCALED_OUTPUT, 0);
            return Err(ConfigError::new("formats.output", message).with_remedy(format!("at most \"{most}\", or \"accumulator\"")));
        }
        Ok(())
    }

    /// Refuses an output that cannot be the next product's operand A.
    ///
    /// # Errors
    /// With the format that it should have.
    pub fn validate_chain(&self) -> Result<(), ConfigError> {
        match self.output {
            OutputFormat::Requantized(output) if output == self.a => Ok(()),
            OutputFormat::Accumulator if self.accumulator == self.a => Ok(()),
            output => {
                let message = format!("each layer's output is the next one's operand A, but the output is {output} and A is {}", self.a);
                Err(ConfigError::new("formats.output", message).with_remedy(format!("set it to \"{}\"", self.a)))
            }
        }
    }

    /// Whether the real value of a unit of the output is a matter of choice: that of a requantized integer.
    pub fn output_scale_is_free(&self) -> bool {
        matches!(self.output, OutputFormat::Requantized(output) if output != self.accumulator && !is_fixed_point(output))
    }
}

/// The type of the exact product of two elements: signed if one of them is. An unsigned one then counts as a signed one with a bit more.
pub(super) fn product(a: Type, b: Type) -> Type {
    let signed = a.is_signed() || b.is_signed();
    let [a, b] = [a, b].map(|ty| if signed { as_signed(ty) } else { ty });
    a.product(b).expect("operands are numbers of one signedness")
}

/// A signed type that holds the numbers of `ty`.
pub(super) fn as_signed(ty: Type) -> Type {
    match ty {
        Type::UFixed { .. } => Type::q(ty.int() + 1, ty.frac()),
        _ if ty.is_signed() => ty,
        _ => Type::s(ty.width() + 1),
    }
}

/// Refuses `ty` unless it is fixed point exactly when `like` is, and, if `signedness` counts, signed exactly when that is.
fn same_kind(key: &str, ty: Type, (like, signedness): (Type, bool)) -> Result<(), ConfigError> {
    if ty.is_number() && (!signedness || ty.is_signed() == like.is_signed()) && is_fixed_point(ty) == is_fixed_point(like) {
        return Ok(());
    }
    let kind = match (like.is_signed(), is_fixed_point(like), signedness) {
        (true, false, true) => "a signed integer, such as s32",
        (false, false, true) => "an unsigned integer, such as u32",
        (true, true, true) => "signed fixed point, such as q16.8",
        (false, true, true) => "unsigned fixed point, such as uq16.8",
        (_, false, false) => "an integer, such as s8 or u8",
        (_, true, false) => "fixed point, such as q4.4 or uq4.4",
    };
    let operands = if signedness { "products" } else { "operands" };
    Err(ConfigError::new(key, format!("{ty} does not go with {operands} of format {like}")).with_remedy(kind))
}
