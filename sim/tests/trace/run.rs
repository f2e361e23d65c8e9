//! Simulating with a trace attached, and the values it has to show.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use systole_hdl::design::DomainId;
use systole_hdl::{CellId, Design, Value};
use systole_sim::engine::read_value;
use systole_sim::trace::{Trace, TraceFormat, TraceOptions};
use systole_sim::{DomainSet, Engine, Hierarchy, NodeId, Reference};

pub const FORMATS: [TraceFormat; 2] = [TraceFormat::Vcd, TraceFormat::Fst];

/// Values of every signal, by path, and of every domain's reset and last edges.
pub struct Cycle {
    pub signals: BTreeMap<String, Value>,
    pub resets: Vec<bool>,
    /// Whether an edge of each domain began the cycle.
    pub edges: Vec<bool>,
}

/// Simulates `cycles` cycles of inputs that change often and irregularly, tracing to `path`; gives what each cycle held.
/// The second domain, if there is one, has an edge every third cycle.
pub fn simulate(design: &Arc<Design>, path: &Path, options: &TraceOptions, cycles: u64) -> Vec<Cycle> {
    let mut engine = Reference::new(design).unwrap();
    let mut trace = Trace::create(path, &mut engine, options).unwrap();
    let domains = design.top_module().domains.len();
    let mut shown = Vec::new();
    let mut began = DomainSet::EMPTY;
    for cycle in 0..cycles {
        for (port, input) in design.top_module().inputs.iter().enumerate() {
            let width = design.top_module().ty(input.cell).width();
            engine.set_input(port, stimulus(cycle, port as u64, width).limbs());
        }
        (0..domains).for_each(|d| engine.set_reset(DomainId(d as u32), cycle % 17 == 3 + d as u64));
        engine.settle();
        shown.push(snapshot(&engine, began));
        let edges = if cycle % 3 == 1 { DomainSet::first(domains) } else { DomainSet::first(1) };
        trace.observe(cycle, &engine, edges).unwrap();
        engine.edge(edges);
        began = edges;
    }
    trace.finish().unwrap();
    shown
}

/// An input's value: stays for a few cycles now and then, and uses all of its width.
fn stimulus(cycle: u64, port: u64, width: u32) -> Value {
    let held = cycle - cycle % (port + 1);
    let limb = |i: u64| (held + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left((port * 7 + i * 13) as u32);
    if width == 1 { Value::from_u64(1, held.is_multiple_of(5).into()) } else { Value::from_limbs(width, (0..4).map(limb)) }
}

fn snapshot(engine: &Reference, began: DomainSet) -> Cycle {
    let hierarchy = engine.hierarchy();
    let domains = (0..hierarchy.design().top_module().domains.len() as u32).map(DomainId);
    Cycle {
        signals: signals(hierarchy).into_iter().map(|(path, node, cell)| (path, read_value(engine, node, cell))).collect(),
        resets: domains.clone().map(|d| engine.reset(d)).collect(),
        edges: domains.map(|d| began.contains(d)).collect(),
    }
}

/// All ports and named cells with their paths.
pub fn signals(hierarchy: &Hierarchy) -> Vec<(String, NodeId, CellId)> {
    let in_node = |node| {
        let module = hierarchy.module(node);
        let inputs = module.inputs.iter().map(|p| (&p.name, p.cell));
        let outputs = module.outputs.iter().map(|p| (&p.name, p.value));
        let named = module.cell_ids().filter_map(|cell| Some((module.info[cell.index()].name.as_ref()?, cell)));
        inputs.chain(outputs).chain(named).map(move |(name, cell)| (hierarchy.path_of(node, name), node, cell)).collect::<Vec<_>>()
    };
    hierarchy.nodes().flat_map(in_node).collect()
}
