//! Names of state values in an FST file.
//!
//! The format has enumeration tables for this: an attribute that lists names and values, and a reference in front of each
//! variable that uses it. The crate that writes our FST files does not know attributes, so they are added to the finished
//! file: a hierarchy block with them goes to the end, and the block it replaces is marked as one to skip.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::contents::{Contents, Item, StateNames};
use super::fst;

/// Length of the header block, which stands first: its type, its length and its content.
const HEADER_BLOCK: u64 = 1 + 329;
/// Block types.
const HIERARCHY_LZ4: u8 = 6;
const SKIP: u8 = 255;
/// Entries of the hierarchy that are not variables.
const ATTRIBUTE: u8 = 252;
const SCOPE: u8 = 254;
const UP_SCOPE: u8 = 255;
/// Attribute kinds: miscellaneous, and of these an enumeration table.
const MISCELLANEOUS: u8 = 0;
const ENUMERATION: u8 = 7;

/// Adds the names of states to a finished FST file.
///
/// # Errors
/// If the file cannot be read or written, or does not begin as the writer of the header is known to begin it.
pub(super) fn add_state_names(file: &mut (impl Read + Write + Seek), contents: &Contents) -> io::Result<()> {
    if contents.states.is_empty() {
        return Ok(());
    }
    file.seek(SeekFrom::Start(HEADER_BLOCK))?;
    let (mut kind, mut length, mut plain_length) = ([0], [0; 8], [0; 8]);
    file.read_exact(&mut kind)?;
    file.read_exact(&mut length)?;
    file.read_exact(&mut plain_length)?;
    let (length, plain_length) = (u64::from_be_bytes(length), u64::from_be_bytes(plain_length));
    if kind != [HIERARCHY_LZ4] {
        return Err(unexpected());
    }
    let mut packed = vec![0; length.checked_sub(16).ok_or_else(unexpected)? as usize];
    file.read_exact(&mut packed)?;
    let plain = lz4_flex::decompress(&packed, plain_length as usize).map_err(io::Error::other)?;

    let plain = with_attributes(&plain, contents).ok_or_else(unexpected)?;
    let packed = lz4_flex::compress(&plain);
    file.seek(SeekFrom::End(0))?;
    file.write_all(&[HIERARCHY_LZ4])?;
    file.write_all(&(packed.len() as u64 + 16).to_be_bytes())?;
    file.write_all(&(plain.len() as u64).to_be_bytes())?;
    file.write_all(&packed)?;
    file.seek(SeekFrom::Start(HEADER_BLOCK))?;
    file.write_all(&[SKIP])
}

fn unexpected() -> io::Error {
    io::Error::other("the FST writer laid the file out in an unknown way, so that states cannot be named")
}

/// The hierarchy with the tables in front and a reference before each state; `None` if it is not understood.
fn with_attributes(mut hierarchy: &[u8], contents: &Contents) -> Option<Vec<u8>> {
    let mut variables = contents.items.iter().filter_map(|item| match item {
        Item::Variable(variable) if fst::form(variable, contents).is_some() => Some(variable),
        _ => None,
    });
    let mut out = Vec::with_capacity(hierarchy.len() * 2);
    let mut handles = HashMap::new();
    while let Some(kind) = hierarchy.first() {
        let length = entry_length(hierarchy)?;
        if !matches!(*kind, SCOPE | UP_SCOPE)
            && let Some(states) = variables.next()?.states
        {
            let next = handles.len() as u64 + 1;
            let handle = *handles.entry(states).or_insert_with(|| {
                attribute(&mut out, &table(&contents.states[states]), next);
                next
            });
            attribute(&mut out, "", handle);
        }
        out.extend_from_slice(hierarchy.split_off(..length)?);
    }
    Some(out)
}

/// Length of the first entry in bytes.
fn entry_length(entries: &[u8]) -> Option<usize> {
    let text_end = |from: usize| Some(from + entries.get(from..)?.iter().position(|byte| *byte == 0)? + 1);
    let number_end = |from: usize| Some(from + entries.get(from..)?.iter().position(|byte| byte & 0x80 == 0)? + 1);
    match entries.first()? {
        // Kind of scope, name, component.
        &SCOPE => text_end(text_end(2)?),
        &UP_SCOPE => Some(1),
        // Kind of variable, direction, name, length, the variable it repeats.
        0..=29 => number_end(number_end(text_end(2)?)?),
        _ => None,
    }
}

fn attribute(out: &mut Vec<u8>, name: &str, mut argument: u64) {
    out.extend_from_slice(&[ATTRIBUTE, MISCELLANEOUS, ENUMERATION]);
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    while argument > 0x7f {
        out.push(argument as u8 | 0x80);
        argument >>= 7;
    }
    out.push(argument as u8);
}

/// Name, number of entries, the names, the values in binary.
fn table(states: &StateNames) -> String {
    let values = (0..states.names.len()).map(|value| format!("{value:0width$b}", width = states.width as usize));
    let words = [states.name.clone(), states.names.len().to_string()].into_iter().chain(states.names.iter().cloned()).chain(values);
    words.collect::<Vec<_>>().join(" ")
}
