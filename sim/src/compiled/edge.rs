//! The program of an edge: what registers, registered reads and memories become, from the settled values.
//!
//! Registers take their next values in place, one after the other, each after all that still want its old value; where that
//! goes round in a circle, one waits aside. A register that only takes what a link brings (the operand a processing element
//! passes on) goes first: who reads that link then finds it in the register, and nothing is moved twice.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use systole_hdl::CellId;
use systole_hdl::design::{Cell, Collision, MemoryId};

use super::build::{Builder, Parts};
use super::graph::{Mode, Site, Unit};
use super::layout::{Element, Place, Shape, VectorId};
use super::links::Operand;
use super::memory::{Enable, MemoryRead, MemoryWrite};
use super::program::{Move, Program, Step};
use super::settle::{Settled, mark_needed};
use crate::engine::DomainSet;

/// Something to be done at the edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    /// A combinational value that was not settled.
    Unit(Unit),
    /// All ports of a memory of a class.
    Memory(u32, MemoryId),
    /// All lanes of a register.
    Register(VectorId),
}

/// Makes the program for an edge of some domains while some are in reset.
pub(super) fn edge_program(parts: Parts, settled: &Settled, edges: DomainSet, resets: DomainSet) -> Program {
    let mut plan = Plan::new(parts, settled, edges, resets);
    let mut forwarding = true;
    loop {
        match plan.order(forwarding) {
            Some(order) => return plan.emit(&order, forwarding),
            // Somebody wants both a register's old value and the link it takes.
            None => forwarding = false,
        }
    }
}

struct Plan<'a, 's> {
    parts: Parts<'a>,
    settled: &'s Settled,
    edges: DomainSet,
    resets: DomainSet,
    nodes: Vec<Node>,
    /// By vector: the node of a register that acts at this edge.
    register_nodes: FxHashMap<VectorId, usize>,
    unit_nodes: FxHashMap<VectorId, Vec<usize>>,
    memory_nodes: FxHashMap<(u32, MemoryId), usize>,
    /// The register that takes a link's elements, by link.
    takers: FxHashMap<u32, VectorId>,
}

/// An order of the nodes; those in `aside` put their result aside.
struct Order {
    nodes: Vec<usize>,
    aside: Vec<bool>,
}

/// What a node reads.
#[derive(Default)]
struct Reads {
    operands: Vec<Operand>,
    /// Memories whose words it reads combinationally.
    memories: Vec<(u32, MemoryId)>,
}

impl<'a, 's> Plan<'a, 's> {
    fn new(parts: Parts<'a>, settled: &'s Settled, edges: DomainSet, resets: DomainSet) -> Plan<'a, 's> {
        let mut plan = Plan {
            parts,
            settled,
            edges,
            resets,
            nodes: Vec::new(),
            register_nodes: FxHashMap::default(),
            unit_nodes: FxHashMap::default(),
            memory_nodes: FxHashMap::default(),
            takers: FxHashMap::default(),
        };
        plan.collect();
        plan
    }

    fn acts(&self, class: u32, domain: systole_hdl::design::DomainId) -> bool {
        self.edges.contains(self.parts.layout.classes[class as usize].domains[domain.index()])
    }

