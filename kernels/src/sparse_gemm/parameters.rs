//! The configuration of a sparse GEMM run, and what of it the hardware supports.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::{ConfigError, KernelParameters};
use crate::report::Setting;
use crate::sparse::pattern::Pattern;
use crate::systolic::choice::{Work, fastest};
use crate::systolic::compression::Compression;
use crate::systolic::format_choice::{Demands, FormatParameters};
use crate::systolic::hardware::{Dataflow, Group, HardwareParameters, WeightSupply};
use crate::systolic::parameters::{ArrayParameters, Formats, StreamStalls, TaskParameters};
use crate::systolic::prepare::LABELS;
use crate::systolic::product::{Product, shapes};

/// Chains of matrix products with N:M-sparse weights on one array.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Seed of random data, random stalls and searches for masks.
    #[serde(default = "crate::common::random::first_seed")]
    pub seed: u64,
    /// The systolic array and its buffers; weight- or output-stationary.
    #[serde(default)]
    pub array: ArrayParameters,
    /// What the array does for sparsity.
    #[serde(default)]
    pub sparsity: SparsityParameters,
    /// Number formats of the hardware.
    #[serde(default)]
    pub formats: FormatParameters,
    /// The products in order. A layer with an operand `a` of its own begins a chain; the operand A of every other is the output of the layer
    /// before it.
    pub layers: Vec<Layer>,
    /// When the far ends of the streams are active.
    #[serde(default)]
    pub stalls: StreamStalls,
    /// What the result of each chain is good for, to be judged by more than numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskParameters>,
}

/// What the array does for sparsity.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SparsityParameters {
    /// N rows of the array share a group of M activations, and each of their weights picks one: `"2:4"`. Such an array runs dense layers
    /// too, and every pattern whose weights can share groups in this way.
    pub group: Pattern,
    /// What stream `b` carries: compressed weights, or all of them for a sparsifier in front of the array, as it takes them. That one
    /// keeps N of each group of the layer's pattern, with the N of `group`.
    pub weights: WeightSupply,
}

impl Default for SparsityParameters {
    fn default() -> SparsityParameters {
        SparsityParameters { group: Pattern::new(2, 4).expect("2:4 is a pattern"), weights: WeightSupply::Compressed }
    }
}

/// One matrix product: C\[M×N\] = A\[M×K\]·B\[K×N\] + bias\[N\], with B pruned along K.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What the report calls it; `layer` and its number if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Operand A, `[M, K]`: begins a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<TensorSource>,
    /// Operand B, the weights, `[K, N]`.
    pub b: TensorSource,
    /// Added to every row of the product, `[N]`; zero if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<TensorSource>,
    /// Whether negative results become zero.
    #[serde(default)]
    pub relu: bool,
    /// Real value of one unit of the output; if left out, such that the greatest result of this very run is the output's
    /// greatest number. For integer outputs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_scale: Option<f64>,
    /// The product is computed once with weights of each of these patterns, such as `["dense", "2:4"]`; with the pattern of
    /// `sparsity.group` if there is none. Several are possible where a chain ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "list_of_patterns")]
    pub patterns: Vec<LayerPattern>,
    /// Which weights are kept: the N of largest `magnitude` in each group; with `none` all, as they have the pattern already; those
    /// of the best 2:4 mask that is `transposable`; those that a backward pass over permuted outputs keeps too, `bi-mask`.
    #[serde(default)]
    pub pruning: Pruning,
}

/// The pattern of a layer's weights: `dense`, or N:M such as `2:4`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(with = "String")]
pub enum LayerPattern {
    /// Every weight is multiplied.
    Dense,
    /// At most N of each M consecutive weights of an output.
    Sparse(Pattern),
}

impl LayerPattern {
    /// How its weights lie on an array with these groups, whose weights come like this; `None` if the array does not serve it.
    pub fn compression(self, group: Group, weights: WeightSupply) -> Option<Compression> {
        let compression = match self {
            LayerPattern::Dense => Compression::dense(group),
            LayerPattern::Sparse(pattern) => Compression::new(pattern.n(), pattern.m(), group)?,
        };
        match (weights.sparsifier(), self) {
            (None, _) => Some(compression),
            // It keeps N of a group, no fewer.
            (Some(_), LayerPattern::Sparse(pattern)) if pattern.n() != group.slots as usize => None,
            (Some(_), _) => Some(compression.in_whole_groups()),
        }
    }
}

