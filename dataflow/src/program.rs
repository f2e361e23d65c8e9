//! The function of a unit, ready to be evaluated on many firings at once: a column of numbers for each step.
//!
//! Steps that the next state needs, and that read the state, are computed firing by firing. All others are computed column by column: those
//! that the next state needs for every firing, those that only the output needs for the firings that give. A step that changes no number has
//! the column of its operand.

use std::sync::Arc;

use systole_hdl::Type;

use crate::arithmetic::{Instruction, Number, table_word};
use crate::exp2::Power;
use crate::function::{Function, needed};
use crate::graph::Unit;
use crate::steps::{Operation, StepId, raw, real};

/// The most firings at once: so few that the columns of most units stay in the nearest cache.
pub(crate) const MOST_FIRINGS: usize = 256;

/// A unit's function and state.
pub(crate) struct Program<N> {
    /// Of each step.
    computes: Vec<Computes>,
    /// Of each step, [`MOST_FIRINGS`] numbers: its results of the firings at hand. Those of constants are always there.
    columns: Vec<N>,
    inputs: Vec<(usize, usize, Column)>,
    index: Option<Column>,
    /// Steps to compute, in three parts: before the recurrence, in it, after it.
    before: Vec<usize>,
    recurrence: Vec<usize>,
    after: Vec<usize>,
    /// Columns read after the recurrence and filled before: only their firings that give are kept.
    kept: Vec<Column>,
    /// Words of the state that are read, with their columns.
    state_columns: Vec<(usize, Column)>,
    next: Vec<Column>,
    output: Vec<Column>,
    initial: Vec<N>,
    /// The state after the last firing; of a unit with several states, all of them as far as they were used.
    state: Vec<N>,
    states: u64,
    period: u64,
    gives_last: u64,
    /// Which firing of its period comes next.
    phase: u64,
}

/// Where a column begins. A step's column lies behind those that it reads.
type Column = usize;

enum Computes {
    /// Its column is filled from outside, or is another step's.
    Nothing,
    Instruction(Instruction, [Column; 3]),
    Lookup(Arc<[i64]>, Type, Column),
    Power(Power, Column),
    Select(Column, Vec<Column>),
}

impl<N: Number> Program<N> {
    /// The program of a unit of a checked graph.
    pub(crate) fn new(unit: &Unit) -> Program<N> {
        let Function { steps, next, output } = &*unit.function;
        let reads = |id: StepId| match steps.get(id).operation {
            // Not the steps that it stands for.
            Operation::Exp2 { argument, .. } => vec![argument],
            ref operation => operation.operands(),
        };
        let for_next = needed(steps, next, reads);
        let for_output = needed(steps, output, reads);
        let mut of_state = vec![false; steps.len()];
        let mut column_of: Vec<Column> = Vec::with_capacity(steps.len());
        let mut program = Program {
            computes: Vec::with_capacity(steps.len()),
            columns: vec![N::default(); steps.len() * MOST_FIRINGS],
            inputs: Vec::new(),
            index: None,
            before: Vec::new(),
            recurrence: Vec::new(),
            after: Vec::new(),
            kept: Vec::new(),
            state_columns: Vec::new(),
            next: Vec::new(),
            output: Vec::new(),
            initial: unit.fold.state.iter().map(|word| N::constant(raw(word.initial, word.ty).unwrap_or(0), word.initial)).collect(),
            state: Vec::new(),
            states: unit.states,
            period: unit.period,
            gives_last: unit.gives_last,
            phase: 0,
        };
        for (id, step) in steps.iter() {
            let at = id.index();
            let column = at * MOST_FIRINGS;
            of_state[at] = matches!(step.operation, Operation::State(_)) || reads(id).iter().any(|a| of_state[a.index()]);
            let of = |step: StepId| column_of[step.index()];
            let computes = match &step.operation {
                Operation::Lookup { table, index } => Computes::Lookup(table.clone(), step.ty, of(*index)),
                Operation::Select { index, options } => Computes::Select(of(*index), options.iter().copied().map(of).collect()),
                Operation::Exp2 { argument, function, .. } => Computes::Power(function.power(steps.ty(*argument)), of(*argument)),
                _ => match Instruction::of(steps, id) {
                    Some((instruction, [same, ..])) if N::is_identity(instruction) => {
                        let same = of(same);
                        column_of.push(same);
                        program.computes.push(Computes::Nothing);
                        continue;
                    }
                    Some((instruction, operands)) => Computes::Instruction(instruction, operands.map(of)),
                    None => Computes::Nothing,
                },
            };
            column_of.push(column);
            let is_given = matches!(computes, Computes::Nothing);
            program.computes.push(computes);
            if !for_next[at] && !for_output[at] {
                continue;
            }
            match &step.operation {
                Operation::Input { input, field } => program.inputs.push((*input, *field, column)),
                Operation::Index => program.index = Some(column),
                Operation::State(word) => program.state_columns.push((*word, column)),
                Operation::Constant { raw, real } => {
                    program.columns[column..][..MOST_FIRINGS].fill(N::constant(*raw, f64::from_bits(*real)));
                    continue;
                }
                _ if !for_next[at] => program.after.push(at),
                _ if of_state[at] => program.recurrence.push(at),
                _ => program.before.push(at),
            }
            if for_output[at] && (for_next[at] || is_given) {
                program.kept.push(column);
            }
        }
        program.next = next.iter().map(|step| column_of[step.index()]).collect();
        program.output = output.iter().map(|step| column_of[step.index()]).collect();
        program
    }

