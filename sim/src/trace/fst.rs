//! FST, GTKWave's compressed format: small, and quick to open.

use std::io::{self, Seek, Write};

use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection, FstVarType,
    FstWriteError,
};

use super::contents::{Contents, Direction, Item, Series, Variable};
use super::sink::Sink;

/// Buffered changes, in bytes, at which a block is written out.
const BLOCK: usize = 16 << 20;

/// An FST file after its header.
pub(super) struct FstSink<W: Write + Seek> {
    body: FstBodyWriter<W>,
    /// The file's signal of each series; `None` for texts.
    ids: Vec<Option<FstSignalId>>,
}

/// Writes the header.
pub(super) fn start<W: Write + Seek>(out: W, contents: &Contents) -> io::Result<FstSink<W>> {
    let info = FstInfo {
        start_time: 0,
        timescale_exponent: -9,
        version: super::VERSION.to_string(),
        date: String::new(),
        file_type: FstFileType::Verilog,
    };
    let mut header = FstHeaderWriter::new(out, &info).map_err(into_io)?;
    let mut ids = vec![None; contents.series.len()];
    for item in &contents.items {
        match item {
            Item::Scope { name, module } => header.scope(name, module, FstScopeType::Module).map_err(into_io)?,
            Item::Up => header.up_scope().map_err(into_io)?,
            Item::Variable(variable) => {
                if let Some((signal, kind)) = form(variable, contents) {
                    let direction = match variable.direction {
                        Direction::Internal => FstVarDirection::Implicit,
                        Direction::Input => FstVarDirection::Input,
                        Direction::Output => FstVarDirection::Output,
                    };
                    let id = header.var(&variable.name, signal, kind, direction, ids[variable.series]).map_err(into_io)?;
                    ids[variable.series] = Some(id);
                }
            }
        }
    }
    Ok(FstSink { body: header.finish().map_err(into_io)?, ids })
}

/// How a variable is declared; `None` for a state's name, which FST attaches to the state's bits.
pub(super) fn form(variable: &Variable, contents: &Contents) -> Option<(FstSignalType, FstVarType)> {
    match contents.series[variable.series] {
        Series::Clock { .. } => Some((FstSignalType::bit_vec(1), FstVarType::Wire)),
        Series::Bits { width, .. } => {
            Some((FstSignalType::bit_vec(width), if variable.register { FstVarType::Reg } else { FstVarType::Wire }))
        }
        Series::Real { .. } => Some((FstSignalType::real(), FstVarType::Real)),
        Series::StateName { .. } => None,
    }
}

fn into_io(error: FstWriteError) -> io::Error {
    match error {
        FstWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<W: Write + Seek> FstSink<W> {
    /// Writes what is buffered and completes the header; gives the file back, not flushed.
    pub fn finish(self) -> io::Result<W> {
        self.body.finish().map_err(into_io)
    }
}

impl<W: Write + Seek> Sink for FstSink<W> {
    fn time(&mut self, time: u64) -> io::Result<()> {
        if self.body.size() >= BLOCK {
            self.body.flush().map_err(into_io)?;
        }
        self.body.time_change(time).map_err(into_io)
    }

    fn bits(&mut self, series: usize, digits: &[u8]) -> io::Result<()> {
        self.ids[series].map_or(Ok(()), |id| self.body.signal_change(id, digits).map_err(into_io))
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        self.ids[series].map_or(Ok(()), |id| self.body.signal_change(id, &value.to_le_bytes()).map_err(into_io))
    }

    fn text(&mut self, _series: usize, _text: &str) -> io::Result<()> {
        Ok(())
    }
}
