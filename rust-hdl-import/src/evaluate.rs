//! Executes a block's `update` symbolically: what each signal is in the end, as cells.
//!
//! Assignments take effect in order, the latest wins. Both arms of an `if` are executed from the same state and merged by
//! multiplexers, a `match` likewise, a loop is unrolled.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use rust_hdl_core::ast::{
    VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogLink, VerilogLoop, VerilogMatch, VerilogStatement,
};
use rustc_hash::FxHashMap;
use systole_hdl::{Cell, CellId, Type, Value};

use crate::Widths;
use crate::clocks::Clocks;
use crate::diagnostic::Problem;
use crate::expression::{Operand, unsigned};
use crate::literal;
use crate::names::{Loops, resolve};
use crate::netlist::Netlist;
use crate::signals::{Role, SignalId, Signals, Variant};

/// What a signal was assigned so far.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Assigned {
    /// Zero in the bits that are missing.
    value: CellId,
    /// Ones for the bits that were not assigned on every path.
    missing: Value,
}

/// The execution of one block.
pub(crate) struct Evaluator<'a> {
    pub signals: &'a Signals,
    pub netlist: &'a mut Netlist,
    pub clocks: &'a mut Clocks,
    pub problems: Vec<Problem>,
    pub loops: Loops,
    pub widths: Widths,
    /// Of each signal that the code may assign.
    state: FxHashMap<SignalId, Assigned>,
    /// Cells that stand for what a signal has in the end.
    finals: FxHashMap<SignalId, CellId>,
    /// How many conditions hold where we are.
    depth: u32,
}

