//! Signals, clocks and blocks that no design can hold.

use rust_hdl_core::ast::{BlackBox, VerilogLiteral, Wrapper};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::accum::Accum;
use rust_hdl_widgets::prelude::*;
use rust_hdl_widgets::registered_edge_tristate::RegisteredEdgeTristate;

use crate::{only_refusal, refusals};

#[derive(LogicBlock, Default)]
struct Pad {
    pub bus: Signal<InOut, Bits<8>>,
    pub clock: Signal<In, Clock>,
    pub seen: Signal<Out, Bits<8>>,
    buffer: TristateBuffer<Bits<8>>,
}

impl Logic for Pad {
    #[hdl_gen]
    fn update(&mut self) {
        Signal::<InOut, Bits<8>>::link(&mut self.bus, &mut self.buffer.bus);
        self.buffer.write_enable.next = true;
        self.buffer.write_data.next = 3.into();
        self.seen.next = self.buffer.read_data.val();
    }
}

#[test]
fn a_tristate_is_refused_where_it_stands() {
    let found = refusals(&Pad::default());
    assert!(found.iter().any(|text| text.starts_with("top.buffer: signal `bus`: it is bidirectional")), "{found:?}");
    assert!(found.iter().any(|text| text.starts_with("top.buffer: block: its Verilog is custom text")), "{found:?}");
}

#[test]
fn widgets_with_tristates_are_refused() {
    for found in [
        refusals(&TristateBuffer::<Bits<8>>::default()),
        refusals(&RegisteredEdgeTristate::<8>::default()),
        refusals(&OpenDrainBuffer::default()),
    ] {
        assert!(found.iter().any(|text| text.starts_with("top: signal `bus`: it is bidirectional")), "{found:?}");
    }
}

#[derive(LogicBlock, Default)]
struct VendorBuffer {
    pub data: Signal<In, Bit>,
    pub result: Signal<Out, Bit>,
    _wrapped: bool,
}

impl Logic for VendorBuffer {
    fn update(&mut self) {}
    fn hdl(&self) -> Verilog {
        if self._wrapped {
            Verilog::Wrapper(Wrapper { code: "IBUF buffer(.I(data), .O(result));".into(), cores: String::new() })
        } else {
            Verilog::Blackbox(BlackBox { code: String::new(), name: "IBUF".into() })
        }
    }
}

#[test]
fn cores_of_vendors_are_refused() {
    let text = only_refusal(&VendorBuffer::default());
    assert!(text.starts_with("top: black box `IBUF`: its content is unknown"), "{text}");
    let text = only_refusal(&VendorBuffer { _wrapped: true, ..Default::default() });
    assert!(text.starts_with("top: block: it wraps a core of a vendor"), "{text}");
}

#[test]
fn a_block_without_verilog_is_refused() {
    let text = only_refusal(&Accum::<8, 16, 4>::new(10));
    assert_eq!(text, "top: block: it has no Verilog, so only rust-hdl knows what it does; write its `update` under `#[hdl_gen]`");
}

#[derive(LogicBlock, Default)]
struct Clocks {
    pub clock: Signal<In, Clock>,
    pub gate: Signal<In, Bit>,
    pub result: Signal<Out, Bits<2>>,
    inverted: DFF<Bit>,
    gated: DFF<Bit>,
    unclocked: DFF<Bit>,
}

impl Logic for Clocks {
    #[hdl_gen]
    fn update(&mut self) {
        self.inverted.clock.next = !self.clock.val();
        if self.gate.val() {
            self.gated.clock.next = self.clock.val();
        }
        self.inverted.d.next = self.gate.val();
        self.gated.d.next = self.gate.val();
        self.unclocked.d.next = self.gate.val();
        self.result.next = bit_cast::<2, 1>(self.gated.q.val().into());
    }
}

#[test]
fn clocks_that_are_inverted_gated_or_missing_are_refused() {
    let found = refusals(&Clocks::default());
    assert!(found.iter().any(|text| text.starts_with("top: clock `clock`: it is read as data, inverted")), "{found:?}");
    assert!(found.iter().any(|text| text.starts_with("top: clock `gated.clock`: it is assigned under a condition")), "{found:?}");
    assert!(found.iter().any(|text| text.starts_with("top: clock `unclocked.clock`: it is fed by no clock input")), "{found:?}");
    assert_eq!(found.len(), 3, "each is reported once: {found:?}");
}

