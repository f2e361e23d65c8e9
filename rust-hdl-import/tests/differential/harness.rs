//! Drives a rust-hdl circuit in its own simulator and the imported design in both of our engines, with the same random inputs, and
//! compares every output before every edge. What was recorded is then replayed on our Verilog in Icarus, if that is installed.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rust_hdl_core::prelude::*;
use systole_hdl::design::DomainId;
use systole_hdl::{Design, Value};
use systole_rust_hdl::Options;
use systole_sim::engine::limbs_for;
use systole_sim::{Compiled, DomainSet, Engine, NodeId, Reference};
use systole_verilog::testbench::{DomainTrace, PortTrace, Recording, TestbenchOptions, testbench};
use systole_verilog::tools::{self, Simulator, Tool, present_for_test, run_testbench};

/// An input that random limbs can drive.
pub trait Drive {
    /// Drives the input with the low bits of `limbs`; where these are no value of its type, with others that it puts there.
    fn drive(&mut self, limbs: &mut [u64]);
}

impl Drive for Signal<In, bool> {
    fn drive(&mut self, limbs: &mut [u64]) {
        self.next = limbs[0] & 1 == 1;
    }
}

fn bits_of<const N: usize>(limbs: &[u64]) -> Bits<N> {
    (0..N).fold(Bits::default(), |bits: Bits<N>, index| bits.replace_bit(index, limbs[index / 64] >> (index % 64) & 1 == 1))
}

impl<const N: usize> Drive for Signal<In, Bits<N>> {
    fn drive(&mut self, limbs: &mut [u64]) {
        self.next = bits_of(limbs);
    }
}

impl<const N: usize> Drive for Signal<In, Signed<N>> {
    fn drive(&mut self, limbs: &mut [u64]) {
        self.next = signed_cast(bits_of(limbs));
    }
}

/// An input port of ours and how to drive it in the circuit.
pub type Input<U> = (&'static str, Box<dyn Fn(&mut U, &mut [u64])>);
/// How to drive a clock of the circuit.
pub type ClockInput<U> = Box<dyn Fn(&mut U, bool)>;

/// The present values of a circuit's outputs.
#[derive(Default)]
struct Outputs {
    depth: usize,
    interfaces: Vec<String>,
    values: Vec<(String, String)>,
}

impl Probe for Outputs {
    fn visit_start_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth += 1;
    }
    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.depth -= 1;
    }
    fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
        self.interfaces.push(name.to_string());
    }
    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.interfaces.pop();
    }
    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        if self.depth == 1 && signal.kind() == AtomKind::OutputParameter && signal.descriptor().name != "clock" {
            let name =
                self.interfaces.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("_").replace('$', "_").replace("r#", "");
            let value = format!("{:x}", signal.verilog());
            let digits = value.split_once("'h").map_or("", |(_, digits)| digits).trim_start_matches('0').to_string();
            self.values.push((name, digits));
        }
    }
}

/// What a comparison gave.
pub struct Compared {
    /// The number of cycles in which an output changed.
    pub moved: u64,
    design: Arc<Design>,
    recording: Recording,
}

impl Compared {
    /// Compares the recording with our Verilog in Verilator too, which takes some seconds to build it.
    pub fn in_verilator(self) -> Compared {
        check_verilog(&self.design, &self.recording, Simulator::Verilator);
        self
    }
}

