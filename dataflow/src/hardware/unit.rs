//! A unit as a module: when it fires, its state, and the pipeline of what it gives.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;
use systole_hdl::library::{Counter, counter};
use systole_hdl::prelude::*;
use systole_hdl::{Leaf, join};

use super::divide::expanded;
use super::function::{Given, Signals, name};
use super::stages::stages;
use super::{HardwareError, Streams, element_type, identifier};
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
    /// Of each step, whether it is the same in every firing.
    constant: Vec<bool>,
    /// Of each input, the types of its fields.
    inputs: Vec<Vec<Type>>,
    /// Of each input, its stream.
    names: Vec<String>,
    element: Type,
}

/// What enters a unit.
#[derive(Clone)]
pub(super) struct UnitIn {
    /// By the names of the channels; in an instance, the names do not matter.
    pub(super) up: Streams,
    /// One bit for each output: its queue has room.
    pub(super) room: Vec<Signal>,
}

/// Streams have their own names, without one of the record's before them.
impl Bundle for UnitIn {
    fn visit(&self, path: &str, visit: &mut dyn FnMut(&str, Leaf)) {
        self.up.visit(path, visit);
        self.room.visit(&join(path, "room"), visit);
    }

    fn replace(&mut self, replace: &mut dyn FnMut(Leaf) -> Leaf) {
        self.up.replace(replace);
        self.room.replace(replace);
    }

    fn visit_streams(&self, path: &str, visit: &mut dyn FnMut(&str, Stream)) {
        self.up.visit_streams(path, visit);
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
        let mut names: Vec<String> = Vec::new();
        for &channel in &unit.inputs {
            let mut name = identifier(&graph.channel(channel).name);
            while names.contains(&name) {
                name.push('_');
            }
            names.push(name);
        }
        let needed = function.needed(&[&function.next[..], &function.output].concat());
        Ok(UnitHardware {
            name: name.into(),
            stages: stages(&function, &needed, unit.latency as u32),
            needed,
            constant: function.constant(),
            function: Arc::new(function),
            inputs,
            names,
            element: unit.outputs.first().map_or(Type::BIT, |&output| element_type(graph.channel(output))),
            // What a source brings is no part of the hardware.
            unit: Arc::new(Unit { elements: Elements::default(), ..unit.clone() }),
        })
    }
}

/// Short, for the header of its module; equal for equal units only.
impl fmt::Debug for UnitHardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = FxHasher::default();
        format!("{:?}", (&self.function.next, &self.function.output, &self.unit.fold.state, &self.inputs)).hash(&mut hasher);
        self.function.steps.iter().for_each(|(_, step)| step.hash(&mut hasher));
        let Unit { name, kind, period, takes_first, gives_last, states, interval, latency, .. } = &*self.unit;
        f.debug_struct("Unit")
            .field("name", name)
            .field("kind", kind)
            .field("period", period)
            .field("takes_first", takes_first.min(period))
            .field("gives_last", gives_last.min(period))
            .field("states", states)
            .field("interval", interval)
            .field("latency", latency)
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
            up: Streams(self.names.iter().cloned().zip(self.inputs.iter().map(|fields| Stream::port(element(fields)))).collect()),
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
        let up: Vec<Stream> = i.up.0.iter().map(|&(_, stream)| stream).collect();
        let gives = self.fires(m, &up, phase, pipeline.accepts[0], fires);

        let inputs: Vec<Vec<Signal>> = up.iter().zip(&self.inputs).map(|(up, fields)| fields_of(up.data, fields)).collect();
        let state = State::new(m, self, phase, *fires);
        let given = Given { inputs: &inputs, state: &state.words, index: phase.value };
        let mut signals = Signals::new(m, &self.function);
        self.compute_stage(0, &mut signals, &given);
        let next: Vec<Signal> = self.function.next.iter().map(|&step| signals.get(step)).collect();
        state.becomes(m, self, &next, phase, *fires);

        let mut valid = gives.map_or(*fires, |gives| *fires & gives);
        for (stage, full) in (1..).zip(&pipeline.full) {
            let accepts = pipeline.accepts[stage - 1];
            let crossing = self.crossing(stage as u32);
            let loads = (accepts & valid).named(&format!("stage_{stage}_loads"));
            for (&step, name) in crossing.registered.iter().zip(self.distinct_names(&crossing.registered)) {
                let value = signals.get(step);
                let register = m.reg(&format!("stage_{stage}_{name}"), value.ty()).without_reset();
                m.when(loads, || register.next(value));
                signals.replace(step, *register);
            }
            crossing.rewired.iter().for_each(|&step| signals.compute(step, &given));
            m.when(accepts, || full.next(valid));
            valid = **full;
            self.compute_stage(stage as u32, &mut signals, &given);
        }
        let fields: Vec<Signal> = self.function.output.iter().map(|&step| signals.get(step)).collect();
        let element = if let [field] = fields[..] { field } else { pack(&fields) };
        let gives = if pipeline.full.is_empty() { valid } else { valid & pipeline.all_have_room };
        UnitOut { gives: gives.named("gives"), element: element.reinterpret(self.element) }
    }
}

/// The registers behind a unit that say which of its stages hold an element.
struct Pipeline {
    full: Vec<Reg>,
    /// Of each place that an element goes to, whether it can: the registers, then the queues.
    accepts: Vec<Signal>,
    all_have_room: Signal,
}

