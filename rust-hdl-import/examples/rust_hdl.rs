//! Imports a chain of 256 multiply-accumulate elements that is written with rust-hdl, and compares the result and the speed of
//! rust-hdl's simulator with those of our compiled engine:
//!
//! ```sh
//! cargo run --release -p systole-rust-hdl --example rust_hdl
//! ```

use std::sync::Arc;
use std::time::Instant;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_hdl::design::DomainId;
use systole_sim::{Compiled, DomainSet, Engine, NodeId};

const ELEMENTS: usize = 256;

/// Multiplies what passes by its weight and adds to the sum that passes.
#[derive(LogicBlock, Default)]
struct Element {
    pub clock: Signal<In, Clock>,
    pub load: Signal<In, Bit>,
    pub weight_in: Signal<In, Signed<16>>,
    pub weight_out: Signal<Out, Signed<16>>,
    pub data_in: Signal<In, Signed<16>>,
    pub data_out: Signal<Out, Signed<16>>,
    pub sum_in: Signal<In, Signed<40>>,
    pub sum_out: Signal<Out, Signed<40>>,
    weight: DFF<Signed<16>>,
    data: DFF<Signed<16>>,
    sum: DFF<Signed<40>>,
}

impl Logic for Element {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, weight, data, sum);
        if self.load.val() {
            self.weight.d.next = self.weight_in.val();
        }
        self.weight_out.next = self.weight.q.val();
        self.data.d.next = self.data_in.val();
        self.data_out.next = self.data.q.val();
        self.sum.d.next = self.sum_in.val() + signed_bit_cast::<40, 32>(self.data_in.val() * self.weight.q.val());
        self.sum_out.next = self.sum.q.val();
    }
}

/// The chain. Weights move through it while `load` is 1.
#[derive(LogicBlock)]
struct Chain {
    pub clock: Signal<In, Clock>,
    pub load: Signal<In, Bit>,
    pub weight: Signal<In, Signed<16>>,
    pub data: Signal<In, Signed<16>>,
    pub sum: Signal<Out, Signed<40>>,
    elements: [Element; ELEMENTS],
}

impl Default for Chain {
    fn default() -> Chain {
        Chain {
            clock: Default::default(),
            load: Default::default(),
            weight: Default::default(),
            data: Default::default(),
            sum: Default::default(),
            elements: std::array::from_fn(|_| Element::default()),
        }
    }
}

impl Logic for Chain {
    #[hdl_gen]
    fn update(&mut self) {
        self.elements[0].weight_in.next = self.weight.val();
        self.elements[0].data_in.next = self.data.val();
        self.elements[0].sum_in.next = 0.into();
        for i in 0..256 {
            self.elements[i].clock.next = self.clock.val();
            self.elements[i].load.next = self.load.val();
        }
        for i in 1..256 {
            self.elements[i].weight_in.next = self.elements[i - 1].weight_out.val();
            self.elements[i].data_in.next = self.elements[i - 1].data_out.val();
            self.elements[i].sum_in.next = self.elements[i - 1].sum_out.val();
        }
        self.sum.next = self.elements[255].sum_out.val();
    }
}

/// What the chain is given in a cycle: load, weight, data. Weights move in first.
fn inputs(cycle: u64) -> (bool, i64, i64) {
    let scrambled = cycle.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (cycle < ELEMENTS as u64, i64::from(scrambled as i16), i64::from((scrambled >> 32) as i16))
}

/// Runs the circuit in rust-hdl's simulator and returns the sums.
fn run_circuit(circuit: &mut Chain, cycles: u64) -> Vec<u64> {
    let settle = |circuit: &mut Chain| assert!(simulate(circuit, 100), "rust-hdl does not settle");
    (0..cycles)
        .map(|cycle| {
            let (load, weight, data) = inputs(cycle);
            circuit.load.next = load;
            circuit.weight.next = weight.into();
            circuit.data.next = data.into();
            settle(circuit);
            let sum = circuit.sum.val().inner().to_u64();
            circuit.clock.next = true.into();
            settle(circuit);
            circuit.clock.next = false.into();
            settle(circuit);
            sum
        })
        .collect()
}

/// Runs the design in an engine and returns the sums.
fn run_design(engine: &mut dyn Engine, cycles: u64) -> Vec<u64> {
    let sum = engine.hierarchy().design().top_module().outputs[0].value;
    (0..cycles)
        .map(|cycle| {
            let (load, weight, data) = inputs(cycle);
            [u64::from(load), weight as u64, data as u64]
                .into_iter()
                .enumerate()
                .for_each(|(port, value)| engine.set_input(port, &[value]));
            engine.settle();
            let sum = engine.read_u64(NodeId::TOP, sum);
            engine.edge(DomainSet::only(DomainId(0)));
            sum
        })
        .collect()
}

fn main() {
    let mut circuit = Box::<Chain>::default();
    circuit.connect_all();
    let design = match systole_rust_hdl::import(&*circuit) {
        Ok(design) => Arc::new(design),
        Err(found) => return found.iter().for_each(|diagnostic| eprintln!("{diagnostic}")),
    };
    println!("{} module definitions, {} instances", design.modules.len(), design.statistics().instances);

    let (slow, fast) = (1_000, 200_000);
    let start = Instant::now();
    let expected = run_circuit(&mut circuit, slow);
    let rust_hdl = slow as f64 / start.elapsed().as_secs_f64();

    let mut engine = Compiled::new(&design).expect("the design can be simulated");
    let start = Instant::now();
    let sums = run_design(&mut engine, fast);
    let ours = fast as f64 / start.elapsed().as_secs_f64();

    assert_eq!(sums[..slow as usize], expected, "both simulate the same circuit");
    println!("rust-hdl's simulator: {rust_hdl:.0} cycles/s");
    println!("the compiled engine:  {ours:.0} cycles/s, {:.0} times as many", ours / rust_hdl);
}
