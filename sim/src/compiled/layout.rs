//! Where every signal and memory word of every instance stands.
//!
//! A cell of a class with lanes is a vector, one element a lane, in the narrowest container; a cell of a single instance is a
//! 64-bit word. An element holds the *number* of the cell's type: above its width stand signs if the type is signed and zeros
//! otherwise, so that widening is free. Beyond 64 bits a value takes limbs, those of a lane together, zeros above the width.
//!
//! Connections and conversions that change no bit of an element take no room: they are aliases.

use systole_hdl::design::{Cell, MemoryId};
use systole_hdl::{CellId, ModuleDef, Type, Value};
use systole_lanes::{CHUNK, Container};

use super::arena::{Arena, LINE_WORDS};
use super::classes::{Class, LaneId, classes};
use super::uniform::Varying;
use crate::connect;
use crate::engine::{BuildError, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};

/// How an element is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Up to 64 bits.
    Narrow(Container),
    /// So many words, the least significant first.
    Wide(u32),
}

impl Shape {
    /// Of a lane of a class that has `lanes`.
    pub fn of(ty: Type, lanes: usize) -> Shape {
        match ty.width() {
            width @ 65.. => Shape::Wide(limbs_for(width) as u32),
            _ if lanes == 1 => Shape::Narrow(Container::W64),
            width => Shape::Narrow(Container::of(width)),
        }
    }

    pub fn bytes(self) -> usize {
        match self {
            Shape::Narrow(container) => container.bytes(),
            Shape::Wide(limbs) => limbs as usize * 8,
        }
    }
}

/// Index of a [`Vector`].
pub(super) type VectorId = u32;

/// A stored cell of a class, over all lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector {
    pub class: u32,
    pub cell: CellId,
    /// The first byte in the arena.
    pub byte: usize,
    pub shape: Shape,
    /// 1 for what is the same in all lanes of the class.
    pub lanes: u32,
}

impl Vector {
    /// The first byte of a lane's element.
    pub fn element(&self, lane: u32) -> usize {
        self.byte + lane as usize * self.shape.bytes()
    }
}

/// One lane of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Element {
    pub vector: VectorId,
    pub lane: u32,
}

/// Where a cell of a class is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Vector(VectorId),
    /// It is another cell of the same instance.
    Same(CellId),
    /// It is a cell of another instance, lane by lane as `sources` says from this index on.
    Crossing(usize),
}

/// The words of a memory of a class: all those of lane 0, then of lane 1, ...
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryPlace {
    pub byte: usize,
    pub shape: Shape,
    pub depth: u32,
    pub ty: Type,
}

impl MemoryPlace {
    /// The first byte of a word of a lane.
    pub fn word(&self, lane: u32, address: u32) -> usize {
        self.byte + (lane as usize * self.depth as usize + address as usize) * self.shape.bytes()
    }

    /// Bytes of one lane.
    pub fn lane_bytes(&self) -> usize {
        self.depth as usize * self.shape.bytes()
    }
}

/// All places.
pub(super) struct Layout {
    pub classes: Vec<Class>,
    /// By node.
    lanes: Vec<LaneId>,
    /// By class: where its cells start in `places`.
    first_place: Vec<usize>,
    places: Vec<Place>,
    pub vectors: Vec<Vector>,
    /// By class: where its memories start in `memories`.
    first_memory: Vec<usize>,
    memories: Vec<MemoryPlace>,
    /// Elements that crossing cells show.
    sources: Vec<Element>,
}

/// A combinational path that closes on itself through connections alone.
pub(super) struct ConnectionLoop;

impl Layout {
    /// Places everything and fills an arena with the initial state.
    pub fn of(hierarchy: &Hierarchy) -> Result<Result<(Layout, Arena), ConnectionLoop>, BuildError> {
        let (classes, lanes) = classes(hierarchy);
        let mut layout = Layout {
            classes,
            lanes,
            first_place: Vec::new(),
            places: Vec::new(),
            vectors: Vec::new(),
            first_memory: Vec::new(),
            memories: Vec::new(),
            sources: Vec::new(),
        };
        let varying = Varying::of(hierarchy, &layout.classes, &layout.lanes);
        for class in 0..layout.classes.len() as u32 {
            layout.place_cells(hierarchy, class, &varying);
        }
        let words = layout.assign_bytes(hierarchy)?;
        let mut arena = Arena::new(words);
        layout.fill(hierarchy, &mut arena);
        Ok(layout.connect(hierarchy).map(|()| (layout, arena)))
    }

