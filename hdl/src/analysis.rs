//! Combinational analysis: which outputs of a module follow which inputs within a cycle, and an order to evaluate cells in.
//!
//! Everything works module by module, given the [`PortPaths`] of all earlier modules, so that elaboration can check a
//! module right when it is built. Operands that do not exist are skipped here; [`Design::validate`] reports them.

use thiserror::Error;

use crate::design::{Cell, CellId, Design, ModuleDef};

/// For each output port of a module, the input ports that it follows within a cycle, through instances too. Registers and
/// registered reads cut a path; a [`Cell::MemoryRead`] follows its address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PortPaths {
    /// 64-bit words in the set of one output.
    words: usize,
    /// One set of input indices after the other, one for each output.
    sets: Vec<u64>,
}

impl PortPaths {
    /// The paths of `module`, where `children` holds those of all earlier modules of the design.
    ///
    /// # Errors
    /// If a combinational path closes on itself.
    pub fn of(module: &ModuleDef, children: &[PortPaths]) -> Result<PortPaths, CombinationalLoop> {
        let order = evaluation_order(module, children)?;
        let words = module.inputs.len().div_ceil(64);
        let mut sets = vec![0; words * module.outputs.len()];
        // 64 inputs a pass: memory stays at one word a cell, however many inputs there are.
        let mut followed = vec![0u64; module.cells.len()];
        for word in 0..words {
            for &id in &order {
                let mut set = 0;
                match module.cell(id) {
                    Cell::Input(port) if *port as usize / 64 == word => set = 1 << (port % 64),
                    _ => for_each_combinational_operand(module, children, id, |operand| set |= followed[operand.index()]),
                }
                followed[id.index()] = set;
            }
            for (output, port) in module.outputs.iter().enumerate() {
                sets[output * words + word] = followed.get(port.value.index()).copied().unwrap_or(0);
            }
        }
        Ok(PortPaths { words, sets })
    }

    /// The paths of every module of a design, parallel to [`Design::modules`].
    ///
    /// # Errors
    /// The first combinational loop found.
    pub fn of_design(design: &Design) -> Result<Vec<PortPaths>, CombinationalLoop> {
        let mut paths = Vec::with_capacity(design.modules.len());
        for module in &design.modules {
            paths.push(PortPaths::of(module, &paths)?);
        }
        Ok(paths)
    }

    /// Whether output port `output` follows input port `input` within a cycle. False for ports that do not exist.
    pub fn follows(&self, output: u32, input: u32) -> bool {
        self.set(output).get(input as usize / 64).is_some_and(|word| word >> (input % 64) & 1 == 1)
    }

    /// The input ports that output port `output` follows within a cycle, in rising order.
    pub fn inputs_of(&self, output: u32) -> impl Iterator<Item = u32> + '_ {
        self.set(output).iter().enumerate().flat_map(|(i, &word)| {
            let rest = |&word: &u64| Some(word & (word - 1)).filter(|&word| word != 0);
            let words = std::iter::successors(Some(word).filter(|&word| word != 0), rest);
            words.map(move |word| i as u32 * 64 + word.trailing_zeros())
        })
    }

    fn set(&self, output: u32) -> &[u64] {
        let start = output as usize * self.words;
        self.sets.get(start..start + self.words).unwrap_or(&[])
    }
}

/// A combinational path that closes on itself.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("combinational loop in module `{module}`: {}; put a register on the path", self.path())]
pub struct CombinationalLoop {
    /// Name of the module that holds it.
    pub module: String,
    /// The cells of the loop, each an operand of the next (through an instance where the next is an instance's output),
    /// the last an operand of the first.
    pub cells: Vec<CellId>,
    /// What each of `cells` is called: its name, or `%n`.
    pub labels: Vec<String>,
}

impl CombinationalLoop {
    /// The loop in the direction of data, from its first cell back to it.
    pub fn path(&self) -> String {
        self.labels.iter().chain(self.labels.first()).map(String::as_str).collect::<Vec<_>>().join(" -> ")
    }
}

/// Calls `visit` for every existing cell whose value `id` follows within the cycle, in the order of the variant's fields:
/// none for a constant, an input, a register or a registered read; for an instance's output exactly those of the
/// instance's inputs that the output follows. `children` are the paths of all earlier modules.
pub fn for_each_combinational_operand(module: &ModuleDef, children: &[PortPaths], id: CellId, mut visit: impl FnMut(CellId)) {
    let mut visit_existing = |operand: CellId| {
        if operand.index() < module.cells.len() {
            visit(operand);
        }
    };
    match module.cell(id) {
        cell if cell.is_sequential() => {}
        Cell::InstanceOutput { instance, port } => {
            let Some(instance) = module.instances.get(instance.index()) else { return };
            let Some(paths) = children.get(instance.module.index()) else { return };
            paths.inputs_of(*port).filter_map(|input| instance.inputs.get(input as usize)).for_each(|&input| visit_existing(input));
        }
        cell => cell.for_each_operand(visit_existing),
    }
}

