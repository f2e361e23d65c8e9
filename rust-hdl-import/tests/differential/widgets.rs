//! The widgets that come with rust-hdl.

use std::time::Duration;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::edge_ff::EdgeDFF;
use rust_hdl_widgets::fifo::fifo_logic::{FIFOReadLogic, FIFOWriteLogic};
use rust_hdl_widgets::i2c::i2c_controller::{I2CController, I2CControllerCmd};
use rust_hdl_widgets::i2c::i2c_driver::{I2CDriver, I2CDriverCmd};
use rust_hdl_widgets::prelude::*;
use rust_hdl_widgets::sdram::cmd::{SDRAMCommandDecoder, SDRAMCommandEncoder};

use crate::compare;
use crate::harness::Drive;

#[test]
fn flip_flop() {
    compare!(DFF<Bits<70>> = DFF::default(), clocks [clock], inputs [d], 1000);
}

#[test]
fn flip_flop_with_initial_value() {
    compare!(DFFWithInit<Bits<12>> = DFFWithInit::new(bits(0xABC)), clocks [clock], inputs [d], 1000);
}

#[test]
fn edge_flip_flop() {
    compare!(EdgeDFF<Bits<8>> = EdgeDFF::new(bits(0x5A)), clocks [clk], inputs [d], 1000);
}

#[test]
fn ram_with_content_and_two_clocks() {
    let content = (0..16u64).map(|word| bits(word * 3));
    compare!(
        RAM<Bits<8>, 4> = content.into(),
        clocks [read_clock, write_clock],
        inputs [read_address, write_address, write_data, write_enable],
        4000
    );
}

#[test]
fn rom() {
    let content = (0..13u64).map(|word| bits(word * 7 + 1));
    compare!(ROM<Bits<8>, 4> = content.into(), clocks [], inputs [address], 500);
}

#[test]
fn synchronous_rom() {
    let content = (0..13u64).map(|word| bits(word * 7 + 1));
    compare!(SyncROM<Bits<8>, 4> = content.into(), clocks [clock], inputs [address], 500);
}

#[test]
fn lfsr() {
    compare!(LFSRSimple = LFSRSimple::default(), clocks[clock], inputs[strobe], 2000);
}

#[test]
fn pulse_width_modulator() {
    compare!(PulseWidthModulator<6> = PulseWidthModulator::default(), clocks [clock], inputs [enable, threshold], 2000);
}

#[test]
fn pulser() {
    let pulser = Pulser::new(1_000_000, 100_000.0, Duration::from_micros(3));
    compare!(Pulser = pulser, clocks[clock], inputs[enable], 5000);
}

#[test]
fn strobe() {
    compare!(Strobe<16> = Strobe::new(1_000_000, 100_000.0), clocks [clock], inputs [enable], 5000);
}

#[test]
fn shot() {
    compare!(Shot<16> = Shot::new(1_000_000, Duration::from_micros(2)), clocks [clock], inputs [trigger], 3000);
}

#[test]
fn automatic_reset() {
    compare!(AutoReset = AutoReset::default(), clocks [clock], inputs [], 300);
}

#[test]
fn edge_detector() {
    for is_rising in [false, true] {
        compare!(EdgeDetector = EdgeDetector::new(is_rising), clocks[clock], inputs[input_signal], 1000);
    }
}

#[test]
fn delay_line() {
    compare!(DelayLine<Bits<8>, 8, 3> = DelayLine::default(), clocks [clock], inputs [data_in, delay], 2000);
}

#[test]
fn bit_synchronizer() {
    compare!(BitSynchronizer = BitSynchronizer::default(), clocks[clock], inputs[sig_in], 1000);
}

#[test]
fn vector_synchronizer() {
    compare!(
        VectorSynchronizer<Bits<8>> = VectorSynchronizer::default(),
        clocks [clock_in, clock_out],
        inputs [sig_in, send],
        5000
    );
}

#[test]
fn both_ends_of_a_synchronizer() {
    compare!(SyncSender<Bits<8>> = SyncSender::default(), clocks [clock], inputs [sig_in, ack_in, send], 2000);
    compare!(SyncReceiver<Bits<8>> = SyncReceiver::default(), clocks [clock], inputs [sig_cross, flag_in], 2000);
}

#[test]
fn synchronous_fifo() {
    compare!(SynchronousFIFO<Bits<8>, 4, 5, 2> = SynchronousFIFO::default(), clocks [clock], inputs [read, write, data_in], 5000);
}

#[test]
fn asynchronous_fifo() {
    compare!(
        AsynchronousFIFO<Bits<8>, 4, 5, 1> = AsynchronousFIFO::default(),
        clocks [read_clock, write_clock],
        inputs [read, write, data_in],
        5000
    );
}

