//! What the crate that writes our FST headers leaves out: names of states, and what is known only at the end.
//!
//! For names the format has enumeration tables: an attribute lists names and values, and a reference stands in front of each
//! variable that uses it. Both belong into the hierarchy block, which is written anew before any block of changes follows.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::super::contents::{Contents, Item, StateNames};
use super::form;

/// Block types.
const HEADER: u8 = 0;
const GEOMETRY: u8 = 3;
const HIERARCHY: u8 = 6;
/// Bytes of a block's type and length, which stand before its content.
const BLOCK_HEAD: u64 = 9;
/// Entries of the hierarchy that are not variables.
const ATTRIBUTE: u8 = 252;
const SCOPE: u8 = 254;
const UP_SCOPE: u8 = 255;
/// Attribute kinds: miscellaneous, and of these an enumeration table.
const MISCELLANEOUS: u8 = 0;
const ENUMERATION: u8 = 7;

/// What a header counts.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Counts {
    pub scopes: u64,
    pub variables: u64,
    pub signals: u64,
    /// Sections of value changes.
    pub sections: u64,
}

/// Puts times and counts into the header of a finished file.
///
/// # Errors
/// If the file cannot be read or written, or does not look as its writer is known to make it.
pub(super) fn complete_header(file: &mut (impl Read + Write + Seek), start: u64, end: u64, counts: &Counts) -> io::Result<()> {
    let (at, _) = find_block(file, HEADER)?;
    let Counts { scopes, variables, signals, sections } = *counts;
    // Between times and counts stand a number that tells the order of bytes, and the memory that the writer took.
    for (offset, numbers) in [(0, &[start, end][..]), (32, &[scopes, variables, signals, sections])] {
        file.seek(SeekFrom::Start(at + offset))?;
        numbers.iter().try_for_each(|number| file.write_all(&number.to_be_bytes()))?;
    }
    Ok(())
}

/// Adds the names of states to a file that ends with its hierarchy and geometry, and leaves it at its end.
///
/// # Errors
/// If the file cannot be read or written, or does not look as its writer is known to make it.
pub(super) fn add_state_names(file: &mut (impl Read + Write + Seek), contents: &Contents) -> io::Result<()> {
    if contents.states.is_empty() {
        return Ok(());
    }
    let (_, geometry) = read_block(file, GEOMETRY)?;
    let (at, hierarchy) = read_block(file, HIERARCHY)?;
    let (plain_length, packed) = hierarchy.split_first_chunk().ok_or_else(unexpected)?;
    let plain = lz4_flex::decompress(packed, u64::from_be_bytes(*plain_length) as usize).map_err(io::Error::other)?;
    let plain = with_attributes(&plain, contents).ok_or_else(unexpected)?;
    let mut hierarchy = (plain.len() as u64).to_be_bytes().to_vec();
    hierarchy.extend(lz4_flex::compress(&plain));
    // Should anything be left of the old ones, the first block of changes overwrites it.
    file.seek(SeekFrom::Start(at - BLOCK_HEAD))?;
    for (kind, content) in [(HIERARCHY, hierarchy), (GEOMETRY, geometry)] {
        file.write_all(&[kind])?;
        file.write_all(&(content.len() as u64 + 8).to_be_bytes())?;
        file.write_all(&content)?;
    }
    Ok(())
}

fn read_block(file: &mut (impl Read + Seek), kind: u8) -> io::Result<(u64, Vec<u8>)> {
    let (at, length) = find_block(file, kind)?;
    let mut content = vec![0; length as usize];
    file.read_exact(&mut content)?;
    Ok((at, content))
}

/// Where the content of the first block of a kind begins, and its length.
fn find_block(file: &mut (impl Read + Seek), wanted: u8) -> io::Result<(u64, u64)> {
    file.rewind()?;
    loop {
        let (mut kind, mut length) = ([0], [0; 8]);
        file.read_exact(&mut kind)?;
        file.read_exact(&mut length)?;
        // The length counts itself.
        let length = u64::from_be_bytes(length).checked_sub(8).ok_or_else(unexpected)?;
        if kind == [wanted] {
            return Ok((file.stream_position()?, length));
        }
        file.seek_relative(i64::try_from(length).map_err(io::Error::other)?)?;
    }
}

fn unexpected() -> io::Error {
    io::Error::other("the FST writer laid the file out in an unknown way")
}

/// The hierarchy with the tables in front and a reference before each state; `None` if it is not understood.
fn with_attributes(mut hierarchy: &[u8], contents: &Contents) -> Option<Vec<u8>> {
    let mut variables = contents.items.iter().filter_map(|item| match item {
        Item::Variable(variable) if form(variable, contents).is_some() => Some(variable),
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
