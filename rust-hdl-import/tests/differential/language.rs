//! Circuits that each use one part of rust-hdl's language.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

#[derive(LogicBlock, Default)]
pub struct Counter {
    pub clock: Signal<In, Clock>,
    pub enable: Signal<In, Bit>,
    pub value: Signal<Out, Bits<8>>,
    pub wraps: Signal<Out, Bit>,
    count: DFF<Bits<8>>,
}

impl Logic for Counter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        if self.enable.val() {
            self.count.d.next = self.count.q.val() + 1;
        }
        self.value.next = self.count.q.val();
        self.wraps.next = (self.count.q.val() + 1) == 0;
    }
}

#[test]
fn a_counter_counts_and_a_sum_wraps_in_the_width_of_its_operands() {
    compare!(Counter = Counter::default(), clocks[clock], inputs[enable], 2000);
}

#[derive(LogicBlock, Default)]
pub struct Operators {
    pub a: Signal<In, Bits<9>>,
    pub b: Signal<In, Bits<9>>,
    pub amount: Signal<In, Bits<4>>,
    pub sum: Signal<Out, Bits<9>>,
    pub difference: Signal<Out, Bits<9>>,
    pub carry: Signal<Out, Bits<10>>,
    pub bitwise: Signal<Out, Bits<9>>,
    pub inverted: Signal<Out, Bits<9>>,
    pub left: Signal<Out, Bits<9>>,
    pub right: Signal<Out, Bits<9>>,
    pub comparisons: Signal<Out, Bits<6>>,
    pub reductions: Signal<Out, Bits<3>>,
    pub flag: Signal<Out, Bit>,
    pub literal_first: Signal<Out, Bits<9>>,
}

impl Logic for Operators {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = self.a.val() + self.b.val() + 0x1F;
        self.difference.next = self.a.val() - self.b.val() - 1;
        self.carry.next = bit_cast::<10, 9>(self.a.val()) + bit_cast::<10, 9>(self.b.val());
        self.bitwise.next = (self.a.val() & self.b.val()) ^ (self.a.val() | 0x55) ^ (self.b.val() & 0xF0);
        self.inverted.next = !self.a.val();
        self.left.next = self.a.val() << self.amount.val();
        self.right.next = (self.a.val() >> self.amount.val()) + (self.b.val() >> 3);
        self.comparisons.next = bit_cast::<6, 1>((self.a.val() < self.b.val()).into())
            | (bit_cast::<6, 1>((self.a.val() <= self.b.val()).into()) << 1)
            | (bit_cast::<6, 1>((self.a.val() > self.b.val()).into()) << 2)
            | (bit_cast::<6, 1>((self.a.val() >= 100).into()) << 3)
            | (bit_cast::<6, 1>((self.a.val() == self.b.val()).into()) << 4)
            | (bit_cast::<6, 1>((self.a.val() != 77).into()) << 5);
        self.reductions.next = bit_cast::<3, 1>(self.a.val().all().into())
            | (bit_cast::<3, 1>(self.a.val().any().into()) << 1)
            | (bit_cast::<3, 1>(self.a.val().xor().into()) << 2);
        self.flag.next = (self.a.val().get_bit(3) && !self.b.val().get_bit(0)) || (self.a.val() == 0);
        self.literal_first.next = 0x1F0 - self.a.val();
    }
}

#[test]
fn operators_on_bits() {
    compare!(Operators = Operators::default(), clocks [], inputs [a, b, amount], 3000);
}

#[derive(LogicBlock, Default)]
pub struct Parts {
    pub word: Signal<In, Bits<100>>,
    pub place: Signal<In, Bits<6>>,
    pub new_bit: Signal<In, Bit>,
    pub fixed: Signal<Out, Bits<8>>,
    pub moving: Signal<Out, Bits<8>>,
    pub further: Signal<Out, Bits<16>>,
    pub picked: Signal<Out, Bit>,
    pub replaced: Signal<Out, Bits<100>>,
    pub replaced_at_7: Signal<Out, Bits<100>>,
    pub upper: Signal<Out, Bits<40>>,
}

impl Logic for Parts {
    #[hdl_gen]
    fn update(&mut self) {
        self.fixed.next = self.word.val().get_bits::<8>(33);
        self.moving.next = self.word.val().get_bits::<8>(self.place.val().index());
        self.further.next = self.word.val().get_bits::<16>(self.place.val().index() + 20);
        self.picked.next = self.word.val().get_bit(self.place.val().index());
        self.replaced.next = self.word.val().replace_bit(self.place.val().index(), self.new_bit.val());
        self.replaced_at_7.next = self.word.val().replace_bit(7, self.new_bit.val());
        self.upper.next = bit_cast::<40, 100>(self.word.val() >> 50);
    }
}

#[test]
fn parts_of_wide_words() {
    compare!(Parts = Parts::default(), clocks [], inputs [word, place, new_bit], 3000);
}

#[derive(LogicBlock, Default)]
struct Beyond {
    pub word: Signal<In, Bits<100>>,
    pub place: Signal<In, Bits<6>>,
    pub part: Signal<Out, Bits<16>>,
}

impl Logic for Beyond {
    #[hdl_gen]
    fn update(&mut self) {
        self.part.next = self.word.val().get_bits::<16>(self.place.val().index() + 36);
    }
}

#[test]
fn bits_beyond_the_top_are_zero() {
    compare!(Beyond = Beyond::default(), clocks [], inputs [word, place], 1000);
}

