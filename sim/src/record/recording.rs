//! Reading a record and checking it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use systole_hdl::Design;

use super::chunk::{self, Chunks, Fault, Kind, Location};
use super::cycles::{take_cycle, take_inputs};
use super::{CHUNK, RecordError, usual_growth};
use crate::engine::{DomainSet, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};
use crate::state;

/// The most bytes of a design's text form.
const LARGEST_DESIGN: u64 = 1 << 28;

/// A record whose every part has been checked. Its states and cycles stay in the file until they are simulated again.
#[derive(Debug)]
pub struct Recording {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) design: Arc<Design>,
    /// Widths of the top module's inputs.
    pub(super) widths: Vec<u32>,
    pub(super) limits: Limits,
    /// At least one, with at least one cycle, in order.
    pub(super) parts: Vec<Part>,
    whole: bool,
}

/// A checkpoint and the chunks of cycles after it.
#[derive(Debug)]
pub(super) struct Part {
    pub checkpoint: Location,
    pub cycles: Vec<Location>,
}

impl Part {
    /// The first cycle.
    pub fn first(&self) -> u64 {
        self.checkpoint.header.first
    }
}

/// Bytes that a chunk of a design's record can have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub checkpoint: u64,
    pub cycles: u64,
}

impl Recording {
    /// Opens a record and checks all of it: that it is complete or ends as a killed run leaves it, that nothing in it is
    /// changed, missing or out of order, and that it fits its design. Holds a chunk at a time.
    ///
    /// # Errors
    /// If the file cannot be read, is not an undamaged record of the known version, or has no whole chunk of cycles.
    pub fn read(path: impl AsRef<Path>) -> Result<Recording, RecordError> {
        let path = path.as_ref();
        let io = |reason| RecordError::Read { path: path.to_path_buf(), reason };
        let mut file = File::open(path).map_err(io)?;
        check_first_line(&mut file, path)?;
        let size = file.metadata().map_err(io)?.len();
        let mut check = Check { chunks: Chunks::new(&file, size), parts: Vec::new(), due: None, total: 0 };
        let result = check.all();
        let (parts, due) = (check.parts, check.due);
        let Found { design, limits, whole } =
            result.map_err(|fault| error_of(fault, path, due))?.ok_or_else(|| RecordError::NoCycles { path: path.to_path_buf() })?;
        let parts: Vec<Part> = parts.into_iter().filter(|part| !part.cycles.is_empty()).collect();
        if parts.is_empty() {
            return Err(RecordError::NoCycles { path: path.to_path_buf() });
        }
        let widths = input_widths(&design);
        Ok(Recording { path: path.to_path_buf(), file, design, widths, limits, parts, whole })
    }

    /// The recorded design.
    pub fn design(&self) -> &Arc<Design> {
        &self.design
    }

    /// First and last recorded cycle.
    pub fn cycles(&self) -> (u64, u64) {
        let last = self.parts.last().and_then(|part| part.cycles.last()).expect("there is at least one cycle");
        (self.parts[0].first(), last.header.first + (last.header.cycles - 1))
    }

    /// Whether it has its end mark. A record without one is of a run that was killed, or an incomplete copy: what it has is as
    /// it was written, and the run went on after its last cycle.
    pub fn is_whole(&self) -> bool {
        self.whole
    }
}

/// The error that a fault in a chunk is. `due` is the first cycle that has not been read.
pub(super) fn error_of(fault: Fault, path: &Path, due: Option<u64>) -> RecordError {
    let path = path.to_path_buf();
    match fault {
        Fault::Damaged { byte, chunk, what } => RecordError::Damaged { path, byte, chunk, cycle: due, what },
        Fault::Io(reason) => RecordError::Read { path, reason },
    }
}

fn input_widths(design: &Design) -> Vec<u32> {
    let top = design.top_module();
    top.inputs.iter().map(|input| top.ty(input.cell).width()).collect()
}

/// A record on the way through its checks.
struct Check<'f> {
    chunks: Chunks<'f>,
    parts: Vec<Part>,
    /// The cycle that comes next, once there is a checkpoint.
    due: Option<u64>,
    /// Cycles so far.
    total: u64,
}

/// What the checks bring to light.
struct Found {
    design: Arc<Design>,
    limits: Limits,
    whole: bool,
}

