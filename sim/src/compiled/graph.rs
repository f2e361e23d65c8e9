//! What needs what, in which order it is computed, and what is computed on the way to something else.
//!
//! The graph is over vectors, so its size is that of the definitions, not of the array. Where vectors need each other through
//! different lanes (a ripple), the lanes of that group of vectors go one by one, in an order in which operands come first.

use systole_hdl::design::Cell;
use systole_hdl::{CellId, ModuleDef};

use super::layout::{Element, Layout, Place, Shape, VectorId};
use super::links::{Links, Operand};
use crate::hierarchy::Hierarchy;

/// Something that is computed at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// All lanes of a vector, by lane kernels.
    Lanes(VectorId),
    /// One element, by scalar steps.
    Single(Element),
}

impl Unit {
    pub fn vector(self) -> VectorId {
        match self {
            Unit::Lanes(vector) | Unit::Single(Element { vector, .. }) => vector,
        }
    }
}

/// How a vector comes to its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// It has one: a constant, an input of the top, a register.
    Source,
    /// By lane kernels.
    Lanes,
    /// Element by element.
    Singles,
}

/// The order of evaluation.
pub(super) struct Graph {
    /// By vector.
    pub modes: Vec<Mode>,
    /// All units in an order in which operands come first.
    pub order: Vec<Unit>,
    /// By vector: those who read it in place within its own instances.
    users: Vec<Vec<User>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum User {
    /// A vector computed by lane kernels from it, or a register of a class with lanes.
    Vector(VectorId),
    /// Something that wants it stored.
    Other,
}

/// A combinational path closes on itself.
pub(super) struct CombinationalLoop;

/// A cell of a class, with what is known of it.
pub(super) struct Site<'a> {
    pub module: &'a ModuleDef,
    pub class: u32,
    pub cell: CellId,
}

impl<'a> Site<'a> {
    pub fn of(hierarchy: &'a Hierarchy, layout: &Layout, vector: VectorId) -> Site<'a> {
        let vector = &layout.vectors[vector as usize];
        Site { module: layout.module(hierarchy, vector.class), class: vector.class, cell: vector.cell }
    }

    pub fn kind(&self) -> &'a Cell {
        self.module.cell(self.cell)
    }
}

impl Graph {
    /// Finds modes and order.
    pub fn of(hierarchy: &Hierarchy, layout: &Layout, links: &mut Links) -> Result<Graph, CombinationalLoop> {
        let modes = (0..layout.vectors.len() as u32).map(|vector| mode(hierarchy, layout, vector)).collect();
        let mut graph = Graph { modes, order: Vec::new(), users: Vec::new() };
        for component in graph.components(hierarchy, layout, links) {
            graph.order_component(hierarchy, layout, &component)?;
        }
        graph.collect_users(hierarchy, layout);
        Ok(graph)
    }

    /// Strongly connected groups of vectors, operands first (Tarjan). Each says whether it closes on itself.
    fn components(&self, hierarchy: &Hierarchy, layout: &Layout, links: &mut Links) -> Vec<Component> {
        const NEW: u32 = u32::MAX;
        let count = layout.vectors.len();
        let (mut number, mut low) = (vec![NEW; count], vec![NEW; count]);
        let mut on_stack = vec![false; count];
        let (mut stack, mut components) = (Vec::new(), Vec::new());
        // A vector being visited, its operands, and how many of them have been looked at.
        let mut path: Vec<(VectorId, Vec<VectorId>, usize)> = Vec::new();
        let mut next = 0;
        for root in 0..count as u32 {
            if self.modes[root as usize] == Mode::Source || number[root as usize] != NEW {
                continue;
            }
            path.push((root, self.operands(hierarchy, layout, links, root), 0));
            while let Some((vector, operands, looked)) = path.last_mut() {
                let at = *vector as usize;
                if *looked == 0 && number[at] == NEW {
                    (number[at], low[at]) = (next, next);
                    next += 1;
                    stack.push(*vector);
                    on_stack[at] = true;
                }
                if let Some(&operand) = operands.get(*looked) {
                    *looked += 1;
                    let operand = operand as usize;
                    if number[operand] == NEW {
                        path.push((operand as u32, self.operands(hierarchy, layout, links, operand as u32), 0));
                    } else if on_stack[operand] {
                        low[at] = low[at].min(number[operand]);
                    }
                    continue;
                }
                let (vector, operands, _) = path.pop().expect("the loop looks at the last one");
                if low[at] == number[at] {
                    let from = stack.iter().rposition(|&member| member == vector).expect("a visited vector is on the stack");
                    let members = stack.split_off(from);
                    members.iter().for_each(|&member| on_stack[member as usize] = false);
                    let closes = members.len() > 1 || operands.contains(&vector);
                    components.push(Component { members, closes });
                }
                if let Some((parent, ..)) = path.last() {
                    let parent = *parent as usize;
                    low[parent] = low[parent].min(low[at]);
                }
            }
        }
        components
    }

