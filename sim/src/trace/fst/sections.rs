//! The part of an FST file that holds the values: sections of changes, signal by signal.
//!
//! The crate that writes our headers has a writer for these too, but it takes digits, of which the file has none, and chains
//! the changes of all signals through one buffer: see `docs/decisions/0007-value-changes-of-fst.md`.
//!
//! A section holds, after its head: the *frame*, all values before its first change, a character for each bit; the changes of
//! each signal, one after the other, as how many times later than the one before, and the value; where each signal's changes
//! begin; and the times. Numbers are LEB128, of 7 bits a byte, the lowest first.

use std::io::{self, Write};

use lz4_flex::block::{compress_into, get_maximum_output_size};
use miniz_oxide::deflate::compress_to_vec_zlib;

/// Kind of a section of value changes.
const VALUE_CHANGES: u8 = 8;

/// Says that changes are compressed with LZ4 where that makes them shorter.
const LZ4: u8 = b'4';

/// Changes of one signal that take fewer bytes are not worth compressing.
const TOO_SHORT: usize = 32;

/// Effort of compressing frame and times, from 0 to 10.
const ZLIB_LEVEL: u8 = 3;

/// The values of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::trace) enum Form {
    /// So many bits, at least one.
    Bits(u32),
    /// Real numbers.
    Real,
}

impl Form {
    /// Bytes of a value in a change; a single bit has none of its own.
    fn bytes(self) -> usize {
        match self {
            Form::Bits(1) => 0,
            Form::Bits(width) => width.div_ceil(8) as usize,
            Form::Real => 8,
        }
    }

    /// Bytes in the frame.
    fn characters(self) -> usize {
        if let Form::Bits(width) = self { width as usize } else { 8 }
    }
}

/// Changes that are not yet in the file.
pub(super) struct Sections {
    signals: Vec<Signal>,
    /// Values before the section's first time.
    frame: Vec<u8>,
    /// Bytes of all changes, beyond which the section is to be written.
    limit: usize,
    pending: usize,
    /// The times as the file has them.
    times: Vec<u8>,
    time_count: u32,
    /// End of the section before; at the start, where the trace begins.
    start: u64,
    end: u64,
    /// Sections written.
    pub written: u64,
}

/// The changes of a signal in the section at hand.
struct Signal {
    changes: Vec<u8>,
    /// Number of the time of the last one.
    last: u32,
    /// The last value, of a signal of a single bit.
    bit: bool,
    form: Form,
    /// First byte in the frame.
    frame: usize,
}

impl Sections {
    /// Nothing has a value yet, and the trace begins at `start`. A section is written once its changes exceed `limit` bytes,
    /// or twice the frame.
    pub fn new(forms: impl IntoIterator<Item = Form>, start: u64, limit: usize) -> Sections {
        let mut frame = Vec::new();
        let signal = |form: Form| {
            let at = frame.len();
            match form {
                Form::Bits(width) => frame.resize(at + width as usize, b'x'),
                Form::Real => frame.extend_from_slice(&f64::NAN.to_le_bytes()),
            }
            Signal { changes: Vec::new(), last: 0, bit: false, form, frame: at }
        };
        let signals = forms.into_iter().map(signal).collect();
        let limit = limit.max(2 * frame.len());
        Sections { signals, frame, limit, pending: 0, times: Vec::new(), time_count: 0, start, end: 0, written: 0 }
    }

    /// The last time begun.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Begins a time, later than those before; before it, writes the section if it is large.
    pub fn time(&mut self, time: u64, out: &mut impl Write) -> io::Result<()> {
        if self.pending > self.limit {
            self.write(out)?;
        }
        // Where the trace begins is no time of its own: it has the frame.
        if self.written > 0 || self.time_count > 0 || time > self.start {
            // The first time of a section is counted from zero.
            let since = if self.time_count == 0 { 0 } else { self.end };
            push_number(&mut self.times, time - since);
            self.time_count += 1;
        }
        self.end = time;
        Ok(())
    }

    /// Whether the values of this time are the trace's first, which stand in the frame.
    fn in_frame(&self) -> bool {
        self.time_count == 0
    }

    /// A change of a signal of bits to `value`, which has no other bits than the signal.
    #[inline]
    pub fn narrow(&mut self, signal: usize, value: u64) {
        if self.in_frame() {
            return self.set_frame(signal, &[value]);
        }
        let now = self.time_count - 1;
        let signal = &mut self.signals[signal];
        let Form::Bits(width) = signal.form else { unreachable!("a real number is not narrow bits") };
        let later = u64::from(now - std::mem::replace(&mut signal.last, now));
        if width == 1 {
            signal.bit = value != 0;
            push_number(&mut signal.changes, later << 2 | value << 1);
            self.pending += 1;
            return;
        }
        push_number(&mut signal.changes, later << 1);
        // The first bit is the highest of the first byte. The bytes behind the last are taken back.
        let bytes = (value << (64 - width)).to_be_bytes();
        let count = width.div_ceil(8) as usize;
        let end = signal.changes.len() + count;
        match count {
            1 => signal.changes.push(bytes[0]),
            2 => signal.changes.extend_from_slice(&bytes[..2]),
            _ => signal.changes.extend_from_slice(&bytes),
        }
        signal.changes.truncate(end);
        self.pending += 1 + count;
    }

