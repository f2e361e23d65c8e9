use std::path::PathBuf;

use half::{bf16, f16};
use ndarray::arr2;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;

use super::*;

struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> &Files {
        fs::write(self.0.path().join(name), bytes).unwrap();
        self
    }

    fn load(&self, file: &str, tensor: Option<&str>) -> Result<Tensor, ConfigError> {
        let request = TensorRequest { key: "a".into(), file: PathBuf::from(file), tensor: tensor.map(str::to_string) };
        load(&request, self.0.path())
    }

    fn refusal(&self, file: &str, tensor: Option<&str>) -> String {
        self.load(file, tensor).expect_err("the tensor is refused").to_string()
    }
}

fn safetensors_of(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let view = |name| (name, TensorView::new(dtype, shape.to_vec(), bytes).unwrap());
    safetensors::serialize([view("weight"), view("bias")], None).unwrap()
}

fn npy(header: &str, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), bytes].concat()
}

fn bytes_of<const N: usize, T>(values: &[T], to_bytes: impl Fn(&T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(to_bytes).collect()
}

#[test]
fn every_accepted_element_type_is_read_exactly() {
    let cases = [
        (Dtype::F32, bytes_of(&[1.5f32, -2.0], |x| x.to_le_bytes()), false),
        (Dtype::F64, bytes_of(&[1.5f64, -2.0], |x| x.to_le_bytes()), false),
        (Dtype::F16, bytes_of(&[1.5, -2.0].map(f16::from_f32), |x| x.to_le_bytes()), false),
        (Dtype::BF16, bytes_of(&[1.5, -2.0].map(bf16::from_f32), |x| x.to_le_bytes()), false),
    ];
    for (dtype, bytes, integer) in cases {
        let files = Files::new();
        let tensor = files.write("x.safetensors", &safetensors_of(dtype, &[1, 2], &bytes)).load("x.safetensors", Some("weight")).unwrap();
        assert_eq!(tensor, Tensor { values: arr2(&[[1.5, -2.0]]).into_dyn(), integer });
    }
    let integers = [
        (Dtype::I8, vec![0x80, 0x7f], [-128.0, 127.0]),
        (Dtype::U8, vec![0x80, 0x7f], [128.0, 127.0]),
        (Dtype::I16, bytes_of(&[-3i16, 300], |x| x.to_le_bytes()), [-3.0, 300.0]),
        (Dtype::U16, bytes_of(&[65535u16, 0], |x| x.to_le_bytes()), [65535.0, 0.0]),
        (Dtype::I32, bytes_of(&[i32::MIN, 5], |x| x.to_le_bytes()), [f64::from(i32::MIN), 5.0]),
        (Dtype::U32, bytes_of(&[u32::MAX, 5], |x| x.to_le_bytes()), [f64::from(u32::MAX), 5.0]),
        (Dtype::I64, bytes_of(&[-(1i64 << 53), 5], |x| x.to_le_bytes()), [-9007199254740992.0, 5.0]),
        (Dtype::U64, bytes_of(&[1u64 << 53, 5], |x| x.to_le_bytes()), [9007199254740992.0, 5.0]),
    ];
    for (dtype, bytes, expected) in integers {
        let files = Files::new();
        let tensor = files.write("x.safetensors", &safetensors_of(dtype, &[1, 2], &bytes)).load("x.safetensors", Some("bias")).unwrap();
        assert_eq!(tensor, Tensor { values: arr2(&[expected]).into_dyn(), integer: true });
    }
}

#[test]
fn npy_files_are_read_in_both_orders_of_indices_and_bytes() {
    let files = Files::new();
    let values = [1i16, 2, 3, 4, 5, 6];
    let big = bytes_of(&values, |x| x.to_be_bytes());
    files.write("c.npy", &npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }\n", &big));
    files.write("f.npy", &npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n", &bytes_of(&values, |x| x.to_le_bytes())));
    let (c, f) = (files.load("c.npy", None).unwrap(), files.load("f.npy", None).unwrap());
    assert_eq!(c.values, arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).into_dyn());
    assert_eq!(f.values, arr2(&[[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]).into_dyn());
    assert!(f.values.is_standard_layout(), "row-major whatever the file's order");
    assert!(c.integer);
}

#[test]
fn a_missing_tensor_is_answered_with_the_nearest_and_the_list() {
    let files = Files::new();
    files.write("x.safetensors", &safetensors_of(Dtype::I8, &[2], &[1, 2]));
    let message = files.refusal("x.safetensors", Some("wieght"));
    assert!(
        message.starts_with("`a.tensor`") && message.contains("did you mean `weight`?") && message.contains("bias, weight"),
        "{message}"
    );
    let message = files.refusal("x.safetensors", None);
    assert!(message.contains("holds 2 tensors") && message.contains("bias, weight"), "{message}");
}

#[test]
fn what_is_no_tensor_file_is_refused() {
    let files = Files::new();
    fs::create_dir(files.0.path().join("folder.npy")).unwrap();
    files.write("notes.txt", b"1 2 3").write("text.npy", b"1 2 3").write("text.safetensors", b"1 2 3");
    assert!(files.refusal("absent.safetensors", None).contains("cannot read"));
    assert!(files.refusal("notes.txt", None).contains("accepted: .safetensors, .npy"));
    assert!(files.refusal("folder.npy", None).contains("is a folder"));
    assert!(files.refusal("text.npy", None).contains("NumPy's mark"));
    assert!(files.refusal("text.safetensors", None).contains("not a whole .safetensors file"));
    files.write("one.npy", &npy("{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", &[1, 2]));
    assert!(files.refusal("one.npy", Some("a")).starts_with("`a.tensor`"));
}

#[test]
fn values_that_are_not_finite_or_not_exact_are_refused() {
    let files = Files::new();
    for (name, value) in [("nan", f32::NAN), ("inf", f32::NEG_INFINITY)] {
        files.write("x.safetensors", &safetensors_of(Dtype::F32, &[2], &bytes_of(&[1.0, value], |x| x.to_le_bytes())));
        let message = files.refusal("x.safetensors", Some("bias"));
        assert!(message.to_lowercase().contains(name) && message.contains("element 1"), "{message}");
    }
    files.write("x.safetensors", &safetensors_of(Dtype::I64, &[1], &((1i64 << 53) + 1).to_le_bytes()));
    assert!(files.refusal("x.safetensors", Some("bias")).contains("53 bits"));
    files.write("x.safetensors", &safetensors_of(Dtype::BOOL, &[1], &[1]));
    assert!(files.refusal("x.safetensors", Some("bias")).contains("accepted: F16"));
}

#[test]
fn headers_that_claim_too_much_are_refused_without_allocating() {
    let files = Files::new();
    for shape in ["(18446744073709551615, 2)", "(18446744073709551616,)", "(1000000000000,)", "(-1,)", "('a',)", "3"] {
        files.write("x.npy", &npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"), &[0; 8]));
        assert!(files.refusal("x.npy", None).contains("not a usable .npy file"));
    }
    files.write("x.npy", &[b"\x93NUMPY\x02\x00\xff\xff\xff\xff".as_slice(), b"{}"].concat());
    assert!(files.refusal("x.npy", None).contains("does not fit the file"));
    files.write("x.npy", &npy(&"(".repeat(60_000), &[]));
    assert!(files.refusal("x.npy", None).contains("damaged"));
    let mut huge = u64::MAX.to_le_bytes().to_vec();
    huge.extend(b"{}");
    files.write("x.safetensors", &huge);
    assert!(files.refusal("x.safetensors", None).contains("not a whole"));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let files = Files::new();
    let whole = safetensors_of(Dtype::F32, &[2, 3], &[0; 24]);
    for length in 0..whole.len() {
        files.write("x.safetensors", &whole[..length]);
        assert!(files.load("x.safetensors", Some("weight")).is_err(), "{length} of {} bytes", whole.len());
    }
    let whole = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", &[0; 24]);
    for length in 0..whole.len() {
        files.write("x.npy", &whole[..length]);
        assert!(files.load("x.npy", None).is_err(), "{length} of {} bytes", whole.len());
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(position in 0usize..200, byte: u8, value: u8) {
        let files = Files::new();
        for (name, tensor, mut bytes) in [
            ("x.safetensors", Some("weight"), safetensors_of(Dtype::U8, &[2], &[byte, value])),
            ("x.npy", None, npy("{'descr': '<i2', 'fortran_order': False, 'shape': (1,), }", &[byte, value])),
        ] {
            let position = position % bytes.len();
            bytes[position] = value;
            files.write(name, &bytes);
            // Damage to the values themselves goes unnoticed; anything else is a message.
            if let Ok(tensor) = files.load(name, tensor) { prop_assert!(tensor.values.len() <= 2) }
        }
    }
}