    /// The fields of the inputs that are read: input, field, and the column to fill before [`fire`](Program::fire).
    pub(crate) fn inputs(&self) -> &[(usize, usize, Column)] {
        &self.inputs
    }

    /// A column to fill.
    pub(crate) fn column(&mut self, column: Column) -> &mut [N] {
        &mut self.columns[column..][..MOST_FIRINGS]
    }

    /// Which firing of its period comes next.
    pub(crate) fn phase(&self) -> u64 {
        self.phase
    }

    /// Computes so many firings, at most [`MOST_FIRINGS`], the columns of the inputs being filled. Gives how many of them give an element;
    /// [`output`](Program::output) has those.
    pub(crate) fn fire(&mut self, firings: usize) -> usize {
        if let Some(column) = self.index {
            let phases = phases(self.phase, self.period);
            self.column(column)[..firings].iter_mut().zip(phases).for_each(|(index, phase)| *index = N::from_index(phase));
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
        &self.columns[self.output[field]..][..giving]
    }

    /// Firing by firing, what reads the state and decides the next one.
    fn recur(&mut self, firings: usize) {
        let words = self.initial.len();
        let columns = &mut self.columns[..];
        let mut place = (self.phase % self.states) as usize * words;
        let end = self.states as usize * words;
        for (i, phase) in phases(self.phase, self.period).take(firings).enumerate() {
            if phase == 0 {
                place = 0;
            }
            let state = if phase < self.states { &self.initial[..] } else { &self.state[place..] };
            for &(word, column) in &self.state_columns {
                columns[column + i] = state[word];
            }
            for &at in &self.recurrence {
                columns[at * MOST_FIRINGS + i] = match &self.computes[at] {
                    Computes::Nothing => continue,
                    Computes::Instruction(instruction, [x, y, z]) => N::apply(*instruction, columns[x + i], columns[y + i], columns[z + i]),
                    Computes::Lookup(table, ty, index) => table_word(table, *ty, columns[index + i]),
                    Computes::Power(power, x) => N::power(power, columns[x + i]),
                    Computes::Select(index, options) => columns[option(options, columns[index + i]) + i],
                };
            }
            if self.state.len() == place {
                self.state.resize(place + words, N::default());
            }
            for (word, column) in self.state[place..].iter_mut().zip(&self.next) {
                *word = columns[column + i];
            }
            place = if place + words == end { 0 } else { place + words };
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
                for column in &self.kept {
                    self.columns.copy_within(column + at..column + end, column + giving);
                }
                giving += end - at;
            }
            at = end;
        }
        giving
    }

