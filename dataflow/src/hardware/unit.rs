//! A unit as a module: when it fires, its state, and the pipeline of what it gives.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use systole_hdl::library::{Counter, counter};
use systole_hdl::prelude::*;

use super::divide::expanded;
use super::function::{Given, Signals};
use super::stages::stages;
use super::{HardwareError, element_type};
use crate::function::Function;
use crate::graph::{Elements, Graph, Unit};
use crate::steps::{Operation, StepId, raw};

/// The hardware of a unit that is no source and no sink.
#[derive(Clone)]
pub(super) struct UnitHardware {
    name: String,
    unit: Arc<Unit>,
    /// Its function without divisions.
    function: Arc<Function>,
    /// In which stage each step is computed.
    stages: Vec<u32>,
    /// Of each step, whether the next state or the output needs it.
    needed: Vec<bool>,
    /// Of each input, the types of its fields.
    inputs: Vec<Vec<Type>>,
    element: Type,
}

bundle! {
    /// What enters a unit.
    pub(super) struct UnitIn {
        up: Vec<Stream>,
        /// One bit for each output: its queue has room.
        room: Vec<Signal>,
    }
}
bundle! {
    /// What leaves a unit.
    pub(super) struct UnitOut {
        /// One bit: `element` enters all queues in this cycle.
        gives: Signal,
        element: Signal,
    }
}

impl UnitHardware {
    pub(super) fn new(name: &str, graph: &Graph, unit: &Unit) -> Result<UnitHardware, HardwareError> {
        let fields = |channel| graph.channel(channel).fields.clone();
        let inputs: Vec<Vec<Type>> = unit.inputs.iter().map(|&channel| fields(channel)).collect();
        let function = expanded(&unit.function).map_err(|what| HardwareError::Function { unit: unit.name.clone(), what })?;
        Ok(UnitHardware {
            name: name.into(),
            stages: stages(&function, unit.latency as u32),
            needed: function.needed(&[&function.next[..], &function.output].concat()),
            function: Arc::new(function),
            inputs,
            element: unit.outputs.first().map_or(Type::BIT, |&output| element_type(graph.channel(output))),
            // What a source brings is no part of the hardware.
            unit: Arc::new(Unit { elements: Elements::default(), ..unit.clone() }),
        })
    }
}

/// Short, for the header of its module; equal for equal units only.
impl fmt::Debug for UnitHardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = DefaultHasher::new();
        format!("{:?}", (&self.function.next, &self.function.output, &self.unit.fold.state, &self.inputs)).hash(&mut hasher);
        self.function.steps.iter().for_each(|(_, step)| step.hash(&mut hasher));
        let Unit { name, kind, period, takes_first, gives_last, states, interval, latency, .. } = &*self.unit;
        let timing = (period, takes_first.min(period), gives_last.min(period), states);
        f.debug_struct("Unit")
            .field("name", name)
            .field("kind", kind)
            .field("period_takes_gives_states", &timing)
            .field("interval", interval)
            .field("latency", latency)
            .field("inputs", &self.inputs.len())
            .field("outputs", &self.unit.outputs.len())
            .field("function", &format_args!("{:016x}", hasher.finish()))
            .finish()
    }
}

impl Component for UnitHardware {
    type In = UnitIn;
    type Out = UnitOut;

    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn inputs(&self) -> UnitIn {
        let element = |fields: &Vec<Type>| match fields[..] {
            [ty] => ty,
            _ => Type::Bits(fields.iter().map(|ty| ty.width()).sum()),
        };
        UnitIn {
            up: self.inputs.iter().map(|fields| Stream::port(element(fields))).collect(),
            room: self.unit.outputs.iter().map(|_| port(Type::BIT)).collect(),
        }
    }

