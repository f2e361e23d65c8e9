//! The compiled engine: equal instances evaluated together, lane by lane, in precompiled kernels.
//!
//! - `classes`, `layout`: which instances form a class, and where their signals stand in one block of memory (`arena`).
//! - `uniform`: what is the same in all lanes and is treated as one. `links`: how a connection between lanes is followed. `graph`: the order of evaluation.
//! - `settle`, `edge`: the two programs of a cycle, made by `build` from `lanes` (kernels for all lanes) and `single` (scalar
//!   steps for one). `program` and `scalar` interpret them; `memory` has the ports, `group` the kernels that run
//!   together; the loops themselves are the crate `systole-lanes`.
//! - `native` makes machine code of programs, and `tier` says when.
//! - `peek` computes what is not stored.
//!
//! **Invariant.** After `settle`, registers, memories and the signals that were asked for ([`Engine::keep`], and the top's
//! outputs) have their values; everything else is computed at the edge that needs it, or when it is read.

mod arena;
mod build;
mod classes;
mod edge;
mod graph;
mod group;
mod lanes;
mod layout;
mod links;
mod memory;
mod native;
mod peek;
mod program;
mod scalar;
mod settle;
mod single;
mod tier;
mod uniform;

use std::sync::Arc;

use systole_hdl::design::{Cell, DomainId, MemoryId};
use systole_hdl::{CellId, Design, Type};
pub use systole_lanes::InstructionSet;

pub use self::tier::MachineCode;

use self::arena::Arena;
use self::build::Parts;
use self::graph::Graph;
use self::layout::{Element, Layout, Shape, VectorId, number};
use self::links::Links;
use self::native::ScalarWords;
use self::peek::Peek;
use self::settle::Settled;
use self::tier::Tiered;
use crate::engine::{BuildError, DomainSet, Engine, limbs_for};
use crate::hierarchy::{Hierarchy, NodeId};
use crate::reference::Reference;
use crate::samples::Watch;

/// How the compiled engine is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompileOptions {
    /// When programs become machine code.
    pub machine_code: MachineCode,
    /// What the precompiled lane kernels may use; the best that the processor has, unless said otherwise.
    pub instructions: InstructionSet,
}

impl Default for CompileOptions {
    fn default() -> CompileOptions {
        CompileOptions { machine_code: MachineCode::default(), instructions: InstructionSet::of_this_processor() }
    }
}

/// The engine that people run, with the state of one running circuit.
pub struct Compiled {
    hierarchy: Hierarchy,
    layout: Layout,
    graph: Graph,
    links: Links,
    arena: Arena,
    /// The arena's words at the start, without the programs' own.
    initial: Vec<u64>,
    /// By vector: whether it is wanted after every settle.
    kept: Vec<bool>,
    owners: Vec<Option<VectorId>>,
    settled: Settled,
    settling: Tiered,
    /// Programs of edges met so far, by domains and those of them in reset.
    edges: Vec<(DomainSet, DomainSet, Tiered)>,
    options: CompileOptions,
    words: Arc<ScalarWords>,
    resets: DomainSet,
    /// Bytes that hold registers and memories: first byte and number.
    state: Vec<(usize, usize)>,
}

impl Compiled {
    /// Makes the engine for a valid design. Not settled yet.
    ///
    /// # Errors
    /// If the design is too large or has a combinational loop.
    pub fn new(design: &Arc<Design>) -> Result<Compiled, BuildError> {
        Compiled::with_options(design, CompileOptions::default())
    }

    /// The same in another way than the default: for tests and for measuring.
    ///
    /// # Errors
    /// As [`Compiled::new`].
    pub fn with_options(design: &Arc<Design>, options: CompileOptions) -> Result<Compiled, BuildError> {
        let hierarchy = Hierarchy::of(design)?;
        let count = design.top_module().domains.len();
        if count > DomainSet::MAX_DOMAINS {
            return Err(BuildError::TooManyDomains { count });
        }
        let Ok((layout, arena)) = Layout::of(&hierarchy)? else { return Err(combinational_loop(design)) };
        let mut links = Links::default();
        let Ok(graph) = Graph::of(&hierarchy, &layout, &mut links) else { return Err(combinational_loop(design)) };
        let mut kept = vec![false; layout.vectors.len()];
        let top = layout.lane(NodeId::TOP);
        for port in &design.top_module().outputs {
            kept[layout.element(top.class, port.value, top.lane).vector as usize] = true;
        }
        let mut engine = Compiled {
            state: state_bytes(&hierarchy, &layout),
            initial: arena.words()[..arena.len()].to_vec(),
            owners: Vec::new(),
            settled: Settled::default(),
            settling: Tiered::idle(),
            edges: Vec::new(),
            options,
            words: Arc::new(scalar_words(&hierarchy, &layout, &arena)),
            resets: DomainSet::EMPTY,
            hierarchy,
            layout,
            graph,
            links,
            arena,
            kept,
        };
        engine.plan();
        Ok(engine)
    }

