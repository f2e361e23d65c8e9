//! How far fixed-point attention is from double precision, by its formats: Markdown tables from the golden model alone.
//!
//! ```console
//! $ cargo run --release -p systole-kernels --example attention_formats
//! ```
//!
//! The data are the four MiniLM heads of `configs/attention.toml` (N = R = 128, D = 32) and four heads of Gaussian numbers
//! (N = R = 256, D = 16). An error is the difference of a result from softmax(q·kᵀ/√D)·v in double precision, of tensors that were never
//! quantized, divided by the largest absolute value of the head's V, which no result can exceed. Given are the largest error of any
//! element and the root of the mean square, each of the worst of the four heads.
//!
//! Last come scores that rise with every key, the hard case of the memory-free variant: it then scales its sums at every key.

#[path = "../tests/files/mod.rs"]
mod files;

use std::path::PathBuf;

use ndarray::ArrayD;
use systole_hdl::Type;
use systole_kernels::attention::formats::Formats;
use systole_kernels::attention::parameters::{ExponentialParameters, Head, Parameters, Variant};
use systole_kernels::attention::prepare::{PreparedHead, prepare, tensor_sources};
use systole_kernels::common::source::TensorSource;
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::KernelParameters;

const FRACTION_BITS: [u32; 5] = [8, 10, 12, 14, 16];
const TABLE_BITS: [u32; 4] = [4, 6, 8, 10];

fn main() {
    let data = [Data::minilm(), Data::gaussian()];
    by_choice(&data);
    for data in &data {
        for degree in [0, 1] {
            by_fraction_and_table_bits(data, degree);
        }
    }
    for data in &data {
        by_format(data);
    }
    for data in &data {
        by_variant_and_head(data);
    }
    rising_scores();
}

/// A configuration with its tensors from files.
struct Data {
    name: &'static str,
    parameters: Parameters,
    tensors: Vec<Tensor>,
}

impl Data {
    fn minilm() -> Data {
        let mut table = files::config("attention.toml");
        table.remove("kernel");
        let parameters = Parameters::read(table).expect("the shipped configuration is read by a test too");
        let sources = tensor_sources(&parameters).into_iter();
        let named = sources.filter_map(|(_, source)| Some((source.file.as_ref()?, source.tensor.as_ref()?)));
        let tensors = named.map(|(file, tensor)| files::tensor(file, tensor)).collect();
        Data { name: "MiniLM", parameters, tensors }
    }

    fn gaussian() -> Data {
        let tensor = "{ random = 'gaussian', shape = [256, 16] }";
        let text = format!("[[heads]]\nq = {tensor}\nk = {tensor}\nv = {tensor}\n").repeat(4);
        let parameters = Parameters::read(text.parse().expect("the text above is TOML")).expect("and a configuration");
        Data { name: "Gaussian", parameters, tensors: Vec::new() }
    }

    /// One query of 1 and `keys` keys that give scores from 0 to 8, each higher than the last; values from −1 to 1 likewise.
    fn rising(keys: usize) -> Data {
        let source = TensorSource {
            file: Some(PathBuf::from("none")),
            tensor: None,
            index: None,
            rows: None,
            columns: None,
            random: None,
            shape: None,
            transpose: false,
            scale: 1.0,
        };
        let head = Head { q: source.clone(), k: source.clone(), v: source, length: None, mask: None };
        let column = |values: Vec<f64>| Tensor {
            values: ArrayD::from_shape_vec(vec![values.len(), 1], values).expect("a column has one element a row"),
            integer: false,
        };
        let position = |key: usize| key as f64 / (keys - 1).max(1) as f64;
        let k = (0..keys).map(|key| 8.0 * position(key) * std::f64::consts::LN_2).collect();
        let v = (0..keys).map(|key| 2.0 * position(key) - 1.0).collect();
        Data {
            name: "Rising scores",
            parameters: Parameters { heads: vec![head], ..Data::gaussian().parameters },
            tensors: vec![column(vec![1.0]), column(k), column(v)],
        }
    }

    fn heads(&self, variant: Variant, formats: Formats, exp: ExponentialParameters) -> Vec<PreparedHead> {
        let parameters = Parameters { variant, formats: formats.into(), exp, ..self.parameters.clone() };
        prepare(&parameters, self.tensors.clone()).expect("the formats suit the data").heads
    }
}

/// The largest and the mean error of the worst head, and the numbers that saturated in all.
fn summary(heads: &[PreparedHead]) -> String {
    let greatest = |errors: &dyn Fn(&PreparedHead) -> f64| heads.iter().map(errors).fold(0.0, f64::max);
    let max = greatest(&|head| head.errors().max_abs / head.largest_value);
    let rms = greatest(&|head| head.errors().rms / head.largest_value);
    let saturated: u64 = heads.iter().flat_map(|head| &head.quantization).map(|entry| entry.saturated).sum();
    let note = if saturated > 0 { format!(", {saturated} saturated") } else { String::new() };
    format!("{max:.1e} / {rms:.1e}{note}")
}

/// Every format with this many fraction bits, sums with four more.
fn uniform(fraction: u32) -> Formats {
    Formats {
        query: Type::q(3, fraction),
        key: Type::q(5, fraction),
        value: Type::q(4, fraction),
        score: Type::q(8, fraction),
        weight: Type::uq(1, fraction),
        sum_fraction: None,
        output: Type::q(4, fraction),
    }
}

