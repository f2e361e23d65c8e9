//! Signals that are not stored, computed when somebody asks: by the definition of the cells, from what is stored.

use rustc_hash::FxHashMap;
use systole_hdl::Value;
use systole_hdl::design::Cell;

use super::arena::Arena;
use super::graph::Site;
use super::layout::{Element, Layout};
use super::program::load_value;
use crate::engine::limbs_for;
use crate::hierarchy::Hierarchy;
use crate::reference::general;

/// What is looked into.
pub(super) struct Peek<'a> {
    pub hierarchy: &'a Hierarchy,
    pub layout: &'a Layout,
    pub arena: &'a Arena,
    /// By vector: whether it has its value.
    pub settled: &'a [bool],
}

impl Peek<'_> {
    /// The settled value of an element.
    pub fn value(&self, element: Element) -> Value {
        let mut known = FxHashMap::default();
        let mut waiting = vec![element];
        // Without recursion: a path may be as long as the design is large.
        while let Some(&at) = waiting.last() {
            if known.contains_key(&at) {
                waiting.pop();
                continue;
            }
            let vector = &self.layout.vectors[at.vector as usize];
            let site = Site::of(self.hierarchy, self.layout, at.vector);
            let ty = site.module.ty(site.cell);
            if self.settled[at.vector as usize] {
                known.insert(at, load_value(self.arena, vector.element(at.lane), vector.shape, ty));
                continue;
            }
            let before = waiting.len();
            let mut operands = Vec::new();
            site.kind().for_each_operand(|cell| {
                let operand = self.layout.element(site.class, cell, at.lane);
                match known.get(&operand) {
                    // The operand may be another's element under another type of the same width.
                    Some(value) => operands.push(general::Operand { value: value.clone(), ty: site.module.ty(cell) }),
                    None => waiting.push(operand),
                }
            });
            if waiting.len() > before {
                continue;
            }
            let value = match *site.kind() {
                Cell::MemoryRead { memory, .. } => {
                    let place = self.layout.memory(site.class, memory);
                    let mut limbs = vec![0; limbs_for(ty.width())];
                    if let Some(address) = operands[0].value.to_u64().filter(|&address| address < place.depth.into()) {
                        place.load(self.arena, at.lane, address as u32, &mut limbs);
                    }
                    Value::from_limbs(ty.width(), limbs)
                }
                ref cell => general::evaluate(cell, ty, &operands),
            };
            known.insert(at, value);
        }
        known.remove(&element).expect("the loop ends with the value known")
    }
}
