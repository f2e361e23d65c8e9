//! Corners of the language: what a literal, a width, a place in the code or an unrolled loop makes of an expression.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

/// Signals that are read between their assignments.
#[derive(LogicBlock, Default)]
struct ReadsBetween {
    pub condition: Signal<In, Bit>,
    pub choice: Signal<In, Bits<2>>,
    pub a: Signal<In, Bits<4>>,
    pub b: Signal<In, Bits<4>>,
    pub after_if: Signal<Out, Bits<4>>,
    pub after_match: Signal<Out, Bits<4>>,
    pub within: Signal<Out, Bits<4>>,
    pub early: Signal<Out, Bits<4>>,
    pub again: Signal<Out, Bits<4>>,
    conditional: Signal<Local, Bits<4>>,
    chosen: Signal<Local, Bits<4>>,
    passing: Signal<Local, Bits<4>>,
    late: Signal<Local, Bits<4>>,
}

impl Logic for ReadsBetween {
    #[hdl_gen]
    fn update(&mut self) {
        if self.condition.val() {
            self.conditional.next = self.a.val();
        }
        self.after_if.next = self.conditional.val();
        self.conditional.next = self.b.val();
        match self.choice.val().index() {
            0 => self.chosen.next = self.a.val(),
            3 => self.chosen.next = self.a.val() + self.b.val(),
            _ => self.within.next = 3.into(),
        }
        self.after_match.next = self.chosen.val();
        self.chosen.next = !self.b.val();
        self.within.next = 9.into();
        if self.choice.val() == 2 {
            // Nothing reads it elsewhere, so it needs no value elsewhere.
            self.passing.next = self.a.val() ^ self.b.val();
            self.within.next = self.passing.val();
        }
        self.early.next = self.late.val() + 1;
        self.late.next = self.a.val() - self.b.val();
        self.again.next = self.early.val() ^ self.after_if.val();
    }
}

#[test]
fn a_signal_reads_as_it_stands_where_only_some_paths_have_assigned_it() {
    compare!(ReadsBetween = ReadsBetween::default(), clocks [], inputs [condition, choice, a, b], 1000);
}

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Kind {
    Idle,
    Read,
    Write,
}

#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
struct Request {
    pub kind: Kind,
    pub offset: Bits<6>,
    pub urgent: Bit,
}

/// Fields that are assigned under conditions, in parts.
#[derive(LogicBlock, Default)]
struct Fields {
    pub condition: Signal<In, Bit>,
    pub number: Signal<In, Bits<6>>,
    pub request: Signal<Out, Request>,
    pub upper: Signal<Out, Bit>,
    pub doubled: Signal<Out, Bits<6>>,
    pub writes: Signal<Out, Bit>,
    local: Signal<Local, Request>,
}

impl Logic for Fields {
    #[hdl_gen]
    fn update(&mut self) {
        if self.condition.val() {
            self.local.next.kind = Kind::Write;
            self.local.next.offset = !self.number.val();
        } else {
            self.local.next.kind = Kind::Read;
            self.local.next.offset = self.number.val();
        }
        self.local.next.urgent = self.local.val().kind == Kind::Read;
        self.upper.next = self.local.val().offset > 31;
        self.doubled.next = self.local.val().offset + self.local.val().offset;
        self.writes.next = self.local.val().kind == self::Kind::Write;
        self.request.next = self.local.val();
    }
}

#[test]
fn fields_are_enums_and_numbers_and_assigned_one_by_one() {
    compare!(Fields = Fields::default(), clocks [], inputs [condition, number], 1000);
}

/// `signed_bit_cast`, whose width is that of what stands around it.
#[derive(LogicBlock, Default)]
struct Extensions {
    pub a: Signal<In, Signed<40>>,
    pub b: Signal<In, Signed<40>>,
    pub c: Signal<In, Signed<41>>,
    pub short: Signal<In, Signed<48>>,
    pub compared: Signal<Out, Bit>,
    pub equal: Signal<Out, Bit>,
    pub sum_compared: Signal<Out, Bit>,
    pub negated: Signal<Out, Signed<44>>,
    pub pattern: Signal<Out, Bits<50>>,
    pub narrowed: Signal<Out, Signed<12>>,
    pub exact: Signal<Out, Bits<60>>,
    narrow: Signal<Local, Signed<12>>,
}

impl Logic for Extensions {
    #[hdl_gen]
    fn update(&mut self) {
        self.compared.next = signed_bit_cast::<41, 40>(self.a.val()) < self.c.val();
        self.equal.next = self.c.val() == signed_bit_cast::<41, 40>(self.b.val());
        self.sum_compared.next = (signed_bit_cast::<41, 40>(self.a.val()) + signed_bit_cast::<41, 40>(self.b.val())) < self.c.val();
        self.negated.next = -signed_bit_cast::<44, 40>(self.a.val());
        self.pattern.next = unsigned_cast(signed_bit_cast::<50, 40>(self.a.val()));
        self.narrow.next = signed_bit_cast::<12, 48>(self.short.val());
        self.narrowed.next = self.narrow.val();
        // `signed_cast` tells its width, and zeros enter above it.
        self.exact.next = bit_cast::<60, 40>(unsigned_cast(signed_cast(unsigned_cast(self.a.val()))));
    }
}