impl<'a> Evaluator<'a> {
    pub fn new(widths: Widths, signals: &'a Signals, netlist: &'a mut Netlist, clocks: &'a mut Clocks) -> Evaluator<'a> {
        let mut state = FxHashMap::default();
        for id in signals.ids() {
            let symbol = signals.get(id);
            if matches!(symbol.role, Role::Assign | Role::Wire) {
                let ty = symbol.info.ty();
                let value = netlist.constant(&BigInt::ZERO, ty);
                state.insert(id, Assigned { value, missing: Value::ones(ty.width()) });
            }
        }
        Evaluator {
            signals,
            netlist,
            clocks,
            problems: Vec::new(),
            loops: Vec::new(),
            widths,
            state,
            finals: FxHashMap::default(),
            depth: 0,
        }
    }

    pub fn block(&mut self, block: &[VerilogStatement]) {
        for statement in block {
            if let Err(problem) = self.statement(statement) {
                self.problems.push(problem);
            }
        }
    }

    /// What every signal that was assigned has in the end, and what stood in the way.
    pub fn finish(mut self) -> (FxHashMap<SignalId, CellId>, Vec<Problem>) {
        let mut values = FxHashMap::default();
        let mut assigned: Vec<_> = self.state.drain().collect();
        assigned.sort_by_key(|(id, _)| *id);
        for (id, Assigned { value, missing }) in assigned {
            let name = &self.signals.get(id).name;
            let untouched = missing == Value::ones(missing.width()) && matches!(self.netlist.module.cell(value), Cell::Const(_));
            let is_unused_local =
                self.signals.get(id).info.kind == rust_hdl_core::atom::AtomKind::LocalSignal && !self.finals.contains_key(&id);
            if untouched && !is_unused_local {
                self.problems.push(Problem::new(format!("signal `{name}`"), "nothing drives it", "assign it in `update`"));
            } else if !missing.is_zero() && !is_unused_local {
                let reason = "it keeps its value where no assignment reaches it, which is a latch";
                self.problems.push(Problem::new(format!("signal `{name}`"), reason, "assign it a default before the conditions"));
            }
            if let Some(&read) = self.finals.get(&id) {
                self.netlist.define(read, Cell::Wire(value));
            }
            values.insert(id, value);
        }
        (values, self.problems)
    }

    fn statement(&mut self, statement: &VerilogStatement) -> Result<(), Problem> {
        match statement {
            VerilogStatement::Assignment(target, value) => self.assign(target, value),
            VerilogStatement::SliceAssignment { base, width, offset, replacement } => {
                self.assign_slice(base, *width as u32, offset, replacement)
            }
            VerilogStatement::If(conditional) => self.conditional(conditional),
            VerilogStatement::Match(cases) => self.cases(cases),
            VerilogStatement::Loop(repeated) => self.repeat(repeated),
            VerilogStatement::Comment(_) => Ok(()),
            VerilogStatement::Link(links) => links.iter().try_for_each(|link| self.link(link)),
            VerilogStatement::Macro(block) => {
                self.block(block);
                Ok(())
            }
        }
    }

    fn target(&self, target: &VerilogExpression) -> Result<SignalId, Problem> {
        match target {
            VerilogExpression::Signal(text) => self.named(text),
            VerilogExpression::Paren(inner) => self.target(inner),
            other => Err(Problem::new(format!("assignment to `{other:?}`"), "only signals are assigned", "assign the whole signal")),
        }
    }

    fn named(&self, text: &str) -> Result<SignalId, Problem> {
        let name = resolve(text, &self.loops)?;
        self.signals.find(&name).ok_or_else(|| {
            let reason = "neither the block nor its children have a signal of this name";
            Problem::new(format!("signal `{name}`"), reason, "assign a field of the block or a port of a child")
        })
    }

    fn assign(&mut self, target: &VerilogExpression, value: &VerilogExpression) -> Result<(), Problem> {
        let target = self.target(target)?;
        let symbol = self.signals.get(target);
        match symbol.role {
            Role::Assign | Role::Wire => {
                let ty = symbol.info.ty();
                let value = self.expression(value, Some(ty.width())).and_then(|value| self.fit(value, ty));
                // Assigned all the same, so that one fault is reported once.
                let cell = *value.as_ref().unwrap_or(&self.state[&target].value);
                self.set(target, cell);
                value.map(|_| ())
            }
            Role::Clock => match self.expression(value, None)? {
                Operand::Clock(_) if self.depth > 0 => {
                    let construct = format!("clock `{}`", symbol.name);
                    Err(Problem::new(construct, "it is assigned under a condition", "gate the data by an enable, not the clock"))
                }
                Operand::Clock(source) => self.clocks.connect(self.signals, target, source),
                _ => {
                    let construct = format!("clock `{}`", symbol.name);
                    Err(Problem::new(construct, "it is computed", "feed it from a clock input; use an enable for a slower rate"))
                }
            },
            Role::Read(_) => {
                let construct = format!("signal `{}`", symbol.name);
                Err(Problem::new(
                    construct,
                    "it is an input, a constant or a child's output",
                    "assign an output, a local or a child's input",
                ))
            }
            Role::Refused => Ok(()),
        }
    }

    fn set(&mut self, target: SignalId, value: CellId) {
        let missing = Value::zero(self.netlist.width(value));
        self.state.insert(target, Assigned { value, missing });
    }

    fn assign_slice(
        &mut self,
        base: &VerilogExpression,
        width: u32,
        offset: &VerilogExpression,
        replacement: &VerilogExpression,
    ) -> Result<(), Problem> {
        let target = self.target(base)?;
        let Some(Assigned { value, missing }) = self.state.get(&target).cloned() else {
            let construct = format!("signal `{}`", self.signals.get(target).name);
            return Err(Problem::new(construct, "a part of it is assigned", "assign parts of outputs, locals and children's inputs only"));
        };
        let whole = self.netlist.width(value);
        let name = &self.signals.get(target).name;
        let part = self.expression(replacement, Some(width))?;
        let part = self.fit(part, unsigned(width))?;
        let low = match self.index(offset)? {
            Operand::Literal { value, .. } => u32::try_from(value).ok().filter(|low| low + width <= whole),
            _ => None,
        };
        let Some(low) = low else {
            let reason = format!("{width} of its {whole} bits are assigned at a place that is computed or outside of it");
            return Err(Problem::new(format!("signal `{name}`"), reason, "assign the whole signal, with `replace_bit` or a mask"));
        };
        let value = self.netlist.replace(value, low, part);
        let mut rest = Value::zero(whole);
        for bit in (0..whole).filter(|&bit| missing.bit(bit) && !(low..low + width).contains(&bit)) {
            rest = rest.with_bit(bit);
        }
        self.state.insert(target, Assigned { value, missing: rest });
        Ok(())
    }

    fn conditional(&mut self, conditional: &VerilogConditional) -> Result<(), Problem> {
        let condition = self.expression(&conditional.test, None)?;
        let mut condition = self.cell(condition)?;
        if self.netlist.width(condition) > 1 {
            condition = self.netlist.cell(Cell::ReduceOr(condition), Type::BIT);
        }
        self.depth += 1;
        let before = self.state.clone();
        self.block(&conditional.then);
        let then = std::mem::replace(&mut self.state, before);
        match &conditional.otherwise {
            VerilogBlockOrConditional::Block(block) => self.block(block),
            VerilogBlockOrConditional::Conditional(statement) => self.block(std::slice::from_ref(statement)),
            VerilogBlockOrConditional::None => {}
        }
        self.depth -= 1;
        self.merge(condition, then);
        Ok(())
    }

    /// The state becomes `then` where `condition` holds, and stays where it does not.
    fn merge(&mut self, condition: CellId, then: FxHashMap<SignalId, Assigned>) {
        // In order, so that equal circuits get equal cells.
        let mut changed: Vec<_> = then.into_iter().filter(|(id, then)| self.state[id] != *then).collect();
        changed.sort_by_key(|(id, _)| *id);
        for (id, then) in changed {
            let otherwise = &self.state[&id];
            let mut missing = then.missing.clone();
            for bit in (0..missing.width()).filter(|&bit| otherwise.missing.bit(bit)) {
                missing = missing.with_bit(bit);
            }
            let value = self.netlist.mux(condition, then.value, otherwise.value);
            self.state.insert(id, Assigned { value, missing });
        }
    }

    /// Rust has every `match` cover everything, so the last case that can be reached needs no condition.
    fn cases(&mut self, cases: &VerilogMatch) -> Result<(), Problem> {
        let test = self.expression(&cases.test, None)?;
        let test = self.cell(test)?;
        let mut patterns = Vec::new();
        for case in cases.cases.iter().take_while(|case| case.condition != "default") {
            patterns.push((self.pattern(&case.condition)?, case));
        }
        let fallback = cases.cases.get(patterns.len());
        let variants = self.plain_signal(&cases.test).map_or(0, |owner| self.signals.get(owner).info.variants().len());
        let width = self.netlist.width(test);
        let distinct = patterns.iter().map(|(value, _)| value).collect::<BTreeSet<_>>().len();
        let is_complete = distinct > 0 && distinct == variants || width < 32 && distinct == 1 << width;
        let last = match fallback.filter(|_| !is_complete) {
            Some(fallback) => fallback,
            None => match patterns.pop() {
                Some((_, case)) => case,
                None => return Ok(()),
            },
        };
        let before = self.state.clone();
        self.depth += 1;
        let mut arms = Vec::new();
        for (value, case) in patterns {
            let pattern = self.netlist.constant(&value, self.netlist.ty(test));
            let condition = self.netlist.equal(test, pattern);
            self.block(&case.block);
            arms.push((condition, std::mem::replace(&mut self.state, before.clone())));
        }
        self.block(&last.block);
        self.depth -= 1;
        for (condition, arm) in arms.into_iter().rev() {
            self.merge(condition, arm);
        }
        Ok(())
    }

    fn pattern(&self, text: &str) -> Result<BigInt, Problem> {
        let name = resolve(text, &self.loops)?;
        match self.signals.variant(&name) {
            Some(Variant::Value { value, .. }) => Ok(value.clone()),
            Some(Variant::Ambiguous) => Err(ambiguous(&name)),
            None => literal::parse(&name).map(|(value, _)| value).ok_or_else(|| {
                let reason = "the pattern is neither a number nor a variant of an enum that a signal of the block carries";
                Problem::new(format!("pattern `{name}`"), reason, "compare with a `Constant` in an `if`")
            }),
        }
    }

    fn repeat(&mut self, repeated: &VerilogLoop) -> Result<(), Problem> {
        let bound = |bound| literal::value(bound).and_then(|(value, _)| i64::try_from(value).ok());
        let (Some(from), Some(to)) = (bound(&repeated.from), bound(&repeated.to)) else {
            let construct = format!("loop over `{}`", repeated.index);
            return Err(Problem::new(construct, "its bounds do not fit 64 bits", "loop over the elements of an array"));
        };
        for value in from..to {
            self.loops.push((repeated.index.clone(), value));
            self.block(&repeated.block);
            self.loops.pop();
        }
        Ok(())
    }

    fn link(&mut self, link: &VerilogLink) -> Result<(), Problem> {
        let path =
            |owner: &str, port: &str| if port.is_empty() { owner.to_string() } else { format!("{owner}${}", port.trim_start_matches('.')) };
        let (target, value) = match link {
            VerilogLink::Forward(link) => (path(&link.other_name, &link.my_name), path(&link.owner_name, &link.my_name)),
            VerilogLink::Backward(link) => (path(&link.owner_name, &link.my_name), path(&link.other_name, &link.my_name)),
            VerilogLink::Bidirectional(link) => {
                let construct = format!("link of `{}` and `{}`", link.owner_name, link.other_name);
                return Err(Problem::new(construct, "it is bidirectional", "use separate inputs and outputs"));
            }
        };
        self.assign(&VerilogExpression::Signal(target), &VerilogExpression::Signal(value))
    }

    /// What a signal is where the code stands.
    pub fn read(&mut self, id: SignalId) -> Result<Operand, Problem> {
        let symbol = self.signals.get(id);
        match symbol.role {
            Role::Read(cell) => Ok(Operand::Cell(cell)),
            Role::Clock => Ok(Operand::Clock(id)),
            Role::Wire => Ok(Operand::Cell(self.in_the_end(id))),
            Role::Refused => Ok(Operand::Cell(self.netlist.constant(&BigInt::ZERO, symbol.info.ty()))),
            Role::Assign => {
                let Assigned { value, missing } = &self.state[&id];
                if missing.is_zero() {
                    Ok(Operand::Cell(*value))
                } else if *missing == Value::ones(missing.width()) {
                    Ok(Operand::Cell(self.in_the_end(id)))
                } else {
                    let reason = "it is read where only some of its bits are assigned";
                    Err(Problem::new(format!("signal `{}`", symbol.name), reason, "assign all of it first"))
                }
            }
        }
    }

    fn in_the_end(&mut self, id: SignalId) -> CellId {
        let ty = self.signals.get(id).info.ty();
        let netlist = &mut *self.netlist;
        *self.finals.entry(id).or_insert_with(|| netlist.reserve(ty))
    }
}

pub(crate) fn ambiguous(name: &str) -> Problem {
    let reason = "two enums of this name in the children give it different values";
    Problem::new(format!("enum variant `{name}`"), reason, "rename one of the enums")
}