    fn place_cells(&mut self, hierarchy: &Hierarchy, class: u32, varying: &Varying) {
        let Class { module, ref nodes, .. } = self.classes[class as usize];
        let (lanes, top) = (nodes.len(), nodes[0] == NodeId::TOP);
        let module = hierarchy.design().module(module);
        self.first_place.push(self.places.len());
        self.first_memory.push(self.memories.len());
        for cell in module.cell_ids() {
            let place = match *module.cell(cell) {
                Cell::Input(_) if !top => self.crossing(lanes),
                Cell::InstanceOutput { .. } => self.crossing(lanes),
                _ => {
                    let lanes = varying.lanes(class, cell, lanes);
                    match same_element(module, cell, lanes) {
                        Some(operand) => Place::Same(operand),
                        None => {
                            let shape = Shape::of(module.ty(cell), lanes);
                            self.vectors.push(Vector { class, cell, byte: 0, shape, lanes: lanes as u32 });
                            Place::Vector(self.vectors.len() as u32 - 1)
                        }
                    }
                }
            };
            self.places.push(place);
        }
        for memory in &module.memories {
            let shape = match memory.ty.width() {
                width @ 65.. => Shape::Wide(limbs_for(width) as u32),
                width => Shape::Narrow(Container::of(width)),
            };
            self.memories.push(MemoryPlace { byte: 0, shape, depth: memory.depth, ty: memory.ty });
        }
    }

    fn crossing(&mut self, lanes: usize) -> Place {
        let first = self.sources.len();
        self.sources.resize(first + lanes, UNKNOWN);
        Place::Crossing(first)
    }

    /// Scalars first, side by side; then vectors and memories, each from the start of a line. Gives the number of words.
    fn assign_bytes(&mut self, hierarchy: &Hierarchy) -> Result<usize, BuildError> {
        let mut words = 0u64;
        for vector in self.vectors.iter_mut().filter(|vector| vector.lanes == 1) {
            vector.byte = words as usize * 8;
            words += vector.shape.bytes().div_ceil(8) as u64;
        }
        let line = LINE_WORDS as u64;
        for vector in self.vectors.iter_mut().filter(|vector| vector.lanes > 1) {
            words = words.next_multiple_of(line);
            vector.byte = words as usize * 8;
            let lanes = (vector.lanes as usize).next_multiple_of(CHUNK) as u64;
            words += (lanes * vector.shape.bytes() as u64).div_ceil(8);
        }
        for (class, &first) in self.classes.iter().zip(&self.first_memory) {
            let count = hierarchy.design().module(class.module).memories.len();
            for memory in &mut self.memories[first..first + count] {
                words = words.next_multiple_of(line);
                memory.byte = words as usize * 8;
                words = words.saturating_add((class.lanes() as u64 * memory.lane_bytes() as u64).div_ceil(8));
            }
        }
        // Scalar steps number words with 32 bits; a part of the numbers is left for intermediate results.
        if words > u64::from(u32::MAX) / 2 { Err(BuildError::TooManySignals { limbs: words }) } else { Ok(words as usize) }
    }

    fn fill(&self, hierarchy: &Hierarchy, arena: &mut Arena) {
        for vector in &self.vectors {
            let module = self.module(hierarchy, vector.class);
            if let Cell::Const(value) | Cell::Register { initial: value, .. } = module.cell(vector.cell) {
                let ty = module.ty(vector.cell);
                (0..vector.lanes).for_each(|lane| store_value(arena, vector.element(lane), vector.shape, ty, value));
            }
        }
        for (class, &first) in self.classes.iter().zip(&self.first_memory) {
            let module = hierarchy.design().module(class.module);
            for (memory, place) in module.memories.iter().zip(&self.memories[first..]) {
                for lane in 0..class.lanes() as u32 {
                    for (value, address) in memory.initial.iter().zip(0..) {
                        store_value(arena, place.word(lane, address), place.shape, memory.ty, value);
                    }
                }
            }
        }
    }

    /// Finds the element behind every crossing cell of every lane.
    fn connect(&mut self, hierarchy: &Hierarchy) -> Result<(), ConnectionLoop> {
        let mut chain = Vec::new();
        for class in 0..self.classes.len() {
            let lanes = self.classes[class].lanes() as u32;
            for cell in hierarchy.design().module(self.classes[class].module).cell_ids() {
                let Place::Crossing(_) = self.places[self.first_place[class] + cell.index()] else { continue };
                for lane in 0..lanes {
                    let element = self.follow(hierarchy, LaneId { class: class as u32, lane }, cell, &mut chain)?;
                    chain.drain(..).for_each(|source| self.sources[source] = element);
                }
            }
        }
        Ok(())
    }