#[test]
fn signed_bit_cast_takes_the_width_around_it() {
    compare!(Extensions = Extensions::default(), clocks [], inputs [a, b in 0..4, c in 0..4, short in 0..4096], 1000);
}

/// Literals that do not fit next to what they stand by.
#[derive(LogicBlock)]
struct Literals {
    pub small: Signal<In, Signed<8>>,
    pub wide: Signal<In, Bits<40>>,
    pub place: Signal<In, Bits<3>>,
    pub lowest: Signal<Out, Bit>,
    pub below: Signal<Out, Bit>,
    pub all: Signal<Out, Bit>,
    pub sum: Signal<Out, Bits<40>>,
    pub beyond: Signal<Out, Bit>,
    pub shifted: Signal<Out, Bits<64>>,
    pub bit: Signal<Out, Bits<8>>,
    pub offset: Signal<Out, Signed<8>>,
    constant: Constant<Signed<8>>,
}

impl Literals {
    fn new() -> Literals {
        Literals {
            small: Default::default(),
            wide: Default::default(),
            place: Default::default(),
            lowest: Default::default(),
            below: Default::default(),
            all: Default::default(),
            sum: Default::default(),
            beyond: Default::default(),
            shifted: Default::default(),
            bit: Default::default(),
            offset: Default::default(),
            constant: Constant::new((-77).into()),
        }
    }
}

impl Logic for Literals {
    #[hdl_gen]
    fn update(&mut self) {
        self.lowest.next = self.small.val() == 0x80.into();
        self.below.next = self.small.val() < 200.into();
        self.all.next = (self.wide.val() | 0xFFFF_FFFF_FFFF_FF00_u64) == 0xFFFF_FFFF_FFFF_FFF0_u64;
        self.sum.next = self.wide.val() + 0xFFFF_FFFF_FFFF_FFFF_u64;
        self.beyond.next = self.place.val().index() == 8;
        self.shifted.next = 5 << self.place.val();
        self.bit.next = bit_cast::<8, 64>(1 << self.place.val());
        self.offset.next = self.small.val() + self.constant.val();
    }
}

#[test]
fn a_literal_that_does_not_fit_wraps_or_is_out_of_reach() {
    compare!(Literals = Literals::new(), clocks [], inputs [small, wide in 0..256, place], 2000, still [beyond]);
}

/// A choice between more than there are.
#[derive(LogicBlock)]
struct Choice<const N: usize> {
    pub select: Signal<In, Bits<N>>,
    pub result: Signal<Out, Bits<4>>,
    pub data: Signal<In, Bits<4>>,
}

impl<const N: usize> Logic for Choice<N> {
    #[hdl_gen]
    fn update(&mut self) {
        match self.select.val().index() {
            1 => self.result.next = self.data.val() + 1,
            2 => self.result.next = self.data.val() + 2,
            5 => self.result.next = self.data.val() + 5,
            _ => self.result.next = self.data.val(),
        }
    }
}

impl<const N: usize> Default for Choice<N> {
    fn default() -> Self {
        Choice { select: Default::default(), result: Default::default(), data: Default::default() }
    }
}

#[test]
fn patterns_that_a_word_cannot_have_are_never_met() {
    compare!(Choice<1> = Choice::default(), clocks [], inputs [select, data], 200);
    compare!(Choice<2> = Choice::default(), clocks [], inputs [select, data], 200);
    compare!(Choice<3> = Choice::default(), clocks [], inputs [select, data], 200);
}

#[derive(LogicBlock, Default)]
struct Link {
    pub clock: Signal<In, Clock>,
    pub left: Signal<In, Bits<8>>,
    pub right: Signal<Out, Bits<8>>,
    held: DFF<Bits<8>>,
}

impl Logic for Link {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held);
        self.held.d.next = self.left.val() + 1;
        self.right.next = self.held.q.val();
    }
}

/// A row whose first element is told apart within the loop.
#[derive(LogicBlock, Default)]
struct Systolic {
    pub clock: Signal<In, Clock>,
    pub data: Signal<In, Bits<8>>,
    pub result: Signal<Out, Bits<8>>,
    pub parity: Signal<Out, Bit>,
    links: [Link; 4],
}

impl Logic for Systolic {
    #[hdl_gen]
    fn update(&mut self) {
        self.parity.next = false;
        for i in 0..4 {
            if i == 0 {
                self.links[i].left.next = self.data.val();
                self.links[i].clock.next = self.clock.val();
            } else {
                self.links[i].left.next = self.links[i - 1].right.val();
                self.links[i].clock.next = self.clock.val();
            }
            match i {
                1 => self.parity.next = self.parity.val() ^ self.data.val().get_bit(i),
                3 => self.parity.next = self.parity.val() ^ self.data.val().get_bit(i + 2),
                _ => {}
            }
            self.result.next = self.links[i].right.val();
        }
    }
}

#[test]
fn conditions_on_the_variable_of_a_loop_choose_while_it_is_unrolled() {
    compare!(Systolic = Systolic::default(), clocks[clock], inputs[data], 500);
}