fn heading(title: &str, columns: &[String]) {
    println!("\n{title}\n\n| | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

/// Whole choices of formats, coarsest first.
fn by_choice(data: &[Data]) {
    let columns: Vec<String> = data.iter().map(|data| format!("{}: max / rms error", data.name)).collect();
    heading("Memory-free, by choice of formats", &[vec!["table bits, degree".to_string()], columns].concat());
    let choices = [
        ("8 fraction bits", uniform(8), 4, 0),
        ("10 fraction bits", uniform(10), 6, 0),
        ("12 fraction bits", uniform(12), 8, 0),
        ("12 fraction bits", uniform(12), 4, 1),
        ("the default", Formats::default(), 6, 1),
        ("16 fraction bits", uniform(16), 8, 1),
    ];
    for (name, formats, table_bits, degree) in choices {
        let exp = ExponentialParameters { table_bits, degree };
        let errors: Vec<String> = data.iter().map(|data| summary(&data.heads(Variant::MemoryFree, formats.clone(), exp))).collect();
        let Formats { query, key, value, score, weight, output, .. } = formats;
        let types = format!("q {query}, k {key}, v {value}, score {score}, weight {weight}, output {output}");
        println!("| {name}: {types} | {table_bits}, {degree} | {} |", errors.join(" | "));
    }
}

fn by_fraction_and_table_bits(data: &Data, degree: u32) {
    let columns: Vec<String> = TABLE_BITS.iter().map(|bits| format!("{bits} table bits")).collect();
    let title = format!("{}, memory-free, degree {degree}, by the fraction bits of every format: max / rms error", data.name);
    heading(&title, &columns);
    for fraction in FRACTION_BITS {
        let cell = |table_bits| summary(&data.heads(Variant::MemoryFree, uniform(fraction), ExponentialParameters { table_bits, degree }));
        println!("| {fraction} | {} |", TABLE_BITS.map(cell).join(" | "));
    }
}

/// One format at a time with fewer or more fraction bits than the default.
fn by_format(data: &Data) {
    let changes = [-4i32, -2, 0, 2, 4];
    let columns: Vec<String> = changes.iter().map(|change| format!("{change:+} bits")).collect();
    heading(&format!("{}, memory-free, default but for the fraction bits of one format: max / rms error", data.name), &columns);
    type Choice = (&'static str, fn(&mut Formats) -> &mut Type);
    let choices: [Choice; 6] = [
        ("query", |f| &mut f.query),
        ("key", |f| &mut f.key),
        ("value", |f| &mut f.value),
        ("score", |f| &mut f.score),
        ("weight", |f| &mut f.weight),
        ("output", |f| &mut f.output),
    ];
    for (name, choice) in choices {
        let cell = |change: i32| {
            let mut formats = Formats::default();
            let ty = choice(&mut formats);
            *ty = ty.resized(ty.int(), ty.frac().saturating_add_signed(change));
            formats.sum_fraction = Some(formats.sum_fraction().max(formats.output.frac()));
            summary(&data.heads(Variant::MemoryFree, formats, ExponentialParameters::default()))
        };
        println!("| {name} {} | {} |", choice(&mut Formats::default()), changes.map(cell).join(" | "));
    }
    let sums = changes.map(|change| {
        let sum_fraction = Formats::default().sum_fraction().saturating_add_signed(change);
        let formats = Formats { sum_fraction: Some(sum_fraction), ..Formats::default() };
        summary(&data.heads(Variant::MemoryFree, formats, ExponentialParameters::default()))
    });
    println!("| sums .{} | {} |", Formats::default().sum_fraction(), sums.join(" | "));
}

/// The drift of repeated scaling, by the fraction bits of weights and the degree of the exponential.
fn rising_scores() {
    let fractions = [12, 15, 18];
    let columns: Vec<String> = fractions.iter().map(|fraction| format!("weights uq1.{fraction}")).collect();
    heading("Scores that rise from 0 to 8 (base 2), default but for the weights: max / rms error", &columns);
    for keys in [256, 1024, 4096, 16384] {
        let data = Data::rising(keys);
        for (variant, degree) in [(Variant::Deferred, 1), (Variant::MemoryFree, 1), (Variant::MemoryFree, 2)] {
            let cell = |fraction| {
                let formats = Formats { weight: Type::uq(1, fraction), ..Formats::default() };
                let exp = ExponentialParameters { degree, ..ExponentialParameters::default() };
                summary(&data.heads(variant, formats, exp))
            };
            println!("| {variant:?}, degree {degree}, N = {keys} | {} |", fractions.map(cell).join(" | "));
        }
    }
}

fn by_variant_and_head(data: &Data) {
    let columns: Vec<String> = (0..data.parameters.heads.len()).map(|head| format!("head {head}")).collect();
    heading(&format!("{}, default formats, by variant: max / rms error", data.name), &columns);
    for variant in [Variant::Stable, Variant::Deferred, Variant::MemoryFree] {
        let heads = data.heads(variant, Formats::default(), ExponentialParameters::default());
        let cells: Vec<String> = heads.chunks(1).map(summary).collect();
        println!("| {variant:?} | {} |", cells.join(" | "));
    }
}
