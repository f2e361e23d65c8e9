//! Machine integers: what `index` gives, and what becomes of it.

use rust_hdl_core::prelude::*;

use crate::compare;

/// Machine integers, in which nothing wraps.
#[derive(LogicBlock, Default)]
struct MachineIntegers {
    pub count: Signal<In, Bits<3>>,
    pub word: Signal<In, Bits<64>>,
    pub last: Signal<Out, Bit>,
    pub beyond: Signal<Out, Bit>,
    pub scaled: Signal<Out, Bit>,
    pub shifted: Signal<Out, Bit>,
    pub nothing: Signal<Out, Bits<3>>,
}

impl Logic for MachineIntegers {
    #[hdl_gen]
    fn update(&mut self) {
        self.last.next = self.count.val().index() + 1 == 8;
        self.beyond.next = 9 < self.count.val().index() * 2;
        self.scaled.next = self.word.val().get_bit(self.count.val().index() * 8 + 3);
        self.shifted.next = self.word.val().get_bit(self.count.val().index() << 2);
        self.nothing.next = self.count.val() + bit_cast::<3, 0>(self.count.val().get_bits::<0>(0));
    }
}

#[test]
fn machine_integers_do_not_wrap() {
    compare!(MachineIntegers = MachineIntegers::default(), clocks [], inputs [count, word], 500);
}

/// Machine integers that widths tell from words.
#[derive(LogicBlock, Default)]
struct ToldByWidths {
    pub nibble: Signal<In, Bits<4>>,
    pub other: Signal<In, Bits<4>>,
    pub byte: Signal<In, Bits<8>>,
    pub bit: Signal<In, Bits<1>>,
    pub wide: Signal<In, Bits<9>>,
    pub word: Signal<In, Bits<64>>,
    pub product: Signal<Out, Bits<16>>,
    pub row: Signal<Out, Bits<16>>,
    pub multiple: Signal<Out, Bit>,
    pub follows: Signal<Out, Bit>,
    pub sum_reaches: Signal<Out, Bit>,
    pub packed: Signal<Out, Bits<8>>,
    pub halved: Signal<Out, Bit>,
    pub counted: Signal<Out, Bits<8>>,
    pub matched: Signal<Out, Bits<2>>,
    pub each: Signal<Out, Bits<8>>,
}

#[allow(clippy::precedence, reason = "a sum in parentheses could be one of words")]
impl Logic for ToldByWidths {
    #[hdl_gen]
    fn update(&mut self) {
        self.product.next = (self.byte.val().index() * 200).to_bits();
        self.row.next = (self.nibble.val().index() * self.byte.val().index()).to_bits();
        self.multiple.next = self.byte.val().index() * 300 == 600;
        self.follows.next = self.byte.val().index() + 1 == self.wide.val().index();
        self.sum_reaches.next = self.nibble.val().index() + self.byte.val().index() > 250;
        self.packed.next = (self.nibble.val().index() * 16 | self.other.val().index()).to_bits();
        self.halved.next = self.word.val().get_bit(self.nibble.val().index() + self.other.val().index() >> 1);
        // A bit is added to a word.
        self.counted.next = self.byte.val() + bit_cast::<8, 1>(self.bit.val());
        match self.nibble.val().index() + self.other.val().index() {
            9 => self.matched.next = 1.into(),
            17 => self.matched.next = 2.into(),
            _ => self.matched.next = 0.into(),
        }
        self.each.next = 0.into();
        for i in 0..8 {
            if self.nibble.val().index() + 5 > 2 * i + 4 * 4 {
                self.each.next = self.each.val() | (1 << i);
            }
        }
    }
}

#[test]
fn widths_tell_machine_integers_from_words() {
    compare!(
        ToldByWidths = ToldByWidths::default(),
        clocks [],
        inputs [nibble, other, byte in 0..16, bit, wide in 0..16, word],
        2000,
        still [sum_reaches]
    );
}

/// `&&` and `||` whose left side is known.
#[derive(LogicBlock, Default)]
struct ShortCircuit {
    pub bits: Signal<In, Bits<4>>,
    pub enable: Signal<In, Bit>,
    pub rising: Signal<Out, Bits<4>>,
    pub open: Signal<Out, Bits<4>>,
    taps: [Signal<Local, Bit>; 4],
}