    /// Finds the nodes: registers and memories that act, and what they need.
    fn collect(&mut self) {
        let (mut registers, mut memories) = (Vec::new(), Vec::new());
        for class in 0..self.parts.layout.classes.len() as u32 {
            let module = self.parts.layout.module(self.parts.hierarchy, class);
            for cell in module.cell_ids() {
                let (Cell::Register { domain, .. } | Cell::MemoryReadRegistered { domain, .. }) = *module.cell(cell) else { continue };
                if !self.acts(class, domain) {
                    continue;
                }
                match (module.cell(cell), self.parts.layout.place(class, cell)) {
                    (Cell::Register { .. }, Place::Vector(vector)) => registers.push(vector),
                    (&Cell::MemoryReadRegistered { memory, .. }, _) => memories.push((class, memory)),
                    _ => unreachable!("state is stored"),
                }
            }
            for (memory, id) in module.memories.iter().zip((0..).map(MemoryId)) {
                if !memory.writes.is_empty() && self.acts(class, memory.write_domain) {
                    memories.push((class, id));
                }
            }
        }
        memories.sort_unstable_by_key(|&(class, memory)| (class, memory.0));
        memories.dedup();

        let acting: Vec<Node> =
            memories.into_iter().map(|(class, id)| Node::Memory(class, id)).chain(registers.into_iter().map(Node::Register)).collect();
        let mut needed = vec![false; self.settled.vectors.len()];
        for &node in &acting {
            let wanted: Vec<VectorId> = self.reads(node).operands.iter().flat_map(|&operand| self.vectors_of(operand)).collect();
            let unsettled = wanted.into_iter().filter(|&vector| !self.settled.vectors[vector as usize]);
            mark_needed(&mut self.parts, unsettled, &mut needed);
        }
        for &unit in &self.parts.graph.order {
            let vector = unit.vector() as usize;
            let absorbed = self.parts.graph.modes[vector] == Mode::Lanes && self.parts.owners[vector].is_some();
            if needed[vector] && !self.settled.vectors[vector] && !absorbed {
                self.unit_nodes.entry(unit.vector()).or_default().push(self.nodes.len());
                self.nodes.push(Node::Unit(unit));
            }
        }
        for node in acting {
            match node {
                Node::Register(vector) => {
                    self.register_nodes.insert(vector, self.nodes.len());
                    if let Some(link) = self.taken_link(vector).filter(|link| !self.settled.links.contains_key(link)) {
                        self.takers.entry(link).or_insert(vector);
                    }
                }
                Node::Memory(class, memory) => {
                    self.memory_nodes.insert((class, memory), self.nodes.len());
                }
                Node::Unit(_) => {}
            }
            self.nodes.push(node);
        }
    }

    fn next(&self, register: VectorId) -> CellId {
        match self.parts.site(register).kind() {
            Cell::Register { next, .. } => *next,
            other => unreachable!("{other:?} is not a register"),
        }
    }

    fn in_reset(&self, register: VectorId) -> bool {
        let site = self.parts.site(register);
        let Cell::Register { reset, domain, .. } = *site.kind() else { return false };
        reset && self.resets.contains(self.parts.layout.classes[site.class as usize].domains[domain.index()])
    }

    /// The link whose elements a register takes as they are.
    fn taken_link(&mut self, register: VectorId) -> Option<u32> {
        if self.in_reset(register) {
            return None;
        }
        let next = self.next(register);
        let site = self.parts.site(register);
        let (class, from, to) = (site.class, site.module.ty(next), site.module.ty(site.cell));
        let shape = self.parts.layout.vectors[register as usize].shape;
        let fills = matches!(shape, Shape::Narrow(container) if container.bits() > to.width());
        match self.parts.operand(class, next) {
            Operand::Link(link) if !fills || from.is_signed() == to.is_signed() => Some(link),
            _ => None,
        }
    }

    fn vectors_of(&self, operand: Operand) -> Vec<VectorId> {
        match operand {
            Operand::Lanes { vector, .. } | Operand::One(Element { vector, .. }) => vec![vector],
            Operand::Link(link) => self.parts.links.list[link as usize].vectors.clone(),
        }
    }