    fn build(&self, m: Module, i: UnitIn) -> UnitOut {
        let pipeline = Pipeline::new(m, &i.room, self.unit.latency as u32);
        let fires = m.wire("fires", Type::BIT);
        let phase = match self.unit.period {
            1 => Counter { value: constant(Type::u(1), 0), last: constant(Type::BIT, true) },
            period => counter(m, "phase", period as u32, *fires),
        };
        let gives = self.fires(m, &i, phase, pipeline.open[0], fires);

        let inputs: Vec<Vec<Signal>> = i.up.iter().zip(&self.inputs).map(|(up, fields)| fields_of(up.data, fields)).collect();
        let state = State::new(m, self, phase, *fires);
        let given = Given { inputs: &inputs, state: &state.words, index: phase.value };
        let mut signals = Signals::new(m, &self.function);
        self.compute_stage(0, &mut signals, &given);
        let next: Vec<Signal> = self.function.next.iter().map(|&step| signals.get(step)).collect();
        state.becomes(m, self, &next, phase, *fires);

        let mut valid = (*fires & gives).named("gives_next");
        for stage in 1..=pipeline.full.len() {
            let loads = pipeline.open[stage - 1];
            for step in self.crossing(stage as u32) {
                let value = signals.get(step);
                let register = m.reg(&format!("stage_{stage}_{}", step.index()), value.ty()).without_reset();
                m.when(loads & valid, || register.next(value));
                signals.replace(step, *register);
            }
            let full = pipeline.full[stage - 1];
            m.when(loads, || full.next(valid));
            valid = *full;
            self.compute_stage(stage as u32, &mut signals, &given);
        }
        let fields: Vec<Signal> = self.function.output.iter().map(|&step| signals.get(step)).collect();
        let element = if let [field] = fields[..] { field } else { pack(&fields) };
        let gives = if pipeline.full.is_empty() { valid } else { valid & pipeline.last_open };
        UnitOut { gives: gives.named("gives"), element: element.reinterpret(self.element) }
    }
}

/// The registers behind a unit that say which of its stages hold an element.
struct Pipeline {
    full: Vec<Reg>,
    /// Of each place that an element goes to, whether it can: the registers, then the queues.
    open: Vec<Signal>,
    last_open: Signal,
}

impl Pipeline {
    fn new(m: Module, room: &[Signal], latency: u32) -> Pipeline {
        let full: Vec<Reg> = (1..latency).map(|stage| m.reg(&format!("full_{stage}"), Type::BIT)).collect();
        let last_open = pack(room).all().named("room_in_all");
        let mut open = vec![last_open];
        for full in full.iter().rev() {
            open.push(!*full | open[open.len() - 1]);
        }
        open.reverse();
        Pipeline { full, open, last_open }
    }
}

impl UnitHardware {
    /// Drives `fires` and the streams' `ready`; gives whether a firing in this cycle gives.
    fn fires(&self, m: Module, i: &UnitIn, phase: Counter, open: Signal, fires: Wire) -> Signal {
        let Unit { period, takes_first, gives_last, interval, .. } = *self.unit;
        let always = constant(Type::BIT, true);
        let takes = if takes_first >= period { always } else { phase.value.lt(takes_first).named("takes") };
        let gives = if gives_last >= period { always } else { phase.value.ge(period - gives_last).named("gives_now") };
        let mut permitted = open | !gives;
        if interval > 1 {
            let wait = m.reg("wait", Type::index(interval as u32));
            permitted = permitted & wait.equals(0);
            m.when(*fires, || wait.next(interval - 1)).or_when(wait.differs(0), || wait.next(wait - 1));
        }
        let permitted = permitted.named("permitted");
        for (number, up) in i.up.iter().enumerate() {
            // `ready` of a stream depends on the others' `valid`, not on its own.
            let others = i.up.iter().enumerate().filter(|(other, _)| *other != number);
            up.ready.drive(others.fold(permitted & takes, |ready, (_, other)| ready & other.valid));
        }
        let all_valid = i.up.iter().fold(always, |all, up| all & up.valid);
        fires.drive(permitted & (all_valid | !takes));
        gives
    }

    fn compute_stage(&self, stage: u32, signals: &mut Signals<'_>, given: &Given<'_>) {
        for (id, _) in self.function.steps.iter().filter(|(id, _)| self.stages[id.index()] == stage && self.is_needed(*id)) {
            signals.compute(id, given);
        }
        // Constants cost nothing where they are used, and registers would.
        if stage > 0 {
            self.constants().for_each(|id| signals.compute(id, given));
        }
    }

