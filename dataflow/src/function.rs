//! The function of a unit, checked and translated into [steps](crate::steps).

use std::collections::HashMap;

use systole_hdl::Type;

use crate::expression::{Binary, Conversion, Expression, Node};
use crate::graph::Unit;
use crate::steps::{Operation, Refusal, StepId, Steps, numeric};

/// What a unit computes in a firing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Function {
    pub(crate) steps: Steps,
    /// The next state, of the state's types.
    pub(crate) next: Vec<StepId>,
    /// The fields of the element given.
    pub(crate) output: Vec<StepId>,
}

impl Function {
    /// Of each step, whether these need it, or are it.
    pub(crate) fn needed(&self, by: &[StepId]) -> Vec<bool> {
        needed(&self.steps, by, |id| self.steps.get(id).operation.operands())
    }

    /// Of each step, whether it is the same in every firing.
    pub(crate) fn constant(&self) -> Vec<bool> {
        let mut constant: Vec<bool> = Vec::new();
        for (_, step) in self.steps.iter() {
            let operands = step.operation.operands();
            let is_constant = match step.operation {
                Operation::Constant { .. } => true,
                _ => !operands.is_empty() && operands.iter().all(|operand| constant[operand.index()]),
            };
            constant.push(is_constant);
        }
        constant
    }

    /// The function of a unit whose inputs have these fields.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn of(unit: &Unit, inputs: &[Vec<Type>]) -> Result<Function, Vec<Refusal>> {
        let mut translation = Translation { unit, inputs, steps: Steps::default(), next: None, done: HashMap::new() };
        let mut refusals = Vec::new();
        let mut next = Vec::new();
        for (word, (expression, initial)) in unit.fold.next.iter().zip(&unit.fold.state).enumerate() {
            let step = translation.step(expression).and_then(|step| translation.steps.align(step, initial.ty));
            match step {
                Ok(step) => next.push(step),
                Err(refusal) => refusals.push(format!("word {word} of the next state: {refusal}")),
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        translation.next = Some(next.clone());
        // Where inputs are held, an output reads another step for them than the state did.
        translation.done.clear();
        let mut output = Vec::new();
        for (field, expression) in unit.fold.output.iter().enumerate() {
            match translation.step(expression) {
                Ok(step) => output.push(step),
                Err(refusal) => refusals.push(format!("field {field} of the output: {refusal}")),
            }
        }
        if refusals.is_empty() { Ok(Function { steps: translation.steps, next, output }) } else { Err(refusals) }
    }

    /// The types of the fields of the element given.
    pub(crate) fn output_types(&self) -> Vec<Type> {
        self.output.iter().map(|&step| self.steps.ty(step)).collect()
    }
}

struct Translation<'a> {
    unit: &'a Unit,
    inputs: &'a [Vec<Type>],
    steps: Steps,
    /// The next state, once it is known.
    next: Option<Vec<StepId>>,
    /// By the address of the node: an expression that is used twice is looked at once.
    done: HashMap<*const Node, StepId>,
}

