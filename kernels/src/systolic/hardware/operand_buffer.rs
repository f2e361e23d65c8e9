//! Operand memories: a bank for each lane, written by a stream and read in a wave that skews the lanes.
//!
//! A wave enters at lane 0 and reaches lane *n* after *n* cycles, so the word at one address leaves the buffer diagonally, as a
//! systolic array wants it, without a triangle of registers.

use systole_hdl::library::{counter, up_down};
use systole_hdl::prelude::*;

bundle! {
    /// One read on its way through the lanes.
    pub struct Wave {
        /// One bit: there is a read.
        valid: Signal,
        /// The word.
        address: Signal,
        /// What travels with it.
        tags: Option<Signal>,
    }
}

/// The memory of one lane.
#[derive(Clone, Debug)]
pub struct OperandBank {
    /// Type of an element.
    pub element: Type,
    /// Elements.
    pub depth: u32,
    /// Bits that travel with a read.
    pub tags: u32,
}

bundle! {
    /// What enters an [`OperandBank`].
    pub struct BankIn {
        /// One bit: write `write_element` at `write_address`.
        write: Signal,
        write_address: Signal,
        write_element: Signal,
        /// The read that reaches this lane.
        wave: Wave,
    }
}
bundle! {
    /// What leaves an [`OperandBank`].
    pub struct BankOut {
        /// The element read a cycle ago; zero if there was no read.
        element: Signal,
        /// The wave of a cycle ago: for the next lane, and beside `element`.
        next_wave: Wave,
    }
}

impl Component for OperandBank {
    type In = BankIn;
    type Out = BankOut;

    fn inputs(&self) -> BankIn {
        BankIn {
            write: port(Type::BIT),
            write_address: port(Type::index(self.depth)),
            write_element: port(self.element),
            wave: Wave {
                valid: port(Type::BIT),
                address: port(Type::index(self.depth)),
                tags: (self.tags > 0).then(|| port(Type::Bits(self.tags))),
            },
        }
    }

    fn build(&self, m: Module, i: BankIn) -> BankOut {
        let words = m.memory("words", self.depth, self.element);
        words.write(i.write_address, i.write_element, i.write);
        let word = words.read_registered(i.wave.address, i.wave.valid, Collision::Undefined);
        let valid = m.delay("valid_q", i.wave.valid);
        let address = m.delay("address_q", i.wave.address);
        let tags = i.wave.tags.map(|tags| m.delay("tags_q", tags));
        BankOut { element: valid.mux(word, constant(self.element, 0)), next_wave: Wave { valid, address, tags } }
    }
}

/// The banks of all lanes behind a stream: a queue of `depth` words that are read in the order in which they came.
///
/// A word of the stream holds `lanes` elements, lane 0 at the least significant end. Its place is free again when the wave has
/// left the last lane.
#[derive(Clone, Debug)]
pub struct OperandBuffer {
    /// Elements in a word.
    pub lanes: u32,
    /// Type of an element.
    pub element: Type,
    /// Words.
    pub depth: u32,
    /// Bits that travel with a read.
    pub tags: u32,
    /// Whether the wave meets the highest lane first.
    pub last_lane_first: bool,
}

bundle! {
    /// What enters an [`OperandBuffer`].
    pub struct BufferIn {
        /// Words to keep.
        up: Stream,
        /// One bit: a stored word is promised and no longer counts as available.
        claim: Signal,
        /// One bit: the next word starts its wave.
        read: Signal,
        /// What travels with that wave.
        tags: Option<Signal>,
    }
}
bundle! {
    /// What leaves an [`OperandBuffer`].
    pub struct BufferOut {
        /// An element for each lane in the order in which the wave meets them: lane *n* of that order follows *n* + 1 cycles after `read`.
        elements: Vec<Signal>,
        /// The wave beside each element.
        waves: Vec<Wave>,
        /// Words stored and not promised.
        available: Signal,
    }
}

impl Component for OperandBuffer {
    type In = BufferIn;
    type Out = BufferOut;

    fn inputs(&self) -> BufferIn {
        BufferIn {
            up: Stream::port(Type::Bits(self.lanes * self.element.width())),
            claim: port(Type::BIT),
            read: port(Type::BIT),
            tags: (self.tags > 0).then(|| port(Type::Bits(self.tags))),
        }
    }

    fn build(&self, m: Module, i: BufferIn) -> BufferOut {
        let count = Type::count(self.depth);
        let (used, available) = (m.reg("used", count), m.reg("available", count));
        m.probe_level("words", *used, self.depth);
        i.up.ready.drive(used.lt(self.depth));
        let enters = i.up.fires().named("enters");
        let tail = counter(m, "tail", self.depth, enters);
        let front = counter(m, "front", self.depth, i.read);

        let bank = OperandBank { element: self.element, depth: self.depth, tags: self.tags };
        let mut lanes: Vec<(usize, Signal)> = i.up.data.lanes(self.element, self.lanes).into_iter().enumerate().collect();
        if self.last_lane_first {
            lanes.reverse();
        }
        let mut wave = Wave { valid: i.read, address: front.value, tags: i.tags };
        let (mut elements, mut waves) = (Vec::new(), Vec::new());
        for (lane, element) in lanes {
            let input = BankIn { write: enters, write_address: tail.value, write_element: element, wave };
            let output = m.instance(&format!("bank_{lane}"), &bank, input);
            wave = output.next_wave.clone();
            elements.push(output.element);
            waves.push(output.next_wave);
        }
        let leaves = wave.valid;
        up_down(m, used, enters, leaves);
        up_down(m, available, enters, i.claim);
        BufferOut { elements, waves, available: *available }
    }
}