    /// Makes the settle program anew, and forgets those of the edges.
    fn plan(&mut self) {
        self.edges.clear();
        self.arena.truncate(self.initial.len());
        self.owners = self.graph.owners(&self.kept);
        let Compiled { options, hierarchy, layout, links, graph, owners, arena, kept, .. } = self;
        let parts = Parts { hierarchy, layout, links, graph, owners, arena, set: options.instructions };
        let (program, settled) = settle::settle_program(parts, kept);
        self.settled = settled;
        self.settling = Tiered::new(program, self.options.machine_code, &self.words);
    }

    /// The program of an edge, made when it is first wanted.
    fn edge_program(&mut self, domains: DomainSet) -> usize {
        let resets = self.resets_among(domains);
        if let Some(known) = self.edges.iter().position(|(d, r, _)| (*d, *r) == (domains, resets)) {
            return known;
        }
        let Compiled { options, hierarchy, layout, links, graph, owners, arena, settled, .. } = self;
        let parts = Parts { hierarchy, layout, links, graph, owners, arena, set: options.instructions };
        let program = edge::edge_program(parts, settled, domains, resets);
        self.edges.push((domains, resets, Tiered::new(program, self.options.machine_code, &self.words)));
        self.edges.len() - 1
    }

    fn resets_among(&self, domains: DomainSet) -> DomainSet {
        domains.iter().filter(|&domain| self.resets.contains(domain)).fold(DomainSet::EMPTY, DomainSet::with)
    }

    fn element(&self, node: NodeId, cell: CellId) -> Element {
        let lane = self.layout.lane(node);
        self.layout.element(lane.class, cell, lane.lane)
    }

    /// Puts a pattern into the element of a cell; bits above its width are ignored.
    fn store(&mut self, node: NodeId, cell: CellId, ty: Type, limbs: &[u64]) {
        let element = self.element(node, cell);
        let vector = &self.layout.vectors[element.vector as usize];
        let byte = vector.element(element.lane);
        match vector.shape {
            Shape::Narrow(container) => self.arena.store(byte, container, number(limbs[0], ty)),
            Shape::Wide(count) => {
                let count = count as usize;
                let words = &mut self.arena.words_mut()[byte / 8..][..count];
                words.copy_from_slice(&limbs[..count]);
                words[count - 1] &= u64::MAX >> (count as u32 * 64 - ty.width());
            }
        }
    }

    fn peek(&self) -> Peek<'_> {
        Peek { hierarchy: &self.hierarchy, layout: &self.layout, arena: &self.arena, settled: &self.settled.vectors }
    }
}

/// The loop's path is the reference engine's to find.
fn combinational_loop(design: &Arc<Design>) -> BuildError {
    match Reference::new(design) {
        Err(error) => error,
        Ok(_) => unreachable!("the reference engine accepts a design that the compiled one finds to have a combinational loop"),
    }
}

fn state_bytes(hierarchy: &Hierarchy, layout: &Layout) -> Vec<(usize, usize)> {
    let mut state = Vec::new();
    for vector in &layout.vectors {
        if layout.module(hierarchy, vector.class).cell(vector.cell).is_sequential() {
            state.push((vector.byte, vector.lanes as usize * vector.shape.bytes()));
        }
    }
    for (class, number) in layout.classes.iter().zip(0..) {
        for memory in 0..hierarchy.design().module(class.module).memories.len() as u32 {
            let place = layout.memory(number, MemoryId(memory));
            state.push((place.byte, class.lanes() * place.lane_bytes()));
        }
    }
    state
}

/// What is known of the words of single instances' cells; programs have their own from `own` on.
fn scalar_words(hierarchy: &Hierarchy, layout: &Layout, arena: &Arena) -> ScalarWords {
    let mut words = ScalarWords { own: arena.len() as u32, ..ScalarWords::default() };
    for vector in layout.vectors.iter().filter(|vector| vector.lanes == 1) {
        let module = layout.module(hierarchy, vector.class);
        let (cell, ty) = (module.cell(vector.cell), module.ty(vector.cell));
        let (first, count) = (vector.byte / 8, vector.shape.bytes().div_ceil(8));
        if words.state.len() < first + count {
            words.state.resize(first + count, false);
            words.bits.resize(first + count, 64);
        }
        words.state[first..first + count].fill(cell.is_sequential());
        if let Cell::Const(_) = cell {
            words.constants.extend((first..first + count).map(|word| (word as u32, arena.words()[word])));
        }
        if !ty.is_signed() && count == 1 {
            words.bits[first] = ty.width() as u8;
        }
    }
    words
}

impl Engine for Compiled {
    fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    fn set_input(&mut self, port: usize, limbs: &[u64]) {
        let top = self.hierarchy.design().top_module();
        let cell = top.inputs[port].cell;
        let ty = top.ty(cell);
        self.store(NodeId::TOP, cell, ty, limbs);
    }

    fn set_reset(&mut self, domain: DomainId, asserted: bool) {
        self.resets = if asserted { self.resets.with(domain) } else { self.resets.without(domain) };
    }

    fn reset(&self, domain: DomainId) -> bool {
        self.resets.contains(domain)
    }

