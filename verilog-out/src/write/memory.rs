//! Memories in the form that tools infer: one array, one clocked block with its write ports and the reads of their domain.
//!
//! A `WriteFirst` read takes the stored word and is then overruled by the writes to the same address, in order. Addresses
//! that can reach beyond the depth are compared with it; others are not.

use std::fmt::Write as _;

use systole_hdl::design::{Collision, DomainId, Memory, MemoryId, WritePort};
use systole_hdl::{Cell, CellId, Value};

use super::constancy::Constancy;
use super::expression::{Expression, Printer, Reference, comparison, guarded_less, primary};
use super::literal::{literal, unsigned};
use super::module::declared;
use super::plan::{Form, Plan};

/// Where an address points.
enum Place {
    /// At or beyond the depth, always.
    Outside,
    /// At the word of this index, if the condition holds.
    At { index: String, condition: Option<Expression> },
}

/// The array.
pub(crate) fn declaration(plan: &Plan, id: MemoryId) -> String {
    let memory = &plan.module.memories[id.index()];
    let mut reads = registered_reads(plan, id).peekable();
    // Frees synthesis from keeping the old word on a collision; the text below returns it.
    let undefined = reads.peek().is_some() && reads.all(|read| read.collision == Collision::Undefined);
    let attribute = if undefined { "(* no_rw_check *) " } else { "" };
    let name = &plan.memories[id.index()];
    format!("  {attribute}{} [0:{}];\n", declared("reg", memory.ty, name), memory.depth - 1)
}

/// Whether [`initial`] needs its loop variable.
pub(crate) fn needs_loop(memory: &Memory) -> bool {
    memory.initial.len() < memory.depth as usize
}

/// The statements of an `initial` block that give every word its first value.
pub(crate) fn initial(plan: &Plan, id: MemoryId, loop_variable: &str) -> String {
    let memory = &plan.module.memories[id.index()];
    let name = &plan.memories[id.index()];
    let mut out = String::new();
    for (word, value) in memory.initial.iter().enumerate() {
        let _ = writeln!(out, "    {name}[{word}] = {};", literal(value, memory.ty));
    }
    if needs_loop(memory) {
        let (i, first, depth) = (loop_variable, memory.initial.len(), memory.depth);
        let zero = literal(&Value::zero(memory.ty.width()), memory.ty);
        let _ = writeln!(out, "    for ({i} = {first}; {i} < {depth}; {i} = {i} + 1) {name}[{i}] = {zero};");
    }
    out
}

/// The clocked block of a memory's ports in `domain`.
pub(crate) fn block(printer: &mut Printer, id: MemoryId, domain: DomainId, clock: &str) -> String {
    let plan = printer.plan;
    let memory = &plan.module.memories[id.index()];
    let mut statements = Vec::new();
    if memory.write_domain == domain {
        for port in possible_writes(plan, memory) {
            statements.extend(write_port(printer, id, port));
        }
    }
    let reads: Vec<RegisteredRead> = registered_reads(plan, id).filter(|read| read.domain == domain).collect();
    for read in &reads {
        statements.extend(registered_read(printer, id, read));
    }
    if statements.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    print(&statements, 4, &mut body);
    format!("  always @(posedge {clock}) begin\n{body}  end\n")
}

/// The right side of an unregistered read.
pub(crate) fn read(printer: &mut Printer, id: MemoryId, address: CellId) -> String {
    let memory = &printer.plan.module.memories[id.index()];
    let zero = literal(&Value::zero(memory.ty.width()), memory.ty);
    match place(printer, memory, address) {
        Place::Outside => zero,
        Place::At { index, condition } => {
            let word = word(printer, id, &index);
            condition.map_or(word.clone(), |condition| format!("{} ? {word} : {zero}", condition.text))
        }
    }
}

/// A [`Cell::MemoryReadRegistered`] that is written.
struct RegisteredRead {
    cell: CellId,
    address: CellId,
    enable: CellId,
    collision: Collision,
    domain: DomainId,
}