impl Translation<'_> {
    fn step(&mut self, expression: &Expression) -> Result<StepId, Refusal> {
        let address = std::sync::Arc::as_ptr(&expression.0);
        if let Some(&step) = self.done.get(&address) {
            return Ok(step);
        }
        let step = self.new_step(&expression.0)?;
        self.done.insert(address, step);
        Ok(step)
    }

    fn new_step(&mut self, node: &Node) -> Result<StepId, Refusal> {
        match node {
            Node::Input { input, field } => self.input(*input, *field),
            Node::State(word) => match self.unit.fold.state.get(*word) {
                Some(state) => self.steps.push(Operation::State(*word), state.ty),
                None => Err(format!("it reads word {word} of its state, which has {}; words count from 0", self.unit.fold.state.len())),
            },
            Node::Next(word) => match &self.next {
                None => Err(format!("it reads word {word} of the next state; only outputs may")),
                Some(next) => next
                    .get(*word)
                    .copied()
                    .ok_or_else(|| format!("it reads word {word} of the next state, which has {}; words count from 0", next.len())),
            },
            Node::Index => self.steps.push(Operation::Index, index_type(self.unit.period)),
            Node::Constant { value, ty } => self.steps.constant(*value, *ty),
            Node::Binary(operation, a, b) => {
                let (a, b) = (self.step(a)?, self.step(b)?);
                match operation {
                    Binary::Add => self.steps.add(a, b),
                    Binary::Sub => self.steps.sub(a, b),
                    Binary::Mul => self.steps.mul(a, b),
                    Binary::Max => self.steps.max(a, b),
                    Binary::Min => self.steps.min(a, b),
                    Binary::Less => self.steps.less(a, b),
                    Binary::Equal => self.steps.equal(a, b),
                    Binary::And => self.steps.and(a, b),
                    Binary::Or => self.steps.or(a, b),
                }
            }
            Node::Not(a) => {
                let a = self.step(a)?;
                self.steps.not(a)
            }
            Node::Mux { condition, then, otherwise } => {
                let (condition, then, otherwise) = (self.step(condition)?, self.step(then)?, self.step(otherwise)?);
                self.steps.mux(condition, then, otherwise)
            }
            Node::Select { index, options } => {
                let index = self.step(index)?;
                let options = options.iter().map(|option| self.step(option)).collect::<Result<Vec<_>, _>>()?;
                self.steps.select(index, &options)
            }
            Node::Convert(conversion, a) => {
                let a = self.step(a)?;
                match conversion {
                    Conversion::To(ty) => self.steps.align(a, *ty),
                    Conversion::Round(frac) => self.steps.round(a, *frac),
                    Conversion::Floor(frac) => self.steps.floor(a, *frac),
                    Conversion::Saturate(ty) => self.steps.saturate(a, *ty),
                    Conversion::Wrap(ty) => self.steps.wrap(a, *ty),
                }
            }
            Node::Scale(exponent, a) => {
                let a = self.step(a)?;
                self.steps.scale(a, *exponent)
            }
            Node::ShiftRight { value, amount } => {
                let (value, amount) = (self.step(value)?, self.step(amount)?);
                self.steps.shift_right(value, amount)
            }
            Node::Lookup { table, ty, index } => {
                let index = self.step(index)?;
                self.steps.lookup(table, *ty, index)
            }
            Node::Exp2 { argument, function } => {
                let argument = self.step(argument)?;
                let fixed = function.expand(&mut self.steps, argument)?;
                let ty = self.steps.ty(fixed);
                self.steps.push(Operation::Exp2 { function: *function, argument, fixed }, ty)
            }
            Node::Divide { dividend, divisor, ty } => {
                let (dividend, divisor) = (self.step(dividend)?, self.step(divisor)?);
                self.steps.divide(dividend, divisor, *ty)
            }
        }
    }

    fn input(&mut self, input: usize, field: usize) -> Result<StepId, Refusal> {
        let Some(fields) = self.inputs.get(input) else {
            return Err(format!("it reads input {input}, but has {}; inputs count from 0", self.inputs.len()));
        };
        let Some(&ty) = fields.get(field) else {
            return Err(format!("it reads field {field} of input {input}, whose elements have {}; fields count from 0", fields.len()));
        };
        match &self.next {
            // The element was taken in an earlier firing, and is held in the state since.
            Some(next) if self.unit.holds => {
                let before: usize = self.inputs[..input].iter().map(Vec::len).sum();
                Ok(next[before + field])
            }
            _ => self.steps.push(Operation::Input { input, field }, ty),
        }
    }
}

/// Of each step, whether these need it, or are it.
pub(crate) fn needed(steps: &Steps, by: &[StepId], reads: impl Fn(StepId) -> Vec<StepId>) -> Vec<bool> {
    let mut needed = vec![false; steps.len()];
    let mut pending = by.to_vec();
    while let Some(id) = pending.pop() {
        if !std::mem::replace(&mut needed[id.index()], true) {
            pending.extend(reads(id));
        }
    }
    needed
}

/// The type of the index of a firing in a period.
pub(crate) fn index_type(period: u64) -> Type {
    numeric(false, systole_hdl::types::bits_for(period.saturating_sub(1)).min(63), 0)
}