    /// Fills the column of a step from those that it reads.
    fn compute(&mut self, at: usize, rows: usize) {
        let (columns, results) = self.columns.split_at_mut(at * MOST_FIRINGS);
        let results = &mut results[..rows];
        let column = |column: &Column| &columns[*column..][..rows];
        match &self.computes[at] {
            Computes::Nothing => {}
            Computes::Lookup(table, ty, index) => one(column(index), results, |index| table_word(table, *ty, index)),
            Computes::Power(power, x) => one(column(x), results, |x| N::power(power, x)),
            Computes::Select(index, options) => {
                let chosen = column(index).iter().enumerate().map(|(row, &index)| columns[option(options, index) + row]);
                results.iter_mut().zip(chosen).for_each(|(result, chosen)| *result = chosen);
            }
            Computes::Instruction(instruction, [x, y, z]) => apply_columns(*instruction, column(x), column(y), column(z), results),
        }
    }
}

/// The phases of firings from one on.
pub(crate) fn phases(first: u64, period: u64) -> impl Iterator<Item = u64> {
    // Counted: a division for each firing would take as long as what it computes.
    std::iter::successors(Some(first), move |phase| Some(if phase + 1 == period { 0 } else { phase + 1 }))
}

/// An instruction on columns of equal length. A loop for each instruction, so that each is compiled for itself.
fn apply_columns<N: Number>(instruction: Instruction, x: &[N], y: &[N], z: &[N], results: &mut [N]) {
    use Instruction::*;
    // Where the instruction is known, the loop is compiled for it alone.
    match instruction {
        Add => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Sub => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Mul => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Less => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Equal => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        And => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Or => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        ShiftRight => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Divide { .. } => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Append => two(x, y, results, |x, y| N::apply(instruction, x, y, y)),
        Not => one(x, results, |x| N::apply(instruction, x, x, x)),
        Align(_) => one(x, results, |x| N::apply(instruction, x, x, x)),
        Round(_) => one(x, results, |x| N::apply(instruction, x, x, x)),
        Floor(_) => one(x, results, |x| N::apply(instruction, x, x, x)),
        Saturate { .. } => one(x, results, |x| N::apply(instruction, x, x, x)),
        Wrap { .. } => one(x, results, |x| N::apply(instruction, x, x, x)),
        Scale { .. } => one(x, results, |x| N::apply(instruction, x, x, x)),
        Bit(_) => one(x, results, |x| N::apply(instruction, x, x, x)),
        Mux => three(x, y, z, results, |x, y, z| N::apply(instruction, x, y, z)),
    }
}

fn one<N: Number>(x: &[N], results: &mut [N], apply: impl Fn(N) -> N) {
    results.iter_mut().zip(x).for_each(|(result, &x)| *result = apply(x));
}

fn two<N: Number>(x: &[N], y: &[N], results: &mut [N], apply: impl Fn(N, N) -> N) {
    results.iter_mut().zip(x.iter().zip(y)).for_each(|(result, (&x, &y))| *result = apply(x, y));
}

fn three<N: Number>(x: &[N], y: &[N], z: &[N], results: &mut [N], apply: impl Fn(N, N, N) -> N) {
    results.iter_mut().zip(x.iter().zip(y).zip(z)).for_each(|(result, ((&x, &y), &z))| *result = apply(x, y, z));
}

/// Which option an index chooses; beyond the last one, the last.
fn option<N: Number>(options: &[Column], index: N) -> Column {
    options[index.index().min(options.len() - 1)]
}

/// Raw integers as the real numbers that they stand for.
pub(crate) fn to_reals(fields: &[Type], raw: &[i64]) -> Vec<f64> {
    raw.iter().zip(fields.iter().cycle()).map(|(&raw, &ty)| real(raw, ty)).collect()
}
