//! A serial line: a transmitter with a FIFO and a baud generator, and a receiver.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

/// Cycles that a bit stays on the serial line.
const CYCLES_PER_BIT: u64 = 6;

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum LineState {
    Idle,
    Start,
    Data,
    Stop,
}

/// Says when a bit of the serial line ends, counted from where it is restarted.
#[derive(LogicBlock)]
struct BaudGenerator {
    pub clock: Signal<In, Clock>,
    pub restart: Signal<In, Bit>,
    pub middle: Signal<Out, Bit>,
    pub end: Signal<Out, Bit>,
    count: DFF<Bits<8>>,
    half: Constant<Bits<8>>,
    last: Constant<Bits<8>>,
}

impl Default for BaudGenerator {
    fn default() -> Self {
        BaudGenerator {
            clock: Default::default(),
            restart: Default::default(),
            middle: Default::default(),
            end: Default::default(),
            count: Default::default(),
            half: Constant::new((CYCLES_PER_BIT / 2).to_bits()),
            last: Constant::new((CYCLES_PER_BIT - 1).to_bits()),
        }
    }
}

impl Logic for BaudGenerator {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count);
        self.middle.next = self.count.q.val() == self.half.val();
        self.end.next = self.count.q.val() == self.last.val();
        self.count.d.next = self.count.q.val() + 1;
        if self.restart.val() | (self.count.q.val() == self.last.val()) {
            self.count.d.next = 0.into();
        }
    }
}

/// Sends what a FIFO holds: a start bit, eight bits from the least significant one, a stop bit.
#[derive(LogicBlock, Default)]
struct Transmitter {
    pub clock: Signal<In, Clock>,
    pub write: Signal<In, Bit>,
    pub data: Signal<In, Bits<8>>,
    pub line: Signal<Out, Bit>,
    pub full: Signal<Out, Bit>,
    pub busy: Signal<Out, Bit>,
    fifo: SynchronousFIFO<Bits<8>, 3, 4, 1>,
    baud: BaudGenerator,
    state: DFF<LineState>,
    shift: DFF<Bits<8>>,
    sent: DFF<Bits<3>>,
}

impl Logic for Transmitter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, fifo, baud);
        dff_setup!(self, clock, state, shift, sent);
        self.fifo.data_in.next = self.data.val();
        self.fifo.write.next = self.write.val() & !self.fifo.full.val();
        self.fifo.read.next = false;
        self.full.next = self.fifo.full.val();
        self.busy.next = true;
        self.baud.restart.next = false;
        self.line.next = true;
        match self.state.q.val() {
            LineState::Idle => {
                self.busy.next = !self.fifo.empty.val();
                self.baud.restart.next = true;
                if !self.fifo.empty.val() {
                    self.shift.d.next = self.fifo.data_out.val();
                    self.fifo.read.next = true;
                    self.state.d.next = LineState::Start;
                }
            }
            LineState::Start => {
                self.line.next = false;
                if self.baud.end.val() {
                    self.sent.d.next = 0.into();
                    self.state.d.next = LineState::Data;
                }
            }
            LineState::Data => {
                self.line.next = self.shift.q.val().get_bit(0);
                if self.baud.end.val() {
                    self.shift.d.next = self.shift.q.val() >> 1;
                    self.sent.d.next = self.sent.q.val() + 1;
                    if self.sent.q.val() == 7 {
                        self.state.d.next = LineState::Stop;
                    }
                }
            }
            LineState::Stop => {
                if self.baud.end.val() {
                    self.state.d.next = LineState::Idle;
                }
            }
        }
    }
}

/// Reads a line in the middle of each bit.
#[derive(LogicBlock, Default)]
struct Receiver {
    pub clock: Signal<In, Clock>,
    pub line: Signal<In, Bit>,
    pub data: Signal<Out, Bits<8>>,
    pub valid: Signal<Out, Bit>,
    baud: BaudGenerator,
    state: DFF<LineState>,
    shift: DFF<Bits<8>>,
    received: DFF<Bits<3>>,
}

impl Logic for Receiver {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, baud);
        dff_setup!(self, clock, state, shift, received);
        self.baud.restart.next = false;
        self.data.next = self.shift.q.val();
        self.valid.next = false;
        match self.state.q.val() {
            LineState::Idle => {
                self.baud.restart.next = true;
                if !self.line.val() {
                    self.state.d.next = LineState::Start;
                }
            }
            LineState::Start => {
                if self.baud.end.val() {
                    self.received.d.next = 0.into();
                    self.state.d.next = LineState::Data;
                }
            }
            LineState::Data => {
                if self.baud.middle.val() {
                    self.shift.d.next = (self.shift.q.val() >> 1).replace_bit(7, self.line.val());
                }
                if self.baud.end.val() {
                    self.received.d.next = self.received.q.val() + 1;
                    if self.received.q.val() == 7 {
                        self.state.d.next = LineState::Stop;
                    }
                }
            }
            LineState::Stop => {
                if self.baud.middle.val() {
                    self.valid.next = self.line.val();
                    self.state.d.next = LineState::Idle;
                }
            }
        }
    }
}

/// A transmitter whose line ends at a receiver.
#[derive(LogicBlock, Default)]
struct SerialLink {
    pub clock: Signal<In, Clock>,
    pub write: Signal<In, Bit>,
    pub data: Signal<In, Bits<8>>,
    pub line: Signal<Out, Bit>,
    pub full: Signal<Out, Bit>,
    pub busy: Signal<Out, Bit>,
    pub received: Signal<Out, Bits<8>>,
    pub received_valid: Signal<Out, Bit>,
    transmitter: Transmitter,
    receiver: Receiver,
}

impl Logic for SerialLink {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, transmitter, receiver);
        self.transmitter.write.next = self.write.val();
        self.transmitter.data.next = self.data.val();
        self.receiver.line.next = self.transmitter.line.val();
        self.line.next = self.transmitter.line.val();
        self.full.next = self.transmitter.full.val();
        self.busy.next = self.transmitter.busy.val();
        self.received.next = self.receiver.data.val();
        self.received_valid.next = self.receiver.valid.val();
    }
}

#[test]
fn a_serial_line_with_transmitter_fifo_and_receiver() {
    compare!(SerialLink = SerialLink::default(), clocks [clock], inputs [write, data], 5000);
}
