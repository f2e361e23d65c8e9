//! Output tensors as files: `outputs.safetensors`, and NumPy's `.npy` on request.
//!
//! A tensor `layer0.c` is written twice: `layer0.c.raw` holds the integers of the hardware in the smallest integer type that has room for
//! their format, `layer0.c` the real values in double precision. What has no scale, such as indices, has integers alone.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use systole_hdl::Type;
use systole_kernels::report::OutputTensor;

use crate::failure::Failure;
use crate::files::NewFile;

/// The safetensors file in an output folder.
pub const OUTPUTS: &str = "outputs.safetensors";

/// The files that hold these tensors; none if there is no tensor.
pub fn files(outputs: &[OutputTensor], npy: bool) -> Result<Vec<NewFile>, Failure> {
    if outputs.is_empty() {
        return Ok(Vec::new());
    }
    let arrays: Vec<Array> = outputs.iter().flat_map(arrays).collect();
    let safetensors = NewFile { name: OUTPUTS.into(), content: safetensors(outputs, &arrays)? };
    Ok([safetensors].into_iter().chain(arrays.iter().filter(|_| npy).map(Array::npy)).collect())
}

/// An array as it lies in a file: row-major, least significant byte first.
struct Array {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// The integers and, where they have a scale, the real values.
fn arrays(output: &OutputTensor) -> Vec<Array> {
    let (dtype, size) = integer_of(output.ty());
    let shape = output.raw().shape().to_vec();
    let raw = Array {
        name: format!("{}.raw", output.name()),
        dtype,
        shape: shape.clone(),
        bytes: output.raw().iter().flat_map(|number| number.to_le_bytes().into_iter().take(size)).collect(),
    };
    let real = output.real().map(|values| Array {
        name: output.name().into(),
        dtype: Dtype::F64,
        shape,
        bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    });
    [Some(raw), real].into_iter().flatten().collect()
}

/// The smallest integer type with room for raw numbers of a hardware type, and its bytes.
fn integer_of(ty: Type) -> (Dtype, usize) {
    match (ty.width(), ty.is_signed()) {
        (..=8, true) => (Dtype::I8, 1),
        (..=8, false) => (Dtype::U8, 1),
        (..=16, true) => (Dtype::I16, 2),
        (..=16, false) => (Dtype::U16, 2),
        (..=32, true) => (Dtype::I32, 4),
        (..=32, false) => (Dtype::U32, 4),
        (_, true) => (Dtype::I64, 8),
        (_, false) => (Dtype::U64, 8),
    }
}

fn safetensors(outputs: &[OutputTensor], arrays: &[Array]) -> Result<Vec<u8>, Failure> {
    let views: Result<Vec<_>, _> =
        arrays.iter().map(|array| Ok((array.name.as_str(), TensorView::new(array.dtype, array.shape.clone(), &array.bytes)?))).collect();
    let described: Vec<_> =
        outputs.iter().map(|output| json!({ "name": output.name(), "format": output.ty().to_string(), "scale": output.scale() })).collect();
    // One entry: the writer takes them in no fixed order, and equal runs write equal files.
    let metadata = HashMap::from([("outputs".to_string(), json!(described).to_string())]);
    views.and_then(|views| safetensors::serialize(views, Some(metadata))).map_err(|error| Failure::defect(&error))
}

impl Array {
    /// The array in NumPy's format, version 1.0.
    fn npy(&self) -> NewFile {
        /// Data begin at a multiple of this.
        const ALIGNMENT: usize = 64;
        let lengths: String = self.shape.iter().map(|length| format!("{length}, ")).collect();
        let dictionary = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descriptor(self.dtype), lengths.trim_end());
        let before = b"\x93NUMPY\x01\x00";
        let end = before.len() + 2 + dictionary.len() + 1;
        let header = format!("{dictionary}{}\n", " ".repeat(end.next_multiple_of(ALIGNMENT) - end));
        let length = u16::try_from(header.len()).expect("few dimensions make a short header").to_le_bytes();
        NewFile { name: format!("{}.npy", self.name), content: [before, length.as_slice(), header.as_bytes(), &self.bytes].concat() }
    }
}

