//! Two classes of registers whose lanes are connected in stretches: moved by some lanes, taken from the other class, or fed by
//! signals that the top computes and nobody else sees.
//!
//! Arrays have regular neighbours; here the connections are what is random, over vectors of any length.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::design::{Domain, DomainId, Instance, InstanceId, ModuleId, OutputPort};
use systole_hdl::{Cell, CellId, Design, ModuleDef, Type, Value};

use super::arrayed::{input, push};

/// A design of up to 600 registers in one class and 50 in another, in random connection.
pub fn linked(seed: u64) -> Design {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pick = |among: &[u32]| among[random.next_u32() as usize % among.len()];
    let ty = Type::u(pick(&[5, 8, 12, 16, 32, 64, 100]));
    let (many, few) = (pick(&[17, 18, 20, 33, 40, 65, 70, 100, 130, 300, 600]), pick(&[4, 10, 19, 20, 50]));
    let mut top = ModuleDef { name: "top".into(), domains: clock(), ..ModuleDef::default() };
    let inputs: Vec<CellId> = (0..4).map(|_| input(&mut top, ty)).collect();
    let computed = |top: &mut ModuleDef, at: usize| push(top, Cell::Xor(inputs[at], inputs[(at + 1) % 4]), ty);
    let mut entering = inputs.clone();
    entering.extend((0..4).map(|at| computed(&mut top, at)));
    let mut outputs = |count: u32, first: u32| -> Vec<CellId> {
        let output = |instance| Cell::InstanceOutput { instance: InstanceId(instance), port: 0 };
        (first..first + count).map(|instance| push(&mut top, output(instance), ty)).collect()
    };
    let (long, short) = (outputs(many, 0), outputs(few, many));

    // What each lane of the long vector takes: its neighbour so far away, and stretches of something else over that.
    let (distance, upwards) = (pick(&[1, 2, 7, 16, 20]) as usize, pick(&[0, 1]) == 1);
    let neighbour = |lane: usize| if upwards { lane.checked_sub(distance) } else { Some(lane + distance) };
    let mut taken: Vec<CellId> = (0..long.len())
        .map(|lane| neighbour(lane).and_then(|lane| long.get(lane)).copied().unwrap_or(entering[lane % entering.len()]))
        .collect();
    for _ in 0..pick(&[0, 1, 2, 3, 6]) {
        let length = pick(&[1, 2, 5, 19, 25]).min(many) as usize;
        let first = pick(&[0, 1, 3, 16, 40, 90]) as usize % (long.len() - length + 1);
        let (what, offset) = (pick(&[0, 1, 2]), pick(&[0, 1, 3, 11]) as usize);
        for lane in first..first + length {
            taken[lane] = match what {
                0 => short[(offset + lane - first).min(short.len() - 1)],
                1 => entering[offset % entering.len()],
                _ => long[(lane + offset) % long.len()],
            };
        }
    }
    for (lane, &source) in taken.iter().enumerate() {
        top.instances.push(instance(&format!("long_{lane}"), ModuleId(0), source));
    }
    for lane in 0..short.len() {
        let source = if lane == 0 { entering[4] } else { short[lane - 1] };
        top.instances.push(instance(&format!("short_{lane}"), ModuleId(1), source));
    }
    let shown = push(&mut top, Cell::Xor(long[0], long[long.len() - 1]), ty);
    top.outputs.push(OutputPort { name: "shown".into(), value: shown });
    let modules = vec![register("long", ty, pick(&[0, 1]) == 1), register("short", ty, false), top];
    Design { modules, ..Design::default() }
}

fn clock() -> Vec<Domain> {
    vec![Domain { name: String::new() }]
}

/// A register that takes its input, or its input against itself.
fn register(name: &str, ty: Type, against_itself: bool) -> ModuleDef {
    let mut module = ModuleDef { name: name.into(), domains: clock(), ..ModuleDef::default() };
    let x = input(&mut module, ty);
    // The register stands behind what it takes.
    let register = CellId(module.cells.len() as u32 + u32::from(against_itself));
    let next = if against_itself { push(&mut module, Cell::Xor(x, register), ty) } else { x };
    push(&mut module, Cell::Register { next, initial: Value::zero(ty.width()), reset: true, domain: DomainId(0) }, ty);
    module.outputs.push(OutputPort { name: "q".into(), value: register });
    module
}

fn instance(name: &str, module: ModuleId, source: CellId) -> Instance {
    Instance { name: name.into(), module, inputs: vec![source], domains: vec![DomainId(0)], location: None }
}
