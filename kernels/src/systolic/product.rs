//! A matrix product as a configuration states it: where its operands come from.

use super::parameters::Formats;
use super::schedule::Shape;
use crate::common::source::{MATRIX, TensorSource};
use crate::common::tensor::Tensor;
use crate::kernel::ConfigError;

/// What a bias must be like.
pub const BIAS: &str = "one dimension: the columns of B";

/// One product C = A·B + bias of a configuration.
#[derive(Clone, Debug)]
pub struct Product<'a> {
    /// Its place, such as `layers[0]`.
    pub key: String,
    /// Operand A, `[M, K]`; `None` if it is the output of the product before.
    pub a: Option<&'a TensorSource>,
    /// Operand B, `[K, N]`.
    pub b: &'a TensorSource,
    /// Added to every row, `[N]`.
    pub bias: Option<&'a TensorSource>,
    /// Whether negative results become zero.
    pub relu: bool,
    /// Real value of one unit of the output, if stated.
    pub output_scale: Option<f64>,
}

impl<'a> Product<'a> {
    /// The key of one of its parts.
    pub fn key_of(&self, part: &str) -> String {
        format!("{}.{part}", self.key)
    }

    /// Its tensors with their keys, in the order in which they are taken.
    pub fn sources(&self) -> Vec<(String, &'a TensorSource)> {
        let parts = [("a", self.a), ("b", Some(self.b)), ("bias", self.bias)];
        parts.into_iter().filter_map(|(part, source)| Some((self.key_of(part), source?))).collect()
    }

    /// Its sizes, from the shapes of A, `[m, k]`, and B.
    ///
    /// # Errors
    /// If they do not fit together.
    pub fn shape(&self, (m, k): (usize, usize), (rows, n): (usize, usize)) -> Result<Shape, ConfigError> {
        if rows == k {
            return Ok(Shape { m, k, n });
        }
        let message = format!("B is [{rows}, {n}], but A is [{m}, {k}]");
        let hint = if n == k && !self.b.transpose { "; `transpose = true` would make it so" } else { "" };
        Err(ConfigError::new(self.key_of("b"), message).with_remedy(format!("B must have {k} rows{hint}")))
    }

    /// That the first product of a chain has no operand A.
    pub fn without_operand(&self) -> ConfigError {
        ConfigError::new(self.key.clone(), "the first layer needs an operand `a`")
            .with_remedy("a = { file = \"..\", tensor = \"..\" } or a = { random = \"gaussian\", shape = [m, k] }")
    }

    /// Refuses what the formats do not support.
    ///
    /// # Errors
    /// The first key at fault, and what would be accepted.
    pub fn validate(&self, formats: &Formats) -> Result<(), ConfigError> {
        self.b.validate_axes(&self.key_of("b"), 2, MATRIX)?;
        if let Some(a) = self.a {
            a.validate_axes(&self.key_of("a"), 2, MATRIX)?;
        }
        if let Some(bias) = self.bias {
            bias.validate_axes(&self.key_of("bias"), 1, BIAS)?;
        }
        match self.output_scale {
            Some(_) if !formats.output_scale_is_free() => {
                let message = format!("the scale of an output of format {} is not a matter of choice", formats.output);
                Err(ConfigError::new(self.key_of("output_scale"), message).with_remedy("leave it out, or requantize to an integer format"))
            }
            Some(scale) if !(scale.is_finite() && scale > 0.0) => {
                Err(ConfigError::new(self.key_of("output_scale"), format!("{scale} is not a positive number")))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses a bias that is not as long as B has columns.
pub fn of_another_length(key: &str, length: usize, columns: usize) -> ConfigError {
    ConfigError::new(key, format!("the bias has {length} elements")).with_remedy(format!("B has {columns} columns, so must it"))
}

/// The sizes of products in order, each without an operand A taking the output of the one before; `tensors` are those of all sources that
/// are files.
///
/// # Errors
/// If operands do not fit together.
pub fn shapes<'a>(products: impl Iterator<Item = Product<'a>>, tensors: &[Tensor]) -> Result<Vec<Shape>, ConfigError> {
    let mut loaded = tensors.iter();
    let mut shapes: Vec<Shape> = Vec::new();
    for product in products {
        let mut matrix = |part: &str, source: &TensorSource| source.matrix_shape(&product.key_of(part), &mut loaded);
        let a = match (product.a, shapes.last()) {
            (Some(source), _) => matrix("a", source)?,
            (None, Some(previous)) => (previous.m, previous.n),
            (None, None) => return Err(product.without_operand()),
        };
        let b = matrix("b", product.b)?;
        shapes.push(product.shape(a, b)?);
        if let Some(bias) = product.bias {
            let key = product.key_of("bias");
            let (bias, n) = (bias.shape(&key, &mut loaded)?, b.1);
            if bias.len() == 1 && bias[0] != n {
                return Err(of_another_length(&key, bias[0], n));
            }
        }
    }
    Ok(shapes)
}
