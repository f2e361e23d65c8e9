//! Executes a block's `update` symbolically: what each signal is in the end, as cells.
//!
//! Assignments take effect in order, the latest wins. The arms of an `if` or a `match` are executed from the same state and merged by
//! multiplexers, unless the condition is known, as where it compares a loop's variable or a `Constant`; a loop is unrolled.

use num_bigint::BigInt;
use rust_hdl_core::ast::{VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogLink, VerilogLoop, VerilogStatement};
use rust_hdl_core::atom::AtomKind;
use rustc_hash::FxHashMap;
use systole_hdl::{Cell, CellId, Type};

use crate::Widths;
use crate::assignments::{Arm, Assignments, Coverage};
use crate::clocks::Clocks;
use crate::diagnostic::Problem;
use crate::expression::{Operand, unsigned};
use crate::literal;
use crate::names::{Loops, resolve};
use crate::netlist::Netlist;
use crate::places::part_within;
use crate::signals::{Role, SignalId, Signals};

/// The execution of one block.
pub(crate) struct Evaluator<'a> {
    pub signals: &'a Signals,
    pub netlist: &'a mut Netlist,
    pub clocks: &'a mut Clocks,
    pub loops: Loops,
    pub widths: Widths,
    /// The signal that is assigned to or compared with what is being evaluated: the enum that a variant's name is of.
    pub counterpart: Option<SignalId>,
    pub problems: Vec<Problem>,
    pub assignments: Assignments,
}

/// What the execution of a block gave.
pub(crate) struct Executed {
    /// What the signals that can be assigned are.
    pub values: FxHashMap<SignalId, CellId>,
    pub problems: Vec<Problem>,
    pub open_locals: Vec<OpenLocal>,
    /// Children's inputs, with the cell by which the code reads them.
    pub wires: Vec<(SignalId, CellId)>,
}

/// A local signal that is not assigned on every path. That matters only if anything reads what it has in the end.
pub(crate) struct OpenLocal {
    pub id: SignalId,
    pub in_the_end: CellId,
    pub problem: Problem,
}

