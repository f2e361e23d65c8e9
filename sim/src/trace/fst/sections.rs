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

/// Changes of a section in the making.
pub(super) struct Changes {
    forms: Vec<Form>,
    section: Section,
    /// Times in the section up to the one at which changes happen; 0 for where the trace begins.
    moment: u32,
    /// Bytes of all changes.
    pending: usize,
}

/// Changes that are ready to be written.
#[derive(Default)]
pub(super) struct Section {
    signals: Vec<Signal>,
    /// The first values of all, at the very start of the trace.
    first: Vec<(usize, Vec<u64>)>,
    /// The times as the file has them.
    times: Vec<u8>,
    time_count: u32,
    end: u64,
}

/// The changes of a signal in a section.
#[derive(Default)]
struct Signal {
    changes: Vec<u8>,
    /// Number of the time of the last one.
    last: u32,
    /// In bits; 0 for real numbers.
    width: u32,
    /// The last value, of a signal of a single bit.
    bit: bool,
}

impl Changes {
    /// Nothing has a value yet.
    pub fn new(forms: &[Form]) -> Changes {
        let mut changes = Changes { forms: forms.to_vec(), section: Section::default(), moment: 0, pending: 0 };
        changes.take(Section::default());
        changes
    }

    /// Bytes of all changes since the last section was taken.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// The section so far, for which `empty`, new or one that has been written, takes its place.
    pub fn take(&mut self, mut empty: Section) -> Section {
        let width = |form: &Form| if let Form::Bits(width) = *form { width } else { 0 };
        empty.signals.resize_with(self.forms.len(), Signal::default);
        for (signal, form) in empty.signals.iter_mut().zip(&self.forms) {
            signal.changes.clear();
            (signal.last, signal.width) = (0, width(form));
        }
        empty.times.clear();
        empty.first.clear();
        (empty.time_count, empty.end) = (0, self.section.end);
        (self.moment, self.pending) = (0, 0);
        std::mem::replace(&mut self.section, empty)
    }

    /// Begins a time, later than those before. Where the trace begins is no time of its own: its values stand in the frame.
    pub fn time(&mut self, time: u64, begins_trace: bool) {
        let section = &mut self.section;
        if !begins_trace {
            // The first time of a section is counted from zero.
            let since = if section.time_count == 0 { 0 } else { section.end };
            push_number(&mut section.times, time - since);
            section.time_count += 1;
        }
        section.end = time;
        self.moment = section.time_count;
    }

    /// The time at which changes happen: its number in the section, as [`Changes::go_to`] takes it.
    pub fn moment(&self) -> u32 {
        self.moment
    }

    /// Changes happen at an earlier time of the section.
    pub fn go_to(&mut self, moment: u32) {
        self.moment = moment;
    }

    /// A change of a signal of at most 64 bits to `value`, which has no other bits than the signal.
    #[inline]
    pub fn narrow(&mut self, signal: usize, value: u64) {
        if self.moment == 0 {
            return self.section.first.push((signal, vec![value]));
        }
        let now = self.moment - 1;
        let signal = &mut self.section.signals[signal];
        let later = u64::from(now - std::mem::replace(&mut signal.last, now));
        if signal.width == 1 {
            signal.bit = value != 0;
            push_number(&mut signal.changes, later << 2 | value << 1);
            self.pending += 1;
            return;
        }
        // The first bit is the highest of the first byte. The bytes behind the last are taken back.
        let bytes = (value << (64 - signal.width)).to_be_bytes();
        let count = 1 + signal.width.div_ceil(8) as usize;
        if later > 0x3f {
            push_number(&mut signal.changes, later << 1);
            signal.changes.extend_from_slice(&bytes[..count - 1]);
        } else {
            let mut change = [0; 16];
            change[0] = (later << 1) as u8;
            change[1..9].copy_from_slice(&bytes);
            let end = signal.changes.len() + count;
            signal.changes.extend_from_slice(&change);
            signal.changes.truncate(end);
        }
        self.pending += count;
    }

    /// A change of a signal of bits; limbs have no other bits than the signal.
    pub fn wide(&mut self, signal: usize, limbs: &[u64]) {
        let Form::Bits(width) = self.forms[signal] else { unreachable!("bits are not a real number") };
        let surplus = limbs.len() as u32 * 64 - width;
        let limb = |index: usize| limbs[index] << surplus | if surplus == 0 || index == 0 { 0 } else { limbs[index - 1] >> (64 - surplus) };
        let bytes = (0..limbs.len()).rev().flat_map(|index| limb(index).to_be_bytes()).take(width.div_ceil(8) as usize);
        self.long(signal, 0, limbs, bytes);
    }

    /// A change of a real number.
    pub fn real(&mut self, signal: usize, value: f64) {
        self.long(signal, 1, &[value.to_bits()], value.to_le_bytes());
    }

    fn long(&mut self, signal: usize, mark: u64, limbs: &[u64], bytes: impl IntoIterator<Item = u8>) {
        if self.moment == 0 {
            return self.section.first.push((signal, limbs.to_vec()));
        }
        let now = self.moment - 1;
        let form = self.forms[signal];
        let signal = &mut self.section.signals[signal];
        let later = u64::from(now - std::mem::replace(&mut signal.last, now));
        push_number(&mut signal.changes, later << 1 | mark);
        signal.changes.extend(bytes);
        self.pending += 1 + form.bytes();
    }
}

