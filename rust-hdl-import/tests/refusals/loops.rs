//! Loops of signals are told by the names that the code has for them.

use rust_hdl_core::prelude::*;

use crate::only_refusal;

#[derive(LogicBlock, Default)]
struct Itself {
    pub z: Signal<Out, Bits<4>>,
}

impl Logic for Itself {
    #[hdl_gen]
    fn update(&mut self) {
        self.z.next = self.z.val();
    }
}

#[test]
fn a_signal_that_is_assigned_to_itself_is_named() {
    let text = only_refusal(&Itself::default());
    assert!(text.starts_with("top: signal `z`: it depends on itself within a cycle: `z` -> `z`; put a flip-flop"), "{text}");
}

#[derive(LogicInterface, Default)]
struct Bus {
    pub a: Signal<Out, Bits<4>>,
    pub b: Signal<Out, Bits<4>>,
}

#[derive(LogicBlock, Default)]
struct Circle {
    pub bus: Bus,
    pub enable: Signal<In, Bit>,
    between: Signal<Local, Bits<4>>,
}

impl Logic for Circle {
    #[hdl_gen]
    fn update(&mut self) {
        self.bus.a.next = self.between.val() + 1;
        if self.enable.val() {
            self.bus.a.next = 0.into();
        }
        self.bus.b.next = !self.bus.a.val();
        self.between.next = self.bus.b.val();
    }
}

#[test]
fn every_signal_on_the_way_is_named() {
    let text = only_refusal(&Circle::default());
    for name in ["`bus.a`", "`bus.b`", "`between`"] {
        assert!(text.contains(name), "{text}");
    }
    assert!(!text.contains('%'), "{text}");
}