impl<'a> Evaluator<'a> {
    pub fn new(widths: Widths, signals: &'a Signals, netlist: &'a mut Netlist, clocks: &'a mut Clocks) -> Evaluator<'a> {
        let assignments = Assignments::new(signals, netlist);
        Evaluator { signals, netlist, clocks, loops: Vec::new(), widths, counterpart: None, problems: Vec::new(), assignments }
    }

    pub fn block(&mut self, block: &[VerilogStatement]) {
        for statement in block {
            if let Err(problem) = self.statement(statement) {
                self.problems.push(problem);
            }
        }
    }

    /// What every signal is in the end, and what stood in the way.
    pub fn finish(mut self) -> Executed {
        self.assignments.finish(self.netlist);
        let mut executed = Executed { values: FxHashMap::default(), problems: self.problems, open_locals: Vec::new(), wires: Vec::new() };
        for id in self.signals.ids() {
            let symbol = self.signals.get(id);
            if !matches!(symbol.role, Role::Assign | Role::Wire) {
                continue;
            }
            executed.values.insert(id, self.assignments.present(self.netlist, id));
            if symbol.role == Role::Wire {
                executed.wires.push((id, self.assignments.in_the_end(id)));
            }
            if let Some(problem) = unassigned(&symbol.name, symbol.info.ty().width(), self.assignments.coverage(id)) {
                match symbol.info.kind {
                    AtomKind::LocalSignal => {
                        executed.open_locals.push(OpenLocal { id, in_the_end: self.assignments.in_the_end(id), problem });
                    }
                    _ => executed.problems.push(problem),
                }
            }
        }
        executed
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
            VerilogStatement::Link(links) => {
                for link in links {
                    if let Err(problem) = self.link(link) {
                        self.problems.push(problem);
                    }
                }
                Ok(())
            }
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
            Problem::new(format!("signal `{}`", text.trim_end_matches("$next")), reason, "assign a field of the block or a port of a child")
        })
    }

    fn assign(&mut self, place: &VerilogExpression, value: &VerilogExpression) -> Result<(), Problem> {
        let target = self.target(place)?;
        let symbol = self.signals.get(target);
        match symbol.role {
            Role::Assign | Role::Wire => {
                let ty = symbol.info.ty();
                self.counterpart = Some(target);
                let value = self.expression(value, Some(ty.width())).and_then(|value| self.fit(value, ty));
                self.counterpart = None;
                // Assigned all the same, so that one fault is reported once.
                let cell = value.as_ref().copied().unwrap_or_else(|_| self.assignments.in_the_end(target));
                self.assignments.assign(self.netlist, target, cell);
                value.map(|_| ()).map_err(|problem| problem.where_assigned(place))
            }
            Role::Clock => {
                let fed = self.feed_clock(target, value);
                if fed.is_err() {
                    self.clocks.spoil(target);
                }
                fed
            }
            Role::Read(_) | Role::ClockSource => {
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

    fn feed_clock(&mut self, clock: SignalId, source: &VerilogExpression) -> Result<(), Problem> {
        let construct = || format!("clock `{}`", self.signals.get(clock).name);
        match self.expression(source, None)? {
            Operand::Clock(_) if self.assignments.is_conditional() => {
                Err(Problem::new(construct(), "it is assigned under a condition", "gate the data by an enable, not the clock"))
            }
            Operand::Clock(source) => self.clocks.connect(self.signals, clock, source),
            _ => Err(Problem::new(construct(), "it is computed", "feed it from a clock input; use an enable for a slower rate")),
        }
    }

    fn assign_slice(
        &mut self,
        base: &VerilogExpression,
        width: u32,
        offset: &VerilogExpression,
        replacement: &VerilogExpression,
    ) -> Result<(), Problem> {
        let target = self.target(base)?;
        let symbol = self.signals.get(target);
        match symbol.role {
            Role::Assign | Role::Wire => {}
            Role::Refused => return Ok(()),
            _ => {
                let construct = format!("signal `{}`", symbol.name);
                return Err(Problem::new(
                    construct,
                    "a part of it is assigned",
                    "assign parts of outputs, locals and children's inputs only",
                ));
            }
        }
        let part = self.expression(replacement, Some(width)).and_then(|part| self.fit(part, unsigned(width)));
        let part = part.map_err(|problem| problem.where_assigned(base));
        let part = self.or_unknown(part, unsigned(width));
        let whole = symbol.info.ty().width();
        let Some(low) = part_within(&self.index(offset)?, width, whole) else {
            let reason = format!("{width} of its {whole} bits are assigned at a place that is computed or outside of it");
            let remedy = "assign the whole signal, with `replace_bit` or a mask";
            return Err(Problem::new(format!("signal `{}`", symbol.name), reason, remedy));
        };
        self.assignments.assign_part(self.netlist, target, low, part);
        Ok(())
    }

    fn conditional(&mut self, conditional: &VerilogConditional) -> Result<(), Problem> {
        let otherwise: &[VerilogStatement] = match &conditional.otherwise {
            VerilogBlockOrConditional::Block(block) => block,
            VerilogBlockOrConditional::Conditional(statement) => std::slice::from_ref(statement),
            VerilogBlockOrConditional::None => &[],
        };
        let condition = self.expression(&conditional.test, None);
        if let Some(value) = condition.as_ref().ok().and_then(|condition| self.known(condition)) {
            self.block(if value == BigInt::ZERO { otherwise } else { &conditional.then });
            return Ok(());
        }
        let condition = condition.and_then(|condition| self.cell(condition));
        let condition = self.or_unknown(condition, Type::BIT);
        let condition = if self.netlist.width(condition) > 1 { self.netlist.cell(Cell::ReduceOr(condition), Type::BIT) } else { condition };
        let then = self.arm(&conditional.then);
        let otherwise = self.arm(otherwise);
        self.assignments.choose(self.netlist, &[(condition, then)], &otherwise);
        Ok(())
    }

    /// The number that an operand is, if it depends on no signal: where it compares a loop's variable or a `Constant`.
    pub fn known(&self, operand: &Operand) -> Option<BigInt> {
        match operand {
            Operand::Literal { value, .. } => Some(value.clone()),
            Operand::Cell(cell) => self.netlist.known(*cell),
            Operand::Clock(_) => None,
        }
    }

    /// What a block does to the signals, which stay as they are.
    pub fn arm(&mut self, block: &[VerilogStatement]) -> Arm {
        self.assignments.open_arm();
        self.block(block);
        self.assignments.close_arm()
    }

    /// The cell, or one of which nothing is known where there is a problem, which is noted: what comes after has problems of its own.
    fn or_unknown(&mut self, cell: Result<CellId, Problem>, ty: Type) -> CellId {
        cell.unwrap_or_else(|problem| {
            self.problems.push(problem);
            self.netlist.reserve(ty)
        })
    }

    fn repeat(&mut self, repeated: &VerilogLoop) -> Result<(), Problem> {
        let bound = |bound| literal::value(bound).and_then(|(value, _)| i64::try_from(value).ok());
        let (Some(from), Some(to)) = (bound(&repeated.from), bound(&repeated.to)) else {
            let construct = format!("loop over `{}`", repeated.index);
            return Err(Problem::new(construct, "its bounds do not fit 64 bits", "loop over the elements of an array"));
        };
        if self.signals.find(&repeated.index).is_some() {
            let reason = "a signal of the block has the name of its variable, and the tree does not tell them apart";
            return Err(Problem::new(format!("loop over `{}`", repeated.index), reason, "rename the variable"));
        }
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
            Role::Clock | Role::ClockSource => Ok(Operand::Clock(id)),
            // rust-hdl's simulator lets assignments take effect after `update`, its Verilog does not.
            Role::Wire if self.widths == Widths::Simulator => Ok(Operand::Cell(self.assignments.in_the_end(id))),
            Role::Refused => Ok(Operand::Cell(self.netlist.constant(&BigInt::ZERO, symbol.info.ty()))),
            Role::Assign | Role::Wire => Ok(Operand::Cell(self.assignments.present(self.netlist, id))),
        }
    }
}

/// What is wrong with a signal that is not assigned everywhere.
fn unassigned(name: &str, width: u32, coverage: Coverage) -> Option<Problem> {
    let (reason, remedy) = match coverage {
        Coverage::Complete => return None,
        Coverage::Untouched { width: untouched, .. } if untouched == width => ("nothing drives it".to_string(), "assign it in `update`"),
        Coverage::Untouched { low, width } => {
            (format!("nothing drives its bits {low} to {}", low + width - 1), "assign all of it in `update`")
        }
        Coverage::Latch => {
            ("it keeps its value where no assignment reaches it, which is a latch".to_string(), "assign it a default before the conditions")
        }
    };
    Some(Problem::new(format!("signal `{name}`"), reason, remedy))
}

pub(crate) fn ambiguous(name: &str) -> Problem {
    let reason = "two enums of this name in the block give it different values";
    Problem::new(format!("enum variant `{}`", name.replace('$', "::")), reason, "rename one of the enums")
}