impl Check<'_> {
    /// Checks every chunk. `None` if the file ends before the design does.
    fn all(&mut self) -> Result<Option<Found>, Fault> {
        let Some((place, block)) = self.chunks.next()? else { return Ok(None) };
        if place.header.kind != Kind::Design {
            return Err(place.damaged("it is not the design, which comes first"));
        }
        let design = Arc::new(design(&place, &block)?);
        let shape = Shape::of(&design).ok_or_else(|| place.damaged("its design has too many instances"))?;
        let limits = shape.limits;
        loop {
            let Some((place, block)) = self.chunks.next()? else { return Ok(Some(Found { design, limits, whole: false })) };
            let header = place.header;
            match (header.kind, self.parts.last_mut()) {
                (Kind::Checkpoint, _) => {
                    if u64::from(header.size) != limits.checkpoint {
                        let (found, expected) = (header.size, limits.checkpoint);
                        return Err(place.damaged(format!("a checkpoint of {found} bytes, where the design has {expected}")));
                    }
                    if self.due.is_some_and(|due| header.first < due) {
                        return Err(place.damaged(format!("a checkpoint of cycle {}, which is over", header.first)));
                    }
                    self.parts.push(Part { checkpoint: place, cycles: Vec::new() });
                    self.due = Some(header.first);
                }
                (Kind::Cycles, Some(part)) => {
                    if Some(header.first) != self.due {
                        return Err(place.damaged(format!("it begins with cycle {}", header.first)));
                    }
                    let next = header.first.checked_add(header.cycles);
                    let fits = shape.fits(&place.content(&block, limits.cycles)?, header.cycles);
                    let next = next.filter(|_| fits && header.cycles > 0);
                    part.cycles.push(place);
                    self.due = Some(next.ok_or_else(|| place.damaged("its cycles do not fit the design"))?);
                    self.total += header.cycles;
                }
                (Kind::End, _) => {
                    place.content(&block, 0)?;
                    if (header.cycles, header.first) != (self.total, self.due.unwrap_or(0)) {
                        let (due, total) = (header.first, header.cycles);
                        return Err(place.damaged(format!("it ends a record of {total} cycles up to cycle {due}, which this is not")));
                    }
                    return match self.chunks.left() {
                        0 => Ok(Some(Found { design, limits, whole: true })),
                        more => Err(place.damaged(format!("{more} bytes follow the end"))),
                    };
                }
                (Kind::Design | Kind::Cycles, _) => return Err(place.damaged("its parts are out of order")),
            }
        }
    }
}

fn design(place: &Location, block: &[u8]) -> Result<Design, Fault> {
    let text = String::from_utf8(place.content(block, LARGEST_DESIGN)?).map_err(|_| place.damaged("its design is not text"))?;
    let design = Design::parse(&text).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        place.damaged(format!("its design does not read, {first}"))
    })?;
    match design.validate().err().and_then(|all| all.into_iter().next()) {
        Some(violation) => Err(place.damaged(format!("its design is not valid, {violation}"))),
        None => Ok(design),
    }
}

/// What cycles are checked against.
struct Shape {
    hierarchy: Hierarchy,
    widths: Vec<u32>,
    limits: Limits,
}

impl Shape {
    fn of(design: &Arc<Design>) -> Option<Shape> {
        let hierarchy = Hierarchy::of(design).ok()?;
        let widths = input_widths(design);
        let limbs = state::limbs(&hierarchy);
        let inputs: u64 = widths.iter().map(|&width| 8 * limbs_for(width) as u64 + 1).sum();
        // A chunk is handed on when it is full: the last cycle goes beyond that. A `postcard` word has up to 10 bytes.
        let cycles = (CHUNK as u64).saturating_add(inputs).saturating_add(2 * usual_growth(limbs) as u64);
        Some(Shape { hierarchy, widths, limits: Limits { checkpoint: 8 * (limbs as u64 + 1), cycles } })
    }

    /// Whether these are so many cycles that can be simulated.
    fn fits(&self, mut rest: &[u8], count: u64) -> bool {
        (0..count).all(|_| self.takes(&mut rest).is_some()) && rest.is_empty()
    }

    /// Takes a cycle off the front. `None` if it does not fit.
    fn takes(&self, rest: &mut &[u8]) -> Option<()> {
        let domains = DomainSet::first(self.hierarchy.module(NodeId::TOP).domains.len()).bits();
        let (change, inputs) = take_cycle(rest)?;
        let known = [change.edges, change.resets].into_iter().flatten().all(|set| set & !domains == 0);
        let fits = change.written.iter().all(|words| {
            let node = (words.node as usize) < self.hierarchy.nodes().len();
            let module = node.then(|| self.hierarchy.module(NodeId(words.node)));
            let memory = module.and_then(|module| module.memories.get(words.memory as usize));
            memory.is_some_and(|memory| {
                let limbs = limbs_for(memory.ty.width());
                let last = u64::from(words.first) + (words.limbs.len() / limbs) as u64;
                words.limbs.len().is_multiple_of(limbs) && last <= u64::from(u32::MAX)
            })
        });
        (known && fits && (!inputs || take_inputs(rest, &self.widths, |_, _| {}))).then_some(())
    }
}

/// Reads the first line, which has to be this version's.
fn check_first_line(file: &mut File, path: &Path) -> Result<(), RecordError> {
    let path = || path.to_path_buf();
    let mut line = Vec::new();
    let reading = |reason| RecordError::Read { path: path(), reason };
    file.take(chunk::FIRST_LINE.len() as u64).read_to_end(&mut line).map_err(reading)?;
    match line.strip_prefix(chunk::SIGNATURE) {
        None => Err(RecordError::NotARecord { path: path() }),
        Some(_) if line == chunk::FIRST_LINE => Ok(()),
        Some(version) => {
            let found = String::from_utf8_lossy(version).trim().to_string();
            Err(RecordError::Version { path: path(), found, known: chunk::VERSION })
        }
    }
}
