//! With the widths of Verilog, the imported design does what rust-hdl's own Verilog does in Icarus.

use std::process::Command;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_hdl::Value;
use systole_hdl::design::DomainId;
use systole_rust_hdl::{Options, Widths, import_with};
use systole_sim::engine::{limbs_for, read_value};
use systole_sim::{DomainSet, Engine, NodeId, Reference};
use systole_verilog::testbench::{TestbenchOptions, testbench};
use systole_verilog::tools::{Tool, present_for_test};

use crate::compare;
use crate::harness::empty_recording;
use crate::language::{Counter, LateAssignment, Operators, Parts, SignedArithmetic};
use crate::structure::Row;

/// Runs the design with random inputs, and replays that on rust-hdl's Verilog.
fn compare_with_verilog_of_rust_hdl<U: Block>(mut circuit: U, cycles: usize) {
    if !present_for_test(&[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    circuit.connect_all();
    let options = Options { widths: Widths::Verilog, ..Options::default() };
    let design = Arc::new(import_with(&circuit, &options).unwrap());
    let top = design.top_module();
    let mut engine = Reference::new(&design).unwrap();
    let mut recording = empty_recording(&design);
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..cycles {
        for (port, trace) in recording.inputs.iter_mut().enumerate() {
            let width = top.ty(top.inputs[port].cell).width();
            let limbs: Vec<u64> = (0..limbs_for(width)).map(|_| random.next_u64()).collect();
            engine.set_input(port, &limbs);
            trace.values.push(Value::from_limbs(width, limbs));
        }
        engine.settle();
        for (trace, port) in recording.outputs.iter_mut().zip(&top.outputs) {
            trace.values.push(read_value(&engine, NodeId::TOP, port.value));
        }
        engine.edge(DomainSet::only(DomainId(0)));
        recording.domains[0].edges.push(true);
        recording.domains[0].resets.push(false);
    }
    let output = systole_verilog::write(&design, &systole_verilog::Options::default()).unwrap();
    let bench = testbench(&design, &output, &recording, &TestbenchOptions::default()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    bench.write_files(directory.path()).unwrap();
    std::fs::write(directory.path().join("rust_hdl.v"), generate_verilog_unchecked(&circuit)).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(directory.path()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let compiled = run("iverilog", &["-g2005", "-s", &bench.name, "-o", "simulation", "rust_hdl.v", &bench.file_name()]);
    let printed = run("vvp", &["-n", "simulation"]);
    assert!(printed.contains(&format!("PASS {cycles} cycles")), "{compiled}{printed}");
}

#[test]
fn sums_have_the_width_of_a_literal() {
    compare_with_verilog_of_rust_hdl(Counter::default(), 1000);
}

#[test]
fn operators_on_bits() {
    compare_with_verilog_of_rust_hdl(Operators::default(), 1000);
}

#[test]
fn parts_of_wide_words() {
    compare_with_verilog_of_rust_hdl(Parts::default(), 1000);
}

#[test]
fn signed_arithmetic() {
    compare_with_verilog_of_rust_hdl(SignedArithmetic::default(), 1000);
}

#[test]
fn loops_over_arrays() {
    compare_with_verilog_of_rust_hdl(Row::new(), 1000);
}

#[test]
fn widgets() {
    compare_with_verilog_of_rust_hdl(LFSRSimple::default(), 1000);
    compare_with_verilog_of_rust_hdl(FIFOReducer::<8, 4, true>::default(), 1000);
    compare_with_verilog_of_rust_hdl(FIFOExpanderN::<8, 32>::new(WordOrder::LeastSignificantFirst), 1000);
    compare_with_verilog_of_rust_hdl(Strobe::<16>::new(1_000_000, 100_000.0), 1000);
    compare_with_verilog_of_rust_hdl(PulseWidthModulator::<6>::default(), 1000);
    compare_with_verilog_of_rust_hdl(DelayLine::<Bits<8>, 8, 3>::default(), 1000);
}

/// Expressions that Verilog groups in another way than Rust, and operators that grow together.
#[derive(LogicBlock, Default)]
struct Grouping {
    pub a: Signal<In, Bits<6>>,
    pub b: Signal<In, Bits<6>>,
    pub masked_is_zero: Signal<Out, Bit>,
    pub equal_pairs: Signal<Out, Bit>,
    pub mixed: Signal<Out, Bits<6>>,
    pub not_all: Signal<Out, Bits<6>>,
    pub not_any: Signal<Out, Bits<6>>,
    pub not_odd: Signal<Out, Bits<6>>,
}

#[allow(clippy::precedence, reason = "missing parentheses are the subject")]
impl Logic for Grouping {
    #[hdl_gen]
    fn update(&mut self) {
        self.masked_is_zero.next = self.a.val() & 0x0C == 0;
        self.equal_pairs.next = self.a.val() ^ self.b.val() | 3 == self.b.val() + 1 && self.a.val() < 60;
        self.mixed.next = self.a.val() + self.b.val() & 0x1F | self.a.val() << 1 ^ self.b.val() >> 2;
        self.not_all.next = bit_cast::<6, 1>((!self.a.val().all()).into());
        self.not_any.next = bit_cast::<6, 1>((!self.a.val().any()).into());
        self.not_odd.next = bit_cast::<6, 1>((!self.a.val().xor()).into());
    }
}

#[test]
fn operators_bind_as_in_verilog() {
    compare_with_verilog_of_rust_hdl(Grouping::default(), 1000);
}

#[test]
fn in_the_simulators_widths_operators_bind_as_in_rust() {
    compare!(Grouping = Grouping::default(), clocks [], inputs [a, b], 1000);
}

#[test]
fn a_child_s_input_reads_as_it_stands() {
    compare_with_verilog_of_rust_hdl(LateAssignment::default(), 1000);
}

/// Cases that a wider comparison tells apart.
#[derive(LogicBlock, Default)]
struct Cases {
    pub a: Signal<In, Bits<3>>,
    pub b: Signal<In, Bits<3>>,
    pub inverted: Signal<Out, Bits<2>>,
    pub summed: Signal<Out, Bits<2>>,
}

impl Logic for Cases {
    #[hdl_gen]
    fn update(&mut self) {
        match (!self.a.val()).index() {
            2 => self.inverted.next = 1.into(),
            _ => self.inverted.next = 2.into(),
        }
        match self.a.val().index() + self.b.val().index() {
            9 => self.summed.next = 1.into(),
            1 => self.summed.next = 3.into(),
            _ => self.summed.next = 2.into(),
        }
    }
}

#[test]
fn cases_compare_in_the_width_of_their_patterns() {
    compare_with_verilog_of_rust_hdl(Cases::default(), 500);
}
