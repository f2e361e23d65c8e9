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
    /// One for equal tables.
    tables: Vec<Table>,
}

/// The memory of a table.
struct Table {
    words: Arc<[i64]>,
    ty: Type,
    name: String,
    memory: Memory,
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
                self.table(format!("{}_table", name(self.function, id)), table, ty).read(index)
            }
            Operation::Exp2 { .. } | Operation::Divide { .. } => unreachable!("powers and divisions are expanded before"),
            Operation::Append { value, bit } => concat(&[of(value), of(bit)]),
            Operation::Bit { value, bit } => of(value).bit(*bit),
        };
        // Types with the same bits and the same binary point may be written in two ways.
        let signal = self.function.steps.name(id).map_or(signal, |name| signal.named(name));
        self.of[id.index()] = Some(signal.reinterpret(ty));
    }

    fn table(&mut self, name: String, words: &Arc<[i64]>, ty: Type) -> Memory {
        if let Some(table) = self.tables.iter().find(|table| table.words == *words && table.ty == ty) {
            return table.memory;
        }
        let memory = match self.tables.iter().filter(|table| table.name == name).count() {
            0 => self.m.memory(&name, words.len() as u32, ty),
            others => self.m.memory(&format!("{name}_{others}"), words.len() as u32, ty),
        };
        let memory = memory.initial(words);
        self.tables.push(Table { words: words.clone(), ty, name, memory });
        memory
    }
}

/// What a step is called in the hardware: by its name, or by what it does.
pub(super) fn name(function: &Function, id: StepId) -> String {
    use Operation::*;
    if let Some(name) = function.steps.name(id) {
        return name.into();
    }
    let word = match &function.steps.get(id).operation {
        Input { input, field } => return format!("input_{input}_{field}"),
        State(word) => return format!("state_{word}"),
        Align(a) | Floor(a) | Wrap(a) | Scale(a) => return name(function, *a),
        Index => "index",
        Constant { .. } => "constant",
        Add(..) => "sum",
        Sub(..) => "difference",
        Mul(..) => "product",
        Less(..) => "less",
        Equal(..) => "equal",
        And(..) => "both",
        Or(..) => "either",
        Not(_) => "inverted",
        Mux { .. } | Select { .. } => "chosen",
        Round(_) => "rounded",
        Saturate(_) => "saturated",
        ShiftRight { .. } => "shifted",
        Lookup { .. } => "word",
        Exp2 { .. } => "power",
        Divide { .. } => "quotient",
        Append { .. } => "joined",
        Bit { .. } => "bit",
    };
    word.into()
}
