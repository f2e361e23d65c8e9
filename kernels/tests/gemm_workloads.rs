//! GEMM configurations from text to golden results, without hardware: the shipped ones work, wrong ones are refused with a remedy.

mod files;

use std::path::Path;

use systole_kernels::common::errors::{accuracy, measure};
use systole_kernels::gemm::parameters::Parameters;
use systole_kernels::gemm::prepare::{prepare, tensor_sources};
use systole_kernels::kernel::{ConfigError, KernelParameters};
use systole_kernels::systolic::prepare::PreparedLayer;

fn read(text: &str) -> Result<Parameters, ConfigError> {
    Parameters::read(text.parse().expect("the test's TOML is well formed"))
}

fn layers(config: &str) -> Vec<PreparedLayer> {
    let mut table = files::config(config);
    table.remove("kernel");
    let parameters = Parameters::read(table).unwrap();
    let load = |source: &systole_kernels::common::source::TensorSource| {
        Some(files::tensor(source.file.as_ref()?, source.tensor.as_ref().expect("the shipped configurations name every tensor")))
    };
    let tensors = tensor_sources(&parameters).into_iter().filter_map(|(_, source)| load(source)).collect();
    prepare(&parameters, &parameters.hardware(&[]).unwrap(), tensors).unwrap()
}

/// The error of a configuration with random tensors, from reading it or from preparing its data.
fn refusal(text: &str) -> String {
    let error = match read(text) {
        Ok(parameters) => prepare(&parameters, &parameters.hardware(&[]).unwrap(), Vec::new()).expect_err("the configuration is refused"),
        Err(error) => error,
    };
    error.to_string()
}

const LAYER: &str = "[[layers]]\na = { random = 'gaussian', shape = [4, 6] }\nb = { random = 'gaussian', shape = [6, 5] }\n";

#[test]
fn the_digits_network_in_int8_is_as_accurate_as_in_floating_point() {
    let last = &layers("digits.toml")[1];
    let labels = last.labels.as_ref().unwrap();
    let (float, int8) = (accuracy(last.reference.view(), labels), accuracy(last.expected.view(), labels));
    assert!((float - 0.9806).abs() < 1e-4, "{float}");
    assert!((float - int8).abs() <= 0.005, "int8 {int8}, float {float}");
}

#[test]
fn the_real_projection_in_int8_stays_near_floating_point() {
    let layers = layers("gemm.toml");
    let layer = &layers[0];
    let errors = measure(layer.expected.mapv(|raw| raw as f64 * layer.output_scale).view(), layer.reference.view());
    assert!(errors.rms < 0.01 * errors.reference_max_abs, "{errors:?}");
    let stored = files::tensor(Path::new("../data/minilm/proj_query_layer3.safetensors"), "y");
    let stored = stored.values.into_dimensionality().unwrap();
    assert!(measure(layer.reference.view(), stored.view()).max_abs < 1e-5);
}

#[test]
fn all_dataflows_have_the_same_golden_result() {
    let [ws, os, is] = ["gemm.toml", "gemm-os.toml", "gemm-is.toml"].map(layers);
    assert_eq!(ws[0].expected, os[0].expected);
    assert_eq!(ws[0].expected, is[0].expected);
}

#[test]
fn fixed_point_is_within_the_rounding_of_its_operands() {
    let layers = layers("gemm-fixed.toml");
    let layer = &layers[0];
    assert_eq!(layer.output_scale, 0.0625);
    let errors = measure(layer.expected.mapv(|raw| raw as f64 * layer.output_scale).view(), layer.reference.view());
    // 29 products, each off by half a sixteenth of one operand and of the other, Gaussian and at most 1 large, and one rounding.
    assert!(errors.max_abs < 29.0 / 32.0 * 2.0 && errors.max_abs > 0.0, "{errors:?}");
}

#[test]
fn a_configuration_reads_back_as_it_was_written_with_its_defaults() {
    let parameters = read(LAYER).unwrap();
    let text = toml::to_string(&parameters).unwrap();
    assert_eq!(read(&text).unwrap(), parameters);
}

#[test]
fn wrong_keys_and_values_are_refused_with_a_remedy() {
    let with = |text: &str| refusal(&format!("{text}\n{LAYER}"));
    let messages = [
        with("[array]\nrws = 8"),
        with("[array]\nrows = 'eight'"),
        with("[array]\nrows = 0"),
        with("[array]\ncolumns = 1000"),
        with("[array]\nbuffer_rows = 8"),
        with("[array]\ndataflow = 'row-stationary'"),
        with("[formats]\na = 'int8'"),
        with("[formats]\na = 's1'"),
        with("[formats]\nb = 'u8'"),
        with("[formats]\naccumulator = 's12'"),
        with("[formats]\na = 'q4.4'\nb = 'q4.4'\naccumulator = 'q12.4'\noutput = 'accumulator'"),
        with("[formats]\noutput = 'q4.4'"),
        with("[formats]\noutput = 's40'"),
        with("[formats]\noutput = 'accumulators'"),
        with("[formats]\naccumulator = 's17'"),
        with("[stalls]\na = { random = { probability = 1.5 } }"),
        with("[stalls]\nc = { bursts = { on = 0, off = 1 } }"),
        refusal("layers = []"),
        refusal("seed = 1"),
        refusal("[[layers]]\nb = { random = 'gaussian', shape = [6, 5] }"),
        refusal("[[layers]]\na = { shape = [4, 6] }\nb = { random = 'gaussian', shape = [6, 5] }"),
        refusal("[[layers]]\na = { random = 'gaussian', shape = [4, 6] }\nb = { random = 'gaussian', shape = [5, 6] }"),
        refusal("[[layers]]\na = { random = 'gaussian', shape = [4] }\nb = { random = 'gaussian', shape = [5, 6] }"),
        refusal(&format!("{LAYER}bias = {{ random = 'gaussian', shape = [6] }}")),
        refusal(&format!("{LAYER}output_scale = 1e30")),
        refusal(&format!("{LAYER}{LAYER}")),
        refusal(&format!("[formats]\noutput = 's16'\n{LAYER}[[layers]]\nb = {{ random = 'gaussian', shape = [5, 3] }}")),
        refusal(&format!("{LAYER}[task]\nlabels = {{ random = 'full-range', shape = [4] }}")),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}
