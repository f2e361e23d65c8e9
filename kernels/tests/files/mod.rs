//! Reading the shipped configurations and tensors, as the command line does.

use std::path::{Path, PathBuf};

use half::f16;
use ndarray::{ArrayD, IxDyn};
use safetensors::{Dtype, SafeTensors};
use systole_kernels::common::tensor::Tensor;

/// The folder of the shipped configurations.
pub fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs")
}

/// A shipped configuration.
pub fn config(name: &str) -> toml::Table {
    std::fs::read_to_string(configs().join(name)).unwrap().parse().unwrap()
}

/// A tensor of a file that a configuration names.
pub fn tensor(file: &Path, name: &str) -> Tensor {
    let file = configs().join(file);
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let view = tensors.tensor(name).unwrap();
    let (values, integer): (Vec<f64>, bool) = match view.dtype() {
        Dtype::F16 => (view.data().chunks(2).map(|b| f16::from_le_bytes(b.try_into().unwrap()).into()).collect(), false),
        Dtype::F32 => (view.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(), false),
        Dtype::U8 => (view.data().iter().map(|&b| b.into()).collect(), true),
        other => panic!("{other:?} does not occur in the data"),
    };
    Tensor { values: ArrayD::from_shape_vec(IxDyn(view.shape()), values).unwrap(), integer }
}