#[test]
fn fifo_read_logic() {
    compare!(
        FIFOReadLogic<Bits<8>, 4, 5, 2> = FIFOReadLogic::default(),
        clocks [clock],
        inputs [read, write_address_delayed, ram_read_data],
        2000
    );
}

#[test]
fn fifo_write_logic() {
    compare!(
        FIFOWriteLogic<Bits<8>, 4, 5, 2> = FIFOWriteLogic::default(),
        clocks [clock],
        inputs [write, data_in, read_address],
        2000
    );
}

#[test]
fn register_fifo() {
    compare!(RegisterFIFO<Bits<8>> = RegisterFIFO::default(), clocks [clock], inputs [data_in, write, read], 2000);
}

#[test]
fn fifo_reducer() {
    compare!(FIFOReducer<8, 4, false> = FIFOReducer::default(), clocks [clock], inputs [data_in, empty, full], 2000);
    compare!(FIFOReducer<8, 4, true> = FIFOReducer::default(), clocks [clock], inputs [data_in, empty, full], 2000);
}

#[test]
fn fifo_reducer_by_n() {
    let reducer = FIFOReducerN::new(WordOrder::MostSignificantFirst);
    compare!(FIFOReducerN<32, 8> = reducer, clocks [clock], inputs [data_in, empty, full], 2000);
}

#[test]
fn fifo_expander() {
    let expander = FIFOExpanderN::new(WordOrder::LeastSignificantFirst);
    compare!(FIFOExpanderN<8, 32> = expander, clocks [clock], inputs [data_in, empty, full], 2000);
}

#[test]
fn fifo_that_widens_across_clocks() {
    compare!(
        CrossWidenFIFO<8, 4, 5, 32, 3, 4> = CrossWidenFIFO::default(),
        clocks [write_clock, read_clock],
        inputs [data_in, write, read],
        4000
    );
}

#[test]
fn fifo_that_narrows_across_clocks() {
    compare!(
        CrossNarrowFIFO<32, 3, 4, 8, 4, 5> = CrossNarrowFIFO::default(),
        clocks [write_clock, read_clock],
        inputs [data_in, write, read],
        4000
    );
}

#[test]
fn multiply_accumulate_filter() {
    compare!(
        MultiplyAccumulateSymmetricFiniteImpulseResponseFilter<3> =
            MultiplyAccumulateSymmetricFiniteImpulseResponseFilter::new(&[1, -2, 3, -2, 1]),
        clocks [clock],
        inputs [data_in, strobe_in],
        4000
    );
}

#[test]
fn spi_master() {
    let config = SPIConfig { clock_speed: 1_000_000, cs_off: true, mosi_off: false, speed_hz: 50_000, cpha: true, cpol: false };
    compare!(
        SPIMaster<16> = SPIMaster::new(config),
        clocks [clock],
        inputs [bits_outbound in 1..17, data_outbound, start_send, continued_transaction, wires.miso],
        5000
    );
}

#[test]
fn spi_master_with_dynamic_mode() {
    let config = SPIConfigDynamicMode { clock_speed: 1_000_000, cs_off: true, mosi_off: false, speed_hz: 50_000 };
    compare!(
        SPIMasterDynamicMode<16> = SPIMasterDynamicMode::new(config),
        clocks [clock],
        inputs [bits_outbound in 1..17, data_outbound, start_send, continued_transaction, wires.miso],
        5000
    );
}

#[test]
fn spi_slave() {
    let config = SPIConfig { clock_speed: 1_000_000, cs_off: true, mosi_off: false, speed_hz: 50_000, cpha: true, cpol: false };
    compare!(
        SPISlave<16> = SPISlave::new(config),
        clocks [clock],
        inputs [wires.mosi, wires.msel, wires.mclk, disabled, start_send, data_outbound, bits in 1..17, continued_transaction],
        5000
    );
}

impl Drive for Signal<In, I2CDriverCmd> {
    fn drive(&mut self, limbs: &mut [u64]) {
        use I2CDriverCmd::{GetBit, Noop, Restart, SendFalse, SendStart, SendStop, SendTrue};
        let all = [Noop, SendStart, SendTrue, SendFalse, SendStop, Restart, GetBit];
        drive_one_of(self, &all, limbs);
    }
}

impl Drive for Signal<In, I2CControllerCmd> {
    fn drive(&mut self, limbs: &mut [u64]) {
        use I2CControllerCmd::{BeginRead, BeginWrite, EndTransmission, Noop, Read, ReadLast, Write};
        drive_one_of(self, &[Noop, BeginWrite, Write, BeginRead, Read, EndTransmission, ReadLast], limbs);
    }
}

