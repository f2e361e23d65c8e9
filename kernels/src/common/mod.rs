//! What more than one kernel needs: tensors and their quantization, random data, error measures.

pub mod tensor;
