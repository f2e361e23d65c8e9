//! The function of a unit, ready to be evaluated on many firings at once: a column of numbers for each step.
//!
//! Steps that the next state needs, and that read the state, are computed firing by firing. All others are computed column by column: those
//! that the next state needs for every firing, those that only the output needs for the firings that give.

use std::sync::Arc;

use systole_hdl::Type;

use crate::arithmetic::{Instruction, Number, table_word};
use crate::function::{Function, needed};
use crate::graph::Unit;
use crate::steps::{Operation, StepId, Steps, raw, real};

/// The most firings at once.
pub(crate) const MOST_FIRINGS: usize = 1024;

/// A unit's function and state.
pub(crate) struct Program<N> {
    steps: Vec<Compiled>,
    /// Of each step, its results of the firings at hand. Those of constants are always full.
    columns: Vec<Vec<N>>,
    inputs: Vec<(usize, usize, usize)>,
    index: Option<usize>,
    /// Steps to compute, in three parts: before the recurrence, in it, after it.
    before: Vec<usize>,
    recurrence: Vec<usize>,
    after: Vec<usize>,
    /// Steps read after the recurrence and computed before: only their firings that give are kept.
    kept: Vec<usize>,
    /// Words of the state, with the steps that read them.
    state_steps: Vec<(usize, usize)>,
    next: Vec<usize>,
    output: Vec<usize>,
    initial: Vec<N>,
    /// The state after the last firing; of a unit with several states, all of them as far as they were used.
    state: Vec<N>,
    states: u64,
    period: u64,
    gives_last: u64,
    /// Which firing of its period comes next.
    phase: u64,
}

struct Compiled {
    ty: Type,
    computes: Computes,
}

enum Computes {
    /// Its column is filled from outside.
    Given,
    Instruction(Instruction, [usize; 3]),
    Lookup(Arc<[i64]>, usize),
    Select(usize, Vec<usize>),
}

impl<N: Number> Program<N> {
    /// The program of a unit of a checked graph. Of real numbers, it computes no fixed-point form of a power.
    pub(crate) fn new(unit: &Unit, reals: bool) -> Program<N> {
        let Function { steps, next, output } = &*unit.function;
        let number_of = |step: &StepId| step.index();
        let reads = |id: StepId| operands(steps, id, reals);
        let for_next = needed(steps, next, reads);
        let for_output = needed(steps, output, reads);
        let mut of_state = vec![false; steps.len()];
        for (id, step) in steps.iter() {
            of_state[id.index()] = matches!(step.operation, Operation::State(_)) || reads(id).iter().any(|a| of_state[a.index()]);
        }
        let mut program = Program {
            steps: Vec::new(),
            columns: vec![Vec::new(); steps.len()],
            inputs: Vec::new(),
            index: None,
            before: Vec::new(),
            recurrence: Vec::new(),
            after: Vec::new(),
            kept: Vec::new(),
            state_steps: Vec::new(),
            next: next.iter().map(number_of).collect(),
            output: output.iter().map(number_of).collect(),
            initial: unit.fold.state.iter().map(|word| N::constant(raw(word.initial, word.ty).unwrap_or(0), word.initial)).collect(),
            state: Vec::new(),
            states: unit.states,
            period: unit.period,
            gives_last: unit.gives_last,
            phase: 0,
        };
        for (id, step) in steps.iter() {
            let at = id.index();
            let is_needed = for_next[at] || for_output[at];
            let computes = match &step.operation {
                Operation::Lookup { table, index } => Computes::Lookup(table.clone(), index.index()),
                Operation::Select { index, options } => Computes::Select(index.index(), options.iter().map(number_of).collect()),
                Operation::Exp2 { .. } => Computes::Instruction(Instruction::Exp2, [reads(id)[0].index(); 3]),
                _ => match Instruction::of(steps, id) {
                    Some((instruction, operands)) => Computes::Instruction(instruction, operands.map(StepId::index)),
                    None => Computes::Given,
                },
            };
            program.steps.push(Compiled { ty: step.ty, computes });
            if !is_needed {
                continue;
            }
            match &step.operation {
                Operation::Input { input, field } => program.inputs.push((*input, *field, at)),
                Operation::Index => program.index = Some(at),
                Operation::State(word) => program.state_steps.push((*word, at)),
                Operation::Constant { raw, real } => {
                    program.columns[at] = vec![N::constant(*raw, f64::from_bits(*real)); MOST_FIRINGS];
                    continue;
                }
                _ if !for_next[at] => program.after.push(at),
                _ if of_state[at] => program.recurrence.push(at),
                _ => program.before.push(at),
            }
            if for_output[at] && (for_next[at] || matches!(program.steps[at].computes, Computes::Given)) {
                program.kept.push(at);
            }
        }
        program
    }