impl Drive for Signal<In, SDRAMCommand> {
    fn drive(&mut self, limbs: &mut [u64]) {
        use SDRAMCommand::{Active, AutoRefresh, BurstTerminate, LoadModeRegister, NOP, Precharge, Read, Write};
        drive_one_of(self, &[LoadModeRegister, AutoRefresh, Precharge, BurstTerminate, Write, Read, Active, NOP], limbs);
    }
}

/// Drives one of the variants, and puts its number into `limbs`.
fn drive_one_of<T: Synth>(signal: &mut Signal<In, T>, variants: &[T], limbs: &mut [u64]) {
    let variant = variants[(limbs[0] % variants.len() as u64) as usize];
    let text = format!("{:x}", variant.verilog());
    limbs[0] = u64::from_str_radix(text.split_once("'h").expect("a hexadecimal literal").1, 16).expect("a number");
    signal.next = variant;
}

#[test]
fn i2c_driver() {
    let driver = I2CDriver::new(I2CConfig { delay_time: Duration::from_micros(2), clock_speed_hz: 1_000_000 });
    compare!(I2CDriver = driver, clocks [clock], inputs [i2c.sda.line_state, i2c.scl.line_state, cmd, run], 5000, still [i2c_scl_drive_low, read_valid]);
}

#[test]
fn i2c_controller() {
    let controller = I2CController::new(I2CConfig { delay_time: Duration::from_micros(2), clock_speed_hz: 1_000_000 });
    compare!(
        I2CController = controller,
        clocks [clock],
        inputs [i2c.sda.line_state in 1..2, i2c.scl.line_state in 1..2, cmd, run, write_data_in],
        5000,
        still [ack, nack]
    );
}

#[test]
fn i2c_target() {
    compare!(
        I2CTarget = I2CTarget::default(),
        clocks [clock],
        inputs [i2c.sda.line_state, i2c.scl.line_state, active, to_bus, write_enable],
        5000,
        still [i2c_scl_drive_low, bus_write]
    );
}

#[test]
fn sdram_commands() {
    compare!(SDRAMCommandEncoder = SDRAMCommandEncoder::default(), clocks [], inputs [cmd], 200, still [cs_not]);
    compare!(SDRAMCommandDecoder = SDRAMCommandDecoder::default(), clocks [], inputs [ras_not, cas_not, we_not, cs_not], 200);
}

#[test]
fn sdram_controllers() {
    let timings = MemoryTimings::fast_boot_sim(125e6);
    compare!(
        SDRAMBaseController<5, 5, 64, 16> = SDRAMBaseController::new(3, timings, OutputBuffer::Wired),
        clocks [clock],
        inputs [sdram.read_data, data_in, write_not_read, cmd_strobe, cmd_address],
        4000,
        still [sdram_cs_not, busy, error]
    );
    compare!(
        SDRAMBurstController<5, 5, 8, 16> = SDRAMBurstController::new(3, timings, OutputBuffer::Wired),
        clocks [clock],
        inputs [sdram.read_data, data_in, write_not_read, cmd_strobe, cmd_address],
        4000,
        still [sdram_cs_not, busy, error]
    );
}

#[test]
fn sdram_as_a_fifo() {
    let timings = MemoryTimings::fast_boot_sim(125e6);
    compare!(
        SDRAMFIFOController<6, 4, 4, 16, 12> = SDRAMFIFOController::new(3, timings, OutputBuffer::Wired),
        clocks [clock, ram_clock],
        inputs [sdram.read_data, data_in, write, read],
        5000,
        still [sdram_cs_not, sdram_bank]
    );
}

#[test]
fn sdram_buffer() {
    compare!(
        SDRAMOnChipBuffer<16> = SDRAMOnChipBuffer::default(),
        clocks [buf_in.clk],
        inputs [
            buf_in.we_not, buf_in.cas_not, buf_in.ras_not, buf_in.cs_not, buf_in.bank, buf_in.address, buf_in.write_data,
            buf_in.write_enable, buf_out.read_data
        ],
        1000
    );
}

#[test]
fn spi_multiplexers() {
    compare!(
        MuxSlaves<2, 1> = MuxSlaves::default(),
        clocks [],
        inputs [from_master.mosi, from_master.msel, from_master.mclk, sel, to_slaves[0].miso, to_slaves[1].miso],
        500
    );
    compare!(
        MuxMasters<2, 1> = MuxMasters::default(),
        clocks [],
        inputs [
            to_bus.miso, sel,
            from_masters[0].mosi, from_masters[0].msel, from_masters[0].mclk,
            from_masters[1].mosi, from_masters[1].msel, from_masters[1].mclk
        ],
        500
    );
}
