//! Designs of rust-hdl's widget library, whose speed is measured.

use std::sync::Arc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_hdl::design::DomainId;
use systole_sim::{Compiled, DomainSet, Engine, NodeId};

use crate::{Arguments, Checked, Measured, compare, measure};

/// The designs that can be measured.
pub const NAMES: [&str; 4] = ["sdram-fifo", "spi-master", "asynchronous-fifo", "filter"];

/// A port of the imported design, its width, and what sets it in the circuit.
type Input<U> = (&'static str, u32, fn(&mut U, u64));
/// A port of the imported design, and what reads it in the circuit.
type Output<U> = (&'static str, fn(&U) -> u64);

/// A circuit, and how to drive and to read it.
struct Subject<U> {
    circuit: fn() -> U,
    /// Sets all clocks.
    clock: fn(&mut U, bool),
    inputs: Vec<Input<U>>,
    outputs: Vec<Output<U>>,
}

/// Compares a design that is named on the command line.
pub fn compare_named(name: &str, arguments: &Arguments) -> anyhow::Result<()> {
    match name {
        "sdram-fifo" => compare_subject(name, arguments, &sdram_fifo()),
        "spi-master" => compare_subject(name, arguments, &spi_master()),
        "asynchronous-fifo" => compare_subject(name, arguments, &asynchronous_fifo()),
        "filter" => compare_subject(name, arguments, &filter()),
        _ => anyhow::bail!("{name} is not one of the designs {}", NAMES.join(", ")),
    }
}

/// Pushes and pops words at random; the memory answers at random.
fn sdram_fifo() -> Subject<SDRAMFIFOController<6, 4, 4, 16, 12>> {
    Subject {
        circuit: || SDRAMFIFOController::new(3, MemoryTimings::fast_boot_sim(125e6), OutputBuffer::Wired),
        clock: |circuit, level| {
            circuit.clock.next = level.into();
            circuit.ram_clock.next = level.into();
        },
        inputs: vec![
            ("sdram_read_data", 16, |circuit, value| circuit.sdram.read_data.next = value.to_bits()),
            ("data_in", 16, |circuit, value| circuit.data_in.next = value.to_bits()),
            ("write", 1, |circuit, value| circuit.write.next = value == 1),
            ("read", 1, |circuit, value| circuit.read.next = value == 1),
        ],
        outputs: vec![
            ("data_out", |circuit| circuit.data_out.val().to_u64()),
            ("status", |circuit| circuit.status.val().to_u64()),
            ("sdram_address", |circuit| circuit.sdram.address.val().to_u64()),
            ("sdram_write_data", |circuit| circuit.sdram.write_data.val().to_u64()),
        ],
    }
}

fn spi_master() -> Subject<SPIMaster<16>> {
    Subject {
        circuit: || {
            let (clock_speed, speed_hz) = (1_000_000, 50_000);
            SPIMaster::new(SPIConfig { clock_speed, cs_off: true, mosi_off: false, speed_hz, cpha: true, cpol: false })
        },
        clock: |circuit, level| circuit.clock.next = level.into(),
        inputs: vec![
            ("bits_outbound", 4, |circuit, value| circuit.bits_outbound.next = value.to_bits()),
            ("data_outbound", 16, |circuit, value| circuit.data_outbound.next = value.to_bits()),
            ("start_send", 1, |circuit, value| circuit.start_send.next = value == 1),
            ("continued_transaction", 1, |circuit, value| circuit.continued_transaction.next = value == 1),
            ("wires_miso", 1, |circuit, value| circuit.wires.miso.next = value == 1),
        ],
        outputs: vec![
            ("data_inbound", |circuit| circuit.data_inbound.val().to_u64()),
            ("wires_mosi", |circuit| circuit.wires.mosi.val().into()),
            ("busy", |circuit| circuit.busy.val().into()),
        ],
    }
}

fn asynchronous_fifo() -> Subject<AsynchronousFIFO<Bits<16>, 4, 5, 1>> {
    Subject {
        circuit: AsynchronousFIFO::default,
        clock: |circuit, level| {
            circuit.read_clock.next = level.into();
            circuit.write_clock.next = level.into();
        },
        inputs: vec![
            ("read", 1, |circuit, value| circuit.read.next = value == 1),
            ("write", 1, |circuit, value| circuit.write.next = value == 1),
            ("data_in", 16, |circuit, value| circuit.data_in.next = value.to_bits()),
        ],
        outputs: vec![
            ("data_out", |circuit| circuit.data_out.val().to_u64()),
            ("read_fill", |circuit| circuit.read_fill.val().to_u64()),
            ("write_fill", |circuit| circuit.write_fill.val().to_u64()),
        ],
    }
}

fn filter() -> Subject<MultiplyAccumulateSymmetricFiniteImpulseResponseFilter<3>> {
    Subject {
        circuit: || MultiplyAccumulateSymmetricFiniteImpulseResponseFilter::new(&[1, -2, 3, -2, 1]),
        clock: |circuit, level| circuit.clock.next = level.into(),
        inputs: vec![
            ("data_in", 16, |circuit, value| circuit.data_in.next = signed_cast(value.to_bits())),
            ("strobe_in", 1, |circuit, value| circuit.strobe_in.next = value == 1),
        ],
        outputs: vec![
            ("data_out", |circuit| unsigned_cast(circuit.data_out.val()).to_u64()),
            ("strobe_out", |circuit| circuit.strobe_out.val().into()),
        ],
    }
}

/// A pseudo-random number for each input, cycle by cycle, with as many bits as the input has.
fn stimulus<U>(subject: &Subject<U>) -> impl Iterator<Item = Vec<u64>> + use<U> {
    let widths: Vec<u32> = subject.inputs.iter().map(|(_, width, _)| *width).collect();
    let mut random = 1_u64;
    std::iter::repeat_with(move || {
        let mut next = |width: &u32| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            random >> (64 - width)
        };
        widths.iter().map(&mut next).collect()
    })
}

/// All outputs of a cycle in one number.
fn mixed(outputs: impl Iterator<Item = u64>) -> u64 {
    let mut checked = Checked::default();
    outputs.for_each(|output| checked.add(output));
    if checked.nonzero == 0 { 0 } else { checked.checksum }
}

fn compare_subject<U: Block>(name: &str, arguments: &Arguments, subject: &Subject<U>) -> anyhow::Result<()> {
    let seconds = arguments.seconds;
    compare(name, arguments.rounds, || in_rust_hdl(subject, seconds), |to_check| on_the_compiled_engine(subject, seconds, to_check))
}

fn in_rust_hdl<U: Block>(subject: &Subject<U>, seconds: f64) -> anyhow::Result<Measured> {
    let mut circuit = Box::new((subject.circuit)());
    circuit.connect_all();
    let settle = |circuit: &mut U| match simulate(circuit, 100) {
        true => Ok(()),
        false => Err(anyhow::anyhow!("rust-hdl's simulator does not settle")),
    };
    measure(stimulus(subject), seconds, 1000, 16, u64::MAX, |values| {
        subject.inputs.iter().zip(values).for_each(|((_, _, drive), value)| drive(&mut circuit, *value));
        (subject.clock)(&mut circuit, false);
        settle(&mut circuit)?;
        let output = mixed(subject.outputs.iter().map(|(_, read)| read(&circuit)));
        (subject.clock)(&mut circuit, true);
        settle(&mut circuit)?;
        Ok(output)
    })
}

fn on_the_compiled_engine<U: Block>(subject: &Subject<U>, seconds: f64, to_check: u64) -> anyhow::Result<Measured> {
    let mut circuit = Box::new((subject.circuit)());
    circuit.connect_all();
    let refused =
        |found: Vec<systole_rust_hdl::Diagnostic>| anyhow::anyhow!("{}", found.iter().map(ToString::to_string).collect::<String>());
    let design = Arc::new(systole_rust_hdl::import(&*circuit).map_err(refused)?);
    let mut engine = Compiled::new(&design)?;
    let top = design.top_module();
    let find = |found: Option<usize>, name: &str| found.ok_or_else(|| anyhow::anyhow!("the design has no port {name}"));
    let inputs: Vec<usize> = subject
        .inputs
        .iter()
        .map(|(name, ..)| find(top.inputs.iter().position(|port| port.name == *name), name))
        .collect::<anyhow::Result<_>>()?;
    let outputs: Vec<usize> = subject
        .outputs
        .iter()
        .map(|(name, _)| find(top.outputs.iter().position(|port| port.name == *name), name))
        .collect::<anyhow::Result<_>>()?;
    let outputs: Vec<_> = outputs.into_iter().map(|port| (NodeId::TOP, top.outputs[port].value)).collect();
    engine.keep(&outputs);
    let domains = (0..top.domains.len() as u32).map(DomainId).fold(DomainSet::EMPTY, DomainSet::with);
    measure(stimulus(subject), seconds, to_check, 4096, to_check, |values| {
        inputs.iter().zip(values).for_each(|(port, value)| engine.set_input(*port, &[*value]));
        engine.settle();
        let output = mixed(outputs.iter().map(|(node, cell)| engine.read_u64(*node, *cell)));
        engine.edge(domains);
        Ok(output)
    })
}