fn registered_reads<'p>(plan: &'p Plan, id: MemoryId) -> impl Iterator<Item = RegisteredRead> + 'p {
    plan.module.cell_ids().filter(|&cell| plan.form(cell) == Form::Net).filter_map(move |cell| match plan.module.cell(cell) {
        &Cell::MemoryReadRegistered { memory, address, enable, collision, domain } if memory == id => {
            Some(RegisteredRead { cell, address, enable, collision, domain })
        }
        _ => None,
    })
}

fn possible_writes<'p>(plan: &'p Plan, memory: &'p Memory) -> impl Iterator<Item = &'p WritePort> {
    memory.writes.iter().filter(|port| plan.sources.may_write(memory, port))
}

fn word(printer: &mut Printer, id: MemoryId, index: &str) -> String {
    printer.memory_reads[id.index()] = true;
    format!("{}[{index}]", printer.plan.memories[id.index()])
}

fn place(printer: &mut Printer, memory: &Memory, address: CellId) -> Place {
    let address = printer.plan.sources.without_extension(printer.plan.module, address);
    let width = printer.plan.ty(address).width();
    let depth = u64::from(memory.depth);
    let reference = printer.reference(address);
    if let Reference::Constant(value) = &reference {
        return match value.to_u64().filter(|&word| word < depth) {
            Some(word) => Place::At { index: word.to_string(), condition: None },
            None => Place::Outside,
        };
    }
    let needed = systole_hdl::Type::index(memory.depth).width();
    let index = match width {
        _ if width > needed => printer.reference_text(&reference.part(0, needed)),
        _ if width == needed => printer.index_text(&reference),
        _ => format!("{{{}, {}}}", unsigned(&Value::zero(needed - width)), printer.reference_text(&reference)),
    };
    let may_exceed = width >= 32 || 1u64 << width > depth;
    let condition = may_exceed.then(|| {
        let text = printer.reference_text(&reference);
        let limit = unsigned(&Value::from_u64(width, depth));
        match printer.plan.constancy(address) {
            _ if depth == 1 => comparison(&text, "==", &unsigned(&Value::zero(width))),
            Constancy::Varies => comparison(&text, "<", &limit),
            _ => guarded_less(&text, "<", &limit),
        }
    });
    Place::At { index, condition }
}

fn write_port(printer: &mut Printer, id: MemoryId, port: &WritePort) -> Vec<Statement> {
    let memory = &printer.plan.module.memories[id.index()];
    let Place::At { index, condition } = place(printer, memory, port.address) else { return Vec::new() };
    let target = format!("{}[{index}]", printer.plan.memories[id.index()]);
    let conditions = enable(printer, port.enable).into_iter().chain(condition).collect();
    under(conditions, stores(printer, memory, port, &target))
}

fn registered_read(printer: &mut Printer, id: MemoryId, read: &RegisteredRead) -> Vec<Statement> {
    let plan = printer.plan;
    let memory = &plan.module.memories[id.index()];
    let name = plan.name(read.cell);
    // Never enabled or always outside: it keeps its initial zero.
    if plan.sources.constant(read.enable).is_some_and(Value::is_zero) {
        return Vec::new();
    }
    let Place::At { index, condition } = place(printer, memory, read.address) else { return Vec::new() };
    let mut statements = vec![Statement::Assign(format!("{name} <= {}", word(printer, id, &index)))];
    if read.collision == Collision::WriteFirst {
        for port in possible_writes(plan, memory) {
            let conditions = enable(printer, port.enable).into_iter().chain(same_address(printer, port.address, read.address)).collect();
            statements.extend(under(conditions, stores(printer, memory, port, name)));
        }
    }
    if let Some(condition) = condition {
        let zero = literal(&Value::zero(memory.ty.width()), memory.ty);
        let otherwise = Some(format!("{name} <= {zero}"));
        statements = vec![Statement::If { conditions: vec![condition], then: statements, otherwise }];
    }
    under(enable(printer, read.enable).into_iter().collect(), statements)
}

/// The condition of a port; none if it is always enabled.
fn enable(printer: &mut Printer, enable: CellId) -> Option<Expression> {
    printer.plan.sources.cell(enable).map(|_| printer.operand(enable))
}

