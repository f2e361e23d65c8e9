//! An imported circuit as an instance inside of a component.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_hdl::prelude as hdl;
use systole_hdl::{Component, Design, bundle, elaborate};
use systole_sim::{Options, Simulator};

/// Adds what comes in while `enable` is 1.
#[derive(LogicBlock, Default)]
struct Accumulator {
    pub clock: Signal<In, Clock>,
    pub enable: Signal<In, Bit>,
    pub data: Signal<In, Bits<8>>,
    pub sum: Signal<Out, Bits<8>>,
    total: DFF<Bits<8>>,
}

impl Logic for Accumulator {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, total);
        if self.enable.val() {
            self.total.d.next = self.total.q.val() + self.data.val();
        }
        self.sum.next = self.total.q.val();
    }
}

/// Two imported accumulators, the second of the first one's sums, and their difference.
#[derive(Debug)]
struct Twice(Design);
bundle! { struct TwiceIn { enable: hdl::Signal, data: hdl::Signal } }
bundle! { struct TwiceOut { difference: hdl::Signal } }

impl Component for Twice {
    type In = TwiceIn;
    type Out = TwiceOut;

    fn inputs(&self) -> TwiceIn {
        TwiceIn { enable: hdl::port(hdl::Type::BIT), data: hdl::port(hdl::Type::u(8)) }
    }

    fn build(&self, m: hdl::Module, i: TwiceIn) -> TwiceOut {
        let accumulator = |name, data| m.instance_of_design(name, &self.0, &[("enable", i.enable), ("data", data)]).get("sum");
        let first = accumulator("first", i.data);
        let second = accumulator("second", first);
        TwiceOut { difference: second - first }
    }
}

#[test]
fn an_imported_circuit_is_a_part_of_a_component() {
    let mut circuit = Accumulator::default();
    circuit.connect_all();
    let options = systole_rust_hdl::Options { name: "accumulator".to_string(), ..Default::default() };
    let design = elaborate(&Twice(systole_rust_hdl::import_with(&circuit, &options).unwrap())).unwrap();
    let modules: Vec<_> = design.modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(modules, ["accumulator", "twice"]);
    assert_eq!(design.instance_counts(), [2, 1]);

    let mut simulator = Simulator::new(&design, Options::default()).unwrap();
    let [enable, data] = ["enable", "data"].map(|name| simulator.input(name).unwrap());
    let difference = simulator.output("difference").unwrap();
    let (mut first, mut second) = (0_u8, 0_u8);
    for cycle in 0..500_u64 {
        let (is_enabled, value) = (cycle % 3 != 1, (cycle * 37 + 11) as u8);
        simulator.set(enable, is_enabled).unwrap();
        simulator.set(data, u64::from(value)).unwrap();
        assert_eq!(simulator.get_u64(difference).unwrap(), u64::from(second.wrapping_sub(first)), "cycle {cycle}");
        simulator.step(1).unwrap();
        if is_enabled {
            (first, second) = (first.wrapping_add(value), second.wrapping_add(first));
        }
    }
}
