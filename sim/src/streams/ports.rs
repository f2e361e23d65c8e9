//! The ports of a stream at the top module's border.

use systole_hdl::design::{Cell, DomainId, StreamDirection};
use systole_hdl::{CellId, ModuleDef, Type};
use thiserror::Error;

use super::stall::StallPatternError;
use crate::connect::is_high;
use crate::engine::Engine;
use crate::hierarchy::{NodeId, nearest};

/// Why no driver can be put on a stream.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum StreamError {
    /// There is no such stream, nor ports of its names.
    #[error(
        "the top module has no {} stream `{name}`, nor ports `{name}_data`, `{name}_valid` and `{name}_ready`{}",
        direction_name(*direction), did_you_mean(suggestions)
    )]
    Unknown {
        /// The stream as given.
        name: String,
        /// The direction looked for.
        direction: StreamDirection,
        /// Streams of that direction with similar names, nearest first.
        suggestions: Vec<String>,
    },
    /// The stream runs the other way.
    #[error("stream `{name}` runs {}: it needs a {}", direction_name(*direction), needed(*direction))]
    Direction {
        /// The stream.
        name: String,
        /// Its direction.
        direction: StreamDirection,
    },
    /// Another driver is on it already.
    #[error("stream `{name}` has a driver already")]
    Taken {
        /// The stream.
        name: String,
    },
    /// The stall pattern cannot be followed.
    #[error("stream `{name}`: {error}")]
    Pattern {
        /// The stream.
        name: String,
        /// What is wrong.
        error: StallPatternError,
    },
}

fn direction_name(direction: StreamDirection) -> &'static str {
    match direction {
        StreamDirection::Input => "input",
        StreamDirection::Output => "output",
        StreamDirection::Internal => "internal",
    }
}

fn needed(direction: StreamDirection) -> &'static str {
    match direction {
        StreamDirection::Input => "source",
        StreamDirection::Output => "sink",
        StreamDirection::Internal => "port of its own to be driven from outside",
    }
}

fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => String::new(),
        names => format!("; did you mean `{}`?", names.join("` or `")),
    }
}

/// A stream of the top module: the cells of its signals, and which input ports its driver sets.
#[derive(Clone, Debug)]
pub(crate) struct StreamPorts {
    pub name: String,
    pub ty: Type,
    pub data: CellId,
    pub valid: CellId,
    pub ready: CellId,
    pub domain: DomainId,
    /// Input ports to drive: data and valid of an input stream, ready of an output stream (twice).
    pub driven: [usize; 2],
}

impl StreamPorts {
    /// Whether the settled cycle transfers a word if it ends in an edge of the stream's domain.
    pub fn transfers(&self, engine: &dyn Engine) -> bool {
        is_high(engine, (NodeId::TOP, self.valid)) && is_high(engine, (NodeId::TOP, self.ready))
    }

    /// Finds a stream by its name among the module's streams, or by its port names.
    pub fn find(top: &ModuleDef, name: &str, direction: StreamDirection) -> Result<StreamPorts, StreamError> {
        if let Some(stream) = top.streams.iter().find(|stream| stream.name == name) {
            if stream.direction != direction {
                return Err(StreamError::Direction { name: name.to_string(), direction: stream.direction });
            }
            let ports = StreamPorts::of(top, name, [stream.data, stream.valid, stream.ready], stream.domain, direction);
            if let Some(ports) = ports {
                return Ok(ports);
            }
        }
        let signal = |part: &str| top.find_signal(&format!("{name}_{part}"));
        let by_names = || StreamPorts::of(top, name, [signal("data")?, signal("valid")?, signal("ready")?], DomainId(0), direction);
        by_names().ok_or_else(|| {
            let alike = top.streams.iter().filter(|stream| stream.direction == direction).map(|stream| stream.name.as_str());
            StreamError::Unknown { name: name.to_string(), direction, suggestions: nearest(name, alike) }
        })
    }

    fn of(top: &ModuleDef, name: &str, signals: [CellId; 3], domain: DomainId, direction: StreamDirection) -> Option<StreamPorts> {
        let [data, valid, ready] = signals;
        let driven = match direction {
            StreamDirection::Input => [input_port(top, data)?, input_port(top, valid)?],
            StreamDirection::Output => [input_port(top, ready)?; 2],
            StreamDirection::Internal => return None,
        };
        Some(StreamPorts { name: name.to_string(), ty: top.ty(data), data, valid, ready, domain, driven })
    }
}

/// The input port that a signal is, directly or through wires.
fn input_port(top: &ModuleDef, mut cell: CellId) -> Option<usize> {
    while let Cell::Wire(operand) = *top.cell(cell) {
        cell = operand;
    }
    top.inputs.iter().position(|port| port.cell == cell)
}
