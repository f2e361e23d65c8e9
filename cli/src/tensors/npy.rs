//! NumPy's `.npy` files: a magic, a Python dictionary that describes the array, and its bytes.

use py_literal::Value;

use super::RawTensor;
use super::element::Element;

/// Reads the description of the array and checks the file's length against it.
///
/// # Errors
/// What is wrong, as text without the file's name.
pub fn parse(bytes: &[u8]) -> Result<RawTensor<'_>, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it does not start with NumPy's mark")?;
    let (major, length, rest) = match rest {
        [1, _minor, a, b, rest @ ..] => (1, u16::from_le_bytes([*a, *b]).into(), rest),
        [major @ (2 | 3), _minor, a, b, c, d, rest @ ..] => (*major, u32::from_le_bytes([*a, *b, *c, *d]), rest),
        [major, ..] if *major > 3 => return Err(format!("it has format version {major}, and up to 3 is known")),
        _ => return Err("it is cut off in the header".into()),
    };
    let (header, data) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(|| format!("its version {major} header of {length} bytes does not fit the file"))?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    let fields = header_fields(header)?;
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| matches!(key, Value::String(key) if key == name));
        found.map(|(_, value)| value).ok_or_else(|| format!("its header has no `{name}`"))
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
    let shape: Vec<usize> = dimensions.iter().map(dimension).collect::<Option<_>>().ok_or("its shape does not consist of sizes")?;
    let wanted = shape.iter().try_fold(element.bytes(), |size, &length| size.checked_mul(length));
    if wanted != Some(data.len()) {
        let wanted = wanted.map_or("more than there can be".to_string(), |wanted| wanted.to_string());
        return Err(format!("shape {shape:?} of `{descriptor}` takes {wanted} bytes, and it holds {}", data.len()));
    }
    Ok(RawTensor { shape, element, big_endian: order == ">", first_index_fastest, bytes: data })
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