impl Pipeline {
    fn new(m: Module, room: &[Signal], latency: u32) -> Pipeline {
        let full: Vec<Reg> = (1..latency).map(|stage| m.reg(&format!("stage_{stage}_full"), Type::BIT)).collect();
        let all_have_room = if let [room] = room[..] { room } else { pack(room).all().named("all_have_room") };
        let mut accepts = vec![all_have_room];
        for (full, stage) in full.iter().zip(1..latency).rev() {
            accepts.push((!**full | accepts[accepts.len() - 1]).named(&format!("stage_{stage}_accepts")));
        }
        accepts.reverse();
        Pipeline { full, accepts, all_have_room }
    }
}

impl UnitHardware {
    /// Drives `fires` and the streams' `ready`; gives whether a firing in this cycle gives, if not every firing does.
    fn fires(&self, m: Module, up: &[Stream], phase: Counter, accepts: Signal, fires: Wire) -> Option<Signal> {
        let Unit { period, takes_first, gives_last, interval, .. } = *self.unit;
        let takes = match takes_first {
            1 if period > 1 => Some(phase.value.equals(0).named("takes")),
            _ => (takes_first < period).then(|| phase.value.lt(takes_first).named("takes")),
        };
        let gives = match gives_last {
            1 if period > 1 => Some(phase.last.named("gives_now")),
            _ => (gives_last < period).then(|| phase.value.ge(period - gives_last).named("gives_now")),
        };
        let mut permitted = gives.map_or(accepts, |gives| accepts | !gives);
        if interval > 1 {
            let wait = m.reg("wait", Type::index(interval as u32));
            permitted = permitted & wait.equals(0);
            m.when(*fires, || wait.next(interval - 1)).or_when(wait.differs(0), || wait.next(wait - 1));
        }
        let may_take = takes.map_or(permitted, |takes| permitted & takes);
        for (number, stream) in up.iter().enumerate() {
            // `ready` of a stream depends on the others' `valid`, not on its own.
            let others = up.iter().enumerate().filter(|(other, _)| *other != number);
            stream.ready.drive(others.fold(may_take, |ready, (_, other)| ready & other.valid));
        }
        let all_valid = up.iter().map(|stream| stream.valid).reduce(|all, valid| all & valid).expect("a unit has inputs");
        fires.drive(permitted & takes.map_or(all_valid, |takes| all_valid | !takes));
        gives
    }

    fn compute_stage(&self, stage: u32, signals: &mut Signals<'_>, given: &Given<'_>) {
        for (id, _) in self.function.steps.iter().filter(|(id, _)| self.stages[id.index()] == stage && self.is_needed(*id)) {
            signals.compute(id, given);
        }
    }

    /// Of each input, the name of its stream.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.names.iter().cloned()
    }

    fn is_needed(&self, id: StepId) -> bool {
        self.needed[id.index()]
    }

    /// The names of steps, with a number where several have the same.
    fn distinct_names(&self, steps: &[StepId]) -> Vec<String> {
        let names: Vec<String> = steps.iter().map(|&step| name(&self.function, step)).collect();
        let distinct = |(i, name): (usize, &String)| {
            let same = |names: &[String]| names.iter().filter(|other| *other == name).count();
            if same(&names) > 1 { format!("{name}_{}", same(&names[..i])) } else { name.clone() }
        };
        names.iter().enumerate().map(distinct).collect()
    }

    /// The steps computed before a stage and needed in it or behind. Constants are the same in every stage.
    fn crossing(&self, stage: u32) -> Crossing {
        let before = |id: &StepId| self.stages[id.index()] < stage && !self.constant[id.index()];
        let mut wanted: BTreeSet<StepId> = self.function.output.iter().copied().filter(before).collect();
        for (id, step) in self.function.steps.iter() {
            if self.stages[id.index()] >= stage && self.is_needed(id) {
                wanted.extend(step.operation.operands().into_iter().filter(before));
            }
        }
        // What only has more bits is made of the fewer; then, what has fewer bits of something that crosses anyway. A step comes after
        // those that it reads, so each is looked at after all that may want it.
        let mut rewired = Vec::new();
        let wider = |id: StepId, _: &BTreeSet<StepId>| match self.function.steps.get(id).operation {
            Operation::Align(a) => Some(a),
            _ => None,
        };
        let narrower = |id: StepId, wanted: &BTreeSet<StepId>| match self.function.steps.get(id).operation {
            Operation::Wrap(a) | Operation::Floor(a) | Operation::Scale(a) | Operation::Bit { value: a, .. } => {
                Some(a).filter(|a| wanted.contains(a))
            }
            _ => None,
        };
        for made_of in [&wider as &dyn Fn(StepId, &BTreeSet<StepId>) -> Option<StepId>, &narrower] {
            let mut registered = BTreeSet::new();
            while let Some(id) = wanted.pop_last() {
                match made_of(id, &wanted) {
                    Some(operand) => {
                        wanted.insert(operand);
                        rewired.push(id);
                    }
                    None => _ = registered.insert(id),
                }
            }
            wanted = registered;
        }
        rewired.sort_unstable();
        Crossing { registered: wanted.into_iter().collect(), rewired }
    }
}

/// How steps get from a stage into the next.
struct Crossing {
    /// They have a register.
    registered: Vec<StepId>,
    /// They are some bits, or more bits, of others that cross: computed anew. In the order in which they read each other.
    rewired: Vec<StepId>,
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
