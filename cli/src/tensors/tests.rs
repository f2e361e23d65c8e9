use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use half::{bf16, f16};
use ndarray::{arr1, arr2};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use systole_kernels::common::slice::Slice;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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
        self.load_part(file, tensor, Slice::default())
    }

    fn load_part(&self, file: &str, tensor: Option<&str>, slice: Slice) -> Result<Tensor, ConfigError> {
        let request = TensorRequest { key: "a".into(), file: PathBuf::from(file), tensor: tensor.map(str::to_string), slice };
        let folders = Folders { own: self.0.path().to_path_buf(), further: Vec::new() };
        Ok(load_all(&[request], &folders, |_, _| panic!("every file is where it is said to be"))?.remove(0))
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
    let eights = [
        (Dtype::F8_E4M3, vec![0x38, 0xfe, 0x01, 0x80, 0x3c], [1.0, -448.0, 0.001953125, 0.0, 1.5], false),
        (Dtype::F8_E5M2, vec![0x3c, 0xfb, 0x01, 0x80, 0x3e], [1.0, -57344.0, 1.52587890625e-5, 0.0, 1.5], false),
        (Dtype::BOOL, vec![0, 1, 1, 0, 1], [0.0, 1.0, 1.0, 0.0, 1.0], true),
    ];
    for (dtype, bytes, expected, integer) in eights {
        let files = Files::new();
        let tensor = files.write("x.safetensors", &safetensors_of(dtype, &[1, 5], &bytes)).load("x.safetensors", Some("bias")).unwrap();
        assert_eq!(tensor, Tensor { values: arr2(&[expected]).into_dyn(), integer }, "{dtype:?}");
    }
    let files = Files::new();
    files.write("x.npy", &npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1, 2), }", &[1, 0]));
    assert_eq!(files.load("x.npy", None).unwrap(), Tensor { values: arr2(&[[1.0, 0.0]]).into_dyn(), integer: true });
}

/// Every number of both 8-bit formats, against what its bits say one by one.
#[test]
fn eight_bit_floats_have_the_values_of_their_bits() {
    for (dtype, exponent_bits, bias) in [(Dtype::F8_E4M3, 4, 7), (Dtype::F8_E5M2, 5, 15)] {
        let fraction_bits = 7 - exponent_bits;
        for pattern in 0..=255u8 {
            let element = Element::of_safetensors(dtype).unwrap();
            let (exponent, fraction) = (i32::from(pattern & 0x7f) >> fraction_bits, i32::from(pattern) & ((1 << fraction_bits) - 1));
            let top = exponent == (1 << exponent_bits) - 1;
            let odd = if dtype == Dtype::F8_E4M3 { top && fraction == 7 } else { top };
            let scaled = if exponent == 0 { fraction } else { fraction + (1 << fraction_bits) };
            let magnitude = f64::from(scaled) * 2f64.powi(exponent.max(1) - bias - fraction_bits);
            let expected = if pattern > 127 { -magnitude } else { magnitude };
            assert_eq!(element.decode(&[pattern], false).ok(), (!odd).then_some(expected), "{dtype:?} {pattern:#x}");
        }
    }
}

fn npz(entries: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn arrays_of_an_npz_file_are_chosen_by_name() {
    let array = |numbers: &[u8]| npy(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}", numbers.len()), numbers);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let files = Files::new();
        files.write("x.npz", &npz(&[("weight.npy", array(&[1, 2, 3])), ("bias.npy", array(&[7])), ("notes.txt", vec![1])], method));
        assert_eq!(files.load("x.npz", Some("weight")).unwrap().values, arr1(&[1.0, 2.0, 3.0]).into_dyn());
        let message = files.refusal("x.npz", Some("wieght"));
        assert!(message.contains("did you mean `weight`?") && message.contains("the file holds: bias, weight"), "{message}");
        assert!(files.refusal("x.npz", None).starts_with("`a.tensor`"));
        files.write("one.npz", &npz(&[("arr_0.npy", array(&[5, 6]))], method));
        assert_eq!(files.load("one.npz", None).unwrap().shape(), [2]);
    }
}

#[test]
fn a_damaged_array_of_an_npz_file_is_refused_even_beyond_the_part_that_is_wanted() {
    let files = Files::new();
    let array = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1000,), }", &[7; 1000]);
    let whole = npz(&[("x.npy", array)], CompressionMethod::Stored);
    let first = Slice { rows: Some("..1".parse().unwrap()), ..Slice::default() };
    let last = whole.windows(2).rposition(|pair| pair == [7, 7]).unwrap();
    let damaged = [&whole[..last], &[8], &whole[last + 1..]].concat();
    assert_eq!(files.write("x.npz", &whole).load_part("x.npz", None, first.clone()).unwrap().shape(), [1]);
    let message = files.write("x.npz", &damaged).load_part("x.npz", None, first).expect_err("refused").to_string();
    assert!(message.contains("not a usable .npz file"), "{message}");
}

