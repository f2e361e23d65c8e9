//! Attention configurations from text to golden results, without hardware: the shipped ones work, wrong ones are refused with a remedy.

mod files;

use std::path::Path;

use ndarray::Ix2;
use systole_hdl::Type;
use systole_kernels::attention::formats::Formats;
use systole_kernels::attention::parameters::{Parameters, Variant};
use systole_kernels::attention::prepare::{PreparedHead, Shape, Workload, prepare, tensor_sources};
use systole_kernels::common::errors::measure;
use systole_kernels::kernel::{ConfigError, KernelParameters};
use systole_kernels::report::Warning;

fn read(text: &str) -> Result<Parameters, ConfigError> {
    Parameters::read(text.parse().expect("the test's TOML is well formed"))
}

fn workload(mut table: toml::Table) -> Workload {
    table.remove("kernel");
    let parameters = Parameters::read(table).unwrap();
    let sources = tensor_sources(&parameters);
    let files = sources.iter().filter_map(|(_, source)| Some((source.file.as_ref()?, source.tensor.as_ref()?)));
    prepare(&parameters, files.map(|(file, tensor)| files::tensor(file, tensor)).collect()).unwrap()
}

/// The largest error of a head, as a fraction of its largest value.
fn relative_error(head: &PreparedHead) -> f64 {
    head.errors().max_abs / head.largest_value
}

fn saturated(head: &PreparedHead) -> u64 {
    head.quantization.iter().map(|entry| entry.saturated).sum()
}

/// The error of a configuration with random tensors, from reading it or from preparing its data.
fn refusal(text: &str) -> String {
    let error = match read(text) {
        Ok(parameters) => prepare(&parameters, Vec::new()).expect_err("the configuration is refused"),
        Err(error) => error,
    };
    error.to_string()
}

fn head([rows, keys, elements]: [usize; 3]) -> String {
    format!(
        "[[heads]]\nq = {{ random = 'gaussian', shape = [{rows}, {elements}] }}\nk = {{ random = 'gaussian', shape = [{keys}, {elements}] }}\n\
         v = {{ random = 'gaussian', shape = [{keys}, {elements}] }}\n"
    )
}

#[test]
fn the_real_heads_stay_within_a_thousandth_under_every_shipped_mask() {
    for config in ["attention.toml", "attention-causal.toml", "attention-window.toml"] {
        let workload = workload(files::config(config));
        assert_eq!((workload.shape, workload.heads.len()), (Shape { rows: 128, keys: 128, head_dimension: 32 }, 4));
        for (index, head) in workload.heads.iter().enumerate() {
            assert_eq!(saturated(head), 0, "{config}, head {index}: {:?}", head.quantization);
            assert!(relative_error(head) < 1e-3, "{config}, head {index}: {}", relative_error(head));
        }
    }
}

#[test]
fn the_reference_is_what_the_model_computes() {
    let workload = workload(files::config("attention.toml"));
    for (head, name) in workload.heads.iter().zip(["layer0.head2", "layer0.head7", "layer3.head8", "layer3.head11"]) {
        let stored = files::tensor(Path::new("../data/minilm/attention_s128.safetensors"), &format!("{name}.o_model"));
        let stored = stored.values.into_dimensionality::<Ix2>().unwrap();
        assert!(measure(head.reference.view(), stored.view()).max_abs < 1e-6, "{name}");
    }
}

#[test]
fn every_variant_is_near_double_precision_under_every_mask() {
    for variant in ["naive", "stable", "deferred", "memory-free"] {
        let weight = if variant == "naive" { "uq8.16" } else { "uq1.16" };
        for mask in ["'none'", "'causal'", "{ sinks = 2, window = 20 }"] {
            let text = format!("variant = '{variant}'\nmask = {mask}\n[formats]\nweight = '{weight}'\nvalue = 'q4.14'\noutput = 'q4.14'\n");
            let workload = workload((text + &head([64, 64, 16])).parse().unwrap());
            let head = &workload.heads[0];
            assert_eq!(saturated(head), 0, "{variant} {mask}: {:?}", head.quantization);
            let error = relative_error(head);
            assert!(error < 1e-3 && error > 0.0, "{variant} {mask}: {error:e}");
        }
    }
}

#[test]
fn the_small_configuration_is_prepared_with_its_own_shapes() {
    let workload = workload(files::config("attention-small.toml"));
    let head = &workload.heads[0];
    assert_eq!((head.q.dim(), head.k.dim(), head.v.dim(), head.expected.dim()), ((7, 4), (12, 4), (12, 4), (7, 4)));
    assert!(relative_error(head) < 0.02, "{}", relative_error(head));
}

#[test]
fn queries_are_scaled_for_powers_of_two() {
    let workload = workload(format!("formats = {{ query = 'q3.13' }}\n{}", head([3, 5, 4])).parse().unwrap());
    let head = &workload.heads[0];
    // A unit of a query in q3.13 stands for this much of the unscaled query.
    let unit = 2f64.powi(-13) / (std::f64::consts::LOG2_E / 2.0);
    assert!((head.quantization[0].scale / unit - 1.0).abs() < 1e-12, "{:?}", head.quantization[0]);
}