    fn constants(&self) -> impl Iterator<Item = StepId> {
        let needed = |id: &StepId| self.is_needed(*id) && self.is_constant(*id);
        self.function.steps.iter().map(|(id, _)| id).filter(needed)
    }

    fn is_constant(&self, id: StepId) -> bool {
        matches!(self.function.steps.get(id).operation, Operation::Constant { .. })
    }

    fn is_needed(&self, id: StepId) -> bool {
        self.needed[id.index()]
    }

    /// The steps computed before a stage and needed in it or behind.
    fn crossing(&self, stage: u32) -> Vec<StepId> {
        let before = |id: &StepId| self.stages[id.index()] < stage && !self.is_constant(*id);
        let mut crossing: Vec<StepId> = self.function.output.iter().copied().filter(before).collect();
        for (id, step) in self.function.steps.iter() {
            if self.stages[id.index()] >= stage && self.is_needed(id) {
                crossing.extend(step.operation.operands().into_iter().filter(before));
            }
        }
        crossing.sort_unstable();
        crossing.dedup();
        crossing
    }
}

/// The state before a firing, and where the next one goes.
struct State {
    words: Vec<Signal>,
    registers: Vec<Reg>,
    memory: Option<(Memory, Counter)>,
}

impl State {
    fn new(m: Module, hardware: &UnitHardware, phase: Counter, fires: Signal) -> State {
        let unit = &hardware.unit;
        let types = unit.fold.state.iter().map(|word| word.ty);
        if types.len() == 0 {
            return State { words: vec![], registers: vec![], memory: None };
        }
        let initial = hardware.initial();
        if unit.states == 1 {
            let register = |(word, (ty, initial)): (usize, (Type, Value))| m.reg(&format!("state_{word}"), ty).resets_to(initial);
            let registers: Vec<Reg> = types.zip(initial).enumerate().map(register).collect();
            return State { words: registers.iter().map(|register| **register).collect(), registers, memory: None };
        }
        let place = counter(m, "place", unit.states as u32, fires);
        let fields: Vec<Type> = types.collect();
        let memory = m.memory("states", unit.states as u32, Type::Bits(fields.iter().map(|ty| ty.width()).sum()));
        let begins = if unit.states >= unit.period { constant(Type::BIT, true) } else { phase.value.lt(unit.states).named("begins") };
        let kept = fields_of(memory.read(place.value), &fields);
        let words = kept.into_iter().zip(initial).zip(&fields).map(|((kept, initial), &ty)| begins.mux(constant(ty, initial), kept));
        State { words: words.collect(), registers: vec![], memory: Some((memory, place)) }
    }

    /// Registers begin anew with the last firing of a period; places of a memory are taken as new in the first round of the next one.
    fn becomes(&self, m: Module, hardware: &UnitHardware, next: &[Signal], phase: Counter, fires: Signal) {
        if let Some((memory, place)) = &self.memory {
            memory.write(place.value, pack(next), fires);
        }
        for ((register, &next), initial) in self.registers.iter().zip(next).zip(hardware.initial()) {
            m.when(fires, || register.next(phase.last.mux(constant(next.ty(), initial), next)));
        }
    }
}

impl UnitHardware {
    /// The words of the state with which a period begins.
    fn initial(&self) -> Vec<Value> {
        let value = |word: &crate::graph::Word| {
            let raw = raw(word.initial, word.ty).expect("the graph has been checked");
            Value::from_i64(word.ty.width(), raw)
        };
        self.unit.fold.state.iter().map(value).collect()
    }
}

/// The fields of an element.
fn fields_of(element: Signal, fields: &[Type]) -> Vec<Signal> {
    if let [ty] = fields {
        return vec![element.reinterpret(*ty)];
    }
    let mut low = 0;
    let field = |ty: &Type| {
        let field = element.bits(low..low + ty.width()).reinterpret(*ty);
        low += ty.width();
        field
    };
    fields.iter().map(field).collect()
}