impl LayerPattern {
    /// How many times fewer weights are multiplied than of a dense layer: M/N, with two decimals where it is no whole number.
    pub fn bound(self) -> String {
        match self {
            LayerPattern::Sparse(pattern) if !pattern.m().is_multiple_of(pattern.n()) => {
                format!("{:.2}", pattern.m() as f64 / pattern.n() as f64)
            }
            LayerPattern::Sparse(pattern) => (pattern.m() / pattern.n()).to_string(),
            LayerPattern::Dense => "1".to_string(),
        }
    }
}

impl fmt::Display for LayerPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerPattern::Dense => f.write_str("dense"),
            LayerPattern::Sparse(pattern) => pattern.fmt(f),
        }
    }
}

impl Serialize for LayerPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LayerPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LayerPattern, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "dense" => Ok(LayerPattern::Dense),
            text => text
                .parse()
                .map(LayerPattern::Sparse)
                .map_err(|error| serde::de::Error::custom(format!("{error}; or `dense` for all weights"))),
        }
    }
}

/// A list of patterns, with an example of one where there is none.
fn list_of_patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LayerPattern>, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Vec<LayerPattern>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of patterns, such as [\"dense\", \"2:4\"]")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<LayerPattern>, A::Error> {
            std::iter::from_fn(|| elements.next_element().transpose()).collect()
        }
    }
    deserializer.deserialize_seq(List)
}

/// Which weights of a group are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pruning {
    /// The N largest by magnitude, of equal ones the first.
    #[default]
    Magnitude,
    /// All: the weights have the pattern already, or the run is refused, by the hardware if that sparsifies.
    None,
    /// Those of the best mask with two of four along both axes, so that the transposed weights are 2:4 too. For 2:4 only.
    Transposable,
    /// Those that a backward pass over permuted outputs keeps too, after Bi-Mask.
    BiMask,
}

impl KernelParameters for Parameters {
    const NAME: &'static str = "sparse-gemm";
    const SUMMARY: &'static str = "matrix products with N:M-sparse weights on a systolic array, which skips the zeros";

    fn validate(&self) -> Result<(), ConfigError> {
        self.array.validate()?;
        let formats = self.formats.choose(&self.demands());
        formats.validate()?;
        self.array.validate_groups(&formats, self.group(), self.sparsity.weights, "sparsity.group")?;
        self.validate_layers(&formats)?;
        self.stalls.validate()?;
        match &self.task {
            Some(task) => task.labels.validate_axes("task.labels", 1, LABELS),
            None => Ok(()),
        }
    }
}

impl Parameters {
    /// How rows of the array share activations.
    pub fn group(&self) -> Group {
        self.sparsity.group.into()
    }

    /// Whether the hardware depends on the tensors.
    pub fn hardware_needs_tensors(&self) -> bool {
        self.array.dataflow.fixed().is_none() || !self.formats.is_complete()
    }

    /// What formats have to suit, before the tensors are known.
    fn demands(&self) -> Demands {
        Demands::common(self.layers.iter().skip(1).any(|layer| layer.a.is_none()))
    }

    /// The configuration with the formats of this hardware, and which of them are chosen from the data.
    pub fn filled_in(&self, hardware: &HardwareParameters) -> (Parameters, Vec<Setting>) {
        let formats = Formats::from(hardware);
        let chosen = self.formats.chosen(&formats);
        (Parameters { formats: formats.into(), ..self.clone() }, chosen)
    }

    /// The hardware that these parameters describe. `tensors` are those that the products take from files, and only
    /// [needed](Parameters::hardware_needs_tensors) if the dataflow depends on the work, or formats on the data.
    ///
    /// # Errors
    /// If the dataflow depends on the work, and the tensors' shapes do not fit together; if a format depends on a tensor that is missing, or
    /// those that are stated do not suit the data.
    pub fn hardware(&self, tensors: &[Tensor]) -> Result<HardwareParameters, ConfigError> {
        let products = self.products().map(|(product, _)| product);
        let formats = self.formats.choose_for(products, tensors, self.seed, self.demands())?;
        formats.validate()?;
        self.array.validate_groups(&formats, self.group(), self.sparsity.weights, "sparsity.group")?;
        let group = self.group();
        let weights = self.sparsity.weights;
        let of = |dataflow: Dataflow| HardwareParameters { weights, ..self.array.hardware(dataflow, &formats, group) };
        let Some(dataflow) = self.array.dataflow.fixed() else {
            let shapes = shapes(self.products().map(|(product, _)| product), tensors)?;
            let work: Vec<Work> = self
                .layers
                .iter()
                .zip(shapes)
                .flat_map(|(layer, shape)| {
                    let compressions = self.patterns(layer).into_iter().filter_map(move |pattern| pattern.compression(group, weights));
                    compressions.map(move |compression| Work { shape, compression })
                })
                .collect();
            return Ok(fastest(&of(Dataflow::WeightStationary), &work));
        };
        Ok(of(dataflow))
    }

