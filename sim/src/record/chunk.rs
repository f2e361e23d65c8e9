//! The chunks of which a record's file consists.
//!
//! The first line says that it is a record, and its version. Chunks follow, each a header of [`HEADER`] bytes and a block in
//! the LZ4 format. The header is, in little-endian numbers: bytes of the block, bytes of the content, the chunk's index, its
//! kind (32 bits each), its first cycle, how many cycles it has, the *chain* and the header's own checksum (64 bits each).
//!
//! | kind | content | first cycle | cycles |
//! |---|---|---|---|
//! | 0, design | the design's text form | 0 | 0 |
//! | 1, checkpoint | the domains whose edge began the cycle, then the state, in 64-bit words | the cycle, the next one recorded | 0 |
//! | 2, cycles | as [`super::cycles`] says | the first | how many |
//! | 3, end | none | one after the last | how many in all |
//!
//! The design comes first, then a checkpoint, last the end; chunks are numbered from 0.
//!
//! **Checksums** are XXH3 of 64 bits. The header's own covers what stands before it. The chain covers the header up to the
//! chain and the block, and its seed is the chain of the chunk before: so it also holds which chunks came before, and in
//! which order. The first line's checksum is the seed of the first.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use lz4_flex::block;
use twox_hash::XxHash3_64;

/// How every record begins, up to its version.
pub(super) const SIGNATURE: &[u8] = b"systole record ";

/// The version that is written and read.
pub(super) const VERSION: u32 = 2;

/// The first line.
pub(super) const FIRST_LINE: &[u8] = b"systole record 2\n";

/// Bytes of a chunk's header.
pub(super) const HEADER: usize = 48;

/// Bytes of it before the chain, and before its own checksum.
const BEFORE_CHAIN: usize = 32;
const BEFORE_CHECKSUM: usize = 40;

/// The most that a byte of an LZ4 block can stand for.
const LZ4_RATIO: u64 = 255;

/// What a chunk holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Design,
    Checkpoint,
    Cycles,
    End,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Design, Kind::Checkpoint, Kind::Cycles, Kind::End];
}

/// A part of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chunk {
    pub kind: Kind,
    /// As the module's table says.
    pub first: u64,
    pub cycles: u64,
    pub content: Vec<u8>,
}

