//! Cells that have one value in all lanes of their class in every cycle: what broadcast signals and constants alone lead to.
//!
//! All lanes start alike, so a cell can differ between lanes only if something that it is made of does. A class's memories may differ
//! (they can be loaded one by one), and so may what lanes are connected to. From there the differences spread; what they do not
//! reach is uniform, registers included, and is computed once.

use systole_hdl::CellId;
use systole_hdl::design::Cell;

use super::classes::{Class, LaneId};
use crate::connect;
use crate::hierarchy::Hierarchy;

/// By class and cell, whether lanes may differ. Empty for classes of one lane.
pub(super) struct Varying(Vec<Vec<bool>>);

impl Varying {
    /// Finds the cells whose lanes may differ; `lanes` is by node.
    pub fn of(hierarchy: &Hierarchy, classes: &[Class], lanes: &[LaneId]) -> Varying {
        let cells = |class: &Class| if class.lanes() > 1 { hierarchy.design().module(class.module).cells.len() } else { 0 };
        let mut varying = Varying(classes.iter().map(|class| vec![false; cells(class)]).collect());
        // By class and cell: who differs if it does.
        let mut users: Vec<Vec<Vec<(u32, CellId)>>> = classes.iter().map(|class| vec![Vec::new(); cells(class)]).collect();
        let mut spreading = Vec::new();
        for (class, number) in classes.iter().zip(0u32..).filter(|(class, _)| class.lanes() > 1) {
            let module = hierarchy.design().module(class.module);
            for cell in module.cell_ids() {
                match module.cell(cell) {
                    Cell::MemoryRead { .. } | Cell::MemoryReadRegistered { .. } => spreading.push((number, cell)),
                    Cell::Input(_) | Cell::InstanceOutput { .. } => match common_driver(hierarchy, class, lanes, cell) {
                        Driver::Various => spreading.push((number, cell)),
                        Driver::SameCell(class, driver) => users[class as usize][driver.index()].push((number, cell)),
                        Driver::One => {}
                    },
                    kind => kind.for_each_operand(|operand| users[number as usize][operand.index()].push((number, cell))),
                }
            }
        }
        while let Some((class, cell)) = spreading.pop() {
            if !std::mem::replace(&mut varying.0[class as usize][cell.index()], true) {
                spreading.extend(&users[class as usize][cell.index()]);
            }
        }
        varying
    }

    /// Lanes for which a cell of a class is stored and computed.
    pub fn lanes(&self, class: u32, cell: CellId, lanes: usize) -> usize {
        if self.0[class as usize].get(cell.index()).is_some_and(|varies| *varies) { lanes } else { 1 }
    }
}

/// What drives a port in all lanes of a class.
enum Driver {
    /// One cell of one instance, or of a class of one.
    One,
    /// The same cell of several instances of a class with lanes.
    SameCell(u32, CellId),
    Various,
}

fn common_driver(hierarchy: &Hierarchy, class: &Class, lanes: &[LaneId], cell: CellId) -> Driver {
    let driver = |node| connect::driver(hierarchy, (node, cell)).expect("a crossing cell has a driver");
    let (first, first_cell) = driver(class.nodes[0]);
    let mut one = true;
    for &node in &class.nodes[1..] {
        let (node, cell) = driver(node);
        if lanes[node.index()].class != lanes[first.index()].class || cell != first_cell {
            return Driver::Various;
        }
        one &= node == first;
    }
    if one { Driver::One } else { Driver::SameCell(lanes[first.index()].class, first_cell) }
}
