//! Two clocks: a producer and a consumer with an asynchronous FIFO between them.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum ProducerState {
    Compute,
    Send,
    Pause,
}

/// Computes a word in three cycles, offers it until the FIFO takes it, and rests after eight words, as long as it is told to.
#[derive(LogicBlock, Default)]
struct Producer {
    pub clock: Signal<In, Clock>,
    pub pause: Signal<In, Bit>,
    pub full: Signal<In, Bit>,
    pub data: Signal<Out, Bits<16>>,
    pub write: Signal<Out, Bit>,
    state: DFF<ProducerState>,
    steps: DFF<Bits<2>>,
    words: DFF<Bits<3>>,
    value: DFF<Bits<16>>,
}

impl Logic for Producer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, steps, words, value);
        self.data.next = self.value.q.val();
        self.write.next = false;
        match self.state.q.val() {
            ProducerState::Compute => {
                self.value.d.next = (self.value.q.val() << 3) ^ (self.value.q.val() >> 5) ^ 0x5A17;
                self.steps.d.next = self.steps.q.val() + 1;
                if self.steps.q.val() == 2 {
                    self.steps.d.next = 0.into();
                    self.state.d.next = ProducerState::Send;
                }
            }
            ProducerState::Send => {
                if !self.full.val() {
                    self.write.next = true;
                    self.words.d.next = self.words.q.val() + 1;
                    self.state.d.next = ProducerState::Compute;
                    if self.words.q.val() == 7 {
                        self.state.d.next = ProducerState::Pause;
                    }
                }
            }
            ProducerState::Pause => {
                if !self.pause.val() {
                    self.state.d.next = ProducerState::Compute;
                }
            }
        }
    }
}

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum ConsumerState {
    Wait,
    Fold,
    Show,
}

/// Takes a word where there is one, folds it into a checksum, and shows the checksum after every fourth word.
#[derive(LogicBlock, Default)]
struct Consumer {
    pub clock: Signal<In, Clock>,
    pub take: Signal<In, Bit>,
    pub empty: Signal<In, Bit>,
    pub data: Signal<In, Bits<16>>,
    pub read: Signal<Out, Bit>,
    pub checksum: Signal<Out, Bits<24>>,
    pub valid: Signal<Out, Bit>,
    state: DFF<ConsumerState>,
    held: DFF<Bits<16>>,
    words: DFF<Bits<2>>,
    sum: DFF<Bits<24>>,
}

impl Logic for Consumer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, held, words, sum);
        self.read.next = false;
        self.valid.next = false;
        self.checksum.next = self.sum.q.val();
        match self.state.q.val() {
            ConsumerState::Wait => {
                if self.take.val() & !self.empty.val() {
                    self.held.d.next = self.data.val();
                    self.read.next = true;
                    self.state.d.next = ConsumerState::Fold;
                }
            }
            ConsumerState::Fold => {
                self.sum.d.next = (self.sum.q.val() << 1) + bit_cast::<24, 16>(self.held.q.val());
                self.words.d.next = self.words.q.val() + 1;
                self.state.d.next = ConsumerState::Wait;
                if self.words.q.val() == 3 {
                    self.state.d.next = ConsumerState::Show;
                }
            }
            ConsumerState::Show => {
                self.valid.next = true;
                self.state.d.next = ConsumerState::Wait;
            }
        }
    }
}

/// Producer and consumer, each with a clock of its own, with an asynchronous FIFO between them. The consumer's wish to pause comes
/// back through a synchronizer.
#[derive(LogicBlock, Default)]
struct ClockCrossing {
    pub read_clock: Signal<In, Clock>,
    pub write_clock: Signal<In, Clock>,
    pub take: Signal<In, Bit>,
    pub pause: Signal<In, Bit>,
    pub checksum: Signal<Out, Bits<24>>,
    pub valid: Signal<Out, Bit>,
    pub full: Signal<Out, Bit>,
    pub read_fill: Signal<Out, Bits<4>>,
    pub write_fill: Signal<Out, Bits<4>>,
    producer: Producer,
    consumer: Consumer,
    fifo: AsynchronousFIFO<Bits<16>, 3, 4, 1>,
    paused: BitSynchronizer,
}

impl Logic for ClockCrossing {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, write_clock, producer, paused);
        clock!(self, read_clock, consumer);
        self.fifo.write_clock.next = self.write_clock.val();
        self.fifo.read_clock.next = self.read_clock.val();
        self.paused.sig_in.next = self.pause.val();
        self.producer.pause.next = self.paused.sig_out.val();
        self.producer.full.next = self.fifo.full.val();
        self.fifo.data_in.next = self.producer.data.val();
        self.fifo.write.next = self.producer.write.val();
        self.consumer.take.next = self.take.val();
        self.consumer.empty.next = self.fifo.empty.val();
        self.consumer.data.next = self.fifo.data_out.val();
        self.fifo.read.next = self.consumer.read.val();
        self.checksum.next = self.consumer.checksum.val();
        self.valid.next = self.consumer.valid.val();
        self.full.next = self.fifo.full.val();
        self.read_fill.next = self.fifo.read_fill.val();
        self.write_fill.next = self.fifo.write_fill.val();
    }
}

#[test]
fn a_stream_between_two_clocks() {
    compare!(ClockCrossing = ClockCrossing::default(), clocks [read_clock, write_clock], inputs [take, pause], 10_000).in_verilator();
}

#[test]
fn a_clock_domain_is_named_after_its_clock() {
    let mut circuit = ClockCrossing::default();
    circuit.connect_all();
    let design = systole_rust_hdl::import(&circuit).unwrap();
    let names: Vec<_> = design.top_module().domains.iter().map(|domain| domain.name.as_str()).collect();
    assert_eq!(names, ["read", "write"]);
}