    /// The element a cell of a lane shows; `chain` becomes the entries of `sources` on the way that are not known yet.
    fn follow(&mut self, hierarchy: &Hierarchy, start: LaneId, cell: CellId, chain: &mut Vec<usize>) -> Result<Element, ConnectionLoop> {
        let (mut at, mut cell) = (start, cell);
        // Wires inside one instance cannot be more than it has cells.
        let mut wires = 0;
        loop {
            match self.places[self.first_place[at.class as usize] + cell.index()] {
                Place::Vector(vector) => return Ok(self.element_of(vector, at.lane)),
                Place::Same(operand) => {
                    wires += 1;
                    if wires > hierarchy.design().module(self.classes[at.class as usize].module).cells.len() {
                        return Err(ConnectionLoop);
                    }
                    cell = operand;
                }
                Place::Crossing(first) => {
                    wires = 0;
                    let source = first + at.lane as usize;
                    match self.sources[source] {
                        UNKNOWN => {
                            self.sources[source] = UNDER_WAY;
                            chain.push(source);
                        }
                        UNDER_WAY => return Err(ConnectionLoop),
                        known => return Ok(known),
                    }
                    let node = self.classes[at.class as usize].nodes[at.lane as usize];
                    let (node, driver) = connect::driver(hierarchy, (node, cell)).expect("a crossing cell has a driver");
                    (at, cell) = (self.lanes[node.index()], driver);
                }
            }
        }
    }

    fn element_of(&self, vector: VectorId, lane: u32) -> Element {
        let lane = if self.vectors[vector as usize].lanes == 1 { 0 } else { lane };
        Element { vector, lane }
    }

    /// The definition of a class.
    pub fn module<'h>(&self, hierarchy: &'h Hierarchy, class: u32) -> &'h ModuleDef {
        hierarchy.design().module(self.classes[class as usize].module)
    }

    /// The lane that a node is.
    pub fn lane(&self, node: NodeId) -> LaneId {
        self.lanes[node.index()]
    }

    /// Where a cell is found, past the aliases within its instance.
    pub fn place(&self, class: u32, mut cell: CellId) -> Place {
        loop {
            match self.places[self.first_place[class as usize] + cell.index()] {
                Place::Same(operand) => cell = operand,
                place => return place,
            }
        }
    }

    /// The elements that a crossing cell shows, lane by lane.
    pub fn sources(&self, class: u32, first: usize) -> &[Element] {
        &self.sources[first..first + self.classes[class as usize].lanes()]
    }

    /// The element of a cell of one lane.
    pub fn element(&self, class: u32, cell: CellId, lane: u32) -> Element {
        match self.place(class, cell) {
            Place::Vector(vector) => self.element_of(vector, lane),
            Place::Crossing(first) => self.sources[first + lane as usize],
            Place::Same(_) => unreachable!("`place` goes past these"),
        }
    }

    /// A memory of a class.
    pub fn memory(&self, class: u32, memory: MemoryId) -> &MemoryPlace {
        &self.memories[self.first_memory[class as usize] + memory.index()]
    }
}

const UNKNOWN: Element = Element { vector: u32::MAX, lane: u32::MAX };
const UNDER_WAY: Element = Element { vector: u32::MAX - 1, lane: u32::MAX };

/// The operand that a cell shows bit for bit in the very same element.
fn same_element(module: &ModuleDef, cell: CellId, lanes: usize) -> Option<CellId> {
    let (Cell::Wire(operand) | Cell::Extend(operand) | Cell::Slice { value: operand, low: 0 }) = *module.cell(cell) else {
        return None;
    };
    let (from, to) = (module.ty(operand), module.ty(cell));
    let fills_container = match Shape::of(to, lanes) {
        Shape::Narrow(container) => container.bits() == to.width(),
        Shape::Wide(_) => true,
    };
    (from.width() == to.width() && (from.is_signed() == to.is_signed() || fills_container)).then_some(operand)
}

/// Puts a value of a type into an element.
pub(super) fn store_value(arena: &mut Arena, byte: usize, shape: Shape, ty: Type, value: &Value) {
    match shape {
        Shape::Narrow(container) => arena.store(byte, container, number(value.limbs()[0], ty)),
        Shape::Wide(limbs) => arena.words_mut()[byte / 8..][..limbs as usize].copy_from_slice(value.limbs()),
    }
}

/// The pattern of a type of at most 64 bits as its number: signs or zeros above the width, whatever was there.
pub(super) fn number(pattern: u64, ty: Type) -> u64 {
    let unused = 64 - ty.width();
    if ty.is_signed() { ((pattern << unused) as i64 >> unused) as u64 } else { pattern << unused >> unused }
}
