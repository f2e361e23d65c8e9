//! Ready/valid streams at the top module's border: sources push values in, sinks take values out, both with stalls on demand.

mod ports;
mod sink;
mod source;
mod stall;

pub use ports::StreamError;
pub use sink::Received;
pub use stall::{StallPattern, StallPatternError};

pub(crate) use ports::StreamPorts;
pub(crate) use sink::Sink;
pub(crate) use source::Source;
