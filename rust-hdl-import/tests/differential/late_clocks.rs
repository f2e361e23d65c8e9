//! Clocks that pass ports: what the import refuses as late is late in rust-hdl's simulator, and nothing else is.

use std::sync::Arc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use systole_hdl::design::DomainId;
use systole_rust_hdl::{LateClocks, Options, Widths, import, import_with};
use systole_sim::{DomainSet, Engine, NodeId, Reference};

/// Passes a clock on.
#[derive(LogicBlock, Default)]
struct Pass {
    pub clock: Signal<In, Clock>,
    pub passed: Signal<Out, Clock>,
}

impl Logic for Pass {
    #[hdl_gen]
    fn update(&mut self) {
        self.passed.next = self.clock.val();
    }
}

/// Passes data on.
#[derive(LogicBlock, Default)]
struct Wire {
    pub data: Signal<In, Bits<4>>,
    pub same: Signal<Out, Bits<4>>,
    between: Signal<Local, Bits<4>>,
}

impl Logic for Wire {
    #[hdl_gen]
    fn update(&mut self) {
        // What is assigned after that is read in the next turn.
        self.same.next = self.between.val();
        self.between.next = self.data.val();
    }
}

/// Two flip-flops, with `CLOCK` blocks on the way of the second one's clock and `DATA` on that of the data between them.
#[derive(LogicBlock)]
struct Pair<const CLOCK: usize, const DATA: usize> {
    pub clock: Signal<In, Clock>,
    pub first: Signal<Out, Bits<4>>,
    pub second: Signal<Out, Bits<4>>,
    passes: [Pass; CLOCK],
    wires: [Wire; DATA],
    end_clock: Signal<Local, Clock>,
    end_data: Signal<Local, Bits<4>>,
    count: DFF<Bits<4>>,
    follower: DFF<Bits<4>>,
}

impl<const CLOCK: usize, const DATA: usize> Default for Pair<CLOCK, DATA> {
    fn default() -> Self {
        Pair {
            clock: Default::default(),
            first: Default::default(),
            second: Default::default(),
            passes: std::array::from_fn(|_| Pass::default()),
            wires: std::array::from_fn(|_| Wire::default()),
            end_clock: Default::default(),
            end_data: Default::default(),
            count: Default::default(),
            follower: Default::default(),
        }
    }
}

impl<const CLOCK: usize, const DATA: usize> Logic for Pair<CLOCK, DATA> {
    #[hdl_gen]
    fn update(&mut self) {
        self.end_clock.next = self.clock.val();
        for i in 0..CLOCK {
            self.passes[i].clock.next = self.end_clock.val();
            self.end_clock.next = self.passes[i].passed.val();
        }
        self.end_data.next = self.count.q.val();
        for j in 0..DATA {
            self.wires[j].data.next = self.end_data.val();
            self.end_data.next = self.wires[j].same.val();
        }
        self.count.clock.next = self.clock.val();
        self.count.d.next = self.count.q.val() + 1;
        self.follower.clock.next = self.end_clock.val();
        self.follower.d.next = self.end_data.val();
        self.first.next = self.count.q.val();
        self.second.next = self.follower.q.val();
    }
}

/// Whether the circuit is imported, and does what rust-hdl's simulator does; or is refused, and imported at once it does not.
fn check<const CLOCK: usize, const DATA: usize>() -> bool {
    let mut circuit = Pair::<CLOCK, DATA>::default();
    circuit.connect_all();
    let is_late = match import(&circuit) {
        Ok(_) => false,
        Err(found) => {
            let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts.len(), 1, "{texts:?}");
            assert!(texts[0].starts_with(&format!("top: clock of `follower`: it passes {} ports", 2 * CLOCK + 1)), "{texts:?}");
            assert!(texts[0].contains("`top.count` has changed at the same edge"), "{texts:?}");
            true
        }
    };
    for options in
        [Options { late_clocks: LateClocks::AtOnce, ..Options::default() }, Options { widths: Widths::Verilog, ..Options::default() }]
    {
        let design = Arc::new(import_with(&circuit, &options).unwrap());
        let mut engine = Reference::new(&design).unwrap();
        let read = |engine: &Reference, port: usize| engine.read_u64(NodeId::TOP, design.top_module().outputs[port].value);
        let mut circuit = Pair::<CLOCK, DATA>::default();
        circuit.connect_all();
        let mut differ = false;
        for cycle in 0..20 {
            assert!(simulate(&mut circuit, 100));
            engine.settle();
            assert_eq!(read(&engine, 0), circuit.first.val().to_u64());
            assert_eq!(read(&engine, 1), if cycle == 0 { 0 } else { (cycle - 1) % 16 }, "hardware takes the old value");
            differ |= read(&engine, 1) != circuit.second.val().to_u64();
            for level in [true, false] {
                circuit.clock.next = level.into();
                assert!(simulate(&mut circuit, 100));
            }
            engine.edge(DomainSet::only(DomainId(0)));
        }
        assert_eq!(is_late, differ, "{CLOCK} blocks on the way of the clock, {DATA} on that of the data");
    }
    is_late
}

#[test]
fn exactly_the_clocks_that_are_late_are_refused() {
    let late = [
        [check::<0, 0>(), check::<0, 1>(), check::<0, 2>()],
        [check::<1, 0>(), check::<1, 1>(), check::<1, 2>()],
        [check::<2, 0>(), check::<2, 1>(), check::<2, 2>()],
        [check::<3, 0>(), check::<3, 1>(), check::<3, 2>()],
    ];
    assert_eq!(late, [[false, false, false], [true, false, false], [true, false, false], [true, true, false]]);
}
