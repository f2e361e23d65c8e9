//! An array of copies of a design's top module.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::design::{CellInfo, DomainId, InputPort, Instance, InstanceId, OutputPort};
use systole_hdl::{Cell, CellId, Design, ModuleDef, Type};

/// The form of an array, and how its copies are connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Rows, at least 1.
    pub rows: u32,
    /// Columns, at least 1.
    pub columns: u32,
    /// Whether each copy's domains are the array's, turned by one from copy to copy; otherwise all copies tick alike.
    pub turned_domains: bool,
    /// Seed of the choices which input comes from where.
    pub seed: u64,
}

impl Shape {
    /// Some shape, of some ten copies mostly and of 600 now and then.
    pub fn random(seed: u64) -> Shape {
        const OFTEN: [(u32, u32); 8] = [(1, 4), (2, 3), (1, 17), (18, 1), (4, 5), (5, 8), (33, 1), (1, 65)];
        match seed % 64 {
            17 => Shape::among(&[(13, 10)], seed),
            18 => Shape::among(&[(30, 20)], seed),
            _ => Shape::among(&OFTEN, seed),
        }
    }

    /// Some shape of up to 6 copies: a tile, or an array of tiles.
    pub fn small(seed: u64) -> Shape {
        Shape::among(&[(1, 2), (2, 2), (3, 1), (1, 5), (2, 3)], seed)
    }

    fn among(forms: &[(u32, u32)], seed: u64) -> Shape {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (rows, columns) = forms[random.next_u32() as usize % forms.len()];
        Shape { rows, columns, turned_domains: random.next_u32().is_multiple_of(4), seed }
    }
}

/// Where an input of a copy comes from.
#[derive(Clone, Copy)]
enum Source {
    /// An input of the array, or its complement, the same for all copies.
    Common,
    /// An input of the array for each row, or for each column, or their complements.
    Row,
    Column,
    /// An output of the copy to the west, the north, or before in the order of instances; an input of the array at the edge.
    West(usize),
    North(usize),
    Before(usize),
    /// An output of the copy so many further on, around the end; only where nothing follows within the cycle.
    Around(usize, u32),
}

/// A design whose top is an array of copies of `design`'s top.
pub fn arrayed(design: &Design, shape: Shape) -> Design {
    let mut random = ChaCha8Rng::seed_from_u64(shape.seed);
    let child = design.top_module().clone();
    let child_id = design.top();
    let sources: Vec<Source> = child.inputs.iter().map(|port| source(&mut random, &child, child.ty(port.cell))).collect();
    let mut top = ModuleDef { name: free_name(design), domains: child.domains.clone(), ..ModuleDef::default() };

    // By port: the array's own inputs, one or as many as there are rows and columns.
    let most = shape.rows.max(shape.columns);
    let mut edges = Vec::new();
    for (port, source) in child.inputs.iter().zip(&sources) {
        let count = if matches!(source, Source::Common) { 1 } else { most };
        let ty = child.ty(port.cell);
        // What enters is an input as it is, or something that is computed from one and that nobody else sees.
        let computed = random.next_u32().is_multiple_of(3);
        let mut entering = || {
            let port = input(&mut top, ty);
            if computed { push(&mut top, Cell::Not(port), ty) } else { port }
        };
        edges.push((0..count).map(|_| entering()).collect::<Vec<CellId>>());
    }
    let copies = shape.rows * shape.columns;
    // All copies' outputs first: an instance may use any of them.
    let mut outputs = Vec::new();
    for copy in 0..copies {
        let shown = |top: &mut ModuleDef, port: usize| {
            let cell = Cell::InstanceOutput { instance: InstanceId(copy), port: port as u32 };
            push(top, cell, child.ty(child.outputs[port].value))
        };
        outputs.push((0..child.outputs.len()).map(|port| shown(&mut top, port)).collect::<Vec<CellId>>());
    }
    for copy in 0..copies {
        let (row, column) = (copy / shape.columns, copy % shape.columns);
        let inputs = sources.iter().zip(&edges).map(|(&source, edge)| match source {
            Source::Common => edge[0],
            Source::Row => edge[row as usize],
            Source::Column => edge[column as usize],
            Source::West(output) if column > 0 => outputs[copy as usize - 1][output],
            Source::West(_) => edge[row as usize],
            Source::North(output) if row > 0 => outputs[(copy - shape.columns) as usize][output],
            Source::North(_) => edge[column as usize],
            Source::Before(output) if copy > 0 => outputs[copy as usize - 1][output],
            Source::Before(_) => edge[0],
            Source::Around(output, distance) => outputs[((copy + distance) % copies) as usize][output],
        });
        top.instances.push(Instance {
            name: format!("copy_{row}_{column}").into(),
            module: child_id,
            inputs: inputs.collect(),
            domains: domains(child.domains.len() as u32, if shape.turned_domains { copy } else { 0 }),
            location: None,
        });
    }
    for (number, &value) in outputs.iter().flatten().enumerate() {
        top.outputs.push(OutputPort { name: format!("out_{number}").into(), value });
    }
    let mut design = design.clone();
    design.modules.push(top);
    design
}

fn source(random: &mut ChaCha8Rng, child: &ModuleDef, ty: Type) -> Source {
    let alike: Vec<usize> = (0..child.outputs.len()).filter(|&port| child.ty(child.outputs[port].value) == ty).collect();
    let pick = random.next_u32();
    let Some(output) = (random.next_u32() as usize).checked_rem(alike.len()).map(|index| alike[index]) else {
        return [Source::Common, Source::Row, Source::Column][pick as usize % 3];
    };
    let from_register = child.cell(child.outputs[output].value).is_sequential();
    match pick % 7 {
        0 => Source::Common,
        1 => Source::Row,
        2 => Source::Column,
        3 => Source::West(output),
        4 => Source::North(output),
        5 if from_register => Source::Around(output, 1 + random.next_u32() % 3),
        _ => Source::Before(output),
    }
}

fn domains(count: u32, turn: u32) -> Vec<DomainId> {
    (0..count).map(|domain| DomainId((domain + turn) % count)).collect()
}

fn free_name(design: &Design) -> String {
    let mut name = "array".to_string();
    while design.find_module(&name).is_some() {
        name.push('_');
    }
    name
}

pub(super) fn push(module: &mut ModuleDef, cell: Cell, ty: Type) -> CellId {
    module.cells.push(cell);
    module.info.push(CellInfo { ty, name: None, location: None, states: Box::default() });
    CellId(module.cells.len() as u32 - 1)
}

pub(super) fn input(module: &mut ModuleDef, ty: Type) -> CellId {
    let number = module.inputs.len();
    let cell = push(module, Cell::Input(number as u32), ty);
    module.inputs.push(InputPort { name: format!("in_{number}").into(), cell });
    cell
}