#[derive(LogicBlock, Default)]
struct Latches {
    pub enable: Signal<In, Bit>,
    pub data: Signal<In, Bits<4>>,
    pub latched: Signal<Out, Bits<4>>,
    pub undriven: Signal<Out, Bits<4>>,
    inner: Undriven,
}

#[derive(LogicBlock, Default)]
struct Undriven {
    pub data: Signal<In, Bits<4>>,
    pub echo: Signal<Out, Bits<4>>,
}

impl Logic for Undriven {
    #[hdl_gen]
    fn update(&mut self) {
        self.echo.next = self.data.val();
    }
}

impl Logic for Latches {
    #[hdl_gen]
    fn update(&mut self) {
        if self.enable.val() {
            self.latched.next = self.data.val();
        }
    }
}

#[test]
fn latches_and_undriven_signals_are_refused() {
    let found = refusals(&Latches::default());
    assert_eq!(
        found,
        [
            "top: signal `latched`: it keeps its value where no assignment reaches it, which is a latch; assign it a default before \
             the conditions",
            "top: signal `undriven`: nothing drives it; assign it in `update`",
            "top: signal `inner.data`: nothing in the circuit drives it; assign it in `update`, or, if a testbench drives it, import \
             with `undriven: Undriven::Ports`",
        ]
    );
}

#[derive(LogicBlock, Default)]
struct Loop {
    pub data: Signal<In, Bits<4>>,
    pub sum: Signal<Out, Bits<4>>,
    first: Undriven,
}

impl Logic for Loop {
    #[hdl_gen]
    fn update(&mut self) {
        self.first.data.next = self.first.echo.val() + self.data.val();
        self.sum.next = self.first.echo.val();
    }
}

#[test]
fn a_combinational_loop_is_refused() {
    let text = only_refusal(&Loop::default());
    let path = "it depends on itself within a cycle: `first.echo` -> `first.data` -> `first.echo`; put a flip-flop into the loop";
    assert!(text.starts_with(&format!("top: signal `first.echo`: {path}")), "{text}");
}

/// Not a state: rust-hdl calls the first variant zero, this does not.
#[derive(Clone, Copy, PartialEq, Debug)]
struct StartsWithOne(Bits<4>);

impl Default for StartsWithOne {
    fn default() -> Self {
        StartsWithOne(1.into())
    }
}

impl Synth for StartsWithOne {
    const BITS: usize = 4;
    fn descriptor() -> TypeDescriptor {
        Bits::<4>::descriptor()
    }
    fn vcd(self) -> VCDValue {
        self.0.vcd()
    }
    fn verilog(self) -> VerilogLiteral {
        self.0.into()
    }
}

#[test]
fn a_memory_whose_read_does_not_start_with_zero_is_refused() {
    let text = only_refusal(&RAM::<StartsWithOne, 3>::default());
    assert!(text.starts_with("top: memory `memory`: `read_data` does not start with zero"), "{text}");
}

#[derive(LogicBlock, Default)]
struct ComputedPlace {
    pub place: Signal<In, Bits<2>>,
    pub result: Signal<Out, Bits<8>>,
    words: [Undriven; 4],
}

impl Logic for ComputedPlace {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..4 {
            self.words[i].data.next = 1.into();
        }
        self.result.next = bit_cast::<8, 4>(self.words[self.place.val().index()].echo.val());
    }
}

#[test]
fn an_array_indexed_by_a_signal_is_refused() {
    let text = only_refusal(&ComputedPlace::default());
    assert!(text.contains("the index `place.val().index()` is not a sum or product of numbers and loop variables"), "{text}");
}

#[derive(Clone, Copy, PartialEq, Debug, LogicState)]
enum Single {
    Only,
}

#[derive(LogicBlock, Default)]
struct Widthless {
    pub clock: Signal<In, Clock>,
    pub state: Signal<Out, Single>,
    held: DFF<Single>,
}

