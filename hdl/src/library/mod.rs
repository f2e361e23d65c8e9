//! Parts that most circuits need: stream plumbing, counters, requantization.
//!
//! Functions describe their part in the calling module; structs are components with a module of their own.

mod arbiter;
mod counter;
mod fifo;
mod fork_join;
mod requantize;
mod stage;
mod width;

pub use arbiter::{ArbiterIn, ArbiterOut, RoundRobinArbiter};
pub use counter::{Counter, LoopCounter, counter, loop_counter, up_down};
pub use fifo::{Fifo, FifoIn, FifoOut, fifo};
pub use fork_join::{fork, join};
pub use requantize::{Requantize, ShiftedProduct, requantize, requantize_product, requantize_round, requantize_shift};
pub use stage::{SkidBuffer, SkidIn, SkidOut, pipeline_stage, skid_buffer};
pub use width::{Deserializer, Serializer, WidthIn, WidthOut};
