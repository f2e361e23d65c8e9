//! N:M sparsity of weights: which weights are kept, and how the kept ones are stored.
//!
//! A weight matrix W has the shape `[inputs, outputs]`, so that the forward pass computes X·W and reduces over the inputs, and the backward
//! pass computes dY·Wᵀ and reduces over the outputs. Sparse hardware wants at most N nonzeros among each M consecutive weights along the
//! axis that it reduces over, which [`compressed`] stores as values and indices. The two passes thus want different groups of the same
//! matrix; there are three ways to give them both:
//!
//! - [`masks`]: one mask for one axis by magnitude, and BDWP's two masks, each for itself;
//! - [`bi_mask`]: a backward mask within the forward one, with the outputs permuted;
//! - [`transposable`]: one 2:4 mask that holds along both axes.
//!
//! All of that runs on the host; [`hardware`] prunes a stream of weights by magnitude, and selects transposable masks.

pub mod bi_mask;
pub mod compressed;
pub mod hardware;
pub mod masks;
pub mod pattern;
pub mod transposable;
pub mod weight;
