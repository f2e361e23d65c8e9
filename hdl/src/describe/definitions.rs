//! The module definitions that an elaboration has finished, and what it knows of each.

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
    /// Finished designs whose modules are here, by the name of their tops, each with the module here that is its top.
    adopted: FxHashMap<String, Vec<(Design, ModuleId)>>,
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
    pub fn adopted(&self, design: &Design) -> Option<ModuleId> {
        let Design { modules, files } = design;
        let namesakes = self.adopted.get(&modules.last()?.name)?;
        // By content, as another design can come to lie at the same address. From the top down, where designs of one name differ soonest.
        let is_equal = |known: &Design| known.modules.iter().rev().eq(modules.iter().rev()) && known.files == *files;
        namesakes.iter().find(|(known, _)| is_equal(known)).map(|(_, top)| *top)
    }

    /// Remembers that the modules of `design` are here, its top as `top`.
    pub fn remember(&mut self, design: &Design, top: ModuleId) {
        let name = design.top_module().name.clone();
        self.adopted.entry(name).or_default().push((design.clone(), top));
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