/// Writes sections, and knows what carries over from one to the next.
pub(super) struct SectionWriter {
    /// Of each signal, and the first byte of its value in the frame.
    signals: Vec<(Form, usize)>,
    /// Values before the section's first time: a character for each bit, real numbers in their eight bytes.
    frame: Vec<u8>,
    /// For how many sections each signal's changes are not compressed, since it has not helped.
    patience: Vec<u8>,
    /// End of the section before; at the start, where the trace begins.
    start: u64,
    packed: Vec<u8>,
    /// Sections written.
    pub written: u64,
}

/// Sections before compression is tried again on a signal whose changes it hardly made shorter.
const PATIENCE: u8 = 15;

impl SectionWriter {
    /// Nothing has a value yet, and the trace begins at `start`.
    pub fn new(forms: &[Form], start: u64) -> SectionWriter {
        let mut frame = Vec::new();
        let place = |&form: &Form| {
            let at = frame.len();
            match form {
                Form::Bits(width) => frame.resize(at + width as usize, b'x'),
                Form::Real => frame.extend_from_slice(&f64::NAN.to_le_bytes()),
            }
            (form, at)
        };
        let signals: Vec<(Form, usize)> = forms.iter().map(place).collect();
        SectionWriter { patience: vec![0; signals.len()], signals, frame, start, packed: Vec::new(), written: 0 }
    }

    /// The values before the next section's first time.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The last time of all sections.
    pub fn end(&self) -> u64 {
        self.start
    }

    /// Writes a section.
    pub fn write(&mut self, section: &Section, out: &mut impl Write) -> io::Result<()> {
        for (signal, limbs) in &section.first {
            self.set_frame(*signal, limbs);
        }
        let mut body = Vec::new();
        let count = self.signals.len() as u64;
        let frame = smaller(&self.frame);
        push_number(&mut body, self.frame.len() as u64);
        push_number(&mut body, frame.as_ref().map_or(self.frame.len(), Vec::len) as u64);
        push_number(&mut body, count);
        body.extend_from_slice(frame.as_deref().unwrap_or(&self.frame));

        push_number(&mut body, count);
        let mut before = body.len();
        body.push(LZ4);
        let (mut offsets, mut without, mut unpacked_bytes) = (Vec::new(), 0, 0);
        for (index, signal) in section.signals.iter().enumerate() {
            if signal.changes.is_empty() {
                without += 1;
                continue;
            }
            push_signals_without(&mut offsets, &mut without);
            push_offset(&mut offsets, body.len() - before);
            before = body.len();
            unpacked_bytes += signal.changes.len();
            push_changes(&mut body, &signal.changes, &mut self.packed, &mut self.patience[index]);
            let (form, at) = self.signals[index];
            signal.keep_last_value(form, &mut self.frame[at..][..form.characters()]);
        }
        push_signals_without(&mut offsets, &mut without);
        body.extend_from_slice(&offsets);
        body.extend_from_slice(&(offsets.len() as u64).to_be_bytes());

        let times = smaller(&section.times);
        let packed_times = times.as_deref().unwrap_or(&section.times);
        body.extend_from_slice(packed_times);
        for number in [section.times.len() as u64, packed_times.len() as u64, section.time_count.into()] {
            body.extend_from_slice(&number.to_be_bytes());
        }

        out.write_all(&[VALUE_CHANGES])?;
        // The length counts itself and the three numbers behind it.
        for number in [body.len() as u64 + 32, self.start, section.end, unpacked_bytes as u64] {
            out.write_all(&number.to_be_bytes())?;
        }
        out.write_all(&body)?;
        self.written += 1;
        self.start = section.end;
        Ok(())
    }

    fn set_frame(&mut self, signal: usize, limbs: &[u64]) {
        let (form, at) = self.signals[signal];
        let frame = &mut self.frame[at..][..form.characters()];
        if form == Form::Real {
            return frame.copy_from_slice(&limbs[0].to_le_bytes());
        }
        for (place, character) in frame.iter_mut().rev().enumerate() {
            *character = b'0' + (limbs[place / 64] >> (place % 64) & 1) as u8;
        }
    }
}

impl Signal {
    /// Puts the last value, of which there is one in the section, into its place in the frame.
    fn keep_last_value(&self, form: Form, frame: &mut [u8]) {
        let last = &self.changes[self.changes.len() - form.bytes()..];
        match form {
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
fn push_changes(out: &mut Vec<u8>, changes: &[u8], packed: &mut Vec<u8>, patience: &mut u8) {
    let length = if changes.len() < TOO_SHORT {
        None
    } else if *patience > 0 {
        *patience -= 1;
        None
    } else {
        packed.resize(get_maximum_output_size(changes.len()).max(packed.len()), 0);
        let length = compress_into(changes, packed).ok();
        if length.is_none_or(|length| length > changes.len() - changes.len() / 8) {
            *patience = PATIENCE;
        }
        length.filter(|&length| length < changes.len())
    };
    match length {
        Some(length) => {
            push_number(out, changes.len() as u64);
            out.extend_from_slice(&packed[..length]);
        }
        None => {
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
