//! An accumulator machine with its program in a ROM and its data in a RAM.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_sim::{Options, Simulator};

use crate::compare;

/// Instructions of the processor: the operation in the upper four bits, its operand in the lower eight. `update` has the numbers, as
/// a constant of Rust is unknown in what rust-hdl makes of it.
mod operation {
    /// The accumulator becomes the operand.
    pub const CONSTANT: u64 = 0;
    /// The accumulator becomes the word at the operand.
    pub const LOAD: u64 = 1;
    /// The word at the operand becomes the accumulator.
    pub const STORE: u64 = 2;
    /// Adds the word at the operand.
    pub const ADD: u64 = 3;
    /// Subtracts the word at the operand.
    pub const SUBTRACT: u64 = 4;
    /// Goes on at the operand unless the accumulator is zero.
    pub const JUMP_UNLESS_ZERO: u64 = 5;
    /// The accumulator becomes the number at the four switches.
    pub const INPUT: u64 = 6;
    /// Shows the accumulator.
    pub const OUTPUT: u64 = 7;
}

/// Reads the switches, shows the square, the sum of so many odd numbers, and begins again.
fn squares() -> impl Iterator<Item = Bits<12>> {
    use operation::*;
    let (one, two, count, sum, odd) = (0, 1, 2, 3, 4);
    let program = [
        (CONSTANT, 1),
        (STORE, one),
        (STORE, odd),
        (CONSTANT, 2),
        (STORE, two),
        (CONSTANT, 0),
        (STORE, sum),
        (INPUT, 0),
        (STORE, count),
        (JUMP_UNLESS_ZERO, 12),
        (CONSTANT, 1),
        (JUMP_UNLESS_ZERO, 0),
        // The loop, at 12.
        (LOAD, sum),
        (ADD, odd),
        (STORE, sum),
        (LOAD, odd),
        (ADD, two),
        (STORE, odd),
        (LOAD, count),
        (SUBTRACT, one),
        (STORE, count),
        (JUMP_UNLESS_ZERO, 12),
        (LOAD, sum),
        (OUTPUT, 0),
        (CONSTANT, 1),
        (JUMP_UNLESS_ZERO, 0),
    ];
    program.into_iter().map(|(operation, operand): (u64, u64)| (operation << 8 | operand).to_bits())
}

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    Fetch,
    Decode,
    Wait,
    Execute,
}

/// Executes a program from a ROM on words in a RAM, four cycles an instruction.
#[derive(LogicBlock)]
struct Processor {
    pub clock: Signal<In, Clock>,
    pub run: Signal<In, Bit>,
    pub switches: Signal<In, Bits<4>>,
    pub display: Signal<Out, Bits<16>>,
    pub shown: Signal<Out, Bit>,
    pub address: Signal<Out, Bits<8>>,
    pub accumulator: Signal<Out, Bits<16>>,
    program: ROM<Bits<12>, 8>,
    memory: RAM<Bits<16>, 8>,
    step: DFF<Step>,
    counter: DFF<Bits<8>>,
    instruction: DFF<Bits<12>>,
    value: DFF<Bits<16>>,
    operation: Signal<Local, Bits<4>>,
    operand: Signal<Local, Bits<8>>,
}

impl Processor {
    fn new() -> Processor {
        Processor {
            clock: Default::default(),
            run: Default::default(),
            switches: Default::default(),
            display: Default::default(),
            shown: Default::default(),
            address: Default::default(),
            accumulator: Default::default(),
            program: squares().into(),
            memory: Default::default(),
            step: Default::default(),
            counter: Default::default(),
            instruction: Default::default(),
            value: Default::default(),
            operation: Default::default(),
            operand: Default::default(),
        }
    }
}

impl Logic for Processor {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, counter, instruction, value);
        self.memory.read_clock.next = self.clock.val();
        self.memory.write_clock.next = self.clock.val();
        self.operation.next = self.instruction.q.val().get_bits::<4>(8);
        self.operand.next = self.instruction.q.val().get_bits::<8>(0);
        self.program.address.next = self.counter.q.val();
        self.memory.read_address.next = self.operand.val();
        self.memory.write_address.next = self.operand.val();
        self.memory.write_data.next = self.value.q.val();
        self.memory.write_enable.next = false;
        self.display.next = self.value.q.val();
        self.shown.next = false;
        self.address.next = self.counter.q.val();
        self.accumulator.next = self.value.q.val();
        match self.step.q.val() {
            Step::Fetch => {
                if self.run.val() {
                    self.instruction.d.next = self.program.data.val();
                    self.step.d.next = Step::Decode;
                }
            }
            Step::Decode => {
                self.counter.d.next = self.counter.q.val() + 1;
                self.step.d.next = Step::Wait;
            }
            Step::Wait => {
                self.step.d.next = Step::Execute;
            }
            Step::Execute => {
                self.step.d.next = Step::Fetch;
                if self.operation.val() == 0 {
                    self.value.d.next = bit_cast::<16, 8>(self.operand.val());
                } else if self.operation.val() == 1 {
                    self.value.d.next = self.memory.read_data.val();
                } else if self.operation.val() == 2 {
                    self.memory.write_enable.next = true;
                } else if self.operation.val() == 3 {
                    self.value.d.next = self.value.q.val() + self.memory.read_data.val();
                } else if self.operation.val() == 4 {
                    self.value.d.next = self.value.q.val() - self.memory.read_data.val();
                } else if self.operation.val() == 5 {
                    if self.value.q.val().any() {
                        self.counter.d.next = self.operand.val();
                    }
                } else if self.operation.val() == 6 {
                    self.value.d.next = bit_cast::<16, 4>(self.switches.val());
                } else {
                    self.shown.next = true;
                }
            }
        }
    }
}

#[test]
fn a_processor_that_runs_a_program() {
    compare!(Processor = Processor::new(), clocks [clock], inputs [run, switches], 8000).in_verilator();
}

#[test]
fn the_processor_shows_the_square_of_what_the_switches_say() {
    let mut circuit = Processor::new();
    circuit.connect_all();
    let design = systole_rust_hdl::import(&circuit).unwrap();
    for number in 1..16_u64 {
        let mut simulator = Simulator::new(&design, Options::default()).unwrap();
        let [run, switches] = ["run", "switches"].map(|name| simulator.input(name).unwrap());
        let [display, shown] = ["display", "shown"].map(|name| simulator.output(name).unwrap());
        simulator.set(run, true).unwrap();
        simulator.set(switches, number).unwrap();
        // At most 16 rounds of ten instructions, and 20 more.
        for _ in 0..4 * 180 {
            if simulator.get_u64(shown).unwrap() == 1 {
                break;
            }
            simulator.step(1).unwrap();
        }
        assert_eq!(simulator.get_u64(shown).unwrap(), 1, "{number}");
        assert_eq!(simulator.get_u64(display).unwrap(), number * number);
    }
}
