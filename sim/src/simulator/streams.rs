//! Sources and sinks of a simulation.

use systole_hdl::design::StreamDirection;

use super::{SimError, Simulator, SinkHandle, SourceHandle};
use crate::hierarchy::NodeId;
use crate::streams::{Received, Sink, Source, StallPattern, StreamError, StreamPorts};
use crate::values::IntoValue;

impl Simulator {
    /// Puts a source on an input stream of the top module, found by its name or by its ports `x_data`, `x_valid` and `x_ready`.
    /// It offers what is pushed, in order, in the cycles of its pattern; a word once offered stays until it is taken.
    ///
    /// # Errors
    /// If there is no such stream, it runs the other way, it has a driver, or the pattern is not one.
    pub fn source(&mut self, stream: &str, pattern: StallPattern) -> Result<SourceHandle, SimError> {
        let ports = self.claim(stream, StreamDirection::Input)?;
        let source = Source::new(ports, pattern).map_err(|error| StreamError::Pattern { name: stream.to_string(), error })?;
        self.mark_driven(&source.ports);
        self.watch.has_driver(pattern);
        self.sources.push(source);
        self.touched();
        Ok(SourceHandle(self.sources.len() - 1))
    }

    /// Puts a sink on an output stream of the top module, found by its name or by its ports. It is ready in the cycles of its
    /// pattern and keeps what it takes.
    ///
    /// # Errors
    /// If there is no such stream, it runs the other way, it has a driver, or the pattern is not one.
    pub fn sink(&mut self, stream: &str, pattern: StallPattern) -> Result<SinkHandle, SimError> {
        let ports = self.claim(stream, StreamDirection::Output)?;
        let sink = Sink::new(ports, pattern).map_err(|error| StreamError::Pattern { name: stream.to_string(), error })?;
        self.mark_driven(&sink.ports);
        self.watch.has_driver(pattern);
        self.sinks.push(sink);
        self.touched();
        Ok(SinkHandle(self.sinks.len() - 1))
    }

    fn claim(&self, stream: &str, direction: StreamDirection) -> Result<StreamPorts, SimError> {
        let ports = StreamPorts::find(self.hierarchy().module(NodeId::TOP), stream, direction)?;
        if ports.driven.iter().any(|&port| self.driven[port].is_some()) {
            return Err(StreamError::Taken { name: stream.to_string() }.into());
        }
        Ok(ports)
    }

    fn mark_driven(&mut self, ports: &StreamPorts) {
        for port in ports.driven {
            self.driven[port] = Some(ports.name.clone());
        }
    }

    /// Queues one word.
    ///
    /// # Errors
    /// If it does not fit the stream's type.
    pub fn push(&mut self, source: SourceHandle, word: impl IntoValue) -> Result<(), SimError> {
        self.push_all(source, [word])
    }

    /// Queues words in order.
    ///
    /// # Errors
    /// If one does not fit the stream's type; those before it are queued.
    pub fn push_all<V: IntoValue>(&mut self, source: SourceHandle, words: impl IntoIterator<Item = V>) -> Result<(), SimError> {
        self.touched();
        let source = &mut self.sources[source.0];
        for word in words {
            let fits = word.into_value(source.ports.ty);
            source.push(fits.map_err(|error| SimError::DoesNotFit { place: source.ports.name.clone(), error })?);
        }
        Ok(())
    }

    /// Words queued and not taken yet.
    pub fn pending(&self, source: SourceHandle) -> usize {
        self.sources[source.0].pending()
    }

    /// Words taken from a source so far.
    pub fn sent(&self, source: SourceHandle) -> u64 {
        self.sources[source.0].transfers
    }

    /// The cycles of a source's first and last transfer so far.
    pub fn sent_between(&self, source: SourceHandle) -> Option<(u64, u64)> {
        self.sources[source.0].span
    }

    /// What a sink took so far, with the cycle of each transfer.
    pub fn received(&self, sink: SinkHandle) -> &[Received] {
        &self.sinks[sink.0].received
    }

    /// The same, leaving the sink empty-handed.
    pub fn take_received(&mut self, sink: SinkHandle) -> Vec<Received> {
        std::mem::take(&mut self.sinks[sink.0].received)
    }

    /// Sets the drivers' ports for the current cycle.
    pub(super) fn drive_streams(&mut self) {
        for source in &mut self.sources {
            source.drive(&mut *self.engine);
        }
        for sink in &mut self.sinks {
            sink.drive(&mut *self.engine);
        }
    }
}