    /// The fields of the inputs that are read: input, field, and the column to fill before [`fire`](Program::fire).
    pub(crate) fn inputs(&self) -> &[(usize, usize, usize)] {
        &self.inputs
    }

    /// A column to fill, empty.
    pub(crate) fn column(&mut self, at: usize) -> &mut Vec<N> {
        self.columns[at].clear();
        &mut self.columns[at]
    }

    /// Which firing of its period comes next.
    pub(crate) fn phase(&self) -> u64 {
        self.phase
    }

    /// Computes so many firings, at most [`MOST_FIRINGS`], the columns of the inputs being filled. Gives how many of them give an element;
    /// [`output`](Program::output) has those.
    pub(crate) fn fire(&mut self, firings: usize) -> usize {
        if let Some(at) = self.index {
            let (phase, period) = (self.phase, self.period);
            self.column(at).extend((0..firings as u64).map(|i| N::from_index((phase + i) % period)));
        }
        for i in 0..self.before.len() {
            self.compute(self.before[i], firings);
        }
        if !self.initial.is_empty() {
            self.recur(firings);
        }
        let giving = self.keep_giving(firings);
        for i in 0..self.after.len() {
            self.compute(self.after[i], giving);
        }
        self.phase = (self.phase + firings as u64) % self.period;
        giving
    }

    /// A field of the elements given.
    pub(crate) fn output(&self, field: usize, giving: usize) -> &[N] {
        &self.columns[self.output[field]][..giving]
    }

    /// Firing by firing, what reads the state and decides the next one.
    fn recur(&mut self, firings: usize) {
        let words = self.initial.len();
        for &at in self.recurrence.iter().chain(self.state_steps.iter().map(|(_, at)| at)) {
            self.columns[at].clear();
            self.columns[at].resize(firings, N::default());
        }
        let mut new = vec![N::default(); words];
        for i in 0..firings {
            let index = (self.phase + i as u64) % self.period;
            let place = if self.states > 1 { (index % self.states) as usize * words } else { 0 };
            let first = index < self.states;
            for &(word, at) in &self.state_steps {
                self.columns[at][i] = if first { self.initial[word] } else { self.state[place + word] };
            }
            for &at in &self.recurrence {
                let result = match &self.steps[at].computes {
                    Computes::Instruction(instruction, [x, y, z]) => {
                        N::apply(*instruction, self.columns[*x][i], self.columns[*y][i], self.columns[*z][i])
                    }
                    Computes::Lookup(table, index) => table_word(table, self.steps[at].ty, self.columns[*index][i]),
                    Computes::Select(index, options) => self.columns[option(options, self.columns[*index][i])][i],
                    Computes::Given => continue,
                };
                self.columns[at][i] = result;
            }
            // By way of a copy: a word's next value may be another word.
            for (word, &at) in new.iter_mut().zip(&self.next) {
                *word = self.columns[at][i];
            }
            if self.state.len() == place {
                self.state.extend_from_slice(&new);
            } else {
                self.state[place..place + words].copy_from_slice(&new);
            }
        }
    }