/// A chunk's header, but for its own checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// Bytes of the block.
    pub length: u32,
    /// Bytes of the content.
    pub size: u32,
    pub index: u32,
    pub kind: Kind,
    pub first: u64,
    pub cycles: u64,
    pub chain: u64,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let narrow = [self.length, self.size, self.index, self.kind as u32];
        let wide = [self.first, self.cycles, self.chain];
        let fields = narrow.iter().flat_map(|n| n.to_le_bytes()).chain(wide.iter().flat_map(|n| n.to_le_bytes()));
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        let checksum = XxHash3_64::oneshot(&bytes[..BEFORE_CHECKSUM]);
        bytes[BEFORE_CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` if they are not what [`Header::to_bytes`] gave.
    fn from_bytes(bytes: &[u8; HEADER]) -> Option<Header> {
        let (narrow, wide) = bytes.split_at(16);
        let narrow = |i: usize| narrow[4 * i..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let wide = |i: usize| wide[8 * i..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let kind = *Kind::ALL.get(narrow(3)? as usize)?;
        let header =
            Header { length: narrow(0)?, size: narrow(1)?, index: narrow(2)?, kind, first: wide(0)?, cycles: wide(1)?, chain: wide(2)? };
        (header.to_bytes() == *bytes).then_some(header)
    }

    /// The chain behind the chunk, given the one before it.
    fn chain_behind(&self, before: u64, block: &[u8]) -> u64 {
        let mut hash = XxHash3_64::with_seed(before);
        std::hash::Hasher::write(&mut hash, &self.to_bytes()[..BEFORE_CHAIN]);
        std::hash::Hasher::write(&mut hash, block);
        std::hash::Hasher::finish(&hash)
    }
}

/// The chain before the first chunk.
fn first_chain() -> u64 {
    XxHash3_64::oneshot(FIRST_LINE)
}

/// Writes chunks.
pub(super) struct ChunkWriter<W> {
    out: W,
    index: u32,
    chain: u64,
}

impl<W: Write> ChunkWriter<W> {
    /// Writes the first line.
    pub fn start(mut out: W) -> io::Result<ChunkWriter<W>> {
        out.write_all(FIRST_LINE)?;
        Ok(ChunkWriter { out, index: 0, chain: first_chain() })
    }

    /// Writes a chunk at one go: when this returns, the system has it.
    pub fn write(&mut self, chunk: &Chunk) -> io::Result<()> {
        let too_large = |_| io::Error::other("a part of the record beyond 4 GB");
        let mut bytes = vec![0; HEADER];
        if !chunk.content.is_empty() {
            bytes.resize(HEADER + block::get_maximum_output_size(chunk.content.len()), 0);
            let length = block::compress_into(&chunk.content, &mut bytes[HEADER..]).map_err(io::Error::other)?;
            bytes.truncate(HEADER + length);
        }
        let Chunk { kind, first, cycles, .. } = *chunk;
        let length = u32::try_from(bytes.len() - HEADER).map_err(too_large)?;
        let size = u32::try_from(chunk.content.len()).map_err(too_large)?;
        let mut header = Header { length, size, index: self.index, kind, first, cycles, chain: 0 };
        header.chain = header.chain_behind(self.chain, &bytes[HEADER..]);
        bytes[..HEADER].copy_from_slice(&header.to_bytes());
        (self.chain, self.index) = (header.chain, self.index + 1);
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

/// Where a chunk stands, so that it can be read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Location {
    /// First byte of the header.
    pub byte: u64,
    pub header: Header,
    /// The chain before it.
    before: u64,
}

/// Why a chunk cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file is not what was written.
    Damaged {
        /// First byte of the chunk.
        byte: u64,
        chunk: u32,
        what: String,
    },
    /// The system's error.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl Location {
    pub fn damaged(&self, what: impl Into<String>) -> Fault {
        Fault::Damaged { byte: self.byte, chunk: self.header.index, what: what.into() }
    }

    /// The content of the chunk whose block this is, if it has at most `limit` bytes. The claim is checked before room is made.
    pub fn content(&self, block: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        let size = u64::from(self.header.size);
        if size > limit || size > LZ4_RATIO * block.len() as u64 {
            return Err(self.damaged(format!("it claims a content of {size} bytes, more than it can have")));
        }
        let mut content = vec![0; size as usize];
        // A chunk without content has no block either.
        let whole = if size == 0 { block.is_empty() } else { block::decompress_into(block, &mut content).ok() == Some(content.len()) };
        if whole { Ok(content) } else { Err(self.damaged("its content does not unpack")) }
    }

    /// Reads the chunk's block again.
    pub fn read_again(&self, mut file: &File) -> Result<Vec<u8>, Fault> {
        file.seek(SeekFrom::Start(self.byte + HEADER as u64))?;
        let mut block = Vec::new();
        file.take(self.header.length.into()).read_to_end(&mut block)?;
        let same = block.len() == self.header.length as usize && self.header.chain_behind(self.before, &block) == self.header.chain;
        if same { Ok(block) } else { Err(self.damaged("it has changed since it was checked")) }
    }
}

/// Reads a file's chunks one after the other, behind its first line.
pub(super) struct Chunks<'f> {
    file: BufReader<&'f File>,
    /// Where it is, and where the file ends.
    byte: u64,
    end: u64,
    index: u32,
    chain: u64,
}

impl<'f> Chunks<'f> {
    /// For a file of so many bytes that stands behind its first line.
    pub fn new(file: &'f File, end: u64) -> Chunks<'f> {
        Chunks { file: BufReader::new(file), byte: FIRST_LINE.len() as u64, end, index: 0, chain: first_chain() }
    }

    /// Bytes not read yet.
    pub fn left(&self) -> u64 {
        self.end - self.byte
    }

    /// The next chunk's place and block. `None` if the file ends before a whole one: as the last one that a killed run began.
    pub fn next(&mut self) -> Result<Option<(Location, Vec<u8>)>, Fault> {
        let damaged = |what: &str| Fault::Damaged { byte: self.byte, chunk: self.index, what: what.to_string() };
        if self.left() < HEADER as u64 {
            return Ok(None);
        }
        let mut bytes = [0; HEADER];
        self.file.read_exact(&mut bytes)?;
        let Some(header) = Header::from_bytes(&bytes) else {
            // After a loss of power the last bytes may be zeros that were to be written.
            let unwritten = bytes == [0; HEADER] && only_zeros(&mut self.file)?;
            return if unwritten { Ok(None) } else { Err(damaged("its header is not as it was written")) };
        };
        if header.index != self.index {
            return Err(damaged(&format!("chunk {} stands in its place: chunks are missing, or out of order", header.index)));
        }
        let length = u64::from(header.length);
        if length > self.left() - HEADER as u64 {
            return Ok(None);
        }
        let mut block = vec![0; length as usize];
        self.file.read_exact(&mut block)?;
        if header.chain_behind(self.chain, &block) != header.chain {
            let last = self.left() == HEADER as u64 + length && header.kind != Kind::End;
            return if last { Ok(None) } else { Err(damaged("it is not as it was written, or does not follow the chunk before it")) };
        }
        let location = Location { byte: self.byte, header, before: self.chain };
        self.byte += HEADER as u64 + length;
        self.chain = header.chain;
        self.index = self.index.checked_add(1).ok_or_else(|| location.damaged("it has too many chunks"))?;
        Ok(Some((location, block)))
    }
}

fn only_zeros(file: &mut impl Read) -> io::Result<bool> {
    let mut bytes = [0; 4096];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(true),
            count if bytes[..count].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}
