//! What has no counterpart in a design is refused with the module, the construct and the reason.

use rust_hdl_core::ast::{BlackBox, VerilogLiteral, Wrapper};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::accum::Accum;
use rust_hdl_widgets::prelude::*;
use rust_hdl_widgets::registered_edge_tristate::RegisteredEdgeTristate;
use systole_rust_hdl::{Diagnostic, import};

fn refusals(circuit: &impl Block) -> Vec<String> {
    match import(circuit) {
        Ok(_) => panic!("it was imported"),
        Err(found) => found.iter().map(Diagnostic::to_string).collect(),
    }
}

fn only_refusal(circuit: &impl Block) -> String {
    let mut found = refusals(circuit);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

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
            "top: signal `inner.data`: nothing drives it; assign it in `update`",
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
    assert!(text.contains("combinational loop"), "{text}");
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
struct UnknownWidth {
    pub a: Signal<In, Signed<8>>,
    pub carries: Signal<Out, Bit>,
    pub less: Signal<Out, Bit>,
}

impl Logic for UnknownWidth {
    #[hdl_gen]
    fn update(&mut self) {
        self.carries.next = (signed_bit_cast::<9, 8>(self.a.val()) + signed_bit_cast::<9, 8>(self.a.val())).get_bit(8);
        self.less.next = signed_bit_cast::<9, 8>(self.a.val()) < (-signed_bit_cast::<9, 8>(self.a.val()));
    }
}

#[test]
fn a_signed_bit_cast_of_unknown_width_is_refused() {
    let text = |signal| {
        let reason = "nothing around it tells its width, which the tree does not hold; assign its result to a local signal first";
        format!("top: `signed_bit_cast`, assigned to `{signal}`: {reason}")
    };
    assert_eq!(refusals(&UnknownWidth::default()), [text("carries"), text("less")]);
}

#[derive(LogicBlock, Default)]
struct Hidden {
    pub i: Signal<In, Bits<2>>,
    pub sum: Signal<Out, Bits<2>>,
}

impl Logic for Hidden {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = 0.into();
        for i in 0..3 {
            self.sum.next = self.sum.val() + self.i.val() + i;
        }
    }
}

#[test]
fn a_loop_whose_variable_hides_a_signal_is_refused() {
    let text = only_refusal(&Hidden::default());
    assert!(text.starts_with("top: loop over `i`: a signal of the block has the name of its variable"), "{text}");
}

mod other {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Debug, LogicState)]
    pub enum Mode {
        Slow,
        Fast,
    }
}

#[derive(Clone, Copy, PartialEq, Debug, LogicState)]
enum Mode {
    Fast,
    Slow,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, LogicStruct)]
struct Setting {
    pub mode: other::Mode,
}

#[derive(LogicBlock, Default)]
struct TwoEnums {
    pub setting: Signal<In, Setting>,
    pub own: Signal<In, Mode>,
    pub is_fast: Signal<Out, Bit>,
}

impl Logic for TwoEnums {
    #[hdl_gen]
    fn update(&mut self) {
        self.is_fast.next = (self.setting.val().mode == other::Mode::Fast) & (self.own.val() == Mode::Slow);
    }
}

#[test]
fn variants_of_two_enums_of_one_name_are_refused_where_nothing_tells_which() {
    let text = only_refusal(&TwoEnums::default());
    assert!(text.starts_with("top: enum variant `other::Mode::Fast`, assigned to `is_fast`: two enums of this name"), "{text}");
}

#[derive(LogicBlock, Default)]
struct HalfDriven {
    pub a: Signal<In, Bits<4>>,
    pub both: Signal<Out, Halves>,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, LogicStruct)]
struct Halves {
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
    assert!(text.starts_with("top.inner[0]: design: ") && text.contains("; put a flip-flop into the loop"), "{text}");
    assert!(text.contains("`first_echo`"), "{text}");
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

#[derive(LogicBlock)]
struct Names<const N: usize> {
    pub place: Signal<In, Bits<2>>,
    pub data: Signal<In, Bits<8>>,
    pub constant: Signal<Out, Bits<8>>,
    pub inner: Signal<Out, Bits<4>>,
    pub computed: Signal<Out, Bit>,
    pub repeated: Signal<Out, Bits<8>>,
    child: Delay,
}

#[derive(LogicBlock, Default)]
struct Delay {
    pub clock: Signal<In, Clock>,
    pub data: Signal<In, Bits<4>>,
    held: DFF<Bits<4>>,
}

impl Logic for Delay {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held);
        self.held.d.next = self.data.val();
    }
}

