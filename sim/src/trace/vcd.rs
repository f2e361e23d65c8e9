//! VCD, the value change dump of IEEE 1364: text that every viewer reads.

use std::io::{self, Write};

use ::vcd::{IdCode, TimescaleUnit, VarType, Writer};

use super::contents::{Contents, Item, Series};
use super::sink::{DIGITS, Sink};

/// Bytes collected before they are written.
const BUFFER: usize = 1 << 16;

/// A VCD file after its header.
pub(super) struct VcdSink<W: Write> {
    file: W,
    /// What is not yet in the file.
    text: Vec<u8>,
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
    let mut text = Vec::with_capacity(2 * BUFFER);
    let mut header = Writer::new(&mut text);
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
    Ok(VcdSink { file, text, codes: codes.iter().map(IdCode::to_string).collect(), phase: Phase::Empty })
}

impl<W: Write> VcdSink<W> {
    /// Completes the file.
    pub fn finish(mut self) -> io::Result<()> {
        self.close_dump();
        self.file.write_all(&self.text)?;
        self.file.flush()
    }

    fn close_dump(&mut self) {
        if let Phase::Dump = self.phase {
            self.text.extend_from_slice(b"$end\n");
            self.phase = Phase::Changes;
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.text.push(b'\n');
        if self.text.len() >= BUFFER {
            self.file.write_all(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }
}

impl<W: Write> Sink for VcdSink<W> {
    fn time(&mut self, time: u64) -> io::Result<()> {
        self.close_dump();
        write!(self.text, "#{time}")?;
        if let Phase::Empty = self.phase {
            self.text.extend_from_slice(b"\n$dumpvars");
            self.phase = Phase::Dump;
        }
        self.end_line()
    }

    // The crate's writer formats a vector bit by bit; this is where the time of a trace goes, so the line is made here.
    fn bits(&mut self, series: usize, width: u32, limbs: &[u64]) -> io::Result<()> {
        match limbs {
            [limb] if width == 1 => self.text.push(b'0' + *limb as u8),
            _ => {
                self.text.push(b'b');
                push_digits(&mut self.text, limbs);
                self.text.push(b' ');
            }
        }
        self.text.extend_from_slice(self.codes[series].as_bytes());
        self.end_line()
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        write!(self.text, "r{value:e} {}", self.codes[series])?;
        self.end_line()
    }

    fn text(&mut self, series: usize, text: &str) -> io::Result<()> {
        write!(self.text, "s{text} {}", self.codes[series])?;
        self.end_line()
    }
}

/// Appends the binary digits of a number without leading zeros, which a reader puts back; at least one digit.
fn push_digits(text: &mut Vec<u8>, limbs: &[u64]) {
    let highest = limbs.iter().rposition(|limb| *limb != 0).unwrap_or(0);
    let zeros = limbs[highest].leading_zeros().min(63);
    // Whole bytes are appended, the first digit at the front of the first; what is too much goes off again.
    let digits = 64 - zeros as usize;
    let bytes = (limbs[highest] << zeros).to_be_bytes();
    let end = text.len() + digits;
    bytes[..digits.div_ceil(8)].iter().for_each(|byte| text.extend_from_slice(&DIGITS[usize::from(*byte)]));
    text.truncate(end);
    for limb in limbs[..highest].iter().rev() {
        limb.to_be_bytes().iter().for_each(|byte| text.extend_from_slice(&DIGITS[usize::from(*byte)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_number(limbs in prop::collection::vec(prop_oneof![Just(0), 0u64..300, any::<u64>()], 1..4)) {
            let mut text = b"b".to_vec();
            push_digits(&mut text, &limbs);
            let all: String = limbs.iter().rev().map(|limb| format!("{limb:064b}")).collect();
            let significant = all.trim_start_matches('0');
            prop_assert_eq!(String::from_utf8(text).unwrap(), format!("b{}", if significant.is_empty() { "0" } else { significant }));
        }
    }
}
