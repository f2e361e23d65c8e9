//! GEMM configurations from text to golden results, without hardware: the shipped ones work, wrong ones are refused with a remedy.

mod files;

use std::path::Path;

use ndarray::ArrayD;
use systole_kernels::common::errors::{accuracy, measure};
use systole_kernels::common::tensor::Tensor;
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
    layers_of(table)
}

fn layers_of(table: toml::Table) -> Vec<PreparedLayer> {
    let parameters = Parameters::read(table).unwrap();
    let load = |source: &systole_kernels::common::source::TensorSource| {
        Some(files::tensor(source.file.as_ref()?, source.tensor.as_ref().expect("the shipped configurations name every tensor")))
    };
    let tensors: Vec<Tensor> = tensor_sources(&parameters).into_iter().filter_map(|(_, source)| load(source)).collect();
    let hardware = parameters.hardware(&tensors).unwrap();
    prepare(&parameters, &hardware, tensors).unwrap()
}

/// The error of a configuration with random tensors, from reading it or from preparing its data.
fn refusal(text: &str) -> String {
    let error = match read(text) {
        Ok(parameters) => parameters
            .hardware(&[])
            .and_then(|hardware| prepare(&parameters, &hardware, Vec::new()))
            .expect_err("the configuration is refused"),
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
        with("[formats]\na = 'q4.4'\nb = 'u8'"),
        with("[formats]\naccumulator = 's12'"),
        with("[formats]\na = 'q4.4'\nb = 'q4.4'\naccumulator = 'q12.4'\noutput = 'accumulator'"),
        with("[formats]\na = 's8'\noutput = 'q4.4'"),
        with("[formats]\noutput = 's40'"),
        with("[formats]\naccumulator = 's60'\noutput = 's41'"),
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
        refusal(&format!("[formats]\na = 's8'\noutput = 's16'\n{LAYER}[[layers]]\nb = {{ random = 'gaussian', shape = [5, 3] }}")),
        refusal(&format!("{LAYER}[task]\nlabels = {{ random = 'full-range', shape = [4] }}")),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

/// The layers of a configuration with an operand A of integers.
fn of_integers(formats: &str, values: Vec<f64>) -> (Vec<PreparedLayer>, Vec<String>) {
    let text = format!("[formats]\n{formats}\n[[layers]]\na = {{ file = 'a.npy' }}\nb = {{ random = 'gaussian', shape = [6, 5] }}");
    let parameters = read(&text).unwrap();
    assert!(parameters.hardware_needs_tensors(), "{formats}");
    let tensors = vec![Tensor { values: ArrayD::from_shape_vec(vec![4, 6], values).unwrap(), integer: true }];
    let hardware = parameters.hardware(&tensors).unwrap();
    let (_, chosen) = parameters.filled_in(&hardware);
    (prepare(&parameters, &hardware, tensors).unwrap(), chosen.iter().map(ToString::to_string).collect())
}

fn saturated(layer: &PreparedLayer) -> u64 {
    layer.quantization.iter().map(|entry| entry.saturated).sum()
}

#[test]
fn bytes_get_a_format_that_holds_them_unless_another_is_stated() {
    // Of 24 numbers 16 are above 127.
    let bytes = || (0..24).map(|i| f64::from(i * 11)).map(|byte| if byte < 88.0 { byte } else { byte.max(128.0) }).collect::<Vec<f64>>();
    let (layers, chosen) = of_integers("", bytes());
    assert_eq!(chosen, ["formats.a = \"u8\"", "formats.b = \"s8\"", "formats.accumulator = \"s32\"", "formats.output = \"s8\""]);
    assert_eq!((saturated(&layers[0]), layers[0].warnings.len()), (0, 0));

    let (layers, _) = of_integers("a = 's8'", bytes());
    let [warning] = &layers[0].warnings[..] else { panic!("{:?}", layers[0].warnings) };
    let said = "layers[0].a: 16 of 24 elements saturate in s8, off by up to 126 where the largest is 253; set formats.a = \"u8\"";
    assert_eq!(warning.to_string(), said);
    assert_eq!(of_integers("b = 'u8'", vec![-3000.0; 24]).1[0], "formats.a = \"s16\"");
}

#[test]
fn an_output_scale_that_is_too_small_is_warned_of_with_the_one_that_fits() {
    let with_scale = |scale: &str| {
        let mut table = files::config("digits.toml");
        table.remove("kernel");
        table["layers"][0].as_table_mut().unwrap().insert("output_scale".into(), scale.parse::<toml::Value>().unwrap());
        layers_of(table).remove(0)
    };
    let layer = with_scale("0.03");
    let warning = layer.warnings.first().expect("a smaller scale than the shipped one saturates");
    assert_eq!((warning.subject(), warning.count()), ("layers[0].c", saturated(&layer)));
    let remedy = warning.remedy().unwrap();
    assert_eq!(remedy.key(), "layers[0].output_scale");
    assert_eq!(saturated(&with_scale(remedy.value())), 0, "{remedy}");
}

#[test]
fn fixed_point_that_saturates_is_warned_of_with_the_format_that_does_not() {
    let text = |a: &str| format!("[formats]\na = '{a}'\nb = 'q4.4'\noutput = 'q4.4'\n{LAYER}");
    let warnings = |a: &str| {
        let parameters = read(&text(a)).unwrap();
        prepare(&parameters, &parameters.hardware(&[]).unwrap(), Vec::new()).unwrap().remove(0).warnings
    };
    let narrow = warnings("q1.7");
    let remedy = narrow.iter().find(|warning| warning.subject() == "layers[0].a").unwrap().remedy().unwrap().clone();
    assert_eq!(remedy.key(), "formats.a");
    assert!(warnings(remedy.value().trim_matches('"')).iter().all(|warning| warning.subject() != "layers[0].a"), "{remedy}");
}