/// The assignments of a write port's data to `target`, part by part if there is a mask.
fn stores(printer: &mut Printer, memory: &Memory, port: &WritePort, target: &str) -> Vec<Statement> {
    let Some(mask) = port.mask else {
        return vec![Statement::Assign(format!("{target} <= {}", printer.text(port.data).replace('\n', " ")))];
    };
    let parts = printer.plan.ty(mask).width();
    let width = memory.ty.width() / parts;
    let (mask, data) = (printer.reference(mask), printer.reference(port.data));
    let mut statements = Vec::new();
    for part in 0..parts {
        let low = part * width;
        let range = match (parts, width) {
            (1, _) => String::new(),
            (_, 1) => format!("[{low}]"),
            _ => format!("[{}:{low}]", low + width - 1),
        };
        let guard = match mask.part(part, 1) {
            Reference::Constant(bit) if bit.is_zero() => continue,
            Reference::Constant(_) => None,
            bit => Some(primary(printer.reference_text(&bit))),
        };
        let store = format!("{target}{range} <= {}", printer.reference_text(&data.part(low, width)));
        statements.extend(under(guard.into_iter().collect(), vec![Statement::Assign(store)]));
    }
    statements
}

/// The condition that two addresses of any widths are the same number; none if they are the same signal.
fn same_address(printer: &mut Printer, a: CellId, b: CellId) -> Option<Expression> {
    let [a, b] = [a, b].map(|id| printer.plan.sources.without_extension(printer.plan.module, id));
    if let (Some(a), Some(b)) = (printer.plan.sources.cell(a), printer.plan.sources.cell(b))
        && a == b
    {
        return None;
    }
    let width = printer.plan.ty(a).width().max(printer.plan.ty(b).width());
    let mut padded = |id: CellId| {
        let missing = width - printer.plan.ty(id).width();
        match printer.reference(id) {
            Reference::Constant(value) => unsigned(&value.slice(0, width)),
            reference if missing == 0 => printer.reference_text(&reference),
            reference => format!("{{{}, {}}}", unsigned(&Value::zero(missing)), printer.reference_text(&reference)),
        }
    };
    Some(comparison(&padded(a), "==", &padded(b)))
}

/// A statement of a memory's clocked block.
enum Statement {
    /// `target <= value`.
    Assign(String),
    /// `then` if all conditions hold, otherwise the other assignment, if there is one.
    If { conditions: Vec<Expression>, then: Vec<Statement>, otherwise: Option<String> },
}

/// The statements, if all conditions hold.
fn under(mut conditions: Vec<Expression>, mut statements: Vec<Statement>) -> Vec<Statement> {
    if conditions.is_empty() || statements.is_empty() {
        return statements;
    }
    if let [Statement::If { conditions: inner, then, otherwise: None }] = statements.as_mut_slice() {
        conditions.append(inner);
        statements = std::mem::take(then);
    }
    vec![Statement::If { conditions, then: statements, otherwise: None }]
}

fn print(statements: &[Statement], indent: usize, out: &mut String) {
    let space = " ".repeat(indent);
    for statement in statements {
        match statement {
            Statement::Assign(text) => {
                let _ = writeln!(out, "{space}{text};");
            }
            Statement::If { conditions, then, otherwise } => {
                let condition = match conditions.as_slice() {
                    [condition] => condition.text.clone(),
                    conditions => conditions.iter().map(Expression::conjunct).collect::<Vec<_>>().join(" && "),
                };
                if let ([Statement::Assign(text)], None) = (then.as_slice(), otherwise) {
                    let _ = writeln!(out, "{space}if ({condition}) {text};");
                    continue;
                }
                let _ = writeln!(out, "{space}if ({condition}) begin");
                print(then, indent + 2, out);
                if let Some(otherwise) = otherwise {
                    let _ = writeln!(out, "{space}end else begin\n{space}  {otherwise};");
                }
                let _ = writeln!(out, "{space}end");
            }
        }
    }
}
