//! Small valid designs for the tests of the text form and of validation.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use systole_hdl::design::*;
use systole_hdl::{Type, Value};

/// So many cases; what fails is kept beside the tests and tried first the next time.
pub fn cases(cases: u32) -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as _);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

/// Any valid design: one to four modules, each with every kind of part, under awkward names and with locations.
pub fn valid_design() -> impl Strategy<Value = Design> {
    let recipe = (any::<String>(), 1usize..3, prop::collection::vec(step(), 0..25));
    prop::collection::vec(recipe, 1..5).prop_map(|recipes| {
        let mut design = Design { modules: Vec::new(), files: vec!["src/\"odd\"\n.rs".to_string(), String::new()] };
        for (parameters, domains, steps) in recipes {
            let module = build(&design.modules, parameters, domains, &steps);
            design.modules.push(module);
        }
        design
    })
}

/// One part of a module: which kind, what it picks among the signals and sizes there are, and how it is called.
#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    picks: [u32; 4],
    limbs: [u64; 2],
    name: Option<String>,
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop::option::weighted(0.4, ".{0,4}|[a-z\\\\\"\n\t\r\u{7f}]{1,4}");
    (any::<u8>(), any::<[u32; 4]>(), any::<[u64; 2]>(), name).prop_map(|(kind, picks, limbs, name)| Step { kind, picks, limbs, name })
}

fn build(earlier: &[ModuleDef], parameters: String, domains: usize, steps: &[Step]) -> ModuleDef {
    let mut m = ModuleDef { name: format!("m{} é", earlier.len()), parameters, ..ModuleDef::default() };
    m.domains = ["", "mem \\"][..domains].iter().map(|name| Domain { name: name.to_string() }).collect();
    for (i, ty) in [Type::BIT, Type::u(7), Type::s(70), Type::q(3, 5)].into_iter().enumerate() {
        let cell = cell(&mut m, Cell::Input(i as u32), ty);
        m.inputs.push(InputPort { name: format!("in {i}").into(), cell });
        m.info[cell.index()].name = (i != 1).then(|| format!("in {i}").into());
    }
    let mut registers = Vec::new();
    for step in steps {
        let before = m.cells.len();
        grow(&mut m, &mut registers, earlier, step);
        let last = m.cells.len() - 1;
        if let Some(name) = step.name.clone().filter(|_| m.cells.len() > before) {
            // A number makes the name unique.
            m.info[last].name = Some(format!("{name}#{last}").into());
            m.info[last].location =
                Some(SourceLocation { file: step.picks[3] % 2, line: 1 + step.picks[0] / 2, column: 1 + step.picks[1] / 2 });
        }
    }
    for register in registers {
        let width = m.ty(register).width();
        let value = fitted(&mut m, register.0.wrapping_mul(7), width);
        if let Cell::Register { next, .. } = &mut m.cells[register.index()] {
            *next = value;
        }
    }
    let last = CellId(m.cells.len() as u32 - 1);
    let name = m.info[last.index()].name.clone().filter(|name| !name.starts_with("in ")).unwrap_or("out".into());
    m.outputs = vec![OutputPort { name, value: last }, OutputPort { name: "same".into(), value: CellId(0) }];
    m
}

fn cell(m: &mut ModuleDef, cell: Cell, ty: Type) -> CellId {
    m.cells.push(cell);
    m.info.push(CellInfo { ty, name: None, location: None, states: Box::default() });
    CellId(m.cells.len() as u32 - 1)
}

fn any_signal(m: &ModuleDef, pick: u32) -> CellId {
    CellId(pick % m.cells.len() as u32)
}

/// Some signal, cut or extended to `width`.
fn fitted(m: &mut ModuleDef, pick: u32, width: u32) -> CellId {
    let value = any_signal(m, pick);
    let given = m.ty(value).width();
    match given.cmp(&width) {
        std::cmp::Ordering::Equal => value,
        std::cmp::Ordering::Greater => cell(m, Cell::Slice { value, low: pick % (given - width + 1) }, Type::Bits(width)),
        std::cmp::Ordering::Less => cell(m, Cell::Extend(value), Type::Bits(width)),
    }
}