    /// What a node reads that is stored.
    fn reads(&mut self, node: Node) -> Reads {
        let mut reads = Reads::default();
        match node {
            Node::Unit(Unit::Lanes(vector)) => self.read_operands(vector, &mut reads),
            Node::Unit(Unit::Single(element)) => {
                let (class, operands, memory) = {
                    let site = self.parts.site(element.vector);
                    let mut operands = Vec::new();
                    site.kind().for_each_operand(|cell| operands.push(self.parts.layout.element(site.class, cell, element.lane)));
                    let memory = if let Cell::MemoryRead { memory, .. } = *site.kind() { Some(memory) } else { None };
                    (site.class, operands, memory)
                };
                reads.operands.extend(operands.into_iter().map(Operand::One));
                reads.memories.extend(memory.map(|memory| (class, memory)));
            }
            Node::Register(vector) if self.in_reset(vector) => {}
            Node::Register(vector) => {
                let (class, next) = (self.parts.layout.vectors[vector as usize].class, self.next(vector));
                self.read(class, next, &mut reads);
            }
            Node::Memory(class, memory) => {
                let mut cells = Vec::new();
                let module = self.parts.layout.module(self.parts.hierarchy, class);
                for cell in module.cell_ids() {
                    match *module.cell(cell) {
                        Cell::MemoryReadRegistered { memory: read, address, enable, domain, .. }
                            if read == memory && self.acts(class, domain) =>
                        {
                            cells.extend([address, enable]);
                        }
                        _ => {}
                    }
                }
                let definition = &module.memories[memory.index()];
                if self.acts(class, definition.write_domain) {
                    for write in &definition.writes {
                        cells.extend([Some(write.address), Some(write.data), Some(write.enable), write.mask].into_iter().flatten());
                    }
                }
                cells.into_iter().for_each(|cell| self.read(class, cell, &mut reads));
            }
        }
        reads
    }

    fn read_operands(&mut self, vector: VectorId, reads: &mut Reads) {
        let (class, cells) = {
            let site = self.parts.site(vector);
            if let Cell::MemoryRead { memory, .. } = *site.kind() {
                reads.memories.push((site.class, memory));
            }
            let mut cells = Vec::new();
            site.kind().for_each_operand(|cell| cells.push(cell));
            (site.class, cells)
        };
        cells.into_iter().for_each(|cell| self.read(class, cell, reads));
    }

    fn read(&mut self, class: u32, cell: CellId, reads: &mut Reads) {
        let operand = self.parts.operand(class, cell);
        if let Operand::Lanes { vector, .. } = operand
            && self.parts.graph.modes[vector as usize] == Mode::Lanes
            && self.parts.owners[vector as usize].is_some()
        {
            return self.read_operands(vector, reads);
        }
        if !reads.operands.contains(&operand) {
            reads.operands.push(operand);
        }
    }

    /// Where a node finds the elements of a link: in the register that takes them, if that is not the node's own.
    fn forwards(&self, operand: Operand, node: Node, forwarding: bool) -> Option<VectorId> {
        let Operand::Link(link) = operand else { return None };
        let taker = *self.takers.get(&link)?;
        (forwarding && node != Node::Register(taker)).then_some(taker)
    }

    /// An order in which every node comes after what it reads and before what overwrites it. `None` if there is none with
    /// forwarding.
    fn order(&mut self, forwarding: bool) -> Option<Order> {
        let count = self.nodes.len();
        // `after[n]`: who waits for n to be done. Waiting for a result differs from waiting to overwrite: the latter can be
        // avoided by putting the result aside.
        let mut for_result: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut to_overwrite: Vec<Vec<usize>> = vec![Vec::new(); count];
        let (mut results_missing, mut readers_missing) = (vec![0usize; count], vec![0usize; count]);
        let mut aside = vec![false; count];
        for at in 0..count {
            let node = self.nodes[at];
            let Reads { operands, memories } = self.reads(node);
            let (mut needs, mut spares) = (Vec::new(), Vec::new());
            for operand in operands {
                if let Some(taker) = self.forwards(operand, node, forwarding) {
                    needs.push(self.register_nodes[&taker]);
                    continue;
                }
                for vector in self.vectors_of(operand) {
                    match self.register_nodes.get(&vector) {
                        Some(&register) if register == at => aside[at] |= self.crosses_itself(operand, vector),
                        Some(&register) => spares.push(register),
                        None => self.unit_nodes_of(operand, vector).iter().for_each(|&unit| needs.push(unit)),
                    }
                }
            }
            spares.extend(memories.iter().filter_map(|memory| self.memory_nodes.get(memory)));
            for list in [&mut needs, &mut spares] {
                list.sort_unstable();
                list.dedup();
            }
            for needed in needs {
                for_result[needed].push(at);
                results_missing[at] += 1;
            }
            for spared in spares {
                to_overwrite[at].push(spared);
                readers_missing[spared] += 1;
            }
        }
        let mut ready: BTreeSet<usize> = (0..count).filter(|&at| results_missing[at] == 0 && readers_missing[at] == 0).collect();
        let mut done = vec![false; count];
        let mut nodes = Vec::with_capacity(count);
        while nodes.len() < count {
            let at = match ready.pop_first() {
                Some(at) => at,
                None => {
                    let stuck = |at: &usize| !done[*at] && results_missing[*at] == 0 && matches!(self.nodes[*at], Node::Register(_));
                    let at = (0..count).find(stuck)?;
                    aside[at] = true;
                    at
                }
            };
            done[at] = true;
            nodes.push(at);
            for &waiting in &for_result[at] {
                results_missing[waiting] -= 1;
                if results_missing[waiting] == 0 && readers_missing[waiting] == 0 {
                    ready.insert(waiting);
                }
            }
            for &waiting in &to_overwrite[at] {
                readers_missing[waiting] -= 1;
                if results_missing[waiting] == 0 && readers_missing[waiting] == 0 && !done[waiting] {
                    ready.insert(waiting);
                }
            }
        }
        Some(Order { nodes, aside })
    }

