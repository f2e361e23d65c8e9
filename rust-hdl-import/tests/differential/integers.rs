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
