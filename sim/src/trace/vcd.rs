//! VCD, the value change dump of IEEE 1364: text that every viewer reads.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

use ::vcd::{IdCode, TimescaleUnit, VarType, Writer};

use super::changes::Line;
use super::contents::{Contents, Item, Series};
use super::jobs::Jobs;
use super::sink::{Shown, Sink};
use crate::samples::LINE_WORDS;

/// Bytes collected before they are written; few enough to be still in a core's cache then.
const BUFFER: usize = 1 << 16;

/// Room behind them for what is written without another look at how much there is: a line of 64 values of 8 bits or fewer of
/// larger ones, with their codes and what is written beyond the end of each.
const ROOM: usize = 64 * 40;

/// Where changes go.
pub(super) struct VcdSink<W: Write> {
    jobs: Jobs<W>,
    used: (Sender<Buffer>, Receiver<Buffer>),
    /// What is not yet handed on stands in the first `length` bytes.
    text: Buffer,
    length: usize,
    /// The identifier code of each series, with what stands before and after it.
    codes: Vec<Code>,
    /// By element of all lines: the code, and the bits that its values have.
    elements: Vec<(Code, u64)>,
    digits: Digits,
    /// What is written before a time: the first time's values are the dump of all variables, which has to be closed.
    phase: Phase,
}

/// Bytes with [`ROOM`] behind [`BUFFER`].
type Buffer = Box<[u8]>;

enum Phase {
    Empty,
    Dump,
    Changes,
}

/// What follows a value: a space unless the value is a single bit, the identifier code, the end of the line. The last byte is
/// the number of bytes before it.
#[derive(Clone, Copy)]
struct Code([u8; 8]);

impl Code {
    const NONE: Code = Code([0; 8]);

    fn new(code: IdCode, single_bit: bool) -> Code {
        let text = format!("{}{code}\n", if single_bit { "" } else { " " });
        let mut bytes = [0; 8];
        // Five characters tell apart more series than there can be cells.
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes[7] = text.len() as u8;
        Code(bytes)
    }

    fn len(self) -> usize {
        usize::from(self.0[7])
    }
}

fn buffer() -> Buffer {
    vec![0; BUFFER + ROOM].into_boxed_slice()
}

/// Identifier codes of so many series.
fn codes(count: usize) -> Vec<IdCode> {
    std::iter::successors(Some(IdCode::FIRST), |code| Some(code.next())).take(count).collect()
}

/// Writes the header.
pub(super) fn start<W: Write>(mut file: W, contents: &Contents) -> io::Result<W> {
    let ids = codes(contents.series.len());
    let mut text = Vec::new();
    let mut header = Writer::new(&mut text);
    header.version(super::VERSION)?;
    header.timescale(1, TimescaleUnit::NS)?;
    for item in &contents.items {
        match item {
            Item::Scope { name, .. } => header.add_module(name)?,
            Item::Up => header.upscope()?,
            Item::Variable(variable) => {
                let code = ids[variable.series];
                let (kind, width) = match contents.series[variable.series] {
                    Series::Clock { .. } => (VarType::Wire, 1),
                    Series::Bits { width, .. } if variable.is_signed() => (VarType::Integer, width),
                    Series::Bits { width, .. } => (if variable.register { VarType::Reg } else { VarType::Wire }, width),
                    Series::Real { .. } => (VarType::Real, 64),
                    Series::StateName { .. } => (VarType::String, 1),
                };
                header.var_def(kind, width, code, &variable.name, None)?;
            }
        }
    }
    header.enddefinitions()?;
    file.write_all(&text)?;
    Ok(file)
}

impl<W: Write> VcdSink<W> {
    /// For a file after its header. `elements` are the series that [`Sink::line`] shows.
    pub fn new(contents: &Contents, elements: &[Option<Shown>], jobs: Jobs<W>) -> VcdSink<W> {
        let single = |series: &Series| matches!(series, Series::Clock { .. } | Series::Bits { width: 1, .. });
        let series = contents.series.iter().zip(codes(contents.series.len()));
        let codes: Vec<Code> = series.map(|(series, id)| Code::new(id, single(series))).collect();
        let element = |shown: &Option<Shown>| shown.map_or((Code::NONE, 0), |shown| (codes[shown.series], u64::MAX >> (64 - shown.width)));
        let elements = elements.iter().map(element).collect();
        VcdSink { jobs, used: channel(), text: buffer(), length: 0, codes, elements, digits: Digits::new(), phase: Phase::Empty }
    }

    /// Hands on what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.close_dump()?;
        self.flush()
    }

    fn close_dump(&mut self) -> io::Result<()> {
        if let Phase::Dump = self.phase {
            self.push(b"$end\n")?;
            self.phase = Phase::Changes;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let empty = self.used.1.try_recv().unwrap_or_else(|_| buffer());
        let (text, length) = (std::mem::replace(&mut self.text, empty), std::mem::take(&mut self.length));
        let used = self.used.0.clone();
        self.jobs.add(move |file| {
            file.write_all(&text[..length])?;
            // At the end nobody takes it back any more.
            let _ = used.send(text);
            Ok(())
        })
    }

    /// Makes [`ROOM`].
    fn make_room(&mut self) -> io::Result<()> {
        if self.length > BUFFER { self.flush() } else { Ok(()) }
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(ROOM) {
            self.make_room()?;
            self.text[self.length..self.length + part.len()].copy_from_slice(part);
            self.length += part.len();
        }
        Ok(())
    }

    fn push_code(&mut self, series: usize) -> io::Result<()> {
        let code = self.codes[series];
        self.push(&code.0[..code.len()])
    }
}