impl Logic for Widthless {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held);
        self.held.d.next = Single::Only;
        self.state.next = self.held.q.val();
    }
}

#[test]
fn signals_without_a_bit_are_refused() {
    let found = refusals(&Widthless::default());
    assert!(found.iter().any(|text| text.starts_with("top: signal `state`: it is 0 bits wide")), "{found:?}");
    assert!(found.iter().any(|text| text.starts_with("top.held: signal `q`: it is 0 bits wide")), "{found:?}");
}

#[derive(LogicInterface, Default)]
struct Bus {
    pub data: Signal<In, Bit>,
}

#[derive(LogicBlock, Default)]
struct NamesThatMeet {
    pub bus: Bus,
    pub bus_data: Signal<In, Bit>,
    pub both: Signal<Out, Bit>,
}

impl Logic for NamesThatMeet {
    #[hdl_gen]
    fn update(&mut self) {
        self.both.next = self.bus.data.val() & self.bus_data.val();
    }
}

#[test]
fn ports_whose_names_become_one_are_refused() {
    let text = only_refusal(&NamesThatMeet::default());
    assert!(text.contains("has the same name"), "{text}");
}

#[derive(LogicBlock, Default)]
struct HalfDriven {
    pub a: Signal<In, Bits<4>>,
    pub both: Signal<Out, Halves>,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, LogicStruct)]
pub struct Halves {
    pub low: Bits<4>,
    pub high: Bits<4>,
}

impl Logic for HalfDriven {
    #[hdl_gen]
    fn update(&mut self) {
        self.both.next.high = self.a.val();
    }
}

#[test]
fn bits_that_nothing_drives_are_named() {
    let text = only_refusal(&HalfDriven::default());
    assert_eq!(text, "top: signal `both`: nothing drives its bits 0 to 3; assign all of it in `update`");
}

#[test]
fn a_memory_that_rust_hdl_cannot_write_is_refused() {
    let text = only_refusal(&RAM::<Bits<8>, 31>::default());
    assert!(text.starts_with("top: block: rust-hdl panicked when it was asked for its Verilog"), "{text}");
    let text = only_refusal(&RAM::<Bits<8>, 30>::default());
    assert!(text.starts_with("top: memory `memory`: its address has 30 bits; at most 28 are imported"), "{text}");
}

#[derive(LogicBlock, Default)]
struct Outer {
    pub data: Signal<In, Bits<4>>,
    pub sum: Signal<Out, Bits<4>>,
    inner: [Loop; 2],
}

impl Logic for Outer {
    #[hdl_gen]
    fn update(&mut self) {
        self.inner[0].data.next = self.data.val();
        self.inner[1].data.next = self.data.val();
        self.sum.next = self.inner[0].sum.val() & self.inner[1].sum.val();
    }
}

#[test]
fn a_loop_is_refused_where_it_is() {
    let text = only_refusal(&Outer::default());
    assert!(text.starts_with("top.inner[0]: signal `first.echo`: it depends on itself within a cycle"), "{text}");
}

#[derive(LogicBlock, Default)]
struct Divider {
    pub clock: Signal<In, Clock>,
    pub count: Signal<Out, Bits<4>>,
    half: DFF<Clock>,
    counter: DFF<Bits<4>>,
}

impl Logic for Divider {
    #[hdl_gen]
    fn update(&mut self) {
        self.half.clock.next = self.clock.val();
        self.half.d.next = !self.half.q.val();
        dff_setup!(self, clock, counter);
        self.counter.clock.next = self.half.q.val();
        self.counter.d.next = self.counter.q.val() + 1;
        self.count.next = self.counter.q.val();
    }
}

#[test]
fn a_flip_flop_that_divides_a_clock_is_refused() {
    let found = refusals(&Divider::default());
    assert!(found.iter().any(|text| text.starts_with("top.half: clock `q`: it is computed")), "{found:?}");
    let found = refusals(&RAM::<Clock, 2>::default());
    assert!(found.iter().any(|text| text.starts_with("top: clock `read_data`: it is computed")), "{found:?}");
}