/// NumPy's word for an element type of ours.
fn descriptor(dtype: Dtype) -> String {
    let kind = match dtype {
        Dtype::F64 => 'f',
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => 'u',
        _ => 'i',
    };
    let bytes = dtype.bitsize() / 8;
    format!("{}{kind}{bytes}", if bytes == 1 { '|' } else { '<' })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use ndarray::{Array2, arr2, array};
    use safetensors::SafeTensors;
    use systole_kernels::common::slice::Slice;
    use systole_kernels::common::tensor::Tensor;
    use systole_kernels::kernel::TensorRequest;

    use super::*;
    use crate::tensors::read;

    fn output(ty: Type, scale: Option<f64>) -> OutputTensor {
        OutputTensor::new("layer 0", "c", array![[1, -2, 3], [4, 5, -6]], ty, scale)
    }

    #[test]
    fn integers_take_the_smallest_type_that_has_room_for_their_format() {
        let cases = [(Type::s(4), Dtype::I8), (Type::s(9), Dtype::I16), (Type::q(4, 12), Dtype::I16), (Type::u(8), Dtype::U8)];
        for (ty, dtype) in cases.into_iter().chain([(Type::u(17), Dtype::U32), (Type::s(32), Dtype::I32), (Type::s(33), Dtype::I64)]) {
            assert_eq!(integer_of(ty).0, dtype, "{ty}");
            assert_eq!(integer_of(ty).1 * 8, dtype.bitsize());
        }
    }

    #[test]
    fn a_safetensors_file_holds_integers_and_real_values_and_repeats() {
        let write = || files(&[output(Type::s(12), Some(0.25))], false).ok().unwrap();
        let [file] = &write()[..] else { panic!("one file") };
        assert_eq!(file.name, "outputs.safetensors");
        let held = SafeTensors::deserialize(&file.content).unwrap();
        let raw = held.tensor("layer0.c.raw").unwrap();
        assert_eq!((raw.dtype(), raw.shape(), &raw.data()[..4]), (Dtype::I16, [2, 3].as_slice(), [1, 0, 0xfe, 0xff].as_slice()));
        let real = held.tensor("layer0.c").unwrap();
        assert_eq!((real.dtype(), &real.data()[8..16]), (Dtype::F64, (-0.5f64).to_le_bytes().as_slice()));
        let (_, header) = SafeTensors::read_metadata(&file.content).unwrap();
        let described = &header.metadata().as_ref().unwrap()["outputs"];
        assert_eq!(described, r#"[{"name":"layer0.c","format":"s12","scale":0.25}]"#);
        assert_eq!(write()[0], *file);
    }

    #[test]
    fn what_has_no_scale_is_written_as_integers_alone() {
        let masks = OutputTensor::new("weights", "masks", Array2::zeros((1, 1)), Type::u(16), None);
        let written = files(&[masks], true).ok().unwrap();
        let names: Vec<&str> = written.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["outputs.safetensors", "weights.masks.raw.npy"]);
        assert!(files(&[], true).ok().unwrap().is_empty());
    }

    #[test]
    fn an_npy_file_is_read_again_as_it_was_written() {
        let written = files(&[output(Type::s(8), Some(0.5))], true).ok().unwrap();
        assert_eq!(written[1].name, "layer0.c.raw.npy");
        let request = TensorRequest { key: "a".into(), file: "x.npy".into(), tensor: None, slice: Slice::default() };
        let read = |file: &NewFile| read(Cursor::new(&file.content), Path::new("x.npy"), &request, 100).unwrap();
        let raw = [[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]];
        assert_eq!(read(&written[1]), Tensor { values: arr2(&raw).into_dyn(), integer: true });
        assert_eq!(read(&written[2]), Tensor { values: (arr2(&raw) * 0.5).into_dyn(), integer: false });
        assert_eq!((written[1].content.len() - 6) % 64, 0, "the data are aligned");
    }
}
