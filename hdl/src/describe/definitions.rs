//! The module definitions that an elaboration has finished, and what it knows of each.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::diagnostic::Place;
use crate::analysis::PortPaths;
use crate::design::{Design, ModuleDef, ModuleId};

/// Finished definitions, children before parents.
#[derive(Default)]
pub(crate) struct Definitions {
    pub design: Design,
    /// Combinational paths of each module, parallel to `design.modules`.
    pub paths: Vec<PortPaths>,
    /// Where each module was instantiated first, parallel to `design.modules`.
    places: Vec<Place>,
    by_name: FxHashMap<String, ModuleId>,
    /// Finished designs whose modules are here, each with the module here that is its top. By content: another design can come to
    /// lie at the same address.
    adopted: FxHashMap<Rc<Design>, ModuleId>,
    /// The one asked for last: an array asks for the same design again and again, and a comparison is cheaper than a hash.
    adopted_last: Option<(Rc<Design>, ModuleId)>,
}

impl Definitions {
    pub fn module(&self, id: ModuleId) -> &ModuleDef {
        self.design.module(id)
    }

    /// Where a module was instantiated first.
    pub fn place(&self, id: ModuleId) -> Place {
        self.places[id.index()]
    }

    pub fn find(&self, name: &str) -> Option<ModuleId> {
        self.by_name.get(name).copied()
    }

    /// The id that [`Definitions::add`] gives next.
    pub fn next_id(&self) -> ModuleId {
        ModuleId(self.design.modules.len() as u32)
    }

    /// Adds a definition, whose name is free and whose children are here.
    pub fn add(&mut self, module: ModuleDef, paths: PortPaths, place: Place) -> ModuleId {
        let id = self.next_id();
        self.by_name.insert(module.name.clone(), id);
        self.design.modules.push(module);
        self.paths.push(paths);
        self.places.push(place);
        id
    }

    /// The first of `wish`, `wish_2`, … that is free, unless one before it is a module equal to `module`.
    pub fn place_among_namesakes(&self, wish: &str, module: &ModuleDef) -> (String, Option<ModuleId>) {
        let mut name = wish.to_string();
        let mut suffix = 1;
        while let Some(id) = self.find(&name) {
            if same_body(self.module(id), module) {
                return (name, Some(id));
            }
            suffix += 1;
            name = format!("{wish}_{suffix}");
        }
        (name, None)
    }

    /// The module here that is the top of a design equal to `design`, if one has been remembered.
    pub fn adopted(&mut self, design: &Design) -> Option<ModuleId> {
        if !self.adopted_last.as_ref().is_some_and(|(last, _)| **last == *design) {
            self.adopted_last = self.adopted.get_key_value(design).map(|(known, top)| (known.clone(), *top));
        }
        self.adopted_last.as_ref().map(|(_, top)| *top)
    }

    /// Remembers that the modules of `design` are here, its top as `top`.
    pub fn remember(&mut self, design: &Design, top: ModuleId) {
        let design = Rc::new(design.clone());
        self.adopted.insert(design.clone(), top);
        self.adopted_last = Some((design, top));
    }
}

/// Whether two modules are equal but for their names and the comment on their parameters.
fn same_body(a: &ModuleDef, b: &ModuleDef) -> bool {
    // Taken apart in full, so that a new field cannot be forgotten.
    fn body(module: &ModuleDef) -> impl PartialEq {
        let ModuleDef { name: _, parameters: _, domains, inputs, outputs, cells, info, memories, instances, streams, levels } = module;
        (cells, info, domains, inputs, outputs, memories, instances, streams, levels)
    }
    body(a) == body(b)
}