impl Logic for ShortCircuit {
    #[hdl_gen]
    fn update(&mut self) {
        self.rising.next = 0.into();
        self.open.next = 0.into();
        for i in 0..4 {
            self.taps[i].next = self.bits.val().get_bit(i);
        }
        for i in 0..4 {
            if i > 0 && self.taps[i].val() && !self.taps[i - 1].val() {
                self.rising.next = self.rising.val() | (1 << i);
            }
            if i == 0 || self.taps[i - 1].val() && self.enable.val() {
                self.open.next = self.open.val() | (1 << i);
            }
        }
    }
}

#[test]
fn a_known_left_side_decides_before_the_right_one_is_read() {
    compare!(ShortCircuit = ShortCircuit::default(), clocks [], inputs [bits, enable], 300);
}

/// Words next to machine integers that become words, and words of 16 bits that are multiplied by a literal.
#[derive(LogicBlock, Default)]
struct NextToWords {
    pub base: Signal<In, Bits<8>>,
    pub row: Signal<In, Bits<4>>,
    pub factor: Signal<In, Bits<16>>,
    pub wide: Signal<In, Bits<32>>,
    pub address: Signal<Out, Bits<8>>,
    pub scaled: Signal<Out, Bits<8>>,
    pub high: Signal<Out, Bits<40>>,
    pub shifted: Signal<Out, Bits<32>>,
    pub long: Signal<In, Bits<100>>,
    pub moved: Signal<Out, Bits<100>>,
    pub inverted: Signal<Out, Bits<8>>,
    pub picked: Signal<Out, Bit>,
    offset: Signal<Local, Bits<8>>,
}

#[allow(clippy::precedence, reason = "as users write it")]
impl Logic for NextToWords {
    #[hdl_gen]
    fn update(&mut self) {
        self.address.next = self.base.val() + (self.row.val().index() * 12).to_bits();
        self.offset.next = (self.row.val().index() * 12).to_bits();
        self.scaled.next = (self.base.val() + self.offset.val()) >> 1;
        self.high.next = bit_cast::<40, 32>(self.factor.val() * 3.into() + self.wide.val());
        self.moved.next = self.long.val() + (self.row.val().index() * 5).to_bits();
        self.inverted.next = !(self.row.val().index() * 5).to_bits();
        self.picked.next = self.long.val().get_bit((self.row.val().index() * 4) + (self.row.val().index() * 2) + 1);
        self.shifted.next = self.factor.val() * 3.into() + self.wide.val() >> 4;
    }
}

#[test]
fn words_wrap_next_to_machine_integers() {
    compare!(
        NextToWords = NextToWords::default(),
        clocks [],
        inputs [base, row, factor, wide in 0xFFFF_0000..0x1_0000_0000, long],
        2000
    );
}

/// Conditions that depend on constants alone: what they do not choose need not make sense.
#[derive(LogicBlock)]
struct Configured {
    pub data: Signal<In, Bits<8>>,
    pub result: Signal<Out, Bits<8>>,
    pub enabled: Signal<Out, Bit>,
    mode: Constant<Bits<16>>,
    enable: Constant<Bit>,
    taps: [Signal<Local, Bit>; 3],
}

impl Default for Configured {
    fn default() -> Self {
        Configured {
            data: Default::default(),
            result: Default::default(),
            enabled: Default::default(),
            mode: Constant::new(6.into()),
            enable: Constant::new(true),
            taps: Default::default(),
        }
    }
}

impl Logic for Configured {
    #[hdl_gen]
    fn update(&mut self) {
        if (self.mode.val() >> 1) == 3 && (self.mode.val() << 1) == 12 && self.mode.val().any() && !self.mode.val().xor() {
            self.result.next = self.data.val() + 1;
        }
        if self.enable.val() || self.data.val() == 3 {
            self.enabled.next = self.data.val().get_bit(1);
        }
        for i in 0..3 {
            self.taps[i].next = self.data.val().get_bit(i);
        }
        for i in 0..3 {
            if i == 2 || !self.taps[i + 1].val() {
                self.result.next = self.result.val() ^ 1 << i;
            }
        }
    }
}

#[test]
fn constants_configure_a_circuit() {
    compare!(Configured = Configured::default(), clocks [], inputs [data], 500);
    let options = systole_rust_hdl::Options { widths: systole_rust_hdl::Widths::Verilog, ..Default::default() };
    systole_rust_hdl::import_with(&Configured::default(), &options).unwrap();
}
