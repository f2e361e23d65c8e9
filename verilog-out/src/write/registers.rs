//! Registers as clocked blocks: a tree of muxes on the next value becomes nested `if`, and a branch that holds the value is
//! left out. Registers of one domain share a block, and equal conditions share an `if`.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;
use systole_hdl::design::DomainId;
use systole_hdl::{Cell, CellId};

use super::expression::Printer;
use super::literal::literal;
use super::plan::{Form, Plan};

/// A statement of a clocked block.
enum Statement {
    /// The register takes the operand's value.
    Assign { register: CellId, value: CellId },
    /// A choice by a one-bit operand.
    If { condition: CellId, then: Vec<Statement>, otherwise: Vec<Statement> },
}

/// The clocked blocks of the registers in `domain`, whose ports are called `clock` and `reset`.
pub(crate) fn blocks(printer: &mut Printer, domain: DomainId, clock: &str, reset: Option<&str>) -> Vec<String> {
    let plan = printer.plan;
    let members = |with_reset: bool| -> Vec<CellId> {
        let is_member = |id: &CellId| {
            let of_kind =
                matches!(plan.module.cell(*id), Cell::Register { reset, domain: of, .. } if *reset == with_reset && *of == domain);
            of_kind && plan.form(*id) == Form::Net
        };
        plan.module.cell_ids().filter(is_member).collect()
    };
    let mut blocks = Vec::new();
    let registers = members(true);
    if let (Some(reset), false) = (reset, registers.is_empty()) {
        let mut block = format!("  always @(posedge {clock}) begin\n    if ({reset}) begin\n");
        for &id in &registers {
            if let Cell::Register { initial, .. } = plan.module.cell(id) {
                let _ = writeln!(block, "      {} <= {};", plan.name(id), literal(initial, plan.ty(id)));
            }
        }
        let body = body(printer, &registers, 6);
        if !body.is_empty() {
            let _ = write!(block, "    end else begin\n{body}");
        }
        blocks.push(block + "    end\n  end\n");
    }
    let body = body(printer, &members(false), 4);
    if !body.is_empty() {
        blocks.push(format!("  always @(posedge {clock}) begin\n{body}  end\n"));
    }
    blocks
}

fn body(printer: &mut Printer, registers: &[CellId], indent: usize) -> String {
    let plan = printer.plan;
    let mut statements = Vec::new();
    for &register in registers {
        if let Cell::Register { next, .. } = plan.module.cell(register) {
            statements.extend(next_value(plan, register, *next));
        }
    }
    let mut out = String::new();
    print(printer, &merged(statements), indent, &mut out);
    out
}

/// The statement by which `register` takes `value`; nothing if that is its own value.
fn next_value(plan: &Plan, register: CellId, value: CellId) -> Option<Statement> {
    let source = plan.sources.cell(value);
    if source == Some(register) {
        return None;
    }
    if let Some(mux) = source
        && plan.form(mux) == Form::Branch
        && let Cell::Mux { condition, then, otherwise } = plan.module.cell(mux)
    {
        let then: Vec<Statement> = next_value(plan, register, *then).into_iter().collect();
        let otherwise: Vec<Statement> = next_value(plan, register, *otherwise).into_iter().collect();
        let chooses = !then.is_empty() || !otherwise.is_empty();
        let condition = plan.sources.cell(*condition).unwrap_or(*condition);
        return chooses.then_some(Statement::If { condition, then, otherwise });
    }
    Some(Statement::Assign { register, value })
}

/// The same statements, with those under one condition together. No two of them assign the same register, and none sees
/// another's effect, so their order is free.
fn merged(statements: Vec<Statement>) -> Vec<Statement> {
    let mut result: Vec<Statement> = Vec::new();
    let mut places: FxHashMap<CellId, usize> = FxHashMap::default();
    for statement in statements {
        let Statement::If { condition, then, otherwise } = statement else {
            result.push(statement);
            continue;
        };
        let place = *places.entry(condition).or_insert(result.len());
        match result.get_mut(place) {
            Some(Statement::If { then: all_then, otherwise: all_otherwise, .. }) => {
                all_then.extend(then);
                all_otherwise.extend(otherwise);
            }
            _ => result.push(Statement::If { condition, then, otherwise }),
        }
    }
    let merge_branches = |statement| match statement {
        Statement::If { condition, then, otherwise } => Statement::If { condition, then: merged(then), otherwise: merged(otherwise) },
        assign => assign,
    };
    result.into_iter().map(merge_branches).collect()
}

fn print(printer: &mut Printer, statements: &[Statement], indent: usize, out: &mut String) {
    let space = " ".repeat(indent);
    for statement in statements {
        out.push_str(&space);
        match statement {
            Statement::Assign { .. } => print_assign(printer, statement, indent, out),
            Statement::If { condition, then, otherwise } => print_if(printer, *condition, then, otherwise, indent, out),
        }
    }
}

fn print_assign(printer: &mut Printer, statement: &Statement, indent: usize, out: &mut String) {
    if let Statement::Assign { register, value } = statement {
        let text = printer.text(*value);
        let name = printer.plan.name(*register);
        out.push_str(&assignment(&format!("{name} <="), &text, indent));
    }
}

fn print_if(printer: &mut Printer, condition: CellId, then: &[Statement], otherwise: &[Statement], indent: usize, out: &mut String) {
    let space = " ".repeat(indent);
    let arms = arms(printer, condition, then, otherwise);
    // One assignment a branch needs no `begin`; one branch that does gives it to all.
    let compact = arms.iter().all(|(_, branch)| matches!(branch, [Statement::Assign { .. }]));
    for (number, (test, branch)) in arms.iter().enumerate() {
        if number > 0 {
            let _ = write!(out, "{space}{}else ", if compact { "" } else { "end " });
        }
        if let Some(test) = test {
            let _ = write!(out, "if ({test}) ");
        }
        if compact {
            print_assign(printer, &branch[0], indent, out);
        } else {
            out.push_str("begin\n");
            print(printer, branch, indent + 2, out);
        }
    }
    if !compact {
        let _ = writeln!(out, "{space}end");
    }
}

/// The branches of an `if` with all its `else if`: condition (none for the last `else`) and statements.
fn arms<'s>(
    printer: &mut Printer,
    condition: CellId,
    mut then: &'s [Statement],
    mut otherwise: &'s [Statement],
) -> Vec<(Option<String>, &'s [Statement])> {
    let mut arms = Vec::new();
    let mut condition = condition;
    loop {
        let test = printer.operand(condition);
        if then.is_empty() {
            arms.push((Some(test.negated()), otherwise));
            return arms;
        }
        arms.push((Some(test.text), then));
        match otherwise {
            [] => return arms,
            [Statement::If { condition: next, then: next_then, otherwise: next_otherwise }] => {
                (condition, then, otherwise) = (*next, next_then, next_otherwise);
            }
            _ => {
                arms.push((None, otherwise));
                return arms;
            }
        }
    }
}

/// `target text;` on one line, or with the text's own lines below it.
pub(crate) fn assignment(target: &str, text: &str, indent: usize) -> String {
    if !text.contains('\n') {
        return format!("{target} {text};\n");
    }
    let space = " ".repeat(indent + 4);
    let lines: Vec<String> = text.lines().map(|line| format!("{space}{line}")).collect();
    format!("{target}\n{};\n", lines.join("\n"))
}
