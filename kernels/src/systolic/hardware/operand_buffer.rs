//! Operand memories: a bank for each lane, written by a stream and read in a wave that skews the lanes.
//!
//! A wave enters at lane 0 and reaches lane *n* after *n* cycles, so the word at one address leaves the buffer diagonally, as a
//! systolic array wants it, without a triangle of registers.

use systole_hdl::library::{counter, up_down};
use systole_hdl::prelude::*;

bundle! {
    /// One read on its way through the lanes.
    pub struct Wave {
        /// One bit: an element is shown.
        valid: Signal,
        /// One bit: it is read anew; otherwise the one read last is shown again. `None` if each is read anew.
        fetch: Option<Signal>,
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
    /// Whether an element can be shown several times.
    pub repeats: bool,
    /// Whether a register stands behind the memory.
    pub registered: bool,
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
        /// The element of the wave of a cycle ago, or with a register of two cycles ago; zero if there was none.
        element: Signal,
        /// The wave of a cycle ago, for the next lane.
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
                fetch: self.repeats.then(|| port(Type::BIT)),
                address: port(Type::index(self.depth)),
                tags: (self.tags > 0).then(|| port(Type::Bits(self.tags))),
            },
        }
    }

    fn build(&self, m: Module, i: BankIn) -> BankOut {
        let words = m.memory("words", self.depth, self.element);
        words.write(i.write_address, i.write_element, i.write);
        let word = words.read_registered(i.wave.address, reads(i.wave.valid, i.wave.fetch), Collision::Undefined);
        let next_wave = i.wave.next(m, "q");
        let element = next_wave.valid.mux(word, constant(self.element, 0));
        BankOut { element: if self.registered { m.delay("element_q", element) } else { element }, next_wave }
    }
}

/// One bit: a word is read, not only shown again.
fn reads(valid: Signal, fetch: Option<Signal>) -> Signal {
    fetch.map_or(valid, |fetch| valid & fetch)
}

impl Wave {
    /// The wave a cycle later.
    fn next(&self, m: Module, suffix: &str) -> Wave {
        let later = |name: &str, signal: Signal| m.delay(&format!("{name}_{suffix}"), signal);
        Wave {
            valid: later("valid", self.valid),
            fetch: self.fetch.map(|fetch| later("fetch", fetch)),
            address: later("address", self.address),
            tags: self.tags.map(|tags| later("tags", tags)),
        }
    }
}

/// The banks of all lanes behind a stream: a queue of `depth` words that are read in the order in which they came.
///
/// A word of the stream holds an element for each lane, lane 0 at the least significant end. Its place is free again when the wave has
/// left the last row.
#[derive(Clone, Debug)]
pub struct OperandBuffer {
    /// The rows of the array at which the wave meets the lanes, in ascending order.
    pub stations: Vec<u32>,
    /// Rows that the wave runs through, each in a cycle.
    pub rows: u32,
    /// Type of an element.
    pub element: Type,
    /// Words.
    pub depth: u32,
    /// Bits that travel with a read.
    pub tags: u32,
    /// Whether an element can be shown several times.
    pub repeats: bool,
    /// Whether the wave meets the highest lane first.
    pub last_lane_first: bool,
    /// Whether a register stands behind each memory: block RAM is slow to read, and a multiplier behind it would make a long cycle.
    pub registered: bool,
}

impl OperandBuffer {
    /// A buffer with a lane for each of `rows` rows, whose words are read once, from lane 0 on.
    pub fn by_row(rows: u32, element: Type, depth: u32) -> OperandBuffer {
        OperandBuffer {
            stations: (0..rows).collect(),
            rows,
            element,
            depth,
            tags: 0,
            repeats: false,
            last_lane_first: false,
            registered: false,
        }
    }
}

bundle! {
    /// What enters an [`OperandBuffer`].
    pub struct BufferIn {
        /// Words to keep.
        up: Stream,
        /// One bit: a stored word is promised and no longer counts as available.
        claim: Signal,
        /// One bit: a word starts its wave: the next one, or if elements can be shown several times the next one only if `fetch`.
        read: Signal,
        /// One bit: it is the next word, otherwise the last one again.
        fetch: Option<Signal>,
        /// What travels with that wave.
        tags: Option<Signal>,
    }
}
bundle! {
    /// The wave at a row of the array.
    pub struct RowWave {
        /// One bit: an element is shown.
        valid: Signal,
        /// What travels with it.
        tags: Option<Signal>,
    }
}
bundle! {
    /// What leaves an [`OperandBuffer`].
    pub struct BufferOut {
        /// An element for each lane in the order in which the wave meets them: one at row *r* follows *r* + 1 cycles after `read`, with
        /// registers *r* + 2.
        elements: Vec<Signal>,
        /// The wave at each row, beside the elements there.
        waves: Vec<RowWave>,
        /// Words stored and not promised.
        available: Signal,
    }
}

impl Component for OperandBuffer {
    type In = BufferIn;
    type Out = BufferOut;

    fn inputs(&self) -> BufferIn {
        BufferIn {
            up: Stream::port(Type::Bits(self.stations.len() as u32 * self.element.width())),
            claim: port(Type::BIT),
            read: port(Type::BIT),
            fetch: self.repeats.then(|| port(Type::BIT)),
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
        let front = counter(m, "front", self.depth, reads(i.read, i.fetch));
        let mut wave = Wave { valid: i.read, fetch: i.fetch, address: front.value, tags: i.tags };

        let bank =
            OperandBank { element: self.element, depth: self.depth, tags: self.tags, repeats: self.repeats, registered: self.registered };
        let elements = i.up.data.lanes(self.element, self.stations.len() as u32);
        let mut lanes: Vec<(usize, Signal)> = elements.into_iter().enumerate().collect();
        if self.last_lane_first {
            lanes.reverse();
        }
        let mut lanes = lanes.into_iter().zip(&self.stations).peekable();
        let (mut elements, mut waves) = (Vec::new(), Vec::new());
        for row in 0..self.rows {
            let mut next_wave = None;
            while let Some(((lane, element), _)) = lanes.next_if(|(_, station)| **station == row) {
                let input = BankIn { write: enters, write_address: tail.value, write_element: element, wave: wave.clone() };
                let output = m.instance(&format!("bank_{lane}"), &bank, input);
                elements.push(output.element);
                next_wave = Some(output.next_wave);
            }
            wave = next_wave.unwrap_or_else(|| wave.next(m, &format!("at_{row}")));
            let shown = |name: &str, signal: Signal| if self.registered { m.delay(&format!("{name}_shown_{row}"), signal) } else { signal };
            waves.push(RowWave { valid: shown("valid", wave.valid), tags: wave.tags.map(|tags| shown("tags", tags)) });
        }
        let leaves = reads(wave.valid, wave.fetch);
        up_down(m, used, enters, leaves);
        up_down(m, available, enters, i.claim);
        BufferOut { elements, waves, available: *available }
    }
}
