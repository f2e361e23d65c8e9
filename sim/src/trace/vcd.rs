//! VCD, the value change dump of IEEE 1364: text that every viewer reads.

use std::io::{self, BufWriter, Write};

use ::vcd::{IdCode, TimescaleUnit, VarType, Writer};

use super::contents::{Contents, Item, Series};
use super::sink::Sink;

/// A VCD file after its header.
pub(super) struct VcdSink<W: Write> {
    out: BufWriter<W>,
    /// The identifier code of each series, as text.
    codes: Vec<String>,
    /// What is written before a time: the first time's values are the dump of all variables, which has to be closed.
    phase: Phase,
}

enum Phase {
    Empty,
    Dump,
    Changes,
}

/// Writes the header.
pub(super) fn start<W: Write>(file: W, contents: &Contents) -> io::Result<VcdSink<W>> {
    let codes: Vec<IdCode> = std::iter::successors(Some(IdCode::FIRST), |code| Some(code.next())).take(contents.series.len()).collect();
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let mut header = Writer::new(&mut out);
    header.version(super::VERSION)?;
    header.timescale(1, TimescaleUnit::NS)?;
    for item in &contents.items {
        match item {
            Item::Scope { name, .. } => header.add_module(name)?,
            Item::Up => header.upscope()?,
            Item::Variable(variable) => {
                let code = codes[variable.series];
                let (kind, width) = match contents.series[variable.series] {
                    Series::Clock { .. } => (VarType::Wire, 1),
                    Series::Bits { width, .. } => (if variable.register { VarType::Reg } else { VarType::Wire }, width),
                    Series::Real { .. } => (VarType::Real, 64),
                    Series::StateName { .. } => (VarType::String, 1),
                };
                header.var_def(kind, width, code, &variable.name, None)?;
            }
        }
    }
    header.enddefinitions()?;
    Ok(VcdSink { out, codes: codes.iter().map(IdCode::to_string).collect(), phase: Phase::Empty })
}

impl<W: Write> VcdSink<W> {
    /// Completes the file.
    pub fn finish(mut self) -> io::Result<()> {
        self.close_dump()?;
        self.out.flush()
    }

    fn close_dump(&mut self) -> io::Result<()> {
        if let Phase::Dump = self.phase {
            writeln!(self.out, "$end")?;
            self.phase = Phase::Changes;
        }
        Ok(())
    }
}

impl<W: Write> Sink for VcdSink<W> {
    fn time(&mut self, time: u64) -> io::Result<()> {
        self.close_dump()?;
        writeln!(self.out, "#{time}")?;
        if let Phase::Empty = self.phase {
            writeln!(self.out, "$dumpvars")?;
            self.phase = Phase::Dump;
        }
        Ok(())
    }

    // The crate's writer formats a vector bit by bit; this is where the time of a trace goes, so the line is made here.
    fn bits(&mut self, series: usize, digits: &[u8]) -> io::Result<()> {
        let code = self.codes[series].as_bytes();
        if let [digit] = digits {
            self.out.write_all(&[*digit])?;
        } else {
            // A reader extends with zeros, so leading ones can go, but for the last digit.
            let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
            self.out.write_all(b"b")?;
            self.out.write_all(&digits[zeros.min(digits.len() - 1)..])?;
            self.out.write_all(b" ")?;
        }
        self.out.write_all(code)?;
        self.out.write_all(b"\n")
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        writeln!(self.out, "r{value:e} {}", self.codes[series])
    }

    fn text(&mut self, series: usize, text: &str) -> io::Result<()> {
        writeln!(self.out, "s{text} {}", self.codes[series])
    }
}