    /// Vectors that a vector is computed from in the same cycle, sources left out.
    pub fn operands(&self, hierarchy: &Hierarchy, layout: &Layout, links: &mut Links, vector: VectorId) -> Vec<VectorId> {
        let site = Site::of(hierarchy, layout, vector);
        let mut operands = Vec::new();
        site.kind().for_each_operand(|cell| match operand(layout, links, &site, cell) {
            Operand::Lanes { vector, .. } | Operand::One(Element { vector, .. }) => operands.push(vector),
            Operand::Link(link) => operands.extend(&links.list[link as usize].vectors),
        });
        operands.retain(|&operand| self.modes[operand as usize] != Mode::Source);
        operands
    }

    fn order_component(&mut self, hierarchy: &Hierarchy, layout: &Layout, component: &Component) -> Result<(), CombinationalLoop> {
        if !component.closes {
            for &vector in &component.members {
                if self.modes[vector as usize] == Mode::Lanes {
                    self.order.push(Unit::Lanes(vector));
                } else {
                    let lanes = layout.vectors[vector as usize].lanes;
                    self.order.extend((0..lanes).map(|lane| Unit::Single(Element { vector, lane })));
                }
            }
            return Ok(());
        }
        component.members.iter().for_each(|&vector| self.modes[vector as usize] = Mode::Singles);
        self.order_elements(hierarchy, layout, component)
    }