/// Runs a circuit three ways for `cycles` cycles. With several clocks, a random set of them has an edge in each cycle.
///
/// All outputs must change, except those that are said to stand `still`, which must not.
pub fn compare_with<U: Block>(
    options: &Options,
    mut circuit: U,
    clocks: &[ClockInput<U>],
    inputs: &[Input<U>],
    cycles: u64,
    still: &[&str],
) -> Compared {
    circuit.connect_all();
    let design = Arc::new(
        systole_rust_hdl::import_with(&circuit, options)
            .unwrap_or_else(|found| panic!("refused:\n{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))),
    );
    let top = design.top_module();
    let names: Vec<_> = top.inputs.iter().map(|port| port.name.as_str()).collect();
    let mut driven: Vec<_> = inputs.iter().map(|(name, _)| *name).collect();
    driven.sort_by_key(|name| names.iter().position(|port| port == name));
    assert_eq!(names, driven, "every input is driven");
    let mut engines: [Box<dyn Engine>; 2] =
        [Box::new(Reference::new(&design).expect("a reference engine")), Box::new(Compiled::new(&design).expect("a compiled engine"))];
    let mut recording = empty_recording(&design);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut moved, mut moved_outputs) = (0, vec![false; top.outputs.len()]);
    let mut last: Vec<(String, String)> = Vec::new();
    for cycle in 0..cycles {
        for (name, drive) in inputs {
            let port = names.iter().position(|port| port == name).expect("checked above");
            let width = top.ty(top.inputs[port].cell).width();
            let mut limbs: Vec<u64> = (0..limbs_for(width)).map(|_| random.next_u64()).collect();
            drive(&mut circuit, &mut limbs);
            engines.iter_mut().for_each(|engine| engine.set_input(port, &limbs));
            recording.inputs[port].values.push(Value::from_limbs(width, limbs));
        }
        assert!(simulate(&mut circuit, 100), "rust-hdl does not settle in cycle {cycle}");
        let mut outputs = Outputs::default();
        circuit.accept("top", &mut outputs);
        assert_eq!(outputs.values.len(), top.outputs.len());
        for engine in &mut engines {
            engine.settle();
            for ((name, expected), port) in outputs.values.iter().zip(&top.outputs) {
                assert_eq!(*name, port.name);
                let value = systole_sim::engine::read_value(&**engine, NodeId::TOP, port.value).to_biguint().to_str_radix(16);
                let expected = if expected.is_empty() { "0" } else { expected };
                assert_eq!(value, expected, "output {name} in cycle {cycle}");
            }
        }
        for (trace, port) in recording.outputs.iter_mut().zip(&top.outputs) {
            trace.values.push(systole_sim::engine::read_value(&*engines[0], NodeId::TOP, port.value));
        }
        let is_other = outputs.values.iter().zip(&last).map(|(now, last)| now != last);
        moved_outputs.iter_mut().zip(is_other).for_each(|(moved, is_other)| *moved |= is_other);
        moved += u64::from(cycle > 0 && outputs.values != last);
        last = outputs.values;
        let chosen = if clocks.len() < 2 { 1 } else { random.next_u64() % (1 << clocks.len()) };
        let edges = (0..clocks.len()).filter(|clock| chosen >> clock & 1 == 1);
        for level in [true, false] {
            edges.clone().for_each(|clock| clocks[clock](&mut circuit, level));
            assert!(simulate(&mut circuit, 100), "rust-hdl does not settle in cycle {cycle}");
        }
        let domains = edges.fold(DomainSet::EMPTY, |set, clock| set.with(DomainId(clock as u32)));
        engines.iter_mut().for_each(|engine| engine.edge(domains));
        for (domain, trace) in recording.domains.iter_mut().enumerate() {
            trace.edges.push(domains.contains(DomainId(domain as u32)));
            trace.resets.push(false);
        }
    }
    assert!(moved > 0 && moved >= cycles / 500, "the outputs hardly move: {moved} of {cycles} cycles");
    let unmoved: Vec<_> =
        top.outputs.iter().zip(&moved_outputs).filter(|(_, moved)| !**moved).map(|(port, _)| port.name.as_str()).collect();
    assert_eq!(unmoved, still, "outputs that never change");
    check_verilog(&design, &recording, Simulator::Icarus);
    Compared { moved, design, recording }
}

/// A recording of no cycle.
pub fn empty_recording(design: &Design) -> Recording {
    let top = design.top_module();
    let trace = |name: &str| PortTrace { port: name.to_string(), values: Vec::new() };
    Recording {
        domains: vec![DomainTrace::default(); top.domains.len()],
        inputs: top.inputs.iter().map(|port| trace(&port.name)).collect(),
        outputs: top.outputs.iter().map(|port| trace(&port.name)).collect(),
    }
}

/// Compares a recording with our Verilog in a simulator; Verilator's lint and Yosys read it without a word.
fn check_verilog(design: &Design, recording: &Recording, simulator: Simulator) {
    if !present_for_test(&[Tool::Iverilog, Tool::Vvp, Tool::Verilator, Tool::Yosys]) {
        return;
    }
    let output = systole_verilog::write(design, &systole_verilog::Options::default()).expect("no combinational loop");
    let bench = testbench(design, &output, recording, &TestbenchOptions::default()).expect("a recording of this design");
    let directory = tempfile::tempdir().expect("a directory");
    let files = output.write_files(directory.path()).expect("written files");
    bench.write_files(directory.path()).expect("written files");
    let run = || -> Result<(), tools::ToolError> {
        tools::lint(directory.path(), &files, &design.top_module().name)?;
        tools::check_design(design, directory.path(), &files)?;
        run_testbench(simulator, &bench, directory.path(), &files, directory.path()).map(|_| ())
    };
    run().unwrap_or_else(|error| panic!("{error}\n{}", output.text()));
}

/// Turns random limbs into a number of a range.
pub fn bring_within(limbs: &mut [u64], range: std::ops::Range<u64>) {
    limbs[0] = range.start + limbs[0] % (range.end - range.start);
    limbs[1..].fill(0);
}

/// `compare!(Type = circuit, clocks [clock], …)`, or `compare!(with &options, Type = circuit, clocks [clock], …)`: for example
/// `compare!(Type = circuit, clocks [clock], inputs [enable, length in 1..17, bus.data], cycles, still [output_that_never_changes])`
#[macro_export]
macro_rules! compare {
    ($type:ty = $($rest:tt)*) => {
        $crate::compare!(with &systole_rust_hdl::Options::default(), $type = $($rest)*)
    };
    (with $options:expr, $type:ty = $circuit:expr, clocks [$($clock:ident $(. $wire:ident)*),*], inputs [$($first:ident $([$index:literal])? $(. $rest:ident)* $(in $range:expr)?),*], $cycles:expr $(, still [$($still:ident),*])?) => {
        $crate::harness::compare_with::<$type>(
            $options,
            $circuit,
            &[$(Box::new(|circuit: &mut $type, level: bool| circuit.$clock $(. $wire)*.next = level.into())),*],
            &[$((
                concat!(stringify!($first) $(, "_", $index)? $(, "_", stringify!($rest))*).trim_start_matches("r#"),
                Box::new(|circuit: &mut $type, limbs: &mut [u64]| {
                    $($crate::harness::bring_within(limbs, $range);)?
                    $crate::harness::Drive::drive(&mut circuit.$first $([$index])? $(. $rest)*, limbs)
                }),
            )),*],
            $cycles,
            &[$($(stringify!($still)),*)?],
        )
    };
}