    /// Whether a register's next value in one lane needs its old one in another, by other ways than a link.
    fn crosses_itself(&self, operand: Operand, register: VectorId) -> bool {
        match operand {
            Operand::Lanes { first, .. } => first != 0,
            Operand::One(_) => self.parts.layout.vectors[register as usize].lanes > 1,
            Operand::Link(_) => false,
        }
    }

    fn unit_nodes_of(&self, operand: Operand, vector: VectorId) -> Vec<usize> {
        let nodes = self.unit_nodes.get(&vector).map(Vec::as_slice).unwrap_or_default();
        match operand {
            Operand::One(element) if nodes.len() > 1 => {
                nodes.iter().copied().filter(|&node| self.nodes[node] == Node::Unit(Unit::Single(element))).collect()
            }
            _ => nodes.to_vec(),
        }
    }

    fn emit(self, order: &Order, forwarding: bool) -> Program {
        let in_reset: Vec<bool> = self.nodes.iter().map(|node| matches!(*node, Node::Register(vector) if self.in_reset(vector))).collect();
        let Plan { parts, settled, nodes, takers, edges, .. } = self;
        let mut builder = Builder::new(parts);
        builder.moved.extend(&settled.links);
        let mut emitter = Emitter { builder, edges, takers, forwarding, commits: Vec::new() };
        for &at in &order.nodes {
            match nodes[at] {
                Node::Unit(unit) => emitter.builder.unit(unit),
                Node::Memory(class, memory) => emitter.memory(class, memory),
                Node::Register(vector) => emitter.register(vector, in_reset[at], order.aside[at]),
            }
        }
        let Emitter { mut builder, commits, .. } = emitter;
        commits.into_iter().for_each(|commit| builder.push(Step::Move(commit)));
        let (mut program, _) = builder.finish();
        program.leaves_state_only = true;
        program
    }
}

struct Emitter<'a> {
    builder: Builder<'a>,
    edges: DomainSet,
    takers: FxHashMap<u32, VectorId>,
    forwarding: bool,
    /// Results put aside, to be moved to their places at the end.
    commits: Vec<Move>,
}

