//! Code whose meaning rust-hdl's tree does not hold.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::circuits::Halves;
use crate::{only_refusal, refusals};

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
        "top: `N`, assigned to `constant`: it is a constant of Rust or a name that a pattern binds, whose value rust-hdl's tree",
        "top: `child.held.q`, assigned to `inner`: it is no port of a child, or beyond the end of an array; give the child an output",
        "top: sum in parentheses, assigned to `computed`: rust-hdl's tree does not tell whether it wraps",
        "top: `N`, assigned to `repeated`: it is a constant of Rust or",
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

#[derive(LogicBlock, Default)]
struct MixedSums {
    pub base: Signal<In, Bits<8>>,
    pub row: Signal<In, Bits<4>>,
    pub reached: Signal<Out, Bit>,
    pub halved: Signal<Out, Bits<8>>,
    pub wide: Signal<Out, Bits<16>>,
    pub raised: Signal<Out, Bits<8>>,
    pub cut: Signal<Out, Bits<8>>,
    pub replaced: Signal<Out, Bits<8>>,
    pub full: Signal<Out, Bit>,
}

impl Logic for MixedSums {
    #[hdl_gen]
    fn update(&mut self) {
        self.reached.next = self.base.val() + (self.row.val().index() * 20).to_bits() == 40;
        self.halved.next = (self.base.val() + (self.row.val().index() * 20).to_bits()) >> 1;
        self.wide.next = bit_cast::<16, 8>(self.base.val() + (self.row.val().index() * 20).to_bits());
        self.raised.next = ((self.row.val().index() * 5).to_bits::<8>() + 200) >> 1;
        self.cut.next = ((self.row.val().index() * 5).to_bits::<8>() << 4) >> 4;
        self.replaced.next = (self.row.val().index() * 5).to_bits::<8>().replace_bit(7, true);
        self.full.next = (self.row.val().index() * 5).to_bits::<6>().all();
    }
}

#[test]
fn a_machine_integer_that_becomes_a_word_is_refused_where_its_width_shows() {
    let found = refusals(&MixedSums::default());
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(found.iter().all(|text| text.starts_with("top: machine integer that becomes a word, assigned to")), "{found:#?}");
}

#[derive(LogicBlock, Default)]
struct Guards {
    pub choice: Signal<In, Bits<2>>,
    pub enable: Signal<In, Bit>,
    pub twice: Signal<Out, Bits<2>>,
    pub rest: Signal<Out, Bits<2>>,
    pub bound: Signal<Out, Bits<2>>,
}

impl Logic for Guards {
    #[hdl_gen]
    fn update(&mut self) {
        match self.choice.val().index() {
            1 if self.enable.val() => self.twice.next = 1.into(),
            1 => self.twice.next = 2.into(),
            _ => self.twice.next = 0.into(),
        }
        match self.choice.val().index() {
            _ if self.enable.val() => self.rest.next = 3.into(),
            _ => self.rest.next = 0.into(),
        }
        match self.choice.val().index() + 1 {
            4 => self.bound.next = 0.into(),
            choice => self.bound.next = choice.to_bits(),
        }
    }
}

#[test]
fn guards_and_bindings_that_hide_a_signal_are_refused() {
    let found = refusals(&Guards::default());
    let starts = [
        "top: pattern `1`: there are cases after it that only a guard lets be met",
        "top: pattern `_`: there are cases after it that only a guard lets be met",
        "top: pattern `choice`: it binds a name that a signal or a loop's variable has",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    assert!(starts.iter().zip(&found).all(|(start, text)| text.starts_with(start)), "{found:#?}");
}
