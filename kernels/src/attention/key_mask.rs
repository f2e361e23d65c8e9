//! The mask of a head's own: from a tensor, or as a list in the configuration.

use std::fmt;

use ndarray::{Array2, Axis, Ix1, Ix2};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::common::source::TensorSource;
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;

/// Which keys of a head count: a tensor `[N]` or `[R, N]` of booleans, or of integers 0 and 1, or a list `[true, true, false]`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum KeyMask {
    /// For each key, whether it is attended to.
    List(Vec<bool>),
    /// From a file.
    Tensor(TensorSource),
}

const FORMS: &str = "a list such as [true, true, false], or { file = \"..\", tensor = \"..\" }";

impl KeyMask {
    /// Checks what can be checked without the tensor; `key` is the mask's place in the configuration.
    ///
    /// # Errors
    /// If the mask is random, scaled or empty.
    pub fn validate(&self, key: &str) -> Result<(), ConfigError> {
        match self {
            KeyMask::List(list) if list.is_empty() => {
                Err(ConfigError::new(key, "the list is empty").with_remedy("a boolean for each key, or leave it out"))
            }
            KeyMask::List(_) => Ok(()),
            KeyMask::Tensor(source) if source.random.is_some() => {
                Err(ConfigError::new(format!("{key}.random"), "a mask is not random").with_remedy(FORMS))
            }
            KeyMask::Tensor(source) if source.scale != 1.0 => {
                Err(ConfigError::new(format!("{key}.scale"), "a mask has no scale").with_remedy("leave it out"))
            }
            KeyMask::Tensor(source) => source.validate(key),
        }
    }

    /// The source, if it is a tensor.
    pub fn source(&self) -> Option<&TensorSource> {
        if let KeyMask::Tensor(source) = self { Some(source) } else { None }
    }
}

/// A list as a mask of `rows` queries and `keys` keys.
///
/// # Errors
/// If it has another length.
pub fn of_list(list: &[bool], keys: usize, key: &str) -> Result<Array2<bool>, ConfigError> {
    if list.len() != keys {
        return Err(ConfigError::new(key, format!("the mask has {} elements, but there are {keys} keys", list.len()))
            .with_remedy(format!("a list of {keys}")));
    }
    Ok(Array2::from_shape_fn((1, keys), |(_, at)| list[at]))
}

/// A tensor as a mask of `rows` queries and `keys` keys.
///
/// # Errors
/// If it has another shape, or elements other than 0 and 1.
pub fn of_tensor(tensor: Tensor, rows: usize, keys: usize, key: &str) -> Result<Array2<bool>, ConfigError> {
    let shape = tensor.values.shape().to_vec();
    if shape != [keys] && shape != [rows, keys] {
        return Err(ConfigError::new(key, format!("the mask has the shape {shape:?}, but there are {rows} queries and {keys} keys"))
            .with_remedy(format!("a mask [{keys}] for all queries, or [{rows}, {keys}]")));
    }
    if let Some(odd) = tensor.values.iter().find(|&&value| value != 0.0 && value != 1.0) {
        return Err(ConfigError::new(key, format!("the mask has an element {odd}"))
            .with_remedy("booleans, or 0 for a key that is masked and 1 for one that is attended to"));
    }
    let kept = tensor.values.mapv(|value| value == 1.0);
    let of_keys = kept.clone().into_dimensionality::<Ix1>().map(|kept| kept.insert_axis(Axis(0)));
    Ok(of_keys.or_else(|_| kept.into_dimensionality::<Ix2>()).expect("the shape has one or two dimensions"))
}

impl<'de> Deserialize<'de> for KeyMask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeyMask, D::Error> {
        deserializer.deserialize_any(KeyMaskVisitor)
    }
}

/// By hand, since a derived untagged enum does not say what is wrong.
struct KeyMaskVisitor;

impl<'de> Visitor<'de> for KeyMaskVisitor {
    type Value = KeyMask;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMS}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<KeyMask, A::Error> {
        let mut kept = Vec::new();
        while let Some(element) = list.next_element::<toml::Value>()? {
            kept.push(match element {
                toml::Value::Boolean(kept) => kept,
                toml::Value::Integer(bit @ (0 | 1)) => bit == 1,
                other => return Err(A::Error::custom(format!("element {} is {other}, and not true, false, 1 or 0", kept.len()))),
            });
        }
        Ok(KeyMask::List(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyMask, A::Error> {
        TensorSource::deserialize(MapAccessDeserializer::new(map)).map(KeyMask::Tensor)
    }
}