impl Emitter<'_> {
    /// Where a vector's new elements go until the end of the edge.
    fn aside(&mut self, vector: VectorId) -> usize {
        let vector = self.builder.parts.layout.vectors[vector as usize];
        let lanes = if vector.lanes == 1 { 1 } else { (vector.lanes as usize).next_multiple_of(systole_lanes::CHUNK) };
        let bytes = lanes * vector.shape.bytes();
        let from = self.builder.parts.arena.grow(bytes.div_ceil(8)) * 8;
        self.commits.push(Move { from, to: vector.byte, bytes });
        from
    }

    fn register(&mut self, vector: VectorId, in_reset: bool, aside: bool) {
        let site = Site::of(self.builder.parts.hierarchy, self.builder.parts.layout, vector);
        let Cell::Register { next, ref initial, .. } = *site.kind() else { unreachable!("only registers are nodes") };
        let place = self.builder.parts.layout.vectors[vector as usize];
        let to = if aside { self.aside(vector) } else { place.byte };
        let ty = site.module.ty(site.cell);
        if in_reset {
            match place.shape {
                Shape::Narrow(_) if place.lanes > 1 => {
                    let number = super::layout::number(initial.limbs()[0], ty);
                    self.builder.fill_lanes(vector, number, to);
                }
                _ => self.builder.fill_elements(vector, initial, to),
            }
            return;
        }
        let operand = self.builder.parts.operand(site.class, next);
        let own_link = match operand {
            Operand::Link(link) if self.takers.get(&link) == Some(&vector) => Some(link),
            _ => None,
        };
        match (place.shape, operand) {
            _ if place.lanes == 1 => self.builder.take(Element { vector, lane: 0 }, next, to),
            (_, Operand::Link(link)) if own_link.is_some() => {
                self.builder.follow_into(link, vector, to);
                if self.forwarding {
                    self.builder.moved.insert(link, to);
                }
            }
            (Shape::Narrow(_), _) => self.builder.next_lanes(vector, next, to),
            (Shape::Wide(_), Operand::Link(link)) => {
                let from = self.builder.link(link);
                self.move_all(from, vector, to);
            }
            (Shape::Wide(_), Operand::Lanes { vector: source, first }) => {
                let from = self.builder.parts.layout.vectors[source as usize].element(first);
                self.move_all(from, vector, to);
            }
            (Shape::Wide(_), Operand::One(element)) => {
                let from = self.builder.parts.byte(element);
                self.builder.copy_to_lanes(from, vector, to);
            }
        }
    }

    fn move_all(&mut self, from: usize, vector: VectorId, to: usize) {
        let vector = &self.builder.parts.layout.vectors[vector as usize];
        let bytes = vector.lanes as usize * vector.shape.bytes();
        self.builder.push(Step::Move(Move { from, to, bytes }));
    }

    /// Registered reads of the words before the writes, the writes, registered reads of the words after them.
    fn memory(&mut self, class: u32, memory: MemoryId) {
        let module = self.builder.module(class);
        let definition = &module.memories[memory.index()];
        let lanes = self.builder.parts.layout.classes[class as usize].lanes();
        let place = *self.builder.parts.layout.memory(class, memory);
        let acts = |domain: systole_hdl::design::DomainId| {
            self.edges.contains(self.builder.parts.layout.classes[class as usize].domains[domain.index()])
        };
        let writes = acts(definition.write_domain);
        let mut reads = Vec::new();
        for cell in module.cell_ids() {
            if let Cell::MemoryReadRegistered { memory: read, address, enable, collision, domain } = *module.cell(cell)
                && read == memory
                && acts(domain)
            {
                reads.push((cell, address, enable, collision == Collision::WriteFirst));
            }
        }
        for after in [false, true] {
            for &(cell, address, enable, _) in reads.iter().filter(|read| read.3 == after) {
                let Place::Vector(out) = self.builder.parts.layout.place(class, cell) else { unreachable!("state is stored") };
                let vector = self.builder.parts.layout.vectors[out as usize];
                let (address, enable) = (self.builder.port_operand(class, address), self.builder.port_operand(class, enable));
                let enable = Some(Enable { enable, held: vector.byte });
                let to = self.aside(out);
                let read = MemoryRead { memory: place, lanes, address, enable, out: to, out_shape: vector.shape };
                self.builder.push(Step::Read(read));
            }
            if writes && !after {
                for write in &definition.writes {
                    let step = MemoryWrite {
                        memory: place,
                        lanes,
                        address: self.builder.port_operand(class, write.address),
                        data: self.builder.port_operand(class, write.data),
                        enable: self.builder.port_operand(class, write.enable),
                        mask: write.mask.map(|mask| self.builder.port_operand(class, mask)),
                    };
                    self.builder.push(Step::Write(step));
                }
            }
        }
    }
}
