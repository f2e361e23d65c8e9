//! Sparse GEMM configurations from text to golden results, without hardware: the shipped ones work, wrong ones are refused with a remedy.

mod files;

use ndarray::ArrayD;
use systole_kernels::common::errors::accuracy;
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::{ConfigError, KernelParameters};
use systole_kernels::sparse_gemm::parameters::{LayerPattern, Parameters};
use systole_kernels::sparse_gemm::prepare::{SparseLayer, prepare, tensor_sources};

fn read(text: &str) -> Result<Parameters, ConfigError> {
    Parameters::read(text.parse().expect("the test's TOML is well formed"))
}

fn shipped(config: &str) -> Parameters {
    let mut table = files::config(config);
    table.remove("kernel");
    Parameters::read(table).unwrap()
}

fn layers(parameters: &Parameters) -> Vec<SparseLayer> {
    let load = |source: &systole_kernels::common::source::TensorSource| {
        Some(files::tensor(source.file.as_ref()?, source.tensor.as_ref().expect("the shipped configurations name every tensor")))
    };
    let tensors: Vec<Tensor> = tensor_sources(parameters).into_iter().filter_map(|(_, source)| load(source)).collect();
    let hardware = parameters.hardware(&tensors).unwrap();
    prepare(parameters, &hardware, tensors).unwrap()
}

/// The error of a configuration with random tensors, from reading it or from preparing its data.
fn refusal(text: &str) -> String {
    let error = match read(text) {
        Ok(parameters) => parameters
            .hardware(&[])
            .and_then(|hardware| prepare(&parameters, &hardware, Vec::new()))
            .expect_err(&format!("this configuration is refused:\n{text}")),
        Err(error) => error,
    };
    error.to_string()
}

/// A layer with a full-range operand A of 4 rows, and B of K = 8 with 5 columns.
const LAYER: &str = "[[layers]]\na = { random = 'full-range', shape = [4, 8] }\nb = { random = 'full-range', shape = [8, 5] }\n";
/// A layer that takes the output of one such.
const NEXT: &str = "[[layers]]\nb = { random = 'full-range', shape = [5, 3] }\n";

#[test]
fn both_digits_networks_in_int8_are_as_accurate_as_in_floating_point() {
    let layers = layers(&shipped("sparse-digits.toml"));
    let accuracies: Vec<(f64, f64)> = layers
        .iter()
        .filter_map(|SparseLayer { layer, .. }| {
            let labels = layer.labels.as_ref()?;
            Some((accuracy(layer.reference.view(), labels), accuracy(layer.expected.view(), labels)))
        })
        .collect();
    let [pruned, dense] = accuracies[..] else { panic!("each network is judged once: {accuracies:?}") };
    assert!((pruned.0 - 0.975).abs() < 1e-4 && (dense.0 - 0.9806).abs() < 1e-4, "{accuracies:?}");
    for (float, int8) in accuracies {
        assert!((float - int8).abs() <= 0.005, "int8 {int8}, float {float}");
    }
}

#[test]
fn nothing_is_left_to_prune_of_the_pruned_digits_network() {
    for layer in layers(&shipped("sparse-digits.toml")) {
        assert_eq!(layer.kept_l1, 1.0, "{}", layer.family);
        assert_eq!(layer.compressed.is_some(), layer.family.starts_with("pruned"), "{}", layer.family);
    }
}

#[test]
fn the_product_of_planned_cycles_prepares() {
    let layers = layers(&shipped("sparse-gemm.toml"));
    let [dense, sparse] = &layers[..] else { panic!("two patterns: {}", layers.len()) };
    assert_eq!((dense.layer.schedule.slots(), sparse.layer.schedule.slots()), (256, 128));
    assert_eq!(dense.relative_error.partial_cmp(&sparse.relative_error), Some(std::cmp::Ordering::Less));
    assert!(dense.kept_l1 == 1.0 && (0.73..0.76).contains(&sparse.kept_l1), "{}", sparse.kept_l1);
}

#[test]
fn the_sparser_minilm_layers_are_the_less_is_stored_and_the_greater_is_the_error() {
    let layers = layers(&shipped("sparse-minilm.toml"));
    for family in ["query", "ffn1"] {
        let of_pattern = |pattern: &str| {
            let pattern: LayerPattern = toml::Value::from(pattern).try_into().unwrap();
            layers.iter().find(|layer| layer.family == family && layer.pattern == pattern).unwrap()
        };
        let stored = ["2:4", "1:4", "2:8", "1:8", "1:16"].map(|pattern| of_pattern(pattern).compressed.as_ref().unwrap().storage_ratio(8));
        assert_eq!(stored, [0.625, 0.3125, 0.34375, 0.171875, 0.09375], "{family}");
        let errors = ["dense", "2:4", "2:8", "1:4", "1:8", "1:16", "1:32"].map(|pattern| of_pattern(pattern).relative_error);
        assert!(errors.is_sorted_by(|denser, sparser| denser < sparser), "{family}: {errors:?}");
        assert!(errors[0] < 0.1, "int8 alone costs {}", errors[0]);
    }
}