impl<W: Write> Sink for VcdSink<W> {
    fn time(&mut self, time: u64) -> io::Result<()> {
        self.close_dump()?;
        self.push(format!("#{time}\n").as_bytes())?;
        if let Phase::Empty = self.phase {
            self.push(b"$dumpvars\n")?;
            self.phase = Phase::Dump;
        }
        Ok(())
    }

    fn bits(&mut self, series: usize, width: u32, limbs: &[u64]) -> io::Result<()> {
        if width == 1 {
            self.push(&[b'0' + limbs[0] as u8])?;
        } else {
            let highest = limbs.iter().rposition(|limb| *limb != 0).unwrap_or(0);
            let rest = limbs[..highest].iter().rev().map(|limb| format!("{limb:064b}"));
            self.push(format!("b{:b}{}", limbs[highest], rest.collect::<String>()).as_bytes())?;
        }
        self.push_code(series)
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        self.push(format!("r{value:e}").as_bytes())?;
        self.push_code(series)
    }

    fn text(&mut self, series: usize, text: &str) -> io::Result<()> {
        self.push(format!("s{text}").as_bytes())?;
        self.push_code(series)
    }

    // The crate's writer formats a vector bit by bit; this is where the time of a trace goes, so the lines are made here.
    fn line(&mut self, line: &Line, values: &[u64; LINE_WORDS], changed: u64) -> io::Result<()> {
        self.make_room()?;
        let elements = &self.elements[line.first..][..line.elements()];
        let digits = &self.digits;
        let (text, mut at) = (&mut *self.text, self.length);
        for index in bits_of(changed) {
            let (code, mask) = elements[index];
            let value = line.value(values, index) & mask;
            if mask == 1 {
                text[at] = b'0' + value as u8;
                at += 1;
            } else if line.bytes == 1 {
                at += digits.put_byte(value as u8, &mut text[at..]);
            } else if mask <= 0xffff {
                at += digits.put::<2>(value, &mut text[at..]);
            } else if mask <= 0xffff_ffff {
                at += digits.put::<4>(value, &mut text[at..]);
            } else {
                at += digits.put::<8>(value, &mut text[at..]);
            }
            text[at..at + 8].copy_from_slice(&code.0);
            at += code.len();
        }
        self.length = at;
        Ok(())
    }
}

/// The elements of a set, ascending.
pub(super) fn bits_of(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        next
    })
}

/// Binary digits in ASCII, ready to be copied.
struct Digits {
    /// The eight digits of each byte, most significant first.
    eight: [[u8; 8]; 256],
    /// `b` and the digits of each byte without leading zeros, at least one; the last byte is the number of bytes before it.
    byte: [[u8; 16]; 256],
}

impl Digits {
    fn new() -> Digits {
        let mut digits = Digits { eight: [[b'0'; 8]; 256], byte: [[0; 16]; 256] };
        for byte in 0..=u8::MAX {
            let (eight, short) = (format!("{byte:08b}"), format!("b{byte:b}"));
            digits.eight[usize::from(byte)].copy_from_slice(eight.as_bytes());
            let entry = &mut digits.byte[usize::from(byte)];
            entry[..short.len()].copy_from_slice(short.as_bytes());
            entry[15] = short.len() as u8;
        }
        digits
    }

    /// Puts `b` and the digits of a number at the front of `text`, without leading zeros, which a reader puts back. Gives
    /// the number of bytes; up to 16 are overwritten.
    #[inline(always)]
    fn put_byte(&self, value: u8, text: &mut [u8]) -> usize {
        let entry = &self.byte[usize::from(value)];
        text[..16].copy_from_slice(entry);
        usize::from(entry[15])
    }

    /// The same for a number of at most `BYTES` bytes; up to 8 · `BYTES` + 1 bytes are overwritten.
    #[inline(always)]
    fn put<const BYTES: usize>(&self, value: u64, text: &mut [u8]) -> usize {
        let zeros = value.leading_zeros().min(63);
        // The first digit goes to the front; what is written behind the last is overwritten by what comes next.
        let bytes = (value << zeros).to_be_bytes();
        let text = &mut text[..8 * BYTES + 1];
        text[0] = b'b';
        for (index, byte) in bytes[..BYTES].iter().enumerate() {
            text[1 + 8 * index..][..8].copy_from_slice(&self.eight[usize::from(*byte)]);
        }
        65 - zeros as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_number(value in any::<u64>(), squeeze in 0u32..64) {
            let value = value >> squeeze;
            let digits = Digits::new();
            let mut text = [b'!'; 80];
            let check = |length: usize, text: &[u8]| {
                prop_assert_eq!(std::str::from_utf8(&text[..length]).unwrap(), format!("b{value:b}"));
                Ok(())
            };
            check(digits.put::<8>(value, &mut text), &text)?;
            if value < 1 << 32 {
                check(digits.put::<4>(value, &mut text), &text)?;
            }
            if value < 1 << 16 {
                check(digits.put::<2>(value, &mut text), &text)?;
            }
            if value < 1 << 8 {
                check(digits.put_byte(value as u8, &mut text), &text)?;
            }
        }
    }
}