fn grow(m: &mut ModuleDef, registers: &mut Vec<CellId>, earlier: &[ModuleDef], step: &Step) {
    let [p0, p1, p2, p3] = step.picks;
    let a = any_signal(m, p0);
    let ty = m.ty(a);
    let w = ty.width();
    let domain = DomainId(p3 % m.domains.len() as u32);
    match step.kind % 29 {
        0 => drop(cell(m, Cell::Const(Value::from_limbs(w, step.limbs)), ty)),
        1 => drop(cell(m, Cell::Wire(a), ty)),
        2 => drop(cell(m, Cell::Not(a), ty)),
        3 => drop(cell(m, Cell::ReduceAnd(a), Type::BIT)),
        4 => drop(cell(m, Cell::ReduceOr(a), Type::u(1))),
        5 => drop(cell(m, Cell::ReduceXor(a), Type::BIT)),
        kind @ 6..=11 => {
            let b = fitted(m, p1, w);
            let (function, ty): (fn(CellId, CellId) -> Cell, Type) = match kind {
                6 => (Cell::And, ty),
                7 => (Cell::Or, ty),
                8 => (Cell::Xor, ty),
                9 => (Cell::Add, ty),
                10 => (Cell::Sub, ty),
                _ => (Cell::Equal, Type::BIT),
            };
            cell(m, function(a, b), ty);
        }
        12 => {
            let b = cell(m, Cell::Wire(a), ty);
            cell(m, Cell::Less(a, b), Type::BIT);
        }
        13 if w < 200 => {
            let b = cell(m, Cell::Wire(a), ty);
            cell(m, Cell::Mul(a, b), Type::Bits(2 * w));
        }
        14 => drop(cell(m, Cell::ShiftLeft(a, any_signal(m, p1)), ty)),
        15 => drop(cell(m, Cell::ShiftRight(a, any_signal(m, p1)), ty)),
        16 => {
            let (condition, otherwise) = (fitted(m, p1, 1), fitted(m, p2, w));
            cell(m, Cell::Mux { condition, then: a, otherwise }, ty);
        }
        17 => {
            let options = (0..1 + p1 % 4).map(|i| fitted(m, p2.wrapping_add(i), w)).collect();
            cell(m, Cell::Select { index: any_signal(m, p3), options }, ty);
        }
        18 if w < 200 => {
            let b = any_signal(m, p1);
            let width = 2 * w + m.ty(b).width();
            cell(m, Cell::Concat(vec![a, b, a]), Type::Bits(width));
        }
        19 => drop(cell(m, Cell::Slice { value: a, low: p1 % w }, Type::u(w - p1 % w))),
        20 => drop(cell(m, Cell::Extend(a), Type::Bits(w + p1 % 3))),
        21 => {
            let register = cell(m, Cell::Register { next: a, initial: Value::from_limbs(w, step.limbs), reset: p1 & 1 == 1, domain }, ty);
            m.info[register.index()].states = (0..p2 % 3).map(|i| format!("state\n{i}")).collect();
            registers.push(register);
        }
        22 | 23 => memory(m, step, ty, domain),
        24..=26 => instance(m, earlier, step),
        27 => {
            let (valid, ready) = (fitted(m, p1, 1), fitted(m, p2, 1));
            let name = format!("stream {}", m.streams.len());
            m.streams.push(StreamProbe { name, data: a, valid, ready, domain, direction: StreamDirection::Internal });
        }
        _ => {
            let level = cell(m, Cell::Wire(a), Type::Bits(w));
            m.levels.push(LevelProbe { name: format!("level {}", m.levels.len()), level, capacity: p1 });
        }
    }
}

fn memory(m: &mut ModuleDef, step: &Step, ty: Type, domain: DomainId) {
    let [p0, p1, p2, p3] = step.picks;
    let (id, w) = (MemoryId(m.memories.len() as u32), ty.width());
    let initial = (0..p1 % 40).map(|i| Value::from_limbs(w, step.limbs.map(|limb| limb.rotate_left(i)))).collect();
    let write = |m: &mut ModuleDef, mask: Option<u32>| WritePort {
        address: any_signal(m, p1),
        data: fitted(m, p2, w),
        enable: fitted(m, p3, 1),
        mask: mask.map(|parts| fitted(m, p0, parts)),
    };
    let writes = match p3 % 3 {
        0 => Vec::new(),
        1 => vec![write(m, None)],
        _ => vec![write(m, Some(1)), write(m, Some(w))],
    };
    let location = (p2 & 1 == 1).then_some(SourceLocation { file: 1, line: 1, column: u32::MAX });
    let memory =
        Memory { name: format!("memory {}", id.0).into(), depth: 40 + p0 / 2, ty, initial, writes, write_domain: domain, location };
    m.memories.push(memory);
    let (address, enable) = (any_signal(m, p0), fitted(m, p1, 1));
    let collision = [Collision::ReadFirst, Collision::WriteFirst, Collision::Undefined][p2 as usize % 3];
    match p0 % 4 {
        0 => cell(m, Cell::MemoryRead { memory: id, address }, ty),
        _ => cell(m, Cell::MemoryReadRegistered { memory: id, address, enable, collision, domain }, ty),
    };
}

fn instance(m: &mut ModuleDef, earlier: &[ModuleDef], step: &Step) {
    let [p0, p1, p2, p3] = step.picks;
    let Some(module) = p0.checked_rem(earlier.len() as u32) else { return };
    let child = &earlier[module as usize];
    let inputs = child.inputs.iter().zip(0..).map(|(port, i)| {
        let ty = child.ty(port.cell);
        let value = fitted(m, p1.wrapping_add(i), ty.width());
        cell(m, Cell::Wire(value), ty)
    });
    let inputs = inputs.collect();
    let domains = (0..child.domains.len() as u32).map(|i| DomainId(p2.wrapping_add(i) % m.domains.len() as u32)).collect();
    let id = InstanceId(m.instances.len() as u32);
    let location = (p2 & 1 == 1).then_some(SourceLocation { file: 0, line: p3.max(1), column: 1 });
    m.instances.push(Instance { name: format!("instance \"{}\"", id.0).into(), module: ModuleId(module), inputs, domains, location });
    let port = p3 % child.outputs.len() as u32;
    let ty = child.ty(child.outputs[port as usize].value);
    cell(m, Cell::InstanceOutput { instance: id, port }, ty);
}