    fn settle(&mut self) {
        self.settling.run(&self.words, self.hierarchy.design(), &mut self.arena);
    }

    fn edge(&mut self, domains: DomainSet) {
        let program = self.edge_program(domains);
        self.edges[program].2.run(&self.words, self.hierarchy.design(), &mut self.arena);
    }

    fn advance(&mut self, domains: DomainSet, cycles: u64) {
        let edge = self.edge_program(domains);
        let (design, edge) = (self.hierarchy.design(), &mut self.edges[edge].2);
        for _ in 0..cycles {
            edge.run(&self.words, design, &mut self.arena);
            self.settling.run(&self.words, design, &mut self.arena);
        }
    }

    fn read(&self, node: NodeId, cell: CellId, limbs: &mut [u64]) {
        let ty = self.hierarchy.module(node).ty(cell);
        let element = self.element(node, cell);
        let count = limbs_for(ty.width());
        if !self.settled.vectors[element.vector as usize] {
            return limbs[..count].copy_from_slice(self.peek().value(element).limbs());
        }
        let vector = &self.layout.vectors[element.vector as usize];
        match vector.shape {
            Shape::Narrow(_) => limbs[0] = self.read_u64(node, cell),
            Shape::Wide(_) => limbs[..count].copy_from_slice(&self.arena.words()[vector.element(element.lane) / 8..][..count]),
        }
    }

    fn read_u64(&self, node: NodeId, cell: CellId) -> u64 {
        let width = self.hierarchy.module(node).ty(cell).width();
        let element = self.element(node, cell);
        if !self.settled.vectors[element.vector as usize] {
            return self.peek().value(element).limbs()[0];
        }
        let vector = &self.layout.vectors[element.vector as usize];
        let byte = vector.element(element.lane);
        match vector.shape {
            Shape::Narrow(container) => self.arena.load(byte, container) & u64::MAX >> (64 - width),
            Shape::Wide(_) => self.arena.words()[byte / 8],
        }
    }

    fn keep(&mut self, signals: &[(NodeId, CellId)]) {
        let mut more = false;
        for &(node, cell) in signals {
            let vector = self.element(node, cell).vector as usize;
            more |= !std::mem::replace(&mut self.kept[vector], true);
        }
        if more {
            self.plan();
            self.settle();
        }
    }

    fn watch(&mut self, signals: &[(NodeId, CellId)]) -> Watch {
        self.keep(signals);
        Watch::in_memory(signals, |node, cell| {
            let element = self.element(node, cell);
            let vector = &self.layout.vectors[element.vector as usize];
            let stored = self.settled.vectors[element.vector as usize];
            (stored.then(|| (vector.element(element.lane), vector.shape.bytes())), self.hierarchy.module(node).ty(cell).width())
        })
    }

    fn sample(&self, watch: &Watch, sample: &mut [u64]) {
        watch.sample(self, self.arena.words(), sample);
    }

    fn read_memory(&self, node: NodeId, memory: MemoryId, address: u32, limbs: &mut [u64]) {
        let lane = self.layout.lane(node);
        let place = self.layout.memory(lane.class, memory);
        if address < place.depth {
            place.load(&self.arena, lane.lane, address, limbs);
        } else {
            limbs[..limbs_for(place.ty.width())].fill(0);
        }
    }

    fn write_memory(&mut self, node: NodeId, memory: MemoryId, address: u32, limbs: &[u64]) {
        let lane = self.layout.lane(node);
        let place = *self.layout.memory(lane.class, memory);
        if address < place.depth {
            place.store(&mut self.arena, lane.lane, address, limbs);
        }
    }

    fn set_register(&mut self, node: NodeId, cell: CellId, limbs: &[u64]) {
        let module = self.hierarchy.module(node);
        assert!(module.cell(cell).is_sequential(), "{cell:?} of {node:?} holds no state");
        let ty = module.ty(cell);
        self.store(node, cell, ty, limbs);
    }

    fn is_at_rest(&self, domains: DomainSet) -> bool {
        let resets = self.resets_among(domains);
        let mut arena = self.arena.clone();
        match self.edges.iter().find(|(d, r, _)| (*d, *r) == (domains, resets)) {
            Some((_, _, program)) => program.program().run(self.hierarchy.design(), &mut arena),
            None => {
                let mut links = self.links.clone();
                let Compiled { hierarchy, layout, graph, owners, settled, .. } = self;
                let parts =
                    Parts { hierarchy, layout, links: &mut links, graph, owners, arena: &mut arena, set: self.options.instructions };
                let program = edge::edge_program(parts, settled, domains, resets);
                program.run(self.hierarchy.design(), &mut arena);
            }
        }
        let (before, after) = (self.arena.as_bytes(), arena.as_bytes());
        self.state.iter().all(|&(byte, count)| before[byte..byte + count] == after[byte..byte + count])
    }

    fn restore_initial_state(&mut self) {
        self.arena.words_mut()[..self.initial.len()].copy_from_slice(&self.initial);
        self.resets = DomainSet::EMPTY;
    }
}
