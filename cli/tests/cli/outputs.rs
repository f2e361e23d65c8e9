//! The output tensors of a run, as files: what they hold, who can read them, and that none is left of an earlier run.

use std::fs;
use std::path::Path;
use std::process::Command;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use systole_kernels::gemm::parameters::Parameters;
use systole_kernels::gemm::prepare::prepare;
use systole_kernels::kernel::KernelParameters;
use systole_kernels::systolic::prepare::PreparedLayer;

use crate::python::python_for_test;
use crate::support::{Desk, SMALL, names};

/// Two layers with an output of 8 bits, the second with a row of real values only.
const CHAIN: &str = r#"kernel = "gemm"
array = { rows = 4, columns = 3 }

[[layers]]
a = { random = "gaussian", shape = [6, 7] }
b = { random = "gaussian", shape = [7, 5] }
relu = true

[[layers]]
b = { random = "uniform", shape = [5, 4] }
"#;

fn run(desk: &Desk, options: &[&str]) -> Value {
    desk.systole(&[&["run", "config.toml", "--out", "result", "--quiet"], options].concat()).assert().success();
    serde_json::from_slice(&fs::read(desk.path("result/report.json")).unwrap()).unwrap()
}

/// What the golden model has for a GEMM configuration without files.
fn golden(config: &str) -> Vec<PreparedLayer> {
    let mut table: toml::Table = config.parse().unwrap();
    table.remove("kernel");
    let parameters = Parameters::read(table).unwrap();
    prepare(&parameters, &parameters.hardware(&[]).unwrap(), Vec::new()).unwrap()
}

