//! What stands in a record.
//!
//! The first line says that it is one, and its version. Chunks follow: the length in bytes (32 bits, little-endian), then an
//! LZ4 frame with checksums of its blocks and its content, which is a [`Chunk`] in the `postcard` format. The first chunk is the design, the
//! second a checkpoint, the last the end.
//!
//! [`Chunk::Cycles`] holds cycles one after the other. Each begins with a byte of flags: 1 if edges follow, 2 if resets, 4 if
//! inputs, 8 if words put into memories. What does not follow is as in the cycle before; the first cycle after a checkpoint
//! has everything. Edges and resets are 64 bits, little-endian, bit *i* for domain *i*; words are a `postcard` list of
//! [`Words`] and its length before it (32 bits). Of the inputs, a bit for each says which changed (input 0 is the lowest bit of
//! the first byte); their values follow in whole bytes, little-endian, limbs beyond 64 bits.

use std::io::{self, Read, Write};

use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use serde::{Deserialize, Serialize};

/// How every record begins, up to its version.
pub(super) const SIGNATURE: &[u8] = b"systole record ";

/// The version that is written and read.
pub(super) const VERSION: u32 = 1;

/// The first line.
pub(super) const FIRST_LINE: &[u8] = b"systole record 1\n";

/// The most bytes of a chunk, uncompressed: more means that a file is damaged.
const LARGEST: u64 = 1 << 36;

/// A part of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Chunk {
    /// The design in its text form.
    Design(String),
    /// A state from which to go on.
    Checkpoint(Checkpoint),
    /// Cycles, as the module's documentation says.
    Cycles(Vec<u8>),
    /// Nothing follows.
    End,
}

/// The state in a cycle, before the edge that ends it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The cycle, the next one recorded.
    pub cycle: u64,
    /// Domains whose edge began it.
    pub began: u64,
    /// As [`crate::state::state`] gives it.
    pub state: Vec<u64>,
}

/// Words put into a memory from outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Words {
    /// The instance.
    pub node: u32,
    /// The memory in it.
    pub memory: u32,
    /// The first address.
    pub first: u32,
    /// The words, limb by limb.
    pub limbs: Vec<u64>,
}

/// What is new in a cycle, beside inputs.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct CycleChange {
    pub edges: Option<u64>,
    pub resets: Option<u64>,
    pub written: Vec<Words>,
}

const EDGES: u8 = 1;
const RESETS: u8 = 2;
/// Changed inputs follow.
pub(super) const INPUTS: u8 = 4;
const WORDS: u8 = 8;

/// Adds a cycle; changed inputs are to be added behind it.
pub(super) fn push_cycle(out: &mut Vec<u8>, change: &CycleChange, inputs: bool) {
    let flag = |there: bool, flag: u8| if there { flag } else { 0 };
    out.push(
        flag(change.edges.is_some(), EDGES)
            | flag(change.resets.is_some(), RESETS)
            | flag(inputs, INPUTS)
            | flag(!change.written.is_empty(), WORDS),
    );
    [change.edges, change.resets].into_iter().flatten().for_each(|domains| out.extend_from_slice(&domains.to_le_bytes()));
    if !change.written.is_empty() {
        let words = postcard::to_stdvec(&change.written).expect("a growing buffer has room");
        out.extend_from_slice(&(words.len() as u32).to_le_bytes());
        out.extend_from_slice(&words);
    }
}

/// Takes a cycle off the front, up to its inputs; the second answer is whether these follow. `None` if there is no sense in it.
pub(super) fn take_cycle(cycles: &mut &[u8]) -> Option<(CycleChange, bool)> {
    let flags = *cycles.split_off_first()?;
    if flags > EDGES | RESETS | INPUTS | WORDS {
        return None;
    }
    let mut domains = |flag: u8| match flags & flag {
        0 => Some(None),
        _ => cycles.split_off(..8).and_then(|bytes| Some(Some(u64::from_le_bytes(bytes.try_into().ok()?)))),
    };
    let (edges, resets) = (domains(EDGES)?, domains(RESETS)?);
    let mut written = Vec::new();
    if flags & WORDS != 0 {
        let length = u32::from_le_bytes(cycles.split_off(..4)?.try_into().ok()?);
        written = postcard::from_bytes(cycles.split_off(..length as usize)?).ok()?;
    }
    Some((CycleChange { edges, resets, written }, flags & INPUTS != 0))
}

/// Writes a chunk.
pub(super) fn write(chunk: &Chunk, out: &mut impl Write) -> io::Result<()> {
    let content = postcard::to_stdvec(chunk).map_err(io::Error::other)?;
    let mut encoder = FrameEncoder::with_frame_info(FrameInfo::new().content_checksum(true).block_checksums(true), Vec::new());
    encoder.write_all(&content)?;
    let frame = encoder.finish().map_err(io::Error::other)?;
    let length = u32::try_from(frame.len()).map_err(|_| io::Error::other("a checkpoint beyond 4 GB"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&frame)
}

/// Why a chunk cannot be read.
#[derive(Debug)]
pub(super) enum Damage {
    /// The file ends before the chunk does.
    Cut,
    /// The bytes are not those that were written.
    Spoilt,
    /// The system's error.
    Io(io::Error),
}

/// Reads a chunk.
pub(super) fn read(file: &mut impl Read) -> Result<Chunk, Damage> {
    let cut = |error: io::Error| if error.kind() == io::ErrorKind::UnexpectedEof { Damage::Cut } else { Damage::Io(error) };
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(cut)?;
    let length = u64::from(u32::from_le_bytes(length));
    let mut frame = Vec::new();
    // The length may be damaged: no room is made for it beforehand.
    file.take(length).read_to_end(&mut frame).map_err(cut)?;
    if (frame.len() as u64) < length {
        return Err(Damage::Cut);
    }
    let (mut content, mut rest) = (Vec::new(), frame.as_slice());
    FrameDecoder::new(&mut rest).take(LARGEST).read_to_end(&mut content).map_err(|_| Damage::Spoilt)?;
    if !rest.is_empty() {
        return Err(Damage::Spoilt);
    }
    postcard::from_bytes(&content).map_err(|_| Damage::Spoilt)
}
