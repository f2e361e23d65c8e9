//! Numbers that do not fit their place, where rust-hdl's simulator panics.

use rust_hdl_core::prelude::*;
use systole_rust_hdl::{Options, Widths, import_with};

use crate::refusals;

#[derive(LogicBlock, Default)]
struct Numbers {
    pub place: Signal<In, Bits<3>>,
    pub offset: Signal<In, Signed<4>>,
    pub assigned: Signal<Out, Bits<3>>,
    pub sum: Signal<Out, Bits<3>>,
    pub masked: Signal<Out, Bits<3>>,
    pub negative: Signal<Out, Signed<4>>,
    pub inverted: Signal<Out, Bits<3>>,
    pub less: Signal<Out, Bit>,
    pub halves: Signal<Out, crate::circuits::Halves>,
    pub counted: Signal<Out, Bits<3>>,
}

impl Logic for Numbers {
    #[hdl_gen]
    fn update(&mut self) {
        self.assigned.next = 31.into();
        self.sum.next = self.place.val() + 9;
        self.masked.next = self.place.val() & 0xFF;
        self.negative.next = (-16).into();
        self.inverted.next = (!1).into();
        self.less.next = self.offset.val() < 16.into();
        self.halves.next.low = 16.into();
        self.halves.next.high = 15.into();
        for i in 8_u64..9_u64 {
            self.counted.next = i.to_bits();
        }
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let found = refusals(&Numbers::default());
    let text = |number: i64, signal: &str, width: u32| {
        format!(
            "top: number `{number}`, assigned to `{signal}`: it does not fit the {width} bits of its place, where rust-hdl's simulator \
             panics; write a number that fits, or make the signal wider"
        )
    };
    let expected = [
        text(31, "assigned", 3),
        text(9, "sum", 3),
        text(255, "masked", 3),
        text(-16, "negative", 4),
        text(-2, "inverted", 3),
        text(16, "less", 4),
        text(16, "halves", 4),
        text(8, "counted", 3),
    ];
    assert_eq!(found, expected);
    // Verilog wraps.
    import_with(&Numbers::default(), &Options { widths: Widths::Verilog, ..Options::default() }).unwrap();
}

/// The largest numbers that fit.
#[derive(LogicBlock, Default)]
struct Fitting {
    pub place: Signal<In, Bits<3>>,
    pub assigned: Signal<Out, Bits<3>>,
    pub negative: Signal<Out, Signed<4>>,
    pub all: Signal<Out, Signed<4>>,
    pub word: Signal<Out, Bits<32>>,
    pub wide: Signal<Out, Bits<40>>,
    pub low: Signal<Out, Bits<3>>,
}

impl Logic for Fitting {
    #[hdl_gen]
    fn update(&mut self) {
        self.assigned.next = 7.into();
        self.negative.next = (-15).into();
        self.all.next = 15.into();
        self.word.next = 0xFFFF_FFFF_u64.into();
        self.wide.next = 0xFFFF_FFFF_FFFF_u64.into();
        self.low.next = bit_cast::<3, 8>(255.into());
    }
}

#[test]
fn numbers_that_fit_are_what_the_simulator_makes_of_them() {
    let design = systole_rust_hdl::import(&Fitting::default()).unwrap();
    let mut simulator = systole_sim::Simulator::new(&design, systole_sim::Options::default()).unwrap();
    let mut circuit = Fitting::default();
    circuit.connect_all();
    assert!(simulate(&mut circuit, 10));
    let mut value = |name: &str| {
        let port = simulator.output(name).unwrap();
        simulator.get_i64(port).unwrap()
    };
    let signed = |value: Signed<4>| i64::try_from(value.bigint()).unwrap();
    assert_eq!(value("assigned"), circuit.assigned.val().to_u64() as i64);
    assert_eq!(value("negative"), signed(circuit.negative.val()));
    assert_eq!(value("all"), signed(circuit.all.val()));
    assert_eq!(value("word"), circuit.word.val().to_u64() as i64);
    assert_eq!(value("wide"), circuit.wide.val().to_u64() as i64);
    assert_eq!(value("low"), circuit.low.val().to_u64() as i64);
}