#[derive(LogicBlock, Default)]
pub struct SignedArithmetic {
    pub a: Signal<In, Signed<16>>,
    pub b: Signal<In, Signed<16>>,
    pub c: Signal<In, Bits<16>>,
    pub sum: Signal<Out, Signed<16>>,
    pub negative: Signal<Out, Signed<16>>,
    pub product: Signal<Out, Signed<32>>,
    pub unsigned_product: Signal<Out, Bits<32>>,
    pub wide: Signal<Out, Signed<40>>,
    pub accumulated: Signal<Out, Signed<48>>,
    pub narrow: Signal<Out, Signed<12>>,
    pub less: Signal<Out, Bit>,
    pub at_least: Signal<Out, Bit>,
    pub pattern: Signal<Out, Bits<16>>,
    pub reinterpreted: Signal<Out, Signed<16>>,
    pub part: Signal<Out, Signed<8>>,
    pub is_negative: Signal<Out, Bit>,
}

impl Logic for SignedArithmetic {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = self.a.val() + self.b.val();
        self.negative.next = -self.a.val();
        self.product.next = self.a.val() * self.b.val();
        self.unsigned_product.next = self.c.val() * unsigned_cast(self.b.val());
        self.wide.next = signed_bit_cast::<40, 16>(self.a.val()) + signed_bit_cast::<40, 16>(self.b.val());
        self.accumulated.next = signed_bit_cast::<48, 32>(self.a.val() * self.b.val()) - signed_bit_cast::<48, 16>(self.a.val());
        self.narrow.next = self.a.val().get_bits::<12>(2);
        self.less.next = self.a.val() < self.b.val();
        self.at_least.next = self.a.val() >= self.b.val();
        self.pattern.next = unsigned_cast(self.a.val()) + 1;
        self.reinterpreted.next = signed_cast(self.c.val()) + self.a.val();
        self.part.next = self.a.val().get_bits::<8>(8);
        self.is_negative.next = self.a.val().get_bit(15);
    }
}

#[test]
fn signed_arithmetic() {
    compare!(SignedArithmetic = SignedArithmetic::default(), clocks [], inputs [a, b, c], 3000);
}

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Phase {
    Fetch,
    Decode,
    Execute,
}

#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
struct Instruction {
    pub operation: Bits<4>,
    pub immediate: Bit,
    pub value: Bits<11>,
}

#[derive(LogicBlock, Default)]
struct Machine {
    pub clock: Signal<In, Clock>,
    pub advance: Signal<In, Bit>,
    pub operation: Signal<In, Bits<4>>,
    pub value: Signal<In, Bits<11>>,
    pub phase: Signal<Out, Phase>,
    pub instruction: Signal<Out, Instruction>,
    pub accumulator: Signal<Out, Bits<11>>,
    state: DFF<Phase>,
    held: DFF<Instruction>,
    total: DFF<Bits<11>>,
    next_instruction: Signal<Local, Instruction>,
}

impl Logic for Machine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, held, total);
        self.next_instruction.next.operation = self.operation.val();
        self.next_instruction.next.immediate = self.operation.val() == 3;
        self.next_instruction.next.value = self.value.val();
        self.phase.next = self.state.q.val();
        self.accumulator.next = self.total.q.val();
        match self.state.q.val() {
            Phase::Fetch => {
                if self.advance.val() {
                    self.held.d.next = self.next_instruction.val();
                    self.state.d.next = Phase::Decode;
                }
            }
            Phase::Decode => {
                self.state.d.next = Phase::Execute;
            }
            Phase::Execute => {
                if self.held.q.val().immediate {
                    self.total.d.next = self.held.q.val().value;
                } else if self.held.q.val().operation == 1 {
                    self.total.d.next = self.total.q.val() + self.held.q.val().value;
                } else {
                    self.total.d.next = self.total.q.val() - self.held.q.val().value;
                }
                self.state.d.next = Phase::Fetch;
            }
        }
        self.instruction.next = self.held.q.val();
    }
}

#[test]
fn enums_and_packed_structs() {
    compare!(Machine = Machine::default(), clocks [clock], inputs [advance, operation, value], 3000);
}

#[derive(LogicBlock, Default)]
pub struct LateAssignment {
    pub clock: Signal<In, Clock>,
    pub step: Signal<In, Bit>,
    pub next_count: Signal<Out, Bits<4>>,
    pub assigned: Signal<Out, Bits<4>>,
    count: DFF<Bits<4>>,
    working: Signal<Local, Bits<4>>,
}

impl Logic for LateAssignment {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        // Sees the assignment below, as `update` runs until nothing changes.
        self.next_count.next = self.count.d.val();
        self.working.next = self.count.q.val() + 3;
        // Sees the assignment above, and not the one below.
        self.assigned.next = self.working.val();
        self.working.next = self.working.val() + 1;
        if self.step.val() {
            self.count.d.next = self.working.val();
        }
    }
}

#[test]
fn a_child_s_input_reads_as_it_ends_and_a_local_as_it_stands() {
    compare!(LateAssignment = LateAssignment::default(), clocks[clock], inputs[step], 2000);
}

#[derive(LogicBlock, Default)]
struct Numbers {
    pub value: Signal<In, Bits<3>>,
    pub name: Signal<Out, Bits<8>>,
}

impl Logic for Numbers {
    #[hdl_gen]
    fn update(&mut self) {
        self.name.next = 0.into();
        if self.value.val() == 0 {
            self.name.next = 10.into();
        } else if self.value.val() == 1 {
            self.name.next = 11.into();
            if self.value.val().get_bit(0) {
                self.name.next = 12.into();
            }
        } else if self.value.val() < 5 {
            self.name.next = 13.into();
        } else {
            self.name.next = 14.into();
        }
    }
}

#[test]
fn chains_of_conditions() {
    compare!(Numbers = Numbers::default(), clocks [], inputs [value], 500);
}
