//! Seeded random tensors: the same on every machine and in every version of the random number library's other generators.

use ndarray::{ArrayD, IxDyn};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use systole_hdl::Type;

use super::quantize::{is_fixed_point, raw_range};
use super::tensor::Tensor;

/// What random elements are drawn from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Normal with mean 0 and standard deviation 1.
    Gaussian,
    /// Even over −1 to 1.
    Uniform,
    /// Every number of the hardware type with equal probability, its extremes included.
    FullRange,
}

/// The seed of a configuration that states none.
pub fn first_seed() -> u64 {
    1
}

/// A random tensor for an operand of type `ty`. Tensors of one seed but different `stream`s are independent.
pub fn random(distribution: Distribution, shape: &[usize], ty: Type, seed: u64, stream: u64) -> Tensor {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    let (least, greatest) = raw_range(ty);
    let unit = (-f64::from(ty.frac())).exp2();
    let values = ArrayD::from_shape_simple_fn(IxDyn(shape), || match distribution {
        Distribution::Gaussian => StandardNormal.sample(&mut generator),
        Distribution::Uniform => generator.random_range(-1.0..1.0),
        Distribution::FullRange => generator.random_range(least..=greatest) as f64 * unit,
    });
    Tensor { values, integer: distribution == Distribution::FullRange && !is_fixed_point(ty) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_stream_fix_the_tensor() {
        let draw = |seed, stream| random(Distribution::Gaussian, &[3, 4], Type::s(8), seed, stream);
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(2, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
    }

    #[test]
    fn the_full_range_reaches_both_ends() {
        let tensor = random(Distribution::FullRange, &[500], Type::s(4), 1, 0);
        let ends = tensor.values.iter().fold((0.0f64, 0.0f64), |(low, high), &v| (low.min(v), high.max(v)));
        assert_eq!(ends, (-8.0, 7.0));
    }
}