    /// Leaves of the columns that are still read only the firings that give; gives their number.
    fn keep_giving(&mut self, firings: usize) -> usize {
        if self.gives_last >= self.period {
            return firings;
        }
        let first_giving = self.period - self.gives_last;
        let mut giving = 0;
        let mut at = 0;
        // Stretches of firings that give, moved to the front of each column.
        while at < firings {
            let phase = (self.phase + at as u64) % self.period;
            let length = if phase < first_giving { first_giving - phase } else { self.period - phase };
            let end = firings.min(at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)));
            if phase >= first_giving {
                for &column in &self.kept {
                    self.columns[column].copy_within(at..end, giving);
                }
                giving += end - at;
            }
            at = end;
        }
        giving
    }

    /// Fills the column of a step from those that it reads.
    fn compute(&mut self, at: usize, rows: usize) {
        let mut results = std::mem::take(&mut self.columns[at]);
        results.clear();
        match &self.steps[at].computes {
            Computes::Given => {}
            Computes::Lookup(table, index) => {
                let ty = self.steps[at].ty;
                results.extend(self.columns[*index][..rows].iter().map(|&index| table_word(table, ty, index)));
            }
            Computes::Select(index, options) => {
                results.extend((0..rows).map(|row| self.columns[option(options, self.columns[*index][row])][row]));
            }
            Computes::Instruction(instruction, [x, y, z]) => {
                let (x, y, z) = (&self.columns[*x][..rows], &self.columns[*y][..rows], &self.columns[*z][..rows]);
                apply_columns(*instruction, x, y, z, &mut results);
            }
        }
        self.columns[at] = results;
    }
}

/// An instruction on columns of equal length. A loop for each instruction, so that each is compiled for itself.
fn apply_columns<N: Number>(instruction: Instruction, x: &[N], y: &[N], z: &[N], results: &mut Vec<N>) {
    use Instruction::*;
    macro_rules! columns {
        ($of:ident) => {
            $of(x, y, z, results, |x, y, z| N::apply(instruction, x, y, z))
        };
    }
    // Where the instruction is known, the loop is compiled for it alone.
    match instruction {
        Add => columns!(two),
        Sub => columns!(two),
        Mul => columns!(two),
        Less => columns!(two),
        Equal => columns!(two),
        And => columns!(two),
        Or => columns!(two),
        ShiftRight => columns!(two),
        Divide { .. } => columns!(two),
        Append => columns!(two),
        Not => columns!(one),
        Align(_) => columns!(one),
        Round(_) => columns!(one),
        Floor(_) => columns!(one),
        Saturate { .. } => columns!(one),
        Wrap { .. } => columns!(one),
        Scale { .. } => columns!(one),
        Bit(_) => columns!(one),
        Exp2 => columns!(one),
        Mux => columns!(three),
    }
}

fn one<N: Number>(x: &[N], _: &[N], _: &[N], results: &mut Vec<N>, apply: impl Fn(N, N, N) -> N) {
    results.extend(x.iter().map(|&x| apply(x, x, x)));
}

fn two<N: Number>(x: &[N], y: &[N], _: &[N], results: &mut Vec<N>, apply: impl Fn(N, N, N) -> N) {
    results.extend(x.iter().zip(y).map(|(&x, &y)| apply(x, y, y)));
}

fn three<N: Number>(x: &[N], y: &[N], z: &[N], results: &mut Vec<N>, apply: impl Fn(N, N, N) -> N) {
    results.extend(x.iter().zip(y).zip(z).map(|((&x, &y), &z)| apply(x, y, z)));
}

/// Which option an index chooses; beyond the last one, the last.
fn option<N: Number>(options: &[usize], index: N) -> usize {
    options[index.index().min(options.len() - 1)]
}

/// The steps that a step reads in this mode.
fn operands(steps: &Steps, id: StepId, reals: bool) -> Vec<StepId> {
    match steps.get(id).operation {
        Operation::Exp2 { argument, .. } if reals => vec![argument],
        Operation::Exp2 { fixed, .. } => vec![fixed],
        ref operation => operation.operands(),
    }
}

/// Raw integers as the real numbers that they stand for.
pub(crate) fn to_reals(fields: &[Type], raw: &[i64]) -> Vec<f64> {
    raw.iter().zip(fields.iter().cycle()).map(|(&raw, &ty)| real(raw, ty)).collect()
}
