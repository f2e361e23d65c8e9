//! Children's inputs that a testbench drives.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_rust_hdl::{Options, Undriven, import_with};

use crate::compare;
use crate::harness::{ClockInput, Drive, Input, compare_with};

fn ports() -> Options {
    Options { undriven: Undriven::Ports, ..Options::default() }
}

fn config() -> SPIConfig {
    SPIConfig { clock_speed: 1_000_000, cs_off: true, mosi_off: false, speed_hz: 50_000, cpha: true, cpol: false }
}

/// Master and slave, whose inputs a testbench assigns.
#[derive(LogicBlock)]
struct Fixture {
    pub clock: Signal<In, Clock>,
    pub received: Signal<Out, Bits<8>>,
    pub answer: Signal<Out, Bits<8>>,
    master: SPIMaster<8>,
    slave: SPISlave<8>,
}

impl Default for Fixture {
    fn default() -> Self {
        Fixture {
            clock: Default::default(),
            received: Default::default(),
            answer: Default::default(),
            master: SPIMaster::new(config()),
            slave: SPISlave::new(config()),
        }
    }
}

impl Logic for Fixture {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, master, slave);
        SPIWiresMaster::join(&mut self.master.wires, &mut self.slave.wires);
        self.received.next = self.slave.data_inbound.val();
        self.answer.next = self.master.data_inbound.val();
    }
}

#[test]
fn inputs_that_only_a_testbench_drives_are_ports_on_request() {
    compare!(
        with &ports(),
        Fixture = Fixture::default(),
        clocks [clock],
        inputs [
            master.bits_outbound in 1..9, master.data_outbound, master.start_send, master.continued_transaction,
            slave.disabled in 0..1, slave.start_send, slave.data_outbound, slave.bits in 1..9, slave.continued_transaction in 0..1
        ],
        6000
    );
}

#[derive(LogicBlock, Default)]
struct Counter {
    pub clock: Signal<In, Clock>,
    pub enable: Signal<In, Bit>,
    pub value: Signal<Out, Bits<4>>,
    count: DFF<Bits<4>>,
    step: DFF<Bits<4>>,
}

impl Logic for Counter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, count, step);
        self.count.d.next = self.count.q.val();
        if self.enable.val() {
            self.count.d.next = self.count.q.val() + self.step.q.val();
        }
        self.value.next = self.count.q.val();
    }
}

#[derive(LogicBlock, Default)]
struct Deep {
    pub sum: Signal<Out, Bits<4>>,
    first: Counter,
    others: [Counter; 2],
}

impl Logic for Deep {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = self.first.value.val() + self.others[0].value.val() + self.others[1].value.val();
        self.others[1].enable.next = true;
    }
}

/// One level more between the testbench and what it drives.
#[derive(LogicBlock, Default)]
struct Deeper {
    pub sum: Signal<Out, Bits<4>>,
    inner: Deep,
}

impl Logic for Deeper {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = self.inner.sum.val();
    }
}

#[test]
fn ports_lead_through_all_levels_and_clocks_are_domains() {
    let design = import_with(&Deeper::default(), &ports()).unwrap();
    let names = |ports: &[systole_hdl::design::InputPort]| ports.iter().map(|port| port.name.to_string()).collect::<Vec<_>>();
    let mut inputs = names(&design.top_module().inputs);
    inputs.sort();
    assert_eq!(
        inputs,
        ["inner_first_enable", "inner_first_step_d", "inner_others_0_enable", "inner_others_0_step_d", "inner_others_1_step_d"]
    );
    let domains: Vec<_> = design.top_module().domains.iter().map(|domain| domain.name.as_str()).collect();
    assert_eq!(domains, ["inner_first", "inner_others_0", "inner_others_1"]);
    let enable = |name: &'static str, enable: fn(&mut Deeper) -> &mut Signal<In, Bit>| -> Input<Deeper> {
        (name, Box::new(move |circuit, limbs| enable(circuit).drive(limbs)))
    };
    let step = |name: &'static str, step: fn(&mut Deeper) -> &mut Signal<In, Bits<4>>| -> Input<Deeper> {
        (name, Box::new(move |circuit, limbs| step(circuit).drive(limbs)))
    };
    let clock =
        |index: usize| -> ClockInput<Deeper> { Box::new(move |circuit, level| circuit.inner.others[index].clock.next = level.into()) };
    compare_with(
        &ports(),
        Deeper::default(),
        &[Box::new(|circuit, level| circuit.inner.first.clock.next = level.into()), clock(0), clock(1)],
        &[
            enable("inner_first_enable", |circuit| &mut circuit.inner.first.enable),
            step("inner_first_step_d", |circuit| &mut circuit.inner.first.step.d),
            enable("inner_others_0_enable", |circuit| &mut circuit.inner.others[0].enable),
            step("inner_others_0_step_d", |circuit| &mut circuit.inner.others[0].step.d),
            step("inner_others_1_step_d", |circuit| &mut circuit.inner.others[1].step.d),
        ],
        2000,
        &[],
    );
}