impl<const N: usize> Logic for Names<N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.child.data.next = 3.into();
        self.constant.next = N.to_bits();
        self.inner.next = self.child.held.q.val();
        self.computed.next = self.data.val().get_bit((self.place.val().index() + 1) * 2);
        self.repeated.next = 0.into();
        for i in 0..4 {
            self.repeated.next = self.repeated.val().replace_bit(i, self.data.val().get_bit(N - i));
        }
    }
}

#[test]
fn a_name_without_a_value_and_a_sum_that_may_wrap_are_refused_once() {
    let circuit = Names::<7> {
        place: Default::default(),
        data: Default::default(),
        constant: Default::default(),
        inner: Default::default(),
        computed: Default::default(),
        repeated: Default::default(),
        child: Default::default(),
    };
    let found = refusals(&circuit);
    let starts = [
        "top: `N`, assigned to `constant`: it is a constant of Rust, whose value rust-hdl's tree does not hold; put it into a `Constant`",
        "top: `child.held.q`, assigned to `inner`: it is no port of a child, or beyond the end of an array; give the child an output",
        "top: sum in parentheses, assigned to `computed`: rust-hdl's tree does not tell whether it wraps",
        "top: `N`, assigned to `repeated`: it is a constant of Rust",
    ];
    for start in starts {
        assert_eq!(found.iter().filter(|text| text.starts_with(start)).count(), 1, "{start}: {found:#?}");
    }
}

mod limits {
    #[allow(non_upper_case_globals, reason = "a constant that looks like a variant")]
    pub const Add: u64 = 0x33;
}

#[allow(non_upper_case_globals, reason = "a constant that looks like a name which a pattern binds")]
const full: usize = 3;

#[derive(Clone, Copy, PartialEq, Debug, LogicState)]
enum Operation {
    Idle,
    Add,
}

#[derive(LogicBlock, Default)]
struct LooksLikeAnother {
    pub level: Signal<In, Bits<8>>,
    pub operation: Signal<In, Operation>,
    pub below: Signal<Out, Bit>,
    pub is_full: Signal<Out, Bits<2>>,
    pub adds: Signal<Out, Bit>,
}

#[allow(non_upper_case_globals, reason = "it is what is tested")]
impl Logic for LooksLikeAnother {
    #[hdl_gen]
    fn update(&mut self) {
        self.below.next = self.level.val() < limits::Add;
        self.adds.next = self.operation.val() == Operation::Add;
        if self.operation.val() == Operation::Idle {
            self.adds.next = false;
        }
        match self.level.val().index() {
            full => self.is_full.next = 1.into(),
            _ => self.is_full.next = 0.into(),
        }
    }
}

#[test]
fn constants_that_look_like_variants_or_bindings_are_refused() {
    let found = refusals(&LooksLikeAnother::default());
    let starts = ["top: `limits::Add`, assigned to `below`: it is no signal", "top: pattern `full`: the pattern is neither a number"];
    assert!(found.len() == 2 && starts.iter().zip(&found).all(|(start, text)| text.starts_with(start)), "{found:#?}");
}

#[derive(LogicBlock, Default)]
struct UnknownCondition {
    pub level: Signal<In, Bits<8>>,
    pub result: Signal<Out, Bits<8>>,
    pub part: Signal<Out, Halves>,
}

impl Logic for UnknownCondition {
    #[hdl_gen]
    fn update(&mut self) {
        if self.level.val() == limits::Add {
            self.result.next = self.level.val();
        } else {
            self.result.next = limits::Add.to_bits();
        }
        self.part.next.low = limits::Add.to_bits();
        self.part.next.high = 3.into();
    }
}

#[test]
fn a_fault_in_a_condition_does_not_make_others() {
    let found = refusals(&UnknownCondition::default());
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|text| text.starts_with("top: `limits::Add`")), "{found:#?}");
}