    /// The products with their layers.
    pub fn products(&self) -> impl Iterator<Item = (Product<'_>, &Layer)> {
        self.layers.iter().enumerate().map(|(index, layer)| {
            let Layer { a, b, bias, relu, output_scale, .. } = layer;
            let (a, bias) = (a.as_ref(), bias.as_ref());
            (Product { key: format!("layers[{index}]"), a, b, bias, relu: *relu, output_scale: *output_scale }, layer)
        })
    }

    /// What the report calls the layer at `index`: as stated, or after its number.
    pub fn layer_name(&self, index: usize) -> String {
        self.layers[index].name.clone().unwrap_or_else(|| format!("layer {index}"))
    }

    /// The patterns of a layer: as stated, or that of the groups.
    pub fn patterns(&self, layer: &Layer) -> Vec<LayerPattern> {
        if layer.patterns.is_empty() { vec![LayerPattern::Sparse(self.sparsity.group)] } else { layer.patterns.clone() }
    }

    fn validate_layers(&self, formats: &Formats) -> Result<(), ConfigError> {
        if self.layers.is_empty() {
            return Err(ConfigError::new("layers", "there is no layer").with_remedy("at least one [[layers]] with `a` and `b`"));
        }
        for (index, (product, layer)) in self.products().enumerate() {
            product.validate(formats)?;
            match self.layers.get(index + 1) {
                Some(next) if next.a.is_none() => {
                    formats.validate_chain()?;
                    if layer.patterns.len() > 1 {
                        let message = format!("the layer after it takes its output, and there would be {} of them", layer.patterns.len());
                        return Err(ConfigError::new(product.key_of("patterns"), message)
                            .with_remedy("one pattern, or an operand `a` for the next layer"));
                    }
                }
                _ => {}
            }
            if index == 0 && layer.a.is_none() {
                return Err(product.without_operand());
            }
            if let Some(other) = (0..index).find(|&other| self.layer_name(other) == self.layer_name(index)) {
                let message = format!("layers[{other}] is called `{}`, too", self.layer_name(index));
                return Err(ConfigError::new(product.key_of("name"), message).with_remedy("a name of its own for each layer"));
            }
            self.validate_patterns(&product, layer)?;
        }
        Ok(())
    }

    fn validate_patterns(&self, product: &Product<'_>, layer: &Layer) -> Result<(), ConfigError> {
        let group = self.sparsity.group;
        let two_of_four = LayerPattern::Sparse(Pattern::new(2, 4).expect("2:4 is a pattern"));
        let patterns = self.patterns(layer);
        for (index, &pattern) in patterns.iter().enumerate() {
            let key = product.key_of(&format!("patterns[{index}]"));
            if patterns[..index].contains(&pattern) {
                return Err(ConfigError::new(key, format!("{pattern} is in the list already")).with_remedy("each pattern once"));
            }
            if pattern.compression(self.group(), self.sparsity.weights).is_none() {
                let message = format!("groups of {group} cannot serve weights of {pattern}");
                let served = self.served().join(", ");
                let others = match self.sparsity.weights {
                    WeightSupply::Compressed => format!("\"{pattern}\", or \"1:32\", which serves every pattern"),
                    _ => format!("\"{pattern}\"; or sparsity.weights = \"compressed\", as a sparsifier keeps N of every group"),
                };
                let remedy = format!("with sparsity.group = \"{group}\": {served}; or another group: {others}");
                return Err(ConfigError::new(key, message).with_remedy(remedy));
            }
            if layer.pruning == Pruning::Transposable && ![LayerPattern::Dense, two_of_four].contains(&pattern) {
                return Err(ConfigError::new(
                    product.key_of("pruning"),
                    format!("transposable masks are of 2:4, but these weights of {pattern}"),
                )
                .with_remedy("patterns = [\"2:4\"], or pruning = \"magnitude\", \"bi-mask\" or \"none\""));
            }
        }
        Ok(())
    }

    /// The patterns that the array serves, `dense` first, all others with N < M.
    fn served(&self) -> Vec<String> {
        let patterns = Pattern::all().filter(|pattern| pattern.n() < pattern.m()).map(LayerPattern::Sparse);
        let served = std::iter::once(LayerPattern::Dense)
            .chain(patterns)
            .filter(|pattern| pattern.compression(self.group(), self.sparsity.weights).is_some());
        served.map(|pattern| pattern.to_string()).collect()
    }
}