/// All cells of `module`, each combinational cell after the cells it follows within the cycle (see
/// [`for_each_combinational_operand`]). A cell moves forward only to come before one that follows it, so cells that are
/// in such an order already stay as they are. `children` are the paths of all earlier modules.
///
/// # Errors
/// If a combinational path closes on itself.
pub fn evaluation_order(module: &ModuleDef, children: &[PortPaths]) -> Result<Vec<CellId>, CombinationalLoop> {
    let mut marks = vec![Mark::New; module.cells.len()];
    let mut order = Vec::with_capacity(module.cells.len());
    // A depth-first walk with its own stack: chains of a million cells are nothing unusual.
    let mut path: Vec<Visit> = Vec::new();
    let mut operands: Vec<CellId> = Vec::new();
    for root in module.cell_ids() {
        let mut entering = (marks[root.index()] == Mark::New).then_some(root);
        loop {
            if let Some(cell) = entering.take() {
                marks[cell.index()] = Mark::OnPath;
                path.push(Visit { cell, first: operands.len(), next: operands.len() });
                for_each_combinational_operand(module, children, cell, |operand| operands.push(operand));
            }
            let Some(visit) = path.last_mut() else { break };
            let Some(&operand) = operands.get(visit.next) else {
                marks[visit.cell.index()] = Mark::Done;
                order.push(visit.cell);
                operands.truncate(visit.first);
                path.pop();
                continue;
            };
            visit.next += 1;
            match marks[operand.index()] {
                Mark::New => entering = Some(operand),
                Mark::Done => {}
                Mark::OnPath => return Err(loop_through(module, operand, &path)),
            }
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    OnPath,
    Done,
}

/// A cell whose operands are being visited; they lie in the shared stack from `first` to its end.
struct Visit {
    cell: CellId,
    first: usize,
    next: usize,
}

/// The part of `path`, a walk against the flow of data, from `start` on.
fn loop_through(module: &ModuleDef, start: CellId, path: &[Visit]) -> CombinationalLoop {
    let mut cells: Vec<CellId> = path.iter().map(|visit| visit.cell).skip_while(|&cell| cell != start).collect();
    cells[1..].reverse();
    let labels = cells.iter().map(|&cell| label(module, cell)).collect();
    CombinationalLoop { module: module.name.clone(), cells, labels }
}

/// What messages call a cell: its name, or `%n`.
pub(crate) fn label(module: &ModuleDef, id: CellId) -> String {
    let name = module.info.get(id.index()).and_then(|info| info.name.as_deref());
    name.map_or_else(|| format!("{id:?}"), |name| format!("`{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{CellInfo, DomainId, InputPort, Instance, InstanceId, ModuleId, OutputPort};
    use crate::types::Type;
    use crate::value::Value;

    /// A module with the given cells, one bit wide; every [`Cell::Input`] becomes a port.
    fn module(cells: Vec<Cell>, outputs: &[u32]) -> ModuleDef {
        let input = |(i, cell): (usize, &Cell)| {
            matches!(cell, Cell::Input(_)).then(|| InputPort { name: format!("in{i}").into(), cell: CellId(i as u32) })
        };
        ModuleDef {
            name: "m".to_string(),
            inputs: cells.iter().enumerate().filter_map(input).collect(),
            outputs: outputs.iter().map(|&i| OutputPort { name: format!("out{i}").into(), value: CellId(i) }).collect(),
            info: vec![CellInfo { ty: Type::BIT, name: None, location: None, states: Box::default() }; cells.len()],
            cells,
            ..ModuleDef::default()
        }
    }

    fn register(next: u32) -> Cell {
        Cell::Register { next: CellId(next), initial: Value::zero(1), reset: true, domain: DomainId(0) }
    }

    fn instance(module: u32, inputs: &[u32]) -> Instance {
        let inputs = inputs.iter().map(|&i| CellId(i)).collect();
        Instance { name: "u".into(), module: ModuleId(module), inputs, domains: vec![DomainId(0)], location: None }
    }

    fn output(instance: u32, port: u32) -> Cell {
        Cell::InstanceOutput { instance: InstanceId(instance), port }
    }

    /// Output 0 follows input 0, output 1 shows a register fed by input 1.
    fn half_registered() -> ModuleDef {
        module(vec![Cell::Input(0), Cell::Input(1), Cell::Not(CellId(0)), register(1)], &[2, 3])
    }

    #[test]
    fn a_register_cuts_a_path_and_other_cells_do_not() {
        let paths = PortPaths::of(&half_registered(), &[]).unwrap();
        assert_eq!(paths.inputs_of(0).collect::<Vec<_>>(), [0]);
        assert_eq!(paths.inputs_of(1).count(), 0);
        assert!(paths.follows(0, 0) && !paths.follows(0, 1) && !paths.follows(7, 0) && !paths.follows(0, 700));
    }

    #[test]
    fn paths_run_through_instances_port_by_port() {
        let child = PortPaths::of(&half_registered(), &[]).unwrap();
        let mut parent = module(vec![Cell::Input(0), Cell::Input(1), output(0, 0), output(0, 1)], &[2, 3]);
        parent.instances = vec![instance(0, &[1, 0])];
        let paths = PortPaths::of(&parent, &[child]).unwrap();
        assert_eq!(paths.inputs_of(0).collect::<Vec<_>>(), [1]);
        assert_eq!(paths.inputs_of(1).count(), 0);
    }

    #[test]
    fn paths_tell_many_inputs_apart() {
        let mut cells: Vec<Cell> = (0..200).map(Cell::Input).collect();
        cells.push(Cell::Concat([3, 63, 64, 128, 199].map(CellId).to_vec()));
        let paths = PortPaths::of(&module(cells, &[200, 64]), &[]).unwrap();
        assert_eq!(paths.inputs_of(0).collect::<Vec<_>>(), [3, 63, 64, 128, 199]);
        assert_eq!(paths.inputs_of(1).collect::<Vec<_>>(), [64]);
    }

    #[test]
    fn cells_in_a_good_order_stay_and_others_move_forward() {
        let ids = |order: Vec<CellId>| order.iter().map(|id| id.0).collect::<Vec<_>>();
        let good = module(vec![register(2), Cell::Input(0), Cell::Not(CellId(0)), Cell::Input(1)], &[]);
        assert_eq!(ids(evaluation_order(&good, &[]).unwrap()), [0, 1, 2, 3]);
        let reversed = module(vec![Cell::Input(0), Cell::Not(CellId(3)), Cell::Input(1), Cell::Wire(CellId(0))], &[]);
        assert_eq!(ids(evaluation_order(&reversed, &[]).unwrap()), [0, 3, 1, 2]);
    }

    #[test]
    fn a_chain_of_a_million_cells_against_the_order_is_no_problem() {
        let last = 1_000_000;
        let mut cells: Vec<Cell> = (1..=last).map(|i| Cell::Not(CellId(i))).collect();
        cells.push(Cell::Input(0));
        let paths = PortPaths::of(&module(cells, &[0]), &[]).unwrap();
        assert!(paths.follows(0, 0));
    }

    #[test]
    fn a_loop_is_reported_whole_and_without_the_way_that_leads_into_it() {
        let mut looped = module(
            vec![Cell::Wire(CellId(1)), Cell::Not(CellId(2)), Cell::And(CellId(4), CellId(3)), Cell::Wire(CellId(1)), Cell::Input(0)],
            &[],
        );
        looped.info[3].name = Some("feedback".into());
        let found = evaluation_order(&looped, &[]).unwrap_err();
        assert_eq!(found.cells, [CellId(1), CellId(3), CellId(2)]);
        let text = "combinational loop in module `m`: %1 -> `feedback` -> %2 -> %1; put a register on the path";
        assert_eq!(found.to_string(), text);
    }

    #[test]
    fn a_loop_through_an_instance_counts_only_where_its_output_follows_its_input() {
        let child = [PortPaths::of(&half_registered(), &[]).unwrap()];
        let mut parent = module(vec![Cell::Input(0), output(0, 0), output(0, 1)], &[1]);
        parent.instances = vec![instance(0, &[0, 1])];
        assert_eq!(evaluation_order(&parent, &child).map(|order| order.len()), Ok(3));
        parent.instances = vec![instance(0, &[2, 1])];
        assert_eq!(evaluation_order(&parent, &child).map(|order| order.len()), Ok(3));
        parent.instances = vec![instance(0, &[1, 0])];
        assert_eq!(evaluation_order(&parent, &child).unwrap_err().cells, [CellId(1)]);
    }

    #[test]
    fn an_array_of_many_instances_is_analysed() {
        let side = 128u32;
        let child = PortPaths::of(&half_registered(), &[]).unwrap();
        let mut cells: Vec<Cell> = (0..side).map(Cell::Input).collect();
        let mut instances = Vec::new();
        for row in 0..side {
            for column in 0..side {
                let number = row * side + column;
                let west = if column == 0 { row } else { side + 2 * (number - 1) };
                instances.push(instance(0, &[west, west]));
                cells.extend([output(number, 0), output(number, 1)]);
            }
        }
        let mut array = module(cells, &[side + 2 * (side * side - 1)]);
        array.instances = instances;
        let paths = PortPaths::of(&array, &[child]).unwrap();
        assert_eq!(paths.inputs_of(0).collect::<Vec<_>>(), [side - 1]);
    }
}
