//! Steps as signals.

use std::sync::Arc;

use systole_hdl::prelude::*;

use crate::function::Function;
use crate::steps::{Operation, StepId};

/// What a function's steps are in a stage of a unit.
pub(super) struct Signals<'a> {
    m: Module,
    function: &'a Function,
    /// Of each step, where it is known.
    of: Vec<Option<Signal>>,
    /// The memories of tables, one for equal tables.
    tables: Vec<(Arc<[i64]>, Type, Memory)>,
}

/// What is not computed from other steps.
pub(super) struct Given<'a> {
    /// Of each input, its fields.
    pub(super) inputs: &'a [Vec<Signal>],
    pub(super) state: &'a [Signal],
    pub(super) index: Signal,
}

impl<'a> Signals<'a> {
    pub(super) fn new(m: Module, function: &'a Function) -> Signals<'a> {
        Signals { m, function, of: vec![None; function.steps.len()], tables: Vec::new() }
    }

    /// The signal of a step that has been computed.
    pub(super) fn get(&self, id: StepId) -> Signal {
        self.of[id.index()].expect("a step comes after those that it reads")
    }

    /// Puts another signal, such as a register, in the place of a step's.
    pub(super) fn replace(&mut self, id: StepId, signal: Signal) {
        self.of[id.index()] = Some(signal);
    }

    /// Computes a step from those before it.
    pub(super) fn compute(&mut self, id: StepId, given: &Given<'_>) {
        let step = self.function.steps.get(id);
        let ty = step.ty;
        let of = |id: &StepId| self.get(*id);
        let signal = match &step.operation {
            Operation::Input { input, field } => given.inputs[*input][*field],
            Operation::State(word) => given.state[*word],
            Operation::Index => given.index,
            Operation::Constant { raw, .. } => constant(ty, Value::from_i64(ty.width(), *raw)),
            Operation::Add(a, b) => of(a) + of(b),
            Operation::Sub(a, b) => of(a) - of(b),
            Operation::Mul(a, b) => of(a) * of(b),
            Operation::Less(a, b) => of(a).lt(of(b)),
            Operation::Equal(a, b) => of(a).equals(of(b)),
            Operation::And(a, b) => of(a) & of(b),
            Operation::Or(a, b) => of(a) | of(b),
            Operation::Not(a) => !of(a),
            Operation::Mux { condition, then, otherwise } => of(condition).mux(of(then), of(otherwise)),
            Operation::Select { index, options } => of(index).select(&options.iter().map(of).collect::<Vec<_>>()),
            Operation::Align(a) => of(a).to(ty),
            Operation::Round(a) => of(a).round(ty, Rounding::HalfEven),
            Operation::Floor(a) => of(a).floor(ty),
            Operation::Saturate(a) => of(a).saturate(ty),
            Operation::Wrap(a) => of(a).wrap(ty),
            Operation::Scale(a) => of(a),
            Operation::ShiftRight { value, amount } => of(value) >> of(amount),
            Operation::Lookup { table, index } => {
                let index = of(index);
                self.table(table, ty).read(index)
            }
            Operation::Exp2 { .. } | Operation::Divide { .. } => unreachable!("powers and divisions are expanded before"),
            Operation::Append { value, bit } => concat(&[of(value), of(bit)]),
            Operation::Bit { value, bit } => of(value).bit(*bit),
        };
        // Types with the same bits and the same binary point may be written in two ways.
        self.of[id.index()] = Some(signal.reinterpret(ty));
    }

    fn table(&mut self, words: &Arc<[i64]>, ty: Type) -> Memory {
        if let Some((_, _, memory)) = self.tables.iter().find(|(known, known_type, _)| known == words && *known_type == ty) {
            return *memory;
        }
        let memory = self.m.memory(&format!("table_{}", self.tables.len()), words.len() as u32, ty).initial(words);
        self.tables.push((words.clone(), ty, memory));
        memory
    }
}
