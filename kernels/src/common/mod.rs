//! What more than one kernel needs: tensors and where they come from, quantization, saturation, fitting formats, rounding,
//! random data, packed words, error measures, agreement with golden models, plots.

pub mod agreement;
pub mod course;
pub mod errors;
pub mod fitting;
pub mod load;
pub mod pack;
pub mod plot;
pub mod quantize;
pub mod random;
pub mod rounding;
pub mod saturation;
pub mod slice;
pub mod source;
pub mod streams;
pub mod tensor;