use Kind::{Idle, Write};

/// Variants that are named without their enum, and a pattern that takes what is left.
#[derive(LogicBlock, Default)]
struct ShortNames {
    pub clock: Signal<In, Clock>,
    pub code: Signal<In, Bits<3>>,
    pub kind: Signal<Out, Kind>,
    pub result: Signal<Out, Bits<3>>,
    held: DFF<Kind>,
}

impl Logic for ShortNames {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held);
        match self.held.q.val() {
            Write => self.held.d.next = Idle,
            Idle => self.held.d.next = self::Kind::Read,
            _ => self.held.d.next = Write,
        }
        match self.code.val().index() {
            0 => self.result.next = 1.into(),
            _rest => self.result.next = self.code.val() + 2,
        }
        self.kind.next = self.held.q.val();
    }
}

#[test]
fn variants_without_their_enum_and_patterns_that_bind() {
    compare!(ShortNames = ShortNames::default(), clocks[clock], inputs[code], 200);
}

/// Enums as words, with a default that is not zero in the rest.
#[derive(LogicBlock)]
struct Table {
    pub address: Signal<In, Bits<3>>,
    pub kind: Signal<Out, Kind>,
    rom: ROM<Kind, 3>,
}

impl Default for Table {
    fn default() -> Self {
        let rom = [Kind::Write, Kind::Read, Kind::Idle, Kind::Write, Kind::Read].into_iter().into();
        Table { address: Default::default(), kind: Default::default(), rom }
    }
}

impl Logic for Table {
    #[hdl_gen]
    fn update(&mut self) {
        self.rom.address.next = self.address.val();
        self.kind.next = self.rom.data.val();
    }
}

#[test]
fn a_rom_of_enums() {
    compare!(Table = Table::default(), clocks [], inputs [address], 100);
}

/// A bus of two channels.
#[derive(LogicInterface, Default)]
#[join = "ChannelTarget"]
struct ChannelSource {
    pub data: Signal<Out, Bits<4>>,
    pub taken: Signal<In, Bit>,
}

#[derive(LogicInterface, Default)]
#[join = "ChannelSource"]
struct ChannelTarget {
    pub data: Signal<In, Bits<4>>,
    pub taken: Signal<Out, Bit>,
}

#[derive(LogicInterface, Default)]
#[join = "BusTarget"]
struct BusSource {
    pub first: ChannelSource,
    pub second: ChannelSource,
}

#[derive(LogicInterface, Default)]
#[join = "BusSource"]
struct BusTarget {
    pub first: ChannelTarget,
    pub second: ChannelTarget,
}

#[derive(LogicBlock, Default)]
struct Sender {
    pub clock: Signal<In, Clock>,
    pub bus: BusSource,
    counts: [DFF<Bits<4>>; 2],
}

impl Logic for Sender {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..2 {
            self.counts[i].clock.next = self.clock.val();
            self.counts[i].d.next = self.counts[i].q.val();
        }
        if self.bus.first.taken.val() {
            self.counts[0].d.next = self.counts[0].q.val() + 1;
        }
        if self.bus.second.taken.val() {
            self.counts[1].d.next = self.counts[1].q.val() + 3;
        }
        self.bus.first.data.next = self.counts[0].q.val();
        self.bus.second.data.next = self.counts[1].q.val();
    }
}

#[derive(LogicBlock, Default)]
struct Taker {
    pub take: Signal<In, Bits<2>>,
    pub sum: Signal<Out, Bits<4>>,
    pub bus: BusTarget,
}

impl Logic for Taker {
    #[hdl_gen]
    fn update(&mut self) {
        self.bus.first.taken.next = self.take.val().get_bit(0);
        self.bus.second.taken.next = self.take.val().get_bit(1);
        self.sum.next = self.bus.first.data.val() + self.bus.second.data.val();
    }
}

#[derive(LogicBlock)]
struct NestedBuses {
    pub clock: Signal<In, Clock>,
    pub take: Signal<In, Bits<2>>,
    pub sums: Signal<Out, Bits<4>>,
    senders: Vec<Sender>,
    takers: Vec<Taker>,
}

impl Default for NestedBuses {
    fn default() -> Self {
        NestedBuses {
            clock: Default::default(),
            take: Default::default(),
            sums: Default::default(),
            senders: (0..3).map(|_| Sender::default()).collect(),
            takers: (0..3).map(|_| Taker::default()).collect(),
        }
    }
}

impl Logic for NestedBuses {
    #[hdl_gen]
    fn update(&mut self) {
        self.sums.next = 0.into();
        for i in 0..3 {
            self.senders[i].clock.next = self.clock.val();
            self.takers[i].take.next = self.take.val();
            BusSource::join(&mut self.senders[i].bus, &mut self.takers[i].bus);
            self.sums.next = self.sums.val() + self.takers[i].sum.val();
        }
    }
}

#[test]
fn nested_interfaces_between_elements_of_vectors() {
    compare!(NestedBuses = NestedBuses::default(), clocks[clock], inputs[take], 500);
}
