//! Larger circuits: a bus with a controller and two targets, two SPI ends that talk, a chain of multiply-accumulate elements.

use std::time::Duration;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::i2c::i2c_controller::{I2CController, I2CControllerCmd};
use rust_hdl_widgets::prelude::*;

use crate::chain::Chain;
use crate::compare;

/// Writes a word to the first target and reads one back, over and over.
#[derive(LogicBlock)]
struct I2CSystem {
    pub clock: Signal<In, Clock>,
    pub run: Signal<In, Bit>,
    pub data: Signal<In, Bits<8>>,
    pub error: Signal<Out, Bit>,
    pub read_data: Signal<Out, Bits<8>>,
    pub read_valid: Signal<Out, Bit>,
    pub acknowledged: Signal<Out, Bit>,
    pub refused: Signal<Out, Bit>,
    pub step: Signal<Out, Bits<4>>,
    controller: I2CController,
    first: I2CTestTarget,
    second: I2CTestTarget,
    bus: I2CTestBus<3>,
    count: DFF<Bits<4>>,
    address: Constant<Bits<8>>,
}

impl I2CSystem {
    fn new() -> I2CSystem {
        I2CSystem {
            clock: Default::default(),
            run: Default::default(),
            data: Default::default(),
            error: Default::default(),
            read_data: Default::default(),
            read_valid: Default::default(),
            acknowledged: Default::default(),
            refused: Default::default(),
            step: Default::default(),
            controller: I2CController::new(I2CConfig { delay_time: Duration::from_micros(2), clock_speed_hz: 1_000_000 }),
            first: I2CTestTarget::new(0x53),
            second: I2CTestTarget::new(0x57),
            bus: Default::default(),
            count: Default::default(),
            address: Constant::new(0x53.into()),
        }
    }
}

impl Logic for I2CSystem {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, controller, first, second);
        dff_setup!(self, clock, count);
        I2CBusDriver::join(&mut self.controller.i2c, &mut self.bus.endpoints[0]);
        I2CBusDriver::join(&mut self.first.i2c, &mut self.bus.endpoints[1]);
        I2CBusDriver::join(&mut self.second.i2c, &mut self.bus.endpoints[2]);
        self.controller.run.next = self.run.val() & !self.controller.busy.val();
        self.controller.cmd.next = I2CControllerCmd::Write;
        self.controller.write_data_in.next = self.data.val();
        if (self.count.q.val() == 0) | (self.count.q.val() == 5) {
            self.controller.cmd.next = I2CControllerCmd::BeginWrite;
            self.controller.write_data_in.next = self.address.val();
        } else if self.count.q.val() == 7 {
            self.controller.cmd.next = I2CControllerCmd::BeginRead;
            self.controller.write_data_in.next = self.address.val();
        } else if self.count.q.val() == 8 {
            self.controller.cmd.next = I2CControllerCmd::Read;
        } else if self.count.q.val() == 9 {
            self.controller.cmd.next = I2CControllerCmd::ReadLast;
        } else if (self.count.q.val() == 4) | (self.count.q.val() == 10) {
            self.controller.cmd.next = I2CControllerCmd::EndTransmission;
        }
        if self.run.val() & !self.controller.busy.val() {
            self.count.d.next = self.count.q.val() + 1;
            if self.count.q.val() == 10 {
                self.count.d.next = 0.into();
            }
        }
        self.step.next = self.count.q.val();
        self.error.next = self.controller.error.val();
        self.read_data.next = self.controller.read_data_out.val();
        self.read_valid.next = self.controller.read_valid.val();
        self.acknowledged.next = self.controller.ack.val();
        self.refused.next = self.controller.nack.val();
    }
}

#[test]
fn an_i2c_bus_with_a_controller_and_two_targets() {
    let moved =
        compare!(I2CSystem = I2CSystem::new(), clocks [clock], inputs [run, data], 12_000, still [error, refused]).in_verilator().moved;
    assert!(moved > 100, "the bus is stuck: {moved} cycles with a change");
}

#[derive(LogicBlock)]
struct SpiLoop {
    pub clock: Signal<In, Clock>,
    pub start: Signal<In, Bit>,
    pub send: Signal<In, Bits<16>>,
    pub answer: Signal<In, Bits<16>>,
    pub arm: Signal<In, Bit>,
    pub sent: Signal<Out, Bits<16>>,
    pub received: Signal<Out, Bits<16>>,
    pub master_done: Signal<Out, Bit>,
    pub slave_done: Signal<Out, Bit>,
    pub busy: Signal<Out, Bits<2>>,
    master: SPIMaster<16>,
    slave: SPISlave<16>,
}

impl SpiLoop {
    fn new() -> SpiLoop {
        let config = SPIConfig { clock_speed: 1_000_000, cs_off: true, mosi_off: false, speed_hz: 20_000, cpha: true, cpol: false };
        SpiLoop {
            clock: Default::default(),
            start: Default::default(),
            send: Default::default(),
            answer: Default::default(),
            arm: Default::default(),
            sent: Default::default(),
            received: Default::default(),
            master_done: Default::default(),
            slave_done: Default::default(),
            busy: Default::default(),
            master: SPIMaster::new(config),
            slave: SPISlave::new(config),
        }
    }
}

impl Logic for SpiLoop {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, master, slave);
        SPIWiresMaster::join(&mut self.master.wires, &mut self.slave.wires);
        self.master.bits_outbound.next = 16.into();
        self.master.data_outbound.next = self.send.val();
        self.master.start_send.next = self.start.val();
        self.master.continued_transaction.next = false;
        self.slave.disabled.next = false;
        self.slave.bits.next = 16.into();
        self.slave.data_outbound.next = self.answer.val();
        self.slave.start_send.next = self.arm.val();
        self.slave.continued_transaction.next = false;
        self.sent.next = self.slave.data_inbound.val();
        self.received.next = self.master.data_inbound.val();
        self.master_done.next = self.master.transfer_done.val();
        self.slave_done.next = self.slave.transfer_done.val();
        self.busy.next = bit_cast::<2, 1>(self.master.busy.val().into()) | (bit_cast::<2, 1>(self.slave.busy.val().into()) << 1);
    }
}

#[test]
fn an_spi_master_and_slave_that_talk() {
    let moved = compare!(SpiLoop = SpiLoop::new(), clocks [clock], inputs [start, send, answer, arm], 12_000).moved;
    assert!(moved > 100, "the link is stuck: {moved} cycles with a change");
}

#[test]
fn a_chain_of_multiply_accumulate_elements() {
    compare!(Chain<16> = Chain::default(), clocks [clock], inputs [load, weight, data], 1000);
}

#[test]
fn all_elements_of_a_chain_share_one_definition() {
    let design = systole_rust_hdl::import(&Chain::<256>::default()).unwrap();
    assert_eq!(design.modules.len(), 2);
    assert_eq!(design.instance_counts(), [256, 1]);
}
