//! Tensors from `.safetensors` and `.npy` files.
//!
//! A file is read whole and checked before a value is decoded: sizes in a header are claims that the file's length has to
//! back, so that a damaged file gives a message and never a large allocation.

mod element;
mod npy;
#[cfg(test)]
mod tests;
pub mod write;

use std::fs;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use safetensors::SafeTensors;
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::{ConfigError, TensorRequest, remedy_for};

use element::Element;

/// Loads what a kernel asks for; its file is relative to `folder`.
///
/// # Errors
/// At the request's `file` or `tensor` key, naming file, tensor and what the file holds: if the file is missing, damaged, or of
/// another kind, has no such tensor, or the tensor holds NaN, infinities, or integers that need more than 53 bits.
pub fn load(request: &TensorRequest, folder: &Path) -> Result<Tensor, ConfigError> {
    let path = folder.join(&request.file);
    let at_file = |message: String, remedy: &str| ConfigError::new(format!("{}.file", request.key), message).with_remedy(remedy);
    let shown = path.display();
    let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    if !matches!(kind.as_str(), "safetensors" | "npy") {
        return Err(at_file(format!("{shown} is of no kind that holds tensors"), "accepted: .safetensors, .npy"));
    }
    if path.is_dir() {
        return Err(at_file(format!("{shown} is a folder"), "name a file in it"));
    }
    let bytes =
        fs::read(&path).map_err(|error| at_file(format!("cannot read {shown}: {error}"), "paths start from the configuration's folder"))?;

    let raw = if kind == "npy" {
        if let Some(name) = &request.tensor {
            let message = format!("{shown} holds one tensor without a name, so `{name}` cannot be chosen");
            return Err(ConfigError::new(format!("{}.tensor", request.key), message).with_remedy("leave `tensor` out for .npy files"));
        }
        npy::parse(&bytes).map_err(|message| at_file(format!("{shown} is not a usable .npy file: {message}"), DAMAGED))?
    } else {
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|error| at_file(format!("{shown} is not a whole .safetensors file: {error}"), DAMAGED))?;
        from_safetensors(&file, request, &path)?
    };
    decode(&raw).map_err(|Undecodable { message, remedy }| {
        let which = request.tensor.as_ref().map(|name| format!("`{name}` in ")).unwrap_or_default();
        at_file(format!("tensor {which}{shown}, {:?}: {message}", raw.shape), remedy)
    })
}

const DAMAGED: &str = "the file may be cut off or of another format; write or copy it again";

/// A tensor's bytes as they lie in a file.
struct RawTensor<'a> {
    shape: Vec<usize>,
    element: Element,
    big_endian: bool,
    /// Whether the first index runs fastest.
    first_index_fastest: bool,
    /// As many as shape and element ask for.
    bytes: &'a [u8],
}

fn from_safetensors<'a>(file: &SafeTensors<'a>, request: &TensorRequest, path: &Path) -> Result<RawTensor<'a>, ConfigError> {
    let mut names: Vec<&str> = file.names();
    names.sort_unstable();
    let at_tensor = |message, remedy| ConfigError::new(format!("{}.tensor", request.key), message).with_remedy(remedy);
    let shown = path.display();
    let name = match (&request.tensor, names.as_slice()) {
        (Some(name), _) => name.as_str(),
        (None, [only]) => only,
        (None, _) => {
            let message = format!("{shown} holds {} tensors, and `tensor` does not say which", names.len());
            return Err(at_tensor(message, listing(&names)));
        }
    };
    let Ok(view) = file.tensor(name) else {
        let nearest = remedy_for(name, &names);
        let all = listing(&names);
        let remedy = if nearest.starts_with("did you mean") { format!("{nearest} {all}") } else { all };
        return Err(at_tensor(format!("{shown} has no tensor `{name}`"), remedy));
    };
    let Some(element) = Element::of_safetensors(view.dtype()) else {
        let message = format!("tensor `{name}` in {shown} has elements of type {:?}", view.dtype());
        return Err(at_tensor(message, format!("accepted: {}", Element::ACCEPTED)));
    };
    Ok(RawTensor { shape: view.shape().to_vec(), element, big_endian: false, first_index_fastest: false, bytes: view.data() })
}

/// `the file holds: a, b, c`, cut after some length.
fn listing(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if names.is_empty() {
        "the file holds no tensor".into()
    } else if more > 0 {
        format!("the file holds: {shown} and {more} more")
    } else {
        format!("the file holds: {shown}")
    }
}

struct Undecodable {
    message: String,
    remedy: &'static str,
}

fn decode(raw: &RawTensor<'_>) -> Result<Tensor, Undecodable> {
    let size = raw.element.bytes();
    let mut values = Vec::with_capacity(raw.bytes.len() / size);
    for (position, chunk) in raw.bytes.chunks_exact(size).enumerate() {
        let value = raw.element.decode(chunk, raw.big_endian).ok_or_else(|| Undecodable {
            message: format!("element {position} needs more than 53 bits"),
            remedy: "integers of up to 53 bits are accepted",
        })?;
        if !value.is_finite() {
            return Err(Undecodable { message: format!("element {position} is {value}"), remedy: "every value has to be finite" });
        }
        values.push(value);
    }
    let values = if raw.first_index_fastest {
        let reversed: Vec<usize> = raw.shape.iter().rev().copied().collect();
        ArrayD::from_shape_vec(IxDyn(&reversed), values).map(|array| array.reversed_axes().as_standard_layout().into_owned())
    } else {
        ArrayD::from_shape_vec(IxDyn(&raw.shape), values)
    };
    let values = values.map_err(|error| Undecodable { message: error.to_string(), remedy: DAMAGED })?;
    Ok(Tensor { values, integer: raw.element.is_integer() })
}