#[test]
fn a_configuration_reads_back_as_it_was_written_with_its_defaults() {
    for text in [LAYER.to_string(), format!("{LAYER}patterns = ['dense', '2:4', '1:2']\npruning = 'bi-mask'\n")] {
        let parameters = read(&text).unwrap();
        assert_eq!(read(&toml::to_string(&parameters).unwrap()).unwrap(), parameters);
    }
}

#[test]
fn without_patterns_a_layer_has_that_of_the_groups() {
    let parameters = read(&format!("[sparsity]\ngroup = '3:8'\n{LAYER}")).unwrap();
    let layers = prepare(&parameters, &parameters.hardware(&[]).unwrap(), Vec::new()).unwrap();
    assert_eq!(layers[0].pattern.to_string(), "3:8");
    assert!(layers[0].compressed.is_some());
}

#[test]
fn chains_that_end_in_different_shapes_are_not_judged_by_the_same_labels() {
    let parameters = read(&format!("{LAYER}{NEXT}{LAYER}[task]\nlabels = {{ file = 'classes.safetensors' }}")).unwrap();
    let classes = Tensor { values: ArrayD::zeros(vec![4]), integer: true };
    let error = prepare(&parameters, &parameters.hardware(&[]).unwrap(), vec![classes]).unwrap_err().to_string();
    let said = "`task.labels`: the output of layer 1 is (4, 3), that of the last layer (4, 5); chains that end in outputs of one shape";
    assert_eq!(error, said);
}

#[test]
fn wrong_keys_and_values_are_refused_with_a_remedy() {
    let with = |text: &str| refusal(&format!("{text}\n{LAYER}"));
    let layer = |text: &str| refusal(&format!("{LAYER}{text}\n"));
    let messages = [
        with("[sparsity]\ngroups = '2:4'"),
        with("[sparsity]\ngroup = '3:5'"),
        with("[sparsity]\ngroup = '2-4'"),
        with("[sparsity]\ngroup = 'dense'"),
        with("[sparsity]\ngroup = 4"),
        with("[sparsity]\ngroup = '5:4'"),
        with("group = '2:4'"),
        with("[array]\ndataflow = 'input-stationary'"),
        with("[array]\nrows = 1\ncolumns = 1\nbuffer_rows = 18\ndataflow = 'output-stationary'\n[sparsity]\ngroup = '32:32'"),
        with("[array]\nbuffer_rows = 8"),
        layer("patterns = ['2:8']"),
        layer("patterns = ['dense', '3:4']"),
        layer("patterns = ['sparse']"),
        layer("patterns = ['2:5']"),
        layer("patterns = ['2:4', '2:4']"),
        refusal(&format!("{LAYER}name = 'head'\n{LAYER}name = 'head'")),
        refusal(&format!("{LAYER}name = 'layer 1'\n{LAYER}")),
        layer("patterns = '2:4'"),
        layer("pattern = ['2:4']"),
        layer("pruning = 'random'"),
        layer("pruning = 'none'"),
        refusal(&format!("[sparsity]\ngroup = '1:4'\n{LAYER}pruning = 'transposable'")),
        refusal(&format!("[sparsity]\ngroup = '1:32'\n{LAYER}patterns = ['2:4', '1:4']\npruning = 'transposable'")),
        refusal(&format!("{LAYER}patterns = ['dense', '2:4']\n{NEXT}")),
        refusal(&format!("[formats]\na = 's8'\noutput = 's16'\n{LAYER}{NEXT}")),
        refusal(NEXT),
        refusal("layers = []"),
        refusal("seed = 1"),
        refusal(&format!("{LAYER}{NEXT}[task]\nlabels = {{ random = 'full-range', shape = [7] }}")),
        refusal(&format!("{LAYER}[task]\nlabels = {{ random = 'full-range', shape = [4] }}")),
        refusal("[[layers]]\na = { random = 'gaussian', shape = [4, 6] }\nb = { random = 'gaussian', shape = [5, 6] }"),
        refusal(&format!("[formats]\naccumulator = 's17'\n{LAYER}")),
        with("[stalls]\na = { random = { probability = 1.5 } }"),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}
