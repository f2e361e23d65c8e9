//! Hardware for sparse training. The weights stay on the chip, dense and once: [`weight_store`] sends them as they are to the forward
//! product and transposed to the backward one.

mod weight_sequence;
pub mod weight_store;
