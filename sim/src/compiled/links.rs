//! How a connection between lanes is followed: in place, as one element for all, or by moving blocks and patching the rest.

use rustc_hash::FxHashMap;
use systole_hdl::CellId;

use super::layout::{Element, Layout, Place, Shape, VectorId};

/// What a cell's operand is over all lanes of its class.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Operand {
    /// Lane *n* reads lane *first* + *n* of a vector.
    Lanes { vector: VectorId, first: u32 },
    /// All lanes read one element.
    One(Element),
    /// Anything else: an index into [`Links::list`].
    Link(u32),
}

/// A block of consecutive lanes that comes from consecutive lanes of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Block {
    pub vector: VectorId,
    pub from: u32,
    pub to: u32,
    pub lanes: u32,
}

/// A connection that is neither in place nor common: blocks to be moved in order, then single elements over them.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub class: u32,
    /// Of the elements in the class that reads them.
    pub shape: Shape,
    pub blocks: Vec<Block>,
    /// Source and lane.
    pub patches: Vec<(Element, u32)>,
    /// The vectors it comes from, each once.
    pub vectors: Vec<VectorId>,
}

/// All connections looked at so far.
#[derive(Clone, Default)]
pub(super) struct Links {
    pub list: Vec<Link>,
    /// By the index of a crossing cell's first source.
    known: FxHashMap<usize, Operand>,
}

/// A block shorter than this is moved element by element.
const SHORTEST_BLOCK: u32 = 4;

impl Links {
    /// What a cell of a class is to those who read it.
    pub fn operand(&mut self, layout: &Layout, class: u32, cell: CellId, shape: Shape) -> Operand {
        match layout.place(class, cell) {
            Place::Vector(vector) if layout.vectors[vector as usize].lanes == 1 => Operand::One(Element { vector, lane: 0 }),
            Place::Vector(vector) => Operand::Lanes { vector, first: 0 },
            Place::Crossing(first) => match self.known.get(&first) {
                Some(&operand) => operand,
                None => {
                    let operand = self.classify(layout, class, layout.sources(class, first), shape);
                    self.known.insert(first, operand);
                    operand
                }
            },
            Place::Same(_) => unreachable!("`place` goes past these"),
        }
    }

    fn classify(&mut self, layout: &Layout, class: u32, sources: &[Element], shape: Shape) -> Operand {
        let first = sources[0];
        if sources.iter().all(|&source| source == first) {
            return Operand::One(first);
        }
        let runs = runs(sources);
        if let [run] = runs[..] {
            return Operand::Lanes { vector: run.vector, first: run.from };
        }
        let mut vectors: Vec<VectorId> = runs.iter().map(|run| run.vector).collect();
        vectors.sort_unstable();
        vectors.dedup();
        let (blocks, patches) = blocks_and_patches(layout, sources, &runs);
        self.list.push(Link { class, shape, blocks, patches, vectors });
        Operand::Link(self.list.len() as u32 - 1)
    }
}

/// Maximal runs of lanes that read consecutive lanes of one vector.
fn runs(sources: &[Element]) -> Vec<Block> {
    let mut runs: Vec<Block> = Vec::new();
    for (&Element { vector, lane }, to) in sources.iter().zip(0..) {
        match runs.last_mut() {
            Some(run) if run.vector == vector && run.from + run.lanes == lane => run.lanes += 1,
            _ => runs.push(Block { vector, from: lane, to, lanes: 1 }),
        }
    }
    runs
}

/// If many runs differ by one and the same offset, as in the rows of an array, one block covers them all and what lies between
/// them is patched.
fn blocks_and_patches(layout: &Layout, sources: &[Element], runs: &[Block]) -> (Vec<Block>, Vec<(Element, u32)>) {
    let offset = |run: &Block| (run.vector, i64::from(run.from) - i64::from(run.to));
    let mut lanes_by_offset: FxHashMap<(VectorId, i64), u32> = FxHashMap::default();
    for run in runs {
        *lanes_by_offset.entry(offset(run)).or_default() += run.lanes;
    }
    // The lowest vector and offset among equals, so that the same design is always run the same way.
    let common = lanes_by_offset.iter().max_by_key(|&(&key, &lanes)| (lanes, std::cmp::Reverse(key))).map(|(&key, &lanes)| (key, lanes));
    let common = common.filter(|&(_, lanes)| lanes as usize * 2 >= sources.len() && lanes >= SHORTEST_BLOCK).map(|(key, _)| key);
    let (mut blocks, mut patches) = (Vec::new(), Vec::new());
    if let Some((vector, _)) = common {
        let mut covered = runs.iter().filter(|&run| Some(offset(run)) == common);
        if let Some(first) = covered.next() {
            let last = covered.next_back().unwrap_or(first);
            let lanes = last.to + last.lanes - first.to;
            debug_assert!(first.from + lanes <= layout.vectors[vector as usize].lanes);
            blocks.push(Block { vector, from: first.from, to: first.to, lanes });
        }
    }
    for run in runs.iter().filter(|&run| common.is_none() || Some(offset(run)) != common) {
        if run.lanes >= SHORTEST_BLOCK {
            blocks.push(*run);
        } else {
            patches.extend((0..run.lanes).map(|lane| (Element { vector: run.vector, lane: run.from + lane }, run.to + lane)));
        }
    }
    (blocks, patches)
}