/// Runs a Python program in the desk's folder; its output has to be JSON.
fn python(python: &Path, desk: &Desk, program: &str) -> Value {
    let output = Command::new(python).current_dir(desk.path("")).args(["-c", program]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn python_reads_the_golden_tensors_from_both_kinds_of_files() {
    let Some(interpreter) = python_for_test() else { return };
    let desk = Desk::with(CHAIN);
    run(&desk, &["--npy"]);
    let program = r#"
import json, numpy
from safetensors import safe_open
from safetensors.numpy import load_file
held = load_file("result/outputs.safetensors")
for name, array in held.items():
    loaded = numpy.load(f"result/{name}.npy")
    assert loaded.dtype == array.dtype and (loaded == array).all(), name
with safe_open("result/outputs.safetensors", "numpy") as file:
    described = json.loads(file.metadata()["outputs"])
# Real numbers as their bits, so that no decimal form comes between.
exact = lambda array: array.view(numpy.uint64) if array.dtype == numpy.float64 else array
print(json.dumps({"arrays": {name: [str(array.dtype), exact(array).tolist()] for name, array in held.items()}, "described": described}))
"#;
    let read = python(interpreter, &desk, program);
    let layers = golden(CHAIN);
    assert_eq!(read["arrays"].as_object().unwrap().len(), 2 * layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let rows = |value: &dyn Fn(i64) -> Value| -> Value {
            layer.expected.rows().into_iter().map(|row| row.iter().map(|&raw| value(raw)).collect::<Value>()).collect()
        };
        let name = format!("layer{index}.c");
        assert_eq!(read["arrays"][format!("{name}.raw")], json!(["int8", rows(&|raw| raw.into())]));
        assert_eq!(read["arrays"][&name], json!(["float64", rows(&|raw| (raw as f64 * layer.output_scale).to_bits().into())]));
        assert_eq!([&read["described"][index]["name"], &read["described"][index]["format"]], [&name, "s8"]);
    }
}

#[test]
fn the_report_names_the_outputs_and_their_files() {
    let desk = Desk::with(CHAIN);
    let report = run(&desk, &[]);
    assert_eq!(report["output_files"], json!(["outputs.safetensors"]));
    assert_eq!(report["outputs"][1]["name"], "layer1.c");
    assert_eq!(report["outputs"][1]["shape"], json!([6, 4]));
    let entry = report["numerics"]["quantization"].as_array().unwrap().iter().find(|entry| entry["tensor"] == "layer 1 c").unwrap();
    assert_eq!([&report["outputs"][1]["format"], &report["outputs"][1]["scale"]], [&entry["format"], &entry["scale"]]);
    let stdout = desk.systole(&["run", "config.toml", "--npy"]).output().unwrap().stdout;
    let stdout = String::from_utf8(stdout).unwrap();
    for line in ["outputs: out/config/outputs.safetensors", "outputs: out/config/layer0.c.raw.npy", "outputs: out/config/layer1.c.npy"] {
        assert!(stdout.lines().any(|printed| printed == line), "{line} is not in {stdout}");
    }
}

#[test]
fn outputs_of_an_earlier_run_go_away() {
    let desk = Desk::with(CHAIN);
    run(&desk, &["--npy"]);
    let npy = ["layer0.c.npy", "layer0.c.raw.npy", "layer1.c.npy", "layer1.c.raw.npy"];
    assert_eq!(names(&desk.path("result")), [&npy, ["outputs.safetensors", "report.json"].as_slice()].concat());
    run(&desk, &[]);
    assert_eq!(names(&desk.path("result")), ["outputs.safetensors", "report.json"]);
    desk.systole(&["run", "config.toml", "--out", "result", "--cycle-limit", "9"]).assert().code(4);
    assert_eq!(names(&desk.path("result")), [""; 0]);
}

#[test]
fn outputs_that_cannot_be_written_take_the_report_with_them() {
    let desk = Desk::with(SMALL);
    fs::create_dir_all(desk.path("result/layer0.c.npy")).unwrap();
    let output = desk.systole(&["run", "config.toml", "--out", "result", "--npy"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("layer0.c.npy"));
    assert_eq!(names(&desk.path("result")), ["layer0.c.npy"]);
}

/// Name, element type and shape of everything in `outputs.safetensors`, in the order of names.
fn held(desk: &Desk) -> Vec<(String, Dtype, Vec<usize>)> {
    let bytes = fs::read(desk.path("result/outputs.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut held: Vec<_> = file.iter().map(|(name, view)| (name.to_string(), view.dtype(), view.shape().to_vec())).collect();
    held.sort_by(|a, b| a.0.cmp(&b.0));
    held
}

fn entry(name: &str, dtype: Dtype, shape: [usize; 2]) -> (String, Dtype, Vec<usize>) {
    (name.into(), dtype, shape.into())
}

#[test]
fn every_kernel_gives_its_outputs() {
    let desk = Desk::with("");
    let run = |config: &str| {
        desk.write("config.toml", config.as_bytes());
        run(&desk, &[]);
        held(&desk)
    };

    let head = "[[heads]]\nq = { random = 'gaussian', shape = [3, 4] }\nk = { random = 'gaussian', shape = [5, 4] }\nv = { random = 'gaussian', shape = [5, 4] }\n";
    let heads = run(&format!("kernel = 'attention'\n{head}{head}"));
    let of = |head: usize| {
        [entry(&format!("head{head}.output"), Dtype::F64, [3, 4]), entry(&format!("head{head}.output.raw"), Dtype::I16, [3, 4])]
    };
    assert_eq!(heads, [of(0), of(1)].concat());

    let weights = "weights = { random = 'gaussian', shape = [8, 5] }\n";
    let pairs = run(&format!("kernel = 'sparsify'\nlanes = 2\npattern = '2:4'\n{weights}"));
    let pruned = [entry("weights.pruned", Dtype::F64, [8, 5]), entry("weights.pruned.raw", Dtype::I8, [8, 5])];
    let values = [entry("weights.values", Dtype::F64, [4, 5]), entry("weights.values.raw", Dtype::I8, [4, 5])];
    assert_eq!(pairs, [&[entry("weights.indices.raw", Dtype::U8, [4, 5])], pruned.as_slice(), &values].concat());
    let masks = run(&format!("kernel = 'sparsify'\nmethod = 'transposable'\n{weights}"));
    assert_eq!(masks, [&[entry("weights.masks.raw", Dtype::U16, [2, 2])], pruned.as_slice()].concat());

    let step = run(
        "kernel = 'sparse-training'\npattern = '2:4'\narray = { rows = 4, columns = 4 }\nx = { random = 'gaussian', shape = [4, 8] }\n\
                    w = { random = 'gaussian', shape = [8, 4] }\ndy = { random = 'gaussian', shape = [4, 4] }\n",
    );
    let names: Vec<&str> = step.iter().map(|(name, ..)| name.as_str()).filter(|name| !name.ends_with(".raw")).collect();
    assert_eq!(names, ["dw", "dx", "dx_dense", "y", "y_dense"]);
    assert_eq!(step[0], entry("dw", Dtype::F64, [8, 4]));

    let layer = "kernel = 'sparse-gemm'\narray = { rows = 4, columns = 4 }\n[[layers]]\nname = 'up'\npatterns = ['dense', '2:4']\n\
                 a = { random = 'gaussian', shape = [4, 8] }\nb = { random = 'gaussian', shape = [8, 4] }\n";
    let names: Vec<String> = run(layer).into_iter().map(|(name, ..)| name).filter(|name| !name.ends_with(".raw")).collect();
    assert_eq!(names, ["up_2-4.c", "up_dense.c"]);
}