    /// A change of a signal of bits; limbs have no other bits than the signal.
    pub fn wide(&mut self, signal: usize, limbs: &[u64]) {
        if self.in_frame() {
            return self.set_frame(signal, limbs);
        }
        let width = if let Form::Bits(width) = self.signals[signal].form { width } else { 64 };
        let surplus = limbs.len() as u32 * 64 - width;
        let limb = |index: usize| limbs[index] << surplus | if surplus == 0 || index == 0 { 0 } else { limbs[index - 1] >> (64 - surplus) };
        let bytes = (0..limbs.len()).rev().flat_map(|index| limb(index).to_be_bytes()).take(width.div_ceil(8) as usize);
        self.long(signal, 0, bytes);
    }

    /// A change of a real number.
    pub fn real(&mut self, signal: usize, value: f64) {
        if self.in_frame() {
            let at = self.signals[signal].frame;
            self.frame[at..at + 8].copy_from_slice(&value.to_le_bytes());
        } else {
            self.long(signal, 1, value.to_le_bytes());
        }
    }

    fn long(&mut self, signal: usize, mark: u64, bytes: impl IntoIterator<Item = u8>) {
        let now = self.time_count - 1;
        let signal = &mut self.signals[signal];
        let later = u64::from(now - std::mem::replace(&mut signal.last, now));
        push_number(&mut signal.changes, later << 1 | mark);
        signal.changes.extend(bytes);
        self.pending += 1 + signal.form.bytes();
    }

    fn set_frame(&mut self, signal: usize, limbs: &[u64]) {
        let Signal { form, frame, .. } = self.signals[signal];
        for (place, character) in self.frame[frame..frame + form.characters()].iter_mut().rev().enumerate() {
            *character = b'0' + (limbs[place / 64] >> (place % 64) & 1) as u8;
        }
    }

    /// Writes the section and begins the next.
    pub fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        let mut body = Vec::with_capacity(self.pending / 2);
        let count = self.signals.len() as u64;
        let frame = smaller(&self.frame);
        push_number(&mut body, self.frame.len() as u64);
        push_number(&mut body, frame.as_ref().map_or(self.frame.len(), Vec::len) as u64);
        push_number(&mut body, count);
        body.extend_from_slice(frame.as_deref().unwrap_or(&self.frame));

        push_number(&mut body, count);
        let mut before = body.len();
        body.push(LZ4);
        let (mut offsets, mut without) = (Vec::new(), 0);
        let (mut packed, mut unpacked_bytes) = (Vec::new(), 0);
        for signal in &mut self.signals {
            if signal.changes.is_empty() {
                without += 1;
                continue;
            }
            push_signals_without(&mut offsets, &mut without);
            push_offset(&mut offsets, body.len() - before);
            before = body.len();
            unpacked_bytes += signal.changes.len();
            push_changes(&mut body, &signal.changes, &mut packed);
            signal.keep_last_value(&mut self.frame);
            signal.last = 0;
            signal.changes.clear();
        }
        push_signals_without(&mut offsets, &mut without);
        body.extend_from_slice(&offsets);
        body.extend_from_slice(&(offsets.len() as u64).to_be_bytes());

        let times = smaller(&self.times);
        let packed_times = times.as_deref().unwrap_or(&self.times);
        body.extend_from_slice(packed_times);
        for number in [self.times.len() as u64, packed_times.len() as u64, self.time_count.into()] {
            body.extend_from_slice(&number.to_be_bytes());
        }

        out.write_all(&[VALUE_CHANGES])?;
        // The length counts itself and the three numbers behind it.
        for number in [body.len() as u64 + 32, self.start, self.end, unpacked_bytes as u64] {
            out.write_all(&number.to_be_bytes())?;
        }
        out.write_all(&body)?;
        self.written += 1;
        self.pending = 0;
        self.start = self.end;
        self.times.clear();
        self.time_count = 0;
        Ok(())
    }
}

impl Signal {
    /// Puts the last value, of which there is one in the section, into the frame.
    fn keep_last_value(&self, frame: &mut [u8]) {
        let frame = &mut frame[self.frame..][..self.form.characters()];
        let last = &self.changes[self.changes.len() - self.form.bytes()..];
        match self.form {
            Form::Real => frame.copy_from_slice(last),
            Form::Bits(1) => frame[0] = b'0' + u8::from(self.bit),
            Form::Bits(_) => {
                for (index, character) in frame.iter_mut().enumerate() {
                    *character = b'0' + (last[index / 8] >> (7 - index % 8) & 1);
                }
            }
        }
    }
}

/// A signal's changes: their length if they are compressed, or 0, and they.
fn push_changes(out: &mut Vec<u8>, changes: &[u8], packed: &mut Vec<u8>) {
    packed.resize(get_maximum_output_size(changes.len()), 0);
    match if changes.len() < TOO_SHORT { None } else { compress_into(changes, packed).ok() } {
        Some(length) if length < changes.len() => {
            push_number(out, changes.len() as u64);
            out.extend_from_slice(&packed[..length]);
        }
        _ => {
            out.push(0);
            out.extend_from_slice(changes);
        }
    }
}

/// The bytes compressed, if that makes them fewer: readers tell by the length.
fn smaller(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(compress_to_vec_zlib(bytes, ZLIB_LEVEL)).filter(|packed| packed.len() < bytes.len())
}

#[inline]
fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How much later than those before it a signal's changes begin; a signed number, of which the lowest bit says what it is.
fn push_offset(out: &mut Vec<u8>, offset: usize) {
    let mut number = (offset as u64) << 1 | 1;
    while number > 0x3f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many signals in a row have no changes.
fn push_signals_without(out: &mut Vec<u8>, count: &mut u64) {
    if *count > 0 {
        push_number(out, *count << 1);
        *count = 0;
    }
}
