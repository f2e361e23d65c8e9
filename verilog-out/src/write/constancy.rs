//! Which signals may turn out to be constant once tools have looked through all modules.
//!
//! Verilator follows constants through nets and instances, and then warns of a comparison that a constant decides (nothing is
//! less than an unsigned zero). Where an operand may be such a constant, the comparison is written in a form that it does
//! not comment on; everywhere else it is the plain one. Saying "may be" too often costs beauty, too seldom a warning.

use systole_hdl::{Cell, CellId, Design, ModuleDef};

/// How much of a signal may be constant. Ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Constancy {
    /// Nothing.
    #[default]
    Varies,
    /// Some bits.
    Partial,
    /// All of it.
    Full,
}

use Constancy::{Full, Partial, Varies};

/// The constancy of every cell of every module, over all its instances.
pub(crate) fn of_design(design: &Design, orders: &[Vec<CellId>]) -> Vec<Vec<Constancy>> {
    let mut table: Vec<Vec<Constancy>> = design.modules.iter().map(|module| vec![Varies; module.cells.len()]).collect();
    // Constants go down into instances and come up out of them. Levels only rise, so this ends.
    let mut changed = true;
    while changed {
        changed = false;
        for (i, (module, order)) in design.modules.iter().zip(orders).enumerate() {
            for &id in order {
                let level = of_cell(design, &table, i, id);
                if level > table[i][id.index()] {
                    table[i][id.index()] = level;
                    changed = true;
                }
            }
            for instance in &module.instances {
                let child = &design.modules[instance.module.index()];
                for (port, input) in child.inputs.iter().zip(&instance.inputs) {
                    let level = table[i][input.index()];
                    let entry = &mut table[instance.module.index()][port.cell.index()];
                    changed |= level > *entry;
                    *entry = level.max(*entry);
                }
            }
        }
    }
    table
}

fn of_cell(design: &Design, table: &[Vec<Constancy>], of: usize, id: CellId) -> Constancy {
    let module: &ModuleDef = &design.modules[of];
    let level = |id: CellId| table[of][id.index()];
    match module.cell(id) {
        Cell::Const(_) => Full,
        Cell::Input(port) => level(module.inputs[*port as usize].cell),
        Cell::InstanceOutput { instance, port } => {
            let child = module.instances[instance.index()].module.index();
            table[child][design.modules[child].outputs[*port as usize].value.index()]
        }
        Cell::Register { .. } | Cell::MemoryRead { .. } | Cell::MemoryReadRegistered { .. } => Varies,
        Cell::Wire(a) | Cell::Not(a) | Cell::ReduceAnd(a) | Cell::ReduceOr(a) | Cell::ReduceXor(a) => level(*a),
        Cell::Extend(a) if module.ty(*a).is_signed() => level(*a),
        Cell::Extend(a) => level(*a).max(Partial),
        // A slice of what is partly constant may be the constant part.
        Cell::Slice { value, .. } => {
            if level(*value) == Varies {
                Varies
            } else {
                Full
            }
        }
        Cell::Concat(parts) => {
            let levels = parts.iter().map(|&part| level(part));
            if levels.clone().all(|level| level == Full) { Full } else { levels.max().map_or(Varies, |level| level.min(Partial)) }
        }
        // A zero decides these whatever the other operand is.
        Cell::And(a, b) | Cell::Or(a, b) | Cell::Mul(a, b) => level(*a).max(level(*b)),
        Cell::ShiftLeft(a, b) | Cell::ShiftRight(a, b) => {
            if level(*a) == Full {
                Full
            } else {
                level(*b).max(level(*a))
            }
        }
        Cell::Xor(a, b) | Cell::Sub(a, b) | Cell::Less(a, b) | Cell::Equal(a, b) if a == b => Full,
        Cell::Add(a, b) | Cell::Sub(a, b) | Cell::Xor(a, b) => {
            let (low, high) = (level(*a).min(level(*b)), level(*a).max(level(*b)));
            if low == Full { Full } else { high.min(Partial) }
        }
        Cell::Equal(a, b) | Cell::Less(a, b) => {
            let (low, high) = (level(*a).min(level(*b)), level(*a).max(level(*b)));
            if low >= Partial || high == Full { Full } else { Varies }
        }
        Cell::Mux { condition, then, otherwise } => {
            let (low, high) = (level(*then).min(level(*otherwise)), level(*then).max(level(*otherwise)));
            if level(*condition) == Full || low == Full { high } else { high.min(Partial) }
        }
        Cell::Select { index, options } => {
            let levels = options.iter().map(|&option| level(option));
            let (low, high) = (levels.clone().min().unwrap_or(Varies), levels.max().unwrap_or(Varies));
            if level(*index) >= Partial || low == Full { high } else { high.min(Partial) }
        }
    }
}
