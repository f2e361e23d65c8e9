//! Names: words of other languages, names that look like the importer's own, and what becomes of them.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_rust_hdl::{Options, import, import_with};

use crate::compare;

/// A data input that is called as a clock domain's reset, a clock that is not called `clock`, and words of Rust and Verilog.
#[derive(LogicBlock, Default)]
struct Words {
    pub aclk: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub r#type: Signal<In, Bits<4>>,
    pub r#match: Signal<Out, Bits<4>>,
    pub always: Signal<Out, Bits<4>>,
    pub function: Signal<Out, Bits<4>>,
    r#loop: DFF<Bits<4>>,
    case: DFF<Bits<4>>,
    top: Inner,
    top_1: Inner,
}

#[derive(LogicBlock, Default)]
struct Inner {
    pub assign: Signal<In, Bits<4>>,
    pub task: Signal<Out, Bits<4>>,
}

impl Logic for Inner {
    #[hdl_gen]
    fn update(&mut self) {
        self.task.next = self.assign.val() + 3;
    }
}

impl Logic for Words {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, aclk, r#loop, case);
        self.r#loop.d.next = self.r#type.val();
        self.top.assign.next = self.case.q.val();
        self.top_1.assign.next = self.top.task.val();
        self.case.d.next = self.case.q.val() + 1;
        if self.reset.val() {
            self.case.d.next = 0.into();
        }
        self.r#match.next = self.r#loop.q.val();
        self.always.next = self.top.task.val();
        self.function.next = self.top_1.task.val();
    }
}

#[test]
fn words_of_other_languages_are_names() {
    compare!(Words = Words::default(), clocks [aclk], inputs [reset, r#type], 300);
}

#[test]
fn names_stay_what_they_are() {
    let circuit = Words::default();
    let options = Options { name: "fir16_2".to_string(), ..Options::default() };
    let design = import_with(&circuit, &options).unwrap();
    let top = design.top_module();
    assert_eq!(top.name, "fir16_2");
    assert_eq!(top.inputs.iter().map(|port| port.name.as_str()).collect::<Vec<_>>(), ["reset", "type"]);
    assert_eq!(top.outputs.iter().map(|port| port.name.as_str()).collect::<Vec<_>>(), ["match", "always", "function"]);
    assert_eq!(top.domains.len(), 1);
    assert_eq!(top.domains[0].name, "");
    // The module that is called as the top without options gets a number, the top keeps its name.
    let design = import(&circuit).unwrap();
    assert_eq!(design.modules.iter().map(|module| module.name.as_str()).collect::<Vec<_>>(), ["top_1", "top"]);
}

/// A data input that has the name of the default domain's clock.
#[derive(LogicBlock, Default)]
struct DataClock {
    pub clk: Signal<In, Clock>,
    pub clock: Signal<In, Bit>,
    pub seen: Signal<Out, Bit>,
    held: DFF<Bit>,
}

impl Logic for DataClock {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, held);
        self.held.d.next = self.clock.val();
        self.seen.next = self.held.q.val();
    }
}

#[test]
fn a_data_input_called_clock_leaves_the_clock_its_own_name() {
    compare!(DataClock = DataClock::default(), clocks[clk], inputs[clock], 100);
    assert_eq!(import(&DataClock::default()).unwrap().top_module().domains[0].name, "clk");
}

mod line {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Debug, LogicState)]
    pub enum State {
        Fault,
        Busy,
        Idle,
    }
}

#[derive(Clone, Copy, PartialEq, Debug, LogicState)]
enum State {
    Idle,
    Busy,
    Fault,
    Lost,
}

/// Two enums of one name, which what they are assigned to and compared with tells apart.
#[derive(LogicBlock, Default)]
struct TwoEnums {
    pub clock: Signal<In, Clock>,
    pub advance: Signal<In, Bit>,
    pub line: Signal<Out, line::State>,
    pub state: Signal<Out, State>,
    held: DFF<State>,
}

impl Logic for TwoEnums {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held);
        match self.held.q.val() {
            State::Idle => self.held.d.next = State::Busy,
            State::Busy => self.held.d.next = State::Fault,
            State::Fault => self.held.d.next = State::Lost,
            State::Lost => self.held.d.next = State::Idle,
        }
        self.line.next = line::State::Busy;
        if self.held.q.val() == State::Idle {
            self.line.next = line::State::Idle;
        } else if State::Lost == self.held.q.val() {
            self.line.next = line::State::Fault;
        }
        if !self.advance.val() {
            self.held.d.next = State::Idle;
        }
        self.state.next = self.held.q.val();
    }
}

#[test]
fn two_enums_of_one_name_are_told_apart() {
    compare!(TwoEnums = TwoEnums::default(), clocks[clock], inputs[advance], 500);
}
