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
use crate::dependencies::{Dependencies, Read};
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
    pub dependencies: Dependencies,
    /// The block's own outputs that a `join` reads, with the interface that each is of and the other one.
    joined: FxHashMap<SignalId, (String, String)>,
}

/// What the execution of a block gave.
#[derive(Default)]
pub(crate) struct Executed {
    /// What the signals that can be assigned are.
    pub values: FxHashMap<SignalId, CellId>,
    pub problems: Vec<Problem>,
    pub open_locals: Vec<OpenLocal>,
    /// The signals that can be assigned, with the cells by which the code reads them.
    pub cells: Vec<(SignalId, CellId)>,
    /// Children's inputs that nothing drives.
    pub undriven: Vec<SignalId>,
    /// Each assigned signal with one that it is computed from.
    pub dependencies: Vec<(SignalId, Read)>,
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
        Evaluator {
            signals,
            netlist,
            clocks,
            loops: Vec::new(),
            widths,
            counterpart: None,
            problems: Vec::new(),
            assignments,
            dependencies: Dependencies::default(),
            joined: FxHashMap::default(),
        }
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
        let mut executed = Executed { problems: self.problems, dependencies: self.dependencies.finish(), ..Executed::default() };
        for id in self.signals.ids() {
            let symbol = self.signals.get(id);
            if !matches!(symbol.role, Role::Assign | Role::Wire) {
                continue;
            }
            executed.values.insert(id, self.assignments.present(self.netlist, id));
            executed.cells.push((id, self.assignments.in_the_end(id)));
            let (width, coverage) = (symbol.info.ty().width(), self.assignments.coverage(id));
            if symbol.role == Role::Wire && matches!(coverage, Coverage::Untouched { width: untouched, .. } if untouched == width) {
                executed.undriven.push(id);
            } else if let Some(problem) = unassigned(&symbol.name, width, coverage) {
                match symbol.info.kind {
                    AtomKind::LocalSignal => {
                        executed.open_locals.push(OpenLocal { id, in_the_end: self.assignments.in_the_end(id), problem });
                    }
                    _ => executed.problems.push(match self.joined.get(&id) {
                        Some((own, other)) => own_joined(own, other),
                        None => problem,
                    }),
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
        self.dependencies.begin();
        match symbol.role {
            Role::Assign | Role::Wire => {
                let ty = symbol.info.ty();
                self.counterpart = Some(target);
                let value = self.expression(value, Some(ty.width())).and_then(|value| self.fit(value, ty));
                self.counterpart = None;
                // Assigned all the same, so that one fault is reported once.
                let cell = value.as_ref().copied().unwrap_or_else(|_| self.assignments.in_the_end(target));
                self.assignments.assign(self.netlist, target, cell);
                self.dependencies.assign(target, true);
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
            Operand::Clock(source) => {
                self.clocks.assign(self.signals, clock, source);
                Ok(())
            }
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
        self.dependencies.begin();
        let ty = self.slice_type(base, width, offset);
        let part = self.expression(replacement, Some(width)).and_then(|part| self.fit(part, ty));
        let part = part.map_err(|problem| problem.where_assigned(base));
        let part = self.or_unknown(part, ty);
        let part = self.netlist.retype(part, unsigned(width));
        let whole = symbol.info.ty().width();
        let Some(low) = part_within(&self.index(offset)?, width, whole) else {
            let reason = format!("{width} of its {whole} bits are assigned at a place that is computed or outside of it");
            let remedy = "assign the whole signal, with `replace_bit` or a mask";
            return Err(Problem::new(format!("signal `{}`", symbol.name), reason, remedy));
        };
        self.assignments.assign_part(self.netlist, target, low, part);
        self.dependencies.assign(target, false);
        Ok(())
    }

    fn conditional(&mut self, conditional: &VerilogConditional) -> Result<(), Problem> {
        let otherwise: &[VerilogStatement] = match &conditional.otherwise {
            VerilogBlockOrConditional::Block(block) => block,
            VerilogBlockOrConditional::Conditional(statement) => std::slice::from_ref(statement),
            VerilogBlockOrConditional::None => &[],
        };
        self.dependencies.begin();
        let condition = self.expression(&conditional.test, None);
        if let Some(value) = condition.as_ref().ok().and_then(|condition| self.known(condition)) {
            self.block(if value == BigInt::ZERO { otherwise } else { &conditional.then });
            return Ok(());
        }
        let condition = condition.and_then(|condition| self.cell(condition));
        let condition = self.or_unknown(condition, Type::BIT);
        let condition = if self.netlist.width(condition) > 1 { self.netlist.cell(Cell::ReduceOr(condition), Type::BIT) } else { condition };
        self.dependencies.open();
        let then = self.arm(&conditional.then);
        let otherwise = self.arm(otherwise);
        self.dependencies.close();
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
        let own = |name: &str, kind| {
            let id = self.named(name).ok()?;
            let info = &self.signals.get(id).info;
            (info.kind == kind && self.signals.get(id).is_own()).then_some(id)
        };
        let (to, from) = match link {
            VerilogLink::Forward(link) => (&link.other_name, &link.owner_name),
            VerilogLink::Backward(link) | VerilogLink::Bidirectional(link) => (&link.owner_name, &link.other_name),
        };
        if own(&target, AtomKind::InputParameter).is_some() {
            return Err(own_joined(to, from));
        }
        if let Some(id) = own(&value, AtomKind::OutputParameter) {
            if self.signals.get(id).info.is_clock() && self.clocks.is_open(id) {
                [Some(id), self.named(&target).ok()].into_iter().flatten().for_each(|clock| self.clocks.spoil(clock));
                return Err(own_joined(from, to));
            }
            self.joined.insert(id, (from.clone(), to.clone()));
        }
        self.assign(&VerilogExpression::Signal(target), &VerilogExpression::Signal(value))
    }

    /// What a signal is where the code stands.
    pub fn read(&mut self, id: SignalId) -> Result<Operand, Problem> {
        let symbol = self.signals.get(id);
        match symbol.role {
            Role::Assign => self.dependencies.read_assigned(id, &self.assignments.coverage(id)),
            _ => self.dependencies.read(id),
        }
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

/// Why an interface of the block itself is not joined.
fn own_joined(own: &str, other: &str) -> Problem {
    let reason = format!("`join` connects the interfaces of two children, and `{own}` is the block's own, whose inputs come from outside");
    let remedy = "give the block's interface the type of the child's, and write `link`, the block's first";
    Problem::new(format!("join of `{own}` and `{other}`"), reason, remedy)
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
