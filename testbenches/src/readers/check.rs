//! What must hold of a reader and a damaged file.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use miette::Report;
use systole::config::Config;
use systole::tensors;
use systole_hdl::Design;
use systole_kernels::common::slice::Slice;
use systole_kernels::common::source::MOST_ELEMENTS;
use systole_kernels::kernel::TensorRequest;
use systole_kernels::registry::configure;
use systole_sim::record::Recording;
use systole_sim::trace::{TraceFormat, TraceOptions};
use tempfile::TempDir;

use super::Kind;
use super::seeds::seeds;

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was read, and may be.
    Accepted,
    /// It was refused with a message.
    Refused,
    /// The reader is at fault.
    Fault(String),
}

/// Reads files of one kind.
pub struct Checker {
    kind: Kind,
    /// The real files.
    pub seeds: Vec<Vec<u8>>,
    folder: TempDir,
}

impl Checker {
    /// A checker of this kind.
    ///
    /// # Errors
    /// If the real files cannot be had.
    pub fn new(kind: Kind) -> Result<Checker> {
        Ok(Checker { kind, seeds: seeds(kind)?, folder: tempfile::tempdir().context("no folder for files")? })
    }

    /// Reads a file. A panic goes through.
    pub fn check(&self, bytes: &[u8]) -> Verdict {
        match self.kind {
            Kind::Configuration => configuration(bytes),
            Kind::Npy | Kind::Npz | Kind::Safetensors => self.tensors(bytes),
            Kind::Record => self.record(bytes).unwrap_or_else(|error| Verdict::Fault(format!("{error:#}"))),
            Kind::Netlist => netlist(bytes),
        }
    }

    /// Every tensor that might be in the file, whole and in part.
    fn tensors(&self, bytes: &[u8]) -> Verdict {
        let path = PathBuf::from(format!("x.{}", self.kind.extension()));
        let part = Slice { rows: "1..3".parse().ok(), columns: "..2".parse().ok(), ..Slice::default() };
        let mut accepted = false;
        for tensor in [None, Some("weights.pruned"), Some("arr_0")] {
            for slice in [Slice::default(), part.clone()] {
                let request = TensorRequest { key: "a".into(), file: path.clone(), tensor: tensor.map(str::to_string), slice };
                match tensors::read(Cursor::new(bytes), &path, &request, MOST_ELEMENTS) {
                    Ok(tensor) => {
                        accepted = true;
                        if tensor.values.len() > MOST_ELEMENTS || tensor.values.iter().any(|value| !value.is_finite()) {
                            return Verdict::Fault(format!("a tensor of shape {:?} is beyond the limits or not finite", tensor.shape()));
                        }
                    }
                    Err(error) if error.remedy.is_none() => return Verdict::Fault(format!("no remedy: {error}")),
                    Err(_) => {}
                }
            }
        }
        if accepted { Verdict::Accepted } else { Verdict::Refused }
    }

    /// A record that is read has to draw what the real one draws in the cycles that it says it has.
    fn record(&self, bytes: &[u8]) -> Result<Verdict> {
        let path = |name: &str| self.folder.path().join(name);
        fs::write(path("record"), bytes)?;
        let Ok(recording) = Recording::read(path("record")) else { return Ok(Verdict::Refused) };
        if self.seeds.iter().any(|seed| seed == bytes) {
            return Ok(Verdict::Accepted);
        }
        let (from, to) = recording.cycles();
        let options = TraceOptions { format: TraceFormat::Vcd, from, to: Some(to), ..TraceOptions::default() };
        if recording.render(path("drawn"), &options).is_err() {
            return Ok(Verdict::Refused);
        }
        let drawn = fs::read(path("drawn"))?;
        for seed in &self.seeds {
            fs::write(path("seed"), seed)?;
            let real = Recording::read(path("seed"))?;
            if real.render(path("real"), &options).is_ok() && same_waveform(&fs::read(path("real"))?, &drawn) {
                return Ok(Verdict::Accepted);
            }
        }
        Ok(Verdict::Fault(format!("a damaged record is drawn, as another waveform, in cycles {from} to {to}")))
    }
}

/// Whether two waveforms are the same but for the headers, which may state when they were written.
fn same_waveform(a: &[u8], b: &[u8]) -> bool {
    fn changes(bytes: &[u8]) -> &[u8] {
        let mark = b"$enddefinitions";
        let start = bytes.windows(mark.len()).position(|window| window == mark);
        &bytes[start.unwrap_or(0)..]
    }
    changes(a) == changes(b)
}

/// A configuration is read, checked by its kernel, and complained about at its place.
fn configuration(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let shown = |report: Report| format!("{report:?}");
    let config = match Config::of_text(Path::new("config.toml"), text.to_string(), &[]) {
        Ok(config) => config,
        Err(error) => {
            let empty = shown(Report::new(error)).is_empty();
            return if empty { Verdict::Fault("a message without text".into()) } else { Verdict::Refused };
        }
    };
    match configure(config.table().clone()) {
        Ok((_, configured)) => {
            configured.config();
            configured.tensors();
            Verdict::Accepted
        }
        Err(error) => {
            let shown = shown(Report::new(config.locate(error)));
            if shown.contains("config.toml") { Verdict::Refused } else { Verdict::Fault(format!("a message without place: {shown}")) }
        }
    }
}

/// A netlist is read and validated; what is valid reads back as it is printed.
fn netlist(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    match Design::parse(text) {
        Err(errors) if errors.is_empty() => Verdict::Fault("refused without a message".into()),
        Err(_) => Verdict::Refused,
        Ok(design) if design.validate().is_err() => Verdict::Refused,
        Ok(design) => match Design::parse(&design.to_text()) {
            Ok(again) if again == design => Verdict::Accepted,
            _ => Verdict::Fault("a valid netlist does not read back as it was printed".into()),
        },
    }
}