#[test]
fn a_slice_is_read_from_every_kind_of_file() {
    let files = Files::new();
    let bytes: Vec<u8> = (0..24).collect();
    files.write("x.safetensors", &safetensors_of(Dtype::U8, &[2, 3, 4], &bytes));
    let array = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4), }", &bytes);
    files.write("x.npy", &array).write("x.npz", &npz(&[("bias.npy", array)], CompressionMethod::Deflated));
    for (file, tensor) in [("x.safetensors", Some("bias")), ("x.npy", None), ("x.npz", Some("bias"))] {
        let slice = Slice { index: vec![1], rows: Some("1..".parse().unwrap()), columns: Some("1..3".parse().unwrap()) };
        let part = files.load_part(file, tensor, slice).unwrap();
        assert_eq!(part.values, arr2(&[[17.0, 18.0], [21.0, 22.0]]).into_dyn());
        let beyond = Slice { index: vec![2], ..Slice::default() };
        let message = files.load_part(file, tensor, beyond).expect_err("refused").to_string();
        assert!(message.starts_with("`a.index`: 2 is beyond axis 0 of a tensor of shape [2, 3, 4]; 0 to 1"), "{message}");
    }
}

/// A file that says it is large without being it: nothing but its beginning is there to be read.
fn claims(path: &Path, header: &[u8], length: u64) {
    fs::write(path, header).unwrap();
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn a_part_of_a_file_that_is_larger_than_the_memory_is_read() {
    let files = Files::new();
    let rows = 1u64 << 20;
    let header = npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 65536), }}"), &[]);
    claims(&files.0.path().join("x.npy"), &header, header.len() as u64 + 4 * rows * 65536);
    let slice = Slice { rows: Some("1000000..1000002".parse().unwrap()), columns: Some("7..10".parse().unwrap()), ..Slice::default() };
    assert_eq!(files.load_part("x.npy", None, slice).unwrap().values, arr2(&[[0.0; 3]; 2]).into_dyn());
    let message = files.refusal("x.npy", None);
    assert!(message.contains("more than 2^26 = 67108864 elements") && message.contains("`rows`"), "{message}");
}

#[test]
fn all_tensors_together_have_a_limit() {
    let files = Files::new();
    let header = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (67108864,), }", &[]);
    claims(&files.0.path().join("x.npy"), &header, header.len() as u64 + (1 << 26));
    let folders = Folders { own: files.0.path().to_path_buf(), further: Vec::new() };
    let request = |end: &str| TensorRequest {
        key: "b".into(),
        file: "x.npy".into(),
        tensor: None,
        slice: Slice { rows: Some(end.parse().unwrap()), ..Slice::default() },
    };
    assert!(read(fs::File::open(files.0.path().join("x.npy")).unwrap(), Path::new("x.npy"), &request("..9"), 8).is_err());
    let message = load_all(&[request("..9"), request("..67108864")], &folders, |_, _| ()).expect_err("refused").to_string();
    assert!(message.starts_with("`b`: with this tensor of shape [67108864]"), "{message}");
}

#[test]
fn headers_with_a_key_twice_or_a_strange_one_are_refused() {
    let files = Files::new();
    for (header, reason) in [
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'shape': (1,), }", "has `shape` twice"),
        ("{'descr': '|u1', 'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", "has `descr` twice"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'units': 'mm', }", "other keys than"),
    ] {
        let message = files.write("x.npy", &npy(header, &[1, 2])).refusal("x.npy", None);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn long_headers_are_refused_before_they_are_read() {
    let files = Files::new();
    let mut long = [b"\x93NUMPY\x02\x00".as_slice(), &5_000_000u32.to_le_bytes()].concat();
    long.extend(format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}", "1, ".repeat(1_666_000)).bytes());
    long.resize(12 + 5_000_000, b' ');
    assert!(files.write("x.npy", &long).refusal("x.npy", None).contains("at most 10000 are read"));
    claims(&files.0.path().join("x.safetensors"), &((1u64 << 30).to_le_bytes()), 1 << 31);
    assert!(files.refusal("x.safetensors", None).contains("at most 16777216 are read"));
    files.write("x.npy", &npy(&format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}", "1, ".repeat(33)), &[1]));
    assert!(files.refusal("x.npy", None).contains("has 33 axes"));
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
    assert!(files.refusal("notes.txt", None).contains("accepted: .safetensors, .npy, .npz"));
    assert!(files.refusal("folder.npy", None).contains("is a folder"));
    assert!(files.refusal("text.npy", None).contains("NumPy's mark"));
    assert!(files.refusal("text.safetensors", None).contains("not a usable .safetensors file"));
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
    files.write("x.safetensors", &safetensors_of(Dtype::C64, &[1], &[0; 8]));
    assert!(files.refusal("x.safetensors", Some("bias")).contains("accepted: F8_E4M3"));
    files.write("x.safetensors", &safetensors_of(Dtype::BOOL, &[3], &[1, 0, 2]));
    assert!(files.refusal("x.safetensors", Some("bias")).contains("element 2 is the byte 2; truth values are"));
}

#[test]
fn headers_that_claim_too_much_are_refused_without_allocating() {
    let files = Files::new();
    for shape in ["(18446744073709551615, 2)", "(18446744073709551616,)", "(1000000000000,)", "(-1,)", "('a',)", "3"] {
        files.write("x.npy", &npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"), &[0; 8]));
        assert!(files.refusal("x.npy", None).contains("not a usable .npy file"));
    }
    files.write("x.npy", &[b"\x93NUMPY\x02\x00\xff\xff\xff\xff".as_slice(), b"{}"].concat());
    assert!(files.refusal("x.npy", None).contains("claims 4294967295 bytes, and at most 10000"));
    files.write("x.npy", &npy(&"(".repeat(9_000), &[]));
    assert!(files.refusal("x.npy", None).contains("damaged"));
    let mut huge = u64::MAX.to_le_bytes().to_vec();
    huge.extend(b"{}");
    files.write("x.safetensors", &huge);
    assert!(files.refusal("x.safetensors", None).contains("its description claims"));
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