    /// Puts the elements of vectors that need each other in order.
    fn order_elements(&mut self, hierarchy: &Hierarchy, layout: &Layout, component: &Component) -> Result<(), CombinationalLoop> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = rustc_hash::FxHashMap::default();
        for &vector in &component.members {
            states.insert(vector, vec![State::New; layout.vectors[vector as usize].lanes as usize]);
        }
        let mut waiting = Vec::new();
        for &vector in &component.members {
            waiting.extend((0..layout.vectors[vector as usize].lanes).rev().map(|lane| Element { vector, lane }));
        }
        while let Some(&element) = waiting.last() {
            let state = &mut states.get_mut(&element.vector).expect("elements of the component")[element.lane as usize];
            match *state {
                State::Done => drop(waiting.pop()),
                State::Open => {
                    *state = State::Done;
                    waiting.pop();
                    self.order.push(Unit::Single(element));
                }
                State::New => {
                    *state = State::Open;
                    let site = Site::of(hierarchy, layout, element.vector);
                    let mut closes = false;
                    site.kind().for_each_operand(|cell| {
                        let operand = layout.element(site.class, cell, element.lane);
                        if let Some(states) = states.get(&operand.vector) {
                            match states[operand.lane as usize] {
                                State::New => waiting.push(operand),
                                State::Open => closes = true,
                                State::Done => {}
                            }
                        }
                    });
                    if closes {
                        return Err(CombinationalLoop);
                    }
                }
            }
        }
        Ok(())
    }

    fn collect_users(&mut self, hierarchy: &Hierarchy, layout: &Layout) {
        self.users = vec![Vec::new(); layout.vectors.len()];
        for (class, number) in layout.classes.iter().zip(0..) {
            let module = hierarchy.design().module(class.module);
            for cell in module.cell_ids() {
                let Place::Vector(vector) = layout.place(number, cell) else { continue };
                // An alias within the instance leads to a vector that comes by itself.
                if layout.vectors[vector as usize].cell != cell {
                    continue;
                }
                let user = match (module.cell(cell), layout.vectors[vector as usize].shape) {
                    (Cell::MemoryRead { .. }, _) => {
                        // A step of its own: neither part of another's nor its address part of it.
                        self.users[vector as usize].push(User::Other);
                        User::Other
                    }
                    (Cell::Register { .. }, Shape::Narrow(_)) if layout.vectors[vector as usize].lanes > 1 => User::Vector(vector),
                    _ if self.modes[vector as usize] == Mode::Lanes => User::Vector(vector),
                    _ => User::Other,
                };
                module.cell(cell).for_each_operand(|operand| self.note_use(layout, number, operand, user));
            }
            for write in module.memories.iter().flat_map(|memory| &memory.writes) {
                for operand in [Some(write.address), Some(write.data), Some(write.enable), write.mask].into_iter().flatten() {
                    self.note_use(layout, number, operand, User::Other);
                }
            }
        }
    }

    fn note_use(&mut self, layout: &Layout, class: u32, cell: CellId, user: User) {
        match layout.place(class, cell) {
            Place::Vector(vector) => self.users[vector as usize].push(user),
            Place::Crossing(first) => {
                let mut last = None;
                for source in layout.sources(class, first) {
                    if last != Some(source.vector) {
                        self.users[source.vector as usize].push(User::Other);
                        last = Some(source.vector);
                    }
                }
            }
            Place::Same(_) => unreachable!("`place` goes past these"),
        }
    }

    /// By vector: the one vector on the way to which it is computed and need not be stored; `None` if it is stored itself.
    /// `kept` vectors are stored.
    pub fn owners(&self, kept: &[bool]) -> Vec<Option<VectorId>> {
        let mut owners: Vec<Option<VectorId>> = vec![None; self.modes.len()];
        for unit in self.order.iter().rev() {
            let Unit::Lanes(vector) = *unit else { continue };
            if kept[vector as usize] {
                continue;
            }
            let owner = |user: &User| match *user {
                User::Vector(user) => Some(owners[user as usize].unwrap_or(user)),
                User::Other => None,
            };
            let mut all = self.users[vector as usize].iter().map(owner);
            let first = all.next().flatten();
            owners[vector as usize] = first.filter(|_| all.all(|owner| owner == first));
        }
        owners
    }
}

struct Component {
    members: Vec<VectorId>,
    closes: bool,
}

/// What an operand of a cell is over the lanes.
pub(super) fn operand(layout: &Layout, links: &mut Links, site: &Site, cell: CellId) -> Operand {
    let ty = site.module.ty(cell);
    links.operand(layout, site.class, cell, Shape::of(ty, layout.classes[site.class as usize].lanes()))
}

fn mode(hierarchy: &Hierarchy, layout: &Layout, vector: VectorId) -> Mode {
    let site = Site::of(hierarchy, layout, vector);
    let cell = site.kind();
    if matches!(cell, Cell::Const(_) | Cell::Input(_)) || cell.is_sequential() {
        return Mode::Source;
    }
    let mut narrow = site.module.ty(site.cell).width() <= 64;
    cell.for_each_operand(|operand| narrow &= site.module.ty(operand).width() <= 64);
    // The words of a memory are found lane by lane in any case.
    let by_lanes = narrow || matches!(cell, Cell::MemoryRead { .. });
    if layout.vectors[vector as usize].lanes > 1 && by_lanes { Mode::Lanes } else { Mode::Singles }
}
