//! NumPy's `.npy` files: a magic, a Python dictionary that describes the array, and its bytes.

use std::io::{self, Read};

use py_literal::Value;

use super::Stored;
use super::element::Element;

/// The longest header in bytes: as in NumPy itself.
const LONGEST_HEADER: u32 = 10_000;

/// Why an array cannot be read.
#[derive(Debug)]
pub enum Unusable {
    /// The file does not give its bytes.
    Unreadable(io::Error),
    /// What is wrong with them, without the file's name.
    Damaged(String),
}

impl From<String> for Unusable {
    fn from(message: String) -> Unusable {
        Unusable::Damaged(message)
    }
}

impl From<&str> for Unusable {
    fn from(message: &str) -> Unusable {
        Unusable::Damaged(message.into())
    }
}

/// Reads the description of an array, after which `source` stands at the first element. Together they have `length` bytes, which have to be
/// those that the description asks for.
///
/// # Errors
/// If the description is none, or of an array that does not suit the length.
pub fn read_header(source: &mut impl Read, length: u64) -> Result<Stored, Unusable> {
    let cut = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Unusable::from("it is cut off in the header"),
        _ => Unusable::Unreadable(error),
    };
    let mut magic = [0; 8];
    let got = fill(source, &mut magic).map_err(Unusable::Unreadable)?;
    if !magic[..got.min(6)].starts_with(&b"\x93NUMPY"[..got.min(6)]) || got == 0 {
        return Err("it does not start with NumPy's mark".into());
    }
    if got < magic.len() {
        return Err("it is cut off in the header".into());
    }
    let major = magic[6];
    let mut size = [0; 4];
    let field = match major {
        1 => 2,
        2 | 3 => 4,
        _ => return Err(format!("it has format version {major}, and versions 1 to 3 are known").into()),
    };
    source.read_exact(&mut size[..field]).map_err(cut)?;
    let header_length = u32::from_le_bytes(size);
    if header_length > LONGEST_HEADER {
        return Err(format!("its version {major} header claims {header_length} bytes, and at most {LONGEST_HEADER} are read").into());
    }
    let mut header = vec![0; header_length as usize];
    source.read_exact(&mut header).map_err(cut)?;
    let header = std::str::from_utf8(&header).map_err(|_| "its header is not text")?;
    let stored = stored(header)?;
    let before = magic.len() as u64 + field as u64 + u64::from(header_length);
    let (wanted, held) = (stored.bytes(), length.saturating_sub(before));
    if wanted != Some(held) {
        let wanted = wanted.map_or("more than there can be".to_string(), |wanted| wanted.to_string());
        return Err(format!("shape {:?} takes {wanted} bytes, and it holds {held}", stored.shape).into());
    }
    Ok(stored)
}

/// Reads as many bytes as there are, up to the buffer's length.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match source.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// The array that a header describes.
fn stored(header: &str) -> Result<Stored, String> {
    let fields = header_fields(header)?;
    let field = |name: &str| {
        let mut found = fields.iter().filter(|(key, _)| matches!(key, Value::String(key) if key == name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value),
            (Some(_), Some(_)) => Err(format!("its header has `{name}` twice")),
            (None, _) => Err(format!("its header has no `{name}`")),
        }
    };
    let Value::String(descriptor) = field("descr")? else {
        return Err(format!("its elements are records; accepted: {}", Element::ACCEPTED));
    };
    let (order, kind) = descriptor.split_at_checked(1).unwrap_or_default();
    let element = Element::of_npy(kind).filter(|_| matches!(order, "<" | ">" | "|" | "="));
    let element = element.ok_or_else(|| format!("its elements are of type `{descriptor}`; accepted: {}", Element::ACCEPTED))?;
    let Value::Boolean(first_index_fastest) = *field("fortran_order")? else {
        return Err("`fortran_order` in its header is neither True nor False".into());
    };
    let Value::Tuple(dimensions) = field("shape")? else {
        return Err("`shape` in its header is not a tuple".into());
    };
    if fields.len() > 3 {
        return Err("its header has other keys than `descr`, `fortran_order` and `shape`".into());
    }
    let shape: Vec<usize> = dimensions.iter().map(dimension).collect::<Option<_>>().ok_or("its shape does not consist of sizes")?;
    Ok(Stored { shape, element, big_endian: order == ">", first_index_fastest })
}

/// The header's dictionary.
fn header_fields(header: &str) -> Result<Vec<(Value, Value)>, String> {
    // A plain array's header nests two brackets deep. The parser recurses, so a hostile header must not reach it.
    const MOST_BRACKETS: usize = 16;
    if header.matches(['(', '[', '{']).count() > MOST_BRACKETS {
        return Err(format!("its elements are records, or its header is damaged; accepted: {}", Element::ACCEPTED));
    }
    match header.trim_end_matches(['\0', ' ', '\n']).parse() {
        Ok(Value::Dict(fields)) => Ok(fields),
        _ => Err("its header is not a dictionary".into()),
    }
}

fn dimension(value: &Value) -> Option<usize> {
    match value {
        Value::Integer(number) => number.try_into().ok(),
        _ => None,
    }
}