#[test]
fn a_configuration_reads_back_as_it_was_written_with_its_defaults() {
    for text in ["", "mask = 'causal'\n", "mask = { sinks = 0, window = 3 }\n"] {
        let parameters = read(&format!("{text}{}", head([3, 3, 2]))).unwrap();
        assert_eq!(parameters.variant, Variant::MemoryFree);
        assert_eq!(read(&toml::to_string(&parameters).unwrap()).unwrap(), parameters);
    }
}

#[test]
fn the_schema_knows_every_form_of_a_mask() {
    let schema = serde_json::to_string(&schemars::schema_for!(Parameters)).unwrap();
    for part in ["causal", "sinks", "memory-free", "table_bits"] {
        assert!(schema.contains(part), "{part}");
    }
}

#[test]
fn wrong_keys_and_values_are_refused_with_a_remedy() {
    let with = |text: &str| refusal(&format!("{text}\n{}", head([4, 6, 2])));
    let messages = [
        with("variant = 'memory-fre'"),
        with("variant = 'flash'"),
        with("rows_in_parallel = 0"),
        with("rows_in_parallel = 17"),
        with("division = 'parallel'\nhead_dimension = 'series'"),
        with("division = 'parallel'\nvariant = 'stable'"),
        with("mask = 'casual'"),
        with("mask = 3"),
        with("mask = { sinks = 4 }"),
        with("mask = { sink = 4, window = 3 }"),
        with("mask = { sinks = 4, window = 0 }"),
        with("mask = { sinks = 4, window = 3 }"),
        refusal(&format!("mask = 'causal'\n{}", head([6, 4, 2]))),
        with("[formats]\nquery = 's8'"),
        with("[formats]\nkey = 'q20.20'"),
        with("[formats]\nscore = 'q4.4.4'"),
        with("[formats]\nscore = 'q3.29'"),
        with("[formats]\nweight = 'q1.16'"),
        with("[formats]\nweight = 'uq0.16'"),
        with("[formats]\nsum_fraction = 10"),
        with("[formats]\nsum_fraction = 41"),
        with("[formats]\nsum_fraction = 40\nvalue = 'q4.20'"),
        with("variant = 'naive'\n[formats]\nsum_fraction = 40\nvalue = 'q4.20'"),
        with("variant = 'deferred'\n[formats]\nvalue = 'q23.1'\nweight = 'uq1.23'\noutput = 'q2.22'"),
        with("[formats]\nvalue = 'q20.4'\nweight = 'uq1.23'\nsum_fraction = 23"),
        with("[exp]\ntable_bits = 13"),
        with("[exp]\ndegree = 4"),
        with("[fifos]\ndepth = 0"),
        with("[fifos]\nlong = 10"),
        with("[latency]\ndivide = 0"),
        with("[stalls]\nk = { random = { probability = 1.5 } }"),
        refusal("heads = []"),
        refusal("seed = 1"),
        refusal(&head([4, 6, 2]).replacen("[6, 2]", "[6, 3]", 1)),
        refusal(&head([4, 6, 2]).replace("v = { random = 'gaussian', shape = [6, 2]", "v = { random = 'gaussian', shape = [5, 2]")),
        refusal(&head([4, 6, 2]).replacen("[4, 2]", "[4]", 1)),
        refusal(&(head([4, 6, 2]) + &head([4, 6, 3]))),
        with("lengths = [0]"),
        with("lengths = [7]"),
        with("lengths = [6, 6]"),
        refusal(&(head([4, 6, 2]) + "length = 0")),
        refusal(&(head([4, 6, 2]) + "length = 7")),
        refusal(&("lengths = [6]\n".to_string() + &head([4, 6, 2]) + "length = 6")),
        refusal(&(head([4, 6, 2]) + "mask = []")),
        refusal(&(head([4, 6, 2]) + "mask = [true, false]")),
        refusal(&(head([4, 6, 2]) + "mask = [1, 2, 1, 1, 1, 1]")),
        refusal(&(head([4, 6, 2]) + "mask = 'causal'")),
        refusal(&(head([4, 6, 2]) + "mask = { random = 'gaussian', shape = [6] }")),
        refusal(&(head([4, 6, 2]) + "mask = { file = 'mask.npy', scale = 2 }")),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

/// A real head with queries twice as large, which go beyond `q3.13`.
fn large_head(formats: &str) -> String {
    let part = |part: &str, scale: f64| {
        format!("{part} = {{ file = '../data/minilm/attention_s128.safetensors', tensor = 'layer0.head2.{part}', scale = {scale:?} }}\n")
    };
    format!("formats = {{ {formats} }}\n[[heads]]\n{}{}{}", part("q", 2.0), part("k", 1.0), part("v", 1.0))
}

#[test]
fn formats_left_out_are_chosen_so_that_nothing_saturates() {
    let workload = workload(large_head("").parse().unwrap());
    let Formats { query, key, value, score, output, .. } = workload.formats;
    assert_eq!([query, key, value, output], [Type::q(4, 12), Type::q(5, 11), Type::q(2, 14), Type::q(2, 14)]);
    assert_eq!(score, Type::q(9, 11), "scores of twice 63 need a bit more than those of 63");
    assert_eq!((saturated(&workload.heads[0]), workload.heads[0].warnings.len()), (0, 0));
    assert!(relative_error(&workload.heads[0]) < 1e-3, "{}", relative_error(&workload.heads[0]));
}

#[test]
fn a_stated_format_that_saturates_is_warned_of_with_the_one_that_does_not() {
    let head = |formats: &str| workload(large_head(formats).parse().unwrap()).heads.remove(0);
    let mut narrow = head("query = 'q3.13', value = 'q1.15'");
    let output = head("output = 'q1.15'");
    narrow.warnings.extend(output.warnings);
    narrow.quantization[5] = output.quantization[5].clone();
    let subjects: Vec<&str> = narrow.warnings.iter().map(Warning::subject).collect();
    assert_eq!(subjects, ["heads[0].q", "heads[0].v", "heads[0].output"]);
    for (warning, entry) in narrow.warnings.iter().zip(["q", "v", "output"]) {
        let entry = narrow.quantization.iter().find(|quantization| quantization.tensor == entry).unwrap();
        assert_eq!(warning.count(), entry.saturated);
        assert!(warning.effect().is_some_and(|effect| effect.contains("where the largest is")), "{warning}");
    }
    let remedies: Vec<String> = narrow.warnings.iter().map(|warning| warning.remedy().unwrap().to_string()).collect();
    assert_eq!(remedies, ["formats.query = \"q4.12\"", "formats.value = \"q2.14\"", "formats.output = \"q2.14\""]);
    assert_eq!(saturated(&head("query = 'q4.12', value = 'q2.14', output = 'q2.14'")), 0, "the remedies mend it");
}

#[test]
fn scores_and_naive_weights_that_saturate_have_their_own_remedies() {
    let head =
        |formats: &str, variant: &str| workload(format!("variant = '{variant}'\n{}", large_head(formats)).parse().unwrap()).heads.remove(0);
    let remedies = |head: PreparedHead| -> Vec<String> { head.warnings.iter().filter_map(|w| Some(w.remedy()?.to_string())).collect() };
    assert_eq!(remedies(head("score = 'q6.14'", "stable")), ["formats.score = \"q9.11\""]);
    let naive = head("weight = 'uq2.15'", "naive");
    assert!(naive.warnings.iter().any(|warning| warning.subject() == "heads[0].weight" && warning.count() > 0), "{:?}", naive.warnings);
}

/// A head whose mask comes from a file.
fn with_mask_tensor(shape: &[usize], element: f64) -> Result<Workload, ConfigError> {
    let parameters = read(&(head([4, 6, 2]) + "mask = { file = 'mask.npy' }")).unwrap();
    let values = ndarray::ArrayD::from_elem(shape, element);
    prepare(&parameters, vec![systole_kernels::common::tensor::Tensor { values, integer: true }])
}

#[test]
fn a_mask_of_another_shape_or_of_other_numbers_is_refused() {
    assert!(with_mask_tensor(&[6], 1.0).is_ok() && with_mask_tensor(&[4, 6], 0.0).is_ok());
    let shape = with_mask_tensor(&[6, 4], 1.0).unwrap_err().to_string();
    assert!(shape.contains("heads[0].mask") && shape.contains("[6, 4]") && shape.contains("[4, 6]"), "{shape}");
    let number = with_mask_tensor(&[6], 2.0).unwrap_err().to_string();
    assert!(number.contains("has an element 2"), "{number}");
}

#[test]
fn rows_that_attend_to_no_key_are_zeros_and_noted() {
    for variant in ["naive", "stable", "deferred", "memory-free"] {
        let text = format!(
            "variant = '{variant}'\n{}mask = [false, false, false, true, true, true]\n",
            "mask = 'causal'\n".to_string() + &head([6, 6, 2])
        );
        let workload = prepare(&read(&text).unwrap(), Vec::new()).unwrap();
        let head = &workload.heads[0];
        assert!(head.expected.slice(ndarray::s![..3, ..]).iter().all(|&raw| raw == 0), "{variant}");
        assert!(head.expected.slice(ndarray::s![3.., ..]).iter().any(|&raw| raw != 0), "{variant}");
        let notes: Vec<String> = head.warnings.iter().map(ToString::to_string).filter(|note| note.contains("no key")).collect();
        assert_eq!(notes, ["heads[0].weight: 3 of 6 rows attend to no key, and their results are 0"], "{variant}");
    }
}
