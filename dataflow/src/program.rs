//! The expressions of a unit as a list of steps over slots, made once for an execution: equal subexpressions are computed once.

use crate::expression::{Binary, Expression, Unary};
use crate::graph::{Graph, Unit};

/// What a unit computes, ready to be run. Slots hold, in this order: the fields of the inputs, the state, the index, then constants and results.
pub(crate) struct Program {
    slots: Vec<f64>,
    /// Which slots hold constants.
    constants: Vec<usize>,
    steps: Vec<Step>,
    /// Steps before this one compute the next state; the others, the output.
    output_steps: usize,
    inputs: Vec<usize>,
    first_state: usize,
    initial: Vec<f64>,
    /// The states of a unit that has several, one after the other, as far as they were used; empty if there is one, which stays in its slots.
    memory: Vec<f64>,
    states: u64,
    index: usize,
    next: Vec<usize>,
    output: Vec<usize>,
    scratch: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Unary(Unary),
    Binary(Binary),
}

#[derive(Clone, Copy)]
struct Step {
    operation: Operation,
    a: usize,
    b: usize,
    to: usize,
}

impl Program {
    /// The program of a unit of a checked graph.
    pub(crate) fn new(graph: &Graph, unit: &Unit) -> Program {
        let mut slots = 0;
        let mut inputs = Vec::new();
        for &channel in &unit.inputs {
            inputs.push(slots);
            slots += graph.channel(channel).width;
        }
        let (first_state, index) = (slots, slots + unit.initial.len());
        let mut program = Program {
            slots: vec![0.0; index + 1],
            constants: Vec::new(),
            steps: Vec::new(),
            output_steps: 0,
            inputs,
            first_state,
            initial: unit.initial.clone(),
            memory: Vec::new(),
            states: unit.states,
            index,
            next: Vec::new(),
            output: Vec::new(),
            scratch: Vec::new(),
        };
        program.next = unit.next.iter().map(|expression| program.slot(expression, &[])).collect();
        program.output_steps = program.steps.len();
        let next = program.next.clone();
        program.output = unit.output.iter().map(|expression| program.slot(expression, &next)).collect();
        program
    }

    /// Where the fields of an input belong.
    pub(crate) fn input(&mut self, input: usize, width: usize) -> &mut [f64] {
        let first = self.inputs[input];
        &mut self.slots[first..first + width]
    }

    /// Computes a firing, its inputs being in place: the `index`-th of the period. Tells `field` the output's fields if `produces`.
    pub(crate) fn fire(&mut self, index: u64, produces: bool, mut field: impl FnMut(f64)) {
        let words = self.initial.len();
        let state = self.first_state..self.first_state + words;
        let place = if self.states > 1 { (index % self.states) as usize * words } else { 0 };
        if index < self.states {
            self.slots[state.clone()].copy_from_slice(&self.initial);
        } else if self.states > 1 {
            self.slots[state.clone()].copy_from_slice(&self.memory[place..place + words]);
        }
        self.slots[self.index] = index as f64;
        let steps = if produces { self.steps.len() } else { self.output_steps };
        for step in &self.steps[..steps] {
            self.slots[step.to] = match step.operation {
                Operation::Unary(operation) => operation.evaluate(self.slots[step.a]),
                Operation::Binary(operation) => operation.evaluate(self.slots[step.a], self.slots[step.b]),
            };
        }
        if produces {
            self.output.iter().for_each(|&slot| field(self.slots[slot]));
        }
        // By way of a copy: a word's next value may be another word.
        self.scratch.clear();
        self.scratch.extend(self.next.iter().map(|&slot| self.slots[slot]));
        match self.states {
            1 => self.slots[state].copy_from_slice(&self.scratch),
            _ if self.memory.len() == place => self.memory.extend_from_slice(&self.scratch),
            _ => self.memory[place..place + words].copy_from_slice(&self.scratch),
        }
    }

    fn slot(&mut self, expression: &Expression, next: &[usize]) -> usize {
        match expression {
            Expression::Input { input, field } => self.inputs[*input] + field,
            Expression::State(word) => self.first_state + word,
            Expression::Next(word) => next[*word],
            Expression::Index => self.index,
            Expression::Constant(value) => {
                // By bits: 0 and -0 are two constants, and not-a-number is equal to itself.
                if let Some(&slot) = self.constants.iter().find(|&&slot| self.slots[slot].to_bits() == value.to_bits()) {
                    return slot;
                }
                self.slots.push(*value);
                self.constants.push(self.slots.len() - 1);
                self.slots.len() - 1
            }
            Expression::Unary(operation, a) => {
                let a = self.slot(a, next);
                self.step(Operation::Unary(*operation), a, a)
            }
            Expression::Binary(operation, a, b) => {
                let (a, b) = (self.slot(a, next), self.slot(b, next));
                self.step(Operation::Binary(*operation), a, b)
            }
        }
    }

    fn step(&mut self, operation: Operation, a: usize, b: usize) -> usize {
        if let Some(step) = self.steps.iter().find(|step| step.operation == operation && step.a == a && step.b == b) {
            return step.to;
        }
        self.slots.push(0.0);
        let to = self.slots.len() - 1;
        self.steps.push(Step { operation, a, b, to });
        to
    }
}
